//! `hftcol build` and `import --build-book` as programs: rows, flags, what is up to date, what depends on nothing.

use std::path::Path;

use crate::cli::{good, hftcol};

/// 2024-08-08T00:00:00Z in milliseconds.
const MIDNIGHT_MS: u64 = 1_723_075_200_000;

/// A line of a capture of spot: the time of capture in ns, then the message.
pub(crate) fn depth(at: u64, first: u64, last: u64, bids: &str, asks: &str) -> String {
    let event = MIDNIGHT_MS + at;
    format!(
        "{}000000 {{\"stream\":\"btcusdt@depth\",\"data\":{{\"e\":\"depthUpdate\",\"E\":{event},\"s\":\"BTCUSDT\",\"U\":{first},\
         \"u\":{last},\"b\":[{bids}],\"a\":[{asks}]}}}}\n",
        event + 5
    )
}

pub(crate) fn snapshot(at: u64, last: u64, bids: &str, asks: &str) -> String {
    format!("{}000000 {{\"lastUpdateId\":{last},\"bids\":[{bids}],\"asks\":[{asks}]}}\n", MIDNIGHT_MS + at)
}

/// A snapshot that comes late, a gap, a resync.
fn capture() -> String {
    [
        depth(100, 1, 10, r#"["99.5","1"]"#, r#"["100.5","2"]"#),
        depth(200, 11, 20, r#"["99.5","3"]"#, ""),
        // Holds everything up to 15, so that only the second message is applied after it.
        snapshot(210, 15, r#"["99.5","9"],["99","4"]"#, r#"["100.5","2"],["101","1"]"#),
        depth(300, 21, 30, "", r#"["100.5","0"]"#),
        // 31 to 40 is missing.
        depth(500, 41, 50, r#"["99.25","7"]"#, ""),
        snapshot(700, 50, r#"["99.5","3"]"#, r#"["101","1"]"#),
        depth(800, 51, 60, "", r#"["100","1.5"]"#),
        // Outside two levels: no row.
        depth(900, 61, 70, "", r#"["150","1"],["151","1"]"#),
    ]
    .concat()
}

/// Two captures without a fault, of BTCUSDT and of ETHUSDT: names and texts of the files.
pub(crate) fn two_captures() -> [(&'static str, String); 2] {
    let text = [
        snapshot(90, 5, r#"["99.5","9"],["99","4"]"#, r#"["100.5","2"],["101","1"]"#),
        depth(100, 1, 10, r#"["99.5","1"]"#, r#"["100.5","2"]"#),
        depth(200, 11, 20, r#"["99.5","3"]"#, ""),
        depth(300, 21, 30, "", r#"["100.5","0"]"#),
    ]
    .concat();
    let other = text.replace("BTCUSDT", "ETHUSDT").replace("btcusdt", "ethusdt");
    [("btcusdt.txt", text), ("ethusdt.txt", other)]
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Milliseconds after midnight, flags and levels of each built row.
fn rows(store: &str) -> Vec<String> {
    let columns = "ts_event,sequence,quality_flags,bid_px_00,bid_sz_00,bid_px_01,ask_px_00,ask_sz_00,ask_px_01";
    let text = good(&["cat", "--store", store, "--table", "book_built", "--columns", columns, "--format", "csv"]);
    text.lines()
        .skip(1)
        .map(|line| {
            let (time, rest) = line.split_once(',').unwrap();
            format!("{} {rest}", time.parse::<u64>().unwrap() / 1_000_000 - MIDNIGHT_MS)
        })
        .collect()
}

#[test]
fn a_capture_becomes_a_book_with_its_gap_told() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store").to_str().unwrap().to_owned();
    let file = write(folder.path(), "btcusdt.txt", &capture());
    let printed = good(&["import", &file, "--store", &store, "--build-book", "2", "--plain"]);
    assert!(printed.contains("published book_built binance BTCUSDT 2024-08-08 7"), "{printed}");
    let expected = [
        "100 10 2 99.50,1,,100.50,2.0,",
        "200 20 2 99.50,3,,100.50,2.0,",
        "210 15 0 99.50,3,99.00,100.50,2.0,101.00",
        "300 30 0 99.50,3,99.00,101.00,1.0,",
        "500 50 1 99.50,3,99.25,101.00,1.0,",
        "700 50 16 99.50,3,,101.00,1.0,",
        "800 60 0 99.50,3,,100.00,1.5,101.00",
    ];
    let plain = |row: &str| -> Vec<String> {
        let number = |cell: &str| cell.parse::<f64>().map_or(String::new(), |n| n.to_string());
        row.split([' ', ',']).map(number).collect()
    };
    let found: Vec<_> = rows(&store).iter().map(|row| plain(row)).collect();
    assert_eq!(found, expected.map(plain));
    good(&["verify", "--store", &store]);

    // The same again changes nothing; another option builds anew; so does --force.
    let again = good(&["build", "--store", &store, "--levels", "2", "--plain"]);
    assert_eq!(again, "total partitions=1 published=0 up_to_date=1 without=0 failed=0 rows_in=0 rows=0\n");
    let digest = good(&["ls", "--store", &store, "--digest"]);
    good(&["build", "--store", &store, "--levels", "2", "--force", "--threads", "1"]);
    assert_eq!(good(&["ls", "--store", &store, "--digest"]), digest);
    let every = good(&["build", "--store", &store, "--levels", "2", "--every", "event", "--json"]);
    assert!(every.contains(r#""gaps":1"#) && every.contains(r#""resyncs":1"#), "{every}");
    assert_eq!(rows(&store).len(), 8);
    good(&["build", "--store", &store, "--levels", "2", "--every", "200ms"]);
    assert_eq!(rows(&store).len(), 5, "{:?}", rows(&store));

    // Rows that come later make the stored book a book of the past: it goes until it is built again.
    let later = write(folder.path(), "later.txt", &depth(1_000, 71, 80, r#"["99.75","1"]"#, ""));
    good(&["import", &later, "--store", &store]);
    assert!(!good(&["ls", "--store", &store, "--digest"]).contains("book_built"));
    good(&["build", "--store", &store, "--levels", "2"]);
    assert_eq!(plain(rows(&store).last().unwrap()), plain("1000 80 0 99.75,1,99.5,100,1.5,101"));
}

#[test]
fn messages_of_orders_become_a_book_that_features_run_on() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store").to_str().unwrap().to_owned();
    let lines = [
        "34200.1,1,11,100,1000000,1",
        "34200.2,1,12,50,1000000,1",
        "34200.3,1,21,70,1000500,-1",
        "34200.4,2,11,30,1000000,1",
        "34200.5,4,11,70,1000000,1",
        "34200.6,5,0,10,1000200,1",
        "34200.7,3,12,50,1000000,1",
        "34200.8,3,77,50,1000000,1",
    ];
    let file = write(folder.path(), "XYZ_2012-06-21_34200000_57600000_message_10.csv", &(lines.join("\n") + "\n"));
    good(&["import", &file, "--store", &store, "--build-book", "3"]);
    let columns = "bid_px_00,bid_sz_00,ask_px_00,ask_sz_00,record";
    let text = good(&["cat", "--store", &store, "--table", "book_built", "--columns", columns, "--format", "csv"]);
    let found: Vec<&str> = text.lines().skip(1).collect();
    assert_eq!(
        found,
        [
            "100.00,100,,,0",
            "100.00,150,,,1",
            "100.00,150,100.05,70,2",
            "100.00,120,100.05,70,3",
            "100.00,50,100.05,70,4",
            ",,100.05,70,6"
        ]
    );
    let printed = good(&["compute", "--store", &store, "--plain"]);
    assert!(printed.contains("published book nasdaq XYZ 2012-06-21 6"), "{printed}");
    assert_eq!(hftcol(&["build", "--store", &store, "--set", "default"]).status.code(), Some(2));
    assert_eq!(hftcol(&["build", "--store", "/nonexistent/store"]).status.code(), Some(2));
}

#[test]
fn a_partition_without_changes_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store").to_str().unwrap().to_owned();
    let file = write(folder.path(), "t.csv", "ts_ns,symbol,price,qty,side,id\n1723075200000000000,S,1,1,buy,1\n");
    good(&["import", &file, "--store", &store, "--venue", "v"]);
    let printed = good(&["build", "--store", &store, "--plain"]);
    assert_eq!(printed, "total partitions=1 published=0 up_to_date=0 without=1 failed=0 rows_in=0 rows=0\n");
}

#[test]
fn a_book_goes_on_over_midnight() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store").to_str().unwrap().to_owned();
    let day = 86_400_000;
    let text = [
        snapshot(day - 900, 10, r#"["99.5","1"]"#, r#"["100.5","2"]"#),
        depth(day - 500, 11, 20, r#"["99","3"]"#, ""),
        depth(day + 300, 21, 30, "", r#"["100","4"]"#),
        depth(2 * day + 1, 31, 40, r#"["99.5","0"]"#, ""),
    ];
    let file = write(folder.path(), "btcusdt.txt", &text.concat());
    good(&["import", &file, "--store", &store, "--build-book", "2"]);
    let columns = "quality_flags,bid_px_00,bid_px_01,ask_px_00,ask_px_01";
    let of_date = |date: &str| {
        let of = ["--from", date, "--to", date, "--table", "book_built", "--columns", columns, "--format", "csv"];
        good(&[&["cat", "--store", &store][..], &of].concat()).lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(of_date("2024-08-08"), ["0,99.5,,100.5,", "0,99.5,99.0,100.5,"]);
    assert_eq!(of_date("2024-08-09"), ["0,99.5,99.0,100.0,100.5"]);
    assert_eq!(of_date("2024-08-10"), ["0,99.0,,100.0,100.5"]);
    let again = good(&["build", "--store", &store, "--levels", "2", "--plain"]);
    assert!(again.starts_with("total partitions=3 published=0 up_to_date=3 "), "{again}");
}
