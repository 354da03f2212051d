//! Captured messages of Binance, Coinbase, Hyperliquid and Bybit: values by hand, every cut, bad input.

use hftcol::input::InputLimits;
use hftcol::vendor::SourceOptions;

use crate::sources::{Parsed, choose, chunked, open, parse, read};

const SPOT: &str = include_str!("../data/feeds/binance_spot.txt");
const USDM: &str = include_str!("../data/feeds/binance_usdm.txt");
const COINM: &str = include_str!("../data/feeds/binance_cm.txt");
const HYPERLIQUID: &str = include_str!("../data/feeds/hyperliquid.txt");
const MATCHES: &str = include_str!("../data/feeds/coinbase_match.csv");
const EXPORT: &str = include_str!("../data/feeds/coinbase_export.csv");
/// A capture of Bybit by hand.
const BYBIT: &str = concat!(
    r#"{"topic":"orderbook.500.XRPUSDT","type":"snapshot","ts":1733011200691,"data":{"s":"XRPUSDT","b":[["1.9531","6203"],["1.953","2409"]],"a":[["1.9532","7"]],"u":20254869,"seq":130020238981},"cts":1733011200589}"#,
    "\n",
    r#"{"topic":"orderbook.500.XRPUSDT","type":"delta","ts":1733011200693,"data":{"s":"XRPUSDT","b":[["1.9531","0"]],"a":[],"u":20254870,"seq":130020239261},"cts":1733011200691}"#,
    "\n",
    r#"{"topic":"publicTrade.XRPUSDT","type":"snapshot","ts":1733011200700,"data":[{"T":1733011200698,"s":"XRPUSDT","S":"Sell","v":"12","p":"1.9530","L":"PlusTick","i":"20f43950-d8dd-5b31-9112-a178eb6023af","BT":false}]}"#,
    "\n",
    r#"{"success":true,"ret_msg":"","conn_id":"x","req_id":"1","op":"subscribe"}"#,
    "\n",
    r#"{"topic":"kline.5.XRPUSDT","type":"snapshot","ts":1733011500000,"data":[{"start":1733011200000,"end":1733011499999,"interval":"5","open":"1.95","close":"1.96","high":"1.97","low":"1.94","volume":"10","turnover":"19","confirm":true,"timestamp":1733011499990}]}"#,
    "\n",
    r#"{"topic":"kline.5.XRPUSDT","type":"snapshot","ts":1733011500000,"data":[{"start":1733011500000,"end":1733011799999,"interval":"5","open":"1.95","close":"1.96","high":"1.97","low":"1.94","volume":"10","turnover":"19","confirm":false,"timestamp":1733011499990}]}"#,
    "\n",
);
/// A list of Binance events by hand: braces and quotes in strings do not cut it.
const LIST: &str = r#"[{"e": "aggTrade", "E": 1604221202529, "s": "ETHBTC", "a": 178113193, "p": "0.02818200", "q": "2.02000000", "f": 1, "l": 1, "T": 1604221202527, "m": false, "M": true}, {"e": "24hrTicker", "s": "a}\"{"},
 {"e": "aggTrade", "E": 1604221203060, "s": "ETHBTC", "a": 178113194, "p": "0.02818200", "q": "x", "T": 1604221203058, "m": true, "M": true}
,{"e": "depthUpdate", "E": 1604221202123, "s": "ETHBTC", "U": 1, "u": 1737811534, "b": [["0.02818300", "0.00000000"]], "a": []}]
"#;

fn rows(text: &str) -> Parsed {
    with(text, &SourceOptions::default())
}

fn with(text: &str, options: &SourceOptions) -> Parsed {
    parse("x", text.as_bytes(), options, &InputLimits::default()).unwrap()
}

/// Lines to rows, by the name of the dialect.
fn named(format: &str, text: &str) -> Parsed {
    let options = SourceOptions { security: Some("S".to_owned()), ..SourceOptions::default() };
    let selected = choose(format, "x", text.as_bytes(), &options).unwrap();
    let limits = InputLimits::default();
    read(open("x", text.as_bytes(), &limits).unwrap(), &selected, &limits).unwrap().0
}

