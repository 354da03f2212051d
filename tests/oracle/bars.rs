//! Section 4: bars, each from all rows of the partition.

use std::collections::BTreeSet;

use super::number::Num;
use super::{Columns, Market, rounded, trade_rows};

const ZERO: Num = Num { v: 0.0, e: 0.0 };

/// What the twins of time bars need of a configuration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BarParameters {
    pub(crate) seconds: u32,
    pub(crate) dense: bool,
    pub(crate) year_seconds: u64,
    pub(crate) midnight: i128,
}

/// One trade or a part of one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    pub(crate) clock: i64,
    pub(crate) price: Num,
    pub(crate) qty: Num,
    pub(crate) notional: Num,
    pub(crate) side: i64,
    pub(crate) log_return: Option<Num>,
}

/// Whole trades.
pub(crate) fn parts(market: &Market) -> Vec<Part> {
    let returns = trade_rows::log_returns(market);
    let part = |(t, log_return): (&super::Trade, &Option<Num>)| {
        let (price, qty) = (rounded(t.price, market.price_scale), rounded(t.qty, market.size_scale));
        let side = t.side.unwrap_or(0);
        Part { clock: t.clock, price, qty, notional: price * qty, side, log_return: *log_return }
    };
    market.trades.iter().zip(&returns).map(part).collect()
}

/// Sets the columns of one row.
struct Row<'a>(&'a mut Columns);

impl Row<'_> {
    fn set(&mut self, name: &str, value: Option<Num>) {
        self.0.entry(name.to_owned()).or_default().push(value);
    }
}

/// Time bars; `book` holds the twins of table `book`.
pub(crate) fn time_bars(market: &Market, book: &Columns, parameters: &BarParameters) -> Columns {
    let d = i128::from(parameters.seconds) * 1_000_000_000;
    let label = |t: i64| (i128::from(t) - parameters.midnight).div_euclid(d) * d + parameters.midnight;
    let value = |name: &str, row: usize| book.get(name).and_then(|column| *column.get(row)?);
    let rows: Vec<usize> = (0..market.book.len()).filter(|row| value("mid", *row).is_some()).collect();
    let trades = parts(market);
    let mut labels: BTreeSet<i128> = rows.iter().map(|row| label(market.book[*row].clock)).collect();
    labels.extend(trades.iter().map(|t| label(t.clock)));
    if parameters.dense
        && let (Some(first), Some(last)) = (labels.first().copied(), labels.last().copied())
    {
        labels = (0..=(last - first) / d).map(|i| first + i * d).collect();
    }
    let mut columns = Columns::new();
    let (mut mid_before, mut trade_before) = (None, None);
    for start in labels {
        let mut row = Row(&mut columns);
        row.set("ts_open", Some(Num { v: start as f64, e: 0.0 }));
        let of_bar = |t: i64| label(t) == start;
        let inside: Vec<usize> = rows.iter().copied().filter(|r| of_bar(market.book[*r].clock)).collect();
        let traded: Vec<Part> = trades.iter().copied().filter(|t| of_bar(t.clock)).collect();
        let per_year = parameters.year_seconds as f64 / f64::from(parameters.seconds);
        book_part(&mut row, &inside, &value, mid_before, per_year);
        for (name, of) in [("mid_twa", "mid"), ("spread_bps_twa", "spread_bps")] {
            let states = rows.iter().map(|r| (i128::from(market.book[*r].clock), value(of, *r)));
            row.set(name, time_weighted(states.collect(), (start, start + d)));
        }
        trade_part(&mut row, &traded);
        let last = if traded.is_empty() { trade_before } else { None };
        prices(&mut row, &traded, last);
        row.set("trade_ann_vol", realized(&traded).map(|v| (v * Num { v: per_year, e: per_year * 1e-16 }).sqrt()));
        // F2 and F6: only dense bars take over the close before.
        if parameters.dense {
            mid_before = inside.last().map_or(mid_before, |r| value("mid", *r));
            trade_before = traded.last().map_or(trade_before, |t| Some(t.price));
        }
    }
    columns
}

