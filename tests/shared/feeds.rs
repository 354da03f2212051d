//! Captured feeds: what became of every record of every file, Binance against a slow twin, sides against what the venues say.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use hftcol::input::{InputLimits, Source};
use hftcol::vendor::{Selection, SourceOptions};
use serde_json::Value;

use crate::captures::{parse, select_as};
use crate::shared;
use crate::sources::{Parsed, choose, chunked, open, read};

/// Rows of the six tables in rank order: orders, deltas, trades, quotes, book, ohlcv.
type Rows = [usize; 6];

/// Records, rows, records skipped by rule. No record of these files is rejected.
const FILES: [(&str, u64, Rows, u64); 20] = [
    ("binance_ws/usdm/btcusdt_20230404.dat.gz", 13_384, [0, 68_278, 2_197, 6_765, 0, 0], 99),
    ("binance_ws/usdm/btcusdt_20240718.gz", 11_414, [0, 77_704, 974, 7_113, 0, 0], 0),
    ("binance_ws/spot/btcusdt_20240808.gz", 41_249, [0, 126_090, 9_757, 28_040, 0, 0], 0),
    ("binance_ws/cm/btcusd_perp_20240808.gz", 48_270, [0, 298_013, 2_286, 19_136, 0, 0], 0),
    ("binance_ws_2020/ETHBTC/2020-11-01T09-00-00_trades.json.gz", 1_737, [0, 0, 1_736, 0, 0, 0], 1),
    ("binance_ws_2020/ETHBTC/2020-11-01T09-00-00_update.json.gz", 3_601, [0, 67_601, 0, 0, 0, 0], 1),
    ("coinbase_gdax/last_match.csv", 2, [0, 0, 1, 0, 0, 0], 1),
    ("coinbase_gdax/match.csv", 257, [0, 0, 256, 0, 0, 0], 1),
    ("coinbase_gdax/raw_mongo_input.csv.gz", 18_354, [0, 46_335, 257, 0, 0, 0], 3),
    ("cryptofeed_raw/BINANCE_FUTURES.jsonl.zst", 1_542, [0, 11_910, 91, 613, 0, 4], 66),
    ("cryptofeed_raw/BITFINEX.jsonl.zst", 1_720, [0, 2_926, 210, 21, 0, 0], 92),
    ("cryptofeed_raw/BITSTAMP.jsonl.zst", 780, [0, 11_434, 10, 0, 0, 0], 43),
    ("cryptofeed_raw/COINBASE.jsonl.zst", 1_038, [0, 74_193, 279, 160, 0, 204], 38),
    ("cryptofeed_raw/DERIBIT.jsonl.zst", 143, [0, 149, 0, 89, 0, 0], 9),
    ("cryptofeed_raw/GATEIO.jsonl.zst", 274, [0, 2_887, 9, 22, 0, 14], 47),
    ("cryptofeed_raw/KRAKEN.jsonl.zst", 4_438, [0, 11_745, 10, 18, 0, 0], 133),
    ("cryptofeed_raw/OKX.jsonl.zst", 440, [0, 8_264, 74, 28, 0, 0], 48),
    ("cryptofeed_raw_old/BITMEX.ws.1.0.gz", 2_124, [14_343, 0, 27, 436, 0, 0], 35),
    ("cryptofeed_raw_old/COINBASE.ws.28.0.gz", 9_952, [0, 18_081, 107, 107, 0, 0], 9),
    ("hyperliquid_ws/btcusd_20250126.gz", 55, [0, 0, 64, 0, 46, 0], 0),
];

fn counts(parsed: &Parsed) -> Rows {
    ["orders", "deltas", "trades", "quotes", "book", "ohlcv"].map(|table| parsed.count(table))
}

fn print(file: &str, parsed: &Parsed) {
    let rows = counts(parsed);
    let [skipped, rejected] = [parsed.skipped.values().sum(), parsed.rejects.len() as u64];
    println!(
        "{file}: {} records, rows {rows:?}, {skipped} skipped {:?}, {rejected} rejected",
        parsed.records, parsed.skipped
    );
}

#[test]
fn every_record_of_every_file_has_its_fate() {
    for (file, records, rows, skipped) in FILES {
        let parsed = parse(&shared(file), &InputLimits::default());
        parsed.check();
        print(file, &parsed);
        assert_eq!(parsed.rejects, [], "{file}");
        let found = (parsed.records, counts(&parsed), parsed.skipped.values().sum());
        assert_eq!(found, (records, rows, skipped), "{file}");
    }
}

