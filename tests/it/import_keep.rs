//! `--keep`: source columns that no dialect reads become columns of the table, as they are written.

use std::fs;
use std::path::Path;

use tempfile::tempdir;

use crate::cli::{good, hftcol};

const TRADES: &str = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount,fee,note,serial\n";

const MAPPING: &str = "table = \"trades\"\n[columns]\nvenue = \"exchange\"\nsecurity = \"symbol\"\ntrade_id = \"id\"\n\
    ts_event = { column = \"timestamp\", format = \"us\" }\nts_recv = { column = \"local_timestamp\", format = \"us\" }\n\
    side = \"side\"\nprice = \"price\"\nqty = \"amount\"\n";

/// Trades of one day from a second on; `fee`, `note` and `serial` are columns that the mapping does not name.
fn trades(from: u64, rows: &[[&str; 3]]) -> String {
    let mut text = TRADES.to_owned();
    for (at, [fee, note, serial]) in (from..).zip(rows) {
        let us = 1_700_000_000_000_000 + at * 1_000_000;
        text.push_str(&format!("x,S,{us},{us},{at},buy,1.5,2,{fee},{note},{serial}\n"));
    }
    text
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempdir().unwrap());
        folder.write("m.toml", MAPPING);
        folder
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, text: &str) -> String {
        fs::write(self.path(name), text).unwrap();
        self.path(name)
    }

    /// Imports with the mapping.
    fn import(&self, store: &str, words: &[&str]) -> String {
        let (store, mapping) = (self.path(store), self.path("m.toml"));
        good(&[&["import", "--store", &store, "--format", &mapping][..], words].concat())
    }

    fn rows(&self, store: &str, columns: &str) -> Vec<String> {
        let text = good(&["cat", "--store", &self.path(store), "--columns", columns]);
        text.lines().map(str::to_owned).collect()
    }
}

fn first_rows() -> String {
    trades(0, &[["0.10", "\"a,b\"", "1"], ["0.2", "", "18446744073709551615"], ["-3e5", "  x ", ""]])
}

#[test]
fn kept_columns_stand_behind_the_table_as_they_are_written() {
    let folder = Folder::new();
    let input = folder.write("a.csv", &first_rows());
    folder.import("plain", &[&input]);
    folder.import("kept", &[&input, "--keep", "serial,fee", "--keep", "note"]);
    let rows = folder.rows("kept", "trade_id,fee,note,serial");
    assert_eq!(rows, ["trade_id,fee,note,serial", "0,0.10,\"a,b\",1", "1,0.2,,18446744073709551615", "2,-3e5,x,"]);
    // The columns of the table are those of an import that keeps nothing.
    let own = "ts_event,ts_recv,side,trade_id,price,qty,source,record";
    assert_eq!(folder.rows("kept", own), folder.rows("plain", own));
    let inspected = good(&["inspect", "--store", &folder.path("kept"), "--json"]);
    for described in ["\"fee\"", "\"note\"", "\"serial\""] {
        assert!(inspected.contains(described), "{inspected}");
    }
    good(&["verify", "--store", &folder.path("kept")]);
    let preview = good(&["import", &input, "--dry-run", "--keep", "fee", "--json", "--format", &folder.path("m.toml")]);
    assert!(preview.contains("\"-3e5\""), "{preview}");
}

#[test]
fn order_of_names_threads_and_memory_do_not_matter() {
    let folder = Folder::new();
    let many: Vec<[String; 3]> =
        (0..30_000_u64).map(|n| [format!("{}", n % 7), format!("n{}", n % 1_000), format!("{n}")]).collect();
    let many: Vec<[&str; 3]> = many.iter().map(|row| [row[0].as_str(), row[1].as_str(), row[2].as_str()]).collect();
    let input = folder.write("a.csv", &trades(0, &many));
    let mut digests = Vec::new();
    for (store, words) in [
        ("one", ["--keep", "fee,note,serial", "--threads", "1", "--memory", "64MiB"]),
        ("two", ["--keep", "serial,note,fee", "--threads", "4", "--memory", "256MiB"]),
    ] {
        folder.import(store, &[&[input.as_str()][..], &words].concat());
        digests.push(good(&["ls", "--store", &folder.path(store), "--digest"]));
        assert_eq!(folder.rows(store, "fee,note,serial")[30_000], "4,n999,29999");
    }
    assert_eq!(digests[0], digests[1]);
}

