//! Section 2.1: every column of one snapshot alone.

use super::number::Num;
use super::{Columns, Level, Market, Parameters, at};

/// The row that is being filled.
pub(crate) struct Row<'a> {
    columns: &'a mut Columns,
    row: usize,
}

impl<'a> Row<'a> {
    /// Every column that is set gets one value here; columns that are not set stay null.
    pub(crate) fn new(columns: &'a mut Columns, row: usize) -> Self {
        Self { columns, row }
    }

    pub(crate) fn set(&mut self, name: impl Into<String>, value: Option<Num>) {
        let values = self.columns.entry(name.into()).or_default();
        values.resize(self.row, None);
        values.push(value);
    }
}

const BANDS: [(&str, i128, i128); 5] =
    [("0_5bps", 0, 5), ("5_10bps", 5, 10), ("10_25bps", 10, 25), ("25_50bps", 25, 50), ("50_100bps", 50, 100)];

fn k(v: f64) -> Num {
    Num { v, e: 0.0 }
}

fn sizes(levels: &[Level]) -> Num {
    Num::sum(levels.iter().map(|l| l.s))
}

fn notional(levels: &[Level]) -> Num {
    Num::sum(levels.iter().map(|l| l.p * l.s))
}

/// A sum over levels of which none exists is null (A4).
fn some(levels: &[Level], value: Num) -> Option<Num> {
    (!levels.is_empty()).then_some(value)
}

fn first(levels: &[Level], n: usize) -> Vec<Level> {
    levels.iter().copied().filter(|l| l.index < n).collect()
}

fn imbalance(bid: Num, ask: Num) -> Option<Num> {
    (bid - ask).over(bid + ask)
}

/// Fills the columns of section 2.1.
pub(crate) fn structure(market: &Market, parameters: &Parameters, columns: &mut Columns) {
    let n = parameters.levels.min(market.levels);
    for (i, snapshot) in market.book.iter().enumerate() {
        let mut row = Row::new(columns, i);
        let (bids, asks) = (market.side(&snapshot.bids, n), market.side(&snapshot.asks, n));
        for (side, name) in [(&bids, "bid"), (&asks, "ask")] {
            one_side(&mut row, side, name, n);
        }
        calendar(&mut row, snapshot.clock, market.date_tz);
        if let (Some(bid), Some(ask)) = (at(&bids, 0), at(&asks, 0)) {
            both_sides(&mut row, &bids, &asks, (bid, ask), n);
        }
    }
}

/// A3: what a side alone gives.
fn one_side(row: &mut Row<'_>, side: &[Level], name: &str, n: usize) {
    let best = at(side, 0);
    row.set(format!("best_{name}"), best.map(|l| l.p));
    row.set(format!("best_{name}_sz"), best.map(|l| l.s));
    for depth in [5, 10, 20].into_iter().filter(|depth| *depth <= n) {
        row.set(format!("{name}_depth_{depth}"), some(&first(side, depth), sizes(&first(side, depth))));
    }
    let total = sizes(side);
    row.set(format!("{name}_depth"), some(side, total));
    row.set(format!("{name}_notional"), some(side, notional(side)));
    for depth in [5, 10] {
        let levels = first(side, depth);
        row.set(format!("vwap_{name}_{depth}"), notional(&levels).over(sizes(&levels)));
    }
    row.set(format!("{name}_cog"), notional(side).over(total));
    let five: Option<Vec<Level>> = (0..5).map(|i| at(side, i)).collect();
    let slope = five.as_ref().and_then(|l| (l[4].p - l[0].p).abs().over(sizes(l)));
    row.set(format!("{name}_slope"), slope);
    row.set(format!("{name}_decay_5"), five.and_then(|l| l[4].s.over(l[0].s)));
    let shares = side.iter().map(|l| (l.s / total) * (l.s / total));
    row.set(format!("{name}_hhi"), some(side, Num::sum(shares)));
    let pairs = side.iter().flat_map(|x| side.iter().map(move |y| (x.s - y.s).abs()));
    row.set(format!("{name}_gini"), Num::sum(pairs).over(k(2.0) * Num::count(side.len()) * total));
    let whole: i128 = side.iter().map(|l| l.size).sum();
    let mut cumulative = 0;
    let half = side.iter().find(|l| {
        cumulative += l.size;
        2 * cumulative >= whole
    });
    row.set(format!("{name}_depth50_level"), half.map(|l| Num::count(l.index)));
    let largest = side.iter().map(|l| l.size).max();
    let wall = side.iter().find(|l| Some(l.size) == largest);
    row.set(format!("{name}_wall_level"), wall.map(|l| Num::count(l.index)));
}

