//! Size by distance from the mid in basis points, and the impact proxies made of it.
//!
//! Whether a level lies within x bps is decided exactly (A1): with S = b0 + a0 in mantissas, d < x means
//! |S - 2p| < x S / 10^4, and because the left side is an integer, |S - 2p| < ceil(x S / 10^4): one limit a row and band.

use crate::feature::frame::{Out, Scratch, Structural};
use crate::feature::lanes::{fold1, fold2, fold4, map1, map2, map3, map4, only, ratio};
use crate::feature::registry::{Definition, Family, Kernel};
use crate::merge::{BookSide, simd_kernel};

const BANDS: usize = 5;
const NULL: &str = "not two-sided, or m <= 0";
const ZERO: &str = "not two-sided, or m <= 0, or the sum below is 0";

const fn volume(name: &'static str, formula: &'static str) -> Definition {
    Definition::new(name, "size", formula).null(NULL)
}

const fn imb(name: &'static str) -> Definition {
    Definition::new(name, "1", "(bid-ask)/(bid+ask) of the band, 0 when both are 0").null(NULL)
}

pub(crate) const FAMILY: Family = Family {
    name: "bands",
    table: "book",
    about: "size by distance from the mid",
    columns: &[
        volume("bid_vol_0_5bps", "sum B with d < 5").alias("bid_vol_band_0_5bps"),
        volume("ask_vol_0_5bps", "sum A with d < 5").alias("ask_vol_band_0_5bps"),
        imb("imb_0_5bps").alias("imb_band_0_5bps"),
        volume("bid_vol_5_10bps", "sum B with 5 <= d < 10").alias("bid_vol_band_5_10bps"),
        volume("ask_vol_5_10bps", "sum A with 5 <= d < 10").alias("ask_vol_band_5_10bps"),
        imb("imb_5_10bps").alias("imb_band_5_10bps"),
        volume("bid_vol_10_25bps", "sum B with 10 <= d < 25").alias("bid_vol_band_10_25bps"),
        volume("ask_vol_10_25bps", "sum A with 10 <= d < 25").alias("ask_vol_band_10_25bps"),
        imb("imb_10_25bps").alias("imb_band_10_25bps"),
        volume("bid_vol_25_50bps", "sum B with 25 <= d < 50").alias("bid_vol_band_25_50bps"),
        volume("ask_vol_25_50bps", "sum A with 25 <= d < 50").alias("ask_vol_band_25_50bps"),
        imb("imb_25_50bps").alias("imb_band_25_50bps"),
        volume("bid_vol_50_100bps", "sum B with 50 <= d < 100").alias("bid_vol_band_50_100bps"),
        volume("ask_vol_50_100bps", "sum A with 50 <= d < 100").alias("ask_vol_band_50_100bps"),
        imb("imb_50_100bps").alias("imb_band_50_100bps"),
        Definition::new("lambda_like", "price/size", "(a0-b0)/size of both sides with d < 5").null(ZERO),
        Definition::new("amihud_like", "price/size", "(a0-b0)/size of both sides with d < 10").null(ZERO),
        Definition::new("book_convexity", "1", "size with d < 5 / size with d < 50, both sides").null(ZERO),
    ],
    needs: &[],
    kernel: Kernel::Structural(|input, scratch, out| run(input.simd, input, scratch, out)),
};

simd_kernel! {
    fn run(input: &Structural<'_>, scratch: &mut Scratch, out: Out<'_>) = body;
}

