//! A whole file: what is written is read back, every change of a byte is found, no prefix is a file.

use std::sync::Arc;

use hftcol::codec::{BlockEncoder, ColumnValues, TextBlock};
use hftcol::format::FileHeader;
use hftcol::read::{BlockScratch, TableReader};
use hftcol::schema::{Clock, Column, LogicalType, PartitionKey, Schema};
use hftcol::storage::MemoryFile;
use hftcol::units::Date;
use hftcol::write::{Provenance, TableWriter};

use crate::promises::counted;

/// A table of every type, with nulls in the nullable columns.
pub(crate) struct Sample {
    pub(crate) rows: usize,
    pub(crate) ints: Vec<(Column, Vec<i64>, Option<Vec<u64>>)>,
    pub(crate) floats: Vec<f64>,
    pub(crate) text: Vec<Option<String>>,
}

fn random(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed
}

pub(crate) fn sample(rows: usize) -> Sample {
    let mut seed = 0x9E37_79B9_u64;
    let mut clock = 1_700_000_000_000_000_000_i64;
    let mut price = 10_000_i64;
    let (mut ts, mut px, mut id, mut side, mut flags) = (vec![], vec![], vec![], vec![], vec![]);
    let (mut valid, mut floats, mut text) = (vec![0_u64; rows.div_ceil(64)], vec![], vec![]);
    for row in 0..rows {
        let r = random(&mut seed);
        clock += (r % 1_000) as i64;
        if r % 5 == 0 {
            price += 25 * ((r >> 8) as i64 % 3 - 1);
        }
        ts.push(clock);
        px.push(price);
        id.push(r.cast_signed());
        side.push((r >> 20) as i64 % 2 * 2 - 1);
        flags.push((r >> 30) as i64 & 255);
        if r % 7 != 0 {
            valid[row / 64] |= 1 << (row % 64);
        }
        floats.push(if r % 11 == 0 { f64::NAN } else { (r >> 11) as f64 / 1e6 - 3.0 });
        text.push((r % 13 != 0).then(|| format!("id-{}", r % 40)));
    }
    let some = Some(valid);
    let ints = vec![
        (Column::required("ts_event", LogicalType::Ts), ts, None),
        (Column::nullable("price", LogicalType::Decimal).with_scale(2), px, some.clone()),
        (Column::nullable("order_id", LogicalType::U64), id, some.clone()),
        (Column::required("side", LogicalType::Side), side, None),
        (Column::nullable("flags", LogicalType::Flags), flags, some),
    ];
    Sample { rows, ints, floats, text }
}

impl Sample {
    pub(crate) fn schema(&self) -> Schema {
        let mut columns: Vec<Column> = self.ints.iter().map(|c| c.0.clone()).collect();
        columns.push(Column::nullable("ratio", LogicalType::F64));
        columns.push(Column::nullable("trade_id", LogicalType::Text));
        Schema { columns }
    }

    pub(crate) fn header(&self, block_rows: u32, group_blocks: u32) -> FileHeader {
        FileHeader {
            table: "sample".into(),
            key: PartitionKey { venue: "binance".into(), security: "BTC/USDT".into(), date: Date(19_943) },
            channel: "depth".into(),
            generation: 3,
            segment: 1,
            first_row: 77,
            clock: Clock::Event,
            tz: "UTC".into(),
            date_tz: "Asia/Seoul".into(),
            block_rows,
            group_blocks,
            schema: self.schema(),
        }
    }

    pub(crate) fn write(&self, block_rows: u32, group_blocks: u32, encoder: BlockEncoder) -> Vec<u8> {
        let header = self.header(block_rows, group_blocks);
        let mut writer = TableWriter::with_encoder(Vec::new(), header, encoder).expect("a header");
        for start in (0..self.rows).step_by(block_rows as usize) {
            let rows = (self.rows - start).min(block_rows as usize);
            let mut text = TextBlock::default();
            let mut text_valid = vec![0_u64; rows.div_ceil(64)];
            for row in 0..rows {
                text.push(self.text[start + row].as_deref().unwrap_or("ignored").as_bytes());
                text_valid[row / 64] |= u64::from(self.text[start + row].is_some()) << (row % 64);
            }
            let mut columns: Vec<ColumnValues<'_>> = Vec::new();
            for (_, values, validity) in &self.ints {
                let validity = validity.as_ref().map(|v| &v[start / 64..]);
                columns.push(ColumnValues::I64 { values: &values[start..start + rows], validity });
            }
            columns.push(ColumnValues::F64(&self.floats[start..start + rows]));
            columns.push(ColumnValues::Text { values: &text, validity: Some(&text_valid) });
            writer.push(rows, &columns).expect("a block");
        }
        let provenance = Provenance {
            inputs: vec![1, 2],
            fingerprint: 99,
            notes: vec![("b".into(), "2".into()), ("a".into(), "1".into())],
        };
        let (bytes, sealed) = writer.finish(provenance).expect("a file");
        assert_eq!(sealed.length, bytes.len() as u64);
        assert_eq!(sealed.file_hash, xxhash_rust::xxh3::xxh3_128(&bytes));
        bytes
    }

