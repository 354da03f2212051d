//! A market in memory: ten levels that mostly repeat the row before, a trade every other snapshot.

mod cpu_time;

pub(crate) use cpu_time::CpuTime;

use std::sync::Arc;

use hftcol::codec::ColumnValues;
use hftcol::format::FileHeader;
use hftcol::read::TableReader;
use hftcol::schema::{Clock, Column, LogicalType, PartitionKey, Schema, book_level_columns};
use hftcol::storage::MemoryFile;
use hftcol::units::Date;
use hftcol::write::{Provenance, TableWriter};

pub(crate) const ROWS: usize = 100_000;
pub(crate) const TRADES: usize = ROWS / 2;
pub(crate) const LEVELS: u16 = 10;
const BLOCK: usize = 4_096;

fn random(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed
}

fn table(name: &str, columns: &[(Column, Vec<i64>)]) -> TableReader {
    let header = FileHeader {
        table: name.to_owned(),
        key: PartitionKey { venue: "bench".to_owned(), security: "X".to_owned(), date: Date(19_943) },
        channel: String::new(),
        generation: 1,
        segment: 0,
        first_row: 0,
        clock: Clock::Event,
        tz: "UTC".to_owned(),
        date_tz: "UTC".to_owned(),
        block_rows: BLOCK as u32,
        group_blocks: 1,
        schema: Schema { columns: columns.iter().map(|(column, _)| column.clone()).collect() },
    };
    let mut writer = TableWriter::new(Vec::new(), header).expect("a header");
    let rows = columns[0].1.len();
    for first in (0..rows).step_by(BLOCK) {
        let end = (first + BLOCK).min(rows);
        let block: Vec<ColumnValues<'_>> =
            columns.iter().map(|(_, v)| ColumnValues::I64 { values: &v[first..end], validity: None }).collect();
        writer.push(end - first, &block).expect("a block");
    }
    let (bytes, _) = writer.finish(Provenance::default()).expect("a file");
    TableReader::open(Arc::new(MemoryFile(bytes))).expect("our own file")
}

/// Book and trades.
pub(crate) fn market() -> (TableReader, TableReader) {
    let mut seed = 0x2545_F491_4F6C_DD1D;
    let mut book: Vec<(Column, Vec<i64>)> = vec![(Column::required("ts_event", LogicalType::Ts), Vec::new())];
    for (i, name) in book_level_columns(LEVELS).into_iter().enumerate() {
        let scale = if i % 2 == 0 { 2 } else { 3 };
        book.push((Column::required(name, LogicalType::Decimal).with_scale(scale), Vec::new()));
    }
    let mut clock = 1_723_075_200_000_000_000_i64;
    let mut mid = 6_000_000_i64;
    let mut sizes = [[5_000_i64; LEVELS as usize]; 2];
    for _ in 0..ROWS {
        let r = random(&mut seed);
        clock += 100_000_000 + (r % 1_000_000) as i64;
        mid += [0, 0, 0, 0, 0, 1, -1, 2][(r >> 20) as usize % 8];
        for level in 0..usize::from(LEVELS) {
            for side in 0..2 {
                if random(&mut seed) % 4 == 0 {
                    sizes[side][level] = 1 + (random(&mut seed) % 90_000) as i64;
                }
                let away = 1 + level as i64 * 3;
                let at = 1 + 4 * level + 2 * side;
                book[at].1.push(if side == 0 { mid - away } else { mid + away });
                book[at + 1].1.push(sizes[side][level]);
            }
        }
        book[0].1.push(clock);
    }
    let mut trades: Vec<(Column, Vec<i64>)> = vec![
        (Column::required("ts_event", LogicalType::Ts), Vec::new()),
        (Column::required("side", LogicalType::Side), Vec::new()),
        (Column::required("price", LogicalType::Decimal).with_scale(2), Vec::new()),
        (Column::required("qty", LogicalType::Decimal).with_scale(3), Vec::new()),
    ];
    for i in 0..TRADES {
        let r = random(&mut seed);
        trades[0].1.push(book[0].1[2 * i] - (r % 50_000_000) as i64);
        trades[1].1.push((r >> 30) as i64 % 2 * 2 - 1);
        trades[2].1.push(6_000_000 + (r >> 32) as i64 % 7);
        trades[3].1.push(1 + (r >> 40) as i64 % 5_000);
    }
    trades[0].1.sort_unstable();
    (table("book", &book), table("trades", &trades))
}

/// For windows that fit in memory.
pub struct NoScratch;

impl hftcol::feature::WindowScratch for NoScratch {
    fn clear(&mut self) -> hftcol::error::Result<()> {
        Ok(())
    }

    fn write(&mut self, _stream: u32, _block: u64, _words: &[u64]) -> hftcol::error::Result<()> {
        panic!("a window does not fit in memory")
    }

    fn read(&mut self, _stream: u32, _block: u64, _words: &mut [u64]) -> hftcol::error::Result<()> {
        panic!("nothing was written")
    }

    fn release(&mut self, _stream: u32, _below: u64) {}
}
