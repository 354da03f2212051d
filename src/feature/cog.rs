//! Centre of gravity: the size-weighted mean price of the book and of each side.

use crate::feature::frame::{Out, Scratch, Structural};
use crate::feature::lanes::{fold1, map2, only, ratio};
use crate::feature::registry::{Definition, Family, Kernel};
use crate::merge::{BookSide, simd_kernel};

pub(crate) const FAMILY: Family = Family {
    name: "gravity",
    table: "book",
    about: "centre of gravity",
    columns: &[
        Definition::new("cog", "price", "sum p*size/sum size, both sides").alias("center_of_gravity"),
        Definition::new("cog_vs_mid_bps", "bps", "1e4*(cog-m)/m").null("not two-sided, or m <= 0").alias("cog_vs_mid"),
        Definition::new("bid_cog", "price", "sum b*B/sum B").null("the side has no level"),
        Definition::new("ask_cog", "price", "sum a*A/sum A").null("the side has no level"),
    ],
    needs: &[],
    kernel: Kernel::Structural(|input, scratch, out| run(input.simd, input, scratch, out)),
};

simd_kernel! {
    fn run(input: &Structural<'_>, scratch: &mut Scratch, out: Out<'_>) = body;
}

#[inline(always)]
fn body(input: &Structural<'_>, _: &mut Scratch, out: Out<'_>) {
    let [cog, cog_vs_mid_bps, bid_cog, ask_cog] = out.columns();
    let derived = input.derived;
    let (bid, ask) = (derived.depth(BookSide::Bid), derived.depth(BookSide::Ask));
    let (bid_notional, ask_notional) = (derived.notional(BookSide::Bid), derived.notional(BookSide::Ask));
    map2(bid_cog, bid_notional, bid, ratio);
    map2(ask_cog, ask_notional, ask, ratio);
    map2(cog, bid_notional, ask_notional, |b, a| b + a);
    // The sum of sizes passes through the next column, which is written last.
    map2(cog_vs_mid_bps, bid, ask, |b, a| b + a);
    fold1(cog, cog_vs_mid_bps, ratio);
    fold1(cog, derived.mid(), |x, m| only(!m.is_nan(), x));
    map2(cog_vs_mid_bps, cog, derived.mid_positive(), |x, m| ratio(1e4 * (x - m), m));
}
