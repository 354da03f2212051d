//! Order metrics and the event flow on genuine feeds: against the twins, and against books that keep every state.

use std::path::Path;

use hftcol::feature::ChangeInputs;
use hftcol::input::InputLimits;
use hftcol::vendor::SourceOptions;

use crate::books::{bars_of_changes, message};
use crate::cli::good;
use crate::feature_tables::Layout;
use crate::lobster::{AMZN, parse};
use crate::oracle::order_metrics::{Message, Story};
use crate::order_tables::{check_flows, check_rows, compute, config, stored};
use crate::shared;

/// The messages of a LOBSTER file, its orders taken as they stand.
fn lobster(file: &str) -> Vec<Message> {
    let day = parse(&[shared("lobster").join(file)], &SourceOptions::default(), &InputLimits::default());
    let read = |(at, row): (usize, &String)| {
        let (action, id, price, qty, side) = message(row);
        let clock = row.split(' ').nth(2).unwrap().parse().unwrap();
        let side = Some(usize::from(side != hftcol::units::Side::Buy));
        Message { clock, record: at as u64, action, side, ids: [id, 0], price: Some(price), qty: Some(qty) }
    };
    day.rows["orders"].iter().enumerate().map(read).collect()
}

#[test]
fn messages_of_lobster_are_counted_as_by_the_twin() {
    for (file, count) in [(AMZN, 57_515), ("AAPL_2012-06-21_message_50.csv", 672)] {
        let messages = lobster(file);
        assert_eq!(messages.len(), count);
        let (orders, trades) = stored(&messages, Layout::default());
        let changes = ChangeInputs { orders: &orders, ..ChangeInputs::default() };
        let tables = compute(&config(&["orders"]), changes, &trades).unwrap();
        check_rows(&tables, &messages, 1_500_000_000).unwrap();
        let rows = &tables["orders_30s"];
        let sum = |name: &str| rows[name].iter().sum::<f64>();
        let of = |action: i64| messages.iter().filter(|m| m.action == action).count() as f64;
        assert_eq!(sum("insert_count_bid") + sum("insert_count_ask"), of(1));
        assert_eq!(sum("execute_count_bid") + sum("execute_count_ask"), of(4));
        assert_eq!(sum("cancel_count_bid") + sum("cancel_count_ask"), of(2) + of(3));
        println!("{file}: {count} messages, {} rows of 30 s, as the twin", rows["ts_open"].len());
        // A trade in every bar, so that every bar is written.
        let every: Vec<Message> = messages
            .iter()
            .enumerate()
            .map(|(at, m)| Message { action: 0, record: (count + at) as u64, ids: [u64::MAX; 2], side: None, ..*m })
            .map(|m| Message { price: Some(1), qty: Some(1), ..m })
            .collect();
        let (_, trades) = stored(&every, Layout::default());
        let tables = compute(&config(&["bars"]), changes, &trades).unwrap();
        let bars = check_flows(&tables, &Story::of(&messages).flows).unwrap();
        println!("{file}: the event flow of {bars} bars, as the twin");
        assert!(bars >= 3, "{bars}");
    }
}

/// Bars of a store, each with `ofi_sum` and `ofi_event_sum`.
fn flows(store: &Path) -> Vec<[f64; 2]> {
    let path = store.to_str().unwrap();
    let printed = good(&["compute", "--store", path, "--tables", "bars_60s", "--max-gap", "10000h", "--plain"]);
    assert!(printed.contains("published bars_60s "), "{printed}");
    let cells = |line: &str| line.split_once(',').map(|(a, b)| [a.parse().unwrap(), b.parse().unwrap()]);
    let rows = |text: &String| -> Vec<[f64; 2]> { text.lines().skip(1).filter_map(cells).collect() };
    bars_of_changes(store, "ofi_sum,ofi_event_sum").iter().flat_map(rows).collect()
}

/// A book that keeps the state after every message has the same flow from row to row, but where a snapshot comes.
#[test]
fn the_event_flow_is_that_of_a_book_of_every_state() {
    let none: &[&str] = &[];
    for (file, options, snapshots) in [
        ("lobster/AMZN_2012-06-21_34200000_57600000_message_1.csv.gz", none, 0),
        ("lobster/AAPL_2012-06-21_message_50.csv", none, 0),
        ("bitstamp_l3/orders.csv.xz", &["--security", "BTCUSD"][..], 0),
        ("tardis_layout_converted/binance_incremental_book_L2_2024-08-08_BTCUSDT.csv.gz", none, 0),
        ("tardis_layout_converted/binance-futures_incremental_book_L2_2024-07-18_BTCUSDT.csv.gz", none, 0),
        ("binance_ws/usdm/btcusdt_20230404.dat.gz", none, 1),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("store");
        let source = shared(file);
        let path = store.to_str().unwrap();
        good(&[&["import", source.to_str().unwrap(), "--store", path], options].concat());
        good(&["build", "--store", path, "--levels", "1", "--every", "event"]);
        let flows = flows(&store);
        let is_equal = |[book, event]: &&[f64; 2]| (book - event).abs() <= 1e-6 * book.abs().max(1.0);
        let equal = flows.iter().filter(is_equal).count();
        println!("{file}: {} bars, {equal} equal", flows.len());
        assert!(!flows.is_empty() && flows.len() - equal <= snapshots, "{file}: {flows:?}");
        assert!(flows.iter().any(|[_, event]| *event != 0.0), "{file}");
    }
}

/// In the continuous session every trade of Shanghai takes from one order that rests; in auctions from two.
#[test]
fn trades_of_shanghai_execute_orders_that_rest() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let files = ["china_l2/SHorders.zip", "china_l2/SHtrans.zip"].map(shared);
    let [orders, trades] = files.each_ref().map(|file| file.to_str().unwrap());
    let path = store.to_str().unwrap();
    good(&["import", orders, trades, "--store", path]);
    let printed = good(&["compute", "--store", path, "--tables", "orders_3600s,bars_3600s", "--plain"]);
    assert_eq!(printed.lines().filter(|line| line.starts_with("published orders_3600s ")).count(), 5, "{printed}");
    let sums = |table: &str, columns: &str| -> Vec<f64> {
        let of = ["--set", "default", "--table", table, "--columns", columns, "--format", "csv"];
        let text = good(&[&["cat", "--store", path][..], &of].concat());
        let mut sums = vec![0.0; columns.split(',').count()];
        for line in text.lines().skip(1) {
            for (sum, cell) in sums.iter_mut().zip(line.split(',')) {
                *sum += cell.parse::<f64>().unwrap_or(0.0);
            }
        }
        sums
    };
    let executed = sums("orders_3600s", "execute_volume_bid,execute_volume_ask,cancel_volume_bid,cancel_volume_ask");
    let [volume] = sums("bars_3600s", "volume")[..] else { panic!("one column") };
    println!("executed and cancelled {executed:?}, traded {volume}");
    assert!(executed[0] + executed[1] >= 0.9 * volume && executed[0] + executed[1] <= 2.0 * volume);
    assert!(executed[2] > 0.0 && executed[3] > 0.0);
}
