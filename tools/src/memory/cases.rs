//! The cases: what is generated, how it is imported, which exit codes are right.

use std::io;
use std::path::Path;

use super::{hostile, packed, texts};
use crate::synth::{Layout, Order, Synth};

/// How large inputs are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    /// Bytes of a large input, about.
    pub(super) bytes: u64,
    pub(super) seed: u64,
}

/// A kind of input.
pub(super) struct Case {
    pub(super) name: &'static str,
    /// Writes the input and gives the arguments of the import; `RAW` stands for the folder.
    pub(super) generate: fn(&Sizes, &Path) -> io::Result<Vec<String>>,
    /// Exit codes that are right: 1 where records are rejected, 3 where the input is refused.
    pub(super) codes: &'static [i32],
}

const fn good(name: &'static str, generate: fn(&Sizes, &Path) -> io::Result<Vec<String>>) -> Case {
    Case { name, generate, codes: &[0] }
}

const fn bad(
    name: &'static str,
    generate: fn(&Sizes, &Path) -> io::Result<Vec<String>>,
    codes: &'static [i32],
) -> Case {
    Case { name, generate, codes }
}

/// All of them.
pub(super) const ALL: &[Case] = &[
    good("sorted", |s, raw| market(s, raw, Order::Time, (25, 30))),
    good("reversed", |s, raw| market(s, raw, Order::Reversed, (25, 30))),
    good("shuffled", |s, raw| market(s, raw, Order::Shuffled, (25, 30))),
    good("grouped by security", |s, raw| market(s, raw, Order::Grouped, (25, 30))),
    good("partitions 1", |s, raw| market(s, raw, Order::Shuffled, (1, 1))),
    good("partitions 100", |s, raw| market(s, raw, Order::Shuffled, (10, 10))),
    good("partitions 10000", |s, raw| market(s, raw, Order::Shuffled, (100, 100))),
    good("partitions 10000 sorted", |s, raw| market(s, raw, Order::Time, (100, 100))),
    good("partitions 100000", |s, raw| market(s, raw, Order::Shuffled, (1_000, 100))),
    good("partitions 100000 sorted", |s, raw| market(s, raw, Order::Time, (1_000, 100))),
    good("ndjson", |s, raw| synth(s, raw, Order::Time, (25, 30), Layout::Ndjson, 10)),
    good("twenty levels", |s, raw| synth(s, raw, Order::Shuffled, (25, 30), Layout::Tardis, 20)),
    good("gzip", |s, raw| packed::one(s, raw, packed::Pack::Gzip)),
    // A window of 64 MiB is refused where it is more than a quarter of the budget.
    bad("xz -9", |s, raw| packed::one(s, raw, packed::Pack::Xz), &[0, 3]),
    bad("zstd, window 64 MiB", |s, raw| packed::one(s, raw, packed::Pack::Zstd), &[0, 3]),
    bad("pair of xz -9", packed::pair, &[0, 3]),
    bad("a line of 64 MiB", hostile::line, &[1]),
    bad("a line of everything", hostile::only_line, &[1, 3]),
    bad("a million columns", hostile::columns, &[0, 1, 3]),
    good("dense level changes", hostile::dense_changes),
    bad("huge arrays", hostile::huge_arrays, &[0, 1]),
    bad("rejects alone", hostile::rejects, &[1]),
    bad("a million brackets", texts::nested, &[1, 3]),
    bad("numbers of 100,000 digits", texts::digits, &[1]),
    bad("quotes that stay open", texts::quotes, &[1, 3]),
    bad("lone surrogates", texts::surrogates, &[0, 1]),
];

/// Books of ten levels and trades, wide.
fn market(sizes: &Sizes, raw: &Path, order: Order, counts: (usize, usize)) -> io::Result<Vec<String>> {
    synth(sizes, raw, order, counts, Layout::Wide, 10)
}

pub(super) fn synth(
    sizes: &Sizes,
    raw: &Path,
    order: Order,
    (securities, days): (usize, usize),
    layout: Layout,
    levels: usize,
) -> io::Result<Vec<String>> {
    // About what a snapshot and half a trade take.
    let pair_bytes = if layout == Layout::Ndjson { 430 } else { 20 + 28 * levels };
    let snapshots = usize::try_from(sizes.bytes).unwrap_or(usize::MAX) / pair_bytes;
    let market = Synth { securities, days, snapshots, trades: snapshots / 2, levels, seed: sizes.seed, layout, order };
    market.write(raw)?;
    Ok(words(&["RAW"]))
}

pub(super) fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}
