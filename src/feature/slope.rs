//! The simple slope: price range of five levels over their size.

use crate::feature::frame::{Out, Scratch, Structural};
use crate::feature::lanes::{fold1, map2};
use crate::feature::registry::{Definition, Family, Kernel};
use crate::merge::{BookSide, simd_kernel};

pub(crate) const FAMILY: Family = Family {
    name: "slope",
    table: "book",
    about: "price range of the first five levels over their size",
    columns: &[
        Definition::new("bid_slope", "price/size", "|b_4-b_0|/sum B, levels < 5")
            .null("one of levels 0..4 is missing")
            .alias("bid_slope_simple"),
        Definition::new("ask_slope", "price/size", "|a_4-a_0|/sum A, levels < 5")
            .null("one of levels 0..4 is missing")
            .alias("ask_slope_simple"),
    ],
    needs: &[],
    kernel: Kernel::Structural(|input, scratch, out| run(input.simd, input, scratch, out)),
};

simd_kernel! {
    fn run(input: &Structural<'_>, scratch: &mut Scratch, out: Out<'_>) = body;
}

#[inline(always)]
fn body(input: &Structural<'_>, scratch: &mut Scratch, out: Out<'_>) {
    let [bid, ask] = out.columns();
    slope(bid, input, scratch, BookSide::Bid);
    slope(ask, input, scratch, BookSide::Ask);
}

#[inline(always)]
fn slope(out: &mut [f64], input: &Structural<'_>, scratch: &mut Scratch, side: BookSide) {
    let batch = input.batch;
    if batch.levels() < 5 {
        out.fill(f64::NAN);
        return;
    }
    let sum = &mut scratch.a[..batch.rows()];
    sum.fill(0.0);
    map2(out, batch.price(side, 4), batch.price(side, 0), |p4, p0| (p4 - p0).abs());
    for level in 0..5 {
        fold1(sum, batch.size(side, level), |sum, s| if s > 0.0 { sum + s } else { f64::NAN });
    }
    fold1(out, sum, |range, sum| range / sum);
}