#[test]
fn where_chunks_are_cut_does_not_matter() {
    for file in [
        "binance_ws/usdm/btcusdt_20240718.gz",
        "binance_ws_2020/ETHBTC/2020-11-01T09-00-00_trades.json.gz",
        "cryptofeed_raw/BITFINEX.jsonl.zst",
    ] {
        let path = shared(file);
        let whole = parse(&path, &InputLimits::default());
        for bytes in [1_000, 70_001] {
            assert_eq!(parse(&path, &chunked(bytes)), whole, "{file} in chunks of {bytes}");
        }
    }
}

/// A file, read by the dialect of a name.
fn named(format: &str, file: &str) -> hftcol::error::Result<Parsed> {
    let path = shared(file);
    let limits = InputLimits::default();
    match select_as(format, &path, "BTC-USD")? {
        Selection::Source(selected) => Ok(read(Source::open(&path, &limits)?, &selected, &limits)?.0),
        Selection::ReadWith(first) => panic!("read with {}", first.display()),
    }
}

#[test]
fn tables_of_coinbase_are_the_messages_of_its_export() {
    let export = parse(&shared("coinbase_gdax/raw_mongo_input.csv.gz"), &InputLimits::default());
    let changes = named("coinbase", "coinbase_gdax/l2update.csv.gz").unwrap();
    print("coinbase_gdax/l2update.csv.gz", &changes);
    // All but the places in the source.
    let values = |row: &String| -> Vec<String> {
        row.split(' ').enumerate().filter(|(at, _)| *at != 5).map(|(_, part)| part.to_owned()).collect()
    };
    let of_export: Vec<_> =
        export.rows["deltas"].iter().filter(|r| r.contains(" 0 1|") || r.contains(" 0 -1|")).collect();
    assert_eq!((of_export.len(), changes.count("deltas")), (18_093, 18_093));
    for (a, b) in of_export.into_iter().zip(&changes.rows["deltas"]) {
        assert_eq!(values(a), values(b));
    }
    let matches = parse(&shared("coinbase_gdax/match.csv"), &InputLimits::default());
    for (a, b) in export.rows["trades"][1..].iter().zip(&matches.rows["trades"]) {
        assert_eq!(values(a), values(b));
    }
}

#[test]
fn what_has_no_time_is_refused() {
    for file in ["coinbase_gdax/snapshot_bids.csv", "coinbase_gdax/request_log.csv"] {
        assert_eq!(named("coinbase", file).unwrap_err().exit_code(), 3, "{file}");
    }
    let error = named("binance", "binance_ws_2020/ETHBTC/2020-11-01T09-00-00_snapshot.json").unwrap_err();
    assert_eq!(error.exit_code(), 3);
    println!("{error}");
}

/// The one file of a zip archive that holds it as it is.
fn unzipped(path: &Path) -> Vec<u8> {
    let bytes = std::fs::read(path).unwrap();
    let number = |at: usize| usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
    assert_eq!(number(8), 0, "not compressed");
    let start = 30 + number(26) + number(28);
    bytes[start..start + number(18) + (number(20) << 16)].to_vec()
}

#[test]
fn books_of_bybit() {
    let text = unzipped(&shared("bybit_ob500/xrpusdt-ob500.data.zip"));
    let limits = InputLimits::default();
    let selected = choose("auto", "x", &text, &SourceOptions::default()).unwrap();
    let parsed = read(open("x", &text, &limits).unwrap(), &selected, &limits).unwrap().0;
    print("bybit_ob500", &parsed);
    let mut levels = 0;
    for line in text.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
        let message: Value = serde_json::from_slice(line).unwrap();
        levels += ["b", "a"].iter().map(|side| message["data"][side].as_array().unwrap().len()).sum::<usize>();
    }
    assert_eq!((parsed.records, parsed.rejects.len(), parsed.count("deltas")), (50, 0, levels));
    assert_eq!(parsed.rows["deltas"].iter().filter(|r| r.contains(" 1 1|") || r.contains(" 1 -1|")).count(), 1_000);
}

/// Decimal text without the zeros that say nothing.
fn plain(text: &str) -> String {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text.to_owned() }
}

