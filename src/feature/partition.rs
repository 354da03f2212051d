//! All tables of one partition: in, its stored tables; out, blocks of every feature table that the configuration asks for.
//!
//! Two passes at most. The book pass writes `book` and, beside it, the time bars; the trade pass writes `trades` and the bars that
//! end with an amount of trading. A pass of which nothing is selected does not run.

use crate::codec::ColumnValues;
use crate::error::{Error, Result};
use crate::feature::arena::{Arena, ROWS};
use crate::feature::bar::{EventBars, EventKind, Ruler, TimeBars};
use crate::feature::beside::{BarTables, Writing};
use crate::feature::carry::Carry;
use crate::feature::inputs::TableShape;
use crate::feature::orders::{ChangeRules, TouchFlow, run_changes};
use crate::feature::registry::Kernel;
use crate::feature::run::run_beside;
use crate::feature::table_plan::{EmitTable, TableOutput, TablePlan};
use crate::feature::trade::{TradeMemory, TradePass, Wanted};
use crate::feature::window::WindowScratch;
use crate::feature::{FeatureConfig, PartitionInputs, Plan, Table, calendar, selected_tables};
use crate::merge::{BATCH, MergeReport, RowFaults, Simd, trade_totals, volume_read};
use crate::schema::Schema;
use crate::trace;

/// A table of a plan.
#[derive(Clone, Debug)]
enum Planned {
    Book,
    Other(TablePlan),
}

impl Planned {
    fn table(&self) -> Table {
        match self {
            Self::Book => Table::Book,
            Self::Other(plan) => plan.table(),
        }
    }
}

/// The tables that are written for partitions of one shape.
#[derive(Clone, Debug)]
pub struct PartitionPlan {
    config: FeatureConfig,
    /// Of the book pass.
    book: Plan,
    tables: Vec<Planned>,
    wanted: Wanted,
    /// The book pass and the trade pass are wanted, whether or not this partition has rows for them.
    wants: [bool; 2],
}

impl PartitionPlan {
    /// Plans every table that a partition of this shape has.
    ///
    /// # Errors
    /// `Usage` for a configuration out of range, a pattern that matches nothing, or too many columns.
    pub fn new(config: &FeatureConfig, shape: &TableShape) -> Result<Self> {
        let book = Plan::new(config, &shape.book)?;
        let mut planned = Vec::new();
        for table in selected_tables(config)? {
            planned.push(match table {
                Table::Book => Planned::Book,
                table => Planned::Other(TablePlan::new(config, table, shape)?),
            });
        }
        let wanted = wanted(config, &planned);
        let in_book_pass = |p: &Planned| matches!(p.table(), Table::Book | Table::TimeBars(_));
        let in_trade_pass = |p: &Planned| !in_book_pass(p) && !matches!(p.table(), Table::Orders(_));
        let wants = [planned.iter().any(in_book_pass), planned.iter().any(in_trade_pass)];
        planned.retain(|planned| planned.table().exists(shape.stored));
        Ok(Self { config: config.clone(), book, tables: planned, wanted, wants })
    }

    /// How many tables are written.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tables.len()
    }

    /// True if nothing is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// A table's name.
    #[must_use]
    pub fn name(&self, number: usize) -> String {
        self.table(number).name()
    }

    /// A table's columns.
    #[must_use]
    pub fn schema(&self, number: usize) -> &Schema {
        match &self.tables[number] {
            Planned::Book => self.book.schema(),
            Planned::Other(plan) => plan.schema(),
        }
    }

    /// Rows of every block of a table but the last.
    #[must_use]
    pub fn block_rows(&self, number: usize) -> usize {
        match &self.tables[number] {
            Planned::Book => self.book.block_rows(),
            Planned::Other(plan) => plan.block_rows(),
        }
    }

    fn table(&self, number: usize) -> Table {
        self.tables[number].table()
    }

    fn number(&self, table: Table) -> Option<usize> {
        (0..self.tables.len()).find(|number| self.table(*number) == table)
    }
}

/// What the trade pass must look up.
fn wanted(config: &FeatureConfig, planned: &[Planned]) -> Wanted {
    let mut wanted = Wanted::default();
    for planned in planned {
        let Planned::Other(plan) = planned else { continue };
        match plan.table() {
            Table::Trades => {
                let families = ["trade_side", "trade_value", "trade_cost", "trade_impact"];
                wanted.sign |= families.iter().any(|family| plan.runs(family));
                if plan.runs("trade_impact") {
                    wanted.ahead_s.clone_from(&config.impact_s);
                }
                if plan.runs("trade_rolling") {
                    wanted.windows_s.clone_from(&config.horizons_s);
                }
                wanted.vpin = plan.runs("trade_vpin");
            }
            Table::ImbalanceBars => wanted.sign = true,
            _ => {}
        }
    }
    wanted
}

/// The memory of one worker for all tables, allocated once.
#[derive(Debug)]
pub struct PartitionArena {
    /// Of the book pass.
    book: Arena,
    trades: TradeMemory,
    outputs: Vec<(Table, TableOutput)>,
}

