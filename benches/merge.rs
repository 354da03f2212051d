//! The merge alone: blocks decoded, batches made, trades summed. Rows are snapshots.

#![allow(
    clippy::needless_range_loop,
    clippy::manual_is_multiple_of,
    clippy::manual_div_ceil,
    clippy::manual_range_contains,
    clippy::cloned_ref_to_slice_refs,
    clippy::if_same_then_else,
    reason = "twins are written as plainly as their rules read"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    dead_code,
    missing_docs,
    reason = "a benchmark asserts its answer; its support is shared"
)]

mod support;

use std::slice;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hftcol::merge::{Merge, MergeConfig, MergeMemory, Simd};
use hftcol::schema::Clock;

use support::CpuTime;

fn merge(c: &mut Criterion<CpuTime>) {
    let (book, trades) = support::market();
    let levels = usize::from(support::LEVELS);
    let mut memory = MergeMemory::new(support::LEVELS, 4_096);
    let mut group = c.benchmark_group("merge");
    group.throughput(Throughput::Elements(support::ROWS as u64)).sample_size(20);
    for simd in [Simd::Best, Simd::Baseline] {
        let config = MergeConfig { levels, clock: Clock::Event, max_gap_ns: 300_000_000_000, simd };
        group.bench_function(format!("ten levels, {simd:?}"), |b| {
            b.iter(|| {
                let mut merge =
                    Merge::new(slice::from_ref(&book), slice::from_ref(&trades), config, &mut memory).expect("inputs");
                while merge.next_batch(usize::MAX).expect("a batch") {}
                let report = merge.report();
                assert_eq!(report.two_sided, support::ROWS as u64);
                assert_eq!(report.trades_used + report.trades_after_last, support::TRADES as u64);
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(CpuTime::default());
    targets = merge
}
criterion_main!(benches);
