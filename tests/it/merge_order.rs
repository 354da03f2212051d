//! The merge against a stable sort of all rows, by the stored clock and by the other one.

use hftcol::merge::{BATCH, BookSide, Merge, MergeConfig, MergeMemory, Simd};
use hftcol::read::TableReader;
use hftcol::schema::{Clock, Column, LogicalType};
use proptest::prelude::*;

use crate::feature_tables::{Ints, Layout, table};

/// A row of either channel: both clocks, what breaks ties, and a number that names it.
#[derive(Clone, Copy, Debug)]
struct Row {
    event: i64,
    recv: i64,
    sequence: Option<i64>,
    record: i64,
    /// Size of the best bid (0 makes the snapshot one-sided), or quantity.
    size: i64,
}

fn ints(name: &str, ty: LogicalType, rows: &[Row], of: impl Fn(&Row) -> Option<i64>) -> Ints {
    Ints { column: Column::nullable(name, ty), values: rows.iter().map(of).collect() }
}

fn keys(rows: &[Row]) -> Vec<Ints> {
    vec![
        ints("ts_event", LogicalType::Ts, rows, |r| Some(r.event)),
        ints("ts_recv", LogicalType::Ts, rows, |r| Some(r.recv)),
        ints("sequence", LogicalType::U64, rows, |r| r.sequence),
    ]
}

fn position(rows: &[Row], columns: &mut Vec<Ints>) {
    columns.push(ints("source", LogicalType::U64, rows, |_| Some(0)));
    columns.push(ints("record", LogicalType::U64, rows, |r| Some(r.record)));
}

fn book(rows: &[Row], layout: Layout) -> Vec<TableReader> {
    let mut columns = keys(rows);
    // The best ask's price names the row.
    columns.push(ints("bid_px_00", LogicalType::Decimal, rows, |_| Some(1)));
    columns.push(ints("bid_sz_00", LogicalType::Decimal, rows, |r| Some(r.size)));
    columns.push(ints("ask_px_00", LogicalType::Decimal, rows, |r| Some(r.record + 2)));
    columns.push(ints("ask_sz_00", LogicalType::Decimal, rows, |_| Some(1)));
    position(rows, &mut columns);
    table("book", &columns, layout)
}

fn trades(rows: &[Row], layout: Layout) -> Vec<TableReader> {
    let mut columns = keys(rows);
    columns.push(ints("side", LogicalType::Side, rows, |r| Some(r.record % 3 - 1)));
    columns.push(ints("price", LogicalType::Decimal, rows, |r| Some(r.record)));
    columns.push(ints("qty", LogicalType::Decimal, rows, |r| Some(r.size)));
    position(rows, &mut columns);
    table("trades", &columns, layout)
}

/// What the merge is to give: for each snapshot its name, its clock, and count and notional of its trades if it takes any.
type Stream = Vec<(i64, i64, Option<(f64, f64)>)>;

fn sorted(rows: &[Row], clock: Clock) -> Vec<Row> {
    let mut rows = rows.to_vec();
    let by_sequence = rows.iter().all(|r| r.sequence.is_some());
    rows.sort_by_key(|r| (of(r, clock), if by_sequence { r.sequence } else { None }, r.record));
    rows
}

fn of(row: &Row, clock: Clock) -> i64 {
    if clock == Clock::Event { row.event } else { row.recv }
}

/// A stable sort of both channels by (clock, rank), walked row by row.
fn expected(book: &[Row], trades: &[Row], clock: Clock) -> (Stream, u64) {
    let mut all: Vec<(u8, Row)> = sorted(trades, clock).into_iter().map(|r| (1, r)).collect();
    all.extend(sorted(book, clock).into_iter().map(|r| (3, r)));
    all.sort_by_key(|(rank, row)| (of(row, clock), *rank));
    let (mut stream, mut pending) = (Stream::new(), (0.0, 0.0));
    for (rank, row) in all {
        match (rank, row.size) {
            (1, _) => pending = (pending.0 + 1.0, pending.1 + (row.record * row.size) as f64),
            (_, 0) => stream.push((row.record, of(&row, clock), None)),
            _ => stream.push((row.record, of(&row, clock), Some(std::mem::take(&mut pending)))),
        }
    }
    (stream, pending.0 as u64)
}

