//! Any values of any type, encoded and decoded: what comes out is what went in, and the entry's statistics are those of
//! a plain loop.
#![no_main]

use hftcol::codec::{BlockEncoder, ColumnValues, DecodeScratch, decode};
use hftcol::schema::{Column, LogicalType};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let [kind, shape, scale, rest @ ..] = data else { return };
    let types = [
        LogicalType::Ts,
        LogicalType::Decimal,
        LogicalType::U64,
        LogicalType::I64,
        LogicalType::Side,
        LogicalType::Flags,
    ];
    let logical_type = types[usize::from(*kind) % types.len()];
    let decimals = if logical_type == LogicalType::Decimal { scale % 13 } else { 0 };
    let column = Column::nullable("c", logical_type).with_scale(decimals);
    let mut values: Vec<i64> = rest
        .chunks(8)
        .map(|chunk| {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            narrowed(logical_type, i64::from_le_bytes(word))
        })
        .take(4_096)
        .collect();
    if values.is_empty() {
        return;
    }
    if shape & 1 == 1 {
        repeat_runs(&mut values);
    }
    let validity: Vec<u64> = values.chunks(64).map(|word| valid_bits(word, shape & 2 == 2)).collect();
    let mut encoder = BlockEncoder::default();
    if shape & 4 == 4 {
        encoder = encoder.with_zstd(1).expect("a zstd context");
    }
    let mut bytes = Vec::new();
    let given = ColumnValues::I64 { values: &values, validity: Some(&validity) };
    let entry = encoder.encode(&column, 0, values.len(), given, &mut bytes).expect("values of the type").entry;

    let mut out = vec![0; values.len()];
    let mut found = vec![0; validity.len()];
    let mut scratch = DecodeScratch::default();
    let nulls = decode::i64s(&column, &entry, &bytes, &mut scratch, &mut out, &mut found).expect("our own block");
    assert_eq!(found, validity);
    let valid: Vec<i64> =
        (0..values.len()).filter(|i| validity[i / 64] >> (i % 64) & 1 == 1).map(|i| values[i]).collect();
    assert_eq!(nulls, values.len() - valid.len());
    assert_eq!(entry.nulls as usize, nulls);
    for (i, value) in values.iter().enumerate() {
        assert!(validity[i / 64] >> (i % 64) & 1 == 0 || out[i] == *value, "row {i}");
    }
    let unsigned = logical_type == LogicalType::U64;
    let widened = |v: i64| if unsigned { i128::from(v.cast_unsigned()) } else { i128::from(v) };
    assert_eq!(entry.sum, valid.iter().map(|v| widened(*v)).sum::<i128>());
    if let (Some(min), Some(max)) = (valid.iter().map(|v| widened(*v)).min(), valid.iter().map(|v| widened(*v)).max()) {
        assert_eq!(widened(entry.min.cast_signed()), min);
        assert_eq!(widened(entry.max.cast_signed()), max);
    }
});

/// A value of the type from any word.
fn narrowed(logical_type: LogicalType, word: i64) -> i64 {
    match logical_type {
        LogicalType::Side => word.rem_euclid(3) - 1,
        LogicalType::Flags => word.rem_euclid(256),
        _ => word,
    }
}

/// Makes most rows repeat the row before, as in a book.
fn repeat_runs(values: &mut [i64]) {
    for i in 1..values.len() {
        if values[i] & 3 != 0 {
            values[i] = values[i - 1];
        }
    }
}

/// Bits of up to 64 rows; with nulls, a row is missing when its low nibble is 5.
fn valid_bits(values: &[i64], nulls: bool) -> u64 {
    values.iter().enumerate().fold(0, |word, (i, v)| word | (u64::from(!nulls || v & 15 != 5) << i))
}
