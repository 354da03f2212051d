//! Books built from every feed that tells changes or orders: against what the venues and vendors say themselves.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hftcol::book::{AFTER_GAP, Action, BEFORE_SNAPSHOT, CROSSED, LOCKED, OrderBook, OrderMessage, OrderRules};
use hftcol::export::open_table;
use hftcol::input::InputLimits;
use hftcol::read::{BlockScratch, TableReader};
use hftcol::schema::PartitionKey;
use hftcol::store::{Store, Tree};
use hftcol::units::Side;
use hftcol::vendor::SourceOptions;
use serde_json::Value;

use crate::cli::good;
use crate::lobster::{AMZN, AMZN_BOOK, parse};
use crate::shared;

/// A column of a table with its nulls.
fn column(readers: &[TableReader], name: &str) -> Vec<Option<i64>> {
    let mut all = Vec::new();
    let mut scratch = BlockScratch::default();
    for reader in readers {
        let Some(at) = reader.header().schema.index_of(name) else {
            all.extend((0..reader.rows()).map(|_| None));
            continue;
        };
        for block in 0..reader.block_count() {
            let rows = reader.block_rows(block);
            let (mut values, mut validity) = (vec![0; rows], vec![0; rows.div_ceil(64)]);
            reader.read_i64(block, at, &mut scratch, &mut values, &mut validity).unwrap();
            all.extend((0..rows).map(|row| (validity[row / 64] >> (row % 64) & 1 == 1).then_some(values[row])));
        }
    }
    all
}

fn tables(store: &Path, table: &str) -> Vec<(PartitionKey, Vec<TableReader>)> {
    let store = Store::open(store).unwrap();
    let keys = store.keys(&Tree::Raw).unwrap();
    let open = |key: PartitionKey| {
        let readers = open_table(&store, &Tree::Raw, &key, table).unwrap();
        (key, readers)
    };
    keys.into_iter().map(open).filter(|(_, readers)| !readers.is_empty()).collect()
}

/// A feed, how it is imported, and what is found: partitions, rows, gaps, messages that say nothing new, rows crossed or locked
/// in a book that is to be trusted.
struct Feed {
    files: &'static [&'static str],
    options: &'static [&'static str],
    found: [u64; 5],
}

const fn feed(files: &'static [&'static str], options: &'static [&'static str], found: [u64; 5]) -> Feed {
    Feed { files, options, found }
}

const FEEDS: &[Feed] = &[
    feed(&["binance_ws/usdm/btcusdt_20230404.dat.gz"], &[], [1, 2872, 0, 0, 0]),
    feed(&["binance_ws/usdm/btcusdt_20240718.gz"], &[], [2, 2088, 0, 0, 0]),
    feed(&["binance_ws/spot/btcusdt_20240808.gz"], &[], [2, 3236, 0, 0, 0]),
    feed(&["binance_ws/cm/btcusd_perp_20240808.gz"], &[], [2, 15722, 0, 0, 0]),
    feed(&["binance_ws_2020/ETHBTC/2020-11-01T09-00-00_update.json.gz"], &[], [1, 3567, 0, 0, 0]),
    feed(&["coinbase_gdax/raw_mongo_input.csv.gz"], &[], [1, 5653, 0, 0, 0]),
    feed(&["coinbase_gdax/l2update.csv.gz"], &["--format", "coinbase", "--security", "BTC-USD"], [1, 7790, 0, 0, 0]),
    feed(&["cryptofeed_raw/BINANCE_FUTURES.jsonl.zst"], &[], [4, 691, 0, 11, 0]),
    feed(&["cryptofeed_raw/BITFINEX.jsonl.zst"], &[], [7, 1422, 0, 0, 0]),
    feed(&["cryptofeed_raw/BITSTAMP.jsonl.zst"], &[], [10, 596, 0, 102, 0]),
    feed(&["cryptofeed_raw/COINBASE.jsonl.zst"], &[], [2, 319, 0, 0, 0]),
    feed(&["cryptofeed_raw/DERIBIT.jsonl.zst"], &[], [9, 45, 0, 0, 0]),
    feed(&["cryptofeed_raw/GATEIO.jsonl.zst"], &[], [10, 168, 0, 4, 0]),
    feed(&["cryptofeed_raw/KRAKEN.jsonl.zst"], &[], [10, 4051, 0, 0, 0]),
    feed(&["cryptofeed_raw/OKX.jsonl.zst"], &[], [3, 283, 0, 0, 0]),
    feed(&["cryptofeed_raw_old/BITMEX.ws.1.0.gz"], &[], [10, 1385, 0, 0, 0]),
    feed(&["cryptofeed_raw_old/COINBASE.ws.28.0.gz"], &[], [10, 8257, 0, 0, 0]),
    feed(&["bybit_ob500/xrpusdt-ob500.data.zip"], &[], [1, 50, 0, 0, 0]),
    feed(&["tardis/deribit_incremental_book_L2_BTC-PERPETUAL.csv"], &[], [1, 1, 0, 0, 0]),
    feed(
        &["tardis_layout_converted/binance-futures_incremental_book_L2_2024-07-18_BTCUSDT.csv.gz"],
        &[],
        [2, 2082, 0, 0, 0],
    ),
    feed(&["tardis_layout_converted/binance_incremental_book_L2_2024-08-08_BTCUSDT.csv.gz"], &[], [2, 3234, 0, 0, 0]),
    feed(&["bitstamp_l3/orders.csv.xz"], &["--security", "BTCUSD"], [1, 21418, 0, 0, 0]),
    feed(&["bitstamp_l3/2015-05-01.log.xz"], &["--security", "BTCUSD"], [1, 21418, 0, 0, 0]),
    feed(&["lobster/AMZN_2012-06-21_34200000_57600000_message_1.csv.gz"], &[], [1, 44624, 0, 0, 0]),
    feed(&["lobster/AAPL_2012-06-21_message_50.csv"], &[], [1, 494, 0, 0, 0]),
    feed(&["databento/dbn_tests/test_data.mbo.v3.dbn.zst"], &[], [1, 0, 0, 0, 0]),
];

