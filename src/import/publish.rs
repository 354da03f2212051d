//! The second half of an import: partitions one after the other, planned here, written by workers, published in batches
//! in key order.

use std::collections::BTreeMap;
use std::thread;

use crossbeam::channel::{Receiver, Sender, bounded};
use xxhash_rust::xxh3::Xxh3;

use super::budget::Budget;
use super::collect::Collector;
use super::options::{Event, ImportOptions};
use super::plan::{Decision, LeftOut, Plan, decide};
use super::report::ImportReport;
use super::segment::{Built, Context, Inexact, build};
use crate::error::Result;
use crate::partition::{Run, Scratch, Sections};
use crate::schema::{BOOK_BUILT, RawTable};
use crate::store::{Manifest, Publication, Publisher, Segment, SourceRef, Staged, Store};
use crate::write::Provenance;

/// Partitions of a batch at most: each holds open files until the batch is published.
const BATCH: usize = 32;
/// Bytes of a batch at most: what a kill loses, and how long a reader waits for the first result.
const BATCH_BYTES: u64 = 256 << 20;

/// A partition on its way to a worker.
struct Job<'r> {
    number: u64,
    plan: Plan<'r>,
    staged: Vec<Staged>,
}

/// A partition that was written.
struct Done {
    number: u64,
    before: Option<Manifest>,
    manifest: Manifest,
    staged: Vec<Staged>,
    built: Vec<Built>,
}

/// What the second half works on.
#[derive(Debug)]
pub(crate) struct Stage<'r> {
    pub(crate) runs: &'r [Run],
    pub(crate) store: &'r Store,
    pub(crate) scratch: &'r Scratch,
    pub(crate) options: &'r ImportOptions,
    pub(crate) budget: &'r Budget,
    /// Names of the source columns that the run keeps.
    pub(crate) kept: &'r [String],
}