#[test]
fn spot_captures_of_binance() {
    let parsed = rows(SPOT);
    assert_eq!((parsed.count("deltas"), parsed.count("quotes"), parsed.count("trades")), (49, 4, 4));
    assert_eq!(
        parsed.first("deltas"),
        "binance/BTCUSDT 2024-08-08 1723161255208000000 1723161253937085768 50093239202 0.0 0 1 50093239188||61737.63 0"
    );
    assert_eq!(
        parsed.rows["deltas"][3],
        "binance/BTCUSDT 2024-08-08 1723161255208000000 1723161253937085768 50093239202 0.3 0 -1 50093239188||61837.64 1.54698"
    );
    assert_eq!(
        parsed.first("quotes"),
        "binance/BTCUSDT 2024-08-08 - 1723161254087891268 50093239212 2.0 ||61837.63 3.78826 61837.64 1.54698"
    );
    assert_eq!(
        parsed.first("trades"),
        "binance/BTCUSDT 2024-08-08 1723161255342000000 1723161254087896568 - 3.0 -1|3735683259|61837.63 0.02"
    );
}

#[test]
fn futures_captures_of_binance() {
    let parsed = rows(USDM);
    assert_eq!(
        parsed.first("quotes"),
        "binance-futures/BTCUSDT 2023-04-04 1680652700435000000 1680652700423575000 2710246762461 0.0 ||28145.1 3.868 28145.2 6.887"
    );
    assert_eq!(
        parsed.first("trades"),
        "binance-futures/BTCUSDT 2023-04-04 1680652700452000000 1680652700441533000 - 1.0 -1|3535186032|28145.1 0.002"
    );
    assert_eq!(parsed.skipped["message of another type"], 3, "the mark price");
    let parsed = rows(COINM);
    assert_eq!(
        parsed.first("trades"),
        "binance-delivery/BTCUSD_PERP 2024-08-08 1723161257679000000 1723161256419684465 - 6.0 1|849714402|61804.8 4"
    );
    assert_eq!(
        parsed.first("deltas"),
        "binance-delivery/BTCUSD_PERP 2024-08-08 1723161257440000000 1723161256172216566 1007198631565 0.0 0 1 1007198631198||61773.6 1001"
    );
}

const SNAPSHOT: &str =
    r#"{"lastUpdateId":50093239218,"bids":[["61837.63","3.7"],["61837.62","0.6"]],"asks":[["61837.64","1.5"]]}"#;

#[test]
fn a_rest_snapshot_is_level_changes_at_its_capture_time() {
    let parsed = rows(&format!("{SPOT}1723161254206652067 {SNAPSHOT}\n"));
    assert_eq!(
        parsed.rows["deltas"].iter().filter(|row| row.contains(" 1 1|") || row.contains(" 1 -1|")).collect::<Vec<_>>(),
        [
            "binance/BTCUSDT 2024-08-08 1723161254206652067 1723161254206652067 50093239218 12.0 1 1||61837.63 3.7",
            "binance/BTCUSDT 2024-08-08 1723161254206652067 1723161254206652067 50093239218 12.1 1 1||61837.62 0.6",
            "binance/BTCUSDT 2024-08-08 1723161254206652067 1723161254206652067 50093239218 12.2 1 -1||61837.64 1.5",
        ]
    );
    assert_eq!(parsed.notes["snapshots without a venue time, placed at their capture time"], 1);
    let error = parse("x", SNAPSHOT.as_bytes(), &SourceOptions::default(), &InputLimits::default()).unwrap_err();
    assert_eq!(error.exit_code(), 3, "{error}");
    assert!(error.to_string().contains("neither the venue's nor that of their capture"), "{error}");
    let stamped = format!("1723161254206652067 {SNAPSHOT}\n");
    let limits = InputLimits::default();
    let found = parse("btcusdt_20240808.gz", stamped.as_bytes(), &SourceOptions::default(), &limits).unwrap();
    assert!(found.first("deltas").starts_with("binance/BTCUSDT "), "the name of the file says the security");
    let found = parse("x", stamped.as_bytes(), &SourceOptions::default(), &limits).unwrap();
    assert_eq!(found.rejects[0].column, "security");
}

