//! What a run says while it runs ([`Event`]) and when it has ended ([`ComputeReport`]).

use std::time::Duration;

use super::estimate::Estimate;
use super::plan::{DELTAS, ORDERS, TRADES};
use crate::exec::Pinned;
use crate::merge::MergeReport;
use crate::schema::{Clock, PartitionKey};

/// Progress, on the caller's thread.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The plan is made; nothing was read yet but manifests.
    Planned {
        /// Partitions that pass the filter.
        partitions: usize,
        /// Of them, those to compute.
        to_compute: usize,
        /// Rows in all of these.
        rows: u64,
    },
    /// A worker is ready.
    Worker {
        /// Its number.
        worker: usize,
        /// Asked and got.
        pinned: Pinned,
    },
    /// A partition was begun.
    Started {
        /// Which.
        key: &'a PartitionKey,
    },
    /// A partition was computed; it is not published yet.
    Computed {
        /// Which.
        key: &'a PartitionKey,
        /// Input rows done with it.
        rows: u64,
    },
    /// A table of a partition is durable.
    Published {
        /// The table.
        table: &'a str,
        /// Of this partition.
        key: &'a PartitionKey,
        /// Its rows.
        rows: u64,
    },
    /// A partition failed.
    Failed {
        /// Which.
        key: &'a PartitionKey,
        /// Why.
        reason: &'a str,
        /// True if it will be tried again.
        again: bool,
    },
}

/// What became of a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// To be computed (dry run, or stopped before it came to it).
    Pending,
    /// Its sealed output carries the fingerprint already.
    UpToDate,
    /// There is nothing to compute from; the reason.
    Skipped(String),
    /// Computed, and published where an output keeps anything.
    Done,
    /// Failed, with the reason.
    Failed(String),
}

/// The figures of one partition (section 6 of the contract).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionOutcome {
    /// Which.
    pub key: PartitionKey,
    /// What became of it.
    pub state: State,
    /// The table that served as the book.
    pub book_table: Option<&'static str>,
    /// The clock that ordered it.
    pub clock: Option<Clock>,
    /// It went on from the state of the date before.
    pub carried: bool,
    /// Rows by table read, as the manifest says.
    pub rows_in: Vec<(&'static str, u64)>,
    /// Rows by table written.
    pub rows_out: Vec<(String, u64)>,
    /// What the merge saw: gaps, crossed, locked, duplicate and late rows, trades after the last snapshot.
    pub merge: MergeReport,
    /// Bytes of the files read.
    pub bytes_in: u64,
    /// Bytes of the files written, all formats.
    pub bytes_out: u64,
    /// Wall time of the worker.
    pub wall: Duration,
    /// CPU time of the worker.
    pub cpu: Duration,
    /// Attempts made.
    pub attempts: u32,
}

impl PartitionOutcome {
    /// Stored rows of the table that serves as the book.
    #[must_use]
    pub fn book_rows_in(&self) -> u64 {
        self.rows_in_of(self.book_table)
    }

    /// Stored trades.
    #[must_use]
    pub fn trade_rows_in(&self) -> u64 {
        self.rows_in_of(Some(TRADES))
    }

    /// Stored messages about orders and level changes, where a selected table needs them.
    #[must_use]
    pub fn change_rows_in(&self) -> u64 {
        self.rows_in_of(Some(ORDERS)) + self.rows_in_of(Some(DELTAS))
    }

    fn rows_in_of(&self, wanted: Option<&str>) -> u64 {
        self.rows_in.iter().filter(|(table, _)| Some(*table) == wanted).map(|(_, rows)| rows).sum()
    }

    fn rows_out_of(&self, wanted: &str) -> Option<u64> {
        self.rows_out.iter().find(|(table, _)| table == wanted).map(|(_, rows)| *rows)
    }

    /// What does not add up in the rows of a computed partition; `emits_all` if every snapshot is written.
    pub(super) fn imbalance(&self, emits_all: bool) -> Option<String> {
        let m = &self.merge;
        let (book_rows, trade_rows) = (self.book_rows_in(), self.trade_rows_in());
        let trades_left = trade_rows.saturating_sub(m.trade_faults.skipped);
        let read = m.was_read;
        let sums = [
            ("snapshots stored", book_rows, read.then_some(m.book_rows + m.book_faults.skipped)),
            ("snapshots merged", m.book_rows, read.then_some(m.two_sided + m.one_sided)),
            ("trades left", trades_left, read.then_some(m.trades_used + m.trades_after_last)),
            ("snapshots merged and rows of book", m.book_rows, self.rows_out_of("book").filter(|_| emits_all)),
            ("trades left and rows of trades", trades_left, self.rows_out_of(TRADES)),
        ];
        let wrong = sums.into_iter().find(|(_, expected, found)| found.is_some_and(|found| found != *expected));
        wrong.map(|(what, expected, found)| {
            format!("rows do not add up, please report it: {what}: {expected} against {}", found.unwrap_or(0))
        })
    }
}

/// A whole run.
#[derive(Clone, Debug, Default)]
pub struct ComputeReport {
    /// Every partition that passed the filter, by key; with `carry_state` also earlier dates that had to be computed.
    pub partitions: Vec<PartitionOutcome>,
    /// Workers.
    pub threads: usize,
    /// What they asked for and got.
    pub pinned: Vec<Pinned>,
    /// Bytes that a worker's arena holds.
    pub arena_bytes: u64,
    /// What it would cost, of a dry run.
    pub estimate: Option<Estimate>,
    /// Anonymous memory of the process before the workers, in bytes.
    pub base_anonymous_bytes: u64,
    /// The largest seen while they worked, in bytes.
    pub peak_anonymous_bytes: u64,
    /// Wall time of the run.
    pub wall: Duration,
    /// CPU time of the process meanwhile.
    pub cpu: Duration,
    /// The signal that ended the run early.
    pub interrupted: Option<i32>,
}

impl ComputeReport {
    /// Partitions in a state.
    #[must_use]
    pub fn count(&self, wanted: impl Fn(&State) -> bool) -> usize {
        self.partitions.iter().filter(|p| wanted(&p.state)).count()
    }

    /// Partitions that failed.
    #[must_use]
    pub fn failed(&self) -> usize {
        self.count(|state| matches!(state, State::Failed(_)))
    }

    /// Anonymous memory of one worker at its peak, in bytes: what the run added, shared out.
    #[must_use]
    pub fn anonymous_bytes_per_worker(&self) -> u64 {
        let added = self.peak_anonymous_bytes.saturating_sub(self.base_anonymous_bytes);
        added / (self.threads.max(1) as u64)
    }
}
