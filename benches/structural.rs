//! Families of table `book` over ten levels, from stored blocks to output blocks that are dropped. Rows are snapshots; the
//! merge is part of every figure, so a family's own cost is the distance to `benches/merge.rs`.

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
use hftcol::codec::ColumnValues;
use hftcol::feature::{Arena, FAMILIES, FeatureConfig, PartitionInputs, Plan, PriorVolume, Simd, run_book};
use hftcol::schema::Clock;

use support::CpuTime;

fn structural(c: &mut Criterion<CpuTime>) {
    let (book, trades) = support::market();
    let inputs = PartitionInputs {
        book: slice::from_ref(&book),
        trades: slice::from_ref(&trades),
        changes: hftcol::feature::ChangeInputs::default(),
        clock: Clock::Event,
        date_tz: "UTC",
        prior: PriorVolume::default(),
    };
    let mut scratch = support::NoScratch;
    let mut group = c.benchmark_group("book");
    group.throughput(Throughput::Elements(support::ROWS as u64)).sample_size(20);
    let families = FAMILIES.iter().map(|family| (family.name, vec![family.name.to_owned()]));
    let whole = [("every default column", Vec::new())].into_iter();
    for (name, features) in whole.chain(families) {
        let config = FeatureConfig { features, ..FeatureConfig::default() };
        let plan = Plan::new(&config, &inputs.shape()).expect("a plan");
        let mut arena = Arena::new(&config).expect("an arena");
        for simd in [Simd::Best, Simd::Baseline] {
            arena.set_simd(simd);
            let mut checked = false;
            group.bench_function(format!("{name}, {simd:?}"), |b| {
                b.iter(|| {
                    let mut last = 0.0;
                    let report = run_book(&inputs, &plan, &mut arena, &mut scratch, &mut |rows, columns| {
                        if let Some(ColumnValues::F64(values)) = columns.last() {
                            last = values[rows - 1];
                        }
                        Ok(())
                    })
                    .expect("a run");
                    assert_eq!(report.rows_out, support::ROWS as u64);
                    assert!(checked || !last.is_infinite());
                    checked = true;
                });
            });
        }
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(CpuTime::default());
    targets = structural
}
criterion_main!(benches);
