//! Least-squares slope of cumulative size on distance from the mid (C6, C7).

use crate::feature::frame::{Lane, Out, Structural};
use crate::feature::lanes::{fold1, fold2, map2, map3, only, ratio};
use crate::feature::registry::{Definition, Family, Kernel};
use crate::merge::{BATCH, BookSide, simd_kernel};

/// Levels of the regression.
const LEVELS: usize = 10;
const NULL: &str = "not two-sided, m <= 0, fewer than 3 existing levels, or no two different distances";
const FORMULA: &str =
    "least-squares slope, with intercept, of cumulative size on 1e4*|m-p_i|/m over existing levels < 10";

pub(crate) const FAMILY: Family = Family {
    name: "slope_reg",
    table: "book",
    about: "regression of cumulative size on distance in bps",
    columns: &[
        Definition::new("bid_slope_reg", "size/bps", FORMULA).null(NULL).alias("bid_slope_regression"),
        Definition::new("ask_slope_reg", "size/bps", FORMULA).null(NULL).alias("ask_slope_regression"),
        Definition::new("slope_asymmetry", "1", "bid_slope_reg/ask_slope_reg")
            .null("either is null, or the ask's is 0"),
    ],
    kernel: Kernel::Structural(|input, out| run(input.simd, input, out)),
};

simd_kernel! {
    fn run(input: &Structural<'_>, out: Out<'_>) = body;
}

#[inline(always)]
fn body(input: &Structural<'_>, out: Out<'_>) {
    let [bid, ask, asymmetry] = out.columns();
    slope(bid, input, BookSide::Bid);
    slope(ask, input, BookSide::Ask);
    map2(asymmetry, bid, ask, ratio);
}

/// Sums over the existing levels of one side.
struct Sums {
    distance: [Lane; LEVELS],
    cumulative: [Lane; LEVELS],
    count: Lane,
    mean_distance: Lane,
    mean_cumulative: Lane,
    /// Smallest and largest exact distance, in mantissas.
    nearest: [i64; BATCH],
    farthest: [i64; BATCH],
}

#[inline(always)]
fn slope(out: &mut [f64], input: &Structural<'_>, side: BookSide) {
    let rows = input.batch.rows();
    let mut sums = Sums {
        distance: [[0.0; BATCH]; LEVELS],
        cumulative: [[0.0; BATCH]; LEVELS],
        count: [0.0; BATCH],
        mean_distance: [0.0; BATCH],
        mean_cumulative: [0.0; BATCH],
        nearest: [i64::MAX; BATCH],
        farthest: [i64::MIN; BATCH],
    };
    means(&mut sums, input, side);
    let mut centred: Lane = [0.0; BATCH];
    let sxx = &mut centred[..rows];
    out.fill(0.0);
    for level in 0..input.batch.levels().min(LEVELS) {
        let size = input.batch.size(side, level);
        let (d, y) = (&mut sums.distance[level][..rows], &mut sums.cumulative[level][..rows]);
        fold2(d, &sums.mean_distance, size, |d, mean, s| if s > 0.0 { d - mean } else { 0.0 });
        fold1(y, &sums.mean_cumulative, |y, mean| y - mean);
        fold2(out, d, y, |sum, dx, dy| sum + dx * dy);
        fold1(sxx, d, |sum, dx| sum + dx * dx);
    }
    fold1(out, sxx, ratio);
    fold2(out, &sums.nearest, &sums.farthest, |x, near, far| only(far > near, x));
    fold2(out, &sums.count, input.derived.mid_positive(), |x, n, m| only(n >= 3.0 && !m.is_nan(), x));
}

/// Distances, cumulative sizes and their means.
#[inline(always)]
fn means(sums: &mut Sums, input: &Structural<'_>, side: BookSide) {
    let (batch, m, sum_m) = (input.batch, input.derived.mid_positive(), input.derived.sum_m());
    let rows = batch.rows();
    let mut depths: Lane = [0.0; BATCH];
    let depth = &mut depths[..rows];
    for level in 0..batch.levels().min(LEVELS) {
        let (price, size) = (batch.price(side, level), batch.size(side, level));
        let distance = &mut sums.distance[level][..rows];
        map2(distance, price, m, |p, m| 1e4 * (m - p).abs() / m);
        fold1(depth, size, |sum, s| sum + s);
        sums.cumulative[level][..rows].copy_from_slice(depth);
        fold1(&mut sums.count[..rows], size, |n, s| n + if s > 0.0 { 1.0 } else { 0.0 });
        fold2(&mut sums.mean_distance[..rows], distance, size, |sum, d, s| sum + if s > 0.0 { d } else { 0.0 });
        fold2(&mut sums.mean_cumulative[..rows], depth, size, |sum, y, s| sum + if s > 0.0 { y } else { 0.0 });
        let mut exact = [0_i64; BATCH];
        map3(&mut exact[..rows], batch.price_m(side, level), sum_m, size, |p, sum, s| {
            if s > 0.0 { sum.wrapping_sub(p.wrapping_mul(2)).wrapping_abs() } else { -1 }
        });
        fold1(&mut sums.nearest[..rows], &exact, |near, d| if d >= 0 && d < near { d } else { near });
        fold1(&mut sums.farthest[..rows], &exact, |far, d| if d > far { d } else { far });
    }
    fold1(&mut sums.mean_distance[..rows], &sums.count, |sum, n| sum / n);
    fold1(&mut sums.mean_cumulative[..rows], &sums.count, |sum, n| sum / n);
}
