//! One partition through merge and kernels: in, its tables; out, blocks of the feature table and a report.

use std::ops::Range;

use crate::codec::ColumnValues;
use crate::error::{Error, Result};
use crate::feature::arena::{Output, STRIDE};
use crate::feature::beside::{BarTables, Beside};
use crate::feature::calendar::Calendar;
use crate::feature::carry::{Carry, Stream};
use crate::feature::emission::Emission;
use crate::feature::flow::{Flow, FlowState};
use crate::feature::frame::{Derived, Out, Scratch, Structural};
use crate::feature::inputs::PartitionInputs;
use crate::feature::plan::{COLUMNS_MAX, Place, Step};
use crate::feature::registry::Kernel;
use crate::feature::series::Series;
use crate::feature::window::{WindowScratch, Windows};
use crate::feature::{Arena, EmitTable, Plan};
use crate::merge::{Batch, Merge, MergeConfig, MergeReport, Scales, Simd, TradeTape};
use crate::trace;

/// What a run of one partition saw and wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PartitionReport {
    /// Rows read, in total order.
    pub merge: MergeReport,
    /// Rows emitted.
    pub rows_out: u64,
}

/// Takes one block of the output.
pub type Emit<'a> = dyn FnMut(usize, &[ColumnValues<'_>]) -> Result<()> + 'a;

/// Computes the table `book` of one partition.
///
/// `emit` gets blocks of [`Plan::block_rows`] rows (the last may be shorter; all may after [`Arena::hand_over_early`]), the columns in
/// the order of [`Plan::schema`]; an error of it ends the run and is returned. `spill` takes what windows cannot hold in memory. Nothing
/// is allocated per block. The same input gives the same values for every SIMD level, and for every block size of the files.
///
/// # Errors
/// `Damage` and `Io` of the readers; `Findings` where the partition's numbers are beyond exact 64-bit arithmetic, or the
/// tables do not fit the arena; `Usage` for an arena of another configuration or an unknown zone.
pub fn run_book(
    inputs: &PartitionInputs<'_>,
    plan: &Plan,
    arena: &mut Arena,
    spill: &mut dyn WindowScratch,
    emit: &mut Emit<'_>,
) -> Result<PartitionReport> {
    let carry = &mut Carry::default();
    run_beside(inputs, plan, arena, (None, Some(0)), spill, carry, &mut |_, rows, columns| emit(rows, columns))
}

/// The same with time bars beside it; `number` is the table's in the run, none where it is not written. Goes on where
/// `carry` says, which was begun.
pub(crate) fn run_beside<'a>(
    inputs: &PartitionInputs<'a>,
    plan: &Plan,
    arena: &'a mut Arena,
    (bars, number): (Option<BarTables<'a>>, Option<usize>),
    spill: &mut dyn WindowScratch,
    carry: &mut Carry<'_>,
    emit: &mut EmitTable<'_>,
) -> Result<PartitionReport> {
    if *plan.config() != arena.config {
        return Err(Error::usage("arena and plan are of two configurations", "make both from one"));
    }
    let full = arena.block_rows;
    let Arena { simd, merge: memory, derived, scratch, flow, series, windows, output, tape, vpin, .. } = arena;
    let is_vpin = |step: &&Step| matches!(step.kernel, Kernel::Vpin);
    let vpin = plan.steps.iter().find(is_vpin).map(|_| vpin);
    let vpin =
        vpin.map(|vpin| vpin.start(&plan.config().vpin, inputs, carry.trade_floor()).map(|()| vpin)).transpose()?;
    let tape = TradeTape::new(inputs.trades, inputs.clock, tape, *simd, false)?;
    let mut beside = Beside { tape, vpin, bars, last: None };
    let max_gap_ns = plan.config().max_gap_ns;
    let config = MergeConfig { levels: usize::from(plan.levels), clock: inputs.clock, max_gap_ns, simd: *simd };
    let mut merge = Merge::new(inputs.book, inputs.trades, config, memory)?;
    let mut calendar = Calendar::new(inputs.date_tz)?;
    flow.reset();
    windows.reset(spill)?;
    let mut kernels = Kernels { plan, simd: *simd, derived, scratch, flow, series, windows, calendar: &mut calendar };
    let mut emission = Emission::new(plan.config().emit_interval_ns);
    let before = kernels.take_over(&mut merge, &mut emission, spill, carry)?;
    beside.take_over(carry)?;
    let mut rows_out = 0;
    let mut filled = 0;
    while merge.next_batch(full - filled)? {
        let batch = merge.batch();
        let rows = batch.rows();
        emission.see(batch.clock());
        kernels.run(batch, output, filled, (&mut beside, emit), spill)?;
        filled += emission.choose(output, plan, filled, rows);
        if filled == full {
            rows_out += output.emit(plan, filled, (number, emit))?;
            filled = 0;
        }
    }
    rows_out += output.emit(plan, filled, (number, emit))?;
    beside.finish(carry.is_kept(), emit)?;
    let report = PartitionReport { merge: merge.report(), rows_out };
    if carry.is_kept() {
        // A date without a book leaves the last snapshot as it came, and may use fewer levels than that has.
        let before = before.filter(|_| inputs.book.is_empty());
        let scales = merge.scales();
        let mut state = merge.state()?;
        state.snapshot = before.map_or(state.snapshot, |before| before.merge.snapshot);
        kernels.hand_on(&Stream { merge: state, scales }, &emission, spill, carry)?;
    }
    beside.hand_on(carry)?;
    Ok(report)
}

