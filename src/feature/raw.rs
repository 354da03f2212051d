//! The raw levels as f64, for `--raw-levels`.

use crate::feature::frame::{Out, Scratch, Structural};
use crate::feature::lanes::{map2, only};
use crate::feature::registry::{Definition, Family, Kernel, LevelRule};
use crate::merge::{BookSide, simd_kernel};

const fn level(name: &'static str, unit: &'static str, formula: &'static str) -> Definition {
    Definition::new(name, unit, formula)
        .levels(LevelRule::Each)
        .null("level i is missing")
        .reads("book level i", "raw_levels, levels")
        .optional()
}

pub(crate) const FAMILY: Family = Family {
    name: "raw_levels",
    table: "book",
    about: "the stored levels",
    columns: &[
        level("bid_px_{i:02}", "price", "b_i"),
        level("bid_sz_{i:02}", "size", "B_i"),
        level("ask_px_{i:02}", "price", "a_i"),
        level("ask_sz_{i:02}", "size", "A_i"),
    ],
    needs: &[],
    kernel: Kernel::Structural(|input, scratch, out| run(input.simd, input, scratch, out)),
};

simd_kernel! {
    fn run(input: &Structural<'_>, scratch: &mut Scratch, out: Out<'_>) = body;
}

#[inline(always)]
fn body(input: &Structural<'_>, _: &mut Scratch, out: Out<'_>) {
    let batch = input.batch;
    let mut columns = out.into_iter();
    for level in 0..batch.levels() {
        for side in BookSide::BOTH {
            let size = batch.size(side, level);
            if let Some(out) = columns.next() {
                map2(out, batch.price(side, level), size, |p, s| only(s > 0.0, p));
            }
            if let Some(out) = columns.next() {
                map2(out, size, size, |s, _| only(s > 0.0, s));
            }
        }
    }
}