/// Columns of `bars_60s` as CSV, of each partition that has changes and a built book.
pub(crate) fn bars_of_changes(store: &Path, columns: &str) -> Vec<String> {
    let of = |(key, _): &(PartitionKey, Vec<TableReader>)| {
        let date = key.date.to_string();
        let names = ["--venue", &key.venue, "--security", &key.security, "--from", &date, "--to", &date];
        let of = ["--set", "default", "--table", "bars_60s", "--columns", columns, "--format", "csv"];
        good(&[&["cat", "--store", store.to_str().unwrap()][..], &names, &of].concat())
    };
    tables(store, "book_built").iter().map(of).collect()
}

/// Imports a feed and builds its books; what the build says of each partition.
fn import(feed: &Feed, store: &Path) -> Vec<Value> {
    let files: Vec<PathBuf> = feed.files.iter().map(|file| shared(file)).collect();
    let files: Vec<&str> = files.iter().map(|file| file.to_str().unwrap()).collect();
    let store = store.to_str().unwrap();
    let options = ["--store", store, "--build-book", "20", "--json"];
    let printed = good(&[&["import"], &files[..], &options, feed.options].concat());
    let events = printed.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events.filter(|event| event["event"] == "built").collect()
}

#[test]
fn every_feed_builds_a_book_that_is_crossed_nowhere_but_where_it_is_told() {
    let mut others = Vec::new();
    for feed in FEEDS {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("store");
        let built = import(feed, &store);
        let sum = |name: &str| built.iter().map(|b| b["facts"][name].as_u64().unwrap_or(0)).sum::<u64>();
        let (mut rows, mut wrong) = (0, 0);
        for (_, readers) in tables(&store, "book_built") {
            for flags in column(&readers, "quality_flags") {
                let flags = flags.unwrap() as u8;
                rows += 1;
                wrong += u64::from(flags & (CROSSED | LOCKED) != 0 && flags & (AFTER_GAP | BEFORE_SNAPSHOT) == 0);
            }
        }
        let found = [built.len() as u64, rows, sum("gaps"), sum("stale_changes") + sum("stale_snapshots"), wrong];
        let facts = [
            "messages",
            "snapshots",
            "unknown_deletes",
            "unknown_orders",
            "rows_before_snapshot",
            "rows_crossed",
            "rows_locked",
        ];
        let facts: Vec<String> = facts.iter().map(|name| format!("{name} {}", sum(name))).collect();
        println!("{:?}: {found:?}; {}", feed.files, facts.join(", "));
        if found != feed.found {
            others.push(format!("{:?} {found:?}, not {:?}", feed.files, feed.found));
        }
        let printed = good(&["compute", "--store", store.to_str().unwrap(), "--plain"]);
        let computed = printed.lines().filter(|line| line.starts_with("published book ")).count();
        assert!(computed >= built.len(), "{:?}: {printed}", feed.files);
        let counted = printed.lines().filter(|line| line.starts_with("published orders_60s ")).count();
        assert_eq!(counted, tables(&store, "orders").len(), "{:?}: {printed}", feed.files);
        for flows in bars_of_changes(&store, "ofi_event_sum") {
            let is_number = |line: &str| line.parse::<f64>().is_ok_and(f64::is_finite);
            assert!(flows.lines().skip(1).all(is_number), "{:?}: {flows}", feed.files);
        }
    }
    assert!(others.is_empty(), "{}", others.join("\n"));
}