impl PartitionArena {
    /// Allocates everything a worker needs; call it on the worker's own thread after pinning.
    ///
    /// # Errors
    /// `Usage` as [`PartitionPlan::new`].
    pub fn new(config: &FeatureConfig) -> Result<Self> {
        let plan = PartitionPlan::new(config, &TableShape::largest(config.levels))?;
        let outputs = plan.tables.iter().filter_map(|planned| match planned {
            Planned::Book => None,
            Planned::Other(plan) => Some((plan.table(), TableOutput::new(plan))),
        });
        Ok(Self {
            book: Arena::new(config)?,
            trades: TradeMemory::new(ROWS, plan.wanted.ahead_s.len(), plan.wanted.windows_s.len(), config.dedupe),
            outputs: outputs.collect(),
        })
    }

    /// Chooses the SIMD level of all later runs. Every level gives the same bits.
    pub fn set_simd(&mut self, simd: Simd) {
        self.book.set_simd(simd);
    }

    /// As [`Arena::hand_over_early`]: the table `book` comes in shorter blocks.
    pub fn hand_over_early(&mut self) {
        self.book.hand_over_early();
    }

    /// Bytes held by the large columns.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let outputs: usize = self.outputs.iter().map(|(_, output)| output.bytes()).sum();
        self.book.bytes() + self.trades.bytes() + outputs
    }
}

/// What a run of one partition saw and wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TablesReport {
    /// Rows read, in total order; without snapshots where neither `book` nor time bars are written.
    pub merge: MergeReport,
    /// Rows emitted, a number for each table of the plan.
    pub rows_out: Vec<u64>,
    /// It went on from the state of the date before.
    pub carried: bool,
}

/// Computes every table of one partition.
///
/// `emit` gets the number of a table and one block of it: [`PartitionPlan::block_rows`] rows (the last may be shorter), the
/// columns in the order of [`PartitionPlan::schema`]. Blocks of different tables come in any order, but in the same for
/// the same input; values do not depend on SIMD level or on how the stored tables are cut into blocks.
///
/// # Errors
/// As [`crate::feature::run_book`]; `Findings` also where exact sums of trades do not fit in 128 bits.
pub fn run_partition(
    inputs: &PartitionInputs<'_>,
    plan: &PartitionPlan,
    arena: &mut PartitionArena,
    spill: &mut dyn WindowScratch,
    emit: &mut EmitTable<'_>,
) -> Result<TablesReport> {
    run_partition_carrying(inputs, plan, arena, spill, Carry::default(), emit)
}

/// The same as one of a chain of dates (H1): goes on from the state of the date before, and leaves its own.
///
/// A state that does not fit is not taken over: it has another clock, or the partition begins before its last row. Bars still
/// begin at each local midnight, and `mid_after` ends with the partition.
///
/// # Errors
/// As [`run_partition`]; `Damage` and `Io` of the state, `Findings` where its numbers do not fit at this date's decimals.
pub fn run_partition_carrying(
    inputs: &PartitionInputs<'_>,
    plan: &PartitionPlan,
    arena: &mut PartitionArena,
    spill: &mut dyn WindowScratch,
    mut carry: Carry<'_>,
    emit: &mut EmitTable<'_>,
) -> Result<TablesReport> {
    carry.begin(inputs)?;
    let carried = carry.is_taken();
    let mut rows_out = vec![0; plan.len()];
    let mut counted = |number: usize, rows: usize, columns: &[ColumnValues<'_>]| {
        rows_out[number] += rows as u64;
        emit(number, rows, columns)
    };
    let PartitionArena { book, trades, outputs } = arena;
    let (mut bars, mut lengths, mut orders, mut others) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (table, output) in outputs {
        let Some(number) = plan.number(*table) else { continue };
        let Planned::Other(of) = &plan.tables[number] else { continue };
        if !output.fits(of) {
            return Err(Error::usage("the arena is smaller than the plan", "make both from one configuration"));
        }
        output.start();
        let writing = Writing { plan: of, number, output };
        if let Table::TimeBars(seconds) = table {
            lengths.push(*seconds);
            bars.push(writing);
        } else if let Table::Orders(seconds) = table {
            orders.push((*seconds, writing));
        } else {
            others.push(writing);
        }
    }
    let flow = changes(inputs, plan, orders, &mut counted)?;
    let mut merge = MergeReport { trade_rows: inputs.trade_rows(), ..MergeReport::default() };
    let simd = book.simd;
    let floor = carry.trade_floor();
    let volume_m = |tape| volume_read((inputs.trades, inputs.clock), floor, tape, simd);
    book.vpin.set_day_volume(if plan.config.dedupe { Some(volume_m(&mut book.tape)?) } else { None });
    let number = plan.number(Table::Book);
    if number.is_some() || !bars.is_empty() || plan.wants[0] && carry.is_kept() {
        let config = &plan.config.bars;
        let midnight = calendar::midnight(inputs.date_tz, inputs.date())?;
        let ruler = Ruler { midnight, dense: config.dense, year_seconds: config.year_seconds };
        let tables = (!bars.is_empty()).then(|| BarTables { bars: TimeBars::new(&lengths, ruler, flow), tables: bars });
        merge = run_beside(inputs, &plan.book, book, (tables, number), spill, &mut carry, &mut counted)?.merge;
    }
    if !others.is_empty() || plan.wants[1] && carry.is_kept() {
        merge.trade_faults = run_trades(inputs, plan, (book, trades), others, &mut carry, &mut counted)?;
    }
    carry.finish()?;
    Ok(TablesReport { merge, rows_out, carried })
}