fn merged(
    (book, trades): (&[TableReader], &[TableReader]),
    clock: Clock,
    limit: usize,
) -> hftcol::error::Result<(Stream, u64)> {
    let mut memory = MergeMemory::new(1, 64);
    let config = MergeConfig { levels: 1, clock, max_gap_ns: i64::MAX, simd: Simd::Best };
    let mut merge = Merge::new(book, trades, config, &mut memory)?;
    let mut stream = Stream::new();
    while merge.next_batch(limit)? {
        let batch = merge.batch();
        assert!(batch.rows() <= limit.min(BATCH));
        let first = stream.len();
        for (price, clock) in batch.price_m(BookSide::Ask, 0).iter().zip(batch.clock()) {
            stream.push((price - 2, *clock, None));
        }
        for (row, sums) in batch.two_sided().iter().zip(batch.trades()) {
            stream[first + *row as usize].2 = Some((sums.count, sums.notional));
        }
    }
    Ok((stream, merge.report().trades_after_last))
}

/// Rows in the order of their event clock; the receive clock lags by up to `lag`.
fn rows(most: usize, lag: i64) -> impl Strategy<Value = Vec<Row>> {
    let row = (0_i64..4, 0..=lag, 0_i64..3, 0_i64..4);
    (prop::collection::vec(row, 0..most), any::<bool>()).prop_map(|(rows, sequences)| {
        let mut event = 1_000;
        let row = |(record, (step, late, sequence, size))| {
            event += step;
            Row { event, recv: event + late, sequence: sequences.then_some(sequence), record, size }
        };
        let rows: Vec<Row> = (0..).zip(rows).map(row).collect();
        sorted(&rows, Clock::Event)
    })
}

fn layout(segment_rows: usize) -> Layout {
    Layout { block_rows: 64, segment_rows, clock: Clock::Event }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn equals_a_stable_sort(b in rows(300, 0), t in rows(300, 0), segment in 1_usize..200, limit in 1_usize..400) {
        let tables = (book(&b, layout(segment)), trades(&t, layout(segment + 1)));
        let got = merged((&tables.0, &tables.1), Clock::Event, limit).unwrap();
        prop_assert_eq!(got, expected(&b, &t, Clock::Event));
    }

    #[test]
    fn the_other_clock_is_put_in_order(b in rows(900, 60), t in rows(900, 60), segment in 200_usize..1_000) {
        let tables = (book(&b, layout(segment)), trades(&t, layout(segment)));
        let got = merged((&tables.0, &tables.1), Clock::Recv, usize::MAX).unwrap();
        prop_assert_eq!(got, expected(&b, &t, Clock::Recv));
    }
}

#[test]
fn a_row_too_far_from_its_place_is_an_error() {
    let row = |record: i64| Row { event: record, recv: record, sequence: None, record, size: 1 };
    let mut rows: Vec<Row> = (0..2_000).map(row).collect();
    rows[1_900].recv = 3;
    let tables = book(&rows, layout(usize::MAX));
    let error = merged((&tables, &[]), Clock::Recv, usize::MAX).unwrap_err();
    assert!(error.to_string().contains("--clock recv"), "{error}");
    assert_eq!(error.exit_code(), 1);
}

#[test]
fn a_row_without_the_clock_is_an_error() {
    let row = |record: i64| Row { event: record, recv: record, sequence: None, record, size: 1 };
    let rows: Vec<Row> = (0..100).map(row).collect();
    let mut columns = keys(&rows);
    columns[1].values[50] = None;
    let tables = table("book", &columns, layout(usize::MAX));
    let error = merged((&tables, &[]), Clock::Recv, usize::MAX).unwrap_err();
    assert!(error.to_string().contains("ts_recv"), "{error}");
}

#[test]
fn numbers_beyond_exact_arithmetic_are_named() {
    let row = |record: i64| Row { event: record, recv: record, sequence: None, record, size: i64::MAX / 2 };
    let tables = book(&(0..3).map(row).collect::<Vec<_>>(), layout(usize::MAX));
    let error = merged((&tables, &[]), Clock::Event, usize::MAX).unwrap_err();
    assert!(error.to_string().contains("bid_sz_00"), "{error}");
}
