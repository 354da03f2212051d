//! Windows over the two-sided snapshots (2.3): in, the series of a batch; out, the rolling columns.
//!
//! Everything that a window must remember stands in logs of a fixed size ([`log`]): running sums ([`sums`]), the values
//! that may become an extreme ([`extremes`]), spreads and regimes ([`spreads`]). Cost per row does not depend on the
//! length of a window, memory neither; what does not fit goes through [`WindowScratch`].
//!
//! Precision: a running sum holds 106 bits, so what a window loses is below 2^-100 of all that the partition has added up
//! before. A value shows that only after contributions 10^20 times as large, a deviation near 0 after ones 10^6 times.

mod carry;
mod exact;
mod extremes;
mod finish;
mod lanes;
mod layout;
mod log;
mod quantity;
mod ranks;
mod spreads;
mod sums;
mod terms;

use crate::error::Result;
use crate::feature::series::{Series, SeriesColumn};
use crate::merge::Simd;

use extremes::Extreme;
use layout::Layout;
pub use log::WindowScratch;
pub(crate) use quantity::Quantity;
pub use quantity::Window;
pub(crate) use spreads::SpreadRules;
use spreads::Spreads;
use sums::{Columns, RunningSums};

/// Bytes of a worker's window memory by default: rolling sums, fixed windows, spreads and extremes have parts of it.
pub(crate) const WINDOW_BYTES: usize = 6 << 20;

/// Which window columns a plan has.
#[derive(Clone, Debug, Default)]
pub(crate) struct WindowPlan {
    /// Sums at the horizons, and over the fixed windows, which remember more and for less time.
    rolling: Layout,
    fixed: Layout,
    /// Slots of percentile, regime, tight and wide share.
    spreads: [Option<usize>; 4],
    rules: Option<SpreadRules>,
    has_extreme: [bool; 2],
}

impl WindowPlan {
    /// The plan of `wanted`: quantity, whether at a horizon, nanoseconds, slot.
    pub(crate) fn new(wanted: &[(Quantity, bool, i64, usize)], rules: SpreadRules) -> Self {
        let of = |at_horizon: bool| {
            let wanted = wanted.iter().filter(|(_, rolls, ..)| *rolls == at_horizon);
            let sums = wanted.filter(|(quantity, ..)| spread_column(*quantity).is_none());
            Layout::new(&sums.map(|(quantity, _, nanos, slot)| (*quantity, *nanos, *slot)).collect::<Vec<_>>())
        };
        let mut plan = Self { rolling: of(true), fixed: of(false), ..Self::default() };
        for (quantity, _, _, slot) in wanted {
            if let Some(column) = spread_column(*quantity) {
                plan.spreads[column] = Some(*slot);
                plan.rules = Some(rules);
            }
            plan.has_extreme[0] |= *quantity == Quantity::MidHigh;
            plan.has_extreme[1] |= *quantity == Quantity::MidLow;
        }
        plan
    }
}

/// Which of the columns of [`Spreads`] a quantity is.
fn spread_column(quantity: Quantity) -> Option<usize> {
    match quantity {
        Quantity::SpreadPercentile => Some(0),
        Quantity::SpreadRegime => Some(1),
        Quantity::SpreadTightFrac => Some(2),
        Quantity::SpreadWideFrac => Some(3),
        _ => None,
    }
}

/// The memory of all windows of a worker.
#[derive(Debug)]
pub(crate) struct Windows {
    rolling: Option<RunningSums>,
    fixed: Option<RunningSums>,
    spreads: Option<Spreads>,
    /// Of the highest and the lowest mid.
    extremes: [Option<Extreme>; 2],
}

impl Windows {
    /// Memory for a plan, in about `bytes` bytes.
    pub(crate) fn new(plan: &WindowPlan, bytes: usize) -> Self {
        let some = |layout: &Layout| !layout.spans.is_empty();
        let extreme = |i: usize, sign| {
            plan.has_extreme[i].then(|| Extreme::new(3 + i as u32, sign, plan.rolling.spans.len(), bytes / 32))
        };
        Self {
            rolling: some(&plan.rolling).then(|| RunningSums::new(0, &plan.rolling, bytes / 2)),
            fixed: some(&plan.fixed).then(|| RunningSums::new(1, &plan.fixed, bytes * 3 / 8)),
            spreads: plan.rules.map(|_| Spreads::new(2, bytes / 16)),
            extremes: [extreme(0, 1.0), extreme(1, -1.0)],
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        let sums = self.rolling.iter().chain(&self.fixed).map(RunningSums::bytes).sum::<usize>();
        let extremes = self.extremes.iter().flatten().map(Extreme::bytes).sum::<usize>();
        sums + extremes + self.spreads.as_ref().map_or(0, Spreads::bytes)
    }

    /// Starts a partition.
    pub(crate) fn reset(&mut self, scratch: &mut dyn WindowScratch) -> Result<()> {
        scratch.clear()?;
        for sums in self.rolling.iter_mut().chain(&mut self.fixed) {
            sums.reset(scratch)?;
        }
        self.extremes.iter_mut().flatten().for_each(Extreme::reset);
        self.spreads.iter_mut().try_for_each(|spreads| spreads.reset(scratch))
    }

    /// Writes the window columns of a batch; `out` hands over the columns of slots, a value for each two-sided row.
    pub(crate) fn run(
        &mut self,
        plan: &WindowPlan,
        simd: Simd,
        series: &Series,
        scratch: &mut dyn WindowScratch,
        out: &mut Columns<'_>,
    ) -> Result<()> {
        let rows = series.rows();
        if rows == 0 {
            return Ok(());
        }
        if let Some(sums) = &mut self.fixed {
            sums.run(&plan.fixed, simd, series, scratch, out)?;
        }
        if let Some(spreads) = &mut self.spreads
            && let Some(rules) = plan.rules
        {
            spreads.run(rules, series, scratch)?;
            let columns = &spreads.columns;
            let lanes = [&columns.percentile, &columns.regime, &columns.tight, &columns.wide];
            for (slot, lane) in plan.spreads.iter().zip(lanes) {
                if let Some(slot) = slot {
                    out(&[*slot], &mut |[column, ..]| column.copy_from_slice(&lane[..rows]));
                }
            }
        }
        let Some(sums) = &mut self.rolling else { return Ok(()) };
        sums.run(&plan.rolling, simd, series, scratch, out)?;
        for (extreme, quantity) in self.extremes.iter_mut().zip([Quantity::MidHigh, Quantity::MidLow]) {
            let Some(extreme) = extreme else { continue };
            let mids = series.column(SeriesColumn::Mid);
            extreme.run(mids, sums.first_record(rows), sums.starts(), scratch)?;
            for (span, values) in plan.rolling.spans.iter().zip(&extreme.values) {
                for output in span.outputs.iter().filter(|output| output.quantity == quantity) {
                    out(&[output.slot], &mut |[column, ..]| column.copy_from_slice(&values[..rows]));
                }
            }
        }
        Ok(())
    }
}
