//! What flow kernels see: consecutive two-sided snapshots, each with its predecessor, and their trades.

use crate::error::Result;
use crate::feature::carry::{Carried, Rescale, StateReader, StateWriter};
use crate::feature::frame::Lane;
use crate::merge::{BATCH, Batch, BookSide, FlowLevel, Simd, TradeSums};
use crate::units::NANOS_PER_SECOND;

/// What flows from batch to batch besides the last snapshot: velocity and time step of it.
#[derive(Debug)]
pub(crate) struct FlowState {
    /// Seconds since the snapshot before, from slot 1 on; slot 0 belongs to the last row of the batch before.
    /// Null where there is no difference to take: the first snapshot, or after a gap (G8).
    step: Vec<f64>,
    /// Velocity in the same layout.
    velocity: Vec<f64>,
    /// Weight of each level in `mlofi`.
    weights: Vec<f64>,
    max_gap_ns: i64,
    rows: usize,
}

impl FlowState {
    pub(crate) fn new(ofi_levels: usize, alpha: f64, max_gap_ns: i64) -> Self {
        let weights = (0..ofi_levels).map(|level| crate::feature::math::exp(-alpha * level as f64)).collect();
        Self { step: vec![f64::NAN; BATCH + 1], velocity: vec![f64::NAN; BATCH + 1], weights, max_gap_ns, rows: 0 }
    }

    /// Starts a partition.
    pub(crate) fn reset(&mut self) {
        self.step[0] = f64::NAN;
        self.velocity[0] = f64::NAN;
    }

    /// Prepares a compacted batch: time steps, then velocities.
    pub(crate) fn compute(&mut self, batch: &Batch) {
        let clock = batch.flow_clock();
        self.rows = batch.rows();
        for i in 0..self.rows {
            let known = i > 0 || batch.has_previous;
            let step = clock[i + 1].saturating_sub(clock[i]);
            self.step[i + 1] =
                if known && step <= self.max_gap_ns { step as f64 / NANOS_PER_SECOND as f64 } else { f64::NAN };
        }
        let mut mids: [f64; BATCH + 1] = [0.0; BATCH + 1];
        let (bid, ask) = (batch.flow(BookSide::Bid, 0), batch.flow(BookSide::Ask, 0));
        for (mid, (bid, ask)) in mids[..=self.rows].iter_mut().zip(bid.price.iter().zip(ask.price)) {
            *mid = (bid + ask) / 2.0;
        }
        for i in 0..self.rows {
            let step = self.step[i + 1];
            self.velocity[i + 1] = if step > 0.0 { (mids[i + 1] - mids[i]) / step } else { f64::NAN };
        }
    }

    /// Keeps what the next batch needs.
    pub(crate) fn carry(&mut self) {
        if self.rows > 0 {
            self.step[0] = self.step[self.rows];
            self.velocity[0] = self.velocity[self.rows];
        }
    }
}

impl Carried for FlowState {
    fn save(&self, out: &mut StateWriter<'_>) -> Result<()> {
        out.floats(&[self.step[0], self.velocity[0]])
    }

    fn restore(&mut self, from: &mut StateReader, _: Rescale) -> Result<()> {
        (self.step[0], self.velocity[0]) = (from.float()?, from.float()?);
        Ok(())
    }
}

/// The input of a flow kernel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flow<'a> {
    pub(crate) batch: &'a Batch,
    pub(crate) state: &'a FlowState,
    pub(crate) simd: Simd,
}

impl<'a> Flow<'a> {
    /// Two-sided snapshots of the batch.
    #[inline(always)]
    pub(crate) fn rows(&self) -> usize {
        self.batch.rows()
    }

    /// A level of the snapshots; index 0 is the one before the first.
    #[inline(always)]
    pub(crate) fn level(&self, side: BookSide, level: usize) -> FlowLevel<'a> {
        self.batch.flow(side, level)
    }

    /// Seconds since the snapshot before; null where no difference is taken. Index 0 is the first row.
    #[inline(always)]
    pub(crate) fn step(&self) -> &'a [f64] {
        &self.state.step[1..=self.state.rows]
    }

    /// The step of the snapshot before each row.
    #[inline(always)]
    pub(crate) fn step_before(&self) -> &'a [f64] {
        &self.state.step[..self.state.rows]
    }

    #[inline(always)]
    pub(crate) fn velocity(&self) -> &'a [f64] {
        &self.state.velocity[1..=self.state.rows]
    }

    #[inline(always)]
    pub(crate) fn velocity_before(&self) -> &'a [f64] {
        &self.state.velocity[..self.state.rows]
    }

    /// Weights of the `ofi_levels` levels in `mlofi`.
    #[inline(always)]
    pub(crate) fn weights(&self) -> &'a [f64] {
        &self.state.weights
    }

    /// Sums of the trades that belong to each snapshot.
    pub(crate) fn trades(&self) -> &'a [TradeSums] {
        &self.batch.trades
    }
}

/// A column of a batch, for scratch.
pub(crate) const ZERO: Lane = [0.0; BATCH];