/// The mean of states over [from, to), each from its clock to the next one's.
fn time_weighted(states: Vec<(i128, Option<Num>)>, (from, to): (i128, i128)) -> Option<Num> {
    let (mut sum, mut time) = (ZERO, 0_i128);
    for (i, (clock, value)) in states.iter().enumerate() {
        let end = states.get(i + 1).map_or(to, |next| next.0);
        let held = end.min(to) - (*clock).max(from);
        if let (Some(value), true) = (value, held > 0) {
            sum = sum + *value * Num { v: held as f64, e: 0.0 };
            time += held;
        }
    }
    (time > 0).then(|| sum / Num { v: time as f64, e: 0.0 })
}

fn least(values: &[Num]) -> Option<Num> {
    values.iter().copied().reduce(|a, b| if b.v < a.v { b } else { a })
}

fn most(values: &[Num]) -> Option<Num> {
    values.iter().copied().reduce(|a, b| if b.v > a.v { b } else { a })
}

/// Open, high, low, close with return, log return and range under a prefix.
fn moves(row: &mut Row<'_>, prefix: &str, prices: &[Num], positive_open: bool) {
    let (open, close) = (prices.first().copied(), prices.last().copied());
    let (high, low) = (most(prices), least(prices));
    let names = if prefix.is_empty() {
        ["open", "high", "low", "close"]
    } else {
        ["trade_open", "trade_high", "trade_low", "trade_close"]
    };
    for (name, value) in names.into_iter().zip([open, high, low, close]) {
        row.set(name, value);
    }
    let divisor = open.filter(|open| !positive_open || open.v > 0.0);
    let ratio = divisor.zip(close).and_then(|(open, close)| close.over(open));
    row.set(&format!("{prefix}return"), ratio.map(|r| r - Num { v: 1.0, e: 0.0 }));
    let both = open.zip(close).filter(|(open, close)| open.v > 0.0 && close.v > 0.0);
    row.set(&format!("{prefix}log_return"), both.map(|(open, close)| (close / open).ln()));
    let spread = high.zip(low).map(|(high, low)| high - low);
    row.set(&format!("{prefix}range"), divisor.zip(spread).and_then(|(open, spread)| spread.over(open)));
}

fn book_part(
    row: &mut Row<'_>,
    inside: &[usize],
    value: &dyn Fn(&str, usize) -> Option<Num>,
    before: Option<Num>,
    per_year: f64,
) {
    let known = |name: &str| -> Vec<Num> { inside.iter().filter_map(|r| value(name, *r)).collect() };
    let mids = if inside.is_empty() { before.into_iter().collect() } else { known("mid") };
    moves(row, "", &mids, true);
    let mean = |name: &str| {
        let values = known(name);
        Num::sum(values.iter().copied()).over(Num::count(values.len()))
    };
    for (name, of) in [
        ("spread_mean", "spread"),
        ("spread_bps_mean", "spread_bps"),
        ("imbalance_1_mean", "imbalance_1"),
        ("depth_imbalance_mean", "depth_imbalance"),
        ("bid_depth_mean", "bid_depth"),
        ("ask_depth_mean", "ask_depth"),
    ] {
        row.set(name, mean(of));
    }
    row.set("spread_min", least(&known("spread")));
    row.set("spread_max", most(&known("spread")));
    row.set("microprice_close", inside.last().and_then(|r| value("microprice", *r)));
    row.set("ofi_sum", Some(Num::sum(known("ofi"))));
    row.set("mlofi_sum", Some(Num::sum(known("mlofi"))));
    let squares: Vec<Num> = known("log_return").into_iter().map(|r| r * r).collect();
    let realized = (!squares.is_empty()).then(|| Num::sum(squares));
    row.set("realized_var", realized);
    row.set("rv", realized.map(Num::sqrt));
    row.set("ann_vol", realized.map(|v| (v * Num { v: per_year, e: per_year * 1e-16 }).sqrt()));
    row.set("snapshot_count", Some(Num::count(inside.len())));
}

/// Open, high, low, close of trades with what follows from them.
fn prices(row: &mut Row<'_>, trades: &[Part], before: Option<Num>) {
    let prices: Vec<Num> = trades.iter().map(|t| t.price).chain(before).collect();
    moves(row, "trade_", &prices, false);
}

fn realized(trades: &[Part]) -> Option<Num> {
    let squares: Vec<Num> = trades.iter().filter_map(|t| t.log_return).map(|r| r * r).collect();
    (!squares.is_empty()).then(|| Num::sum(squares))
}

