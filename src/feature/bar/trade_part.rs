//! What a bar gathers of trades.

use crate::feature::sums::Sum;

/// The trades of a bar so far; of a split trade each part is one (F11).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TradePart {
    pub(crate) count: u64,
    pub(crate) open: f64,
    pub(crate) high: f64,
    pub(crate) low: f64,
    pub(crate) close: f64,
    pub(crate) buy: Sum,
    pub(crate) sell: Sum,
    pub(crate) unknown: Sum,
    pub(crate) notional: Sum,
    /// Squared log returns, and how many are not null.
    squares: Sum,
    returns: u64,
    /// Clocks of the first and the last part.
    pub(crate) clocks: [i64; 2],
}

/// One trade or a part of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece {
    pub(crate) clock: i64,
    pub(crate) price: f64,
    pub(crate) qty: f64,
    pub(crate) notional: f64,
    pub(crate) side: i64,
    pub(crate) log_return: f64,
}

impl TradePart {
    pub(crate) fn add(&mut self, piece: &Piece) {
        if self.count == 0 {
            (self.open, self.high, self.low) = (piece.price, piece.price, piece.price);
            self.clocks[0] = piece.clock;
        }
        self.count += 1;
        self.high = self.high.max(piece.price);
        self.low = self.low.min(piece.price);
        self.close = piece.price;
        self.clocks[1] = piece.clock;
        match piece.side {
            1 => self.buy.add(piece.qty),
            -1 => self.sell.add(piece.qty),
            _ => self.unknown.add(piece.qty),
        }
        self.notional.add(piece.notional);
        if !piece.log_return.is_nan() {
            self.squares.add(piece.log_return * piece.log_return);
            self.returns += 1;
        }
    }

    /// Adds the trades of a bar that follows.
    pub(crate) fn absorb(&mut self, later: &Self) {
        if later.count == 0 {
            return;
        }
        if self.count == 0 {
            *self = *later;
            return;
        }
        self.count += later.count;
        self.high = self.high.max(later.high);
        self.low = self.low.min(later.low);
        self.close = later.close;
        self.clocks[1] = later.clocks[1];
        self.buy.absorb(later.buy);
        self.sell.absorb(later.sell);
        self.unknown.absorb(later.unknown);
        self.notional.absorb(later.notional);
        self.squares.absorb(later.squares);
        self.returns += later.returns;
    }

    pub(crate) fn volume(&self) -> f64 {
        self.buy.value() + self.sell.value() + self.unknown.value()
    }

    /// Sum of squared log returns; null when there is none (C2).
    pub(crate) fn realized_var(&self) -> f64 {
        if self.returns == 0 { f64::NAN } else { self.squares.value() }
    }
}
