//! `hftcol compact` and `diff` as programs.

use std::path::Path;

use crate::cli::{good, hftcol};

fn csv(times: std::ops::Range<u64>) -> String {
    let row = |t: u64| {
        format!(
            "{},S,{}.{},{},{},id{}\n",
            1_723_075_200_000_000_000 + t * 1_000,
            100 + t % 7,
            t % 10,
            t % 5,
            if t % 2 == 0 { "buy" } else { "sell" },
            t % 97
        )
    };
    format!("ts_ns,symbol,price,qty,side,id\n{}", times.map(row).collect::<String>())
}

/// A store whose trades stand in three segments.
fn scattered(dir: &Path) -> String {
    let store = dir.join("store").to_str().unwrap().to_owned();
    for (number, times) in [0..10_000, 10_000..10_700, 10_700..20_000].into_iter().enumerate() {
        let file = dir.join(format!("{number}.csv"));
        std::fs::write(&file, csv(times)).unwrap();
        good(&["import", "--store", &store, "--venue", "v", file.to_str().unwrap()]);
    }
    store
}

#[test]
fn segments_become_one_with_the_same_digest() {
    let temporary = tempfile::tempdir().unwrap();
    let store = scattered(temporary.path());
    let folder = Path::new(&store).join("venue=v/security=S/date=2024-08-08");
    let files = || {
        let mut names: Vec<String> =
            std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(files().len(), 4, "{:?}", files());
    let (digest, rows) = (good(&["ls", "--store", &store, "--digest"]), good(&["cat", "--store", &store]));
    // Several segments leave as one file, in every format.
    let out = temporary.path().join("out");
    good(&["export", "--store", &store, "--out", out.to_str().unwrap(), "--format", "csv,arrow,parquet,ndjson"]);
    let exported = out.join("trades/venue=v/security=S/date=2024-08-08");
    assert!(std::fs::read_to_string(exported.join("part-0.csv")).unwrap() == rows);
    assert_eq!(std::fs::read_dir(&exported).unwrap().count(), 4);
    let printed = good(&["compact", "--store", &store, "--plain"]);
    assert!(printed.starts_with("published trades v S 2024-08-08 20000\n"), "{printed}");
    assert!(printed.contains("total partitions=1 published=1 tables=1 segments=3 "), "{printed}");
    assert_eq!(files(), ["part.00000004.hftm", "trades.00000004.0000.hftc"]);
    assert_eq!(digest, good(&["ls", "--store", &store, "--digest"]));
    assert_eq!(rows, good(&["cat", "--store", &store]));
    good(&["verify", "--store", &store]);
    let again = good(&["compact", "--store", &store, "--json"]);
    let total: serde_json::Value = serde_json::from_str(&again).unwrap();
    assert_eq!((total["published"].as_u64(), total["partitions"].as_u64()), (Some(0), Some(1)));
    // The next import appends to the joined table.
    let more = temporary.path().join("more.csv");
    std::fs::write(&more, csv(20_000..20_010)).unwrap();
    good(&["import", "--store", &store, "--venue", "v", more.to_str().unwrap()]);
    assert_eq!(files().len(), 3);
    good(&["verify", "--store", &store]);
}

#[test]
fn a_held_lock_is_exit_6_and_nothing_is_made_anew() {
    let temporary = tempfile::tempdir().unwrap();
    let store = scattered(temporary.path());
    let held = hftcol::store::Store::open(Path::new(&store)).unwrap().begin(hftcol::store::Tree::Raw).unwrap();
    assert_eq!(hftcol(&["compact", "--store", &store]).status.code(), Some(6));
    let waiting = std::thread::spawn({
        let store = store.clone();
        move || good(&["compact", "--store", &store, "--plain", "--wait"])
    });
    std::thread::sleep(std::time::Duration::from_millis(100));
    drop(held);
    assert!(waiting.join().unwrap().contains("published=1"));
    assert_eq!(hftcol(&["compact", "--store", "/nonexistent/store"]).status.code(), Some(2));
}

#[test]
fn diff_names_the_columns_and_rows_that_differ() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    let mut stores = Vec::new();
    for (name, edit) in [("a", ("", "")), ("b", ("", "")), ("c", (",101.1,1,", ",101.125,1,"))] {
        let file = dir.join(format!("{name}.csv"));
        let text = csv(0..5_000);
        let text = if edit.0.is_empty() { text } else { text.replacen(edit.0, edit.1, 1) };
        std::fs::write(&file, text).unwrap();
        let store = dir.join(name).to_str().unwrap().to_owned();
        good(&["import", "--store", &store, "--venue", "v", file.to_str().unwrap()]);
        stores.push(format!("{store}/venue=v/security=S/date=2024-08-08"));
    }
    let [a, b, c] = &stores[..] else { panic!() };
    assert!(good(&["diff", a, b]).starts_with("table trades: same, 5000 rows"));
    let output = hftcol(&["diff", a, c, "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let price = found["columns"].as_array().unwrap().iter().find(|column| column["name"] == "price").unwrap();
    assert_eq!((price["rows"].as_u64(), price["first_row"].as_u64()), (Some(1), Some(1)));
    assert_eq!((price["a"].as_str(), price["b"].as_str()), (Some("101.1"), Some("101.125")));
    assert_eq!(price["largest"].as_f64(), Some(0.025));
    assert_eq!(
        found["columns"].as_array().unwrap().iter().filter(|column| column["state"] == "same").count(),
        found["columns"].as_array().unwrap().len() - 1
    );
    good(&["diff", a, c, "--abs", "0.1"]);
    good(&["diff", a, c, "--rel", "0.001"]);
    good(&["diff", a, c, "--columns", "qty,side"]);
    let file = |folder: &str| format!("{folder}/trades.00000001.0000.hftc");
    assert_eq!(hftcol(&["diff", &file(a), &file(c)]).status.code(), Some(1));
    good(&["diff", &file(a), &file(b)]);
    good(&["diff", a, &file(b)]);
    assert_eq!(hftcol(&["diff", a, dir.to_str().unwrap()]).status.code(), Some(2));
    assert_eq!(hftcol(&["diff", a, c, "--abs", "-1"]).status.code(), Some(2));
}