/// Parts of the state: the merge, the flow, the emission.
const STREAM: &str = "book.stream";
const FLOW: &str = "book.flow";
const EMISSION: &str = "book.emission";

/// The kernels of a run with their state.
struct Kernels<'a> {
    plan: &'a Plan,
    simd: Simd,
    derived: &'a mut Derived,
    scratch: &'a mut Scratch,
    flow: &'a mut FlowState,
    series: &'a mut Series,
    windows: &'a mut Windows,
    calendar: &'a mut Calendar,
}

impl Kernels<'_> {
    /// Goes on after the last row of the date before.
    fn take_over(
        &mut self,
        merge: &mut Merge<'_>,
        emission: &mut Emission,
        spill: &mut dyn WindowScratch,
        carry: &mut Carry<'_>,
    ) -> Result<Option<Stream>> {
        let Some(from) = carry.enter(STREAM)? else { return Ok(None) };
        let stream = Stream::read(from)?;
        merge.resume(&stream.merge, stream.scales, carry.trade_floor())?;
        carry.restore(FLOW, self.flow, Scales::default())?;
        carry.restore(EMISSION, emission, Scales::default())?;
        let scales = (stream.scales.price, merge.scales().price);
        self.windows.take_over(scales, spill, carry)?;
        Ok(Some(stream))
    }

    /// Leaves the state after the last row.
    fn hand_on(
        &mut self,
        stream: &Stream,
        emission: &Emission,
        spill: &mut dyn WindowScratch,
        carry: &mut Carry<'_>,
    ) -> Result<()> {
        if let Some(out) = carry.begin_part(STREAM) {
            stream.write(out)?;
        }
        carry.save(FLOW, &*self.flow)?;
        carry.save(EMISSION, emission)?;
        self.windows.hand_on(spill, carry)
    }

    /// Writes one batch to the rows from `first` on.
    fn run(
        &mut self,
        batch: &mut Batch,
        output: &mut Output,
        first: usize,
        (beside, emit): (&mut Beside<'_>, &mut EmitTable<'_>),
        spill: &mut dyn WindowScratch,
    ) -> Result<()> {
        let _kernels = trace::enter(trace::Stage::Kernels);
        let rows = batch.rows();
        output.write_keys(batch, first);
        if self.plan.steps.iter().any(|step| matches!(step.kernel, Kernel::Calendar)) {
            let calendar = output.calendar.each_mut().map(|column| &mut column[first..first + rows]);
            self.calendar.write(batch.clock(), calendar);
        }
        self.derived.compute(self.simd, batch);
        let input = Structural { batch, derived: self.derived, simd: self.simd };
        for step in &self.plan.steps {
            if let Kernel::Structural(kernel) = step.kernel {
                kernel(&input, self.scratch, out(step, &mut output.values, first, rows));
            }
        }
        self.take_series(output, first..first + rows, Some(&batch.two_sided));
        let all = batch.all_two_sided();
        batch.compact();
        self.flow.compute(batch);
        self.series.begin(batch);
        let input = Flow { batch, state: self.flow, simd: self.simd };
        for step in &self.plan.steps {
            if let Kernel::Flow(kernel) = step.kernel {
                let mut columns = out(step, &mut output.values, first, rows);
                kernel(&input, columns.narrowed(batch.rows()));
            }
        }
        for (column, slot) in &self.plan.series {
            if slot.is_none() {
                self.series.derive(*column, batch, input.step());
            }
        }
        self.take_series(output, first..first + batch.rows(), None);
        let kept = batch.rows();
        let values = &mut output.values;
        let in_windows = trace::enter(trace::Stage::Windows);
        self.windows.run(&self.plan.windows, self.simd, self.series, spill, &mut |slots, write| {
            write(columns_of(values, slots, first..first + kept));
        })?;
        drop(in_windows);
        let vpin = self.plan.steps.iter().find(|step| matches!(step.kernel, Kernel::Vpin));
        let vpin = vpin.map(|step| out(step, &mut output.values, first, batch.rows()).columns::<1>());
        beside.run(self.simd, self.series, vpin.map(|[column]| column), emit)?;
        if !all {
            let compacted = |step: &&Step| matches!(step.kernel, Kernel::Flow(_) | Kernel::Window(_) | Kernel::Vpin);
            for step in self.plan.steps.iter().filter(compacted) {
                out(step, &mut output.values, first, rows).expand(&batch.two_sided);
            }
        }
        self.flow.carry();
        batch.carry();
        Ok(())
    }

    /// Copies the columns that are just computed to the series: structural ones with the rows to keep, flow ones without.
    fn take_series(&mut self, output: &Output, rows: Range<usize>, two_sided: Option<&[u32]>) {
        for (column, slot) in &self.plan.series {
            let Some(slot) = *slot else { continue };
            let values = &output.values[slot * STRIDE..][rows.clone()];
            match (two_sided, self.plan.is_flow(slot)) {
                (Some(two_sided), false) => self.series.take_rows(*column, values, two_sided),
                (None, true) => self.series.take(*column, values),
                _ => {}
            }
        }
    }
}

