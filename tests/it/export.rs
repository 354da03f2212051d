//! `hftcol export` as a program: what it writes is the table, and a CSV of a raw table imports back to the same digest.

use std::path::{Path, PathBuf};

use crate::cli::{good, hftcol, round_trip};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// The sources whose tables make the round trip, with options of their import.
const SOURCES: [(&str, &[&str]); 9] = [
    ("demo/binance-futures_book_snapshot_25_2024-07-18_BTCUSDT.csv.gz", &[]),
    ("demo/binance-futures_trades_2024-07-18_BTCUSDT.csv.gz", &[]),
    ("tardis/binance-futures_quotes_2024-07-18_BTCUSDT.csv", &[]),
    ("ccxt/binance_BTC-USDT_2024-08-08_orderbook.ndjson", &[]),
    ("ccxt/binance_BTC-USDT_2024-08-08_trades.ndjson", &[]),
    ("lobster", &[]),
    ("generic/kraken_trades.csv", &["--format", "docs/examples/kraken_trades.toml", "--security", "XBTEUR"]),
    ("generic/polymarket_quotes.csv", &["--format", "docs/examples/polymarket_quotes.toml"]),
    ("generic/fx_ticks.csv", &["--format", "docs/examples/fx_ticks.toml", "--security", "USDJPY"]),
];

#[test]
fn a_csv_of_every_table_imports_back_to_the_same_digest() {
    let temporary = tempfile::tempdir().unwrap();
    let mut tables = 0;
    for (number, (source, options)) in SOURCES.iter().enumerate() {
        let dir = temporary.path().join(number.to_string());
        let store = dir.join("store");
        let (store, out) = (store.to_str().unwrap(), dir.join("out"));
        let mut inputs = vec![data(source)];
        if *source == "lobster" {
            inputs = ["message", "orderbook"]
                .map(|kind| data(&format!("lobster/XYZ_2012-06-21_34200000_57600000_{kind}_2.csv")))
                .to_vec();
        }
        let inputs: Vec<&str> = inputs.iter().map(|path| path.to_str().unwrap()).collect();
        let root = env!("CARGO_MANIFEST_DIR");
        let options: Vec<String> = options
            .iter()
            .map(|o| if o.starts_with("docs/") { format!("{root}/{o}") } else { (*o).to_owned() })
            .collect();
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        good(&[&["import", "--store", store, "--max-rejects", "100%"][..], &options, &inputs].concat());
        tables += round_trip(&dir, store, &out);
    }
    assert!(tables >= 11, "{tables} tables");
}

#[test]
fn rows_of_several_sources_come_back_to_the_same_digest() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    let store = dir.join("store").to_str().unwrap().to_owned();
    for (name, from) in [("a", 0), ("b", 50), ("c", 20)] {
        let mut text = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n".to_owned();
        for at in from..from + 5 {
            let us = 1_700_000_000_000_000_u64 + at * 1_000;
            text.push_str(&format!("x,S,{us},{us},{at},buy,1.5,{at}.25\n"));
        }
        let path = dir.join(name);
        std::fs::write(&path, text).unwrap();
        // The third lies between the two before: the table is rewritten.
        good(&["import", path.to_str().unwrap(), "--store", &store, "--overlap", "union"]);
    }
    assert_eq!(round_trip(dir, &store, &dir.join("out")), 1);
}

/// A store with the demo's book and trades, and a feature set.
fn demo(dir: &Path) -> String {
    let store = dir.join("store").to_str().unwrap().to_owned();
    let inputs = SOURCES[..2].iter().map(|(name, _)| data(name).to_str().unwrap().to_owned()).collect::<Vec<_>>();
    good(&["import", "--store", &store, &inputs[0], &inputs[1]]);
    store
}

/// The demo's first day, which holds all but its last rows.
const DAY: &str = "2024-07-18";

#[test]
fn every_format_holds_the_rows_and_is_the_same_file_again() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    let store = demo(dir);
    let before = good(&["ls", "--store", &store, "--digest"]);
    for name in ["a", "b"] {
        let out = dir.join(name);
        let args = [
            "export",
            "--store",
            &store,
            "--out",
            out.to_str().unwrap(),
            "--to",
            DAY,
            "--format",
            "parquet,arrow,csv,ndjson",
        ];
        let printed = good(&[&args[..], &["--plain"]].concat());
        let lines: Vec<&str> = printed.lines().collect();
        assert_eq!(
            lines[..2],
            [
                "published book binance-futures BTCUSDT 2024-07-18 2171",
                "published trades binance-futures BTCUSDT 2024-07-18 974"
            ]
        );
        assert!(lines[2].starts_with("total units=2 files=8 rows=3145 "), "{printed}");
    }
    assert_eq!(before, good(&["ls", "--store", &store, "--digest"]));
    let folder = "trades/venue=binance-futures/security=BTCUSDT/date=2024-07-18";
    for table in ["book", "trades"] {
        for format in ["parquet", "arrow", "csv", "ndjson"] {
            let file = format!("{}/part-0.{format}", folder.replacen("trades", table, 1));
            let read = |name: &str| std::fs::read(dir.join(name).join(&file)).unwrap();
            assert!(read("a") == read("b"), "{file}");
        }
    }
    let text =
        |format: &str| std::fs::read_to_string(dir.join("a").join(folder).join(format!("part-0.{format}"))).unwrap();
    for format in ["csv", "ndjson"] {
        let printed = good(&["cat", "--store", &store, "--table", "trades", "--to", DAY, "--format", format]);
        assert!(text(format) == printed, "{format}");
    }
    let first: serde_json::Value = serde_json::from_str(text("ndjson").lines().next().unwrap()).unwrap();
    assert!(first["ts_event"].is_i64() && first["price"].is_number(), "{first}");
    let arrow = std::fs::read(dir.join("a").join(folder).join("part-0.arrow")).unwrap();
    assert!(arrow.starts_with(b"ARROW1") && arrow.ends_with(b"ARROW1"));
}

