//! Where in the book the size is: the level that reaches half of the depth, and the largest level. Both are decided on
//! exact sizes (A1).

use crate::feature::frame::{Out, Scratch, Structural};
use crate::feature::lanes::{fold1, fold2, only};
use crate::feature::registry::{Definition, Family, Kernel};
use crate::merge::{BookSide, simd_kernel};

const NULL: &str = "the side has no level";
const HALF: &str = "first level i with 2*(sum of sizes of levels <= i) >= sum of sizes";
const WALL: &str = "level of the largest size, lowest on ties";

pub(crate) const FAMILY: Family = Family {
    name: "level_index",
    table: "book",
    about: "levels that hold half of the depth and the largest size",
    columns: &[
        Definition::new("bid_depth50_level", "level", HALF).null(NULL).alias("bid_50pct_depth_levels"),
        Definition::new("ask_depth50_level", "level", HALF).null(NULL).alias("ask_50pct_depth_levels"),
        Definition::new("bid_wall_level", "level", WALL).null(NULL),
        Definition::new("ask_wall_level", "level", WALL).null(NULL),
    ],
    needs: &[],
    kernel: Kernel::Structural(|input, scratch, out| run(input.simd, input, scratch, out)),
};

simd_kernel! {
    fn run(input: &Structural<'_>, scratch: &mut Scratch, out: Out<'_>) = body;
}

#[inline(always)]
fn body(input: &Structural<'_>, scratch: &mut Scratch, out: Out<'_>) {
    let [bid_half, ask_half, bid_wall, ask_wall] = out.columns();
    half(bid_half, input, scratch, BookSide::Bid);
    half(ask_half, input, scratch, BookSide::Ask);
    wall(bid_wall, input, scratch, BookSide::Bid);
    wall(ask_wall, input, scratch, BookSide::Ask);
}

/// Counts the levels before the one that reaches half: cumulative sizes never fall.
#[inline(always)]
fn half(out: &mut [f64], input: &Structural<'_>, scratch: &mut Scratch, side: BookSide) {
    let batch = input.batch;
    let (total, sum) = (&mut scratch.x[..batch.rows()], &mut scratch.y[..batch.rows()]);
    total.fill(0);
    sum.fill(0);
    for level in 0..batch.levels() {
        fold1(total, batch.size_m(side, level), i64::wrapping_add);
    }
    out.fill(0.0);
    for level in 0..batch.levels() {
        fold1(sum, batch.size_m(side, level), |sum, s| sum.wrapping_add(s.wrapping_mul(2)));
        fold2(out, sum, total, |n, sum, total| n + if sum < total { 1.0 } else { 0.0 });
    }
    fold1(out, total, |n, total| only(total > 0, n));
}

#[inline(always)]
fn wall(out: &mut [f64], input: &Structural<'_>, scratch: &mut Scratch, side: BookSide) {
    let batch = input.batch;
    let largest = &mut scratch.x[..batch.rows()];
    largest.fill(0);
    out.fill(f64::NAN);
    for level in 0..batch.levels() {
        let size = batch.size_m(side, level);
        fold2(out, largest, size, |at, largest, s| if s > largest { level as f64 } else { at });
        fold1(largest, size, |largest, s| if s > largest { s } else { largest });
    }
}
