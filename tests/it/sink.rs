//! Sinks: what is written in another format is the table, value by value, and the same bytes every time.

use std::path::Path;
use std::sync::Arc;

use hftcol::codec::{ColumnValues, TextBlock};
use hftcol::format::{FileHeader, SealedFile};
use hftcol::read::TableReader;
use hftcol::schema::{Clock, Column, LogicalType, PartitionKey, Schema};
use hftcol::sink::{DirectFile, Format, WrittenFile, format_named};
use hftcol::storage::{MemoryFile, MemoryStorage, Storage};
use hftcol::units::Date;
use hftcol::write::{Provenance, TableWriter, group_blocks};

const BLOCK: usize = 64;

fn header(columns: Vec<Column>) -> FileHeader {
    let count = columns.len();
    FileHeader {
        table: "book".to_owned(),
        key: PartitionKey { venue: "v".into(), security: "A/B".into(), date: Date(19_943) },
        channel: String::new(),
        generation: 1,
        segment: 0,
        first_row: 0,
        clock: Clock::Event,
        tz: "UTC".to_owned(),
        date_tz: "UTC".to_owned(),
        block_rows: BLOCK as u32,
        group_blocks: group_blocks(count, BLOCK as u32),
        schema: Schema { columns },
    }
}

/// A column of every type; decimals only where a file can be made from the sealed table.
fn columns(decimals: bool) -> Vec<Column> {
    let mut columns = vec![
        Column::required("ts_event", LogicalType::Ts),
        Column::nullable("id", LogicalType::U64),
        Column::nullable("n", LogicalType::I64),
        Column::nullable("name", LogicalType::Text),
        Column::required("side", LogicalType::Side),
        Column::required("flags", LogicalType::Flags),
        Column::nullable("mid", LogicalType::F64),
        Column::nullable("regime", LogicalType::I8),
        Column::required("record", LogicalType::U64),
    ];
    if decimals {
        columns.insert(1, Column::nullable("price", LogicalType::Decimal).with_scale(2));
    }
    columns
}