#[test]
fn rows_and_columns_are_chosen_as_cat_chooses_them() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    let store = dir.join("store").to_str().unwrap().to_owned();
    let input = data(SOURCES[1].0);
    good(&["import", "--store", &store, input.to_str().unwrap()]);
    let all = good(&["cat", "--store", &store, "--columns", "ts_event"]);
    let times: Vec<&str> = all.lines().skip(1).collect();
    let (from, to) = (times[100], times[400]);
    let chosen = ["--from", from, "--to", to, "--columns", "price,qty,trade_id"];
    let out = dir.join("out");
    good(
        &[&["export", "--store", &store, "--out", out.to_str().unwrap(), "--format", "csv,parquet,arrow"][..], &chosen]
            .concat(),
    );
    let file = out.join("trades/venue=binance-futures/security=BTCUSDT/date=2024-07-18/part-0.csv");
    let found = std::fs::read_to_string(&file).unwrap();
    assert_eq!(found, good(&[&["cat", "--store", &store][..], &chosen].concat()));
    assert!(found.lines().count() > 100 && found.starts_with("price,qty,trade_id\n"));
    let nothing = ["--from", "1", "--to", "2"];
    let out = dir.join("none");
    let printed = good(
        &[&["export", "--json", "--store", &store, "--out", out.to_str().unwrap(), "--format", "csv"][..], &nothing]
            .concat(),
    );
    let total: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!((total["empty"].as_u64(), total["files"].as_u64()), (Some(1), Some(0)));
    assert!(!out.join("trades").exists());
}

#[test]
fn features_leave_in_every_format() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    let store = demo(dir);
    good(&["compute", "--store", &store, "--threads", "1", "--output", "hftc,arrow,csv"]);
    good(&["verify", "--store", &store]);
    let out = dir.join("out");
    good(&["export", "--store", &store, "--set", "default", "--out", out.to_str().unwrap(), "--format", "csv,arrow"]);
    let folder = out.join("book/venue=binance-futures/security=BTCUSDT/date=2024-07-18");
    let found = std::fs::read_to_string(folder.join("part-0.csv")).unwrap();
    let printed = good(&["cat", "--store", &store, "--set", "default", "--table", "book", "--to", DAY]);
    assert!(found == printed);
    let stored = Path::new(&store).join("features/default/venue=binance-futures/security=BTCUSDT/date=2024-07-18");
    for format in ["csv", "arrow"] {
        let file = std::fs::read(stored.join(format!("book.00000001.0000.{format}"))).unwrap();
        assert!(file == std::fs::read(folder.join(format!("part-0.{format}"))).unwrap(), "{format}");
    }
    // A folder that holds what a run would write is left as it is; text has no fingerprint and is written anew.
    let args = ["compute", "--store", &store, "--threads", "1", "--out", out.to_str().unwrap(), "--json", "--output"];
    for (format, done) in [("arrow", 0), ("csv", 2)] {
        let printed = good(&[&args[..], &[format]].concat());
        let total: serde_json::Value = serde_json::from_str(printed.lines().last().unwrap()).unwrap();
        assert_eq!(total["done"].as_u64(), Some(done), "{total}");
    }
}

#[test]
fn what_cannot_be_exported_is_said() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    let store = demo(dir);
    let out = dir.join("out").to_str().unwrap().to_owned();
    let base = ["export", "--store", &store, "--out", &out];
    for (args, code) in [
        (&["--format", "hftc"][..], 2),
        (&["--format", "feather"], 2),
        (&["--set", "none"], 2),
        (&["--table", "orders"], 2),
        (&["--table", "trades", "--columns", "no_such"], 2),
        (&["--venue", "nowhere"], 2),
    ] {
        let output = hftcol(&[&base[..], args].concat());
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let inside = format!("{store}/out");
    assert_eq!(hftcol(&["export", "--store", &store, "--out", &inside]).status.code(), Some(2));
    assert!(!Path::new(&inside).exists());
}

#[test]
fn a_damaged_table_fails_alone() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    let store = demo(dir);
    let folder = Path::new(&store).join("venue=binance-futures/security=BTCUSDT/date=2024-07-18");
    let file = folder.join("book.00000001.0000.hftc");
    let mut bytes = std::fs::read(&file).unwrap();
    let header_len = u32::from_le_bytes(bytes[12..16].try_into().unwrap()) as usize;
    bytes[header_len + 3] ^= 1;
    std::fs::remove_file(&file).unwrap();
    std::fs::write(&file, &bytes).unwrap();
    let out = dir.join("out");
    let output = hftcol(&["export", "--plain", "--store", &store, "--out", out.to_str().unwrap(), "--format", "csv"]);
    assert_eq!(output.status.code(), Some(1));
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(
        stdout.contains("published trades") && !stdout.contains("published book binance-futures BTCUSDT 2024-07-18"),
        "{stdout}"
    );
    assert!(String::from_utf8_lossy(&output.stderr).contains("failed book binance-futures BTCUSDT 2024-07-18"));
    let day = "venue=binance-futures/security=BTCUSDT/date=2024-07-18";
    assert!(out.join("trades").join(day).exists() && !out.join("book").join(day).exists());
}