/// Writes and publishes everything that the runs hold. Returns the rows that are not exact in their columns.
///
/// # Errors
/// `Io`, `Damage`, `Interrupted`; what was published before stays published.
pub(crate) fn publish(
    stage: &Stage<'_>,
    publisher: &mut Publisher,
    collector: &mut Collector,
    report: &mut ImportReport,
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<Vec<Inexact>> {
    let Stage { runs, store, options, budget, .. } = *stage;
    let total = collector.reports.iter().flat_map(|r| r.rows.values()).map(|rows| rows.parsed).sum();
    let mut state = State { collector, report, on_event, inexact: Vec::new(), rows: 0, total };
    thread::scope(|scope| {
        // Made in here, so that they close when this closure ends, well or badly, and the workers end with them.
        let (job_tx, job_rx) = bounded::<Job<'_>>(budget.writers);
        let (done_tx, done_rx) = bounded::<Result<Done>>(2 * budget.writers);
        for _ in 0..budget.writers {
            let (jobs, done) = (job_rx.clone(), done_tx.clone());
            scope.spawn(move || work(&jobs, &done, stage));
        }
        drop((job_rx, done_tx));
        let mut sections = Sections::new(runs)?;
        let mut line = Line { waiting: BTreeMap::new(), next: 0, batch: Vec::new(), batch_bytes: 0 };
        let (mut sent, mut received, mut ended) = (0_u64, 0_u64, false);
        loop {
            options.interrupt.check()?;
            while !ended && sent - received < 2 * budget.writers as u64 {
                let Some(found) = sections.next()? else {
                    ended = true;
                    break;
                };
                let key = found.key.clone();
                let decision = decide(store, found, &state.collector.facts, options.overlap, stage.kept)?;
                if let Some(plan) = state.note(key, decision) {
                    let staged = plan.tables.iter().map(|_| publisher.stage()).collect::<Result<_>>()?;
                    if job_tx.send(Job { number: sent, plan, staged }).is_err() {
                        return Err(super::internal("a writing thread has ended early"));
                    }
                    sent += 1;
                }
            }
            if sent == received {
                break;
            }
            let done = done_rx.recv().map_err(|_| super::internal("a writing thread has ended early"))??;
            received += 1;
            line.arrive(done);
            if line.is_full() {
                state.publish(line.take(), publisher)?;
            }
        }
        state.publish(line.take(), publisher)?;
        Ok(state.inexact)
    })
}

/// A worker: writes the tables of one partition after the other.
fn work(jobs: &Receiver<Job<'_>>, done: &Sender<Result<Done>>, stage: &Stage<'_>) {
    for job in jobs {
        if done.send(write_partition(job, stage)).is_err() {
            break;
        }
    }
}

fn write_partition(job: Job<'_>, stage: &Stage<'_>) -> Result<Done> {
    let Job { number, plan, mut staged } = job;
    let generation = plan.before.as_ref().map_or(0, |m| m.generation) + 1;
    let fingerprint = fingerprint(&plan.sources);
    let context = Context {
        key: plan.key.clone(),
        date_tz: plan.date_tz.clone(),
        generation,
        provenance: Provenance {
            inputs: plan.sources.iter().map(|source| source.digest).collect(),
            fingerprint,
            notes: Vec::new(),
        },
        scratch: stage.scratch.clone(),
        resort_bytes: stage.budget.rewrite_bytes,
        interrupt: stage.options.interrupt.clone(),
    };
    let mut segments = plan.before.as_ref().map(|m| m.segments.clone()).unwrap_or_default();
    let mut built = Vec::new();
    let mut kept = Vec::new();
    for (table, mut file) in plan.tables.into_iter().zip(staged.drain(..)) {
        let name = table.table.name();
        let Some(done) = build(table, &context, &mut file.file)? else { continue };
        if done.rewritten {
            segments.retain(|segment| segment.table != name);
        }
        segments.push(Segment {
            table: name.to_owned(),
            generation,
            segment: done.segment,
            extension: "hftc".to_owned(),
            sealed: done.sealed.clone(),
        });
        built.push(done);
        kept.push(file);
    }
    let is_stored = |table: RawTable| segments.iter().any(|segment| segment.table == table.name());
    let feeds_book = |table| match table {
        RawTable::Deltas | RawTable::Orders => true,
        // Trades may name the orders that they fill.
        RawTable::Trades => is_stored(RawTable::Orders) && !is_stored(RawTable::Deltas),
        RawTable::Quotes | RawTable::Book | RawTable::Ohlcv => false,
    };
    if built.iter().any(|built| feeds_book(built.table)) {
        // A book that was built from fewer rows is none of this generation.
        segments.retain(|segment| segment.table != BOOK_BUILT);
    }
    segments.sort_by(|a, b| (&a.table, a.segment).cmp(&(&b.table, b.segment)));
    let manifest =
        Manifest { key: plan.key, generation, date_tz: plan.date_tz, fingerprint, sources: plan.sources, segments };
    // The manifest's new segments are in table order; so are the tables of the plan, but by rank, not by name.
    let mut files: Vec<(String, Staged)> = built.iter().map(|b| b.table.name().to_owned()).zip(kept).collect();
    files.sort_by(|a, b| a.0.cmp(&b.0));
    let staged = files.into_iter().map(|(_, file)| file).collect();
    Ok(Done { number, before: plan.before, manifest, staged, built })
}

/// Fingerprint of a raw partition: of its sources in order.
fn fingerprint(sources: &[SourceRef]) -> u128 {
    let mut hasher = Xxh3::new();
    for source in sources {
        hasher.update(&source.digest.to_le_bytes());
    }
    hasher.digest128()
}

/// Written partitions, brought back in key order and gathered to batches.
struct Line {
    waiting: BTreeMap<u64, Done>,
    next: u64,
    batch: Vec<Done>,
    batch_bytes: u64,
}

impl Line {
    fn arrive(&mut self, done: Done) {
        self.waiting.insert(done.number, done);
        while let Some(done) = self.waiting.remove(&self.next) {
            self.next += 1;
            self.batch_bytes += done.built.iter().map(|b| b.sealed.length).sum::<u64>();
            self.batch.push(done);
        }
    }

    fn is_full(&self) -> bool {
        self.batch.len() >= BATCH || self.batch_bytes >= BATCH_BYTES
    }

    fn take(&mut self) -> Vec<Done> {
        self.batch_bytes = 0;
        std::mem::take(&mut self.batch)
    }
}

/// What the publishing thread counts.
struct State<'a> {
    collector: &'a mut Collector,
    report: &'a mut ImportReport,
    on_event: &'a mut dyn FnMut(Event<'_>),
    inexact: Vec<Inexact>,
    rows: u64,
    total: u64,
}

