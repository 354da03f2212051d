//! Sums of sizes and notionals over the first levels, their imbalances and mean prices.

use crate::feature::frame::{Out, Scratch, Structural, imbalance, where_side};
use crate::feature::lanes::{fold1, fold2, map2, ratio};
use crate::feature::registry::{Definition, Family, Kernel, LevelRule};
use crate::merge::{Batch, BookSide, simd_kernel};

const fn at_least(definition: Definition, n: u16) -> Definition {
    definition.levels(LevelRule::AtLeast(n))
}

const fn side(definition: Definition) -> Definition {
    definition.null("none of the side's levels exists")
}

pub(crate) const FAMILY: Family = Family {
    name: "depth",
    table: "book",
    about: "sizes, notionals and mean prices over the first n levels",
    columns: &[
        Definition::new("imbalance_1", "1", "(B0-A0)/(B0+A0)"),
        at_least(Definition::new("imbalance_3", "1", "(sum B-sum A)/(sum B+sum A), levels < 3"), 3),
        at_least(Definition::new("imbalance_5", "1", "(sum B-sum A)/(sum B+sum A), levels < 5"), 5),
        at_least(Definition::new("imbalance_10", "1", "(sum B-sum A)/(sum B+sum A), levels < 10"), 10),
        at_least(Definition::new("imbalance_20", "1", "(sum B-sum A)/(sum B+sum A), levels < 20"), 20),
        side(at_least(Definition::new("bid_depth_5", "size", "sum B, levels < 5"), 5)),
        side(at_least(Definition::new("ask_depth_5", "size", "sum A, levels < 5"), 5)),
        side(at_least(Definition::new("bid_depth_10", "size", "sum B, levels < 10"), 10)),
        side(at_least(Definition::new("ask_depth_10", "size", "sum A, levels < 10"), 10)),
        side(at_least(Definition::new("bid_depth_20", "size", "sum B, levels < 20"), 20)),
        side(at_least(Definition::new("ask_depth_20", "size", "sum A, levels < 20"), 20)),
        side(Definition::new("bid_depth", "size", "sum B")).alias("total_bid_depth"),
        side(Definition::new("ask_depth", "size", "sum A")).alias("total_ask_depth"),
        Definition::new("depth_imbalance", "1", "(bid_depth-ask_depth)/(bid_depth+ask_depth)").alias("total_imbalance"),
        side(Definition::new("bid_notional", "price*size", "sum b*B")),
        side(Definition::new("ask_notional", "price*size", "sum a*A")),
        side(Definition::new("vwap_bid_5", "price", "sum b*B/sum B, levels < 5")),
        side(Definition::new("vwap_ask_5", "price", "sum a*A/sum A, levels < 5")),
        Definition::new("vwap_spread_5", "price", "vwap_ask_5-vwap_bid_5")
            .null("none of the first five levels of a side exists, or not two-sided")
            .alias("vwap_spread"),
    ],
    needs: &[],
    kernel: Kernel::Structural(|input, scratch, out| run(input.simd, input, scratch, out)),
};

/// The optional means over ten levels.
pub(crate) const VWAP_10: Family = Family {
    name: "vwap_10",
    table: "book",
    about: "mean prices over ten levels",
    columns: &[
        side(Definition::new("vwap_bid_10", "price", "sum b*B/sum B, levels < 10")).optional(),
        side(Definition::new("vwap_ask_10", "price", "sum a*A/sum A, levels < 10")).optional(),
    ],
    needs: &[],
    kernel: Kernel::Structural(|input, scratch, out| run_vwap_10(input.simd, input, scratch, out)),
};

simd_kernel! {
    fn run(input: &Structural<'_>, scratch: &mut Scratch, out: Out<'_>) = body;
}

simd_kernel! {
    fn run_vwap_10(input: &Structural<'_>, scratch: &mut Scratch, out: Out<'_>) = vwap_10_body;
}

#[inline(always)]
fn vwap_10_body(input: &Structural<'_>, scratch: &mut Scratch, out: Out<'_>) {
    let [bid, ask] = out.columns();
    vwap(bid, input.batch, scratch, BookSide::Bid, 10);
    vwap(ask, input.batch, scratch, BookSide::Ask, 10);
}

/// `out = sum(p*size)/sum(size)` over the first `n` levels of a side, null when none exists.
#[inline(always)]
fn vwap(out: &mut [f64], batch: &Batch, scratch: &mut Scratch, side: BookSide, n: usize) {
    let sum = &mut scratch.c[..batch.rows()];
    sum.fill(0.0);
    out.fill(0.0);
    for level in 0..n.min(batch.levels()) {
        let size = batch.size(side, level);
        fold2(out, batch.price(side, level), size, |x, p, s| x + p * s);
        fold1(sum, size, |x, s| x + s);
    }
    fold1(out, sum, ratio);
}

#[inline(always)]
fn body(input: &Structural<'_>, scratch: &mut Scratch, out: Out<'_>) {
    let [
        imbalance_1,
        imbalance_3,
        imbalance_5,
        imbalance_10,
        imbalance_20,
        bid_5,
        ask_5,
        bid_10,
        ask_10,
        bid_20,
        ask_20,
        bid_depth,
        ask_depth,
        depth_imbalance,
        bid_notional,
        ask_notional,
        vwap_bid,
        vwap_ask,
        vwap_spread,
    ] = out.columns();
    let (batch, derived, m) = (input.batch, input.derived, input.derived.mid());
    let (bid, ask) = (&mut scratch.a[..batch.rows()], &mut scratch.b[..batch.rows()]);
    bid.fill(0.0);
    ask.fill(0.0);
    for level in 0..batch.levels().min(20) {
        fold1(bid, batch.size(BookSide::Bid, level), |sum, s| sum + s);
        fold1(ask, batch.size(BookSide::Ask, level), |sum, s| sum + s);
        match level + 1 {
            1 => imbalance(imbalance_1, bid, ask, m),
            3 => imbalance(imbalance_3, bid, ask, m),
            5 => level_sums(imbalance_5, bid_5, ask_5, bid, ask, m),
            10 => level_sums(imbalance_10, bid_10, ask_10, bid, ask, m),
            20 => level_sums(imbalance_20, bid_20, ask_20, bid, ask, m),
            _ => {}
        }
    }
    let (bid, ask) = (derived.depth(BookSide::Bid), derived.depth(BookSide::Ask));
    where_side(bid_depth, bid, bid);
    where_side(ask_depth, ask, ask);
    imbalance(depth_imbalance, bid, ask, m);
    where_side(bid_notional, derived.notional(BookSide::Bid), bid);
    where_side(ask_notional, derived.notional(BookSide::Ask), ask);
    vwap(vwap_bid, batch, scratch, BookSide::Bid, 5);
    vwap(vwap_ask, batch, scratch, BookSide::Ask, 5);
    map2(vwap_spread, vwap_ask, vwap_bid, |a, b| a - b);
    fold1(vwap_spread, m, |x, m| if m.is_nan() { m } else { x });
}

/// The three columns of a number of levels, from the sums so far.
#[inline(always)]
fn level_sums(imbalance_n: &mut [f64], bid_n: &mut [f64], ask_n: &mut [f64], bid: &[f64], ask: &[f64], m: &[f64]) {
    imbalance(imbalance_n, bid, ask, m);
    where_side(bid_n, bid, bid);
    where_side(ask_n, ask, ask);
}
