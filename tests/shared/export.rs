//! Exports of real captures: they import back to the same digest, and other programs read the same values.

use crate::cli::{good, round_trip};
use crate::compute::compare;

#[test]
fn tables_of_real_captures_import_back_to_the_same_digest() {
    let temporary = tempfile::tempdir().unwrap();
    let mut tables = 0;
    let sources: [(&[&str], &[&str]); 8] = [
        (&["lobster/AAPL_2012-06-21_message_50.csv", "lobster/AAPL_2012-06-21_orderbook_50.csv.gz"], &[]),
        (
            &[
                "lobster/AMZN_2012-06-21_34200000_57600000_message_1.csv.gz",
                "lobster/AMZN_2012-06-21_34200000_57600000_orderbook_1.csv.gz",
            ],
            &[],
        ),
        (&["tardis/quotes.csv.gz"], &[]),
        (&["tardis/trades.csv.gz"], &[]),
        (&["tardis_layout_converted/binance_book_snapshot_25_2024-08-08_BTCUSDT.csv.gz"], &[]),
        (&["tardis_layout_converted/binance-futures_trades_2024-07-18_BTCUSDT.csv.gz"], &[]),
        (&["ccxt_ndjson_converted/binance_BTC-USDT_2024-08-08_orderbook.ndjson.gz"], &[]),
        (
            &["bitflyer/bitflyer.execution.20180128.ETH_BTC.csv.gz"],
            &["--format", "bitflyer_executions.toml", "--security", "ETH_BTC"],
        ),
    ];
    for (number, (names, options)) in sources.iter().enumerate() {
        let dir = temporary.path().join(number.to_string());
        let (store, out) = (dir.join("store"), dir.join("out"));
        let store = store.to_str().unwrap();
        let root = env!("CARGO_MANIFEST_DIR");
        let word = |word: &&str| {
            if word.ends_with(".toml") { format!("{root}/docs/examples/{word}") } else { (*word).to_owned() }
        };
        let mut words: Vec<String> = options.iter().map(word).collect();
        words.extend(names.iter().map(|name| crate::shared(name).to_str().unwrap().to_owned()));
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        good(&[&["import", "--store", store, "--max-rejects", "100%"][..], &words].concat());
        tables += round_trip(&dir, store, &out);
    }
    assert!(tables >= 12, "{tables} tables");
}

#[test]
fn pyarrow_polars_and_duckdb_read_arrow_and_csv() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    let root = dir.join("store");
    let store = root.to_str().unwrap();
    let cases: [(&[&str], &[&str]); 2] = [
        (&["tardis/trades.csv.gz"], &["trades"]),
        (
            &["lobster/AAPL_2012-06-21_message_50.csv", "lobster/AAPL_2012-06-21_orderbook_50.csv.gz"],
            &["book", "orders"],
        ),
    ];
    for (number, (names, tables)) in cases.iter().enumerate() {
        let (root, out) = (dir.join(format!("store {number}")), dir.join(format!("out {number}")));
        let paths: Vec<String> = names.iter().map(|n| crate::shared(n).to_str().unwrap().to_owned()).collect();
        let inputs: Vec<&str> = paths.iter().map(String::as_str).collect();
        let store = root.to_str().unwrap();
        good(&[&["import", "--store", store][..], &inputs].concat());
        good(&["export", "--store", store, "--out", out.to_str().unwrap(), "--format", "arrow,csv"]);
        for table in *tables {
            let text = compare("read_exports.py", &out, &root, &out.join(table), &["--table", table]);
            assert!(text.contains(" partitions agree") && text.contains("'decimal'"), "{text}");
        }
    }
    let demo = format!("{}/tests/data/demo", env!("CARGO_MANIFEST_DIR"));
    let inputs = [
        format!("{demo}/binance-futures_book_snapshot_25_2024-07-18_BTCUSDT.csv.gz"),
        format!("{demo}/binance-futures_trades_2024-07-18_BTCUSDT.csv.gz"),
    ];
    good(&["import", "--store", store, &inputs[0], &inputs[1]]);
    good(&["compute", "--store", store, "--threads", "1"]);
    let out = dir.join("features");
    good(&["export", "--store", store, "--set", "default", "--out", out.to_str().unwrap(), "--format", "arrow,csv"]);
    let text = compare("read_exports.py", dir, &root, &out.join("book"), &["--set", "default", "--table", "book"]);
    assert!(text.contains("2 partitions agree") && text.contains("'f64'"), "{text}");
}
