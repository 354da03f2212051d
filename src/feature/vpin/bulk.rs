//! Bulk volume classification (Easley, Lopez de Prado, O'Hara 2012): the volume of a time bar is split by how far the price
//! moved over it, measured in standard deviations of such moves so far (D2).

use crate::feature::normal::phi;
use crate::merge::TradeRow;
use crate::units::{Decimal, NANOS_PER_SECOND};

/// The open bar, and the moves of the bars before.
#[derive(Debug)]
pub(crate) struct Bulk {
    pub(super) width_ns: i64,
    pub(super) midnight: i64,
    /// End of the open bar, where one is open.
    pub(super) end: Option<i64>,
    pub(super) lots: i128,
    pub(super) last_price: i64,
    /// Last price of the non-empty bar before.
    pub(super) before: Option<i64>,
    /// Moves so far: count, mean, centred sum of squares; the first one, and whether all are like it.
    pub(super) moves: f64,
    pub(super) mean: f64,
    pub(super) squares: f64,
    pub(super) first: i64,
    pub(super) all_alike: bool,
}

impl Bulk {
    pub(crate) fn new(width_s: i64) -> Self {
        Self {
            width_ns: width_s * NANOS_PER_SECOND,
            midnight: 0,
            end: None,
            lots: 0,
            last_price: 0,
            before: None,
            moves: 0.0,
            mean: 0.0,
            squares: 0.0,
            first: 0,
            all_alike: true,
        }
    }

    pub(crate) fn start(&mut self, midnight: i64) {
        *self = Self { width_ns: self.width_ns, midnight, ..Self::new(0) };
    }

    /// Takes a trade into its bar; the bars before it were taken out.
    pub(crate) fn see(&mut self, trade: &TradeRow, lots: i128) {
        if self.end.is_none() {
            let since = trade.clock.saturating_sub(self.midnight);
            let label = since.saturating_sub(since.rem_euclid(self.width_ns)).saturating_add(self.midnight);
            self.end = Some(label.saturating_add(self.width_ns));
        }
        self.lots += lots;
        self.last_price = trade.price_m;
    }

    /// The open bar if it has ended at `clock`: its lots, and how many of each are bought less sold, 2 Phi - 1.
    pub(crate) fn take_ended(&mut self, clock: i64, price_scale: u8) -> Option<(i128, f64)> {
        if self.end.is_none_or(|end| clock < end) {
            return None;
        }
        self.end = None;
        let lots = std::mem::take(&mut self.lots);
        let Some(before) = self.before.replace(self.last_price) else { return Some((lots, 0.0)) };
        let move_m = self.last_price.saturating_sub(before);
        let moved = Decimal { mantissa: move_m, scale: price_scale }.to_f64();
        if self.moves == 0.0 {
            self.first = move_m;
        }
        // Whether they vary at all is decided exactly (A1).
        self.all_alike &= move_m == self.first;
        self.moves += 1.0;
        let off = moved - self.mean;
        self.mean += off / self.moves;
        self.squares += off * (moved - self.mean);
        if self.all_alike {
            return Some((lots, 0.0));
        }
        let deviation = (self.squares / (self.moves - 1.0)).sqrt();
        Some((lots, 2.0 * phi(moved / deviation) - 1.0))
    }
}
