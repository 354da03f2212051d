//! Least-squares slope of cumulative size on distance from the mid (C6, C7).

use crate::feature::frame::{Out, Scratch, Structural};
use crate::feature::lanes::{fold1, fold2, fold3, map2, map3, only, ratio};
use crate::feature::registry::{Definition, Family, Kernel};
use crate::merge::{BookSide, simd_kernel};

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
    needs: &[],
    kernel: Kernel::Structural(|input, scratch, out| run(input.simd, input, scratch, out)),
};

simd_kernel! {
    fn run(input: &Structural<'_>, scratch: &mut Scratch, out: Out<'_>) = body;
}

#[inline(always)]
fn body(input: &Structural<'_>, scratch: &mut Scratch, out: Out<'_>) {
    let [bid, ask, asymmetry] = out.columns();
    slope(bid, input, scratch, BookSide::Bid);
    slope(ask, input, scratch, BookSide::Ask);
    map2(asymmetry, bid, ask, ratio);
}

#[inline(always)]
fn slope(out: &mut [f64], input: &Structural<'_>, scratch: &mut Scratch, side: BookSide) {
    let rows = input.batch.rows();
    means(scratch, input, side);
    distinct(scratch, input, side);
    let Scratch { distance, cumulative, a: count, b: mean_distance, c: mean_cumulative, d: sxx, x: different, .. } =
        scratch;
    let sxx = &mut sxx[..rows];
    sxx.fill(0.0);
    out.fill(0.0);
    for level in 0..input.batch.levels().min(LEVELS) {
        let size = input.batch.size(side, level);
        let (d, y) = (&mut distance[level][..rows], &cumulative[level]);
        fold2(d, mean_distance, size, |d, mean, s| if s > 0.0 { d - mean } else { 0.0 });
        fold3(out, d, y, mean_cumulative, |sum, dx, y, mean| sum + dx * (y - mean));
        fold1(sxx, d, |sum, dx| sum + dx * dx);
    }
    fold1(out, sxx, ratio);
    fold3(out, count, different, input.derived.mid_positive(), |x, n, different, m| {
        only((n >= 3.0) & (different != 0) & !m.is_nan(), x)
    });
}

/// Distances, cumulative sizes, their means and the number of existing levels.
#[inline(always)]
fn means(scratch: &mut Scratch, input: &Structural<'_>, side: BookSide) {
    let (batch, m) = (input.batch, input.derived.mid_positive());
    let rows = batch.rows();
    let Scratch { distance, cumulative, a: count, b: mean_distance, c: mean_cumulative, d: depth, .. } = scratch;
    let (count, depth) = (&mut count[..rows], &mut depth[..rows]);
    let (mean_distance, mean_cumulative) = (&mut mean_distance[..rows], &mut mean_cumulative[..rows]);
    for column in [&mut *count, &mut *depth, &mut *mean_distance, &mut *mean_cumulative] {
        column.fill(0.0);
    }
    for level in 0..batch.levels().min(LEVELS) {
        let (price, size) = (batch.price(side, level), batch.size(side, level));
        let distance = &mut distance[level][..rows];
        map2(distance, price, m, |p, m| 1e4 * (m - p).abs() / m);
        fold1(depth, size, |sum, s| sum + s);
        cumulative[level][..rows].copy_from_slice(depth);
        fold1(count, size, |n, s| n + if s > 0.0 { 1.0 } else { 0.0 });
        fold2(mean_distance, distance, size, |sum, d, s| sum + if s > 0.0 { d } else { 0.0 });
        fold2(mean_cumulative, depth, size, |sum, y, s| sum + if s > 0.0 { y } else { 0.0 });
    }
    fold1(mean_distance, count, |sum, n| sum / n);
    fold1(mean_cumulative, count, |sum, n| sum / n);
}

/// Whether two existing levels lie at exactly different distances, in `x`: 1 or 0.
#[inline(always)]
fn distinct(scratch: &mut Scratch, input: &Structural<'_>, side: BookSide) {
    let (batch, sum_m) = (input.batch, input.derived.sum_m());
    let rows = batch.rows();
    let Scratch { limits: [nearest, exact, ..], x: different, .. } = scratch;
    let (nearest, exact, different) = (&mut nearest[..rows], &mut exact[..rows], &mut different[..rows]);
    nearest.fill(-1);
    different.fill(0);
    for level in 0..batch.levels().min(LEVELS) {
        map3(exact, batch.price_m(side, level), sum_m, batch.size_m(side, level), |p, sum, s| {
            if s > 0 { sum.wrapping_sub(p.wrapping_mul(2)).wrapping_abs() } else { -1 }
        });
        fold2(
            different,
            exact,
            nearest,
            |different, d, first| {
                if (d >= 0) & (first >= 0) & (d != first) { 1 } else { different }
            },
        );
        fold1(nearest, exact, |first, d| if first < 0 { d } else { first });
        // In most books the first two levels settle it.
        if different.iter().fold(1, |all, different| all & different) == 1 {
            return;
        }
    }
}