#[test]
fn streams_that_tell_the_whole_best_levels_are_books() {
    let text = concat!(
        r#"{"stream":"bnbusdt@depth5","data":{"lastUpdateId":7,"bids":[["2","1"],["1","3"]],"asks":[["3","0"]]}}"#,
        "\n",
        r#"{"stream":"bnbusdt@depth20@100ms","data":{"e":"depthUpdate","E":1680652700594,"T":1680652700586,"s":"BNBUSDT","U":1,"u":9,"pu":0,"b":[["2","1"]],"a":[["3","4"]]}}"#,
        "\n",
        r#"{"result":null,"id":1}"#,
        "\n",
        r#"{"stream":"bnbusdt@kline_1m","data":{"e":"kline","E":1680652740001,"s":"BNBUSDT","k":{"t":1680652680000,"T":1680652739999,"s":"BNBUSDT","i":"1m","o":"1.10","c":"1.2","h":"1.3","l":"1","v":"5","x":true}}}"#,
        "\n",
    );
    let text: String = text.lines().map(|line| format!("1680652700600379000 {line}\n")).collect();
    let parsed = rows(&text);
    assert_eq!(
        parsed.rows["book"],
        [
            "binance-futures/BNBUSDT 2023-04-04 1680652700600379000 1680652700600379000 7 0.0 ||2 1 - - 1 3",
            "binance-futures/BNBUSDT 2023-04-04 1680652700594000000 1680652700600379000 9 1.0 ||2 1 3 4",
        ]
    );
    assert_eq!(
        parsed.first("ohlcv"),
        "binance-futures/BNBUSDT 2023-04-04 1680652680000000000 1680652700600379000 - 3.0 60000000000||1.1 1.3 1 1.2 5"
    );
    assert_eq!(parsed.skipped["answer to a request"], 1);
}

#[test]
fn aggregated_trades_beside_the_trades_are_left_out() {
    let agg = r#"{"e":"aggTrade","E":1604221202529,"s":"BTCUSDT","a":1,"p":"1","q":"2","f":1,"l":1,"T":1604221202527,"m":true,"M":true}"#;
    let trade =
        r#"{"e":"trade","E":1604221202529,"s":"BTCUSDT","t":5,"p":"1","q":"2","T":1604221202527,"m":true,"M":true}"#;
    let parsed = rows(&format!("{agg}\n{trade}\n{agg}\n"));
    assert_eq!(parsed.rows["trades"], ["binance/BTCUSDT 2020-11-01 1604221202527000000 - - 1.0 -1|5|1 2"]);
    assert_eq!(parsed.skipped["aggregated trade beside the trades"], 2);
    assert_eq!(rows(&format!("{agg}\n{agg}\n")).count("trades"), 2);
    let none = trade.replace("\"M\":true", "\"X\":\"NA\"");
    assert_eq!(rows(&format!("{trade}\n{none}\n")).skipped["entry that is no trade"], 1);
}

#[test]
fn a_list_is_cut_into_its_objects() {
    let parsed = rows(LIST);
    assert_eq!((parsed.records, parsed.stored, parsed.rejects.len()), (5, 2, 1));
    assert_eq!(
        parsed.first("trades"),
        "binance/ETHBTC 2020-11-01 1604221202527000000 - - 0.0 1|178113193|0.028182 2.02"
    );
    assert_eq!(
        parsed.first("deltas"),
        "binance/ETHBTC 2020-11-01 1604221202123000000 - 1737811534 3.0 0 1 0||0.028183 0"
    );
    assert_eq!((parsed.skipped["end of the list"], parsed.skipped["message of another type"]), (1, 1));
    assert_eq!(parsed.rejects[0].column, "qty");
    assert!(parsed.rejects[0].head.starts_with(b",\n {\"e\": \"aggTrade\""));
}

