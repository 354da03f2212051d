//! `hftcol validate`: each rule is broken by rows written for it, and by nothing else.

use std::path::Path;

use crate::cli::{good, hftcol};

const START: u64 = 1_723_075_200_000_000_000;

/// A store with these trades: (seconds, price, qty).
fn trades(dir: &Path, rows: &[(f64, &str, &str)]) -> String {
    let store = dir.join("store").to_str().unwrap().to_owned();
    let row = |(number, (at, price, qty)): (usize, &(f64, &str, &str))| {
        format!("{},S,{price},{qty},buy,{number}\n", START + (at * 1e9) as u64)
    };
    let file = dir.join("trades.csv");
    let text: String = rows.iter().enumerate().map(row).collect();
    std::fs::write(&file, format!("ts_ns,symbol,price,qty,side,id\n{text}")).unwrap();
    good(&["import", "--store", &store, "--venue", "v", file.to_str().unwrap()]);
    store
}

fn findings(store: &str, words: &[&str]) -> Vec<(String, u64, Option<u64>)> {
    let output = hftcol(&[&["validate", "--json", "--fail-on", "never", "--store", store][..], words].concat());
    let text = String::from_utf8(output.stdout).unwrap();
    let values = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let of = |v: serde_json::Value| {
        let name = format!("{} {}", v["severity"].as_str().unwrap(), v["rule"].as_str().unwrap());
        (name, v["count"].as_u64().unwrap(), v["first_row"].as_u64())
    };
    values.filter(|value| value["event"] == "finding").map(of).collect()
}

fn found(name: &str, count: u64, first_row: Option<u64>) -> (String, u64, Option<u64>) {
    (name.to_owned(), count, first_row)
}

#[test]
fn sound_trades_have_no_finding() {
    let temporary = tempfile::tempdir().unwrap();
    let store =
        trades(temporary.path(), &[(0.0, "100.5", "1"), (1.0, "100.6", "2"), (1.0, "100.6", "2"), (2.0, "101", "0")]);
    assert_eq!(findings(&store, &[]), []);
    good(&["validate", "--store", &store, "--fail-on", "info"]);
}

#[test]
fn gaps_jumps_and_ranges_are_found_where_they_are() {
    let temporary = tempfile::tempdir().unwrap();
    let rows = [(0.0, "100", "1"), (301.0, "100", "2"), (302.0, "130", "1"), (303.0, "-1", "1"), (900.0, "100", "1")];
    let store = trades(temporary.path(), &rows);
    let expected =
        [found("error range", 1, None), found("warning gap", 2, Some(1)), found("warning price_jump", 3, Some(2))];
    assert_eq!(findings(&store, &[]), expected);
    assert_eq!(findings(&store, &["--max-gap", "1h", "--max-jump", "1000"]), [found("error range", 1, None)]);
    assert_eq!(hftcol(&["validate", "--store", &store]).status.code(), Some(1));
    assert_eq!(hftcol(&["validate", "--store", &store, "--fail-on", "never"]).status.code(), Some(0));
    assert_eq!(hftcol(&["validate", "--store", &store, "--table", "book"]).status.code(), Some(2));
}

#[test]
fn books_cross_lock_repeat_and_lack_values() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    let store = dir.join("store").to_str().unwrap().to_owned();
    let rows = [
        (0, "100.1,1,100.2,1"),
        (1, "100.30,1,100.2,1"),
        (2, "100.2,1,100.20,1"),
        (3, "100.1,1,100.2,1"),
        (3, "100.1,1,100.2,1"),
        (4, ",,100.2,1"),
        (5, "100.1,1,100.2,1"),
    ];
    let text: String = rows.iter().map(|(at, row)| format!("{},S,{row}\n", START + at)).collect();
    let file = dir.join("quotes.csv");
    std::fs::write(&file, format!("ts_ns,symbol,bid_px,bid_sz,ask_px,ask_sz\n{text}")).unwrap();
    good(&["import", "--store", &store, "--venue", "v", file.to_str().unwrap()]);
    let expected = [
        found("error crossed", 1, Some(1)),
        found("warning duplicate_share", 1, Some(4)),
        found("warning locked", 1, Some(2)),
        found("warning null_share", 1, None),
        found("warning null_share", 1, None),
    ];
    assert_eq!(findings(&store, &["--max-gap", "24h"]), expected);
}
