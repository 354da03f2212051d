//! Decimal text to mantissa and scale, against the standard library's f64. Throughput is in bytes of digits.

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

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hftcol::parse::decimal::{Number, decimal, decimal_general};

fn values() -> Vec<String> {
    let mut seed = 7_u64;
    (0..4_096)
        .map(|i| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let n = seed >> 44;
            if i % 2 == 0 { format!("{}.{:02}", n / 100, n % 100) } else { format!("0.{n:08}") }
        })
        .collect()
}

fn sum(values: &[String], parse: impl Fn(&[u8]) -> Option<i64>) -> i64 {
    values.iter().filter_map(|v| parse(v.as_bytes())).fold(0, i64::wrapping_add)
}

fn decimals(c: &mut Criterion) {
    let values = values();
    let mantissa = |number| if let Ok(Number::Value(d)) = number { Some(d.mantissa) } else { None };
    let expected = sum(&values, |v| mantissa(decimal_general(v)));
    let mut group = c.benchmark_group("decimal");
    group.throughput(Throughput::Bytes(values.iter().map(|v| v.len() as u64).sum()));
    group.bench_function("fast", |b| {
        b.iter(|| assert_eq!(sum(black_box(&values), |v| mantissa(decimal(v))), expected));
    });
    group.bench_function("general", |b| {
        b.iter(|| assert_eq!(sum(black_box(&values), |v| mantissa(decimal_general(v))), expected));
    });
    group.bench_function("std f64", |b| {
        b.iter(|| {
            let total: f64 = black_box(&values).iter().filter_map(|v| v.parse::<f64>().ok()).sum();
            assert!(total > 0.0);
            total
        });
    });
    group.finish();
}

criterion_group!(benches, decimals);
criterion_main!(benches);
