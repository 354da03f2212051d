//! Order flow imbalance at the best quotes and level by level. Prices are compared exactly (A1).

use crate::feature::flow::{Flow, ZERO};
use crate::feature::frame::Out;
use crate::feature::lanes::{fold1, only};
use crate::feature::registry::{Definition, Family, Kernel, LevelRule};
use crate::merge::{BookSide, FlowLevel, simd_kernel};

const NULL: &str = "not two-sided; no two-sided snapshot before; after a gap";
const PAPER: &str = "Cont, Kukanov, Stoikov 2014";
const READS: &str = "book levels < ofi_levels of this and the previous two-sided snapshot";

pub(crate) const FAMILY: Family = Family {
    name: "order_flow",
    table: "book",
    about: "order flow imbalance since the previous two-sided snapshot",
    columns: &[
        Definition::new("ofi", "size", "B0*[b0>=b0p]-B0p*[b0<=b0p]-A0*[a0<=a0p]+A0p*[a0>=a0p]")
            .null(NULL)
            .source(PAPER)
            .reads("best quotes of this and the previous two-sided snapshot", "max_gap_ns")
            .alias("ofi_step"),
        Definition::new("ofi_{i:02}", "size", "the rule of ofi at level i")
            .null("as ofi; level i of a side is missing now or before")
            .source("Xu, Gould, Howison 2018")
            .reads(READS, "mlofi_levels, ofi_levels, max_gap_ns")
            .levels(LevelRule::EachOfi)
            .optional(),
        Definition::new("mlofi", "size", "sum over the non-null levels of exp(-mlofi_alpha*i)*ofi_i")
            .null(NULL)
            .source("Xu, Gould, Howison 2018; weights of the seed")
            .reads(READS, "ofi_levels, mlofi_alpha, max_gap_ns")
            .alias("mlofi_step"),
        Definition::new("ofi_multi", "size", "sum over the non-null levels of ofi_i")
            .null(NULL)
            .source("Xu, Gould, Howison 2018")
            .reads(READS, "ofi_levels, max_gap_ns"),
    ],
    needs: &[],
    kernel: Kernel::Flow(|input, out| run(input.simd, input, out)),
};

simd_kernel! {
    fn run(input: &Flow<'_>, out: Out<'_>) = body;
}

#[inline(always)]
fn body(input: &Flow<'_>, out: Out<'_>) {
    let rows = input.rows();
    let mut columns = out.into_iter();
    let Some(ofi) = columns.next() else { return };
    let (mut weighted, mut plain) = (ZERO, ZERO);
    let (weighted, plain) = (&mut weighted[..rows], &mut plain[..rows]);
    let levels = input.batch.levels().min(input.weights().len());
    for (level, weight) in input.weights()[..levels].iter().enumerate() {
        let Some(out) = columns.next() else { return };
        level_ofi(out, input.level(BookSide::Bid, level), input.level(BookSide::Ask, level), input.step());
        fold1(weighted, out, |sum, x| if x.is_nan() { sum } else { sum + weight * x });
        fold1(plain, out, |sum, x| if x.is_nan() { sum } else { sum + x });
        if level == 0 {
            ofi.copy_from_slice(out);
        }
    }
    for sum in [weighted, plain] {
        if let Some(out) = columns.next() {
            // ofi is never null alone: level 0 is there in every two-sided snapshot.
            out.copy_from_slice(ofi);
            fold1(out, sum, |x, sum| if x.is_nan() { x } else { sum });
        }
    }
}

/// The rule at one level; null where no difference is taken, and where the level of a side is missing now or before.
#[inline(always)]
fn level_ofi(out: &mut [f64], bid: FlowLevel<'_>, ask: FlowLevel<'_>, step: &[f64]) {
    let rows = out.len();
    let (now, before) = (1..=rows, 0..rows);
    let (b, b_before) = (&bid.price_m[now.clone()], &bid.price_m[before.clone()]);
    let (s, s_before) = (&bid.size[now.clone()], &bid.size[before.clone()]);
    let (a, a_before) = (&ask.price_m[now.clone()], &ask.price_m[before.clone()]);
    let (t, t_before) = (&ask.size[now], &ask.size[before]);
    let step = &step[..rows];
    let taken = |yes: bool, size: f64| if yes { size } else { 0.0 };
    for i in 0..rows {
        let bid = taken(b[i] >= b_before[i], s[i]) - taken(b[i] <= b_before[i], s_before[i]);
        let x = bid - taken(a[i] <= a_before[i], t[i]) + taken(a[i] >= a_before[i], t_before[i]);
        let there = (s[i] > 0.0) & (s_before[i] > 0.0) & (t[i] > 0.0) & (t_before[i] > 0.0);
        out[i] = only(there & !step[i].is_nan(), x);
    }
}
