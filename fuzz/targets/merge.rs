//! Any bytes as snapshots and trades of a partition: the merge gives what a stable sort of all rows gives, for every layout
//! of the files, by the stored clock and by the other one.
#![no_main]

use std::sync::Arc;

use hftcol::codec::ColumnValues;
use hftcol::format::FileHeader;
use hftcol::merge::{BookSide, Merge, MergeConfig, MergeMemory, Simd};
use hftcol::read::TableReader;
use hftcol::schema::{Clock, Column, LogicalType, PartitionKey, Schema};
use hftcol::storage::MemoryFile;
use hftcol::units::Date;
use hftcol::write::{Provenance, TableWriter};
use libfuzzer_sys::fuzz_target;

/// Rows of a channel at most: several blocks and segments.
const ROWS: usize = 400;

/// A row of either channel. A snapshot without a size has no bid.
#[derive(Clone, Copy)]
struct Row {
    event: i64,
    recv: i64,
    record: i64,
    size: i64,
}

fuzz_target!(|data: &[u8]| {
    let [setup, limit, rest @ ..] = data else { return };
    let clock = if setup & 1 == 0 { Clock::Event } else { Clock::Recv };
    let segment = usize::from(setup >> 1) * 3 + 1;
    let (mut book, mut trades) = (Vec::new(), Vec::new());
    let mut event = 1_000;
    for bytes in rest.chunks_exact(2) {
        event += i64::from(bytes[0] & 3);
        let rows = if bytes[0] & 4 == 0 { &mut book } else { &mut trades };
        // The receive clock lags by less than a merge puts in order.
        let recv = event + i64::from(bytes[0] >> 3);
        let record = rows.len() as i64;
        if rows.len() < ROWS {
            rows.push(Row { event, recv, record, size: i64::from(bytes[1] & 7) });
        }
    }
    let files = (table("book", &book, segment), table("trades", &trades, segment + 1));
    let mut memory = MergeMemory::new(1, 64);
    let config = MergeConfig { levels: 1, clock, max_gap_ns: i64::MAX, simd: Simd::Best };
    let mut merge = Merge::new(&files.0, &files.1, config, &mut memory).expect("tables of our own");
    let mut found = Vec::new();
    while merge.next_batch(usize::from(*limit) + 1).expect("rows that are near their places") {
        let batch = merge.batch();
        let first = found.len();
        let names = batch.price_m(BookSide::Ask, 0).iter().zip(batch.clock());
        found.extend(names.map(|(price, clock)| (price - 2, *clock, None)));
        for (row, sums) in batch.two_sided().iter().zip(batch.trades()) {
            found[first + *row as usize].2 = Some((sums.count as i64, sums.notional as i64));
        }
    }
    assert_eq!(found, expected(&book, &trades, clock));
});

/// Name and clock of each snapshot, and number and notional of its trades if it takes any.
fn expected(book: &[Row], trades: &[Row], clock: Clock) -> Vec<(i64, i64, Option<(i64, i64)>)> {
    let of = |row: &Row| if clock == Clock::Event { row.event } else { row.recv };
    let mut all: Vec<(u8, Row)> = trades.iter().map(|row| (1, *row)).chain(book.iter().map(|row| (3, *row))).collect();
    all.sort_by_key(|(rank, row)| (of(row), *rank, row.record));
    let (mut stream, mut pending) = (Vec::new(), (0, 0));
    for (rank, row) in all {
        if rank == 1 {
            pending = (pending.0 + 1, pending.1 + (row.record + 1) * row.size);
        } else {
            let takes = (row.size > 0).then(|| std::mem::take(&mut pending));
            stream.push((row.record, of(&row), takes));
        }
    }
    stream
}

fn table(name: &str, rows: &[Row], segment: usize) -> Vec<TableReader> {
    let of = |f: fn(&Row) -> i64| rows.iter().map(f).collect::<Vec<i64>>();
    let mut columns = vec![
        (Column::nullable("ts_event", LogicalType::Ts), of(|r| r.event)),
        (Column::nullable("ts_recv", LogicalType::Ts), of(|r| r.recv)),
    ];
    let decimal = |name: &str| Column::nullable(name, LogicalType::Decimal);
    if name == "book" {
        columns.push((decimal("bid_px_00"), of(|_| 1)));
        columns.push((decimal("bid_sz_00"), of(|r| r.size)));
        columns.push((decimal("ask_px_00"), of(|r| r.record + 2)));
        columns.push((decimal("ask_sz_00"), of(|_| 1)));
    } else {
        columns.push((Column::nullable("side", LogicalType::Side), of(|r| r.record % 3 - 1)));
        columns.push((decimal("price"), of(|r| r.record + 1)));
        columns.push((decimal("qty"), of(|r| r.size)));
    }
    columns.push((Column::nullable("source", LogicalType::U64), of(|_| 0)));
    columns.push((Column::nullable("record", LogicalType::U64), of(|r| r.record)));
    let starts = (0..rows.len()).step_by(segment);
    starts.enumerate().map(|(number, start)| file(name, &columns, (number, start, segment))).collect()
}

fn file(name: &str, columns: &[(Column, Vec<i64>)], (number, start, length): (usize, usize, usize)) -> TableReader {
    let header = FileHeader {
        table: name.to_owned(),
        key: PartitionKey { venue: "v".to_owned(), security: "S".to_owned(), date: Date(0) },
        channel: String::new(),
        generation: 1,
        segment: number as u32,
        first_row: start as u64,
        clock: Clock::Event,
        tz: "UTC".to_owned(),
        date_tz: "UTC".to_owned(),
        block_rows: 64,
        group_blocks: 1,
        schema: Schema { columns: columns.iter().map(|(column, _)| column.clone()).collect() },
    };
    let mut writer = TableWriter::new(Vec::new(), header).expect("a header of our own");
    let end = (start + length).min(columns[0].1.len());
    for at in (start..end).step_by(64) {
        let rows = at..(at + 64).min(end);
        let values: Vec<ColumnValues<'_>> =
            columns.iter().map(|(_, all)| ColumnValues::I64 { values: &all[rows.clone()], validity: None }).collect();
        writer.push(rows.len(), &values).expect("values of our own");
    }
    let (bytes, _) = writer.finish(Provenance::default()).expect("a file of our own");
    TableReader::open(Arc::new(MemoryFile(bytes))).expect("a file of our own")
}
