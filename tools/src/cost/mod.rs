//! What a row costs in compute: by family (`cargo tools families`), by the length of partition and window (`cargo tools flat`), on
//! one thread and on two (`cargo tools scaling`).
//!
//! All of them run the real program over a generated store with `--output null`, so that nothing but reading and computing is timed,
//! and take the least of several rounds. What was read and made is checked against what was generated.

mod families;
mod flat;
mod market;
mod scaling;

use std::fs;
use std::path::{Path, PathBuf};

pub(crate) use families::run as families;
pub(crate) use flat::run as flat;
pub(crate) use scaling::run as scaling;

use market::Shape;

use crate::program::watched;

/// What a run of the program said of itself.
#[derive(Clone, Debug)]
struct Cost {
    cpu_ms: f64,
    wall_ms: f64,
    /// Anonymous memory of a worker.
    anonymous: u64,
    /// Every total by name.
    totals: serde_json::Value,
}

impl Cost {
    fn total(&self, name: &str) -> u64 {
        self.totals[name].as_u64().unwrap_or(0)
    }
}

/// A generated store that goes away at the end.
struct Stored {
    folder: PathBuf,
    shape: Shape,
}

impl Stored {
    fn new(dir: &Path, shape: Shape) -> Result<Self, String> {
        let folder = dir.join(format!("hftcol-cost-{}-{}", std::process::id(), shape.rows));
        let stored = Self { folder, shape };
        market::publish(&stored.folder, shape).map_err(|e| format!("{}: {e}", stored.folder.display()))?;
        Ok(stored)
    }

    /// Runs compute over all of it; every snapshot and trade must have been read where the tables need them.
    fn compute(&self, program: &Path, threads: usize, options: &[&str]) -> Result<Cost, String> {
        let store = self.folder.to_string_lossy().into_owned();
        let mut words: Vec<String> = ["compute", "--output", "null", "--threads"].map(str::to_owned).to_vec();
        words.extend([threads.to_string(), "--store".to_owned(), store]);
        words.extend(options.iter().map(|word| (*word).to_owned()));
        let run = watched(program, &words)?;
        if run.code != Some(0) {
            return Err(format!("{options:?}: exit {:?}: {}", run.code, run.said));
        }
        let number = |name: &str| run.report[name].as_u64().unwrap_or(0);
        let cost = Cost {
            cpu_ms: number("cpu_ms") as f64,
            wall_ms: number("wall_ms") as f64,
            anonymous: number("anonymous_bytes_per_worker"),
            totals: run.report.clone(),
        };
        let rows = (self.shape.partitions * self.shape.rows) as u64;
        let read = cost.total("two_sided") + cost.total("one_sided");
        let is_book_read = run.report["two_sided"].is_u64();
        if cost.total("book_rows_in") != rows || (is_book_read && read != rows) {
            return Err(format!("{options:?}: {read} of {rows} snapshots: {}", run.report));
        }
        Ok(cost)
    }

    /// The cheapest of several rounds by CPU time; all must give the same rows.
    fn least(&self, program: &Path, threads: usize, options: &[&str], rounds: usize) -> Result<Cost, String> {
        let mut best: Option<Cost> = None;
        for _ in 0..rounds.max(1) {
            let cost = self.compute(program, threads, options)?;
            if best.as_ref().is_some_and(|best| best.total("rows_out") != cost.total("rows_out")) {
                return Err(format!("{options:?}: two runs give other rows"));
            }
            best = Some(best.filter(|best| best.cpu_ms <= cost.cpu_ms).unwrap_or(cost));
        }
        best.ok_or_else(|| "no round".to_owned())
    }
}

impl Drop for Stored {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// Gigahertz of the first core, as the kernel says it now.
fn gigahertz() -> f64 {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("cpu MHz"));
    let megahertz = line.and_then(|line| line.split(':').nth(1)?.trim().parse::<f64>().ok());
    megahertz.map_or(f64::NAN, |mhz| mhz / 1e3)
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
