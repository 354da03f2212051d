//! What an import is told, and what it tells while it runs.

use std::path::{Path, PathBuf};

use crate::exec::Interrupt;
use crate::input::Encoding;
use crate::limits;
use crate::schema::PartitionKey;
use crate::storage::Sandbox;
use crate::vendor::SourceOptions;

/// Everything an import needs to know. The defaults are those of the command line.
#[derive(Clone, Debug)]
pub struct ImportOptions {
    /// The store's folder, made if absent.
    pub store: PathBuf,
    /// Files, folders, patterns; `-` is standard input.
    pub inputs: Vec<PathBuf>,
    /// `auto`, the name of a dialect, or the path of a mapping file.
    pub format: String,
    /// What the data does not say: venue, security, date, zones, clock, levels.
    pub source: SourceOptions,
    /// How the text of the inputs is encoded.
    pub encoding: Encoding,
    /// Bytes that the process may hold, all in; at least [`limits::MEMORY_MIN`].
    pub memory: u64,
    /// Decompressed bytes that one input may have; without a limit if `None`.
    pub max_input_bytes: Option<u64>,
    /// Parsing threads; 0 for one a core.
    pub threads: usize,
    /// What happens to records that cannot be stored.
    pub on_error: OnError,
    /// How many rejected records are no finding.
    pub max_rejects: MaxRejects,
    /// What happens to rows in the clock range of stored rows of another source.
    pub overlap: Overlap,
    /// Leave out rows that repeat the row before them in the partition: same clock, equal in all but the source position.
    pub dedupe: bool,
    /// Import nothing new: write damaged partitions again from their sources, byte for byte as they were.
    pub repair: bool,
    /// Let root write into a store that belongs to another user.
    pub allow_foreign: bool,
    /// Wait for another run's lock instead of failing.
    pub wait: bool,
    /// Confines the process to the inputs and the store, once they are open.
    pub sandbox: Sandbox,
    /// Stops the import between two steps.
    pub interrupt: Interrupt,
    /// Sizes that tests set; the stored files do not depend on them.
    pub tuning: Tuning,
}

impl Default for ImportOptions {
    fn default() -> Self {
        Self {
            store: PathBuf::new(),
            inputs: Vec::new(),
            format: "auto".to_owned(),
            source: SourceOptions::default(),
            encoding: Encoding::default(),
            memory: limits::MEMORY_DEFAULT,
            max_input_bytes: None,
            threads: 0,
            on_error: OnError::default(),
            max_rejects: MaxRejects::default(),
            overlap: Overlap::default(),
            dedupe: false,
            repair: false,
            allow_foreign: false,
            wait: false,
            sandbox: Sandbox::default(),
            interrupt: Interrupt::default(),
            tuning: Tuning::default(),
        }
    }
}

/// Sizes that follow from the memory budget unless they are given.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tuning {
    /// Bytes of one run buffer.
    pub run_buffer_bytes: Option<usize>,
    /// Bytes of one chunk.
    pub chunk_bytes: Option<usize>,
    /// Run files merged at once.
    pub fan_in: Option<usize>,
    /// Bytes of open rows in the fast way for rows in order; 0 takes every row the general way.
    pub open_bytes: Option<usize>,
    /// Bytes that are kept in memory of blocks encoded in the fast way.
    pub index_bytes: Option<usize>,
}

/// What happens to records that cannot be stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnError {
    /// They are kept in a file under `quarantine/`.
    #[default]
    Quarantine,
    /// They are counted.
    Skip,
    /// The import ends and publishes nothing.
    Fail,
}

/// How many rejected records an import accepts (decision 18).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MaxRejects {
    /// A number of records.
    Count(u64),
    /// A share of all records, in percent.
    Percent(f64),
}

impl Default for MaxRejects {
    fn default() -> Self {
        Self::Count(0)
    }
}

impl MaxRejects {
    /// Parses `N` or `P%`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.strip_suffix('%') {
            Some(percent) => {
                let percent: f64 = percent.parse().ok()?;
                (0.0..=100.0).contains(&percent).then_some(Self::Percent(percent))
            }
            None => text.parse().ok().map(Self::Count),
        }
    }

    /// Whether `rejected` of `records` is too many.
    #[must_use]
    pub fn exceeded(self, rejected: u64, records: u64) -> bool {
        match self {
            Self::Count(limit) => rejected > limit,
            Self::Percent(limit) => rejected as f64 > limit / 100.0 * records as f64,
        }
    }
}

/// What happens to rows in the clock range of stored rows of another source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overlap {
    /// The partition is left as it is and reported; the others go on.
    #[default]
    Error,
    /// The new rows are skipped and counted.
    Skip,
    /// The rows take the place of the stored ones in their clock range.
    Replace,
    /// Of equal rows (all columns but the source position) there are as many as the source with the most of them has.
    Union,
}

/// What happens while an import runs, for progress bars and logs.
#[derive(Debug)]
pub enum Event<'a> {
    /// An input was recognised.
    Recognised {
        /// The input.
        path: &'a Path,
        /// The dialect.
        dialect: &'a str,
        /// Why.
        reason: &'a str,
    },
    /// Inputs are being read.
    Reading {
        /// Bytes of the inputs taken in so far, as they lie on disk.
        bytes: u64,
        /// Bytes of all inputs on disk, 0 if unknown.
        total: u64,
        /// Records so far.
        records: u64,
    },
    /// Partitions are being written.
    Writing {
        /// Rows written so far.
        rows: u64,
        /// Rows in all.
        total: u64,
    },
    /// A table of a partition is durable.
    Published {
        /// Table.
        table: &'a str,
        /// Partition.
        key: &'a PartitionKey,
        /// Rows of the table now.
        rows: u64,
    },
    /// A partition holds all rows of the inputs already.
    UpToDate {
        /// Partition.
        key: &'a PartitionKey,
    },
    /// Something to know that stops nothing.
    Warning(&'a str),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_counts_or_shares() {
        assert_eq!(MaxRejects::parse("12"), Some(MaxRejects::Count(12)));
        assert_eq!(MaxRejects::parse("0.5%"), Some(MaxRejects::Percent(0.5)));
        for text in ["", "%", "-1", "101%", "NaN%", "a"] {
            assert_eq!(MaxRejects::parse(text), None);
        }
        assert!(!MaxRejects::Percent(1.0).exceeded(1, 100));
        assert!(MaxRejects::Percent(1.0).exceeded(2, 100));
        assert!(MaxRejects::default().exceeded(1, 100));
    }
}
