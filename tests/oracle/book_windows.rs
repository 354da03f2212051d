//! Section 2.3: every window gone through anew for every row.
//!
//! What a window is made of (ofi, returns, volumes...) comes from the table's own columns, which have twins of their
//! own; so a sum here has exact contributions. Between it and a running sum may lie the contract's tolerance (A6) and what
//! 106 bits of all that the partition has added do not hold ([`FLOOR`]); the second is wider than the contract allows.

use std::collections::BTreeMap;

use super::wide::Wide;
use super::{Market, at};

/// The parameters of section 2.3, times in nanoseconds.
#[derive(Clone, Debug)]
pub(crate) struct Windows {
    pub(crate) horizons: Vec<(u32, i64)>,
    pub(crate) spread: i64,
    pub(crate) regime: i64,
    pub(crate) tight_percent: i128,
    pub(crate) wide_percent: i128,
    pub(crate) ofi_beta: i64,
    pub(crate) kyle: i64,
    pub(crate) slope: (u32, i64),
    pub(crate) cog: (u32, i64),
    pub(crate) depth: (u32, i64),
}

/// A value and how far another may lie away.
pub(crate) type Near = (f64, f64);
pub(crate) type Expected = BTreeMap<String, Vec<Option<Near>>>;

/// A two-sided row.
struct Row {
    number: usize,
    clock: i64,
    spread: i128,
}

struct Twin<'a> {
    rows: Vec<Row>,
    base: &'a BTreeMap<String, Vec<f64>>,
    expected: Expected,
    length: usize,
}

const TOLERANCE: f64 = 1e-9;
/// Running sums hold 106 bits: what is below this share of all that the partition has added up may be lost in a window.
const FLOOR: f64 = 1.0 / (1_u128 << 100) as f64;

/// The columns of section 2.3 for one two-sided row in `every`, and which rows of the market that are; `base` are the
/// columns of sections 2.1 and 2.2.
pub(crate) fn windows(
    market: &Market,
    levels: usize,
    windows: &Windows,
    base: &BTreeMap<String, Vec<f64>>,
    every: usize,
) -> (Expected, Vec<bool>) {
    let n = levels.min(market.levels);
    let mut rows = Vec::new();
    let mut looked_at = vec![true; market.book.len()];
    for (number, snapshot) in market.book.iter().enumerate() {
        let (bids, asks) = (market.side(&snapshot.bids, n), market.side(&snapshot.asks, n));
        if let (Some(bid), Some(ask)) = (at(&bids, 0), at(&asks, 0)) {
            looked_at[number] = rows.len().is_multiple_of(every);
            rows.push(Row { number, clock: snapshot.clock, spread: ask.price - bid.price });
        }
    }
    let mut twin = Twin { rows, base, expected: Expected::new(), length: market.book.len() };
    for k in (0..twin.rows.len()).step_by(every) {
        for (seconds, nanos) in &windows.horizons {
            twin.rolling(k, *seconds, *nanos);
        }
        twin.fixed(k, windows);
    }
    twin.spreads(windows);
    twin.expected.values_mut().for_each(|values| values.resize(market.book.len(), None));
    (twin.expected, looked_at)
}