#[test]
fn csv_files_of_binance() {
    let limits = InputLimits::default();
    let file = |name: &str, text: &str| parse(name, text.as_bytes(), &SourceOptions::default(), &limits).unwrap();
    let spot = file(
        "BTCUSDT-trades-2025-01-01.csv",
        "7,93576.00,0.001,93.576,1735689600010866,True,True\n8,93576.01,2,187152.02,1735689600010867,False,True\n",
    );
    assert_eq!(
        spot.rows["trades"],
        [
            "binance/BTCUSDT 2025-01-01 1735689600010866000 - - 0.0 -1|7|93576 0.001",
            "binance/BTCUSDT 2025-01-01 1735689600010867000 - - 1.0 1|8|93576.01 2",
        ]
    );
    let header = "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\n";
    let perp = file("BTCUSD_PERP-aggTrades-2024-08-08.csv", &format!("{header}9,61804.8,4,1,1,1723161257679,false\n"));
    assert_eq!(
        perp.first("trades"),
        "binance-delivery/BTCUSD_PERP 2024-08-08 1723161257679000000 - - 1.0 1|9|61804.8 4"
    );
    assert_eq!(perp.skipped["header"], 1);
    let futures = file("ETHUSDT-aggTrades-2024-08-08.csv", "9,2500.8,4,1,1,1723161257679,true\n");
    assert_eq!(futures.first("trades"), "binance-futures/ETHUSDT 2024-08-08 1723161257679000000 - - 0.0 -1|9|2500.8 4");
    // As a member of the archive that it is downloaded in.
    let member = "BTCUSDT-trades-2025-01-01.zip!BTCUSDT-trades-2025-01-01.csv";
    let member = file(member, "7,93576.00,0.001,93.576,1735689600010866,True,True\n");
    assert_eq!(member.rows["trades"][0], spot.rows["trades"][0]);
    let unnamed =
        parse("x", b"7,93576.00,0.001,93.576,1735689600010866,True,True\n", &SourceOptions::default(), &limits);
    assert_eq!(unnamed.unwrap_err().exit_code(), 3, "cells alone do not say what they are");
}

#[test]
fn quotes_and_bars_of_binance() {
    let limits = InputLimits::default();
    let file = |name: &str, text: &str| parse(name, text.as_bytes(), &SourceOptions::default(), &limits).unwrap();
    let quotes = file(
        "BTCUSDT-bookTicker-2023-01-01.csv",
        "update_id,best_bid_price,best_bid_qty,best_ask_price,best_ask_qty,transaction_time,event_time\n\
         3819899,16537.1,5.2,16537.2,3.1,1672531200012,1672531200020\n",
    );
    assert_eq!(
        quotes.first("quotes"),
        "binance-futures/BTCUSDT 2023-01-01 1672531200020000000 - 3819899 1.0 ||16537.1 5.2 16537.2 3.1"
    );
    let bar = "1704067200000,42283.58000000,42298.62000000,42261.02000000,42298.61000000,35.92724000,1704067259999,1519032.3,1327,23.1,980394.5,0\n";
    let spot = file("BTCUSDT-1m-2024-01-01.csv", bar);
    assert_eq!(
        spot.first("ohlcv"),
        "binance/BTCUSDT 2024-01-01 1704067200000000000 - - 0.0 -||42283.58 42298.62 42261.02 42298.61 35.92724"
    );
    let header = "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore\n";
    let futures =
        "1704067200000,42314.00,42335.80,42289.60,42331.90,289.641,1704067259999,12256155.2,3310,175.2,7414459.8,0\n";
    let row = "42314 42335.8 42289.6 42331.9 289.641";
    let headed = file("BTCUSDT-1m-2024-01-01.csv", &format!("{header}{futures}"));
    assert!(headed.first("ohlcv").starts_with("binance-futures/BTCUSDT "), "{}", headed.first("ohlcv"));
    assert!(headed.first("ohlcv").ends_with(row));
    assert_eq!(
        file("BTCUSDT-4h-2021-01.csv", futures).first("ohlcv").split(' ').next(),
        Some("binance-futures/BTCUSDT")
    );
    assert_eq!(file("BTCUSD_PERP-1mo-2021.csv", futures).first("ohlcv").split('/').next(), Some("binance-delivery"));
    let unnamed = parse("bars.csv", bar.as_bytes(), &SourceOptions::default(), &limits);
    assert_eq!(unnamed.unwrap_err().exit_code(), 3, "cells alone do not say what they are");
}

