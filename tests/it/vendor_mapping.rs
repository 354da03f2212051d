//! Mapping files: every example of the documentation as it stands there, every key, every error with its line.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hftcol::error::Result;
use hftcol::input::InputLimits;
use hftcol::units::Date;
use hftcol::vendor::SourceOptions;

use crate::sources::{Parsed, chunked, parse};

fn root(relative: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(relative)
}

fn options(mapping: &str) -> SourceOptions {
    SourceOptions { mapping: Some(Arc::from(mapping)), ..SourceOptions::default() }
}

fn mapped(mapping: &str, text: &str) -> Result<Parsed> {
    parse("x.csv", text.as_bytes(), &options(mapping), &InputLimits::default())
}

/// The fenced blocks of a document: language and text.
fn blocks(document: &str) -> Vec<(String, String)> {
    let mut blocks: Vec<(String, String)> = Vec::new();
    let mut inside = false;
    for line in document.lines() {
        match line.strip_prefix("```") {
            Some(language) => {
                if !inside {
                    blocks.push((language.to_owned(), String::new()));
                }
                inside = !inside;
            }
            None if inside => {
                let text = &mut blocks.last_mut().unwrap().1;
                text.push_str(line);
                text.push('\n');
            }
            None => {}
        }
    }
    blocks
}

#[test]
fn every_example_of_the_manual_gives_the_rows_it_shows() {
    let document = fs::read_to_string(root("docs/mapping.md")).unwrap();
    let blocks = blocks(&document);
    let (examples, rest) = blocks.as_chunks::<3>();
    assert!(examples.len() >= 9 && rest.is_empty());
    for [(toml, mapping), (csv, source), (rows, expected)] in examples {
        assert_eq!((toml.as_str(), rows.as_str()), ("toml", "rows"));
        assert!(["csv", "ndjson"].contains(&csv.as_str()));
        let parsed = mapped(mapping, source).unwrap();
        assert!(parsed.rejects.is_empty(), "{source}{:?}", parsed.rejects);
        let shown =
            parsed.rows.iter().flat_map(|(table, rows)| rows.iter().map(move |row| format!("{table}: {row}\n")));
        assert_eq!(shown.collect::<String>(), *expected);
    }
}

#[test]
fn every_example_file_reads_its_sample() {
    let mut names: Vec<_> =
        fs::read_dir(root("docs/examples")).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    let expected = [
        (
            "bitflyer_executions.toml",
            "bitflyer.jp/BTC_JPY 2018-01-27 1516980516593000000 1516980521074000000 - 1.0 1|12|1153250 0.015",
            2,
        ),
        (
            "bybit_snapshots.toml",
            "bybit/XYZUSDT 2024-12-01 1733011200589000000 1733011200691000000 130 0.0 ||1.9531 6203 1.9532 10 1.953 2409",
            2,
        ),
        ("ccxt_trades.toml", "binance/BTC/USDT 2024-08-08 1723161255342000000 - - 0.0 -1|7|61837.63 0.02", 2),
        ("fx_ticks.toml", "fx/USD/JPY 2013-01-01 1357077600295000000 - - 0.0 ||86.655 - 86.728", 2),
        ("fx_ticks_digits.toml", "fx/X 2020-01-02 1577957400065000000 - - 0.0 ||1.1001 - 1.1003", 2),
        ("kr_book_long.toml", "unknown/X 2024-04-29 1714316402910000000 - - 1.0 ||100 2 101 5 99.5 3 102 1.5", 2),
        ("kraken_trades.toml", "kraken/X 2023-01-01 1672531436000000000 - - 0.0 -||90.54 1.1044842", 2),
        ("list_cells.toml", "bx/A/B 2024-08-08 1723161255342000000 - 5 1.0 ||1.5 2 1.6 3 1.4 1 1.7 0.5", 2),
        ("polymarket_quotes.toml", "polymarket/will-it-rain 2026-07-15 1784073620000000000 - - 1.0 ||- - 0.04", 2),
    ];
    assert_eq!(names, expected.map(|(name, ..)| name));
    for (name, first, rows) in expected {
        let mapping = fs::read_to_string(root("docs/examples").join(name)).unwrap();
        let sample = [".csv", ".ndjson"].map(|ending| root("tests/data/generic").join(name.replace(".toml", ending)));
        let sample = fs::read(sample.iter().find(|path| path.exists()).unwrap()).unwrap();
        let security = mapping.contains("--security").then(|| "X".to_owned());
        let options = SourceOptions { security, ..options(&mapping) };
        let parsed = parse("x.csv", &sample, &options, &InputLimits::default()).unwrap();
        let table = *parsed.rows.keys().next().unwrap();
        assert_eq!((parsed.first(table), parsed.count(table)), (first, rows), "{name}");
        for bytes in [200, 333] {
            assert_eq!(parse("x.csv", &sample, &options, &chunked(bytes)).unwrap(), parsed, "{name}");
        }
    }
}