/// Orders and trades of Shanghai: fills that trades tell, nothing left over, crossed only while orders gather for an auction.
#[test]
fn books_of_shanghai_follow_orders_and_trades() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let feed = feed(&["china_l2/SHorders.zip", "china_l2/SHtrans.zip"], &[], [0; 5]);
    let built = import(&feed, &store);
    for built in &built {
        println!("{built}");
        assert_eq!(
            (&built["facts"]["overfills"], &built["facts"]["duplicate_ids"]),
            (&Value::from(0), &Value::from(0))
        );
    }
    assert_eq!(built.len(), 5);
    let printed = good(&["compute", "--store", store.to_str().unwrap(), "--plain"]);
    for table in ["book", "trades", "bars_60s", "orders_60s"] {
        let published = format!("published {table} ");
        assert_eq!(printed.lines().filter(|line| line.starts_with(&published)).count(), 5, "{printed}");
    }
    let minute = 60_000_000_000;
    for (key, readers) in tables(&store, "book_built") {
        let clocks = column(&readers, "ts_event");
        let flags = column(&readers, "quality_flags");
        let mut crossed = [0; 2];
        for (clock, flags) in clocks.iter().zip(&flags) {
            // China has no summer time: eight hours ahead.
            let of_day = (clock.unwrap() + 480 * minute) % (1_440 * minute) / minute;
            let is_auction = (555..=565).contains(&of_day) || (897..=900).contains(&of_day);
            crossed[usize::from(is_auction)] += usize::from(flags.unwrap() as u8 & (CROSSED | LOCKED) != 0);
        }
        println!("{}: {} rows, crossed or locked {crossed:?} outside and in auctions", key.security, flags.len());
        assert_eq!(crossed[0], 0, "{}", key.security);
    }
}

/// The book that the vendor made of the same capture, at the rows where its clock is one of ours.
#[test]
fn a_built_book_is_the_vendors_snapshot_of_the_same_moment() {
    for (changes, snapshots) in [
        (
            "binance-futures_incremental_book_L2_2024-07-18_BTCUSDT.csv.gz",
            "binance-futures_book_snapshot_25_2024-07-18_BTCUSDT.csv.gz",
        ),
        ("binance_incremental_book_L2_2024-08-08_BTCUSDT.csv.gz", "binance_book_snapshot_25_2024-08-08_BTCUSDT.csv.gz"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("store");
        let files = [changes, snapshots].map(|file| shared(&format!("tardis_layout_converted/{file}")));
        let [changes, snapshots] = files.each_ref().map(|file| file.to_str().unwrap());
        let path = store.to_str().unwrap();
        good(&["import", changes, snapshots, "--store", path]);
        good(&["build", "--store", path, "--levels", "25", "--every", "event"]);
        let [built, book] = ["book_built", "book"].map(|table| tables(&store, table).remove(0).1);
        let names: Vec<String> = (0..25)
            .flat_map(|level| ["bid_px", "bid_sz", "ask_px", "ask_sz"].map(|part| format!("{part}_{level:02}")))
            .collect();
        let rows = |readers: &[TableReader]| -> BTreeMap<i64, Vec<Option<i64>>> {
            let scale = |name: &str| {
                let schema = &readers[0].header().schema;
                schema.index_of(name).map_or(0, |at| schema.columns[at].scale)
            };
            let columns: Vec<Vec<Option<i64>>> = names
                .iter()
                .map(|name| {
                    let factor = 10_i64.pow(u32::from(8 - scale(name)));
                    column(readers, name).into_iter().map(|value| value.map(|v| v * factor)).collect()
                })
                .collect();
            let clocks = column(readers, "ts_recv");
            let row = |at: usize| columns.iter().map(|column| column[at]).collect();
            clocks.iter().enumerate().map(|(at, clock)| (clock.unwrap(), row(at))).collect()
        };
        let (built, book) = (rows(&built), rows(&book));
        let (mut compared, mut equal) = (0, 0);
        for (clock, levels) in &book {
            if let Some(ours) = built.get(clock) {
                compared += 1;
                equal += usize::from(ours == levels);
            }
        }
        println!("{snapshots}: {} snapshots, {compared} at a time of ours, {equal} equal in 25 levels", book.len());
        assert!(compared > 2_000 && equal == compared, "{compared} {equal}");
    }
}

/// A message of LOBSTER: action, id, price, size, side.
pub(crate) fn message(row: &str) -> (i64, u64, i64, i64, Side) {
    let mut parts = row.split('|');
    let (head, id, decimals) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
    let mut ints = head.rsplit(' ');
    let (side, action) = (ints.next().unwrap(), ints.next().unwrap());
    let mut decimals = decimals.split(' ');
    let price = ticks(decimals.next().unwrap());
    let side = if side == "1" { Side::Buy } else { Side::Sell };
    (action.parse().unwrap(), id.parse().unwrap(), price, decimals.next().unwrap().parse().unwrap(), side)
}

/// A price of at most four decimals in their unit.
fn ticks(text: &str) -> i64 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let sign = if whole.starts_with('-') { -1 } else { 1 };
    whole.parse::<i64>().unwrap() * 10_000 + sign * format!("{fraction:0<4}").parse::<i64>().unwrap()
}

