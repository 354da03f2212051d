//! What a plan would cost, before anything is run: tables, columns, rows, time and memory.
//!
//! The time is a sum over families of nanoseconds a row, as `cargo tools families` measures them on one core; a machine
//! may be twice as fast or slow. The memory is what the arenas hold that would be allocated.

use std::time::Duration;

use super::options::ComputeOptions;
use super::plan::RunPlan;
use crate::error::Result;
use crate::feature::{self, Entry, PartitionPlan, TableShape};
use crate::sink::{Format, Role};

/// Nanoseconds a snapshot or trade for reading, decoding and merging it: measured, as those of families are, by `cargo tools families` on
/// one core of the machine that `docs/benchmarks.md` names. Those of values and formats below are rough.
const READ_NS: f64 = 180.0;
/// Nanoseconds a row for each family, where it is far from [`FAMILY_NS`].
const FAMILIES_NS: &[(&str, f64)] = &[
    ("raw_levels", 80.0),
    ("quote", 55.0),
    ("concentration", 75.0),
    ("bands", 65.0),
    ("level_index", 85.0),
    ("slope_reg", 45.0),
    ("rolling", 880.0),
    ("rolling_stats", 380.0),
    ("rolling_seed", 160.0),
    ("spread_state", 120.0),
    ("impact", 180.0),
    ("steadiness", 190.0),
    ("trade_impact", 160.0),
    ("trade_rolling", 310.0),
    ("bar_trades", 95.0),
];
/// Nanoseconds a row of any other family.
const FAMILY_NS: f64 = 20.0;
/// Nanoseconds a written value, and bytes it takes at most.
const VALUE_NS: f64 = 2.0;
const VALUE_BYTES: u64 = 8;
/// The same for formats other than our own: they are made from the sealed file.
const EXPORT_NS: f64 = 12.0;
/// Seconds of a date.
const DAY_S: u64 = 86_400;

/// A table that would be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableEstimate {
    /// Its name.
    pub name: String,
    /// Its columns, keys included, in a partition that has all levels.
    pub columns: usize,
    /// Partitions that get it.
    pub partitions: u64,
    /// Rows in all of them, at most: exact for `book` and `trades` where every row is written.
    pub rows: u64,
}

/// What a run would do and need.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Estimate {
    /// Tables, by name.
    pub tables: Vec<TableEstimate>,
    /// CPU time, roughly.
    pub cpu: Duration,
    /// Bytes written at most, as `hftc`.
    pub bytes_out: u64,
    /// Anonymous memory of a worker: its arena, and what other formats need besides.
    pub bytes_per_worker: u64,
    /// The same for all workers.
    pub bytes_total: u64,
}

impl Estimate {
    /// Sums up a plan.
    ///
    /// # Errors
    /// `Usage` for a configuration that cannot be.
    pub(super) fn new(
        options: &ComputeOptions,
        plan: &RunPlan,
        formats: &[&'static dyn Format],
        (threads, bytes_per_worker): (usize, u64),
    ) -> Result<Self> {
        let shape = TableShape::largest(options.features.levels);
        let widest = PartitionPlan::new(&options.features, &shape)?;
        let mut tables: Vec<TableEstimate> = (0..widest.len())
            .map(|number| TableEstimate {
                name: widest.name(number),
                columns: widest.schema(number).columns.len(),
                partitions: 0,
                rows: 0,
            })
            .collect();
        let entries = feature::select(&options.features)?;
        let mut nanoseconds = 0.0;
        let exports = formats.iter().filter(|format| format.role() == Role::Export).count() as f64;
        let value_ns = if formats.is_empty() { 0.0 } else { VALUE_NS + exports * EXPORT_NS };
        for job in &plan.jobs {
            let (task, outcome) = (&job.task, &plan.outcomes[job.task.outcome]);
            let (snapshots, trades) = (outcome.book_rows_in(), outcome.trade_rows_in());
            nanoseconds += READ_NS * (snapshots + trades) as f64;
            for table in tables.iter_mut().filter(|table| task.tables.contains(&table.name)) {
                let rows = rows_at_most(&table.name, snapshots, trades);
                table.partitions += 1;
                table.rows += rows;
                nanoseconds += value_ns * rows as f64 * table.columns as f64;
            }
            nanoseconds += families_ns(&entries, (snapshots, trades));
        }
        tables.retain(|table| table.partitions > 0);
        tables.sort_by(|a, b| a.name.cmp(&b.name));
        let values: u64 = tables.iter().map(|table| table.rows.saturating_mul(table.columns as u64)).sum();
        Ok(Self {
            tables,
            cpu: Duration::from_secs_f64(nanoseconds / 1e9),
            bytes_out: values.saturating_mul(VALUE_BYTES),
            bytes_per_worker,
            bytes_total: bytes_per_worker.saturating_mul(threads as u64),
        })
    }
}

/// Rows that a table can have: as many as its input, or as many bars as fit into a date.
fn rows_at_most(table: &str, snapshots: u64, trades: u64) -> u64 {
    let seconds = table.rsplit_once('_').and_then(|(_, last)| last.strip_suffix('s')?.parse::<u64>().ok());
    match (table, seconds) {
        ("book", _) => snapshots,
        (_, Some(seconds @ 1..)) => DAY_S.div_ceil(seconds).min(snapshots + trades),
        _ => trades,
    }
}

/// The families that are selected, at what they cost a row of their table.
fn families_ns(entries: &[Entry], (snapshots, trades): (u64, u64)) -> f64 {
    let mut nanoseconds = 0.0;
    let mut before = None;
    for entry in entries {
        let family = (entry.family.table, entry.family.name);
        if before.replace(family) == Some(family) {
            continue;
        }
        let rows = if family.0 == "trades" || family.0.ends_with("_bars") { trades } else { snapshots };
        let known = FAMILIES_NS.iter().find(|(name, _)| *name == family.1);
        nanoseconds += known.map_or(FAMILY_NS, |(_, ns)| *ns) * rows as f64;
    }
    nanoseconds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_a_table_are_bounded_by_its_input_and_by_the_date() {
        assert_eq!(rows_at_most("book", 10, 3), 10);
        assert_eq!(rows_at_most("trades", 10, 3), 3);
        assert_eq!(rows_at_most("volume_bars", 10, 3), 3);
        assert_eq!(rows_at_most("bars_3600s", 1_000_000, 3), 24);
        assert_eq!(rows_at_most("bars_60s", 10, 3), 13);
    }

    #[test]
    fn costs_are_of_families_that_there_are() {
        for (name, ns) in FAMILIES_NS {
            assert!(feature::FAMILIES.iter().any(|family| family.name == *name) && *ns > 0.0, "{name}");
        }
    }
}