#[inline(always)]
fn body(input: &Structural<'_>, scratch: &mut Scratch, out: Out<'_>) {
    let columns: [&mut [f64]; 18] = out.columns();
    let [b0, a0, i0, b1, a1, i1, b2, a2, i2, b3, a3, i3, b4, a4, i4, lambda, amihud, convexity] = columns;
    let (batch, m) = (input.batch, input.derived.mid_positive());
    let rows = batch.rows();
    let limits = &mut scratch.limits;
    // 10^4 / x for the upper ends 5, 10, 25, 50, 100 bps.
    let sum_m = input.derived.sum_m();
    band_end::<2_000>(&mut limits[0][..rows], sum_m);
    band_end::<1_000>(&mut limits[1][..rows], sum_m);
    band_end::<400>(&mut limits[2][..rows], sum_m);
    band_end::<200>(&mut limits[3][..rows], sum_m);
    band_end::<100>(&mut limits[4][..rows], sum_m);
    volumes([&mut *b0, &mut *b1, &mut *b2, &mut *b3, &mut *b4], input, scratch, BookSide::Bid);
    volumes([&mut *a0, &mut *a1, &mut *a2, &mut *a3, &mut *a4], input, scratch, BookSide::Ask);
    for (imb, bid, ask) in [(i0, &*b0, &*a0), (i1, b1, a1), (i2, b2, a2), (i3, b3, a3), (i4, b4, a4)] {
        map2(imb, bid, ask, |b, a| if b + a == 0.0 { b + a } else { (b - a) / (b + a) });
    }
    let within = &mut scratch.a[..rows];
    let (bid, ask) = (batch.price(BookSide::Bid, 0), batch.price(BookSide::Ask, 0));
    map2(within, b0, a0, |b, a| b + a);
    map4(lambda, (ask, bid), (within, m), |a, b, size, m| only(!m.is_nan(), ratio(a - b, size)));
    map2(convexity, within, m, |near, _| near);
    fold2(within, b1, a1, |sum, b, a| sum + (b + a));
    map4(amihud, (ask, bid), (within, m), |a, b, size, m| only(!m.is_nan(), ratio(a - b, size)));
    fold2(within, b2, a2, |sum, b, a| sum + (b + a));
    fold2(within, b3, a3, |sum, b, a| sum + (b + a));
    fold1(convexity, within, ratio);
}

/// `ceil(S / PARTS)`; 0 where S is not positive.
#[inline(always)]
fn band_end<const PARTS: i64>(limit: &mut [i64], sum_m: &[i64]) {
    map1(limit, sum_m, |sum| if sum > 0 { (sum - 1) / PARTS + 1 } else { 0 });
}

/// The five band volumes of a side; null unless m > 0.
#[inline(always)]
fn volumes(mut out: [&mut [f64]; BANDS], input: &Structural<'_>, scratch: &mut Scratch, side: BookSide) {
    let (batch, m) = (input.batch, input.derived.mid_positive());
    let rows = batch.rows();
    out.iter_mut().for_each(|column| column.fill(0.0));
    let Scratch { limits, x, y, .. } = scratch;
    let (distance, zero) = (&mut x[..rows], &mut y[..rows]);
    zero.fill(0);
    for level in 0..batch.levels() {
        let size = batch.size(side, level);
        map3(distance, batch.price_m(side, level), input.derived.sum_m(), batch.size_m(side, level), |p, sum, s| {
            if s > 0 { sum.wrapping_sub(p.wrapping_mul(2)).wrapping_abs() } else { 0 }
        });
        let [c0, c1, c2, c3, c4] = &mut out;
        // Where every row has the level in the first band, the others get nothing.
        let beyond = distance.iter().zip(&limits[0]).fold(0_u64, |beyond, (d, limit)| beyond | u64::from(d >= limit));
        if beyond == 0 {
            fold1(c0, size, |sum, s| sum + s);
            continue;
        }
        band(c0, (distance, size), (zero, &limits[0]));
        band(c1, (distance, size), (&limits[0], &limits[1]));
        band(c2, (distance, size), (&limits[1], &limits[2]));
        band(c3, (distance, size), (&limits[2], &limits[3]));
        band(c4, (distance, size), (&limits[3], &limits[4]));
    }
    out.iter_mut().for_each(|column| fold1(column, m, |x, m| only(!m.is_nan(), x)));
}

/// Adds the sizes at `lower <= distance < upper`.
#[inline(always)]
fn band(out: &mut [f64], (distance, size): (&[i64], &[f64]), (lower, upper): (&[i64], &[i64])) {
    fold4(out, (distance, size), (lower, upper), |sum, d, s, low, high| {
        sum + if (d >= low) & (d < high) { s } else { 0.0 }
    });
}
