//! Size at level 4 against size at level 0.

use crate::feature::frame::{Out, Scratch, Structural};
use crate::feature::lanes::{fold1, map2, only};
use crate::feature::registry::{Definition, Family, Kernel};
use crate::merge::{BookSide, simd_kernel};

const NULL: &str = "one of levels 0..4 is missing";

pub(crate) const FAMILY: Family = Family {
    name: "decay",
    table: "book",
    about: "size at level 4 over size at level 0",
    columns: &[
        Definition::new("bid_decay_5", "1", "B_4/B_0").null(NULL).alias("bid_depth_decay_5"),
        Definition::new("ask_decay_5", "1", "A_4/A_0").null(NULL).alias("ask_depth_decay_5"),
        Definition::new("decay_5", "1", "(bid_decay_5+ask_decay_5)/2")
            .null("either side's is null, or not two-sided")
            .alias("avg_depth_decay_5"),
    ],
    needs: &[],
    kernel: Kernel::Structural(|input, scratch, out| run(input.simd, input, scratch, out)),
};

simd_kernel! {
    fn run(input: &Structural<'_>, scratch: &mut Scratch, out: Out<'_>) = body;
}

#[inline(always)]
fn body(input: &Structural<'_>, _: &mut Scratch, out: Out<'_>) {
    let [bid, ask, mean] = out.columns();
    decay(bid, input, BookSide::Bid);
    decay(ask, input, BookSide::Ask);
    map2(mean, bid, ask, |b, a| (b + a) / 2.0);
}

#[inline(always)]
fn decay(out: &mut [f64], input: &Structural<'_>, side: BookSide) {
    let batch = input.batch;
    if batch.levels() < 5 {
        out.fill(f64::NAN);
        return;
    }
    map2(out, batch.size(side, 4), batch.size(side, 0), |s4, s0| only(s4 > 0.0, s4 / s0));
    for level in 0..4 {
        fold1(out, batch.size(side, level), |x, s| only(s > 0.0, x));
    }
}
