//! `cargo tools families`: rows a second and cycles a row of every family by itself, beside a run that computes next to nothing.

use std::path::PathBuf;

use hftcol::feature::{FAMILIES, Family};

use super::market::Shape;
use super::{Cost, Stored, gigahertz};
use crate::arguments::Arguments;
use crate::crash::build;

pub(crate) fn run(words: &[String]) -> Result<(), String> {
    let mut arguments = Arguments::new(words);
    let rows: usize = arguments.take("--rows")?.unwrap_or(1_000_000);
    let rounds: usize = arguments.take("--rounds")?.unwrap_or(5);
    let dir: PathBuf = arguments.take("--dir")?.unwrap_or_else(std::env::temp_dir);
    let program: Option<PathBuf> = arguments.take("--program")?;
    arguments.finish()?;
    let program = program.map_or_else(build, Ok)?;
    let stored = Stored::new(&dir, Shape { partitions: 1, rows, spacing_ns: 50_000_000 })?;
    let ghz = gigahertz();
    println!("one thread, one partition of {rows} snapshots and {} trades, least of {rounds}; {ghz:.2} GHz", rows / 2);
    println!("{:<14} {:<18} {:>10} {:>12} {:>12}", "table", "family", "M rows/s", "ns/row more", "cycles/row");
    let mut bases: Vec<(String, Cost)> = Vec::new();
    for family in FAMILIES.iter().filter(|family| !needs_changes(family)) {
        // Tables of one length stand for all, and those that need a parameter get one.
        let (tables, more) = options(family);
        let base = match bases.iter().find(|(of, _)| *of == tables) {
            Some((_, cost)) => cost.clone(),
            None => {
                let cost = stored.least(&program, 1, &[&base_options(&tables)[..], &more].concat(), rounds)?;
                print(&tables, "(reading, merging)", rows, (cost.cpu_ms, 0.0), ghz);
                bases.push((tables.clone(), cost.clone()));
                cost
            }
        };
        let name = format!("{}.{}", family.table, family.name);
        let chosen = [&["--tables", &tables, "--features", &name][..], &more].concat();
        let cost = stored.least(&program, 1, &chosen, rounds)?;
        if tables == "book" && cost.total("book_rows_out") != rows as u64 {
            return Err(format!("{name}: {} rows of {rows}", cost.total("book_rows_out")));
        }
        print(&tables, family.name, rows, (cost.cpu_ms, base.cpu_ms), ghz);
    }
    let cost = stored.least(&program, 1, &[], rounds)?;
    print("all", "(every column)", rows, (cost.cpu_ms, 0.0), ghz);
    Ok(())
}

/// Families that are made of order messages or level changes, which the generated store lacks.
fn needs_changes(family: &Family) -> bool {
    family.table == "orders" || family.name == "bar_events"
}

/// The table of a family on the command line, and what makes it exist.
fn options(family: &Family) -> (String, Vec<&'static str>) {
    match family.table {
        "bars" => ("bars_60s".to_owned(), vec!["--bars", "60"]),
        "event_bars" => ("tick_bars".to_owned(), vec!["--tick-bars", "50"]),
        // Columns that exist under the names of the seed only.
        table if family.name.ends_with("_seed") => (table.to_owned(), vec!["--names", "seed"]),
        table => (table.to_owned(), Vec::new()),
    }
}

/// The cheapest column of a table.
fn base_options(tables: &str) -> Vec<&str> {
    let column = match tables {
        "book" => "book.mid",
        "trades" => "trades.price",
        _ => "*.trade_count",
    };
    vec!["--tables", tables, "--features", column]
}

fn print(table: &str, family: &str, rows: usize, (cpu_ms, base_ms): (f64, f64), ghz: f64) {
    let more_ns = (cpu_ms - base_ms) * 1e6 / rows as f64;
    let speed = rows as f64 / 1e3 / cpu_ms.max(1.0);
    println!("{table:<14} {family:<18} {speed:>10.2} {more_ns:>12.1} {:>12.1}", more_ns * ghz);
}
