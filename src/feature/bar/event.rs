//! Bars that end with an amount of trading: volume, trades, notional, signed imbalance. Boundaries are exact: all amounts are
//! whole numbers at one scale, and a trade is split where a volume or dollar bar is full (A1, F11, F12, F13).

use crate::error::{Error, ErrorKind, Result};
use crate::feature::amount::Amount;
use crate::feature::bar::TradePart;
use crate::feature::bar::trade_part::Piece;
use crate::feature::sums::{scaled, unit};
use crate::merge::{TradeRow, TradeTotals};

/// What ends a bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EventKind {
    /// This quantity.
    Volume(Amount),
    /// So many trades.
    Ticks(u64),
    /// This notional.
    Dollars(Amount),
    /// A sum of sign times quantity of this magnitude.
    Imbalance(Amount),
}

/// The open bar of one table.
#[derive(Debug)]
pub(crate) struct EventBars {
    kind: EventKind,
    /// What ends a bar, what the open one holds, and what one unit of a trade's amount is, at one scale.
    limit: i128,
    filled: i128,
    factor: i128,
    unit: f64,
    part: TradePart,
}

impl EventBars {
    /// Starts a partition with prices and quantities of these decimals.
    ///
    /// # Errors
    /// `Findings` if an amount could exceed 128 bits.
    pub(crate) fn new(kind: EventKind, (price_scale, qty_scale): (u8, u8), totals: &TradeTotals) -> Result<Self> {
        let (own, most, amount) = match kind {
            EventKind::Volume(v) => (u32::from(qty_scale), Some(totals.qty_bound), v),
            EventKind::Imbalance(v) => (u32::from(qty_scale), Some(totals.volume_m.unsigned_abs()), v),
            EventKind::Dollars(v) => {
                let most = totals.price_bound.checked_mul(totals.qty_bound);
                (u32::from(price_scale) + u32::from(qty_scale), most, v)
            }
            EventKind::Ticks(n) => {
                let ticks = Amount { mantissa: n.min(i64::MAX.unsigned_abs()).cast_signed(), scale: 0 };
                (0, Some(0), ticks)
            }
        };
        let scale = own.max(u32::from(amount.scale));
        let factor = 10_i128.checked_pow(scale - own);
        let fits =
            |factor: &i128| most.and_then(|m| m.checked_mul(factor.unsigned_abs())).is_some_and(|m| m < 1 << 126);
        let (Some(factor), Some(limit)) = (factor.filter(fits), amount.at(scale).filter(|l| *l < 1 << 126)) else {
            return Err(Error::new(ErrorKind::Findings {
                what: format!("amounts of {kind:?} are beyond 2^126 units of their smallest decimal"),
            }));
        };
        Ok(Self { kind, limit, filled: 0, factor, unit: unit(scale), part: TradePart::default() })
    }

    /// Takes the next trade; `close` gets each bar that ends with it.
    ///
    /// # Errors
    /// `Findings` for a dollar bar's trade without a positive price; what `close` returns.
    pub(crate) fn see(
        &mut self,
        trade: &TradeRow,
        (sign, log_return): (i64, f64),
        close: &mut dyn FnMut(&TradePart) -> Result<()>,
    ) -> Result<()> {
        let qty_m = i128::from(trade.qty_m) * self.factor;
        let whole = piece(trade, log_return);
        match self.kind {
            EventKind::Volume(_) => self.split(trade, whole, qty_m, close),
            EventKind::Dollars(_) if trade.price_m <= 0 => Err(Error::new(ErrorKind::Findings {
                what: format!("a trade at price {} has no place in dollar bars; leave out --dollar-bars", trade.price),
            })),
            EventKind::Dollars(_) => self.split(trade, whole, i128::from(trade.price_m) * qty_m, close),
            EventKind::Ticks(_) => self.join(&whole, 1, close),
            EventKind::Imbalance(_) => self.join(&whole, qty_m * i128::from(sign), close),
        }
    }

    /// Adds a whole trade; the bar ends where the amount has reached the limit.
    fn join(&mut self, whole: &Piece, amount: i128, close: &mut dyn FnMut(&TradePart) -> Result<()>) -> Result<()> {
        self.part.add(whole);
        self.filled += amount;
        if self.filled.abs() >= self.limit {
            self.end(close)?;
        }
        Ok(())
    }

    /// Adds a trade of an amount, cut wherever a bar is full.
    fn split(
        &mut self,
        trade: &TradeRow,
        mut piece: Piece,
        amount: i128,
        close: &mut dyn FnMut(&TradePart) -> Result<()>,
    ) -> Result<()> {
        let mut left = amount;
        loop {
            let taken = left.min(self.limit - self.filled);
            if taken != amount {
                let part = scaled(taken, self.unit);
                (piece.qty, piece.notional) = match self.kind {
                    EventKind::Dollars(_) => (part / trade.price, part),
                    _ => (part, trade.price * part),
                };
            }
            self.part.add(&piece);
            // Later parts of a trade move no price.
            piece.log_return = 0.0;
            self.filled += taken;
            left -= taken;
            if self.filled == self.limit {
                self.end(close)?;
            }
            if left == 0 {
                return Ok(());
            }
        }
    }

    fn end(&mut self, close: &mut dyn FnMut(&TradePart) -> Result<()>) -> Result<()> {
        self.filled = 0;
        close(&std::mem::take(&mut self.part))
    }

    /// The last bar, which nothing has ended.
    pub(crate) fn finish(&mut self, close: &mut dyn FnMut(&TradePart) -> Result<()>) -> Result<()> {
        if self.part.count > 0 { self.end(close) } else { Ok(()) }
    }
}

/// A whole trade.
pub(crate) fn piece(trade: &TradeRow, log_return: f64) -> Piece {
    let TradeRow { clock, price, qty, side, .. } = *trade;
    Piece { clock, price, qty, notional: price * qty, side, log_return }
}
