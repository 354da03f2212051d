//! The merge's part of a state: the last two-sided snapshot, exact, and the trades that wait for the next one.

use crate::error::Result;
use crate::feature::carry::{StateReader, StateWriter};
use crate::limits::FEATURE_LEVELS_MAX;
use crate::merge::{MergeState, Scales, Snapshot, TradeSums};

/// A merge between two dates, and the scales of its mantissas.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) merge: MergeState,
    pub(crate) scales: Scales,
}

impl Stream {
    pub(crate) fn write(&self, out: &mut StateWriter<'_>) -> Result<()> {
        let MergeState { last_clock, snapshot, pending } = &self.merge;
        out.word(u64::from(self.scales.price))?;
        out.word(u64::from(self.scales.size))?;
        out.option(*last_clock)?;
        let TradeSums { buy, sell, unknown, count, notional, volume } = *pending;
        out.floats(&[buy, sell, unknown, count, notional, volume])?;
        out.option(snapshot.as_ref().map(|snapshot| snapshot.clock))?;
        let levels = snapshot.iter().flat_map(|snapshot| &snapshot.levels);
        out.word(levels.clone().count() as u64)?;
        levels.flatten().flatten().try_for_each(|mantissa| out.int(*mantissa))
    }

    pub(crate) fn read(from: &mut StateReader) -> Result<Self> {
        let scales = Scales { price: from.scale()?, size: from.scale()? };
        let last_clock = from.option()?;
        let mut sums = [0.0; 6];
        for sum in &mut sums {
            *sum = from.float()?;
        }
        let [buy, sell, unknown, count, notional, volume] = sums;
        let pending = TradeSums { buy, sell, unknown, count, notional, volume };
        let clock = from.option()?;
        let mut levels = Vec::new();
        for _ in 0..from.below(u64::from(FEATURE_LEVELS_MAX) + 1)? {
            levels.push([[from.int()?, from.int()?], [from.int()?, from.int()?]]);
        }
        from.leave()?;
        let snapshot = clock.map(|clock| Snapshot { clock, levels });
        Ok(Self { merge: MergeState { last_clock, snapshot, pending }, scales })
    }
}