/// Levels of a book row: bids, then asks.
fn levels(row: &str, depth: usize) -> [Vec<(i64, i64)>; 2] {
    let cells: Vec<&str> = row.rsplit('|').next().unwrap().split(' ').collect();
    [0, 2].map(|side| {
        (0..depth)
            .filter_map(|level| {
                let at = 4 * level + side;
                let (price, size) = (cells.get(at)?, cells.get(at + 1)?);
                (*price != "-").then(|| (ticks(price), size.parse().unwrap()))
            })
            .collect()
    })
}

/// The rebuilt book against the vendor's, side by side and row by row: sides of rows in all, those that the messages determine,
/// those of them that are equal, and all that are equal.
///
/// The file tells messages about its best N levels only. So the messages determine a level from the moment a new order makes it
/// until it falls out of the N; one that comes into the N from below, or stood before the first message, holds orders that no
/// message told. A side is determined when all its levels are.
fn against_lobster(files: [&str; 2], told: usize, depth: usize) -> [usize; 4] {
    let paths = files.map(|file| shared("lobster").join(file));
    let options = SourceOptions { levels: 50, ..SourceOptions::default() };
    let day = parse(&paths, &options, &InputLimits::default());
    let mut book = OrderBook::<u64>::new(OrderRules::of(&format!("lobster_message_{told}")));
    let sides = [Side::Buy, Side::Sell];
    let mut shown: [BTreeMap<i64, bool>; 2] = Default::default();
    let mut counts = [0; 4];
    let mut told_differences = 0;
    for (at, (row, order)) in day.rows["book"].iter().zip(&day.rows["orders"]).enumerate() {
        let (action, id, price, size, side_of_order) = message(order);
        let action = Action::from_code(action).unwrap();
        book.apply(&OrderMessage { action, side: side_of_order, id, price: Some(price), qty: Some(size) });
        let all = levels(row, told);
        for side in 0..2 {
            let is_new = |level: i64| action == Action::Add && side_of_order == sides[side] && level == price;
            shown[side] = all[side]
                .iter()
                .map(|(level, _)| (*level, shown[side].get(level).copied().unwrap_or(at > 0 && is_new(*level))))
                .collect();
            let vendor = &all[side][..depth.min(all[side].len())];
            let ours: Vec<(i64, i64)> =
                book.levels(sides[side]).take(depth).map(|(price, size, _)| (price, size)).collect();
            let is_determined = vendor.len() == depth && vendor.iter().all(|(level, _)| shown[side][level]);
            let is_equal = ours == vendor;
            counts[0] += 1;
            counts[1] += usize::from(is_determined);
            counts[2] += usize::from(is_determined && is_equal);
            counts[3] += usize::from(is_equal);
            if is_determined && !is_equal && told_differences < 5 {
                told_differences += 1;
                println!("  row {at} side {side} {order}: {ours:?} and the vendor's {vendor:?}");
            }
        }
    }
    let [sides, determined, equal, all] = counts;
    println!(
        "{}, {depth} levels: {sides} sides of rows, {determined} determined by the messages, {equal} of them equal, {all} equal in all",
        files[0]
    );
    counts
}

#[test]
fn books_of_lobster_are_the_vendors() {
    let aapl = ["AAPL_2012-06-21_message_50.csv", "AAPL_2012-06-21_orderbook_50.csv.gz"];
    for (files, told, depth) in [([AMZN, AMZN_BOOK], 1, 1), (aapl, 50, 1), (aapl, 50, 3)] {
        let [_, determined, equal, _] = against_lobster(files, told, depth);
        assert!(determined > 0 && determined == equal);
    }
}
