//! The run itself: rounds of the pool, publishing in batches, retries, totals.
//!
//! Workers compute; this thread publishes. Results wait until no more are coming or [`batch_files`] are open, so that
//! many small partitions share their syncs, and one large one is published at once.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use serde_json::json;

use super::chain::hang_together;
use super::destination::{Destination, Publishable};
use super::options::ComputeOptions;
use super::plan::{Recipe, RunPlan, Task};
use super::report::{ComputeReport, Event, PartitionOutcome, State};
use super::work::{Computed, Context, Worker};
use crate::error::{Error, ErrorKind, Result};
use crate::exec::{Job, Pool, PoolEvent, Topology, anonymous_bytes, process_cpu};
use crate::sink::Format;
use crate::storage::open_files;
use crate::store::{Failure, Store, partition_name};
use crate::trace::Trace;

/// Files in staging at most before they are published: their descriptors are open meanwhile.
fn batch_files() -> usize {
    (open_files() / 4).clamp(1, 64)
}

/// What a run writes.
pub(super) struct Products {
    /// Formats that keep anything; none if results are dropped.
    pub(super) formats: Vec<&'static dyn Format>,
    pub(super) trace: Option<Trace>,
}

/// The caller's ear.
pub(super) type OnEvent<'a> = &'a mut (dyn FnMut(Event<'_>) -> Result<()> + Send);

/// Computes and publishes what a plan holds.
pub(super) fn run<D: Destination>(
    options: &ComputeOptions,
    store: &Store,
    destination: D,
    products: Products,
    recipe: &Recipe,
    plan: RunPlan,
    on_event: OnEvent<'_>,
) -> Result<ComputeReport> {
    let (started, cpu_started) = (Instant::now(), process_cpu());
    let topology = Topology::detect();
    let threads = if options.threads == 0 { topology.parallelism } else { options.threads };
    let Products { formats, trace } = products;
    let files = formats.len().max(1) * recipe.table_count().max(1);
    let waiting = (batch_files() / files).max(1);
    let pool = Pool::new(threads, &options.pin, &topology, waiting, options.interrupt.clone())?;
    let mut report = ComputeReport { threads, base_anonymous_bytes: anonymous_bytes(), ..ComputeReport::default() };
    let context = Context {
        options,
        store,
        recipe,
        destination: &destination,
        formats,
        trace,
        peak_anonymous: AtomicU64::new(0),
        arena_bytes: AtomicU64::new(0),
    };
    on_event(plan.event())?;
    let RunPlan { mut jobs, mut outcomes } = plan;
    for outcome in &outcomes {
        if let State::Failed(reason) = &outcome.state {
            on_event(Event::Failed { key: &outcome.key, reason, again: false })?;
        }
    }
    for attempt in 1..=options.retries.saturating_add(1) {
        if jobs.is_empty() || options.interrupt.signal().is_some() {
            break;
        }
        let mut round = Round {
            context: &context,
            jobs: &jobs,
            outcomes: &mut outcomes,
            report: &mut report,
            waiting: Vec::new(),
            retry: Vec::new(),
            attempt,
            on_event,
        };
        round.run(&pool)?;
        let retry = round.retry;
        jobs = again(&jobs, retry);
    }
    report.arena_bytes = context.arena_bytes.load(Ordering::Relaxed);
    report.peak_anonymous_bytes = context.peak_anonymous.load(Ordering::Relaxed);
    let trace = context.trace.clone();
    destination.note_failures(failures(&outcomes))?;
    let ending = Instant::now();
    destination.finish()?;
    if let Some(trace) = trace {
        trace.published("clean up", ending, &json!({}));
        trace.finish()?;
    }
    report.partitions = outcomes;
    report.interrupted = options.interrupt.signal();
    report.wall = started.elapsed();
    report.cpu = process_cpu().saturating_sub(cpu_started);
    Ok(report)
}

/// The jobs that are tried again, in their order.
fn again(jobs: &[Job<Task>], mut retry: Vec<usize>) -> Vec<Job<Task>> {
    retry.sort_unstable();
    let mut jobs: Vec<Job<Task>> = retry.into_iter().map(|job| jobs[job].clone()).collect();
    hang_together(&mut jobs);
    jobs
}

/// The partitions that failed, named as in `published` lines.
fn failures(outcomes: &[PartitionOutcome]) -> Vec<Failure> {
    let failure = |outcome: &PartitionOutcome| match &outcome.state {
        State::Failed(reason) => Some(Failure { subject: partition_name(&outcome.key), reason: reason.clone() }),
        _ => None,
    };
    outcomes.iter().filter_map(failure).collect()
}

/// One pass over the jobs that are left.
struct Round<'a, 'e, D: Destination> {
    context: &'a Context<'a, D>,
    jobs: &'a [Job<Task>],
    outcomes: &'a mut Vec<PartitionOutcome>,
    report: &'a mut ComputeReport,
    /// Computed, not yet published.
    waiting: Vec<(usize, Computed<D::File>)>,
    /// Jobs to try again.
    retry: Vec<usize>,
    attempt: u32,
    on_event: &'a mut (dyn FnMut(Event<'_>) -> Result<()> + Send + 'e),
}

impl<D: Destination> Round<'_, '_, D> {
    fn run(&mut self, pool: &Pool) -> Result<()>
    where
        D::File: Send,
    {
        let (context, jobs) = (self.context, self.jobs);
        let make = |worker| {
            if let Some(trace) = &context.trace {
                trace.install(worker);
            }
            let worker = Worker::new(context.options, !context.formats.is_empty())?;
            context.arena_bytes.fetch_max(worker.arena_bytes(), Ordering::Relaxed);
            Ok(worker)
        };
        let work = |worker: &mut Worker, task: &Task| worker.compute(context, task);
        pool.run(jobs, make, work, |event| self.hear(event))?;
        self.publish()
    }

    fn hear(&mut self, event: PoolEvent<Computed<D::File>>) -> Result<()> {
        match event {
            PoolEvent::Ready { worker, pinned } => {
                if self.attempt == 1 {
                    self.report.pinned.push(pinned);
                }
                (self.on_event)(Event::Worker { worker, pinned })
            }
            PoolEvent::Started { job, .. } => {
                let outcome = &mut self.outcomes[self.jobs[job].task.outcome];
                outcome.attempts = self.attempt;
                (self.on_event)(Event::Started { key: &outcome.key })
            }
            PoolEvent::Done { job, result: Ok(computed), .. } => self.computed(job, computed),
            PoolEvent::Done { job, result: Err(error), .. } => {
                if is_fatal(&error) {
                    return Err(error);
                }
                self.failed(job, &error)?;
                self.not_begun(job, &error)
            }
            PoolEvent::Idle => self.publish(),
        }
    }

    /// Notes the figures of a computed partition and queues its files.
    fn computed(&mut self, job: usize, computed: Computed<D::File>) -> Result<()> {
        let task = &computed.task;
        let outcome = &mut self.outcomes[task.outcome];
        task.describe(outcome);
        outcome.clock = Some(computed.clock);
        outcome.carried = computed.report.carried;
        outcome.merge = computed.report.merge;
        outcome.rows_out = computed.tables.iter().map(|t| (t.table.clone(), t.rows)).collect();
        outcome.bytes_out = computed.tables.iter().flat_map(|t| &t.files).map(|file| file.sealed.length).sum();
        outcome.wall = computed.wall;
        outcome.cpu = computed.cpu;
        if let Some(what) = outcome.imbalance(self.context.options.features.emit_interval_ns == 0) {
            return self.failed(job, &Error::new(ErrorKind::Findings { what }));
        }
        (self.on_event)(Event::Computed { key: &outcome.key, rows: task.rows() })?;
        self.waiting.push((job, computed));
        let files: usize = self.waiting.iter().map(|(_, computed)| computed.file_count()).sum();
        if files >= batch_files() { self.publish() } else { Ok(()) }
    }

    /// Publishes what waits. A batch that fails is lost as a whole: its partitions are computed again.
    fn publish(&mut self) -> Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let mut jobs = Vec::new();
        let mut batch = Vec::new();
        for (job, computed) in self.waiting.drain(..) {
            jobs.push((job, computed.file_count()));
            batch.push(Publishable { task: computed.task, tables: computed.tables });
        }
        let began = Instant::now();
        let published = self.context.destination.publish(batch);
        if let Some(trace) = &self.context.trace {
            let files: usize = jobs.iter().map(|(_, files)| files).sum();
            trace.published("sync", began, &json!({"partitions": jobs.len(), "files": files}));
        }
        match published {
            Ok(()) => {
                for (job, files) in jobs {
                    let outcome = &mut self.outcomes[self.jobs[job].task.outcome];
                    outcome.state = State::Done;
                    for (table, rows) in outcome.rows_out.iter().filter(|_| files > 0) {
                        (self.on_event)(Event::Published { table, key: &outcome.key, rows: *rows })?;
                    }
                }
                Ok(())
            }
            Err(error) if is_fatal(&error) => Err(error),
            Err(error) => jobs.into_iter().try_for_each(|(job, _)| self.failed(job, &error)),
        }
    }

    /// The dates that would go on from one that failed: they fail with it, or are tried again with it.
    fn not_begun(&mut self, job: usize, error: &Error) -> Result<()> {
        if matches!(error.kind(), ErrorKind::Interrupted { .. }) {
            return Ok(());
        }
        let followers = self.jobs[job + 1..].iter().take_while(|job| job.follows).count();
        for follower in job + 1..=job + followers {
            if self.retry.contains(&job) {
                self.retry.push(follower);
                continue;
            }
            let outcome = &mut self.outcomes[self.jobs[follower].task.outcome];
            let reason = format!("the date before failed: {error}");
            (self.on_event)(Event::Failed { key: &outcome.key, reason: &reason, again: false })?;
            outcome.state = State::Failed(reason);
        }
        Ok(())
    }

    /// Notes a failure; an I/O error is worth another round.
    fn failed(&mut self, job: usize, error: &Error) -> Result<()> {
        let outcome = &mut self.outcomes[self.jobs[job].task.outcome];
        if matches!(error.kind(), ErrorKind::Interrupted { .. }) {
            return Ok(());
        }
        let may_pass = matches!(error.kind(), ErrorKind::Io { .. });
        let again = may_pass && self.attempt <= self.context.options.retries;
        let reason = error.to_string();
        (self.on_event)(Event::Failed { key: &outcome.key, reason: &reason, again })?;
        outcome.state = State::Failed(reason);
        if again {
            self.retry.push(job);
        }
        Ok(())
    }
}

/// Errors that every further partition would meet, too: the run ends with them.
fn is_fatal(error: &Error) -> bool {
    use std::io::ErrorKind::{QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    matches!(error.kind(), ErrorKind::Io { source, .. }
        if matches!(source.kind(), QuotaExceeded | ReadOnlyFilesystem | StorageFull))
}
