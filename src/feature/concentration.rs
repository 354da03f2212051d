//! How unevenly a side's size is spread over its levels: Herfindahl index and Gini coefficient.

use crate::feature::frame::{Out, Scratch, Structural};
use crate::feature::lanes::{fold1, fold2, ratio};
use crate::feature::registry::{Definition, Family, Kernel};
use crate::merge::{BookSide, simd_kernel};

const NULL: &str = "the side has no level";
const GINI: &str = "sum_i sum_j |x_i-x_j| / (2 n sum x) over the n existing levels; 0 for one";

pub(crate) const FAMILY: Family = Family {
    name: "concentration",
    table: "book",
    about: "Herfindahl index and Gini coefficient of the level sizes",
    columns: &[
        Definition::new("bid_hhi", "1", "sum (B_i/sum B)^2").null(NULL).alias("bid_concentration"),
        Definition::new("ask_hhi", "1", "sum (A_i/sum A)^2").null(NULL).alias("ask_concentration"),
        Definition::new("bid_gini", "1", GINI).null(NULL).source("Gini 1912"),
        Definition::new("ask_gini", "1", GINI).null(NULL).source("Gini 1912"),
    ],
    needs: &[],
    kernel: Kernel::Structural(|input, scratch, out| run(input.simd, input, scratch, out)),
};

simd_kernel! {
    fn run(input: &Structural<'_>, scratch: &mut Scratch, out: Out<'_>) = body;
}

#[inline(always)]
fn body(input: &Structural<'_>, scratch: &mut Scratch, out: Out<'_>) {
    let [bid_hhi, ask_hhi, bid_gini, ask_gini] = out.columns();
    hhi(bid_hhi, input, BookSide::Bid);
    hhi(ask_hhi, input, BookSide::Ask);
    gini(bid_gini, input, scratch, BookSide::Bid);
    gini(ask_gini, input, scratch, BookSide::Ask);
}

#[inline(always)]
fn hhi(out: &mut [f64], input: &Structural<'_>, side: BookSide) {
    let total = input.derived.depth(side);
    out.fill(0.0);
    for level in 0..input.batch.levels() {
        fold2(out, input.batch.size(side, level), total, |sum, s, total| {
            let share = s / total;
            sum + share * share
        });
    }
    fold1(out, total, |x, total| if total > 0.0 { x } else { f64::NAN });
}

#[inline(always)]
fn gini(out: &mut [f64], input: &Structural<'_>, scratch: &mut Scratch, side: BookSide) {
    let batch = input.batch;
    let count = &mut scratch.a[..batch.rows()];
    count.fill(0.0);
    out.fill(0.0);
    let mut complete = true;
    for i in 0..batch.levels() {
        complete &= batch.complete(side, i);
        let x = batch.size(side, i);
        fold1(count, x, |n, s| n + if s > 0.0 { 1.0 } else { 0.0 });
        for j in 0..i {
            let y = batch.size(side, j);
            if complete {
                fold2(out, x, y, |sum, x, y| sum + (x - y).abs());
            } else {
                fold2(out, x, y, |sum, x, y| sum + if x > 0.0 && y > 0.0 { (x - y).abs() } else { 0.0 });
            }
        }
    }
    // Each pair stands once in the sum and twice in the formula.
    let total = input.derived.depth(side);
    fold1(count, total, |n, total| 2.0 * n * total);
    fold1(out, count, |sum, below| ratio(2.0 * sum, below));
}
