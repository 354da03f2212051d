//! What a worker does with a partition: open its tables, run the features, seal the outputs.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::destination::{Destination, TableFiles};
use super::options::ComputeOptions;
use super::plan::{Recipe, TRADES, Task};
use super::spill::Spill;
use crate::error::{Error, Result};
use crate::exec::{anonymous_bytes, thread_cpu};
use crate::feature::{
    PartitionArena, PartitionInputs, PartitionPlan, PriorVolume, TableShape, TablesReport, run_partition,
};
use crate::format::FileHeader;
use crate::read::TableReader;
use crate::schema::{Clock, PartitionKey};
use crate::sink::{Format, TableSink};
use crate::store::{Manifest, Segment, Store, Tree, segment_path};
use crate::write::Provenance;

/// What all workers of a run share.
#[derive(Debug)]
pub(super) struct Context<'a, D> {
    pub(super) options: &'a ComputeOptions,
    pub(super) store: &'a Store,
    pub(super) recipe: &'a Recipe,
    pub(super) destination: &'a D,
    pub(super) formats: Vec<&'static dyn Format>,
    /// The largest anonymous memory that a worker has seen.
    pub(super) peak_anonymous: AtomicU64,
    /// Bytes of the largest arena.
    pub(super) arena_bytes: AtomicU64,
}

/// One worker's own: memory that is never grown, and the plan of the partition before.
#[derive(Debug)]
pub(super) struct Worker {
    arena: PartitionArena,
    plan: Option<(TableShape, PartitionPlan)>,
}

/// A partition that is computed and sealed, in staging.
#[derive(Debug)]
pub(super) struct Computed<F> {
    /// What was computed: the task as the partition stood when it was begun.
    pub(super) task: Task,
    pub(super) clock: Clock,
    pub(super) report: TablesReport,
    pub(super) tables: Vec<TableFiles<F>>,
    pub(super) wall: Duration,
    pub(super) cpu: Duration,
}

impl<F> Computed<F> {
    /// Files of all tables.
    pub(super) fn file_count(&self) -> usize {
        self.tables.iter().map(|table| table.files.len()).sum()
    }
}

impl<D> Context<'_, D> {
    /// Looks at the process's memory: once with every buffer of a partition in use, once with its outputs made.
    fn note_memory(&self) {
        self.peak_anonymous.fetch_max(anonymous_bytes(), Ordering::Relaxed);
    }
}

impl Worker {
    /// Allocates the arena; called on the worker's own thread after pinning.
    pub(super) fn new(options: &ComputeOptions) -> Result<Self> {
        Ok(Self { arena: PartitionArena::new(&options.features)?, plan: None })
    }

    /// Bytes of the arena.
    pub(super) fn arena_bytes(&self) -> u64 {
        self.arena.bytes() as u64
    }

    /// Computes one partition into the destination's staging.
    pub(super) fn compute<D: Destination>(
        &mut self,
        context: &Context<'_, D>,
        planned: &Task,
    ) -> Result<Computed<D::File>> {
        let (started, cpu_started) = (Instant::now(), thread_cpu());
        let task = planned.as_stored(context.store, context.recipe)?;
        let book = task.book_table.map(|table| open_table(context.store, &task.raw, table)).transpose()?;
        let book = book.unwrap_or_default();
        let trades = open_table(context.store, &task.raw, TRADES)?;
        let mut prior = PriorVolume::default();
        for earlier in &task.prior {
            prior = prior.with_trades(&open_table(context.store, earlier, TRADES)?);
        }
        let clock = context.options.clock.unwrap_or_else(|| PartitionInputs::common_clock(&book, &trades));
        let inputs = PartitionInputs { book: &book, trades: &trades, clock, date_tz: &task.raw.date_tz, prior };
        let shape = inputs.table_shape();
        if self.plan.as_ref().is_none_or(|(of, _)| *of != shape) {
            self.plan = Some((shape, PartitionPlan::new(&context.options.features, &shape)?));
        }
        let Some((_, plan)) = &self.plan else { return Err(Error::usage("no plan", "report this as a bug")) };
        let generation = context.destination.generation(&task)?;
        let mut sinks = Vec::with_capacity(plan.len());
        for number in 0..plan.len() {
            let header = header(&task, &inputs, (plan, number), generation);
            sinks.push(TableSink::new(&context.formats, header, context.destination)?);
        }
        let interrupt = &context.options.interrupt;
        let mut spill = Spill::new(context.destination);
        let report = run_partition(&inputs, plan, &mut self.arena, &mut spill, &mut |number, rows, columns| {
            interrupt.check()?;
            sinks[number].push(rows, columns)
        })?;
        context.note_memory();
        let provenance = Provenance {
            inputs: task.inputs.iter().map(|(_, digest)| *digest).collect(),
            fingerprint: task.fingerprint,
            notes: task.book_table.map(|table| ("book".to_owned(), table.to_owned())).into_iter().collect(),
        };
        let mut tables = Vec::with_capacity(plan.len());
        for (number, sink) in sinks.into_iter().enumerate() {
            let files = sink.finish(provenance.clone(), context.destination)?;
            tables.push(TableFiles { table: plan.name(number), rows: report.rows_out[number], files });
        }
        context.note_memory();
        let cpu = thread_cpu().saturating_sub(cpu_started);
        Ok(Computed { task, clock, report, tables, wall: started.elapsed(), cpu })
    }
}

/// Opens the segments of a stored table, in row order, and checks that each file is the one the manifest lists.
fn open_table(store: &Store, partition: &Manifest, table: &str) -> Result<Vec<TableReader>> {
    partition.table(table).map(|s| open_segment(store, &partition.key, s)).collect()
}

fn open_segment(store: &Store, key: &PartitionKey, segment: &Segment) -> Result<TableReader> {
    let file = store.open_segment(&Tree::Raw, key, segment)?;
    TableReader::open_sealed(file, &segment.table, key, &segment.sealed)
        .map_err(|e| e.in_file(segment_path(&Tree::Raw, key, segment)))
}

/// The name of the feature table for itself; what is not ours is taken over from the book, or from the trades without one.
fn header(
    task: &Task,
    inputs: &PartitionInputs<'_>,
    (plan, number): (&PartitionPlan, usize),
    generation: u32,
) -> FileHeader {
    let schema = plan.schema(number);
    let block_rows = u32::try_from(plan.block_rows(number)).unwrap_or(crate::limits::BLOCK_ROWS);
    let source = inputs.book.iter().chain(inputs.trades).next().map(TableReader::header);
    FileHeader {
        table: plan.name(number),
        key: task.raw.key.clone(),
        channel: source.map_or_else(String::new, |header| header.channel.clone()),
        generation,
        segment: 0,
        first_row: 0,
        clock: inputs.clock,
        tz: source.map_or_else(String::new, |header| header.tz.clone()),
        date_tz: task.raw.date_tz.clone(),
        block_rows,
        group_blocks: crate::write::group_blocks(schema.columns.len(), block_rows),
        schema: schema.clone(),
    }
}
