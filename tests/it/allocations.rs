//! A worker allocates when it begins a partition, and then nothing: ten times the rows take not one allocation more.

use hftcol::feature::{Arena, ChangeInputs, PartitionInputs, Plan, PriorVolume, run_book};
use hftcol::format::FileHeader;
use hftcol::schema::{Clock, PartitionKey};
use hftcol::units::Date;
use hftcol::write::{Provenance, TableWriter};

use crate::feature_tables::{HeapScratch, Layout, readers};
use crate::feature_twins::everything;
use crate::oracle::{Cell, Market, RawLevel, Snapshot, Trade};

/// A market of `rows` snapshots of ten levels, a tenth of a second apart, and as many trades.
fn market(rows: i64) -> Market {
    let level = |price, size| RawLevel { price: Some(Cell(price)), size: Some(Cell(size)) };
    let snapshot = |i: i64| {
        let mid = 10_000 + (i * 7_919) % 97 - (i * 31) % 53;
        Snapshot {
            clock: i * 100_000_000,
            bids: (0..10).map(|l| level(mid - l - i % 3, 1 + (i * 13 + l) % 50)).collect(),
            asks: (0..10).map(|l| level(mid + 1 + l, 1 + (i * 17 + l) % 40)).collect(),
        }
    };
    let trade = |i: i64| Trade {
        clock: i * 100_000_000 + 7,
        price: Cell(10_000 + i % 5),
        qty: Cell(1 + i % 9),
        side: Some(1 - 2 * (i % 2)),
    };
    Market {
        price_scale: 2,
        size_scale: 1,
        levels: 10,
        book: (0..rows).map(snapshot).collect(),
        trades: (0..rows).map(trade).collect(),
        date_tz: "UTC",
    }
}

/// Allocations of a partition of `rows` rows in an arena that has computed another; results dropped, or written as a file.
fn allocations(rows: i64, writes: bool) -> u64 {
    let config = everything();
    let (book, trades) = readers(&market(rows), Layout::default());
    let inputs = PartitionInputs {
        book: &book,
        trades: &trades,
        changes: ChangeInputs::default(),
        clock: Clock::Event,
        date_tz: "UTC",
        prior: PriorVolume::default(),
    };
    let plan = Plan::new(&config, &inputs.shape()).unwrap();
    let mut arena = Arena::new(&config).unwrap();
    let header = FileHeader {
        table: "book".to_owned(),
        key: PartitionKey { venue: "test".to_owned(), security: "X".to_owned(), date: Date(0) },
        channel: String::new(),
        generation: 1,
        segment: 0,
        first_row: 0,
        clock: Clock::Event,
        tz: "UTC".to_owned(),
        date_tz: "UTC".to_owned(),
        block_rows: plan.block_rows() as u32,
        group_blocks: hftcol::write::group_blocks(plan.schema().columns.len(), plan.block_rows() as u32),
        schema: plan.schema().clone(),
    };
    let mut run = || {
        let mut writer = writes.then(|| TableWriter::new(std::io::sink(), header.clone()).unwrap());
        let mut scratch = HeapScratch::default();
        let report = run_book(&inputs, &plan, &mut arena, &mut scratch, &mut |rows, columns| {
            writer.as_mut().map_or(Ok(()), |writer| writer.push(rows, columns))
        });
        assert_eq!(report.unwrap().rows_out, rows as u64);
        writer.map(|writer| writer.finish(Provenance::default()).unwrap());
    };
    run();
    allocation_counter::measure(run).count_total
}

#[test]
fn results_that_are_dropped_cost_no_allocation_a_row() {
    assert_eq!(allocations(5_000, false), allocations(50_000, false));
}

#[test]
fn a_written_table_allocates_for_its_index_only() {
    let (few, many) = (allocations(5_000, true), allocations(50_000, true));
    // The index of blocks doubles its room now and then.
    assert!(many <= few + 8, "{few} allocations at 5,000 rows, {many} at 50,000");
}
