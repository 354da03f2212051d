//! The bookkeeping of what is read: counts, rejects and order of each source, taken in source order.

use std::collections::{BTreeMap, HashMap};

use super::intake::SourceFacts;
use super::options::{ImportOptions, OnError};
use super::order::{Disorder, Stretch};
use super::rejects::Rejects;
use super::report::{RowFates, SourceReport, SourceState, TableReport};
use super::sources::Opened;
use crate::error::{Error, ErrorKind, Result};
use crate::input;
use crate::normalize::Reject;
use crate::partition::Scratch;
use crate::schema::RawTable;

/// What a parser tells of a chunk.
#[derive(Debug, Default)]
pub(crate) struct ChunkSummary {
    pub(crate) source: u32,
    /// Number of the chunk in its source.
    pub(crate) number: u64,
    pub(crate) records: u64,
    pub(crate) stored: u64,
    pub(crate) rejects: Vec<Reject>,
    pub(crate) skipped: BTreeMap<&'static str, u64>,
    pub(crate) notes: BTreeMap<&'static str, u64>,
    pub(crate) rows: BTreeMap<RawTable, u64>,
    pub(crate) order: Vec<(RawTable, u64, Stretch)>,
}

/// What the threads tell the collector.
#[derive(Debug)]
pub(crate) enum Message {
    Chunk(ChunkSummary),
    /// The reader is through with a source that had so many chunks.
    SourceEnd {
        source: u32,
        chunks: u64,
        end: Result<input::SourceFacts>,
    },
    /// A chunk that ends its source.
    SourceFailed {
        source: u32,
        number: u64,
        error: Error,
    },
    /// The run cannot go on.
    Fatal(Error),
}

/// Counts.
#[derive(Debug)]
pub(crate) struct Collector {
    pub(crate) reports: Vec<SourceReport>,
    pub(crate) facts: Vec<SourceFacts>,
    pub(crate) tables: BTreeMap<RawTable, TableReport>,
    pub(crate) rejects: Rejects,
    on_error: OnError,
    /// Messages that came before their turn, by source and chunk.
    early: BTreeMap<(u32, u64), Message>,
    /// The chunk whose turn it is.
    turn: (u32, u64),
    ends: HashMap<u32, (u64, Result<input::SourceFacts>)>,
    disorder: Disorder,
    records: u64,
}

impl Collector {
    pub(crate) fn new(sources: &[Opened], options: &ImportOptions, scratch: &Scratch) -> Self {
        let reports = sources.iter().map(|source| SourceReport {
            path: source.path.clone(),
            dialect: source.dialect.to_owned(),
            record_rule: source.parser.record_rule(),
            digest: 0,
            bytes: 0,
            records: 0,
            stored: 0,
            rejected: 0,
            skipped: BTreeMap::new(),
            notes: BTreeMap::new(),
            rows: BTreeMap::new(),
            state: SourceState::Read,
        });
        let facts = sources.iter().map(|source| SourceFacts {
            path: source.path.clone(),
            digest: 0,
            dropped: false,
            tables: RawTable::ALL.into_iter().map(|table| (table, source.parser.table_facts(table))).collect(),
        });
        Self {
            reports: reports.collect(),
            facts: facts.collect(),
            tables: BTreeMap::new(),
            rejects: Rejects::new(scratch, options.on_error == OnError::Quarantine),
            on_error: options.on_error,
            early: BTreeMap::new(),
            turn: (0, 0),
            ends: HashMap::new(),
            disorder: Disorder::default(),
            records: 0,
        }
    }

    /// Records counted so far.
    pub(crate) fn records(&self) -> u64 {
        self.records
    }

