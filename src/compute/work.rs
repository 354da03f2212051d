//! What a worker does with a partition: open its tables, run the features, seal the outputs.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::destination::{Destination, TableFiles};
use super::options::ComputeOptions;
use super::plan::{DELTAS, ORDERS, Recipe, TRADES, Task};
use super::spill::Spill;
use super::state::LastState;
use crate::codec::ColumnValues;
use crate::error::{Error, Result};
use crate::exec::{anonymous_bytes, thread_cpu};
use crate::feature::{
    Carry, ChangeInputs, PartitionArena, PartitionInputs, PartitionPlan, PriorVolume, STATE_ROWS, STATE_TABLE,
    StateWriter, TableShape, TablesReport, run_partition_carrying, state_schema,
};
use crate::format::FileHeader;
use crate::read::TableReader;
use crate::schema::{Clock, PartitionKey, Schema};
use crate::sink::{Format, TableSink};
use crate::store::{Manifest, Segment, Store, Tree, partition_name, segment_path};
use crate::trace::{self, Stage, Trace};
use crate::write::{Provenance, TableWriter};

/// What all workers of a run share.
#[derive(Debug)]
pub(super) struct Context<'a, D> {
    pub(super) options: &'a ComputeOptions,
    pub(super) store: &'a Store,
    pub(super) recipe: &'a Recipe,
    pub(super) destination: &'a D,
    pub(super) formats: Vec<&'static dyn Format>,
    pub(super) trace: Option<Trace>,
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
    last: Option<LastState>,
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
    /// Allocates the arena; called on the worker's own thread after pinning. Results may be dropped: nothing then `keeps` them.
    pub(super) fn new(options: &ComputeOptions, keeps: bool) -> Result<Self> {
        let mut arena = PartitionArena::new(&options.features)?;
        if !keeps {
            arena.hand_over_early();
        }
        Ok(Self { arena, plan: None, last: None })
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
        let _partition = trace::partition(|| partition_name(&planned.raw.key));
        let last = self.last.take();
        let before = LastState::update(last.as_ref(), planned.before.as_ref());
        let task = planned.as_stored(context.store, context.recipe, before)?;
        let from = task.before.as_ref().map(|before| LastState::open(last.as_ref(), before, context.destination));
        let from = from.transpose()?;
        drop(last);
        let tables = Opened::open(context.store, &task)?;
        let clock = context.options.clock.unwrap_or_else(|| tables.common_clock());
        let inputs = PartitionInputs {
            book: &tables.book,
            trades: &tables.trades,
            changes: tables.changes(),
            clock,
            date_tz: &task.raw.date_tz,
            prior: prior_volume(context.store, &task)?,
        };
        let shape = inputs.table_shape();
        if self.plan.as_ref().is_none_or(|(of, _)| *of != shape) {
            self.plan = Some((shape, PartitionPlan::new(&context.options.features, &shape)?));
        }
        let Some((_, plan)) = &self.plan else { return Err(Error::usage("no plan", "report this as a bug")) };
        let generation = context.destination.generation(&task)?;
        let open = |number: usize| {
            let columns = (plan.name(number), plan.schema(number), plan.block_rows(number));
            TableSink::new(&context.formats, header(&task, &inputs, columns, generation), context.destination)
        };
        let mut sinks = (0..plan.len()).map(open).collect::<Result<Vec<_>>>()?;
        let interrupt = &context.options.interrupt;
        let mut spill = Spill::new(context.destination);
        let mut state = None;
        if context.recipe.carries {
            let header = header(&task, &inputs, (STATE_TABLE.to_owned(), &state_schema(), STATE_ROWS), generation);
            state = Some(TableWriter::new(context.destination.create()?, header)?);
        }
        let mut keep = |rows: usize, columns: &[ColumnValues<'_>]| match &mut state {
            Some(state) => state.push(rows, columns),
            None => Ok(()),
        };
        let carry =
            if context.recipe.carries { Carry::new(from, StateWriter::new(&mut keep)) } else { Carry::default() };
        let mut emit = |number: usize, rows: usize, columns: &[ColumnValues<'_>]| {
            interrupt.check()?;
            let _encode = trace::enter(Stage::Encode);
            trace::rows(rows as u64);
            sinks[number].push(rows, columns)
        };
        let report = run_partition_carrying(&inputs, plan, &mut self.arena, &mut spill, carry, &mut emit)?;
        context.note_memory();
        let provenance = Provenance {
            inputs: task.inputs.iter().map(|(_, digest)| *digest).collect(),
            fingerprint: task.fingerprint,
            notes: notes(&task, report.carried),
        };
        let _encode = trace::enter(Stage::Encode);
        let mut tables = sealed(sinks, plan, &report.rows_out, &provenance, context.destination)?;
        if let Some(state) = state {
            let sealed = state.finish(provenance)?;
            let publishes = !context.formats.is_empty();
            let (last, table) = LastState::keep(&task, sealed, publishes, context.destination)?;
            self.last = Some(last);
            tables.push(table);
        }
        context.note_memory();
        let cpu = thread_cpu().saturating_sub(cpu_started);
        Ok(Computed { task, clock, report, tables, wall: started.elapsed(), cpu })
    }
}

