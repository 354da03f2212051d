//! The trades of the date before that the windows still hold: they leave before the first of this date does, and come from the
//! state, a block at a time.

use crate::error::Result;
use crate::feature::carry::{Rescale, StateReader, StateWriter, damaged};
use crate::merge::{TradeRow, TradeTape, rescaled};
use crate::units::Decimal;

/// Words of a trade: clock, price, quantity, side.
const WORDS: u64 = 4;

/// Trades of the state, in order.
#[derive(Debug)]
pub(crate) struct Tail {
    from: StateReader,
    left: u64,
    next: Option<TradeRow>,
    scales: Rescale,
}

impl Tail {
    /// The trades that `from` comes to, but for the first `skip` of them.
    pub(crate) fn new(mut from: StateReader, skip: u64, left: u64, scales: Rescale) -> Result<Self> {
        for _ in 0..skip.saturating_mul(WORDS) {
            from.word()?;
        }
        let mut tail = Self { from, left, next: None, scales };
        tail.advance()?;
        Ok(tail)
    }

    fn advance(&mut self) -> Result<()> {
        let before = self.next.take().map_or(i64::MIN, |trade| trade.clock);
        if self.left == 0 {
            return Ok(());
        }
        self.left -= 1;
        let (from, Rescale { from: old, to }) = (&mut self.from, self.scales);
        let clock = from.int()?;
        let price_m = rescaled(from.int()?, old.price, to.price)?;
        let qty_m = rescaled(from.int()?, old.size, to.size)?;
        let side = from.int()?;
        if clock < before || qty_m < 0 || side.unsigned_abs() > 1 {
            return Err(damaged("trades in order", format!("clock {clock}, quantity {qty_m}, side {side}")));
        }
        let qty = Decimal { mantissa: qty_m, scale: to.size }.to_f64();
        self.next = Some(TradeRow { clock, qty_m, qty, side, ..of_price(price_m, to.price) });
        Ok(())
    }
}

/// A trade of which only the price matters.
pub(crate) fn of_price(price_m: i64, scale: u8) -> TradeRow {
    TradeRow { price_m, price: Decimal { mantissa: price_m, scale }.to_f64(), ..TradeRow::default() }
}

/// The trades that leave a window: those of the date before, then those of this one.
#[derive(Debug)]
pub(crate) struct Leaving<'a> {
    pub(crate) tail: Option<Tail>,
    pub(crate) own: TradeTape<'a>,
}

impl Leaving<'_> {
    /// Takes the next trade if its clock is not after `limit`.
    ///
    /// # Errors
    /// `Damage`, `Io`, `Findings`.
    #[inline]
    pub(crate) fn next_until(&mut self, limit: i64) -> Result<Option<TradeRow>> {
        if let Some(tail) = &mut self.tail {
            if let Some(trade) = tail.next {
                if trade.clock > limit {
                    return Ok(None);
                }
                tail.advance()?;
                return Ok(Some(trade));
            }
            self.tail = None;
        }
        self.own.next_until(limit)
    }

    /// Writes every trade that has not left.
    pub(crate) fn save(&mut self, out: &mut StateWriter<'_>) -> Result<()> {
        while let Some(trade) = self.next_until(i64::MAX)? {
            for word in [trade.clock, trade.price_m, trade.qty_m, trade.side] {
                out.int(word)?;
            }
        }
        Ok(())
    }
}
