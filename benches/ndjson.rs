//! NDJSON on one core: the pull reader alone, simd-json's tape, and the whole way to typed rows. Throughput is in bytes of text.

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
use hftcol::parse::json::Reader;
use hftcol::vendor::{Chunk, Probe, Selection, SourceOptions, select};

const ROWS: usize = 3_000;

fn ndjson(c: &mut Criterion) {
    let text = text::Market::new(7).ndjson(ROWS);
    let records = text.lines().count();
    let mut group = c.benchmark_group("ndjson");
    group.throughput(Throughput::Bytes(text.len() as u64)).sample_size(20);
    group.bench_function(BenchmarkId::new("validate", "pull reader"), |b| {
        b.iter(|| {
            let whole = text.lines().filter(|line| {
                let mut reader = Reader::new(line.as_bytes());
                reader.value().and_then(|v| reader.skip(v)).and_then(|()| reader.end()).is_ok()
            });
            assert_eq!(whole.count(), records);
        });
    });
    // simd-json writes into its input, so each record is copied first, as a chunk would have to be; its numbers are parsed ones.
    group.bench_function(BenchmarkId::new("validate", "simd-json tape"), |b| {
        let mut buffers = simd_json::Buffers::default();
        let mut line_copy = Vec::new();
        b.iter(|| {
            let mut whole = 0;
            for line in text.lines() {
                line_copy.clear();
                line_copy.extend_from_slice(line.as_bytes());
                whole += usize::from(simd_json::to_tape_with_buffers(&mut line_copy, &mut buffers).is_ok());
            }
            assert_eq!(whole, records);
        });
    });
    let probe = Probe { path: Path::new("x"), head: &text.as_bytes()[..200_000], siblings: &[] };
    let Ok(Selection::Source(selected)) = select("ccxt", &probe, &SourceOptions::default()) else {
        panic!("the file opens");
    };
    group.bench_function("rows", |b| {
        b.iter(|| {
            let parsed = selected.parser.parse(Chunk::of(text.as_bytes())).expect("rows");
            assert_eq!(parsed.stored, records as u64);
            parsed
        });
    });
    group.finish();
}

criterion_group!(benches, ndjson);
criterion_main!(benches);
