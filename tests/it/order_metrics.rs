//! Order metrics and the event flow against their twins, on random messages and on ones made by hand.

use hftcol::feature::{BarConfig, ChangeInputs, FeatureConfig};
use hftcol::schema::LogicalType;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::cli::good;
use crate::feature_tables::Layout;
use crate::oracle::order_metrics::{LevelMessage, Message, Story, level_flows};
use crate::order_tables::{
    SECOND, check_flows, check_rows, compute, config, decimals, ints, rows_of, side_code, stored,
};

/// Messages as a venue might send them, and as none would: known and unknown ids, missing prices, sides and sizes.
fn messages() -> impl Strategy<Value = Vec<Message>> {
    let action = prop_oneof![
        8 => Just(1_i64), 3 => Just(2_i64), 3 => Just(3_i64), 4 => Just(4_i64), 1 => Just(5_i64), 1 => Just(6_i64),
        1 => Just(7_i64), 4 => Just(8_i64), 2 => Just(10_i64), 3 => Just(0_i64),
    ];
    let rare = (0..200_u32).prop_map(|n| n == 0);
    let message = (
        action,
        rare,
        prop_oneof![9 => (0..2_usize).prop_map(Some), 1 => Just(None)],
        (1..10_u64, 1..10_u64),
        prop_oneof![12 => (-4..5_i64).prop_map(Some), 1 => Just(None)],
        prop_oneof![12 => (0..9_i64).prop_map(Some), 1 => Just(None)],
        (1..1_500_000_000_i64, 0..8_u8),
    );
    vec(message, 1..160).prop_map(|list| {
        let (mut clock, mut record, mut messages) = (0, 0, Vec::new());
        for (action, clears, side, (first, second), price, qty, (ns, same)) in list {
            let action = if clears { 9 } else { action };
            let is_trade = action == 0;
            clock += ns;
            // Two rows of one record now and then; trades stand alone.
            record += u64::from(same > 0) + u64::from(is_trade);
            let (side, price) = if is_trade { (None, Some(price.unwrap_or(0))) } else { (side, price) };
            let qty = if is_trade { Some(qty.unwrap_or(1)) } else { qty };
            messages.push(Message { clock, record, action, side, ids: [first, second], price, qty });
            record += u64::from(is_trade);
        }
        messages
    })
}

fn level_messages() -> impl Strategy<Value = Vec<LevelMessage>> {
    let change = (0..2_usize, 1..6_i64, 0..4_i64)
        .prop_map(|(side, step, size)| (side, if side == 0 { -step } else { step }, size));
    vec((1..3_000_000_000_i64, 0..12_u8, vec(change, 1..5)), 1..80).prop_map(|list| {
        let (mut clock, mut messages) = (0, Vec::new());
        for (ns, kind, changes) in list {
            clock += ns;
            messages.push((clock, kind == 0, changes));
        }
        messages
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 160, ..ProptestConfig::default() })]

    #[test]
    fn order_metrics_are_the_twins(messages in messages(), small in any::<bool>()) {
        let layout = if small {
            Layout { block_rows: 64, segment_rows: 70, ..Layout::default() }
        } else {
            Layout::default()
        };
        let (orders, trades) = stored(&messages, layout);
        let changes = ChangeInputs { orders: &orders, ..ChangeInputs::default() };
        let tables = compute(&config(&["orders", "bars"]), changes, &trades).unwrap();
        if !orders.is_empty() {
            check_rows(&tables, &messages, 1_500_000_000)?;
            check_flows(&tables, &Story::of(&messages).flows)?;
        }
    }

    #[test]
    fn the_flow_of_level_changes_is_the_twins(messages in level_messages()) {
        let rows: Vec<_> = messages
            .iter()
            .enumerate()
            .flat_map(|(at, (clock, snapshot, changes))| changes.iter().map(move |change| (at, *clock, *snapshot, *change)))
            .collect();
        let of = |f: fn(&(usize, i64, bool, (usize, i64, i64))) -> i64| rows.iter().map(|row| Some(f(row))).collect::<Vec<_>>();
        let own = vec![
            ints("is_snapshot", LogicalType::Flags, of(|row| i64::from(row.2))),
            ints("side", LogicalType::Side, of(|row| side_code(row.3.0))),
            decimals("price", of(|row| row.3.1)),
            decimals("qty", of(|row| row.3.2)),
        ];
        let clocks = rows.iter().map(|row| row.1).collect();
        let deltas = rows_of("deltas", clocks, rows.iter().map(|row| row.0 as u64).collect(), own, Layout::default());
        // A trade in every bar, so that every bar is written.
        let end = messages.last().map_or(0, |m| m.0);
        let trades: Vec<Message> = (0..=end / (2 * SECOND))
            .map(|n| Message { clock: n * 2 * SECOND, record: n as u64, action: 0, side: None, ids: [0; 2], price: Some(1), qty: Some(1) })
            .collect();
        let (_, trades) = stored(&trades, Layout::default());
        let changes = ChangeInputs { deltas: &deltas, ..ChangeInputs::default() };
        let tables = compute(&config(&["bars"]), changes, &trades).unwrap();
        let flows = level_flows(&messages);
        let bars = check_flows(&tables, &flows)?;
        prop_assert!(bars >= 3);
        let all: i128 = flows.iter().map(|(_, flow)| flow).sum();
        let found: f64 = tables["bars_2s"]["ofi_event_sum"].iter().sum();
        prop_assert!((found - all as f64 / 1_000.0).abs() < 1e-9);
    }
}