const TRADES: &str = "table = \"trades\"\nsecurity = \"S\"\n";
const COLUMNS: &str = "[columns]\nts_event = { column = \"t\", format = \"s\" }\nprice = \"p\"\nqty = \"q\"\n";

#[test]
fn sides_divisors_nulls_and_maker_flags() {
    let first = |extra: &str, columns: &str, text: &str| {
        let parsed = mapped(&format!("{TRADES}{extra}{COLUMNS}{columns}"), &format!("t,p,q,x\n{text}\n")).unwrap();
        parsed.first("trades").rsplit_once("1.0 ").unwrap().1.to_owned()
    };
    assert_eq!(first("", "side = \"x\"\n", "1,2,3,Sell"), "-1||2 3");
    assert_eq!(first("side_is = \"maker\"\n", "side = \"x\"\n", "1,2,3,Sell"), "1||2 3");
    assert_eq!(first("", "buyer_is_maker = \"x\"\n", "1,2,3,true"), "-1||2 3");
    assert_eq!(first("", "buyer_is_maker = \"x\"\n", "1,2,3,false"), "1||2 3");
    assert_eq!(first("null = [\"?\"]\n", "trade_id = \"x\"\n", "1,2,3,?"), "-||2 3");
    let divided = "price_divisor = 100\nqty_divisor = 100000000\n";
    assert_eq!(first(divided, "", "1,250,123456789,"), "-||2.5 1.23456789");
    let sides = "[sides]\nbuy = [\"0\"]\nsell = [\"1\"]\n";
    assert_eq!(first("", &format!("side = \"x\"\n{sides}"), "1,2,3,0"), "1||2 3");
    assert_eq!(first("", &format!("side = \"x\"\n{sides}"), "1,2,3,buy"), "0||2 3");
}

#[test]
fn the_day_comes_from_the_mapping_or_the_command_line() {
    let mapping = "table = \"trades\"\nsecurity = \"S\"\n[columns]\nts_recv = { time = \"t\", format = \"digits\" }\n\
                   price = \"p\"\nqty = \"q\"\n";
    let text = "t,p,q\n093000.5,1,1\n";
    let error = mapped(mapping, text).unwrap_err();
    assert!(error.exit_code() == 2 && error.to_string().contains("--date"), "{error}");
    let day = SourceOptions { date: Date::parse("1970-01-02"), ..options(mapping) };
    let parsed = parse("x", text.as_bytes(), &day, &InputLimits::default()).unwrap();
    assert_eq!(parsed.first("trades"), "unknown/S 1970-01-02 - 120600500000000 - 1.0 -||1 1");
    let given = format!("date = \"1970-01-02\"\n{mapping}");
    assert_eq!(mapped(&given, text).unwrap().rows, parsed.rows);
}

#[test]
fn levels_with_zeros_in_front_and_cut() {
    let mapping = "table = \"book\"\n[columns]\nsecurity = 1\nts_event = { column = 2, format = \"ns\" }\n\
                   [levels]\ncount = 2\nbid_px = \"bp{i}\"\nbid_sz = \"bs{i}\"\nask_px = \"ap{i}\"\nask_sz = \"as{i}\"\n";
    let text = "s,t,bp00,bs00,ap00,as00,bp01,bs01,ap01,as01\nS,5,1,2,3,4,5,6,7,8\n";
    assert!(mapped(mapping, text).unwrap().first("book").ends_with("||1 2 3 4 5 6 7 8"));
    let one = SourceOptions { levels: 1, ..options(mapping) };
    let parsed = parse("x", text.as_bytes(), &one, &InputLimits::default()).unwrap();
    assert!(parsed.first("book").ends_with("||1 2 3 4"));
    assert_eq!(parsed.notes["levels beyond --levels, left out"], 1);
    assert_eq!(mapped(&mapping.replace("count = 2", "count = 3"), text).unwrap_err().exit_code(), 3);
}

