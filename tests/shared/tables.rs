//! Real files of the dialects with one record a line: every record has its fate, and the counts are those of other tools.
//!
//! Zip and xz files are unpacked by Python first: what is in them is tested here, not the container.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use hftcol::input::{InputLimits, Source};
use hftcol::vendor::{Probe, Selection, SourceOptions, select};

use crate::shared;
use crate::sources::{Parsed, choose, chunked, gzip, open, parse, read};

const UNPACK: &str = "import lzma, sys, zipfile\n\
    path = sys.argv[1]\n\
    if path.endswith('.xz'):\n    data = lzma.open(path).read()\n\
    else:\n    archive = zipfile.ZipFile(path)\n    data = archive.read(archive.namelist()[0])\n\
    sys.stdout.buffer.write(data)\n";

/// The bytes of a file, of a zip its first member.
fn bytes(file: &str) -> Vec<u8> {
    let path = shared(file);
    if !file.ends_with(".xz") && !file.ends_with(".zip") {
        return std::fs::read(path).unwrap();
    }
    let output = Command::new("python3").args(["-c", UNPACK]).arg(path).output().expect("python3 unpacks");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn options() -> SourceOptions {
    SourceOptions { security: Some("S".to_owned()), ..SourceOptions::default() }
}

fn rows(file: &str, limits: &InputLimits) -> Parsed {
    parse("x", &bytes(file), &options(), limits).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn print(file: &str, dialect: &str, parsed: &Parsed) {
    let tables: Vec<_> = parsed.rows.iter().map(|(table, rows)| format!("{table} {}", rows.len())).collect();
    println!(
        "{file}: {dialect}, records {}, {}, skipped {:?}, rejected {}, {:?}",
        parsed.records,
        tables.join(", "),
        parsed.skipped,
        parsed.rejects.len(),
        parsed.notes
    );
}

/// File, dialect, table, rows, rejects; records are rows, rejects and one header.
const FILES: [(&str, &str, &str, usize, usize); 9] = [
    ("china_l2/SHorders.zip", "china-l2", "orders", 149_359, 0),
    ("china_l2/SHtrans.zip", "china-l2", "trades", 109_616, 0),
    ("china_l2/tick.zip", "china-l2", "book", 20_980, 0),
    ("china_l2/20200102_SH_trade.csv.gz", "china-l2", "trades", 26_169, 0),
    ("bitflyer/bitflyer.execution.20180127.BTC_JPY.csv.gz", "bitflyer", "trades", 78_606, 291),
    ("bitflyer/bitflyer.execution.20180128.ETH_BTC.csv.gz", "bitflyer", "trades", 5_320, 11),
    ("bitflyer/bitflyer.ticker.20180127.BTC_JPY.csv.gz", "bitflyer", "quotes", 1_392, 18),
    ("bitflyer/bitflyer.ticker.20180128.ETH_BTC.csv.gz", "bitflyer", "quotes", 1_402, 20),
    ("bitstamp_l3/orders.csv.xz", "bitstamp-l3", "orders", 50_414, 0),
];

#[test]
fn every_record_of_every_file_has_its_fate() {
    for (file, dialect, table, expected, rejects) in FILES {
        let selected = choose("auto", "x", &bytes(file), &options()).unwrap();
        assert_eq!(selected.dialect.name(), dialect, "{file}");
        let parsed = rows(file, &InputLimits::default());
        print(file, dialect, &parsed);
        assert_eq!((parsed.count(table), parsed.rejects.len()), (expected, rejects), "{file}");
        assert_eq!(parsed.rows.len(), 1, "{file}");
        assert_eq!(parsed.records as usize, expected + rejects + 1, "{file}");
        assert_eq!(parsed.skipped, BTreeMap::from([("header", 1)]), "{file}");
        assert!(parsed.rejects.iter().all(|reject| reject.column == "ts_event"), "{file}");
        assert!(rows(file, &chunked(60_000)) == parsed, "{file} in small chunks");
    }
}

#[test]
fn the_event_log_says_what_its_csv_says() {
    let log = rows("bitstamp_l3/2015-05-01.log.xz", &InputLimits::default());
    print("bitstamp_l3/2015-05-01.log.xz", "bitstamp-l3", &log);
    let counts = ["orders", "trades", "book"].map(|table| log.count(table));
    assert_eq!((counts, log.records, log.rejects.len()), ([50_414, 575, 5_011], 56_000, 0));
    let csv = rows("bitstamp_l3/orders.csv.xz", &InputLimits::default());
    // All but the record's number; the quantity by itself, in 1e-8.
    let values = |row: &String| {
        let (head, tail) = row.split_once('|').unwrap();
        let (tail, qty) = tail.split_once(' ').unwrap();
        let head: Vec<_> = head.split(' ').map(str::to_owned).collect();
        ((head[1..4].to_vec(), head[6..].to_vec(), tail.to_owned()), (qty.parse::<f64>().unwrap() * 1e8).round())
    };
    for (a, b) in log.rows["orders"].iter().zip(&csv.rows["orders"]) {
        let ((a, a_qty), (b, b_qty)) = (values(a), values(b));
        assert_eq!(a, b);
        // The CSV was made through floats and cut: a quantity of it may lack one unit.
        assert!(a_qty == b_qty || a_qty == b_qty + 1.0, "{a:?}: {a_qty} {b_qty}");
    }
    assert!(rows("bitstamp_l3/2015-05-01.log.xz", &chunked(100_000)) == log);
}

/// A float's text as its shortest decimal of four places.
fn four_places(text: &str) -> String {
    let rounded = format!("{:.4}", text.parse::<f64>().unwrap());
    rounded.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Nanoseconds of a time of day in China on a date whose midnight there is known.
fn china_time(midnight: i64, clock: &str) -> i64 {
    let part = |range: std::ops::Range<usize>| clock[range].parse::<i64>().unwrap();
    let millis = ((part(0..2) * 60 + part(3..5)) * 60 + part(6..8)) * 1_000 + part(9..12);
    (midnight * 1_000 + millis) * 1_000_000
}

#[test]
fn shanghai_orders_equal_a_plain_reading_of_their_lines() {
    const MIDNIGHT: i64 = 1_689_004_800;
    let data = bytes("china_l2/SHorders.zip");
    let parsed = parse("x", &data, &SourceOptions::default(), &InputLimits::default()).unwrap();
    let mut noisy = 0;
    for (at, line) in std::str::from_utf8(&data).unwrap().lines().enumerate().skip(1) {
        let f: Vec<_> = line.split(',').collect();
        let action = if f[8] == "2" { 1 } else { 3 };
        let side = if f[11] == "1" { 1 } else { -1 };
        let (event, recv) = (china_time(MIDNIGHT, f[1]), china_time(MIDNIGHT, &f[6][11..]));
        let price = four_places(f[9]);
        noisy += u64::from(f[9].len() > 12);
        let expected = format!(
            "XSHG/{} 2023-07-11 {event} {recv} {} {at}.0 {action} {side}|{}|{price} {}",
            f[15], f[13], f[14], f[10]
        );
        assert_eq!(parsed.rows["orders"][at - 1], expected);
    }
    assert_eq!(parsed.notes["prices with float noise, rounded to 4 decimals"], noisy);
    assert_eq!(noisy, 90_942);
}

#[test]
fn shanghai_trades_have_the_aggressor_and_name_stored_orders() {
    let orders = rows("china_l2/SHorders.zip", &InputLimits::default());
    let id = |row: &String| row.split('|').nth(1).unwrap().to_owned();
    let known: std::collections::BTreeSet<_> = orders.rows["orders"].iter().map(id).collect();
    let data = bytes("china_l2/SHtrans.zip");
    let parsed = parse("x", &data, &SourceOptions::default(), &InputLimits::default()).unwrap();
    let mut sides = BTreeMap::new();
    for (line, row) in std::str::from_utf8(&data).unwrap().lines().skip(1).zip(&parsed.rows["trades"]) {
        let f: Vec<_> = line.split(',').collect();
        let mut parts = row.split('|');
        let side = parts.next().unwrap().rsplit(' ').next().unwrap();
        assert_eq!(parts.next().unwrap(), format!("{} {} {}", f[7], f[8], f[9]));
        assert_eq!(parts.next().unwrap(), format!("{} {}", four_places(f[12]), f[13]));
        assert!(known.contains(f[8]) || known.contains(f[9]), "{line}");
        // The later of the two orders met the other one.
        let later = if f[8].parse::<u64>().unwrap() > f[9].parse::<u64>().unwrap() { "1" } else { "-1" };
        assert!(side == later || side == "0", "{line}");
        *sides.entry(side.to_owned()).or_insert(0) += 1;
    }
    let expected = [("-1", 58_509), ("0", 1_590), ("1", 49_517)].map(|(side, count)| (side.to_owned(), count));
    assert_eq!(sides, BTreeMap::from(expected));
}

#[test]
fn snapshots_keep_ten_levels_without_noise() {
    let parsed = rows("china_l2/tick.zip", &InputLimits::default());
    assert_eq!(parsed.notes["prices with float noise, rounded to 4 decimals"], 302_806);
    let securities: std::collections::BTreeSet<_> =
        parsed.rows["book"].iter().map(|row| row.split(' ').next().unwrap()).collect();
    assert_eq!(securities.len(), 5);
    assert!(parsed.rows["book"].iter().all(|row| row.starts_with("XSHE/") && !row.contains("99999")));
}

#[test]
fn trades_without_a_market_are_read_when_named() {
    let data = bytes("china_l2/trades.csv.gz");
    assert_eq!(choose("auto", "x", &data, &options()).unwrap_err().exit_code(), 3);
    let selected = choose("china-l2", "x", &data, &options()).unwrap();
    let limits = InputLimits::default();
    let parsed = read(open("x", &data, &limits).unwrap(), &selected, &limits).unwrap().0;
    print("china_l2/trades.csv.gz", "china-l2", &parsed);
    assert_eq!((parsed.count("trades"), parsed.rejects.len(), parsed.records), (31_196, 0, 31_198));
    assert_eq!(parsed.skipped["blank line"], 1);
}

#[test]
fn order_events_are_counted_by_action() {
    let parsed = rows("bitstamp_l3/orders.csv.xz", &InputLimits::default());
    let mut actions = BTreeMap::new();
    for row in &parsed.rows["orders"] {
        let ints = row.split('|').next().unwrap().rsplit(' ').nth(1).unwrap();
        *actions.entry(ints.to_owned()).or_insert(0) += 1;
    }
    let expected = [("1", 24_894), ("3", 24_918), ("8", 602)].map(|(action, count)| (action.to_owned(), count));
    assert_eq!(actions, BTreeMap::from(expected));
}

/// Quotes without a header, date and time in digits: an example of docs/mapping.md.
const DIGITS: &str = "table = \"quotes\"\nheader = false\nvenue = \"fx\"\n[columns]\n\
    ts_event = { column = 1, format = \"digits\" }\nbid_px = 2\nask_px = 3\n";

#[test]
fn ticks_of_foreign_exchange_and_kraken_have_their_mapping() {
    for (file, mapping, table, expected, headers) in [
        ("fx_ticks/data_USDJPY_ticks.csv", Some("fx_ticks.toml"), "quotes", 1_000, 0),
        ("fx_ticks/test_data_quote_tick_data.csv.gz", Some(""), "quotes", 9_500, 0),
        ("fx_ticks/truefx_usdjpy-ticks.csv", None, "quotes", 1_000, 1),
        ("misc_trades/BCHEUR.csv", Some("kraken_trades.toml"), "trades", 148, 0),
    ] {
        let manual = |name| Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/examples").join(name);
        let mapping = mapping.map(|name| match name {
            "" => Arc::from(DIGITS),
            name => Arc::from(std::fs::read_to_string(manual(name)).unwrap()),
        });
        let options = SourceOptions { mapping, ..options() };
        let limits = InputLimits::default();
        let path = shared(file);
        let mut source = Source::open(&path, &limits).unwrap();
        let probe = Probe { path: &path, head: source.head(), siblings: &[] };
        let Selection::Source(selected) = select("auto", &probe, &options).unwrap() else { panic!("{file}") };
        let parsed = read(Source::open(&path, &limits).unwrap(), &selected, &limits).unwrap().0;
        print(file, selected.dialect.name(), &parsed);
        assert_eq!((parsed.count(table), parsed.rejects.len()), (expected, 0), "{file}");
        assert_eq!(parsed.records as usize, expected + headers, "{file}");
    }
}

#[test]
fn copies_without_a_header_are_refused() {
    for (file, ..) in FILES {
        let mut text = Vec::new();
        let data = bytes(file);
        let mut source = open("x", &data, &InputLimits::default()).unwrap();
        text.extend_from_slice(source.head());
        let end = text.iter().rposition(|b| *b == b'\n').unwrap();
        let start = text.iter().position(|b| *b == b'\n').unwrap();
        let found = choose("auto", "x", &gzip(&text[start + 1..=end]), &options());
        assert!(found.as_ref().is_err_and(|error| error.exit_code() == 3), "{file}: {found:?}");
    }
}

/// Schemas of which a file is a table of ours, with the table; the others are refused.
const BINARY: [(&str, &str); 9] = [
    ("mbo", "orders"),
    ("mbp-1", "quotes"),
    ("mbp-10", "book"),
    ("ohlcv-1d", "ohlcv"),
    ("ohlcv-1h", "ohlcv"),
    ("ohlcv-1m", "ohlcv"),
    ("ohlcv-1s", "ohlcv"),
    ("tbbo", "quotes"),
    ("trades", "trades"),
];

#[test]
fn binary_files_of_every_version_are_read_or_refused() {
    let mut read_files = 0;
    for entry in std::fs::read_dir(shared("databento/dbn_tests")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let schema = name.split('.').nth(1).unwrap();
        let data = std::fs::read(&path).unwrap();
        let table = BINARY.iter().find(|(known, _)| *known == schema).map(|(_, table)| *table);
        let Some(table) = table else {
            let error = choose("auto", "x", &data, &SourceOptions::default()).unwrap_err();
            assert_eq!(error.exit_code(), 3, "{name}");
            println!("databento/dbn_tests/{name}: refused");
            continue;
        };
        let parsed = parse("x", &data, &SourceOptions::default(), &InputLimits::default());
        let parsed = parsed.unwrap_or_else(|error| panic!("{name}: {error}"));
        print(&name, "databento", &parsed);
        // The daily bars have metadata and no record.
        let is_empty = schema == "ohlcv-1d";
        assert!(parsed.rejects.is_empty() && (parsed.count(table) == 0) == is_empty, "{name}");
        assert_eq!(parsed.records as usize, parsed.count(table) + 1, "{name}");
        read_files += 1;
    }
    assert_eq!(read_files, 28);
}