    /// Takes a message; those before their turn wait.
    ///
    /// # Errors
    /// What ends the run.
    pub(crate) fn take(&mut self, message: Message) -> Result<()> {
        match message {
            Message::Fatal(error) => return Err(error),
            Message::SourceEnd { source, chunks, end } => {
                self.ends.insert(source, (chunks, end));
            }
            Message::Chunk(ChunkSummary { source, number, .. }) | Message::SourceFailed { source, number, .. } => {
                self.early.insert((source, number), message);
            }
        }
        loop {
            if let Some(message) = self.early.remove(&self.turn) {
                self.count(message)?;
                self.turn.1 += 1;
            } else if self.ends.get(&self.turn.0).is_some_and(|(chunks, _)| *chunks == self.turn.1) {
                if let Some((_, end)) = self.ends.remove(&self.turn.0) {
                    self.end_source(self.turn.0, end)?;
                }
                self.turn = (self.turn.0 + 1, 0);
            } else {
                return Ok(());
            }
        }
    }

    fn count(&mut self, message: Message) -> Result<()> {
        let summary = match message {
            Message::Chunk(summary) => summary,
            Message::SourceFailed { source, error, .. } => return self.mark_corrupt(source, &error),
            _ => return Ok(()),
        };
        let report = &mut self.reports[summary.source as usize];
        if let (OnError::Fail, Some(reject)) = (self.on_error, summary.rejects.first()) {
            let what = format!(
                "{}, line {}, byte {}: {}{}; nothing is published (--on-error fail)",
                report.path.display(),
                reject.line,
                reject.byte_offset,
                if reject.column.is_empty() { String::new() } else { format!("column `{}`: ", reject.column) },
                reject.reason
            );
            return Err(Error::new(ErrorKind::Findings { what }));
        }
        self.records += summary.records;
        report.records += summary.records;
        report.stored += summary.stored;
        report.rejected += summary.rejects.len() as u64;
        for (rule, count) in summary.skipped {
            *report.skipped.entry(rule).or_default() += count;
        }
        for (fact, count) in summary.notes {
            *report.notes.entry(fact).or_default() += count;
        }
        for (table, rows) in summary.rows {
            report.rows.entry(table).or_default().parsed += rows;
        }
        self.disorder.join(&summary.order);
        self.rejects.add(summary.source, &summary.rejects)
    }

    fn end_source(&mut self, source: u32, end: Result<input::SourceFacts>) -> Result<()> {
        match end {
            Ok(found) => {
                self.reports[source as usize].bytes = found.bytes;
                self.reports[source as usize].digest = found.digest;
                self.facts[source as usize].digest = found.digest;
                let earlier = self.facts[..source as usize].iter();
                if let Some(same) = earlier.clone().position(|s| !s.dropped && s.digest == found.digest) {
                    self.drop_rows(source, SourceState::SameAs(same as u32));
                }
            }
            Err(error) if error.exit_code() == 3 => self.mark_corrupt(source, &error)?,
            Err(error) => return Err(error),
        }
        if self.reports[source as usize].state != SourceState::Read {
            self.rejects.forget(source);
        }
        for (table, steps_back, lateness) in self.disorder.finish() {
            let report = self.tables.entry(table).or_default();
            report.out_of_order += steps_back;
            report.latest_ns = report.latest_ns.max(lateness);
        }
        Ok(())
    }

    fn mark_corrupt(&mut self, source: u32, error: &Error) -> Result<()> {
        if self.on_error == OnError::Fail {
            return Err(Error::new(ErrorKind::Findings {
                what: format!("{error}; nothing is published (--on-error fail)"),
            }));
        }
        self.drop_rows(source, SourceState::Corrupt(error.to_string()));
        Ok(())
    }

    fn drop_rows(&mut self, source: u32, state: SourceState) {
        self.facts[source as usize].dropped = true;
        // The first reason stays: what ends a source makes what follows it worthless.
        if self.reports[source as usize].state == SourceState::Read {
            self.reports[source as usize].state = state;
        }
    }

    /// Checks that every source was counted to its end.
    ///
    /// # Errors
    /// An internal error.
    pub(crate) fn finish(&self) -> Result<()> {
        if self.turn != (self.reports.len() as u32, 0) || !self.early.is_empty() {
            return Err(super::internal("chunks were lost between the threads"));
        }
        Ok(())
    }

    /// The fates of a source's rows in a table.
    pub(crate) fn fates(&mut self, source: u32, table: RawTable) -> &mut RowFates {
        self.reports[source as usize].rows.entry(table).or_default()
    }
}