#[test]
fn a_wrong_mapping_names_its_line() {
    let text = "t,p,q,x\n1,1,1,1\n";
    let good = format!("{TRADES}{COLUMNS}");
    assert_eq!(mapped(&good, text).unwrap().count("trades"), 1);
    let cases = [
        (format!("{good}colour = \"x\"\n"), 7, "no column `colour`"),
        (format!("{good}side = {{ column = \"x\", format = \"s\" }}\n"), 7, "only ts_event and ts_recv"),
        (format!("{good}ts_recv = \"x\"\n"), 7, "needs its format"),
        (format!("{good}ts_recv = {{ column = \"x\", format = \"min\" }}\n"), 7, "the format of a time"),
        (format!("{good}ts_recv = {{ time = \"x\", format = \"iso\" }}\n"), 7, "the format of a time of day"),
        (format!("{good}side = \"q\"\n"), 7, "used twice"),
        (format!("{TRADES}{}", COLUMNS.replace("qty = \"q\"\n", "")), 3, "needs the column qty"),
        (format!("{TRADES}{}", COLUMNS.replace("ts_event", "ts_evnt")), 4, "no column `ts_evnt`"),
        (format!("clock = \"wall\"\n{good}"), 1, "clock is event or recv"),
        (format!("price_divisor = 3\n{good}"), 1, "a power of ten"),
        (format!("side_is = \"taker\"\n{good}"), 1, "aggressor or maker"),
        (format!("date = \"yesterday\"\n{good}"), 1, "a day such as"),
        (format!("delimiter = \", \"\n{good}"), 1, "one byte"),
        (format!("{good}[actions]\nmodify = [\"M\"]\n"), 8, "an action is one of"),
        (format!("{good}[levels]\ncount = 1\nbid_px=\"\"\nbid_sz=\"\"\nask_px=\"\"\nask_sz=\"\"\n"), 7, "levels needs"),
        (good.replace("trades", "lines"), 1, "table is book"),
        (good.replace("trades", "orders"), 3, "needs the column action"),
        (good.replace("trades", "deltas"), 3, "needs the column side"),
        (format!("header = false\n{good}"), 6, "its number from 1"),
        (format!("speed = 1\n{good}"), 1, "speed"),
    ];
    for (mapping, line, what) in cases {
        let error = mapped(&mapping, text).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{mapping}{error}");
        let message = error.to_string();
        assert!(message.contains(&format!("line {line}: ")) && message.contains(what), "{mapping}{message}");
    }
}

#[test]
fn a_file_without_the_columns_is_refused() {
    let good = format!("{TRADES}{COLUMNS}");
    for (mapping, text) in [
        (good.clone(), "t,p\n1,1\n"),
        (good.clone(), ""),
        (good.replace("\"q\"", "9"), "t,p,q\n1,1,1\n"),
        (format!("header = \"t,p,q\"\n{good}"), "1,1\n"),
    ] {
        assert_eq!(mapped(&mapping, text).unwrap_err().exit_code(), 3, "{mapping}{text}");
    }
}

#[test]
fn bad_cells_say_where_and_why() {
    let mapping = "table = \"orders\"\nsecurity = \"S\"\ntz = \"Asia/Shanghai\"\nqty_divisor = 1000000000000\n[columns]\n\
                   ts_event = { date = \"d\", time = \"t\", format = \"clock\" }\naction = \"a\"\nprice = \"p\"\nqty = \"q\"\n";
    let good = "2023.07.11,09:15:00.280,1,5,1\n";
    for (bad, column, reason) in [
        ("2023.07.32,09:15:00.280,1,5,1", "d", "a date and time"),
        ("2023.07.11,25:15:00,1,5,1", "t", "a date and time"),
        (",09:15:00,1,5,1", "ts_event", "a time"),
        ("2023.07.11,09:15:00,9,5,1", "a", "a known action"),
        ("2023.07.11,09:15:00,1,five,1", "p", "a decimal number"),
        ("2023.07.11,09:15:00,1,5,0.1", "q", "after the division"),
        ("2023.07.11,09:15:00,1,5", "", "5 fields, got 4"),
    ] {
        let parsed = mapped(mapping, &format!("d,t,a,p,q\n{good}{bad}\n{good}")).unwrap();
        let [reject] = &parsed.rejects[..] else { panic!("{bad}: {:?}", parsed.rejects) };
        assert_eq!(
            (reject.line, reject.byte_offset, reject.column.as_str()),
            (3, 10 + good.len() as u64, column),
            "{bad}"
        );
        assert!(reject.reason.contains(reason), "{bad}: {}", reject.reason);
        assert_eq!(parsed.count("orders"), 2);
    }
}