/// A message in seconds; sizes and prices are whole.
fn say(second: i64, action: i64, side: usize, id: u64, price: i64, qty: i64) -> Message {
    let clock = second * SECOND;
    let record = second.unsigned_abs();
    let (price, qty) = (Some(price * 1_000), Some(qty * 1_000));
    Message { clock, record, action, side: Some(side), ids: [id, 0], price, qty }
}

#[test]
fn a_minute_made_by_hand() {
    let messages = [
        say(1, 1, 0, 101, 100, 100),
        say(2, 1, 0, 102, 100, 50),
        say(3, 1, 1, 201, 102, 80),
        // 70 of 101, at the head of its queue; then 20 of 102, behind the 30 that are left.
        say(4, 4, 0, 101, 100, 70),
        say(5, 4, 0, 102, 100, 20),
        // A bid below replaces nothing, one at the price replaces both executions.
        say(6, 1, 0, 103, 99, 40),
        say(7, 1, 0, 104, 100, 10),
        say(8, 8, 1, 201, 102, 60),
        say(9, 3, 0, 104, 100, 10),
        say(10, 2, 1, 201, 102, 5),
        say(11, 5, 1, 0, 101, 7),
        say(12, 4, 0, 101, 100, 30),
        // Of an order that nobody told.
        say(13, 3, 1, 999, 105, 9),
        // In the next minute: a fill and what takes it away.
        say(61, 10, 1, 201, 102, 15),
        say(62, 2, 1, 201, 102, 15),
        say(70, 3, 0, 103, 99, 40),
    ];
    let (orders, trades) = stored(&messages, Layout::default());
    let changes = ChangeInputs { orders: &orders, ..ChangeInputs::default() };
    let bars = BarConfig { seconds: vec![60], ..BarConfig::default() };
    let config = FeatureConfig { bars, fleeting_ms: 5_000, ..FeatureConfig::default() };
    let tables = compute(&config, changes, &trades).unwrap();
    assert_eq!(tables.keys().collect::<Vec<_>>(), ["orders_60s"]);
    let rows = &tables["orders_60s"];
    assert_eq!(rows["ts_open"], [0.0, 60e9]);
    for (name, expected) in [
        ("insert_count_bid", [4.0, 0.0]),
        ("insert_volume_bid", [200.0, 0.0]),
        ("insert_volume_ask", [80.0, 0.0]),
        ("cancel_count_bid", [1.0, 1.0]),
        ("cancel_volume_bid", [10.0, 40.0]),
        ("cancel_count_ask", [2.0, 0.0]),
        ("cancel_volume_ask", [14.0, 0.0]),
        ("execute_count_bid", [3.0, 0.0]),
        ("execute_volume_bid", [120.0, 0.0]),
        ("execute_count_ask", [0.0, 1.0]),
        ("execute_volume_ask", [0.0, 15.0]),
        ("update_count_ask", [1.0, 0.0]),
        ("update_added_volume_ask", [60.0, 0.0]),
        ("update_removed_volume_ask", [80.0, 0.0]),
        ("update_count_bid", [0.0, 0.0]),
        ("hidden_volume", [7.0, 0.0]),
        ("arrival_imbalance", [120.0 / 280.0, f64::NAN]),
        ("cancel_to_trade", [1.0, 1.0]),
        // 104 after 2 s, 101 after 11 s, 103 after 64 s; 102 and 201 stay.
        ("resting_time_mean_ns", [77e9 / 3.0, f64::NAN]),
        ("resting_censored_share", [0.4, f64::NAN]),
        ("fleeting_ratio", [10.0 / 280.0, f64::NAN]),
        ("replacement_latency_mean_ns", [2.5e9, f64::NAN]),
        // 0, 30, 0.
        ("queue_ahead_mean", [10.0, 0.0]),
    ] {
        for (found, expected) in rows[name].iter().zip(expected) {
            let is_equal = (found - expected).abs() < 1e-9 * expected.abs().max(1.0);
            assert!(is_equal || (found.is_nan() && expected.is_nan()), "{name}: {found}, not {expected}");
        }
    }
}

