//! Any bytes as snapshots and trades of a partition: the merge gives what a stable sort of all rows gives, for every layout
//! of the files, by the stored clock and by the other one; and every window over them holds what a fresh sum of its rows
//! gives, whether the rows stay in memory or not.
#![no_main]

use std::collections::BTreeMap;
use std::sync::Arc;

use hftcol::codec::ColumnValues;
use hftcol::error::Result;
use hftcol::feature::{
    Arena, ChangeInputs, FeatureConfig, PartitionInputs, Plan, PriorVolume, WindowScratch, run_book,
};
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
    windows(&book, &trades, segment, setup & 1 == 1);
});

/// A step of the clocks in windows, so that the horizons hold few rows or many.
const STEP: i64 = 250_000_000;
const HORIZONS: [u32; 2] = [1, 7];

/// Computes the rolling columns of the rows and compares each with the sum over its window.
fn windows(book: &[Row], trades: &[Row], segment: usize, spills: bool) {
    let slow = |rows: &[Row]| -> Vec<Row> {
        rows.iter().map(|row| Row { event: row.event * STEP, recv: row.event * STEP, ..*row }).collect()
    };
    let (book, trades) = (slow(book), slow(trades));
    if book.is_empty() {
        return;
    }
    let files = (table("book", &book, segment), table("trades", &trades, segment + 1));
    let config = FeatureConfig {
        features: vec!["rolling".to_owned()],
        horizons_s: HORIZONS.to_vec(),
        levels: 1,
        ofi_levels: 1,
        max_gap_ns: i64::MAX,
        ..FeatureConfig::default()
    };
    let bytes = if spills { 0 } else { 1 << 20 };
    let mut arena = Arena::with_window_bytes(&config, bytes).expect("a configuration of our own");
    let inputs = PartitionInputs {
        book: &files.0,
        trades: &files.1,
        changes: ChangeInputs::default(),
        clock: Clock::Event,
        date_tz: "UTC",
        prior: PriorVolume::default(),
    };
    let plan = Plan::new(&config, &inputs.shape()).expect("a shape of our own");
    let mut found: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    run_book(&inputs, &plan, &mut arena, &mut Scratch::default(), &mut |rows, values| {
        for (column, values) in plan.schema().columns.iter().zip(values) {
            let out = found.entry(column.name.clone()).or_default();
            match values {
                ColumnValues::F64(values) => out.extend_from_slice(&values[..rows]),
                ColumnValues::I64 { values, validity } => {
                    let known = |row: usize| validity.is_none_or(|bits| bits[row / 64] >> (row % 64) & 1 == 1);
                    out.extend((0..rows).map(|row| if known(row) { values[row] as f64 } else { f64::NAN }));
                }
                ColumnValues::Text { .. } => unreachable!("no feature is text"),
            }
        }
        Ok(())
    })
    .expect("rows of our own");
    for seconds in HORIZONS {
        for (name, values) in fresh(&book, &trades, i64::from(seconds) * 1_000_000_000) {
            let name = format!("{name}_{seconds}s");
            let same = |(a, b): (&f64, &f64)| a == b || (a.is_nan() && b.is_nan());
            let all = found[&name].len() == values.len() && found[&name].iter().zip(&values).all(same);
            assert!(all, "{name}: {:?} for {values:?}", found[&name]);
        }
    }
}

/// The columns over a horizon, each row's window gone through anew.
fn fresh(book: &[Row], trades: &[Row], horizon: i64) -> BTreeMap<&'static str, Vec<f64>> {
    // Of each two-sided row: place; ofi, bought, sold, all.
    let mut rows: Vec<(usize, [f64; 4])> = Vec::new();
    let mut next = 0;
    for (place, row) in book.iter().enumerate().filter(|(_, row)| row.size > 0) {
        let since: Vec<&Row> = trades[next..].iter().take_while(|trade| trade.event <= row.event).collect();
        let sum = |side: i64| since.iter().filter(|t| t.record % 3 - 1 == side).map(|t| t.size as f64).sum::<f64>();
        // The bid stays; the ask goes up, and its one unit with it.
        let ofi = rows.last().map_or(0.0, |(before, _)| (row.size - book[*before].size + 1) as f64);
        rows.push((place, [ofi, sum(1), sum(-1), sum(-1) + sum(0) + sum(1)]));
        next += since.len();
    }
    let names = ["ofi_sum", "buy_volume", "sell_volume", "trade_volume", "snapshot_count", "mid_high", "mid_low"];
    let mut columns: BTreeMap<_, _> = names.iter().map(|name| (*name, vec![f64::NAN; book.len()])).collect();
    for (at, (place, _)) in rows.iter().enumerate() {
        let inside: Vec<_> = rows[..=at].iter().filter(|r| book[r.0].event > book[*place].event - horizon).collect();
        let mids = || inside.iter().map(|r| (book[r.0].record + 3) as f64 / 2.0);
        let mut set = |name: usize, value: f64| columns.get_mut(names[name]).expect("a name")[*place] = value;
        for number in 0..4 {
            set(number, inside.iter().map(|r| r.1[number]).sum());
        }
        set(4, inside.len() as f64);
        set(5, mids().fold(f64::MIN, f64::max));
        set(6, mids().fold(f64::MAX, f64::min));
    }
    columns
}

/// What windows cannot hold in memory.
#[derive(Default)]
struct Scratch(BTreeMap<(u32, u64), Vec<u64>>);

impl WindowScratch for Scratch {
    fn clear(&mut self) -> Result<()> {
        self.0.clear();
        Ok(())
    }

    fn write(&mut self, stream: u32, block: u64, words: &[u64]) -> Result<()> {
        self.0.insert((stream, block), words.to_vec());
        Ok(())
    }

    fn read(&mut self, stream: u32, block: u64, words: &mut [u64]) -> Result<()> {
        words.copy_from_slice(&self.0[&(stream, block)]);
        Ok(())
    }

    fn release(&mut self, stream: u32, below: u64) {
        self.0.retain(|(of, block), _| *of != stream || *block >= below);
    }
}

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