/// The trade part but for prices and what follows from them; returns the volumes bought and sold.
fn trade_part(row: &mut Row<'_>, trades: &[Part]) -> (Num, Num) {
    let of_side = |side: i64| Num::sum(trades.iter().filter(|t| t.side == side).map(|t| t.qty));
    let (buy, sell, unknown) = (of_side(1), of_side(-1), of_side(0));
    let volume = buy + sell + unknown;
    let notional = Num::sum(trades.iter().map(|t| t.notional));
    row.set("volume", Some(volume));
    row.set("notional", Some(notional));
    row.set("buy_volume", Some(buy));
    row.set("sell_volume", Some(sell));
    row.set("unknown_volume", Some(unknown));
    row.set("trade_count", Some(Num::count(trades.len())));
    row.set("vwap", notional.over(volume));
    row.set("trade_imbalance", Some((buy - sell).over(buy + sell).unwrap_or(ZERO)));
    let ends = trades.first().zip(trades.last()).filter(|(a, b)| a.price.v > 0.0 && b.price.v > 0.0);
    row.set("amihud", ends.and_then(|(a, b)| (b.price / a.price).ln().abs().over(notional)));
    row.set("trade_realized_var", realized(trades));
    (buy, sell)
}

/// What ends an event bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    /// Quantity as a mantissa at the market's scale.
    Volume(i128),
    Ticks(u64),
    /// Notional as a mantissa at the sum of both scales.
    Dollars(i128),
    /// Signed quantity as a mantissa.
    Imbalance(i128),
}

/// Bars of an amount.
pub(crate) fn event_bars(market: &Market, limit: Limit) -> Columns {
    let mut columns = Columns::new();
    let mut bar: Vec<Part> = Vec::new();
    for bar in cut(market, limit, &mut bar).into_iter().chain([bar]).filter(|bar| !bar.is_empty()) {
        let mut row = Row(&mut columns);
        let (first, last) = (bar[0].clock, bar[bar.len() - 1].clock);
        for (name, value) in [("ts_open", first), ("ts_close", last), ("duration_ns", last - first)] {
            row.set(name, Some(Num { v: value as f64, e: 0.0 }));
        }
        let (buy, sell) = trade_part(&mut row, &bar);
        prices(&mut row, &bar, None);
        row.set("buy_ratio", Some(buy.over(buy + sell).unwrap_or(Num { v: 0.5, e: 0.0 })));
    }
    columns
}

/// The full bars; what is left stays in `open`.
fn cut(market: &Market, limit: Limit, open: &mut Vec<Part>) -> Vec<Vec<Part>> {
    let signs = trade_rows::signs(market, &trade_rows::quotes(market));
    let mut full = Vec::new();
    let mut filled = 0_i128;
    for ((whole, trade), (sign, _)) in parts(market).into_iter().zip(&market.trades).zip(&signs) {
        let (p, q) = (i128::from(trade.price.0), i128::from(trade.qty.0));
        let (amount, size) = match limit {
            Limit::Volume(size) => (q, size),
            Limit::Dollars(size) => (p * q, size),
            Limit::Ticks(n) => (1, i128::from(n)),
            Limit::Imbalance(size) => (q * i128::from(*sign), size),
        };
        if matches!(limit, Limit::Ticks(_) | Limit::Imbalance(_)) || amount == 0 {
            open.push(whole);
            filled += amount;
            if filled.abs() >= size {
                full.push(std::mem::take(open));
                filled = 0;
            }
            continue;
        }
        let mut left = amount;
        while left > 0 {
            let taken = left.min(size - filled);
            let mut part = whole;
            if left != amount {
                part.log_return = Some(ZERO);
            }
            if taken != amount {
                let scale = i32::from(market.size_scale);
                let exact = |mantissa: i128, scale: i32| {
                    let v = mantissa as f64 / 10_f64.powi(scale);
                    Num { v, e: v.abs() * 4.0 * f64::EPSILON }
                };
                if matches!(limit, Limit::Volume(_)) {
                    part.qty = exact(taken, scale);
                    part.notional = part.price * part.qty;
                } else {
                    part.notional = exact(taken, scale + i32::from(market.price_scale));
                    part.qty = part.notional / part.price;
                }
            }
            open.push(part);
            filled += taken;
            left -= taken;
            if filled == size {
                full.push(std::mem::take(open));
                filled = 0;
            }
        }
    }
    full
}