#[test]
fn csv_files_of_bybit() {
    let header = "timestamp,symbol,side,size,price,tickDirection,trdMatchID,grossValue,homeNotional,foreignNotional\n";
    let rows = rows(&format!(
        "{header}1704067200.1234,BTCUSDT,Buy,0.003,42313.9,PlusTick,b7b1-4c,1.26e+10,0.003,126.9\n\
         1704067201,BTCUSDT,Sell,1,42313.8,MinusTick,b7b1-4d,4.2e+12,1,42313.8\n"
    ));
    assert_eq!(
        rows.rows["trades"],
        [
            "bybit/BTCUSDT 2024-01-01 1704067200123400000 - - 1.0 1|b7b1-4c|42313.9 0.003",
            "bybit/BTCUSDT 2024-01-01 1704067201000000000 - - 2.0 -1|b7b1-4d|42313.8 1",
        ]
    );
}

#[test]
fn matches_name_the_makers_side() {
    let parsed = rows(MATCHES);
    assert_eq!(
        parsed.rows["trades"][..2],
        [
            "coinbase/BTC-USD 2018-04-17 1523926511045000000 - 5693130267 1.0 -1|41766821|8042.9 0.1552",
            "coinbase/BTC-USD 2018-04-17 1523926536145000000 - 5693131676 2.0 1|41766822|8042.91 0.0151",
        ]
    );
}

#[test]
fn exports_of_coinbase_messages() {
    let snapshot = "5ad545e5e3ae712cb8091acb,\"[['8042.91', '10.65'], ['8043', '2']]\",\"[['8042.9', '9.1']]\",,,,,,BTC-USD,,,,,,,,snapshot\n";
    let parsed = rows(&format!("{EXPORT}{snapshot}"));
    assert_eq!(
        parsed.rows["trades"][0],
        "coinbase/BTC-USD 2018-04-17 1523926497887000000 - 5693129275 1.0 1|41766820|8042.91 0.6535"
    );
    assert_eq!(
        parsed.rows["deltas"],
        [
            "coinbase/BTC-USD 2018-04-17 1523926504358000000 - - 4.0 0 1||8041.33 0",
            "coinbase/BTC-USD 2018-04-17 1523926504375000000 - - 5.0 0 1||8041.43 0.02",
            "coinbase/BTC-USD 2018-04-17 1523926504395000000 - - 6.0 0 1||7940.12 0",
            "coinbase/BTC-USD 2018-04-17 1523926501000000000 1523926501000000000 - 9.0 1 1||8042.9 9.1",
            "coinbase/BTC-USD 2018-04-17 1523926501000000000 1523926501000000000 - 9.1 1 -1||8042.91 10.65",
            "coinbase/BTC-USD 2018-04-17 1523926501000000000 1523926501000000000 - 9.2 1 -1||8043 2",
        ]
    );
    assert_eq!((parsed.skipped["header"], parsed.skipped["answer to a request"]), (1, 2));
}

#[test]
fn level_changes_of_coinbase_are_read_when_named() {
    let text = "side,price,size,time\nbuy,8041.33,0,2018-04-17T00:55:04.358Z\nsell,8042,1.5,2018-04-17T00:55:05Z\n";
    assert_eq!(
        named("coinbase", text).rows["deltas"],
        [
            "coinbase/S 2018-04-17 1523926504358000000 - - 1.0 0 1||8041.33 0",
            "coinbase/S 2018-04-17 1523926505000000000 - - 2.0 0 -1||8042 1.5",
        ]
    );
    let snapshot = choose("coinbase", "x", b"side,price,size\nsell,8042.91,10.6\n", &SourceOptions::default());
    assert_eq!(snapshot.unwrap_err().exit_code(), 3);
}

#[test]
fn snapshots_of_hyperliquid_are_books() {
    let parsed = rows(HYPERLIQUID);
    assert!(parsed.first("book").starts_with(
        "hyperliquid/BTC 2025-01-26 1737918843542000000 1737918843893903000 - 0.0 ||105055 3.03622 105056 6.34472 105054 0.1428 "
    ));
    assert_eq!(
        parsed.first("trades"),
        "hyperliquid/BTC 2025-01-26 1737918847000000000 1737918847319919000 - 2.0 1|917211710228416|105056 0.02222"
    );
    let few = with(HYPERLIQUID, &SourceOptions { levels: 2, ..SourceOptions::default() });
    assert_eq!(few.first("book").rsplit('|').next().unwrap().split(' ').count(), 8);
    assert_eq!(few.notes["levels beyond --levels, left out"], 72);
}