#[test]
fn many_short_buckets_are_the_sums_of_long_ones() {
    // More seconds with messages than one pass keeps, orders that end many of them later.
    let count = 9_500_i64;
    let mut messages = Vec::new();
    for n in 0..count {
        messages.push(say(2 * n, 1, (n % 2) as usize, n.unsigned_abs() + 1, 10 * (n % 2), 1 + n % 7));
        if n >= 300 {
            let id = (n - 300).unsigned_abs() + 1;
            messages.push(say(2 * n + 1, 3 + n % 2, ((n - 300) % 2) as usize, id, 10 * (n % 2), 1 + (n - 300) % 7));
        }
    }
    let (orders, trades) = stored(&messages, Layout::default());
    let changes = ChangeInputs { orders: &orders, ..ChangeInputs::default() };
    let bars = BarConfig { seconds: vec![1, 3_600], dense: true, ..BarConfig::default() };
    let tables = compute(&FeatureConfig { bars, ..FeatureConfig::default() }, changes, &trades).unwrap();
    let (short, long) = (&tables["orders_1s"], &tables["orders_3600s"]);
    assert_eq!(short["ts_open"].len() as i64, 2 * count);
    for name in ["insert_count_bid", "insert_volume_ask", "cancel_volume_bid", "execute_count_ask", "cancel_count_ask"]
    {
        for (hour, label) in long["ts_open"].iter().enumerate() {
            let inside =
                short["ts_open"].iter().zip(&short[name]).filter(|(open, _)| (0.0..3.6e12).contains(&(*open - label)));
            let sum: f64 = inside.map(|(_, value)| value).sum();
            assert_eq!(sum, long[name][hour], "{name} in hour {hour}");
        }
    }
    let ended = short["resting_time_mean_ns"].iter().filter(|ns| !ns.is_nan()).count();
    assert_eq!(ended as i64, count - 300);
    assert!(short["resting_time_mean_ns"].iter().all(|ns| ns.is_nan() || *ns == 601e9));
    assert_eq!(short["resting_censored_share"].iter().filter(|share| **share == 1.0).count(), 300);
}

#[test]
fn tables_and_columns_are_chosen_and_orders_alone_are_enough() {
    let messages = [say(1, 1, 0, 1, 10, 1), say(2, 4, 0, 1, 10, 1)];
    let (orders, trades) = stored(&messages, Layout::default());
    let changes = ChangeInputs { orders: &orders, ..ChangeInputs::default() };
    let of = |tables: &[&str], features: &[&str]| {
        let features = features.iter().map(|s| (*s).to_owned()).collect();
        compute(&FeatureConfig { features, ..config(tables) }, changes, &trades).unwrap()
    };
    assert_eq!(of(&[], &[]).keys().collect::<Vec<_>>(), ["orders_10s", "orders_2s", "orders_30s"]);
    let chosen = of(&["orders_10s"], &["orders.execute_*", "fleeting_ratio"]);
    let columns: Vec<&String> = chosen["orders_10s"].keys().collect();
    let expected =
        ["execute_count_ask", "execute_count_bid", "execute_volume_ask", "execute_volume_bid", "fleeting_ratio"];
    assert_eq!(columns[..5], expected);
    assert_eq!((chosen.len(), columns.len()), (1, 6));
    // Without changes no column stands for them.
    let trade = Message { action: 0, ids: [8, 9], side: None, ..say(1, 0, 0, 0, 10, 1) };
    let (_, trades) = stored(&[trade], Layout::default());
    let tables = compute(&config(&["bars"]), ChangeInputs::default(), &trades).unwrap();
    assert!(!tables["bars_2s"].contains_key("ofi_event_sum") && tables["bars_2s"].contains_key("volume"));
}

/// What a venue tells of an order is what it has left: less of it, or nothing at its end, was traded.
#[test]
fn orders_that_tell_what_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store").to_str().unwrap().to_owned();
    let header = "id,timestamp,exchange.timestamp,price,volume,action,direction\n";
    let lines = [
        "1,1430438401000,1430438401000,236.5,1000000000,created,bid",
        "2,1430438402000,1430438402000,237.5,2000000000,created,ask",
        // Comes to trade with 2, which is told of first.
        "3,1430438403000,1430438403000,237.5,500000000,created,bid",
        "2,1430438403100,1430438403000,237.5,1500000000,changed,ask",
        "3,1430438403200,1430438403000,237.5,0,deleted,bid",
        "2,1430438404000,1430438404000,237.5,0,deleted,ask",
        "1,1430438405000,1430438405000,236.5,1000000000,deleted,bid",
    ];
    let path = folder.path().join("orders.csv");
    std::fs::write(&path, header.to_owned() + &lines.join("\n") + "\n").unwrap();
    good(&["import", path.to_str().unwrap(), "--store", &store, "--security", "BTCUSD"]);
    let printed = good(&["compute", "--store", &store, "--tables", "orders_60s", "--plain"]);
    assert!(printed.contains("published orders_60s bitstamp BTCUSD 2015-05-01 1"), "{printed}");
    assert!(printed.contains("change_rows_in=7"), "{printed}");
    let columns = "insert_count_bid,insert_count_ask,cancel_count_bid,cancel_count_ask,execute_count_bid,execute_count_ask,execute_volume_ask";
    let of = ["--set", "default", "--table", "orders_60s", "--columns", columns, "--format", "csv"];
    let text = good(&[&["cat", "--store", &store][..], &of].concat());
    let row: Vec<f64> = text.lines().nth(1).unwrap().split(',').map(|cell| cell.parse().unwrap()).collect();
    assert_eq!(row, [1.0, 1.0, 1.0, 0.0, 0.0, 2.0, 20.0]);
}