    /// Reads everything back and compares.
    pub(crate) fn compare(&self, bytes: Vec<u8>) {
        let reader = TableReader::open(Arc::new(MemoryFile(bytes))).expect("an open file");
        reader.verify().expect("a sound file");
        assert_eq!(reader.rows(), self.rows as u64);
        let mut scratch = BlockScratch::default();
        let mut start = 0;
        for block in 0..reader.block_count() {
            let rows = reader.block_rows(block);
            let (mut out, mut valid) = (vec![0_i64; rows], vec![0_u64; rows.div_ceil(64)]);
            let mut doubles = vec![0.0; rows];
            for (i, (column, values, validity)) in self.ints.iter().enumerate() {
                reader.read_i64(block, i, &mut scratch, &mut out, &mut valid).expect("a column");
                reader.read_f64(block, i, &mut scratch, &mut doubles).expect("a column");
                for row in 0..rows {
                    let at = start + row;
                    let there = validity.as_ref().is_none_or(|v| v[at / 64] >> (at % 64) & 1 == 1);
                    assert_eq!(valid[row / 64] >> (row % 64) & 1 == 1, there, "{} {at}", column.name);
                    assert_eq!(doubles[row].is_nan(), !there);
                    if there {
                        assert_eq!(out[row], values[at], "{} {at}", column.name);
                    }
                }
            }
            reader.read_f64(block, self.ints.len(), &mut scratch, &mut doubles).expect("a column");
            for row in 0..rows {
                let (a, b) = (doubles[row], self.floats[start + row]);
                assert!(a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan(), "float {row}");
            }
            let mut text = TextBlock::default();
            reader.read_text(block, self.ints.len() + 1, &mut scratch, &mut text, &mut valid).expect("text");
            for row in 0..rows {
                let there = valid[row / 64] >> (row % 64) & 1 == 1;
                let found = there.then(|| String::from_utf8(text.value(row).to_vec()).expect("text"));
                assert_eq!(found, self.text[start + row], "text {row}");
            }
            start += rows;
        }
        assert_eq!(start, self.rows);
    }
}

#[test]
fn what_is_written_is_read() {
    for rows in [0, 1, 63, 64, 65, 640, 1_000, 5_000] {
        for (block_rows, group_blocks) in [(64, 1), (64, 4), (1_024, 2), (4_096, 16)] {
            let sample = sample(rows);
            sample.compare(sample.write(block_rows, group_blocks, BlockEncoder::default()));
            let zstd = BlockEncoder::default().with_zstd(3).expect("zstd");
            sample.compare(sample.write(block_rows, group_blocks, zstd));
        }
    }
}

fn refused(bytes: Vec<u8>) -> bool {
    TableReader::open(Arc::new(MemoryFile(bytes))).and_then(|reader| reader.verify()).is_err()
}

#[test]
fn every_bit_is_covered() {
    let mut bits = 0;
    for zstd in [false, true] {
        let encoder = BlockEncoder::default();
        let encoder = if zstd { encoder.with_zstd(3).expect("zstd") } else { encoder };
        let sound = sample(150).write(64, 2, encoder);
        assert!(!refused(sound.clone()));
        for at in 0..sound.len() {
            for bit in 0..8 {
                let mut bytes = sound.clone();
                bytes[at] ^= 1 << bit;
                assert!(refused(bytes), "bit {bit} of byte {at} of {}", sound.len());
                bits += 1;
            }
        }
    }
    counted("format::every_bit_is_covered", &[bits]);
}

#[test]
fn every_byte_is_covered() {
    let sound = sample(70).write(64, 1, BlockEncoder::default());
    let mut changes = 0;
    for at in 0..sound.len() {
        for change in [0x03_u8, 0x55, 0xAA, 0xFF, sound[at], 0x80 ^ sound[at]] {
            let mut bytes = sound.clone();
            bytes[at] ^= change;
            assert!(change == 0 || refused(bytes), "byte {at} xor {change:#x}");
            changes += u64::from(change != 0);
        }
    }
    counted("format::every_byte_is_covered", &[changes]);
}

/// No strict prefix of a file is a file, and nothing may follow one.
#[test]
fn prefixes_and_extensions_are_refused() {
    let sound = sample(150).write(64, 2, BlockEncoder::default());
    for length in 0..sound.len() {
        assert!(refused(sound[..length].to_vec()), "the first {length} bytes");
    }
    for more in [1, 4, 64, 4_096] {
        let mut bytes = sound.clone();
        bytes.resize(sound.len() + more, 0);
        assert!(refused(bytes), "{more} zeros more");
        let twice: Vec<u8> = sound.iter().chain(&sound).copied().take(sound.len() + more).collect();
        assert!(refused(twice), "{more} bytes of itself more");
    }
}