/// The volume of the earlier dates that the task reads.
fn prior_volume(store: &Store, task: &Task) -> Result<PriorVolume> {
    let add = |prior: PriorVolume, earlier| Ok(prior.with_trades(&open_table(store, earlier, TRADES)?));
    task.prior.iter().try_fold(PriorVolume::default(), add)
}

/// The files of the tables that were written.
fn sealed<D: Destination>(
    sinks: Vec<TableSink<D::File>>,
    plan: &PartitionPlan,
    rows_out: &[u64],
    provenance: &Provenance,
    destination: &D,
) -> Result<Vec<TableFiles<D::File>>> {
    let mut tables = Vec::with_capacity(plan.len());
    for ((number, sink), rows) in sinks.into_iter().enumerate().zip(rows_out) {
        let files = sink.finish(provenance.clone(), destination)?;
        tables.push(TableFiles { table: plan.name(number), rows: *rows, files });
    }
    Ok(tables)
}

/// What the files say of their making besides the inputs.
fn notes(task: &Task, carried: bool) -> Vec<(String, String)> {
    let book = task.book_table.map(|table| ("book".to_owned(), table.to_owned()));
    let before = task.before.as_ref().filter(|_| carried);
    book.into_iter().chain(before.map(|before| ("carried_from".to_owned(), before.key.date.to_string()))).collect()
}

/// The stored tables that a task reads.
struct Opened {
    book: Vec<TableReader>,
    trades: Vec<TableReader>,
    orders: Vec<TableReader>,
    deltas: Vec<TableReader>,
    /// `deltas` of earlier dates, the oldest first.
    deltas_before: Vec<Vec<TableReader>>,
}

impl Opened {
    fn open(store: &Store, task: &Task) -> Result<Self> {
        let open = |table: &str| if task.reads(table) { open_table(store, &task.raw, table) } else { Ok(Vec::new()) };
        let open_before = |earlier: &Manifest| open_table(store, earlier, DELTAS);
        Ok(Self {
            book: task.book_table.map(open).transpose()?.unwrap_or_default(),
            trades: open(TRADES)?,
            orders: open(ORDERS)?,
            deltas: open(DELTAS)?,
            deltas_before: task.deltas_before.iter().map(open_before).collect::<Result<_>>()?,
        })
    }

    fn changes(&self) -> ChangeInputs<'_> {
        ChangeInputs { orders: &self.orders, deltas: &self.deltas, before: &self.deltas_before }
    }

    /// The clock of book and trades; of the changes where there are only these.
    fn common_clock(&self) -> Clock {
        if self.book.is_empty() && self.trades.is_empty() {
            PartitionInputs::common_clock(&self.orders, &self.deltas)
        } else {
            PartitionInputs::common_clock(&self.book, &self.trades)
        }
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

/// The header of a feature table: its name, columns and block rows for itself; what is not ours is taken over from the book, else
/// from the trades or changes.
fn header(
    task: &Task,
    inputs: &PartitionInputs<'_>,
    (table, schema, block_rows): (String, &Schema, usize),
    generation: u32,
) -> FileHeader {
    let block_rows = u32::try_from(block_rows).unwrap_or(crate::limits::BLOCK_ROWS);
    let source = inputs.readers().next().map(TableReader::header);
    FileHeader {
        table,
        key: task.raw.key.clone(),
        channel: source.map_or_else(String::new, |header| header.channel.clone()),
        generation,
        segment: 0,
        first_row: 0,
        clock: inputs.clock,
        tz: source.map_or_else(String::new, |header| header.tz.clone()),
        date_tz: task.raw.date_tz.clone(),
        block_rows,
        // A block goes out column by column while its values are in the nearest cache, and nothing waits in memory for a group.
        group_blocks: 1,
        schema: schema.clone(),
    }
}
