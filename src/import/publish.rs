//! The second half of an import: partitions one after the other, planned here, written by workers, published in batches
//! in key order by a thread of its own: while it waits for the device, the next batch is written.

use std::thread;

use crossbeam::channel::{Receiver, Sender, bounded, select};
use xxhash_rust::xxh3::Xxh3;

use super::budget::Budget;
use super::collect::Collector;
use super::crowd;
use super::line::{Done, Line};
use super::options::{Event, ImportOptions};
use super::plan::{Decision, LeftOut, Plan, decide};
use super::report::ImportReport;
use super::segment::{Built, Context, Inexact, Kit, build};
use crate::error::{Error, Result};
use crate::partition::{Run, Scratch, Sections};
use crate::schema::{BOOK_BUILT, PartitionKey, RawTable};
use crate::store::{Manifest, Publication, Publisher, Segment, SourceRef, Staged, Stager, Store};
use crate::write::Provenance;

/// A partition on its way to a worker.
struct Job<'r> {
    number: u64,
    plan: Plan<'r>,
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
    let Stage { runs, budget, .. } = *stage;
    let total = collector.reports.iter().flat_map(|r| r.rows.values()).map(|rows| rows.parsed).sum();
    let sources = collector.facts.len();
    let state = State { collector, report, on_event, inexact: Vec::new(), met: 0, rows: 0, total, told: Vec::new() };
    let stager = publisher.stager();
    thread::scope(|scope| {
        // Made in here, so that they close when this closure ends, well or badly, and the threads end with them.
        let (job_tx, job_rx) = bounded::<Job<'_>>(budget.writers);
        let (batch_tx, batch_rx) = bounded::<Vec<Publication>>(1);
        let (done_tx, done_rx) = bounded::<Result<Done>>(2 * budget.writers);
        let (durable_tx, durable_rx) = bounded::<Result<()>>(1);
        for _ in 0..budget.writers {
            let (jobs, done, stager) = (job_rx.clone(), done_tx.clone(), stager.clone());
            scope.spawn(move || work(&jobs, &done, stage, &stager));
        }
        drop((job_rx, done_tx));
        scope.spawn(move || {
            for batch in batch_rx {
                if durable_tx.send(publisher.publish(batch)).is_err() {
                    break;
                }
            }
        });
        let line = Line::new(budget, sources);
        let sections = Sections::new(runs)?;
        let (jobs, batches) = (job_tx, batch_tx);
        Director { stage, sections, state, line, jobs, batches, done: done_rx, durable: durable_rx }.run()
    })
}

/// Says who does what next.
struct Director<'a, 'r> {
    stage: &'a Stage<'r>,
    sections: Sections<'r>,
    state: State<'a>,
    line: Line,
    jobs: Sender<Job<'r>>,
    batches: Sender<Vec<Publication>>,
    done: Receiver<Result<Done>>,
    durable: Receiver<Result<()>>,
}

impl Director<'_, '_> {
    fn run(mut self) -> Result<Vec<Inexact>> {
        let most = 2 * self.stage.budget.writers as u64;
        let (mut sent, mut written) = (0_u64, 0_u64);
        let (mut ended, mut publishing) = (false, false);
        loop {
            self.stage.options.interrupt.check()?;
            while !ended && sent - written < most && !(publishing && self.line.is_at_its_limit()) {
                match self.next_job(sent)? {
                    Some(true) => sent += 1,
                    Some(false) => {}
                    None => ended = true,
                }
            }
            let is_last = ended && sent == written;
            if !publishing && (self.line.is_full() || is_last) {
                let batch = self.state.prepare(self.line.take());
                if !batch.is_empty() {
                    self.batches.send(batch).map_err(|_| lost())?;
                    publishing = true;
                } else {
                    self.state.tell();
                }
            }
            if is_last && !publishing {
                return Ok(self.state.inexact);
            }
            select! {
                recv(self.done) -> done => {
                    written += 1;
                    self.line.arrive(done.map_err(|_| lost())??)?;
                }
                recv(self.durable) -> durable => {
                    durable.map_err(|_| lost())??;
                    publishing = false;
                    self.state.tell();
                }
            }
        }
    }