impl Twin<'_> {
    fn set(&mut self, k: usize, name: &str, value: Option<Near>) {
        let row = self.rows[k].number;
        let length = self.length;
        let values = self.expected.entry(name.to_owned()).or_insert_with(|| vec![None; length]);
        values[row] = value;
    }

    /// The two-sided rows of the window of row k.
    fn window(&self, k: usize, nanos: i64) -> std::ops::RangeInclusive<usize> {
        let mut first = k;
        while first > 0 && i128::from(self.rows[first - 1].clock) > i128::from(self.rows[k].clock) - i128::from(nanos) {
            first -= 1;
        }
        first..=k
    }

    /// A column's value in two-sided row i, unless it is null.
    fn get(&self, name: &str, i: usize) -> Option<f64> {
        Some(self.base[name][self.rows[i].number]).filter(|x| !x.is_nan())
    }

    fn values(&self, name: &str, k: usize, nanos: i64) -> Vec<f64> {
        self.window(k, nanos).filter_map(|i| self.get(name, i)).collect()
    }

    /// Sum of absolute values and sum of squares of a column up to row k.
    fn totals(&self, name: &str, k: usize) -> (f64, f64) {
        totals((0..=k).filter_map(|i| self.get(name, i)))
    }

    /// Mean and deviation of a column over a window.
    fn moments(&self, name: &str, k: usize, nanos: i64) -> (Option<Near>, Option<Near>) {
        let (values, (size, squares)) = (self.values(name, k, nanos), self.totals(name, k));
        let n = values.len() as f64;
        let mean = mean(&values).map(|(x, tolerance)| (x, tolerance + FLOOR * size / n));
        (mean, deviation(&values, squares))
    }

    fn rolling(&mut self, k: usize, s: u32, nanos: i64) {
        for name in ["ofi", "mlofi", "buy_volume", "sell_volume"] {
            let values = self.values(name, k, nanos);
            let column = if name.ends_with("ofi") { format!("{name}_sum_{s}s") } else { format!("{name}_{s}s") };
            let (total, tolerance) = sum(&values);
            self.set(k, &column, Some((total, tolerance + FLOOR * self.totals(name, k).0)));
        }
        let buy = self.values("buy_volume", k, nanos);
        let sell = self.values("sell_volume", k, nanos);
        let all = [buy.clone(), sell.clone(), self.values("unknown_volume", k, nanos)].concat();
        self.set(k, &format!("trade_volume_{s}s"), Some(sum(&all)));
        let (b, q) = (sum(&buy).0, sum(&sell).0);
        let share = if b + q == 0.0 { 0.0 } else { (b - q) / (b + q) };
        self.set(k, &format!("trade_imbalance_{s}s"), Some((share, 2.0 * TOLERANCE)));
        let returns = self.values("log_return", k, nanos);
        let squares: Vec<f64> = returns.iter().map(|r| r * r).collect();
        let rv = (!returns.is_empty()).then(|| sum(&squares).0.sqrt());
        let lost = (FLOOR * self.totals("log_return", k).1).sqrt();
        self.set(k, &format!("rv_{s}s"), rv.map(|rv| (rv, TOLERANCE * rv + lost)));
        let (ret_mean, ret_std) = self.moments("log_return", k, nanos);
        self.set(k, &format!("ret_std_{s}s"), ret_std);
        self.set(k, &format!("ret_mean_{s}s"), ret_mean);
        self.set(k, &format!("ret_sum_{s}s"), Some(sum(&returns)));
        for name in ["spread_bps", "imbalance_1"] {
            let (mean, _) = self.moments(name, k, nanos);
            self.set(k, &format!("{name}_mean_{s}s"), mean);
        }
        let mids = self.values("mid", k, nanos);
        self.set(k, &format!("mid_high_{s}s"), mids.iter().copied().reduce(f64::max).map(|x| (x, 0.0)));
        self.set(k, &format!("mid_low_{s}s"), mids.iter().copied().reduce(f64::min).map(|x| (x, 0.0)));
        self.set(k, &format!("snapshot_count_{s}s"), Some((mids.len() as f64, 0.0)));
        let (ofi_mean, ofi_std) = self.moments("ofi", k, nanos);
        self.set(k, &format!("ofi_mean_{s}s"), ofi_mean);
        self.set(k, &format!("ofi_std_{s}s"), ofi_std);
        let imbalance = self.values("trade_imbalance", k, nanos);
        self.set(k, &format!("imbalance_sum_{s}s"), Some(sum(&imbalance)));
        let (imbalance_mean, imbalance_std) = self.moments("trade_imbalance", k, nanos);
        self.set(k, &format!("imbalance_mean_{s}s"), imbalance_mean);
        self.set(k, &format!("imbalance_std_{s}s"), imbalance_std);
    }

    fn fixed(&mut self, k: usize, w: &Windows) {
        for (name, (seconds, nanos)) in
            [("bid_slope_reg", w.slope), ("ask_slope_reg", w.slope), ("cog_vs_mid_bps", w.cog)]
        {
            let (mean, deviation) = self.moments(name, k, nanos);
            self.set(k, &format!("{name}_mean_{seconds}s"), mean);
            self.set(k, &format!("{name}_std_{seconds}s"), deviation);
        }
        let near = |i| Some(self.get("bid_vol_0_5bps", i)? + self.get("ask_vol_0_5bps", i)?);
        let depth: Vec<f64> = self.window(k, w.depth.1).filter_map(near).collect();
        let (_, squares) = totals((0..=k).filter_map(near));
        self.set(k, &format!("depth_5bps_std_{}s", w.depth.0), deviation(&depth, squares));
        let beta = |i| Some((self.get("ofi", i)?, self.get("log_return", i)?));
        let pairs: Vec<(f64, f64)> = self.window(k, w.ofi_beta).filter_map(beta).collect();
        let all: Vec<(f64, f64)> = (0..=k).filter_map(beta).collect();
        self.regression(k, "ofi_beta", &pairs, &all);
        // ofi is null exactly where no difference to the row before is taken.
        let kyle = |i: usize| {
            self.get("ofi", i)?;
            let moved = self.get("mid", i)? - self.get("mid", i.checked_sub(1)?)?;
            Some((self.get("buy_volume", i)? - self.get("sell_volume", i)?, moved))
        };
        let pairs: Vec<(f64, f64)> = self.window(k, w.kyle).filter_map(kyle).collect();
        let all: Vec<(f64, f64)> = (0..=k).filter_map(kyle).collect();
        self.regression(k, "kyle_lambda", &pairs, &all);
    }

    fn regression(&mut self, k: usize, name: &str, pairs: &[(f64, f64)], all: &[(f64, f64)]) {
        let (_, xx) = totals(all.iter().map(|(x, _)| *x));
        let (_, yy) = totals(all.iter().map(|(_, y)| *y));
        let (slope, r2) = regression(pairs, FLOOR * xx, FLOOR * yy);
        self.set(k, name, slope);
        self.set(k, &format!("{name}_r2"), r2);
    }

    fn spreads(&mut self, w: &Windows) {
        let mut regimes: Vec<u8> = Vec::new();
        for k in 0..self.rows.len() {
            let window: Vec<i128> = self.window(k, w.spread).map(|i| self.rows[i].spread).collect();
            let own = self.rows[k].spread;
            let less = window.iter().filter(|s| **s < own).count() as i128;
            let equal = window.iter().filter(|s| **s == own).count() as i128;
            let n = window.len() as i128;
            let percentile = (less as f64 + 0.5 * equal as f64) / n as f64;
            self.set(k, "spread_percentile", Some((percentile, 1e-15)));
            let regime = match 100 * less + 50 * equal {
                rank if rank <= w.tight_percent * n => 0,
                rank if rank >= w.wide_percent * n => 2,
                _ => 1,
            };
            self.set(k, "spread_regime", Some((f64::from(regime), 0.0)));
            regimes.push(regime);
            let end = i128::from(self.rows[k].clock);
            let start = (end - i128::from(w.regime)).max(i128::from(self.rows[0].clock));
            for (name, wanted) in [("spread_tight_frac", 0), ("spread_wide_frac", 2)] {
                let mut held = 0;
                for i in 0..k {
                    let from = i128::from(self.rows[i].clock).max(start);
                    let to = i128::from(self.rows[i + 1].clock).max(start);
                    held += if regimes[i] == wanted { to - from } else { 0 };
                }
                let share = (end > start).then(|| held as f64 / (end - start) as f64);
                self.set(k, name, share.map(|share| (share, TOLERANCE)));
            }
        }
    }
}