fn both_sides(row: &mut Row<'_>, bids: &[Level], asks: &[Level], (bid, ask): (Level, Level), n: usize) {
    let m = (bid.p + ask.p) / k(2.0);
    let spread = ask.p - bid.p;
    row.set("mid", Some(m));
    row.set("spread", Some(spread));
    let micro = (bid.p * ask.s + ask.p * bid.s) / (ask.s + bid.s);
    row.set("microprice", Some(micro));
    row.set("micro_minus_mid", Some(micro - m));
    for depth in [1, 3, 5, 10, 20].into_iter().filter(|depth| *depth <= n) {
        let value = imbalance(sizes(&first(bids, depth)), sizes(&first(asks, depth)));
        row.set(format!("imbalance_{depth}"), value);
    }
    row.set("depth_imbalance", imbalance(sizes(bids), sizes(asks)));
    let vwap = |side: &[Level]| notional(&first(side, 5)).over(sizes(&first(side, 5)));
    row.set("vwap_spread_5", vwap(asks).zip(vwap(bids)).map(|(a, b)| a - b));
    let cog = (notional(bids) + notional(asks)) / (sizes(bids) + sizes(asks));
    row.set("cog", Some(cog));
    let decay = |side: &[Level]| (0..5).all(|i| at(side, i).is_some()).then(|| side[4].s / side[0].s);
    row.set("decay_5", decay(bids).zip(decay(asks)).map(|(b, a)| (b + a) / k(2.0)));
    let double_mid = bid.price + ask.price;
    if double_mid > 0 && m.v > 0.0 {
        relative_to_mid(row, bids, asks, m, spread, double_mid);
        row.set("cog_vs_mid_bps", Some(k(1e4) * (cog - m) / m));
        row.set("spread_bps", Some(k(1e4) * spread / m));
    }
}

/// Columns that divide by m (B3).
fn relative_to_mid(row: &mut Row<'_>, bids: &[Level], asks: &[Level], m: Num, spread: Num, double_mid: i128) {
    let smart = |side: &[Level]| Num::sum(side.iter().map(|l| l.s * (-(k(100.0) * (m - l.p).abs() / m)).exp()));
    let (bid, ask) = (smart(bids), smart(asks));
    row.set("smart_bid_depth", Some(bid));
    row.set("smart_ask_depth", Some(ask));
    row.set("smart_imbalance", imbalance(bid, ask));
    let slopes = (slope(bids, m, double_mid), slope(asks, m, double_mid));
    row.set("bid_slope_reg", slopes.0);
    row.set("ask_slope_reg", slopes.1);
    row.set("slope_asymmetry", slopes.0.zip(slopes.1).and_then(|(b, a)| b.over(a)));
    let within = |side: &[Level], low: i128, high: i128| {
        let inside = |l: &&Level| {
            let scaled = 10_000 * (double_mid - 2 * l.price).abs();
            low * double_mid <= scaled && scaled < high * double_mid
        };
        Num::sum(side.iter().filter(inside).map(|l| l.s))
    };
    for (name, low, high) in BANDS {
        let (b, a) = (within(bids, low, high), within(asks, low, high));
        row.set(format!("bid_vol_{name}"), Some(b));
        row.set(format!("ask_vol_{name}"), Some(a));
        row.set(format!("imb_{name}"), Some(imbalance(b, a).unwrap_or(Num::count(0))));
    }
    let near = |high| within(bids, 0, high) + within(asks, 0, high);
    row.set("lambda_like", spread.over(near(5)));
    row.set("amihud_like", spread.over(near(10)));
    row.set("book_convexity", near(5).over(near(50)));
}

/// Least squares of cumulative size on distance over the existing levels of index < 10 (C6).
fn slope(side: &[Level], m: Num, double_mid: i128) -> Option<Num> {
    let side = first(side, 10);
    let exact: Vec<i128> = side.iter().map(|l| (double_mid - 2 * l.price).abs()).collect();
    if side.len() < 3 || exact.iter().all(|d| *d == exact[0]) {
        return None;
    }
    let d: Vec<Num> = side.iter().map(|l| k(1e4) * (m - l.p).abs() / m).collect();
    let mut depth = Num::count(0);
    let y: Vec<Num> = side
        .iter()
        .map(|l| {
            depth = depth + l.s;
            depth
        })
        .collect();
    let count = Num::count(side.len());
    let (mean_d, mean_y) = (Num::sum(d.iter().copied()) / count, Num::sum(y.iter().copied()) / count);
    let sxy = Num::sum(d.iter().zip(&y).map(|(d, y)| (*d - mean_d) * (*y - mean_y)));
    let sxx = Num::sum(d.iter().map(|d| (*d - mean_d) * (*d - mean_d)));
    sxy.over(sxx)
}

fn calendar(row: &mut Row<'_>, clock: i64, zone: &str) {
    let at = jiff::Timestamp::from_nanosecond(i128::from(clock)).unwrap().in_tz(zone).unwrap();
    let weekday = at.weekday().to_monday_zero_offset();
    row.set("hour", Some(Num::count(at.hour() as usize)));
    row.set("minute", Some(Num::count(at.minute() as usize)));
    row.set("day_of_week", Some(Num::count(weekday as usize)));
    row.set("is_weekend", Some(Num::count(usize::from(weekday >= 5))));
}
