//! One partition through merge and kernels: in, its tables; out, blocks of the feature table and a report.

use std::ops::Range;

use crate::codec::ColumnValues;
use crate::error::{Error, Result};
use crate::feature::arena::{Output, ROWS};
use crate::feature::calendar::Calendar;
use crate::feature::emission::Emission;
use crate::feature::flow::{Flow, FlowState};
use crate::feature::frame::{Derived, Out, Scratch, Structural};
use crate::feature::inputs::PartitionInputs;
use crate::feature::plan::{COLUMNS_MAX, Place, Step};
use crate::feature::registry::Kernel;
use crate::feature::series::Series;
use crate::feature::{Arena, Plan};
use crate::merge::{Batch, Merge, MergeConfig, MergeReport, Simd};

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
/// `emit` gets blocks of [`Plan::block_rows`] rows (the last may be shorter), the columns in the order of [`Plan::schema`];
/// an error of it ends the run and is returned. Nothing is allocated per block. The same input gives the same values for
/// every SIMD level, and for every block size of the files.
///
/// # Errors
/// `Damage` and `Io` of the readers; `Findings` where the partition's numbers are beyond exact 64-bit arithmetic, or the
/// tables do not fit the arena; `Usage` for an arena of another configuration or an unknown zone.
pub fn run_book(
    inputs: &PartitionInputs<'_>,
    plan: &Plan,
    arena: &mut Arena,
    emit: &mut Emit<'_>,
) -> Result<PartitionReport> {
    if plan.levels > arena.levels || plan.slots > arena.slots {
        return Err(Error::usage("the arena is smaller than the plan", "make both from one configuration"));
    }
    let Arena { simd, merge: memory, derived, scratch, flow, series, output, .. } = arena;
    let max_gap_ns = plan.config().max_gap_ns;
    let config = MergeConfig { levels: usize::from(plan.levels), clock: inputs.clock, max_gap_ns, simd: *simd };
    let mut merge = Merge::new(inputs.book, inputs.trades, config, memory)?;
    let mut calendar = Calendar::new(inputs.date_tz)?;
    flow.reset();
    let mut kernels = Kernels { plan, simd: *simd, derived, scratch, flow, series, calendar: &mut calendar };
    let mut emission = Emission::new(plan.config().emit_interval_ns);
    let mut rows_out = 0;
    let mut filled = 0;
    while merge.next_batch(ROWS - filled)? {
        let batch = merge.batch();
        let rows = batch.rows();
        emission.see(batch.clock());
        kernels.run(batch, output, filled);
        filled += emission.choose(output, plan, filled, rows);
        if filled == ROWS {
            output.emit(plan, filled, emit)?;
            rows_out += filled as u64;
            filled = 0;
        }
    }
    if filled > 0 {
        output.emit(plan, filled, emit)?;
        rows_out += filled as u64;
    }
    Ok(PartitionReport { merge: merge.report(), rows_out })
}

/// The kernels of a run with their state.
struct Kernels<'a> {
    plan: &'a Plan,
    simd: Simd,
    derived: &'a mut Derived,
    scratch: &'a mut Scratch,
    flow: &'a mut FlowState,
    series: &'a mut Series,
    calendar: &'a mut Calendar,
}

impl Kernels<'_> {
    /// Writes one batch to the rows from `first` on.
    fn run(&mut self, batch: &mut Batch, output: &mut Output, first: usize) {
        let rows = batch.rows();
        output.write_keys(batch, first);
        let calendar = output.calendar.each_mut().map(|column| &mut column[first..first + rows]);
        self.calendar.write(batch.clock(), calendar);
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
        if !all {
            for step in self.plan.steps.iter().filter(|step| matches!(step.kernel, Kernel::Flow(_))) {
                out(step, &mut output.values, first, rows).expand(&batch.two_sided);
            }
        }
        self.flow.carry();
        batch.carry();
    }

    /// Copies the columns that are just computed to the series: structural ones with the rows to keep, flow ones without.
    fn take_series(&mut self, output: &Output, rows: Range<usize>, two_sided: Option<&[u32]>) {
        for (column, slot) in &self.plan.series {
            let Some(slot) = *slot else { continue };
            let values = &output.values[slot * ROWS..][rows.clone()];
            match (two_sided, self.plan.is_flow(slot)) {
                (Some(two_sided), false) => self.series.take_rows(*column, values, two_sided),
                (None, true) => self.series.take(*column, values),
                _ => {}
            }
        }
    }
}

fn out<'a>(step: &Step, values: &'a mut [f64], first: usize, rows: usize) -> Out<'a> {
    Out::new(&mut values[step.first_slot * ROWS..(step.first_slot + step.slots) * ROWS], ROWS, first, rows)
}

impl Output {
    fn write_keys(&mut self, batch: &Batch, first: usize) {
        let rows = batch.rows();
        for key in 0..3 {
            self.keys[key][first..first + rows].copy_from_slice(&batch.keys[key][..rows]);
            for (row, valid) in (first..).zip(&batch.key_valid[key][..rows]) {
                let word = &mut self.key_validity[key][row / 64];
                *word = *word & !(1 << (row % 64)) | u64::from(*valid) << (row % 64);
            }
        }
        self.flags[first..first + rows].copy_from_slice(&batch.flags[..rows]);
    }

    /// Hands over the first `rows` rows.
    fn emit(&mut self, plan: &Plan, rows: usize, emit: &mut Emit<'_>) -> Result<()> {
        if !rows.is_multiple_of(64) {
            for validity in &mut self.key_validity {
                validity[rows / 64] &= (1 << (rows % 64)) - 1;
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
                Place::Slot(slot) => ColumnValues::F64(&self.values[slot * ROWS..][..rows]),
            };
        }
        emit(rows, &columns[..plan.places.len()])
    }
}