fn wide(values: &[f64]) -> impl Iterator<Item = Wide> {
    values.iter().map(|x| Wide::of(*x))
}

/// To 1e-9 of the sum of absolute contributions.
fn sum(values: &[f64]) -> Near {
    let size: f64 = values.iter().map(|x| x.abs()).sum();
    (Wide::sum(wide(values)).value(), TOLERANCE * size)
}

fn mean(values: &[f64]) -> Option<Near> {
    let n = values.len() as f64;
    let (total, tolerance) = sum(values);
    (n > 0.0).then(|| (total / n, tolerance / n))
}

fn totals(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((0.0, 0.0), |(size, squares), x| (size + x.abs(), squares + x * x))
}

/// Sample standard deviation, to 1e-9 of the root mean square; 0 when all are the same.
fn deviation(values: &[f64], squares_of_all: f64) -> Option<Near> {
    if values.len() < 2 {
        return None;
    }
    if values.iter().all(|x| x == &values[0]) {
        return Some((0.0, 0.0));
    }
    let n = Wide::of(values.len() as f64);
    let mean = Wide::sum(wide(values)) / n;
    let squares = Wide::sum(wide(values).map(|x| (x - mean) * (x - mean)));
    let rms = (Wide::sum(wide(values).map(|x| x * x)) / n).value().sqrt();
    // sqrt(a + b) - sqrt(a) is at most sqrt(b), and at most b / (2 sqrt(a)).
    let below = (values.len() - 1) as f64;
    let (value, lost) = ((squares.value() / below).sqrt(), FLOOR * squares_of_all / below);
    Some((value, TOLERANCE * rms + lost.sqrt().min(lost / value)))
}

