//! Blocks of every type and encoding against the slow twin of `tests/oracle/codec.rs`: values, statistics, digest.

use hftcol::codec::{BlockEncoder, ColumnValues, DecodeScratch, Encoded, TextBlock, decode};
use hftcol::format::Encoding;
use hftcol::schema::{Column, LogicalType};
use hftcol::units::Decimal;
use proptest::prelude::*;

#[path = "../oracle/codec.rs"]
mod oracle;

use oracle::Cell;

const FIRST_ROW: u64 = 1 << 33;

/// Values of a block as they come: numbers, doubles or text, none where missing.
#[derive(Clone, Debug)]
enum Values {
    Words(Vec<Option<i64>>),
    Floats(Vec<Option<f64>>),
    Text(Vec<Option<String>>),
}

impl Values {
    fn len(&self) -> usize {
        match self {
            Self::Words(v) => v.len(),
            Self::Floats(v) => v.len(),
            Self::Text(v) => v.len(),
        }
    }

    fn cells(&self) -> Vec<Option<Cell>> {
        match self {
            Self::Words(v) => v.iter().map(|w| w.map(|w| Cell::Word(w.cast_unsigned()))).collect(),
            Self::Floats(v) => v.iter().map(|f| f.map(|f| Cell::Word(f.to_bits()))).collect(),
            Self::Text(v) => v.iter().map(|t| t.as_ref().map(|t| Cell::Text(t.clone().into_bytes()))).collect(),
        }
    }

    fn valid(&self) -> Vec<u64> {
        let mut bitmap = vec![0; self.len().div_ceil(64)];
        for (row, cell) in self.cells().iter().enumerate() {
            bitmap[row / 64] |= u64::from(cell.is_some()) << (row % 64);
        }
        bitmap
    }
}

fn encode(column: &Column, values: &Values, encoder: &mut BlockEncoder) -> (Encoded, Vec<u8>) {
    let (rows, valid) = (values.len(), values.valid());
    let mut out = b"before".to_vec();
    let validity = Some(valid.as_slice());
    let encoded = match values {
        Values::Words(v) => {
            // What stands at null rows must not matter.
            let words: Vec<i64> = v.iter().enumerate().map(|(i, w)| w.unwrap_or(i as i64 * 77 - 1_000)).collect();
            encoder.encode(column, FIRST_ROW, rows, ColumnValues::I64 { values: &words, validity }, &mut out)
        }
        Values::Floats(v) => {
            let odd_nan = f64::from_bits(0xFFF0_0000_0000_0001);
            let floats: Vec<f64> = v.iter().map(|f| f.unwrap_or(odd_nan)).collect();
            encoder.encode(column, FIRST_ROW, rows, ColumnValues::F64(&floats), &mut out)
        }
        Values::Text(v) => {
            let mut text = TextBlock::default();
            v.iter().for_each(|t| text.push(t.as_deref().unwrap_or("at a null").as_bytes()));
            encoder.encode(column, FIRST_ROW, rows, ColumnValues::Text { values: &text, validity }, &mut out)
        }
    };
    assert_eq!(&out[..6], b"before");
    (encoded.expect("a block"), out.split_off(6))
}

/// Encodes, decodes with the library and with its twin, and compares everything.
fn check(column: &Column, values: &Values, encoder: &mut BlockEncoder) -> Encoding {
    let (encoded, bytes) = encode(column, values, encoder);
    let (entry, rows, cells) = (encoded.entry, values.len(), values.cells());
    let kind = column.logical_type as u8;
    let nulls = cells.iter().filter(|c| c.is_none()).count();
    assert_eq!((entry.rows as usize, entry.nulls as usize, entry.length as usize), (rows, nulls, bytes.len()));
    assert_eq!(entry.crc, oracle::crc32c(&bytes));
    let block = oracle::Block { kind, encoding: entry.encoding as u8, rows, nulls, bytes: &bytes };
    assert_eq!(oracle::decode(block), cells, "{} {}", column.name, entry.encoding.name());
    assert_eq!((entry.min, entry.max, entry.sum), oracle::statistics(kind, &cells));
    let (low, high) = oracle::digest(&column.name, FIRST_ROW, &cells);
    assert_eq!(encoded.digest, u128::from(low) | u128::from(high) << 64);
    decode_with_library(column, &encoded, &bytes, &cells);
    entry.encoding
}

