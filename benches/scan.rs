//! CSV on one core: splitting alone, and the whole way from bytes to typed rows. Throughput is in bytes of text.

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

#[path = "support/text.rs"]
mod text;

use std::path::Path;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use hftcol::parse::csv::Splitter;
use hftcol::vendor::{Chunk, Probe, Selection, SourceOptions, select};

const ROWS: usize = 3_000;

fn scan(c: &mut Criterion) {
    let text = text::Market::new(7).wide_csv(ROWS);
    let mut group = c.benchmark_group("csv");
    group.throughput(Throughput::Bytes(text.len() as u64)).sample_size(20);
    for general in [false, true] {
        let name = if general { "csv-core" } else { "fast" };
        group.bench_function(BenchmarkId::new("split", name), |b| {
            let mut splitter = Splitter::new(b',', false);
            b.iter(|| {
                let mut fields = 0;
                let each = |record: hftcol::parse::csv::Record<'_>| fields += record.fields.map_or(0, |f| f.len());
                if general {
                    splitter.split_general(text.as_bytes(), each);
                } else {
                    splitter.split_fast(text.as_bytes(), each);
                }
                assert_eq!(fields, (ROWS + 1) * 42);
            });
        });
    }
    let probe = Probe { path: Path::new("x"), head: text.as_bytes(), siblings: &[] };
    let Ok(Selection::Source(selected)) = select("auto", &probe, &SourceOptions::default()) else {
        panic!("the file is recognised");
    };
    group.bench_function("rows", |b| {
        b.iter(|| {
            let parsed = selected.parser.parse(Chunk::of(text.as_bytes())).expect("rows");
            assert_eq!(parsed.stored, ROWS as u64);
            parsed
        });
    });
    group.finish();
}

criterion_group!(benches, scan);
criterion_main!(benches);