#[test]
fn bursts_and_moved_sectors_are_found() {
    let sound = sample(1_000).write(64, 4, BlockEncoder::default());
    const BURSTS: u64 = 4_000;
    let mut seed = 5;
    for _ in 0..BURSTS {
        let mut bytes = sound.clone();
        let (r, at) = (random(&mut seed), random(&mut seed) as usize % (sound.len() - 4));
        let burst = (r as u32).max(1).to_le_bytes();
        bytes[at..at + 4].iter_mut().zip(burst).for_each(|(b, x)| *b ^= x);
        assert!(refused(bytes), "burst {burst:?} at {at}");
    }
    for sector in 0..sound.len() / 512 {
        let mut bytes = sound.clone();
        let from = random(&mut seed) as usize % (sound.len() / 512) * 512;
        bytes.copy_within(from..from + 512, sector * 512);
        assert!(bytes == sound || refused(bytes), "sector {sector} is that at {from}");
    }
    counted("format::bursts_and_moved_sectors_are_found", &[BURSTS]);
}

#[test]
fn same_rows_same_bytes_and_digests_add_up() {
    let sample = sample(1_000);
    let write = |blocks: u32| sample.write(64, blocks, BlockEncoder::default());
    assert_eq!(write(4), write(4));
    let digest =
        |bytes: Vec<u8>| TableReader::open(Arc::new(MemoryFile(bytes))).expect("a file").footer().content_digest;
    assert_eq!(digest(write(1)), digest(sample.write(4_096, 16, BlockEncoder::default())));
    let zstd = BlockEncoder::default().with_zstd(3).expect("zstd");
    assert_eq!(digest(write(2)), digest(sample.write(256, 2, zstd)));
}

#[test]
fn reads_that_ask_for_too_much_are_refused() {
    let reader =
        TableReader::open(Arc::new(MemoryFile(sample(100).write(64, 1, BlockEncoder::default())))).expect("a file");
    let mut scratch = BlockScratch::default();
    let (mut words, mut doubles, mut validity) = (vec![0; 64], vec![0.0; 64], vec![0; 1]);
    let mut text = TextBlock::default();
    assert!(reader.read_i64(2, 0, &mut scratch, &mut words, &mut validity).is_err());
    assert!(reader.read_i64(0, 99, &mut scratch, &mut words, &mut validity).is_err());
    assert!(reader.read_i64(0, 0, &mut scratch, &mut words[..63], &mut validity).is_err());
    assert!(reader.read_i64(0, 0, &mut scratch, &mut words, &mut []).is_err());
    assert!(reader.read_i64(0, 5, &mut scratch, &mut words, &mut validity).is_err());
    assert!(reader.read_f64(0, 6, &mut scratch, &mut doubles).is_err());
    assert!(reader.read_text(0, 0, &mut scratch, &mut text, &mut validity).is_err());
    assert!(reader.read_i64(1, 0, &mut scratch, &mut words[..36], &mut validity).is_ok());
}

#[test]
fn headers_and_blocks_that_no_reader_takes_are_not_written() {
    let sample = sample(10);
    let refused = |change: fn(&mut FileHeader)| {
        let mut header = sample.header(64, 1);
        change(&mut header);
        TableWriter::new(Vec::new(), header).expect_err("a refusal").exit_code() == 2
    };
    assert!(refused(|h| h.block_rows = 100));
    assert!(refused(|h| h.group_blocks = 0));
    assert!(refused(|h| h.table = "Book".into()));
    assert!(refused(|h| h.key.venue.clear()));
    assert!(refused(|h| h.key.security = "x".repeat(129)));
    assert!(refused(|h| h.schema.columns.clear()));
    assert!(refused(|h| h.schema.columns[1].name = "ts_event".into()));
    assert!(refused(|h| h.schema.columns[1].scale = 13));
    assert!(refused(|h| h.schema.columns[5].nullable = false));
    let mut writer = TableWriter::new(Vec::new(), sample.header(64, 1)).expect("a header");
    assert!(writer.push(1, &[]).is_err());
    let provenance =
        Provenance { notes: vec![("a".into(), "1".into()), ("a".into(), "2".into())], ..Default::default() };
    assert!(writer.finish(provenance).is_err());
}

#[test]
fn groups_stay_within_their_bytes() {
    use hftcol::write::{GROUP_BYTES, group_blocks};
    assert_eq!(group_blocks(1, 4_096), 16);
    assert_eq!(group_blocks(45, 4_096), 4);
    assert_eq!(group_blocks(4_200, 4_096), 1);
    assert_eq!(group_blocks(1, 65_536), 1);
    for columns in 1..300 {
        let blocks = group_blocks(columns, 4_096) as usize;
        assert!(blocks == 1 || blocks * columns * 8 * 4_096 <= GROUP_BYTES, "{columns}");
    }
}