fn decode_with_library(column: &Column, encoded: &Encoded, bytes: &[u8], cells: &[Option<Cell>]) {
    let (rows, entry) = (cells.len(), &encoded.entry);
    let mut scratch = DecodeScratch::default();
    let mut validity = vec![0x5555_5555_5555_5555; rows.div_ceil(64)];
    let valid = |validity: &[u64], row: usize| validity[row / 64] >> (row % 64) & 1 == 1;
    if column.logical_type == LogicalType::Text {
        let mut text = TextBlock::default();
        decode::text(entry, bytes, &mut scratch, &mut text, &mut validity).expect("text");
        for (row, cell) in cells.iter().enumerate() {
            let expected = cell.as_ref().map(|c| match c {
                Cell::Text(bytes) => bytes.as_slice(),
                Cell::Word(_) => b"",
            });
            assert_eq!(valid(&validity, row).then(|| text.value(row)), expected);
        }
        return;
    }
    let mut doubles = vec![7.0; rows];
    decode::f64s(column, entry, bytes, &mut scratch, &mut doubles).expect("doubles");
    let double = |word: u64| match column.logical_type {
        LogicalType::F64 => f64::from_bits(word),
        LogicalType::U64 => word as f64,
        _ => Decimal { mantissa: word.cast_signed(), scale: column.scale }.to_string().parse().expect("a number"),
    };
    for (row, cell) in cells.iter().enumerate() {
        match cell {
            Some(Cell::Word(word)) => assert_eq!(doubles[row].to_bits(), double(*word).to_bits(), "row {row}"),
            _ => assert_eq!(doubles[row].to_bits(), 0x7FF8_0000_0000_0000),
        }
    }
    if column.logical_type == LogicalType::F64 {
        return;
    }
    let mut words = vec![7; rows];
    decode::i64s(column, entry, bytes, &mut scratch, &mut words, &mut validity).expect("words");
    for (row, cell) in cells.iter().enumerate() {
        let found = valid(&validity, row).then(|| Cell::Word(words[row].cast_unsigned()));
        assert_eq!(found.as_ref(), cell.as_ref(), "row {row}");
    }
}

/// Shapes of columns: constant, runs, a walk in ticks, wide, the extremes.
fn words(low: i64, high: i64) -> impl Strategy<Value = Vec<i64>> {
    let any = move || low..=high;
    let run = (any(), 1_usize..90);
    let narrow = (any(), prop::collection::vec((0_i64..300, 1_i64..5_000), 1..300));
    prop_oneof![
        (any(), 1_usize..300).prop_map(|(v, n)| vec![v; n]),
        prop::collection::vec(run, 1..9).prop_map(|runs| runs.into_iter().flat_map(|(v, n)| vec![v; n]).collect()),
        narrow.prop_map(move |(base, steps)| {
            let tick = steps[0].1;
            steps.iter().map(|(k, _)| base.saturating_add(k * tick).clamp(low, high)).collect()
        }),
        prop::collection::vec(any(), 1..300),
        prop::collection::vec(prop_oneof![Just(low), Just(high), any()], 1..200),
    ]
}

/// Takes some values away: none, all, some, the first, the last.
fn nulls<T: Clone + std::fmt::Debug>(values: Vec<T>) -> impl Strategy<Value = Vec<Option<T>>> {
    let rows = values.len();
    let mask = prop_oneof![
        Just(vec![true; rows]),
        Just(vec![false; rows]),
        prop::collection::vec(any::<bool>(), rows),
        (0..rows).prop_map(move |n| (0..rows).map(|row| row >= n).collect()),
        (0..rows).prop_map(move |n| (0..rows).map(|row| row <= n).collect()),
    ];
    mask.prop_map(move |mask: Vec<bool>| values.iter().zip(mask).map(|(v, there)| there.then(|| v.clone())).collect())
}