/// Some rows of up to three slots; the others, and slots that are not apart, are empty.
fn columns_of<'a>(values: &'a mut [f64], slots: &[usize], rows: Range<usize>) -> [&'a mut [f64]; 3] {
    let at = |i: usize| slots.get(i).map_or(0..0, |slot| slot * STRIDE + rows.start..slot * STRIDE + rows.end);
    values.get_disjoint_mut([at(0), at(1), at(2)]).unwrap_or_default()
}

fn out<'a>(step: &Step, values: &'a mut [f64], first: usize, rows: usize) -> Out<'a> {
    Out::new(&mut values[step.first_slot * STRIDE..(step.first_slot + step.slots) * STRIDE], STRIDE, first, rows)
}

/// Writes bits from `first` on, up to 64 of a word at once.
fn set_bits(words: &mut [u64], mut first: usize, mut bits: &[bool]) {
    while !bits.is_empty() {
        let (now, later) = bits.split_at(bits.len().min(64 - first % 64));
        let set = now.iter().rev().fold(0, |word, bit| word << 1 | u64::from(*bit));
        let mask = u64::MAX >> (64 - now.len());
        let word = &mut words[first / 64];
        *word = *word & !(mask << (first % 64)) | set << (first % 64);
        (first, bits) = (first + now.len(), later);
    }
}

impl Output {
    fn write_keys(&mut self, batch: &Batch, first: usize) {
        let rows = batch.rows();
        for key in 0..3 {
            self.keys[key][first..first + rows].copy_from_slice(&batch.keys[key][..rows]);
            set_bits(&mut self.key_validity[key], first, &batch.key_valid[key][..rows]);
        }
        self.flags[first..first + rows].copy_from_slice(&batch.flags[..rows]);
    }

    /// Hands over the first `rows` rows, if there are any and the table is written; returns how many were.
    fn emit(&mut self, plan: &Plan, rows: usize, (number, emit): (Option<usize>, &mut EmitTable<'_>)) -> Result<u64> {
        let Some(number) = number.filter(|_| rows > 0) else { return Ok(0) };
        if !rows.is_multiple_of(64) {
            for validity in &mut self.key_validity {
                validity[rows / 64] &= (1 << (rows % 64)) - 1;
            }
        }
        for place in &plan.places {
            let Place::Small(slot, number) = *place else { continue };
            let (numbers, validity) = &mut self.small[number];
            validity.fill(0);
            for (row, x) in self.values[slot * STRIDE..][..rows].iter().enumerate() {
                numbers[row] = if x.is_nan() { 0 } else { *x as i64 };
                validity[row / 64] |= u64::from(!x.is_nan()) << (row % 64);
            }
        }
        let mut columns = [ColumnValues::F64(&[]); COLUMNS_MAX];
        for ((column, place), ty) in columns.iter_mut().zip(&plan.places).zip(&plan.schema().columns) {
            *column = match *place {
                Place::Key(key) => ColumnValues::I64 {
                    values: &self.keys[key][..rows],
                    validity: ty.nullable.then(|| &self.key_validity[key][..rows.div_ceil(64)]),
                },
                Place::Flags => ColumnValues::I64 { values: &self.flags[..rows], validity: None },
                Place::Calendar(i) => ColumnValues::I64 { values: &self.calendar[i][..rows], validity: None },
                Place::Small(_, number) => {
                    let (numbers, validity) = &self.small[number];
                    ColumnValues::I64 { values: &numbers[..rows], validity: Some(&validity[..rows.div_ceil(64)]) }
                }
                Place::Slot(slot) => ColumnValues::F64(&self.values[slot * STRIDE..][..rows]),
            };
        }
        emit(number, rows, &columns[..plan.places.len()])?;
        Ok(rows as u64)
    }
}
