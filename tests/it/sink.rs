//! Sinks: what is written in another format is the table, value by value, and the same bytes every time.

use std::sync::Arc;

use hftcol::codec::{ColumnValues, TextBlock};
use hftcol::format::FileHeader;
use hftcol::read::TableReader;
use hftcol::schema::{Clock, Column, LogicalType, PartitionKey, Schema};
use hftcol::sink::{Format, WrittenFile, format_named};
use hftcol::storage::MemoryFile;
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

/// A table with a column of every type, nulls in every third row of the nullable ones.
fn table(rows: usize, largest: i64) -> TableReader {
    let columns = vec![
        Column::required("ts_event", LogicalType::Ts),
        Column::nullable("price", LogicalType::Decimal).with_scale(2),
        Column::nullable("id", LogicalType::U64),
        Column::nullable("n", LogicalType::I64),
        Column::nullable("name", LogicalType::Text),
        Column::required("side", LogicalType::Side),
        Column::required("flags", LogicalType::Flags),
        Column::nullable("mid", LogicalType::F64),
        Column::nullable("regime", LogicalType::I8),
    ];
    let mut writer = TableWriter::new(Vec::new(), header(columns)).unwrap();
    for first in (0..rows).step_by(BLOCK) {
        let n = BLOCK.min(rows - first);
        let numbers = |of: &dyn Fn(i64) -> i64| -> Vec<i64> { (first..first + n).map(|r| of(r as i64)).collect() };
        let mut validity = vec![0_u64; n.div_ceil(64)];
        (0..n).filter(|row| (first + row) % 3 != 0).for_each(|row| validity[row / 64] |= 1 << (row % 64));
        let valid = Some(&validity[..]);
        let ts = numbers(&|r| 1_723_000_000_000_000_000 + r * 7);
        let price = numbers(&|r| if r == 4 { largest } else { 100_000 + r % 9 - 4 });
        let id = numbers(&|r| -1 - r);
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
        let columns = [
            of(&ts[..]),
            nullable(&price[..]),
            nullable(&id[..]),
            nullable(&id[..]),
            ColumnValues::Text { values: &text, validity: valid },
            of(&small[..]),
            of(&flags[..]),
            ColumnValues::F64(&mid),
            nullable(&small[..]),
        ];
        writer.push(n, &columns).unwrap();
    }
    let provenance = Provenance { inputs: vec![7], fingerprint: 0xabc, notes: Vec::new() };
    let (bytes, _) = writer.finish(provenance).unwrap();
    TableReader::open(Arc::new(MemoryFile(bytes))).unwrap()
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
