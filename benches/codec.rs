//! Blocks of a book: encoding, and reading (copy, checksum, decoding) to f64 and i64. Throughput counts decoded bytes, 8 a
//! value. Each benchmark first asserts that its answer is right.

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

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hftcol::codec::{BlockEncoder, ColumnValues, DecodeScratch, decode};
use hftcol::format::FileHeader;
use hftcol::read::{BlockScratch, TableReader};
use hftcol::schema::{Clock, Column, LogicalType, PartitionKey, Schema};
use hftcol::storage::MemoryFile;
use hftcol::units::{Date, Decimal};
use hftcol::write::{Provenance, TableWriter};

const ROWS: usize = 4_096;

/// A column as books have them.
struct Case {
    name: &'static str,
    column: Column,
    words: Vec<i64>,
}

fn random(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed
}

/// A walk that moves in about one row of `every`.
fn walk(seed: u64, every: u64, start: i64, step: i64) -> Vec<i64> {
    let mut seed = seed;
    let mut value = start;
    let mut next = |_| {
        let r = random(&mut seed);
        if r % every == 0 {
            value += step * ((r >> 20) as i64 % 21 - 10);
        }
        value
    };
    (0..ROWS).map(&mut next).collect()
}

fn cases() -> Vec<Case> {
    let decimal = |name: &str| Column::nullable(name, LogicalType::Decimal).with_scale(2);
    let mut clock = 1_700_000_000_000_000_000;
    let mut seed = 7;
    let ts = (0..ROWS).map(|_| {
        clock += (random(&mut seed) % 1_000_000) as i64;
        clock
    });
    let mut seed = 9;
    let noise = (0..ROWS).map(|_| ((random(&mut seed) >> 12) as f64 / 1e9 - 0.3).to_bits().cast_signed());
    vec![
        Case { name: "best_price", column: decimal("a"), words: walk(1, 10, 6_512_345, 1) },
        Case { name: "size", column: decimal("b"), words: walk(2, 3, 1_000_000, 977) },
        Case { name: "tick_price", column: decimal("c"), words: walk(3, 1, 6_500_000, 25) },
        Case { name: "busy_size", column: decimal("d"), words: walk(4, 1, 3_000_000, 9_973) },
        Case { name: "timestamp", column: Column::required("e", LogicalType::Ts), words: ts.collect() },
        Case { name: "feature_f64", column: Column::nullable("f", LogicalType::F64), words: noise.collect() },
    ]
}

fn values(case: &Case) -> ColumnValues<'_> {
    if case.column.logical_type == LogicalType::F64 {
        return ColumnValues::F64(bytemuck::cast_slice(&case.words));
    }
    ColumnValues::I64 { values: &case.words, validity: None }
}

fn expected(case: &Case) -> Vec<f64> {
    let scale = case.column.scale;
    let number = |word: &i64| match case.column.logical_type {
        LogicalType::F64 => f64::from_bits(word.cast_unsigned()),
        _ => Decimal { mantissa: *word, scale }.to_f64(),
    };
    case.words.iter().map(number).collect()
}

fn encode(c: &mut Criterion) {
    let mut group = c.benchmark_group("encode");
    group.throughput(Throughput::Bytes(ROWS as u64 * 8));
    for case in cases() {
        for (label, every) in [("", 0), ("_checked", 1)] {
            let mut encoder = BlockEncoder::default().check_every(every);
            let mut out = Vec::new();
            let encoded = encoder.encode(&case.column, 0, ROWS, values(&case), &mut out).expect("a block");
            let mut back = vec![0.0; ROWS];
            decode::f64s(&case.column, &encoded.entry, &out, &mut DecodeScratch::default(), &mut back).expect("values");
            assert_eq!(back, expected(&case));
            let name = format!("{}{label}/{}/{}", case.name, encoded.entry.encoding.name(), out.len());
            group.bench_function(name, |b| {
                b.iter(|| {
                    out.clear();
                    black_box(encoder.encode(&case.column, 0, ROWS, values(&case), &mut out).expect("a block"))
                });
            });
        }
    }
    group.finish();
}

fn file(cases: &[Case]) -> Vec<u8> {
    let header = FileHeader {
        table: "bench".into(),
        key: PartitionKey { venue: "v".into(), security: "s".into(), date: Date(0) },
        channel: String::new(),
        generation: 1,
        segment: 0,
        first_row: 0,
        clock: Clock::Event,
        tz: "UTC".into(),
        date_tz: "UTC".into(),
        block_rows: ROWS as u32,
        group_blocks: 1,
        schema: Schema { columns: cases.iter().map(|c| c.column.clone()).collect() },
    };
    let mut writer = TableWriter::new(Vec::new(), header).expect("a header");
    let columns: Vec<_> = cases.iter().map(values).collect();
    writer.push(ROWS, &columns).expect("a block");
    writer.finish(Provenance::default()).expect("a file").0
}

fn read(c: &mut Criterion) {
    let cases = cases();
    let reader = TableReader::open(Arc::new(MemoryFile(file(&cases)))).expect("a file");
    reader.verify().expect("a sound file");
    let mut scratch = BlockScratch::default();
    let mut group = c.benchmark_group("read");
    group.throughput(Throughput::Bytes(ROWS as u64 * 8));
    let (mut doubles, mut words, mut validity) = (vec![0.0; ROWS], vec![0; ROWS], vec![0; ROWS / 64]);
    for (i, case) in cases.iter().enumerate() {
        reader.read_f64(0, i, &mut scratch, &mut doubles).expect("values");
        assert_eq!(doubles, expected(case));
        group.bench_function(format!("{}_f64", case.name), |b| {
            b.iter(|| reader.read_f64(0, i, &mut scratch, black_box(&mut doubles)).expect("values"));
        });
        if case.column.logical_type == LogicalType::F64 {
            continue;
        }
        reader.read_i64(0, i, &mut scratch, &mut words, &mut validity).expect("values");
        assert_eq!(words, case.words);
        group.bench_function(format!("{}_i64", case.name), |b| {
            b.iter(|| {
                reader.read_i64(0, i, &mut scratch, black_box(&mut words), black_box(&mut validity)).expect("values")
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).warm_up_time(std::time::Duration::from_millis(300))
        .measurement_time(std::time::Duration::from_secs(1));
    targets = encode, read
}
criterion_main!(benches);
