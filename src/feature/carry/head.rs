//! The part `head`: what decides whether a state fits a partition, and the scales of its trades.

use crate::error::Result;
use crate::feature::PartitionInputs;
use crate::feature::carry::{StateReader, StateWriter, damaged};
use crate::merge::{Scales, first_clock, last_clock, trade_totals};
use crate::schema::Clock;

const PART: &str = "head";

/// The head of a state.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    clock: Clock,
    /// Clock of the last row of any table.
    last: i64,
    /// Scales of all mantissas of trades in the state.
    pub(crate) trades: Scales,
}

impl Head {
    /// The head of a partition's own state, after that of the date before.
    pub(crate) fn of(inputs: &PartitionInputs<'_>, before: Option<Self>) -> Self {
        let clock = inputs.clock;
        let ends = [last_clock(inputs.book, clock), last_clock(inputs.trades, clock), before.map(|head| head.last)];
        let floor = before.map(|head| head.trades).unwrap_or_default();
        let totals = trade_totals(inputs.trades, floor);
        let trades = Scales { price: totals.price_scale, size: totals.scale };
        Self { clock, last: ends.into_iter().flatten().max().unwrap_or(i64::MIN), trades }
    }

    /// Whether a partition can follow.
    pub(crate) fn fits(&self, inputs: &PartitionInputs<'_>) -> bool {
        let firsts = [first_clock(inputs.book, inputs.clock), first_clock(inputs.trades, inputs.clock)];
        self.clock == inputs.clock && firsts.into_iter().flatten().all(|first| first >= self.last)
    }

    pub(crate) fn write(&self, out: &mut StateWriter<'_>) -> Result<()> {
        out.begin(PART);
        out.word(self.clock as u64)?;
        out.int(self.last)?;
        out.word(u64::from(self.trades.price))?;
        out.word(u64::from(self.trades.size))
    }

    pub(crate) fn read(from: &mut StateReader) -> Result<Self> {
        if !from.enter(PART) {
            return Err(damaged("the part head", "another, or nothing"));
        }
        let clock = if from.below(2)? == 0 { Clock::Event } else { Clock::Recv };
        let last = from.int()?;
        let trades = Scales { price: from.scale()?, size: from.scale()? };
        from.leave()?;
        Ok(Self { clock, last, trades })
    }
}