impl State<'_> {
    /// Counts what is left out and hands the plan on.
    fn note<'r>(&mut self, key: crate::schema::PartitionKey, decision: Decision<'r>) -> Option<Plan<'r>> {
        for (source, table, why, rows) in decision.left_out {
            let fates = self.collector.fates(source, table);
            match why {
                LeftOut::Dropped => fates.dropped += rows,
                LeftOut::Already => fates.already += rows,
                LeftOut::Overlapping => fates.overlapping += rows,
                LeftOut::Refused => fates.refused += rows,
            }
            self.rows += rows;
        }
        match decision.refused {
            Some(reason) => {
                let text = format!("{} {} {} is left as it is: {reason}", key.venue, key.security, key.date);
                (self.on_event)(Event::Warning(&text));
                self.report.refused.push((key, reason));
            }
            None if decision.plan.is_none() => {
                (self.on_event)(Event::UpToDate { key: &key });
                self.report.up_to_date += 1;
            }
            None => {}
        }
        decision.plan
    }

    fn publish(&mut self, batch: Vec<Done>, publisher: &mut Publisher) -> Result<()> {
        let mut told = Vec::new();
        let mut publications = Vec::new();
        for done in batch {
            for built in &done.built {
                self.count(built);
                let rows = done.manifest.table(built.table.name()).map(|segment| segment.sealed.rows).sum();
                told.push((built.table, done.manifest.key.clone(), rows));
            }
            self.inexact.extend(done.built.into_iter().flat_map(|built| built.inexact));
            if !done.staged.is_empty() {
                self.report.published += 1;
                publications.push(Publication { manifest: done.manifest, staged: done.staged });
            } else if done.before.is_some() {
                self.report.up_to_date += 1;
            }
        }
        if !publications.is_empty() {
            publisher.publish(publications)?;
        }
        for (table, key, rows) in &told {
            (self.on_event)(Event::Published { table: table.name(), key, rows: *rows });
        }
        (self.on_event)(Event::Writing { rows: self.rows, total: self.total });
        Ok(())
    }

    fn count(&mut self, built: &Built) {
        let report = self.report.tables.entry(built.table).or_default();
        report.partitions += 1;
        report.duplicates += built.duplicates;
        report.replaced += built.replaced;
        report.rows += built.written.iter().sum::<u64>();
        for (source, (written, overlapping)) in (0_u32..).zip(built.written.iter().zip(&built.overlapping)) {
            if written + overlapping > 0 {
                let fates = self.collector.fates(source, built.table);
                fates.stored += written;
                fates.overlapping += overlapping;
                self.rows += written + overlapping;
            }
        }
        for row in &built.inexact {
            self.collector.fates(row.source, built.table).inexact += 1;
            self.rows += 1;
        }
    }
}

/// True if some row of the runs cannot be exact in its column (decision 13): known from the facts alone.
///
/// # Errors
/// `Io`, `Damage` of a scratch file.
pub(crate) fn any_inexact(runs: &[Run], collector: &Collector) -> Result<Option<RawTable>> {
    let mut sections = Sections::new(runs)?;
    while let Some(found) = sections.next()? {
        for (table, parts) in found.tables {
            let mut facts = crate::partition::Facts::default();
            for (source, theirs) in parts.iter().flat_map(|part| &part.section.facts) {
                if collector.facts.get(*source as usize).is_some_and(|s| !s.dropped) {
                    facts.merge(theirs);
                }
            }
            if facts.decimals.iter().any(|d| d.column_scale().is_some_and(|scale| scale < d.scale)) {
                return Ok(Some(table));
            }
        }
    }
    Ok(None)
}
