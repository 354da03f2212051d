//! What trade kernels see: a batch of trades as columns, with what was looked up for each.

use crate::feature::frame::Lane;
use crate::feature::math::ln;
use crate::merge::{BATCH, Quote, TradeRow};

/// Sums of one window at each trade of a batch.
#[derive(Debug)]
pub(crate) struct WindowLanes {
    pub(crate) volume: Lane,
    pub(crate) notional: Lane,
    pub(crate) count: Lane,
    /// Trades with side 1.
    pub(crate) buys: Lane,
    /// Sum of squared log returns; null when there is none.
    pub(crate) squares: Lane,
}

/// Up to [`BATCH`] trades.
///
/// Columns that no selected family reads are left over from another batch.
#[derive(Debug)]
pub(crate) struct TradeFrame {
    pub(crate) rows: usize,
    price: Lane,
    qty: Lane,
    log_return: Lane,
    /// `sign` as a number.
    sign: Lane,
    mid_before: Lane,
    /// m before, null unless positive (B3).
    divisor: Lane,
    vpin: Lane,
    /// Side, sign, source of the sign.
    pub(crate) sides: [Box<[i64]>; 3],
    /// The mid at each time ahead.
    pub(crate) mid_after: Vec<Lane>,
    pub(crate) windows: Vec<WindowLanes>,
}

impl TradeFrame {
    /// Memory for a number of times ahead and of windows.
    pub(crate) fn new(ahead: usize, windows: usize) -> Box<Self> {
        let lane = [0.0; BATCH];
        let sides = || vec![0; BATCH].into_boxed_slice();
        let window = |_| WindowLanes { volume: lane, notional: lane, count: lane, buys: lane, squares: lane };
        Box::new(Self {
            rows: 0,
            price: lane,
            qty: lane,
            log_return: lane,
            sign: lane,
            mid_before: lane,
            divisor: lane,
            vpin: lane,
            sides: [sides(), sides(), sides()],
            mid_after: vec![lane; ahead],
            windows: (0..windows).map(window).collect(),
        })
    }

    pub(crate) fn bytes(&self) -> usize {
        (10 + self.mid_after.len() + 5 * self.windows.len()) * size_of::<Lane>()
    }

    /// Puts a trade into row `row`.
    pub(crate) fn put(&mut self, row: usize, trade: &TradeRow, log_return: f64) {
        self.price[row] = trade.price;
        self.qty[row] = trade.qty;
        self.log_return[row] = log_return;
        self.sides[0][row] = trade.side;
    }

    /// Puts what the quotes say of the trade in row `row`.
    pub(crate) fn put_sign(&mut self, row: usize, (sign, source): (i64, i64), before: Option<Quote>) {
        self.sides[1][row] = sign;
        self.sides[2][row] = source;
        self.sign[row] = sign as f64;
        let mid = before.map_or(f64::NAN, Quote::mid);
        let positive = before.is_some_and(|quote| quote.bid_m.wrapping_add(quote.ask_m) > 0);
        self.mid_before[row] = mid;
        self.divisor[row] = if positive && mid > 0.0 { mid } else { f64::NAN };
    }

    pub(crate) fn put_vpin(&mut self, row: usize, vpin: f64) {
        self.vpin[row] = vpin;
    }

    pub(crate) fn price(&self) -> &[f64] {
        &self.price[..self.rows]
    }

    pub(crate) fn qty(&self) -> &[f64] {
        &self.qty[..self.rows]
    }

    /// ln(P / P of the trade before); null for the first, and unless both are positive (E7).
    pub(crate) fn log_return(&self) -> &[f64] {
        &self.log_return[..self.rows]
    }

    /// 1, -1 or 0.
    pub(crate) fn sign(&self) -> &[f64] {
        &self.sign[..self.rows]
    }

    /// The mid before each trade; null before the first two-sided snapshot.
    pub(crate) fn mid_before(&self) -> &[f64] {
        &self.mid_before[..self.rows]
    }

    /// The mid before, null unless positive.
    pub(crate) fn divisor(&self) -> &[f64] {
        &self.divisor[..self.rows]
    }

    pub(crate) fn vpin(&self) -> &[f64] {
        &self.vpin[..self.rows]
    }
}

/// ln(P / P_before), null unless both are positive, decided on the exact prices.
pub(crate) fn log_return(before: Option<&TradeRow>, trade: &TradeRow) -> f64 {
    match before {
        // Most trades are at the price before, and windows ask twice for each: ln 1 is not computed.
        Some(before) if before.price_m == trade.price_m && trade.price_m > 0 => 0.0,
        Some(before) if before.price_m > 0 && trade.price_m > 0 => ln(trade.price / before.price),
        _ => f64::NAN,
    }
}