/// Slope and squared correlation with intercept; `lost_xx` and `lost_yy` may be lost of the sums of squares. Where that
/// decides, anything may come out: an infinite tolerance.
fn regression(pairs: &[(f64, f64)], lost_xx: f64, lost_yy: f64) -> (Option<Near>, Option<Near>) {
    if pairs.len() < 3 {
        return (None, None);
    }
    let (x, y): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
    let n = Wide::of(pairs.len() as f64);
    let centred = |values: &[f64]| -> Vec<Wide> {
        let mean = Wide::sum(wide(values)) / n;
        wide(values).map(|v| v - mean).collect()
    };
    let (dx, dy) = (centred(&x), centred(&y));
    let products = |a: &[Wide], b: &[Wide]| Wide::sum(a.iter().zip(b).map(|(a, b)| *a * *b));
    let (sxx, sxy, syy) = (products(&dx, &dx).value(), products(&dx, &dy).value(), products(&dy, &dy).value());
    let raw = |values: &[f64]| Wide::sum(wide(values).map(|v| v * v)).value();
    let same = |values: &[f64]| values.iter().all(|v| v == &values[0]);
    if same(&x) {
        return (None, None);
    }
    let anything = Some((0.0, f64::INFINITY));
    if lost_xx > 1e-4 * sxx.max(1e-12 * raw(&x)) {
        return (anything, anything);
    }
    if sxx <= 1e-12 * raw(&x) {
        return (None, None);
    }
    let size = Wide::sum(dx.iter().zip(&dy).map(|(a, b)| (*a * *b).abs())).value();
    let lost_slope = ((lost_xx * lost_yy).sqrt() + lost_xx * (sxy / sxx).abs()) / sxx;
    let slope = if same(&y) { (0.0, 0.0) } else { (sxy / sxx, TOLERANCE * size / sxx + 2.0 * lost_slope) };
    if !same(&y) && lost_yy > 1e-4 * syy.max(1e-12 * raw(&y)) {
        return (Some(slope), anything);
    }
    let r2 = !(same(&y) || syy <= 1e-12 * raw(&y));
    let lost = lost_xx / sxx + lost_yy / syy + (lost_xx * lost_yy / (sxx * syy)).sqrt();
    (Some(slope), r2.then(|| ((sxy / sxx) * (sxy / syy), 2.0 * TOLERANCE + 4.0 * lost)))
}
