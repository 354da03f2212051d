//! The best quotes, their middle and what lies between them.

use crate::feature::frame::{Out, Scratch, Structural, copy};
use crate::feature::lanes::{fold1, fold2, map2, map3, map4, only, ratio};
use crate::feature::registry::{Definition, Family, Kernel};
use crate::merge::{BookSide, simd_kernel};

pub(crate) const FAMILY: Family = Family {
    name: "quote",
    table: "book",
    about: "best prices and sizes, mid, spread, microprice",
    columns: &[
        Definition::new("best_bid", "price", "b0").null("bid level 0 is missing"),
        Definition::new("best_ask", "price", "a0").null("ask level 0 is missing"),
        Definition::new("best_bid_sz", "size", "B0").null("bid level 0 is missing"),
        Definition::new("best_ask_sz", "size", "A0").null("ask level 0 is missing"),
        Definition::new("mid", "price", "m = (b0+a0)/2").alias("mid_price"),
        Definition::new("spread", "price", "a0-b0"),
        Definition::new("spread_bps", "bps", "1e4*(a0-b0)/m").null("not two-sided, or m <= 0"),
        Definition::new("microprice", "price", "(b0*A0+a0*B0)/(A0+B0)").source("Stoikov 2018, weighted mid"),
        Definition::new("micro_minus_mid", "price", "microprice-m"),
    ],
    needs: &[],
    kernel: Kernel::Structural(|input, scratch, out| run(input.simd, input, scratch, out)),
};

/// What the seed divides by the mid without the factor of basis points.
pub(crate) const SEED_NAMES: Family = Family {
    name: "quote_seed",
    table: "book",
    about: "quote columns of the seed that the contract has in another unit, with --names seed only",
    columns: &[Definition::new("relative_spread", "1", "spread_bps/1e4").null("not two-sided, or m <= 0").seed_only()],
    needs: &[],
    kernel: Kernel::Structural(|input, scratch, out| run_seed(input.simd, input, scratch, out)),
};

simd_kernel! {
    fn run_seed(input: &Structural<'_>, scratch: &mut Scratch, out: Out<'_>) = seed_body;
}

#[inline(always)]
fn seed_body(input: &Structural<'_>, _: &mut Scratch, out: Out<'_>) {
    let [relative] = out.columns();
    let (bid, ask) = (input.batch.price(BookSide::Bid, 0), input.batch.price(BookSide::Ask, 0));
    map3(relative, ask, bid, input.derived.mid_positive(), |a, b, m| ratio(1e4 * (a - b), m) / 1e4);
}

simd_kernel! {
    fn run(input: &Structural<'_>, scratch: &mut Scratch, out: Out<'_>) = body;
}

#[inline(always)]
fn body(input: &Structural<'_>, _: &mut Scratch, out: Out<'_>) {
    let [best_bid, best_ask, best_bid_sz, best_ask_sz, mid, spread, spread_bps, micro, micro_minus_mid] = out.columns();
    let (batch, m) = (input.batch, input.derived.mid());
    let (bid, bid_sz) = (batch.price(BookSide::Bid, 0), batch.size(BookSide::Bid, 0));
    let (ask, ask_sz) = (batch.price(BookSide::Ask, 0), batch.size(BookSide::Ask, 0));
    map2(best_bid, bid, bid_sz, |p, s| only(s > 0.0, p));
    map2(best_ask, ask, ask_sz, |p, s| only(s > 0.0, p));
    map2(best_bid_sz, bid_sz, bid_sz, |s, _| only(s > 0.0, s));
    map2(best_ask_sz, ask_sz, ask_sz, |s, _| only(s > 0.0, s));
    copy(mid, m);
    map3(spread, ask, bid, m, |a, b, m| only(!m.is_nan(), a - b));
    map3(spread_bps, ask, bid, input.derived.mid_positive(), |a, b, m| ratio(1e4 * (a - b), m));
    map4(micro, (bid, ask_sz), (ask, bid_sz), |b, a_sz, a, b_sz| b * a_sz + a * b_sz);
    fold2(micro, ask_sz, bid_sz, |x, a, b| ratio(x, a + b));
    fold1(micro, m, |x, m| only(!m.is_nan(), x));
    map2(micro_minus_mid, micro, m, |x, m| x - m);
}
