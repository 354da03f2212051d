//! From the sums over a window to the values of a column: one expression a quantity, a batch at a time.

use crate::feature::lanes::{fold1, fold2, map1, map2, map3, map4, only, ratio};
use crate::feature::window::exact::{centred, centred_product};
use crate::feature::window::quantity::Quantity;
use crate::merge::simd_kernel;

/// A centred sum of squares of this share of the raw one, or less, is no variation (2.3, C18).
const DEGENERATE: f64 = 1e-12;

/// Sums in two halves, one a row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sums<'a> {
    pub(crate) high: &'a [f64],
    pub(crate) low: &'a [f64],
}

impl Sums<'_> {
    #[inline(always)]
    fn at(&self, row: usize) -> (f64, f64) {
        (self.high[row], self.low[row])
    }
}

/// What a quantity reads, row by row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inputs<'a> {
    pub(crate) terms: [Sums<'a>; 5],
    /// Rows that contribute.
    pub(crate) n: &'a [f64],
    /// For how many contributions, up to this one, the input has been the same.
    pub(crate) runs: [&'a [f64]; 2],
}

impl Inputs<'_> {
    /// The first `rows` rows, so that loops over them check no bounds.
    #[inline(always)]
    fn cut(&self, rows: usize) -> Self {
        Self {
            terms: self.terms.map(|sums| Sums { high: &sums.high[..rows], low: &sums.low[..rows] }),
            n: &self.n[..rows],
            runs: self.runs.map(|run| &run[..rows]),
        }
    }
}

simd_kernel! {
    /// Writes a quantity for every row of `out`.
    pub(crate) fn finish(quantity: Quantity, inputs: &Inputs<'_>, out: &mut [f64]) = finish_body;
}

#[inline(always)]
fn finish_body(quantity: Quantity, inputs: &Inputs<'_>, out: &mut [f64]) {
    let [a, b, c, ..] = inputs.terms;
    match quantity {
        Quantity::Sum(_) => total(out, a),
        Quantity::Mean(_) => {
            map3(out, a.high, a.low, inputs.n, |high, low, n| ratio(high + low, n));
        }
        Quantity::Std(_) | Quantity::DepthNearStd => deviation(out, inputs),
        Quantity::TradeVolume => {
            map3(out, a.high, b.high, c.high, |buy, sell, unknown| buy + sell + unknown);
            map2_low(out, a.low, b.low);
            fold1(out, c.low, |x, low| x + low);
        }
        Quantity::SidedVolume => {
            map2(out, a.high, b.high, |buy, sell| buy + sell);
            map2_low(out, a.low, b.low);
        }
        Quantity::TradeImbalance => {
            map4(out, (a.high, a.low), (b.high, b.low), |buy, buy_low, sell, sell_low| {
                let (buy, sell) = (buy + buy_low, sell + sell_low);
                let both = buy + sell;
                if both == 0.0 { 0.0 } else { (buy - sell) / both }
            });
        }
        Quantity::Rv => {
            map3(out, a.high, a.low, inputs.n, |high, low, n| only(n > 0.0, (high + low).sqrt()));
        }
        Quantity::SnapshotCount => map1(out, inputs.n, |n| n),
        Quantity::OfiBeta | Quantity::KyleLambda => slope(out, inputs),
        Quantity::OfiBetaR2 | Quantity::KyleLambdaR2 => correlation(out, inputs),
        // Computed elsewhere.
        Quantity::MidHigh
        | Quantity::MidLow
        | Quantity::SpreadPercentile
        | Quantity::SpreadRegime
        | Quantity::SpreadTightFrac
        | Quantity::SpreadWideFrac => {}
    }
}

#[inline(always)]
fn total(out: &mut [f64], sums: Sums<'_>) {
    map2(out, sums.high, sums.low, |high, low| high + low);
}

#[inline(always)]
fn map2_low(out: &mut [f64], a: &[f64], b: &[f64]) {
    fold2(out, a, b, |x, a, b| x + (a + b));
}

#[inline(always)]
fn deviation(out: &mut [f64], inputs: &Inputs<'_>) {
    let Inputs { terms: [s, ss, ..], n, runs: [run, _] } = inputs.cut(out.len());
    for i in 0..n.len() {
        out[i] = sample_deviation(n[i], s.at(i), ss.at(i), run[i]);
    }
}

#[inline(always)]
fn sample_deviation(n: f64, s: (f64, f64), ss: (f64, f64), run: f64) -> f64 {
    let squares = centred(n, s, ss);
    // A window of one value only has none, whatever the sums round to.
    let squares = if run >= n || squares < 0.0 { 0.0 } else { squares };
    only(n >= 2.0, (squares / (n - 1.0)).sqrt())
}

simd_kernel! {
    /// Writes sum, mean and sample standard deviation of one column together: the same values as one by one. The inputs are those of the
    /// deviation.
    pub(crate) fn finish_moments(inputs: &Inputs<'_>, out: [&mut [f64]; 3]) = finish_moments_body;
}

#[inline(always)]
fn finish_moments_body(inputs: &Inputs<'_>, [sum, mean, deviation]: [&mut [f64]; 3]) {
    let Inputs { terms: [s, ss, ..], n, runs: [run, _] } = inputs.cut(sum.len());
    let (mean, deviation) = (&mut mean[..n.len()], &mut deviation[..n.len()]);
    for i in 0..n.len() {
        let (high, low) = s.at(i);
        sum[i] = high + low;
        mean[i] = ratio(high + low, n[i]);
        deviation[i] = sample_deviation(n[i], (high, low), ss.at(i), run[i]);
    }
}

/// Centred sums of a regression in row `i`: xx, xy, yy, and whether x and y vary enough.
#[inline(always)]
fn regression(inputs: &Inputs<'_>, i: usize) -> (f64, f64, f64, bool, bool) {
    let [x, y, xx, xy, yy] = inputs.terms;
    let n = inputs.n[i];
    let same = (inputs.runs[0][i] >= n, inputs.runs[1][i] >= n);
    let sxx = centred(n, x.at(i), xx.at(i));
    let syy = centred(n, y.at(i), yy.at(i));
    let sxy = centred_product(n, x.at(i), y.at(i), xy.at(i));
    let sxy = if same.1 { 0.0 } else { sxy };
    let x_varies = n >= 3.0 && !same.0 && sxx > DEGENERATE * xx.high[i];
    let y_varies = !same.1 && syy > DEGENERATE * yy.high[i];
    (sxx, sxy, syy, x_varies, y_varies)
}

#[inline(always)]
fn slope(out: &mut [f64], inputs: &Inputs<'_>) {
    let inputs = &inputs.cut(out.len());
    for (i, out) in out.iter_mut().enumerate() {
        let (sxx, sxy, _, x_varies, _) = regression(inputs, i);
        *out = only(x_varies, sxy / sxx);
    }
}

#[inline(always)]
fn correlation(out: &mut [f64], inputs: &Inputs<'_>) {
    let inputs = &inputs.cut(out.len());
    for (i, out) in out.iter_mut().enumerate() {
        let (sxx, sxy, syy, x_varies, y_varies) = regression(inputs, i);
        let share = (sxy / sxx) * (sxy / syy);
        *out = only(x_varies && y_varies, if share > 1.0 { 1.0 } else { share });
    }
}
