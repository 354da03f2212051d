//! Depth weighted down with the distance from the mid.

use crate::feature::frame::{Out, Scratch, Structural, imbalance};
use crate::feature::lanes::{fold1, fold2, map3};
use crate::feature::math::{EXP_NEAR, exp, exp_near};
use crate::feature::registry::{Definition, Family, Kernel};
use crate::merge::{BookSide, simd_kernel};

pub(crate) const FAMILY: Family = Family {
    name: "smart_depth",
    table: "book",
    about: "depth weighted by exp(-100*|m-p|/m)",
    columns: &[
        Definition::new("smart_bid_depth", "size", "sum B*exp(-100*|m-b|/m)").null("not two-sided, or m <= 0"),
        Definition::new("smart_ask_depth", "size", "sum A*exp(-100*|m-a|/m)").null("not two-sided, or m <= 0"),
        Definition::new("smart_imbalance", "1", "(smart_bid_depth-smart_ask_depth)/(smart_bid_depth+smart_ask_depth)")
            .null("not two-sided, m <= 0, or both are 0")
            .alias("smart_depth_imbalance"),
    ],
    needs: &[],
    kernel: Kernel::Structural(|input, scratch, out| run(input.simd, input, scratch, out)),
};

simd_kernel! {
    fn run(input: &Structural<'_>, scratch: &mut Scratch, out: Out<'_>) = body;
}

#[inline(always)]
fn body(input: &Structural<'_>, scratch: &mut Scratch, out: Out<'_>) {
    let [bid, ask, smart_imbalance] = out.columns();
    smart(bid, input, scratch, BookSide::Bid);
    smart(ask, input, scratch, BookSide::Ask);
    imbalance(smart_imbalance, bid, ask, input.derived.mid_positive());
}

#[inline(always)]
fn smart(out: &mut [f64], input: &Structural<'_>, scratch: &mut Scratch, side: BookSide) {
    let (batch, m) = (input.batch, input.derived.mid_positive());
    let power = &mut scratch.a[..batch.rows()];
    out.fill(0.0);
    for level in 0..batch.levels() {
        let size = batch.size(side, level);
        map3(
            power,
            batch.price(side, level),
            size,
            m,
            |p, s, m| if s > 0.0 { -100.0 * (m - p).abs() / m } else { 0.0 },
        );
        // Near the mid, where most books lie, e^x needs no reduction of x; the bits are the same.
        let far = power.iter().fold(0_u64, |far, x| far | u64::from(x.is_nan() || x.abs() > EXP_NEAR));
        if far == 0 {
            fold2(out, power, size, |sum, x, s| sum + s * exp_near(x));
        } else {
            fold2(out, power, size, |sum, x, s| sum + s * exp(x));
        }
    }
    fold1(out, m, |sum, m| if m.is_nan() { m } else { sum });
}