fn word_values(low: i64, high: i64) -> impl Strategy<Value = Values> {
    words(low, high).prop_flat_map(nulls).prop_map(Values::Words)
}

fn float_values() -> impl Strategy<Value = Values> {
    let number = any::<f64>().prop_map(|f| if f.is_nan() { 0.25 } else { f });
    let special =
        prop_oneof![Just(0.0), Just(-0.0), Just(f64::INFINITY), Just(f64::NEG_INFINITY), Just(5e-324), Just(1.0)];
    let vecs = prop_oneof![
        prop::collection::vec(number, 1..300),
        prop::collection::vec(special.clone(), 1..300),
        prop::collection::vec((special, 1_usize..90), 1..8)
            .prop_map(|runs| runs.into_iter().flat_map(|(v, n)| vec![v; n]).collect::<Vec<f64>>()),
    ];
    vecs.prop_flat_map(nulls).prop_map(Values::Floats)
}

fn text_values() -> impl Strategy<Value = Values> {
    let word = prop_oneof!["[a-c]{0,3}", "\\PC{0,9}", Just(String::new())];
    prop::collection::vec(word, 1..200).prop_flat_map(nulls).prop_map(Values::Text)
}

fn case() -> impl Strategy<Value = (Column, Values)> {
    let full = || word_values(i64::MIN, i64::MAX);
    let with =
        |ty: LogicalType, values: BoxedStrategy<Values>| values.prop_map(move |v| (Column::nullable(ty.name(), ty), v));
    prop_oneof![
        with(LogicalType::Ts, full().boxed()),
        (full(), 0_u8..=12)
            .prop_map(|(v, scale)| (Column::nullable("price", LogicalType::Decimal).with_scale(scale), v)),
        (word_values(-(1 << 55), 1 << 55), 0_u8..=12)
            .prop_map(|(v, scale)| (Column::nullable("price", LogicalType::Decimal).with_scale(scale), v)),
        (word_values(-5_000_000, 5_000_000), 0_u8..=12)
            .prop_map(|(v, scale)| (Column::nullable("qty", LogicalType::Decimal).with_scale(scale), v)),
        with(LogicalType::U64, full().boxed()),
        with(LogicalType::I64, full().boxed()),
        with(LogicalType::Side, word_values(-1, 1).boxed()),
        with(LogicalType::Flags, word_values(0, 255).boxed()),
        with(LogicalType::I8, word_values(-128, 127).boxed()),
        with(LogicalType::F64, float_values().boxed()),
        with(LogicalType::Text, text_values().boxed()),
        full().prop_map(|v| (Column::nullable("record", LogicalType::U64), v)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn library_and_twin_agree((column, values) in case()) {
        check(&column, &values, &mut BlockEncoder::default());
    }

    #[test]
    fn zstd_changes_nothing((column, values) in case()) {
        check(&column, &values, &mut BlockEncoder::default().with_zstd(1).expect("zstd"));
    }

    /// Any bytes as a block: values or an error, never a panic, whatever the index says.
    #[test]
    fn any_bytes_decode_or_fail(
        mut bytes in prop::collection::vec(prop_oneof![Just(0_u8), Just(1), any::<u8>()], 0..400),
        code in 0_usize..6, kind in 0_usize..9, rows in 1_u32..200, nulls in 0_u32..200, head in any::<bool>(),
    ) {
        let logical_type = LogicalType::ALL[kind];
        let column = Column::nullable("c", logical_type);
        let nulls = nulls.min(rows);
        if head && bytes.len() > 24 {
            bytes[16] = [0, 1, 2, 4, 8][code % 5];
            bytes[17..24].fill(0);
        }
        let length = bytes.len() as u32;
        let encoding = Encoding::ALL[code];
        let entry = hftcol::format::BlockEntry {
            offset: 0, length, rows, nulls, encoding, crc: 0, min: 0, max: 0, sum: 0,
        };
        let mut scratch = DecodeScratch::default();
        let (mut words, mut validity) = (vec![0; rows as usize], vec![0; rows.div_ceil(64) as usize]);
        let mut text = TextBlock::default();
        let _ = decode::i64s(&column, &entry, &bytes, &mut scratch, &mut words, &mut validity);
        let _ = decode::f64s(&column, &entry, &bytes, &mut scratch, &mut vec![0.0; rows as usize]);
        let _ = decode::text(&entry, &bytes, &mut scratch, &mut text, &mut validity);
    }
}

#[test]
fn every_encoding_is_chosen_somewhere() {
    let ints = Column::nullable("n", LogicalType::I64);
    let floats = Column::nullable("f", LogicalType::F64);
    let mut encoder = BlockEncoder::default();
    let mut words =
        |f: fn(i64) -> i64| check(&ints, &Values::Words((0..500).map(|i| Some(f(i))).collect()), &mut encoder);
    assert_eq!(words(|i| i * 3), Encoding::Packed);
    assert_eq!(words(|i| i / 50 * 1_000_003), Encoding::Repeat);
    assert_eq!(words(|i| i.wrapping_mul(0x9E37_79B9_7F4A_7C15_u64.cast_signed())), Encoding::Plain);
    let mut floats =
        |f: fn(i64) -> f64| check(&floats, &Values::Floats((0..500).map(|i| Some(f(i))).collect()), &mut encoder);
    assert_eq!(floats(|i| (i as f64).sqrt()), Encoding::Plain);
    assert_eq!(floats(|i| (i / 100) as f64 * 0.1), Encoding::Repeat);
    assert_eq!(floats(|_| 0.1), Encoding::Packed);
}

#[test]
fn full_blocks_of_all_sizes() {
    let column = Column::nullable("n", LogicalType::Decimal).with_scale(2);
    for rows in [1, 63, 64, 65, 127, 128, 4_096, 65_536] {
        for every in [1, 2, 9, 70] {
            let values = (0..rows).map(|i| (i % 13 > 0 || every == 2).then_some(i / every * 25 + i % 2)).collect();
            check(&column, &Values::Words(values), &mut BlockEncoder::default());
        }
    }
}

#[test]
fn values_that_do_not_fit_are_refused() {
    let mut encoder = BlockEncoder::default();
    let refused = |column: &Column, values: ColumnValues<'_>, rows: usize, encoder: &mut BlockEncoder| {
        let error = encoder.encode(column, 0, rows, values, &mut Vec::new()).expect_err("a refusal");
        assert_eq!(error.exit_code(), 2, "{error}");
    };
    let words = |values| ColumnValues::I64 { values, validity: None };
    let side = Column::required("side", LogicalType::Side);
    refused(&side, words(&[2]), 1, &mut encoder);
    refused(&side, words(&[1]), 2, &mut encoder);
    refused(&side, ColumnValues::F64(&[1.0]), 1, &mut encoder);
    refused(&side, ColumnValues::I64 { values: &[1, 1], validity: Some(&[1]) }, 2, &mut encoder);
    refused(&side, ColumnValues::I64 { values: &[1; 65], validity: Some(&[u64::MAX]) }, 65, &mut encoder);
    refused(&Column::nullable("f", LogicalType::Flags), words(&[256]), 1, &mut encoder);
    refused(&Column::nullable("f", LogicalType::F64), words(&[256]), 1, &mut encoder);
    let text = Column::nullable("t", LogicalType::Text);
    let bad = TextBlock { bytes: vec![0xFF], ends: vec![1] };
    refused(&text, ColumnValues::Text { values: &bad, validity: None }, 1, &mut encoder);
    let split = TextBlock { bytes: "\u{e9}".as_bytes().to_vec(), ends: vec![1, 2] };
    refused(&text, ColumnValues::Text { values: &split, validity: None }, 2, &mut encoder);
    let beyond = TextBlock { bytes: b"ab".to_vec(), ends: vec![3] };
    refused(&text, ColumnValues::Text { values: &beyond, validity: None }, 1, &mut encoder);
    let falling = TextBlock { bytes: b"ab".to_vec(), ends: vec![2, 1] };
    refused(&text, ColumnValues::Text { values: &falling, validity: None }, 2, &mut encoder);
}
