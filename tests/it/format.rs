//! A whole file: what is written is read back, every change of a byte is found, no prefix is a file.

use std::sync::Arc;

use hftcol::codec::{BlockEncoder, ColumnValues, TextBlock};
use hftcol::format::FileHeader;
use hftcol::read::{BlockScratch, TableReader};
use hftcol::schema::{Clock, Column, LogicalType, PartitionKey, Schema};
use hftcol::storage::MemoryFile;
use hftcol::units::Date;
use hftcol::write::{Provenance, TableWriter};

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
