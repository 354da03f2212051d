//! What an import did: the facts of the summary, and the verdict that becomes the exit code.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::options::MaxRejects;
use super::segment::Inexact;
use crate::error::{Error, ErrorKind, InputFault, Result};
use crate::input::STDIN;
use crate::schema::{PartitionKey, RawTable};
use crate::store::{Failure, partition_name};

/// What became of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceState {
    /// Read to its end.
    Read,
    /// The same content as an earlier source of this run: its rows are not stored twice.
    SameAs(u32),
    /// Cut or corrupt: none of its rows is published (decision 21). The text says where.
    Corrupt(String),
}

/// One input, or a pair that is read in step.
#[derive(Clone, Debug)]
pub struct SourceReport {
    /// The input.
    pub path: PathBuf,
    /// The dialect.
    pub dialect: String,
    /// How records become rows.
    pub record_rule: &'static str,
    /// XXH3-128 of the decompressed bytes; 0 if the source is corrupt.
    pub digest: u128,
    /// Decompressed bytes.
    pub bytes: u64,
    /// Records read.
    pub records: u64,
    /// Records of which every row could be stored.
    pub stored: u64,
    /// Records that could not be stored.
    pub rejected: u64,
    /// Records skipped, by rule.
    pub skipped: BTreeMap<&'static str, u64>,
    /// Facts that the dialect reports.
    pub notes: BTreeMap<&'static str, u64>,
    /// Rows by fate, for each table.
    pub rows: BTreeMap<RawTable, RowFates>,
    /// What became of it.
    pub state: SourceState,
}

/// What became of the rows of one source in one table: `parsed` is the sum of the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowFates {
    /// Rows that the dialect made.
    pub parsed: u64,
    /// Published.
    pub stored: u64,
    /// Their partition lists the source already.
    pub already: u64,
    /// In the clock range of stored rows of another source, skipped by `--overlap skip`.
    pub overlapping: u64,
    /// Equal to the row before them, skipped by `--dedupe`.
    pub duplicate: u64,
    /// Their partition was refused (see [`ImportReport::refused`]).
    pub refused: u64,
    /// Not exact in their column (decision 13).
    pub inexact: u64,
    /// Of a source that is corrupt or the same as another.
    pub dropped: u64,
}

impl RowFates {
    /// Whether every parsed row has one fate.
    #[must_use]
    pub fn balanced(&self) -> bool {
        let left_out = self.already + self.overlapping + self.duplicate + self.refused + self.inexact + self.dropped;
        self.parsed == self.stored + left_out
    }
}

/// A table over all its partitions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableReport {
    /// Rows written by this run, stored rows that were written again not counted.
    pub rows: u64,
    /// Partitions published.
    pub partitions: u64,
    /// Rows before the row in front of them in the source (same partition).
    pub out_of_order: u64,
    /// How far, at most, a row lies behind the latest row before it, in nanoseconds.
    pub latest_ns: u64,
    /// Rows equal to the row before them in all but the source position.
    pub duplicates: u64,
    /// Stored rows that gave way to new ones (`--overlap replace`).
    pub replaced: u64,
}

/// What an import did.
#[derive(Clone, Debug, Default)]
pub struct ImportReport {
    /// The sources, in order.
    pub sources: Vec<SourceReport>,
    /// The tables.
    pub tables: BTreeMap<RawTable, TableReport>,
    /// Partitions published.
    pub published: u64,
    /// Partitions that hold all their rows already.
    pub up_to_date: u64,
    /// Partitions left as they were, with the reason.
    pub refused: Vec<(PartitionKey, String)>,
    /// Names of the files in `quarantine/` that this run wrote.
    pub quarantine: Vec<String>,
    /// The limit that was set.
    pub max_rejects: MaxRejects,
    /// Rows that came in order and were encoded while reading; the others were sorted and merged.
    pub encoded_rows: u64,
    /// Bytes of sorted runs in scratch files.
    pub spilled_bytes: u64,
    /// Wall time of reading and parsing.
    pub read_time: Duration,
    /// Wall time of merging and publishing.
    pub write_time: Duration,
    /// Largest resident memory of the process in bytes, 0 if the system does not tell.
    pub peak_memory: u64,
}

impl ImportReport {
    /// Records with a row that the merge refused become rejected records; their other rows stay stored.
    pub(super) fn count_inexact(&mut self, rows: &mut [Inexact]) {
        rows.sort_by_key(|row| (row.source, row.record));
        for record in rows.chunk_by(|a, b| (a.source, a.record) == (b.source, b.record)) {
            if let Some(report) = record.first().and_then(|row| self.sources.get_mut(row.source as usize)) {
                report.stored = report.stored.saturating_sub(1);
                report.rejected += 1;
            }
        }
    }

    /// Records of all sources.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.sources.iter().map(|s| s.records).sum()
    }

    /// Rejected records of all sources.
    #[must_use]
    pub fn rejected(&self) -> u64 {
        self.sources.iter().map(|s| s.rejected).sum()
    }

    /// True if every record and every row has one fate.
    #[must_use]
    pub fn balanced(&self) -> bool {
        self.sources.iter().all(|s| {
            let skipped: u64 = s.skipped.values().sum();
            s.records == s.stored + s.rejected + skipped && s.rows.values().all(RowFates::balanced)
        })
    }

    /// The sources that have a name and were read to their end.
    pub(super) fn named_sources(&self) -> impl Iterator<Item = (u128, &Path)> {
        let whole = self.sources.iter().filter(|s| s.state == SourceState::Read && s.path.as_os_str() != STDIN);
        whole.map(|source| (source.digest, source.path.as_path()))
    }

    /// What `status` tells afterwards: refused partitions and corrupt sources, with the reasons.
    pub(super) fn failures(&self) -> Vec<Failure> {
        let refused =
            self.refused.iter().map(|(key, reason)| Failure { subject: partition_name(key), reason: reason.clone() });
        let corrupt = self.sources.iter().filter_map(|source| match &source.state {
            SourceState::Corrupt(reason) => {
                let name = source.path.file_name().unwrap_or(source.path.as_os_str());
                Some(Failure { subject: name.to_string_lossy().into_owned(), reason: reason.clone() })
            }
            _ => None,
        });
        refused.chain(corrupt).collect()
    }

    /// `Ok` if all went well, else the error whose exit code the program ends with: a corrupt source first, then
    /// refused partitions, then rejects over the limit.
    ///
    /// # Errors
    /// `Input`, `Findings`.
    pub fn verdict(&self) -> Result<()> {
        for source in &self.sources {
            if let SourceState::Corrupt(reason) = &source.state {
                return Err(Error::input(InputFault {
                    path: source.path.clone(),
                    expected: "a whole source".to_owned(),
                    got: reason.clone().into_bytes(),
                    advice: format!("{} records were read and none of them is published", source.records),
                    ..InputFault::default()
                }));
            }
        }
        let findings = |what: String| Err(Error::new(ErrorKind::Findings { what }));
        if let Some((key, reason)) = self.refused.first() {
            return findings(format!(
                "{} partitions were left as they were, the first is {} {} {}: {reason}",
                self.refused.len(),
                key.venue,
                key.security,
                key.date
            ));
        }
        let (rejected, records) = (self.rejected(), self.records());
        if self.max_rejects.exceeded(rejected, records) {
            return findings(format!(
                "{rejected} of {records} records were rejected; the others are stored (see quarantine/, or allow it \
                 with --max-rejects)"
            ));
        }
        Ok(())
    }
}
