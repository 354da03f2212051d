//! `cargo tools flat`: what a row costs, and what memory a worker takes, in short and long partitions and with short and long windows.

use std::path::PathBuf;

use super::market::Shape;
use super::{Cost, Stored, mebibytes};
use crate::arguments::Arguments;
use crate::crash::build;

/// Seconds of the one window of each run.
const WINDOWS: [&str; 2] = ["5", "900"];
/// Anonymous memory of a worker at most.
const MEMORY: u64 = 32 << 20;
/// A day of 10^7 snapshots.
const SPACING_NS: i64 = 8_000_000;

pub(crate) fn run(words: &[String]) -> Result<(), String> {
    let mut arguments = Arguments::new(words);
    let short: usize = arguments.take("--short")?.unwrap_or(100_000);
    let long: usize = arguments.take("--long")?.unwrap_or(10_000_000);
    let rounds: usize = arguments.take("--rounds")?.unwrap_or(3);
    let dir: PathBuf = arguments.take("--dir")?.unwrap_or_else(std::env::temp_dir);
    let program: Option<PathBuf> = arguments.take("--program")?;
    arguments.finish()?;
    let program = program.map_or_else(build, Ok)?;
    println!("every column, one window, one thread, least of {rounds}");
    println!("{:>12} {:>10} {:>12} {:>14}", "rows", "window", "ns/row", "MiB a worker");
    let mut costs: Vec<(f64, u64)> = Vec::new();
    for rows in [short, long] {
        let stored = Stored::new(&dir, Shape { partitions: 1, rows, spacing_ns: SPACING_NS })?;
        let mut runs: Vec<Cost> = Vec::new();
        for window in WINDOWS {
            let cost = stored.least(&program, 1, &["--horizons", window], rounds)?;
            let ns = cost.cpu_ms * 1e6 / rows as f64;
            println!("{rows:>12} {:>10} {ns:>12.0} {:>14.1}", format!("{window} s"), mebibytes(cost.anonymous));
            costs.push((ns, cost.anonymous));
            runs.push(cost);
        }
        for name in ["rows_out", "book_rows_out", "trades_rows_out", "trades_used", "gaps"] {
            if runs.iter().any(|run| run.total(name) != runs[0].total(name)) {
                return Err(format!("{rows} rows: {name} depends on the window"));
            }
        }
    }
    let ratio = |a: usize, b: usize| costs[b].0 / costs[a].0;
    println!("{long} rows cost {:.2} and {:.2} times as much a row as {short}", ratio(0, 2), ratio(1, 3));
    println!("900 s cost {:.2} and {:.2} times as much a row as 5 s", ratio(0, 1), ratio(2, 3));
    match costs.iter().map(|(_, memory)| *memory).max() {
        Some(most) if most > MEMORY => Err(format!("{:.1} MiB a worker", mebibytes(most))),
        _ => Ok(()),
    }
}