#[test]
fn later_imports_append_and_widen() {
    let folder = Folder::new();
    let first = folder.write("a.csv", &first_rows());
    let second = folder.write("b.csv", &trades(10, &[["5", "late", "x1"]]));
    let third = folder.write("c.csv", &trades(20, &[["6", "last", "7"]]));
    folder.import("store", &[&first, "--keep", "serial"]);
    // Without the column, then with it as text and another one beside it.
    folder.import("store", &[&second]);
    assert_eq!(folder.rows("store", "trade_id,serial")[3..], ["2,", "10,"].map(str::to_owned));
    folder.import("store", &[&third, "--keep", "note,serial"]);
    let rows = folder.rows("store", "trade_id,note,serial");
    assert_eq!(rows[1..], ["0,,1", "1,,18446744073709551615", "2,,", "10,,", "20,last,7"].map(str::to_owned));
    let other = folder.write("d.csv", &trades(30, &[["6", "last", "x9"]]));
    folder.import("store", &[&other, "--keep", "serial"]);
    let rows = folder.rows("store", "trade_id,note,serial");
    assert_eq!(rows[1..4], ["0,,1", "1,,18446744073709551615", "2,,"].map(str::to_owned));
    assert_eq!(rows[5..], ["20,last,7", "30,,x9"].map(str::to_owned));
    good(&["verify", "--store", &folder.path("store")]);
    good(&["compact", "--store", &folder.path("store")]);
    assert_eq!(folder.rows("store", "trade_id,note,serial"), rows);
}

#[test]
fn an_export_gives_the_kept_columns_back() {
    let folder = Folder::new();
    let input = folder.write("a.csv", &first_rows());
    folder.import("store", &[&input, "--keep", "fee,note,serial"]);
    let out = folder.path("out");
    assert_eq!(crate::cli::round_trip(Path::new(&folder.path("")), &folder.path("store"), Path::new(&out)), 1);
}

#[test]
fn members_of_messages_are_kept_by_their_path() {
    let folder = Folder::new();
    let line = |ms: u64, tail: &str| {
        format!(
            "{{\"symbol\":\"A/B\",\"timestamp\":{ms},\"id\":\"{ms}\",\"side\":\"buy\",\"price\":1.50,\"amount\":2,\
             \"takerOrMaker\":\"taker\",\"fee\":{{\"cost\":1.10,\"currency\":\"B\"}}{tail}}}\n"
        )
    };
    let text = line(1_700_000_000_001, "") + &line(1_700_000_000_002, ",\"flag\":true");
    let input = folder.write("a.ndjson", &text);
    let names = "takerOrMaker,fee.cost,flag,fee.currency";
    let store = folder.path("store");
    good(&["import", "--store", &store, &input, "--format", "ccxt", "--venue", "x", "--keep", names]);
    let rows = folder.rows("store", names);
    assert_eq!(rows[1..], ["taker,1.10,,B", "taker,1.10,true,B"].map(str::to_owned));
}

#[test]
fn names_that_cannot_be_kept_are_refused() {
    let folder = Folder::new();
    let input = folder.write("a.csv", &first_rows());
    for (name, said) in
        [("price", "has a column of that name"), ("nope", "no input has such a column"), ("", "no name")]
    {
        let (store, mapping, keep) = (folder.path("s"), folder.path("m.toml"), format!("--keep={name}"));
        let output = hftcol(&["import", &input, "--store", &store, "--format", &mapping, &keep]);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{name}: {stderr}");
        assert!(stderr.contains(said), "{name}: {stderr}");
    }
    let long = format!("0,{},1", "y".repeat(5_000));
    let text = format!("{TRADES}x,S,1700000000000000,1700000000000000,1,buy,1.5,2,{long}\n");
    let input = folder.write("b.csv", &text);
    let said = folder.import("long", &[&input, "--keep", "fee,note"]);
    assert!(said.contains("left out"), "{said}");
    assert_eq!(folder.rows("long", "fee")[1], "0");
}