    /// Plans the next partition; whether there is anything to write of it, `None` after the last.
    fn next_job(&mut self, number: u64) -> Result<Option<bool>> {
        let Stage { store, options, kept, .. } = *self.stage;
        let Some(found) = self.sections.next()? else { return Ok(None) };
        let key = found.key.clone();
        let decision = decide(store, found, &self.state.collector.facts, options.overlap, kept)?;
        let Some(plan) = self.state.note(key, decision) else { return Ok(Some(false)) };
        self.jobs.send(Job { number, plan }).map_err(|_| lost())?;
        Ok(Some(true))
    }
}

fn lost() -> Error {
    super::internal("a writing thread has ended early")
}

/// A worker: writes the tables of one partition after the other.
fn work(jobs: &Receiver<Job<'_>>, done: &Sender<Result<Done>>, stage: &Stage<'_>, stager: &Stager) {
    let mut kit = Kit::default();
    for job in jobs {
        if done.send(write_partition(job, stage, stager, &mut kit)).is_err() {
            break;
        }
    }
}

fn write_partition(job: Job<'_>, stage: &Stage<'_>, stager: &Stager, kit: &mut Kit) -> Result<Done> {
    let Job { number, plan } = job;
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
        dedupe: stage.options.dedupe,
    };
    let mut segments = plan.before.as_ref().map(|m| m.segments.clone()).unwrap_or_default();
    let mut built = Vec::new();
    let mut kept = Vec::new();
    for table in plan.tables {
        let name = table.table.name();
        let mut file = stager.stage()?;
        let Some(done) = build(table, &context, kit, &mut file.file)? else { continue };
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
pub(crate) fn fingerprint(sources: &[SourceRef]) -> u128 {
    let mut hasher = Xxh3::new();
    for source in sources {
        hasher.update(&source.digest.to_le_bytes());
    }
    hasher.digest128()
}

/// What the publishing thread counts.
struct State<'a> {
    collector: &'a mut Collector,
    report: &'a mut ImportReport,
    on_event: &'a mut dyn FnMut(Event<'_>),
    inexact: Vec<Inexact>,
    /// Partitions so far.
    met: u64,
    rows: u64,
    total: u64,
    /// What is told once the batch is durable.
    told: Vec<(RawTable, PartitionKey, u64)>,
}

impl State<'_> {
    /// Counts what is left out and hands the plan on.
    fn note<'r>(&mut self, key: PartitionKey, decision: Decision<'r>) -> Option<Plan<'r>> {
        self.met += 1;
        if let Some(text) = crowd::warning(self.met) {
            (self.on_event)(Event::Warning(&text));
        }
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

    /// Counts a batch and gives what is to be published of it.
    fn prepare(&mut self, batch: Vec<Done>) -> Vec<Publication> {
        let mut publications = Vec::new();
        for done in batch {
            for built in &done.built {
                self.count(built);
                let rows = done.manifest.table(built.table.name()).map(|segment| segment.sealed.rows).sum();
                self.told.push((built.table, done.manifest.key.clone(), rows));
            }
            self.inexact.extend(done.built.into_iter().flat_map(|built| built.inexact));
            if !done.staged.is_empty() {
                self.report.published += 1;
                publications.push(Publication { manifest: done.manifest, staged: done.staged });
            } else if done.before.is_some() {
                self.report.up_to_date += 1;
            }
        }
        publications
    }

    /// Tells of the batch that was prepared last.
    fn tell(&mut self) {
        for (table, key, rows) in self.told.drain(..) {
            (self.on_event)(Event::Published { table: table.name(), key: &key, rows });
        }
        (self.on_event)(Event::Writing { rows: self.rows, total: self.total });
    }

    fn count(&mut self, built: &Built) {
        let report = self.report.tables.entry(built.table).or_default();
        report.partitions += 1;
        report.duplicates += built.duplicates;
        report.replaced += built.replaced;
        report.rows += built.written.iter().sum::<u64>();
        let left_out = built.overlapping.iter().zip(&built.repeated);
        for (source, (written, (overlapping, repeated))) in (0_u32..).zip(built.written.iter().zip(left_out)) {
            if written + overlapping + repeated > 0 {
                let fates = self.collector.fates(source, built.table);
                fates.stored += written;
                fates.overlapping += overlapping;
                fates.duplicate += repeated;
                self.rows += written + overlapping + repeated;
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