/// The change pass: the tables of order metrics, and the event flow for time bars that show it.
fn changes(
    inputs: &PartitionInputs<'_>,
    plan: &PartitionPlan,
    tables: Vec<(u32, Writing<'_>)>,
    emit: &mut EmitTable<'_>,
) -> Result<Option<TouchFlow>> {
    let shows = |planned: &Planned| matches!(planned, Planned::Other(of) if of.runs("bar_events"));
    let flow = plan.tables.iter().any(shows);
    if !flow && tables.is_empty() {
        return Ok(None);
    }
    let rules = ChangeRules {
        clock: inputs.clock,
        midnight: calendar::midnight(inputs.date_tz, inputs.date())?,
        seconds: &plan.config.bars.seconds,
        dense: plan.config.bars.dense,
        fleeting_ms: plan.config.fleeting_ms,
        flow,
    };
    run_changes(&inputs.changes, inputs.trades, &rules, tables, emit)
}

/// The trade pass. Returns what was found in the trades.
fn run_trades(
    inputs: &PartitionInputs<'_>,
    plan: &PartitionPlan,
    (arena, memory): (&mut Arena, &mut TradeMemory),
    mut tables: Vec<Writing<'_>>,
    carry: &mut Carry<'_>,
    emit: &mut EmitTable<'_>,
) -> Result<RowFaults> {
    let _kernels = trace::enter(trace::Stage::Kernels);
    let floor = carry.trade_floor();
    let totals = trade_totals(inputs.trades, floor);
    if plan.wanted.vpin {
        arena.vpin.start(&plan.config.vpin, inputs, floor)?;
    }
    let memory = (memory, &mut arena.tape, &mut arena.vpin);
    let mut pass = TradePass::new(inputs, &plan.wanted, &totals, memory, (arena.simd, floor))?;
    pass.take_over(carry)?;
    let mut events = Vec::with_capacity(tables.len());
    for writing in &tables {
        let kind = event_kind(&plan.config, writing.plan.table());
        events.push(kind.map(|kind| EventBars::new(kind, pass.scales(), &totals)).transpose()?);
    }
    let mut room = BATCH;
    while pass.next_batch(room)? {
        for (writing, event) in tables.iter_mut().zip(&mut events) {
            match event {
                Some(event) => write_events(&pass, writing, event, emit)?,
                None => write_trades(&pass, writing, emit)?,
            }
        }
        let trades = tables.iter().zip(&events).find(|(_, event)| event.is_none());
        room = trades.map_or(BATCH, |(writing, _)| writing.output.room());
    }
    for (writing, event) in tables.iter_mut().zip(&mut events) {
        if let Some(event) = event {
            event.finish(&mut |part| writing.event_bar(part, emit))?;
        }
        writing.finish(emit)?;
    }
    let faults = pass.faults();
    if carry.is_kept() {
        pass.hand_on(carry)?;
    }
    Ok(faults)
}

fn event_kind(config: &FeatureConfig, table: Table) -> Option<EventKind> {
    let bars = &config.bars;
    match table {
        Table::VolumeBars => bars.volume.map(EventKind::Volume),
        Table::TickBars => bars.ticks.map(EventKind::Ticks),
        Table::DollarBars => bars.dollars.map(EventKind::Dollars),
        Table::ImbalanceBars => bars.imbalance.map(EventKind::Imbalance),
        _ => None,
    }
}

fn write_events(
    pass: &TradePass<'_>,
    writing: &mut Writing<'_>,
    event: &mut EventBars,
    emit: &mut EmitTable<'_>,
) -> Result<()> {
    let frame = pass.frame();
    for (row, trade) in pass.trades().iter().enumerate() {
        let facts = (frame.sides[1][row], frame.log_return()[row]);
        event.see(trade, facts, &mut |part| writing.event_bar(part, emit))?;
    }
    Ok(())
}

fn write_trades(pass: &TradePass<'_>, writing: &mut Writing<'_>, emit: &mut EmitTable<'_>) -> Result<()> {
    let (frame, rows) = (pass.frame(), pass.trades().len());
    for step in &writing.plan.steps {
        if let Kernel::Trade(kernel) = step.kernel {
            kernel(frame, writing.output.columns(step, rows));
        }
    }
    for (row, trade) in pass.trades().iter().enumerate() {
        for key in 0..2 {
            writing.output.put(key, row, trade.has_key[key].then_some(trade.keys[key]));
        }
        for (column, side) in frame.sides.iter().enumerate() {
            writing.output.put(2 + column, row, Some(side[row]));
        }
    }
    writing.output.push(rows, (writing.plan, writing.number), emit)
}
