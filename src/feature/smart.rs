//! Depth weighted down with the distance from the mid.

use crate::feature::frame::{Out, Structural, imbalance};
use crate::feature::lanes::{fold1, fold3};
use crate::feature::math::exp;
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
    kernel: Kernel::Structural(|input, out| run(input.simd, input, out)),
};

simd_kernel! {
    fn run(input: &Structural<'_>, out: Out<'_>) = body;
}

#[inline(always)]
fn body(input: &Structural<'_>, out: Out<'_>) {
    let [bid, ask, smart_imbalance] = out.columns();
    smart(bid, input, BookSide::Bid);
    smart(ask, input, BookSide::Ask);
    imbalance(smart_imbalance, bid, ask, input.derived.mid_positive());
}

#[inline(always)]
fn smart(out: &mut [f64], input: &Structural<'_>, side: BookSide) {
    let (batch, m) = (input.batch, input.derived.mid_positive());
    out.fill(0.0);
    for level in 0..batch.levels() {
        fold3(out, batch.price(side, level), batch.size(side, level), m, |sum, p, s, m| {
            sum + s * exp(-100.0 * (m - p).abs() / m)
        });
    }
    fold1(out, m, |sum, m| if m.is_nan() { m } else { sum });
}