/// The rows of a Binance capture, from serde_json's values.
fn twin(text: &str, venue: &str, security: &str) -> BTreeMap<&'static str, Vec<String>> {
    let mut rows: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    for (record, line) in text.lines().enumerate() {
        let (stamp, json) = line.split_once(' ').unwrap();
        let recv = format!("{stamp:0<19}");
        let message: Value = serde_json::from_str(json).unwrap();
        let body = message.get("data").unwrap_or(&message);
        let of = |key: &str| body[key].as_str().map(plain).unwrap_or_default();
        let ms = |key: &str| body[key].as_u64().map(|ms| format!("{ms}000000"));
        let date = |event: &Option<String>| {
            let nanos: i64 = event.as_ref().unwrap_or(&recv).parse().unwrap();
            hftcol::units::Date(i32::try_from(nanos.div_euclid(86_400_000_000_000)).unwrap()).to_string()
        };
        let mut push = |table, event: Option<String>, sequence: String, sub: usize, values: String| {
            let (day, event) = (date(&event), event.unwrap_or_else(|| "-".to_owned()));
            let row = format!("{venue}/{security} {day} {event} {recv} {sequence} {record}.{sub} {values}");
            rows.entry(table).or_default().push(row);
        };
        let depth = body["e"] == "depthUpdate";
        if depth || body.get("lastUpdateId").is_some() {
            let keys = if depth { ["u", "b", "a"] } else { ["lastUpdateId", "bids", "asks"] };
            let levels = |key: &str| body[key].as_array().unwrap().clone();
            let sides = [(1, levels(keys[1])), (-1, levels(keys[2]))];
            let all = sides.iter().flat_map(|(side, list)| list.iter().map(move |level| (side, level)));
            for (sub, (side, level)) in all.enumerate() {
                let event = ms("E").or_else(|| Some(recv.clone()));
                let pair = [&level[0], &level[1]].map(|v| plain(v.as_str().unwrap()));
                let snapshot = u8::from(!depth);
                // Futures say the number before, spot the first of a message.
                let number = |key: &str| body.get(key).and_then(Value::as_u64);
                let before = number("pu").or_else(|| Some(number("U")? - 1)).map_or(String::new(), |n| format!(" {n}"));
                push(
                    "deltas",
                    event,
                    body[keys[0]].to_string(),
                    sub,
                    format!("{snapshot} {side}{before}||{} {}", pair[0], pair[1]),
                );
            }
        } else if body["e"] == "trade" {
            let side = if body["m"] == true { -1 } else { 1 };
            push("trades", ms("T"), "-".to_owned(), 0, format!("{side}|{}|{} {}", body["t"], of("p"), of("q")));
        } else if body.get("B").is_some() {
            let values = format!("||{} {} {} {}", of("b"), of("B"), of("a"), of("A"));
            push("quotes", ms("E"), body["u"].to_string(), 0, values);
        }
    }
    rows
}

#[test]
fn captures_of_binance_against_the_twin() {
    for (file, venue, security) in [
        ("binance_ws/usdm/btcusdt_20230404.dat.gz", "binance-futures", "BTCUSDT"),
        ("binance_ws/usdm/btcusdt_20240718.gz", "binance-futures", "BTCUSDT"),
        ("binance_ws/spot/btcusdt_20240808.gz", "binance", "BTCUSDT"),
        ("binance_ws/cm/btcusd_perp_20240808.gz", "binance-delivery", "BTCUSD_PERP"),
    ] {
        let path = shared(file);
        let mut text = String::new();
        flate2::read::MultiGzDecoder::new(std::fs::File::open(&path).unwrap()).read_to_string(&mut text).unwrap();
        let (twin, parsed) = (twin(&text, venue, security), parse(&path, &InputLimits::default()));
        assert_eq!(twin.keys().collect::<Vec<_>>(), parsed.rows.keys().collect::<Vec<_>>());
        let mut compared = 0;
        for (table, rows) in &twin {
            assert_eq!(rows.len(), parsed.count(table), "{file} {table}");
            for (a, b) in rows.iter().zip(&parsed.rows[table]) {
                assert_eq!(a, b, "{file} {table}");
                compared += 1;
            }
        }
        println!("{file}: {compared} rows equal the twin's");
    }
}

#[test]
fn the_side_of_a_match_is_against_its_maker() {
    // A ticker of the older feed tells the same trade with the taker's side.
    let path = shared("cryptofeed_raw_old/COINBASE.ws.28.0.gz");
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(std::fs::File::open(&path).unwrap()).read_to_string(&mut text).unwrap();
    let mut takers = BTreeMap::new();
    for line in text.lines().filter(|line| line.contains("\"type\":\"ticker\"")) {
        let ticker: Value = serde_json::from_str(line.split_once(": ").unwrap().1).unwrap();
        let key = (ticker["product_id"].as_str().unwrap().to_owned(), ticker["trade_id"].to_string());
        takers.insert(key, if ticker["side"] == "buy" { "1" } else { "-1" });
    }
    let parsed = parse(&path, &InputLimits::default());
    let mut compared = 0;
    for row in &parsed.rows["trades"] {
        let (head, rest) = row.split_once('|').unwrap();
        let security = head.split(['/', ' ']).nth(1).unwrap().to_owned();
        let id = rest.split('|').next().unwrap().to_owned();
        if let Some(taker) = takers.get(&(security, id)) {
            assert_eq!(head.rsplit(' ').next(), Some(*taker), "{row}");
            compared += 1;
        }
    }
    println!("{compared} trades compared");
    assert!(compared > 90);
}
