//! The trades of a partition, summed up to each two-sided snapshot (A9, C13, C14).
//!
//! A trade ranks before a snapshot of the same clock (G3), so the trades of a snapshot are those not later than it that
//! no earlier two-sided snapshot took.

use crate::error::Result;
use crate::merge::cursor::Scales;
use crate::merge::faults::RowFaults;
use crate::merge::tape::{TapeMemory, TradeRow, TradeTape};
use crate::merge::{Simd, TradeSums};
use crate::read::TableReader;
use crate::schema::Clock;

/// The trades, in order, and the sums of those that wait for a snapshot.
#[derive(Debug)]
pub(crate) struct TradeStream<'a> {
    tape: TradeTape<'a>,
    /// Trades taken by snapshots.
    pub(crate) used: u64,
}

impl<'a> TradeStream<'a> {
    pub(crate) fn new(
        segments: &'a [TableReader],
        clock: Clock,
        memory: &'a mut TapeMemory,
        simd: Simd,
    ) -> Result<Self> {
        Ok(Self { tape: TradeTape::counting(segments, clock, memory, simd, false)?, used: 0 })
    }

    /// What was found in the trades read so far.
    pub(crate) fn faults(&self) -> RowFaults {
        self.tape.faults()
    }

    /// Makes the common scales at least these; only before the first trade.
    pub(crate) fn raise(&mut self, floor: Scales) {
        self.tape.raise(floor);
    }

    /// Adds every trade up to `clock` that is still there to `sums`, in order.
    #[inline(always)]
    pub(crate) fn take(&mut self, clock: i64, sums: &mut TradeSums) -> Result<()> {
        while let Some(trade) = self.tape.next_until(clock)? {
            add(sums, &trade);
            self.used += 1;
        }
        Ok(())
    }

    /// Adds what no snapshot took: such trades are not counted as used.
    pub(crate) fn take_rest(&mut self, mut sums: TradeSums) -> Result<TradeSums> {
        let used = self.used;
        let outcome = self.take(i64::MAX, &mut sums);
        self.used = used;
        outcome.map(|()| sums)
    }
}

#[inline]
fn add(sums: &mut TradeSums, trade: &TradeRow) {
    match trade.side {
        1 => sums.buy += trade.qty,
        -1 => sums.sell += trade.qty,
        _ => sums.unknown += trade.qty,
    }
    sums.count += 1.0;
    sums.notional += trade.price * trade.qty;
    sums.volume += trade.qty;
}