#[test]
fn books_of_bybit_are_snapshots_and_changes() {
    let parsed = rows(BYBIT);
    assert_eq!(
        parsed.rows["deltas"],
        [
            "bybit/XRPUSDT 2024-12-01 1733011200691000000 - 20254869 0.0 1 1||1.9531 6203",
            "bybit/XRPUSDT 2024-12-01 1733011200691000000 - 20254869 0.1 1 1||1.953 2409",
            "bybit/XRPUSDT 2024-12-01 1733011200691000000 - 20254869 0.2 1 -1||1.9532 7",
            "bybit/XRPUSDT 2024-12-01 1733011200693000000 - 20254870 1.0 0 1 20254869||1.9531 0",
        ]
    );
    assert_eq!(
        parsed.first("trades"),
        "bybit/XRPUSDT 2024-12-01 1733011200698000000 - - 2.0 -1|20f43950-d8dd-5b31-9112-a178eb6023af|1.953 12"
    );
    assert_eq!(
        parsed.first("ohlcv"),
        "bybit/XRPUSDT 2024-12-01 1733011200000000000 - - 4.0 300000000000||1.95 1.97 1.94 1.96 10"
    );
    assert_eq!(parsed.skipped["candle of an interval that is not over"], 1);
}

#[test]
fn every_cut_gives_the_same_rows() {
    for text in [SPOT, HYPERLIQUID, EXPORT, BYBIT, LIST] {
        let whole = rows(text);
        let options = SourceOptions::default();
        let cuts = (1..=text.len() + 1).step_by(if text == LIST { 1 } else { 37 });
        for chunk in cuts {
            let parsed = parse("x", text.as_bytes(), &options, &chunked(chunk)).unwrap();
            assert_eq!(parsed, whole, "chunks of {chunk} bytes");
        }
    }
}

#[test]
fn a_bad_message_is_one_reject_with_its_reason() {
    let trade = |keys: &str| format!(r#"1723161254087896568 {{"e":"trade","s":"BTCUSDT",{keys}}}"#);
    for (line, column, reason) in [
        (trade(r#""T":1723161255342,"t":1,"p":"1","q":"2""#), "m", "a value"),
        (trade(r#""T":1723161255342,"t":1,"p":"x","q":"2","m":true"#), "price", "a decimal number"),
        (trade(r#""T":1723161255342,"t":1,"p":"1","q":"-2","m":true"#), "qty", "zero or more"),
        (trade(r#""T":"soon","t":1,"p":"1","q":"2","m":true"#), "T", "a time as a number"),
        (trade(r#""t":1,"p":"1","q":"2","m":true"#), "ts_event", "a time"),
        (trade(r#""T":1,"T":2,"p":"1","q":"2","m":true"#), "", "each key once"),
        (r#"1723161254087896568 {"e":"trade""#.to_owned(), "", "JSON"),
        (r#"1723161254087896 {"e":"trade"}"#.to_owned(), "ts_recv", "in ns as in the first record"),
        (r#"1723161254087896568 {"x":1}"#.to_owned(), "", "a message of Binance"),
        (
            r#"1723161254087896568 {"e":"depthUpdate","E":1723161255208,"s":"S","u":1,"b":[["1"]],"a":[]}"#.to_owned(),
            "bids",
            "price and size",
        ),
        (
            r#"1723161254087896568 {"e":"depthUpdate","E":1723161255208,"s":"S","u":1.5,"b":[],"a":[]}"#.to_owned(),
            "u",
            "whole number",
        ),
        ("no line of ours".to_owned(), "ts_recv", "a time as a number"),
    ] {
        let parsed = rows(&format!("{SPOT}{line}\n"));
        assert_eq!(parsed.stored, 12, "{line}");
        let [reject] = &parsed.rejects[..] else { panic!("{line}: {:?}", parsed.rejects) };
        assert_eq!((reject.record, &reject.column[..]), (12, column), "{line}: {}", reject.reason);
        assert!(reject.reason.contains(reason), "{line}: {}", reject.reason);
    }
}