/// Blocks of such a table, nulls in every third row of the nullable columns.
fn each_block(rows: usize, largest: i64, decimals: bool, push: &mut dyn FnMut(usize, &[ColumnValues<'_>])) {
    for first in (0..rows).step_by(BLOCK) {
        let n = BLOCK.min(rows - first);
        let numbers = |of: &dyn Fn(i64) -> i64| -> Vec<i64> { (first..first + n).map(|r| of(r as i64)).collect() };
        let mut validity = vec![0_u64; n.div_ceil(64)];
        (0..n).filter(|row| (first + row) % 3 != 0).for_each(|row| validity[row / 64] |= 1 << (row % 64));
        let valid = Some(&validity[..]);
        let ts = numbers(&|r| 1_723_000_000_000_000_000 + r * 7);
        let price = numbers(&|r| if r == 4 { largest } else { 100_000 + r % 9 - 4 });
        let id = numbers(&|r| if r == 5 { largest } else { -1 - r });
        let small = numbers(&|r| r % 3 - 1);
        let flags = numbers(&|r| 255 - r % 7);
        let mid: Vec<f64> = (first..first + n)
            .map(|r| if r % 5 == 0 { f64::NAN } else { (r as f64 - 3.0) * 0.0 + r as f64 / 3.0 })
            .collect();
        let mut text = TextBlock::default();
        for row in 0..n {
            if validity[row / 64] >> (row % 64) & 1 == 1 {
                text.bytes.extend_from_slice(format!("t{}", (first + row) % 11).as_bytes());
            }
            text.ends.push(text.bytes.len() as u32);
        }
        let of = |values| ColumnValues::I64 { values, validity: None };
        let nullable = |values| ColumnValues::I64 { values, validity: valid };
        let mut columns = vec![
            of(&ts[..]),
            nullable(&id[..]),
            nullable(&id[..]),
            ColumnValues::Text { values: &text, validity: valid },
            of(&small[..]),
            of(&flags[..]),
            ColumnValues::F64(&mid),
            nullable(&small[..]),
            of(&ts[..]),
        ];
        if decimals {
            columns.insert(1, nullable(&price[..]));
        }
        push(n, &columns);
    }
}

fn provenance() -> Provenance {
    Provenance { inputs: vec![7], fingerprint: 0xabc, notes: Vec::new() }
}

fn sealed(rows: usize, largest: i64, decimals: bool) -> TableReader {
    let mut writer = TableWriter::new(Vec::new(), header(columns(decimals))).unwrap();
    each_block(rows, largest, decimals, &mut |n, columns| writer.push(n, columns).unwrap());
    let (bytes, _) = writer.finish(provenance()).unwrap();
    TableReader::open(Arc::new(MemoryFile(bytes))).unwrap()
}

fn table(rows: usize, largest: i64) -> TableReader {
    sealed(rows, largest, true)
}

fn begin(header: &FileHeader) -> Option<Box<dyn DirectFile>> {
    let scratch = || MemoryStorage::new().scratch(Path::new("scratch"));
    format_named("parquet").unwrap().begin(header, &scratch).unwrap()
}

/// The file that is written as the blocks come.
fn direct(rows: usize, largest: i64) -> (Box<dyn DirectFile>, Vec<u8>, SealedFile) {
    let (mut file, mut bytes) = (begin(&header(columns(false))).unwrap(), Vec::new());
    each_block(rows, largest, false, &mut |n, columns| file.push(n, columns, &mut bytes).unwrap());
    let facts = file.finish(&provenance(), &mut bytes).unwrap();
    assert_eq!((facts.length, facts.file_hash), (bytes.len() as u64, xxhash_rust::xxh3::xxh3_128(&bytes)));
    (file, bytes, facts)
}

fn export(format: &dyn Format, table: &TableReader) -> (Vec<u8>, WrittenFile) {
    let mut bytes = Vec::new();
    let written = format.export(table, &mut bytes).unwrap();
    assert_eq!(written.length, bytes.len() as u64);
    assert_eq!(written.file_hash, xxhash_rust::xxh3::xxh3_128(&bytes));
    (bytes, written)
}

fn memory(bytes: &[u8]) -> Arc<MemoryFile> {
    Arc::new(MemoryFile(bytes.to_vec()))
}

#[test]
fn parquet_holds_the_table_and_is_the_same_every_time() {
    let parquet = format_named("parquet").unwrap();
    for (rows, largest) in [(0, 5), (1, 5), (BLOCK, 5), (BLOCK * 3 + 7, 5), (20, i64::MAX), (20, i64::MIN)] {
        let table = table(rows, largest);
        let (bytes, written) = export(parquet, &table);
        assert_eq!((&bytes, written), (&export(parquet, &table).0, written), "{rows} rows");
        parquet.check(&table, memory(&bytes), written).unwrap();
        assert_eq!(parquet.fingerprint(memory(&bytes)).unwrap(), Some(0xabc));
    }
}

#[test]
fn the_re_read_sees_any_other_table() {
    let parquet = format_named("parquet").unwrap();
    let (bytes, written) = export(parquet, &table(200, 5));
    for other in [table(200, 6), table(199, 5), table(201, 5)] {
        let error = parquet.check(&other, memory(&bytes), written).unwrap_err();
        assert_eq!(error.exit_code(), 4, "{error}");
    }
}

#[test]
fn a_damaged_parquet_never_passes() {
    let parquet = format_named("parquet").unwrap();
    let table = table(100, 5);
    let (bytes, written) = export(parquet, &table);
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (at % 8);
        assert!(parquet.check(&table, memory(&damaged), written).is_err(), "flip at {at}");
        let _ = parquet.fingerprint(memory(&damaged)).unwrap();
        assert!(parquet.check(&table, memory(&bytes[..at]), written).is_err(), "cut at {at}");
        let _ = parquet.fingerprint(memory(&bytes[..at])).unwrap();
    }
}

#[test]
fn nulls_are_nulls_and_names_are_exact_for_another_reader() {
    use parquet::file::reader::FileReader;
    use parquet::file::serialized_reader::SerializedFileReader;
    let table = table(10, 5);
    let bytes = bytes::Bytes::from(export(format_named("parquet").unwrap(), &table).0);
    let reader = SerializedFileReader::new(bytes).unwrap();
    let rows: Vec<String> = reader.get_row_iter(None).unwrap().map(|row| row.unwrap().to_string()).collect();
    assert_eq!(rows.len(), 10);
    assert!(rows[0].contains("price: null") && rows[0].contains("mid: null"), "{}", rows[0]);
    assert!(rows[1].contains("price: 999.97"), "{}", rows[1]);
    assert!(rows[1].contains("id: 18446744073709551614") && rows[1].contains("n: -2"), "{}", rows[1]);
}

#[test]
fn blocks_as_they_come_make_the_file_of_the_sealed_table() {
    let parquet = format_named("parquet").unwrap();
    for rows in [0, 1, BLOCK, BLOCK * 3 + 7, 5_000] {
        let table = sealed(rows, 5, false);
        let (file, bytes, facts) = direct(rows, 5);
        assert!(bytes == export(parquet, &table).0, "{rows} rows");
        assert_eq!((facts.rows, facts.identity), (rows as u64, table.footer().identity));
        assert_eq!(facts.content_digest, table.footer().content_digest);
        file.check(memory(&bytes), &facts).unwrap();
    }
}

#[test]
fn the_check_of_a_direct_file_sees_any_other_rows() {
    for (rows, largest) in [(200, 6), (199, 5), (201, 5)] {
        let (file, _, _) = direct(200, 5);
        let (_, bytes, facts) = direct(rows, largest);
        let error = file.check(memory(&bytes), &facts).unwrap_err();
        assert_eq!(error.exit_code(), 4, "{error}");
    }
    let (file, mut bytes, facts) = direct(200, 5);
    bytes[50] ^= 1;
    assert_eq!(file.check(memory(&bytes), &facts).unwrap_err().exit_code(), 4);
}

#[test]
fn a_direct_file_refuses_decimals_and_blocks_after_a_short_one() {
    assert!(begin(&header(columns(true))).is_none());
    let (mut file, mut bytes) = (begin(&header(columns(false))).unwrap(), Vec::new());
    let mut pushed = Vec::new();
    each_block(BLOCK + 3, 5, false, &mut |n, columns| pushed.push(file.push(n, columns, &mut bytes).is_ok()));
    each_block(1, 5, false, &mut |n, columns| pushed.push(file.push(n, columns, &mut bytes).is_ok()));
    assert_eq!(pushed, [true, true, false]);
}

/// Kinds of columns: few values, then more than a dictionary takes; held for some rows; noise; of one size; none at first.
fn bits_of(kind: usize, row: usize) -> Option<u64> {
    let random = xxhash_rust::xxh3::xxh3_64_with_seed(&(row as u64).to_le_bytes(), kind as u64);
    let missing = match kind % 4 {
        0 => false,
        1 => random % 5 == 0,
        2 => row < 5_000,
        _ => row % 8_192 > 4_096,
    };
    let value = match kind % 5 {
        0 => (random % 40) as f64 / 8.0 - 2.0,
        1 if row < 6_000 => (random % 9) as f64 * -0.1,
        1 => f64::from_bits(random >> 2),
        2 => (xxhash_rust::xxh3::xxh3_64(&(row as u64 / 5).to_le_bytes()) >> 20) as f64,
        3 => f64::from_bits(random >> 2),
        _ => 1.0 + random as f64 * 1e-22,
    };
    (!missing).then(|| value.to_bits())
}

#[test]
fn every_form_of_a_column_is_read_as_it_was() {
    use parquet::column::reader::ColumnReader;
    use parquet::file::reader::FileReader;
    use parquet::file::serialized_reader::SerializedFileReader;
    const COLUMNS: usize = 200;
    const ROWS: usize = 20_000;
    let names = (0..COLUMNS).map(|n| Column::nullable(format!("c{n}"), LogicalType::F64)).collect();
    let header = header(names);
    let (mut file, mut bytes) = (begin(&header).unwrap(), Vec::new());
    for first in (0..ROWS).step_by(BLOCK) {
        let rows = BLOCK.min(ROWS - first);
        let of = |kind| (first..first + rows).map(|r| bits_of(kind, r).map_or(f64::NAN, f64::from_bits)).collect();
        let kinds: Vec<Vec<f64>> = (0..20).map(of).collect();
        let columns: Vec<ColumnValues<'_>> = (0..COLUMNS).map(|n| ColumnValues::F64(&kinds[n % 20])).collect();
        file.push(rows, &columns, &mut bytes).unwrap();
    }
    let facts = file.finish(&provenance(), &mut bytes).unwrap();
    let reader = SerializedFileReader::new(bytes::Bytes::from(bytes.clone())).unwrap();
    let group = reader.get_row_group(0).unwrap();
    for column in (0..20).chain([COLUMNS - 1]) {
        let ColumnReader::DoubleColumnReader(mut chunk) = group.get_column_reader(column).unwrap() else { panic!() };
        let (mut values, mut levels) = (Vec::new(), Vec::new());
        while chunk.read_records(ROWS, Some(&mut levels), None, &mut values).unwrap().0 > 0 {}
        let mut present = values.iter().map(|v| v.to_bits());
        let found: Vec<Option<u64>> = levels.iter().map(|l| if *l == 1 { present.next() } else { None }).collect();
        let expected: Vec<Option<u64>> = (0..ROWS).map(|row| bits_of(column % 20, row)).collect();
        assert!(found == expected, "column {column}");
    }
    let encodings: String =
        group.metadata().columns().iter().map(|c| format!("{:?} ", c.encodings().collect::<Vec<_>>())).collect();
    assert!(encodings.contains("RLE_DICTIONARY") && encodings.contains("BYTE_STREAM_SPLIT"), "{encodings}");
    file.check(memory(&bytes), &facts).unwrap();
}
