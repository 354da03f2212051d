//! What a compute run reports of its rows, and runs that share the work: figures that add up, duplicates counted and left out,
//! shards as real processes.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use hftcol::store::Store;
use serde_json::Value;

use crate::cli::{good, hftcol};
use crate::raw_store::{publish, raw};

const START: i64 = 1_723_075_200_000_000;

/// A book and trades in the layout of Tardis: snapshots a second apart and trades between them, with repeated and late rows.
fn sources(folder: &Path, security: &str) -> [String; 2] {
    let mut book = String::from(
        "exchange,symbol,timestamp,local_timestamp,asks[0].price,asks[0].amount,bids[0].price,bids[0].amount\n",
    );
    let mut trades = String::from("exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n");
    let rows: Vec<i64> = (0..40).chain([20, 21, 40, 41, 41, 41]).collect();
    for second in rows {
        let at = START + second * 1_000_000;
        // In second 30 the book is one-sided, in 31 locked, in 32 crossed.
        let (ask, size) = match second {
            30 => ("", ""),
            31 => ("100", "1"),
            32 => ("99", "1"),
            _ => ("101", "1.5"),
        };
        writeln!(book, "v,{security},{at},{},{ask},{size},100,2", at + 5).unwrap();
    }
    // Trade 7 stands twice, 8 stands beside one that differs in its id alone; 3 comes late, and the last after the book's end.
    for (id, second, ticks) in [
        (1, 1, 5),
        (2, 4, 5),
        (7, 9, 5),
        (7, 9, 5),
        (8, 9, 5),
        (9, 9, 5),
        (3, 5, 6),
        (10, 12, 7),
        (11, 50, 8),
        (11, 50, 8),
    ] {
        let at = START + second * 1_000_000 + 500_000;
        writeln!(trades, "v,{security},{at},{},{id},buy,100.{ticks},0.25", at + 5).unwrap();
    }
    [("book", book), ("trades", trades)].map(|(name, text)| {
        let path = folder.join(format!("v_{name}_{security}.csv"));
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    })
}

fn import(dir: &Path) -> String {
    let store = dir.join("store").to_str().unwrap().to_owned();
    for security in ["A", "B"] {
        let [book, trades] = sources(dir, security);
        good(&["import", "--store", &store, "--format", "tardis", &book, &trades]);
    }
    store
}

/// The JSON lines of a run: those of partitions, and the total.
fn run(args: &[&str]) -> (Vec<Value>, Value) {
    let printed = good(&[&["compute", "--json", "--pin", "off"][..], args].concat());
    let events: Vec<Value> = printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let total = events.iter().find(|e| e["event"] == "total").unwrap().clone();
    (events.into_iter().filter(|e| e["event"] == "partition").collect(), total)
}

fn figures(value: &Value) -> BTreeMap<String, u64> {
    let numbers = value.as_object().unwrap().iter().filter_map(|(key, v)| v.as_u64().map(|v| (key.clone(), v)));
    numbers.collect()
}

/// What must hold in the figures of a partition and in their totals.
fn check_sums(f: &BTreeMap<String, u64>, context: &str) {
    let get = |key: &str| *f.get(key).unwrap_or_else(|| panic!("{context}: no {key} in {f:?}"));
    if f.contains_key("two_sided") {
        assert_eq!(
            get("two_sided") + get("one_sided") + get("book_skipped_duplicate"),
            get("book_rows_in"),
            "{context}"
        );
        assert_eq!(
            get("trades_used") + get("trades_after_last") + get("trade_skipped_duplicate"),
            get("trade_rows_in"),
            "{context}"
        );
        if f.contains_key("book_rows_out") {
            assert_eq!(get("book_rows_out") + get("book_skipped_duplicate"), get("book_rows_in"), "{context}");
        }
    }
    if f.contains_key("trades_rows_out") {
        assert_eq!(get("trades_rows_out") + get("trade_skipped_duplicate"), get("trade_rows_in"), "{context}");
    }
    let tables: u64 = f.iter().filter(|(k, _)| k.ends_with("_rows_out") && *k != "rows_out").map(|(_, v)| v).sum();
    if let Some(all) = f.get("rows_out") {
        assert_eq!(*all, tables, "{context}");
    }
}

#[test]
fn figures_add_up_over_columns_and_over_partitions() {
    let dir = tempfile::tempdir().unwrap();
    let store = import(dir.path());
    for (number, tables) in ["book", "trades", "bars_60s", "book,trades,bars"].into_iter().enumerate() {
        for dedupe in [false, true] {
            let set = format!("s{number}{dedupe}");
            let mut args = vec!["--store", &store, "--tables", tables, "--set", &set];
            args.extend(dedupe.then_some("--dedupe"));
            let (partitions, total) = run(&args);
            let mut sums: BTreeMap<String, u64> = BTreeMap::new();
            for partition in &partitions {
                let of = figures(&partition["figures"]);
                check_sums(&of, &format!("{partition}"));
                for (key, value) in of {
                    *sums.entry(key).or_default() += value;
                }
            }
            let total = figures(&total);
            check_sums(&total, "total");
            for (key, value) in sums.iter().filter(|(key, _)| !key.ends_with("_ms")) {
                assert_eq!(total.get(key), Some(value), "total {key}");
            }
            assert_eq!(total.contains_key("gaps"), tables != "trades", "what was not read is not told as 0");
            assert!(total["bytes_in"] > 0 && total["bytes_out"] > 0 && total.contains_key("cpu_ms"));
        }
    }
}

#[test]
fn duplicates_and_late_rows_are_counted_and_duplicates_left_out_on_request() {
    let dir = tempfile::tempdir().unwrap();
    let store = import(dir.path());
    let args = ["--store", &store, "--security", "A", "--tables", "book,trades"];
    let (partitions, _) = run(&args);
    let of = figures(&partitions[0]["figures"]);
    let get = |key: &str| of[key];
    assert_eq!((get("book_rows_in"), get("two_sided"), get("one_sided")), (46, 45, 1));
    assert_eq!((get("locked"), get("crossed"), get("gaps")), (1, 1, 0));
    // Of seconds 20 and 21 the second copies, of 41 the last two; after the copies of 20 and 21 in order come 22 to 39.
    assert_eq!((get("book_duplicates"), get("equal_clocks"), get("book_skipped_duplicate")), (4, 4, 0));
    assert_eq!(get("book_out_of_order"), 19);
    assert_eq!((get("trade_rows_in"), get("trade_duplicates"), get("trades_after_last")), (10, 2, 2));
    // Trades 7, 7, 8 and 9 stand in the source before 3, which is earlier.
    assert_eq!(get("trade_out_of_order"), 4);

    let (partitions, _) = run(&[&args[..], &["--dedupe", "--set", "once"]].concat());
    let of = figures(&partitions[0]["figures"]);
    let get = |key: &str| of[key];
    assert_eq!((get("book_rows_out"), get("book_skipped_duplicate"), get("two_sided")), (42, 4, 41));
    assert_eq!((get("trades_rows_out"), get("trade_skipped_duplicate"), get("trades_after_last")), (8, 2, 1));
    let csv = |set: &str, table: &str| {
        let printed =
            good(&["cat", "--store", &store, "--set", set, "--security", "A", "--table", table, "--format", "csv"]);
        printed.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let column = |set: &str, table: &str, name: &str| {
        let lines = csv(set, table);
        let at = lines[0].split(',').position(|column| column == name).unwrap();
        lines[1..].iter().map(|line| line.split(',').nth(at).unwrap().to_owned()).collect::<Vec<_>>()
    };
    let total =
        |set: &str| column(set, "book", "trade_count").iter().map(|n| n.parse::<f64>().unwrap_or(0.0)).sum::<f64>();
    assert_eq!((total("default"), total("once")), (8.0, 7.0));
    assert!(!column("once", "book", "book_flags").contains(&"32".to_owned()));
    let last = |name: &str| column("once", "trades", name).last().unwrap().parse::<f64>().unwrap();
    // day/50 is of the volume that is left: 8 trades of a quarter fill 50 buckets.
    assert_eq!(last("vpin"), 1.0);
    assert_eq!(last("volume_900s"), 2.0);
    let stored = column("default", "trades", "volume_900s").last().unwrap().parse::<f64>().unwrap();
    assert_eq!(stored, 2.5);
    // Another configuration: refused in a set that holds the one without.
    assert_eq!(hftcol(&[&["compute"][..], &args, &["--dedupe"]].concat()).status.code(), Some(2));
}

#[test]
fn an_import_leaves_duplicates_out_and_accounts_for_them() {
    let dir = tempfile::tempdir().unwrap();
    let [book, trades] = sources(dir.path(), "A");
    let store = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let import = |name: &str, more: &[&str]| -> Value {
        let args = ["import", "--json", "--store", &store(name), "--format", "tardis", &book, &trades];
        let printed = good(&[&args[..], more].concat());
        serde_json::from_str(printed.lines().last().unwrap()).unwrap()
    };
    let (kept, once) = (import("kept", &[]), import("once", &["--dedupe"]));
    for (table, rows, duplicates) in [("book", 46, 4), ("trades", 10, 2)] {
        assert_eq!(
            (&kept["tables"][table]["rows"], &kept["tables"][table]["duplicates"]),
            (&rows.into(), &duplicates.into())
        );
        assert_eq!(once["tables"][table]["rows"].as_u64(), Some(rows - duplicates), "{once}");
        let source = once["sources"].as_array().unwrap().iter().find(|s| s["rows"][table].is_object()).unwrap();
        let fates = &source["rows"][table];
        let of = |fate: &str| fates[fate].as_u64().unwrap();
        assert_eq!((of("parsed"), of("stored"), of("duplicate")), (rows, rows - duplicates, duplicates));
    }
    // What compute would leave out is what import leaves out.
    let columns = |name: &str, more: &[&str]| {
        good(&[&["compute", "--store", &store(name), "--tables", "book,trades"][..], more].concat());
        ["book", "trades"].map(|table| {
            good(&["cat", "--store", &store(name), "--set", "default", "--table", table, "--format", "csv"])
        })
    };
    assert!(columns("kept", &["--dedupe"]) == columns("once", &[]));
    let again = import("once", &["--dedupe"]);
    assert_eq!(again["up_to_date"].as_u64(), Some(1), "{again}");
}

/// The files of a folder but the journal's, by path.
fn files(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut open = vec![root.to_owned()];
    let mut found = BTreeMap::new();
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                open.push(path);
            } else if !name.starts_with("journal/") && name != "hftcol-store.json" && !name.contains(".hftcol-staging")
            {
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

fn store_of(root: &Path, partitions: usize) -> String {
    let store = Store::create_or_open(root).unwrap();
    let list: Vec<_> = (0..partitions).map(|i| raw("v", &format!("S{i}"), 300 + 40 * i, i as u64)).collect();
    publish(&store, &list);
    root.to_str().unwrap().to_owned()
}

fn start(args: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hftcol"));
    command.args(args).env_remove("HFTCOL_STORE").stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn shards_at_the_same_time_give_what_one_run_gives() {
    const SHARDS: usize = 3;
    let dir = tempfile::tempdir().unwrap();
    let one = store_of(&dir.path().join("one"), 12);
    let many = store_of(&dir.path().join("many"), 12);
    let common = ["--threads", "1", "--pin", "off", "--output", "hftc,csv", "--store"];
    good(&[&["compute"][..], &common, &[&one]].concat());
    let shards: Vec<String> = (1..=SHARDS).map(|i| format!("{i}/{SHARDS}")).collect();
    let processes: Vec<Child> =
        shards.iter().map(|shard| start(&[&["compute", "--shard", shard][..], &common, &[&many]].concat())).collect();
    for process in processes {
        let output = process.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let (one_files, many_files) = (files(Path::new(&one)), files(Path::new(&many)));
    assert_eq!(one_files.keys().collect::<Vec<_>>(), many_files.keys().collect::<Vec<_>>());
    assert!(one_files == many_files, "same bytes");
    assert_eq!(good(&["ls", "--digest", "--store", &one]), good(&["ls", "--digest", "--store", &many]));
    let store = Store::open(Path::new(&many)).unwrap();
    assert_eq!(store.verify().unwrap(), []);
    // Each took a part, the parts are the whole, and a later run finds all of it done.
    let mut seen = 0;
    for shard in &shards {
        let (partitions, total) = run(&["--shard", shard, "--store", &many, "--output", "hftc,csv"]);
        assert!(!partitions.is_empty() && total["up_to_date"].as_u64() == Some(partitions.len() as u64), "{total}");
        seen += partitions.len();
    }
    assert_eq!(seen, 12);
    let (_, total) = run(&["--store", &many, "--output", "hftc,csv"]);
    assert_eq!(total["up_to_date"].as_u64(), Some(12));
}

#[test]
fn shards_share_an_output_folder_but_not_with_a_whole_run() {
    let dir = tempfile::tempdir().unwrap();
    let store = store_of(&dir.path().join("store"), 6);
    let out = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (one, many) = (out("one"), out("many"));
    let common =
        ["--threads", "1", "--pin", "off", "--output", "parquet", "--tables", "book,trades", "--store", &store];
    good(&[&["compute", "--out", &one][..], &common].concat());
    let processes: Vec<Child> = ["1/2", "2/2"]
        .iter()
        .map(|shard| start(&[&["compute", "--out", &many, "--shard", shard][..], &common].concat()))
        .collect();
    for process in processes {
        let output = process.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert!(files(Path::new(&one)) == files(Path::new(&many)) && files(Path::new(&one)).len() == 12);

    let storage = std::sync::Arc::new(hftcol::storage::OsStorage::open(Path::new(&many), Default::default()).unwrap());
    let held = hftcol::sink::Folder::begin_shard(storage, 1, 2).unwrap();
    let run = |shard: &[&str]| hftcol(&[&["compute", "--out", &many][..], shard, &common].concat()).status.code();
    assert_eq!((run(&["--shard", "1/2"]), run(&[]), run(&["--shard", "2/2"])), (Some(6), Some(6), Some(0)));
    drop(held);
    assert_eq!(run(&[]), Some(0));
}

#[test]
fn failures_of_shards_are_told_until_a_whole_run_takes_their_place() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("store");
    let store = store_of(&root, 6);
    let folder = root.join("venue=v/security=S3/date=2024-08-08");
    let trades = std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path());
    let trades = trades.into_iter().find(|p| p.file_name().unwrap().to_string_lossy().starts_with("trades.")).unwrap();
    let whole = std::fs::read(&trades).unwrap();
    let replace = |bytes: &[u8]| {
        std::fs::remove_file(&trades).unwrap();
        std::fs::write(&trades, bytes).unwrap();
    };
    replace(&whole[..whole.len() / 2]);
    let codes = ["1/2", "2/2"].map(|shard| hftcol(&["compute", "--store", &store, "--shard", shard]).status.code());
    assert_eq!(codes.iter().filter(|code| **code == Some(1)).count(), 1, "{codes:?}");
    let opened = Store::open(&root).unwrap();
    let tree = hftcol::store::Tree::Features("default".into());
    let failures = opened.failures(&tree).unwrap();
    assert_eq!(failures.len(), 1);
    assert_eq!(failures[0].subject, "v S3 2024-08-08");
    replace(&whole);
    good(&["compute", "--store", &store]);
    assert_eq!(opened.failures(&tree).unwrap(), []);
    assert_eq!(opened.verify().unwrap(), []);
}

#[test]
fn a_trace_tells_every_stage_of_every_partition() {
    let dir = tempfile::tempdir().unwrap();
    let store = store_of(&dir.path().join("store"), 5);
    let file = dir.path().join("trace.json");
    std::fs::write(&file, "what was there before").unwrap();
    let path = file.to_str().unwrap();
    good(&["compute", "--store", &store, "--threads", "2", "--pin", "off", "--trace", path]);
    let events: Vec<Value> = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let number = |event: &Value, key: &str| event[key].as_f64().unwrap();
    let spans: Vec<&Value> = events.iter().filter(|e| e["ph"] == "X").collect();
    let (partitions, stages): (Vec<&Value>, Vec<&Value>) =
        spans.iter().filter(|e| e["tid"] != 0).partition(|e| e["name"].as_str().unwrap().starts_with("v "));
    let mut names: Vec<&str> = partitions.iter().map(|e| e["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    let wanted: Vec<String> = (0..5).map(|i| format!("v S{i} 2024-08-08")).collect();
    assert_eq!(names, wanted);
    for stage in ["read+decode", "merge", "kernels", "windows", "encode+write"] {
        assert!(stages.iter().any(|e| e["name"] == stage), "{stage}");
    }
    for stage in &stages {
        let of = |p: &&&Value| {
            p["tid"] == stage["tid"]
                && number(p, "ts") <= number(stage, "ts") + 0.01
                && number(stage, "ts") + number(stage, "dur") <= number(p, "ts") + number(p, "dur") + 0.01
        };
        assert!(partitions.iter().any(|p| of(&p)), "{stage}");
    }
    assert!(spans.iter().any(|e| e["tid"] == 0 && e["name"] == "sync" && e["args"]["files"].as_u64() > Some(0)));
    assert!(events.iter().any(|e| e["ph"] == "C" && e["args"]["rows"].as_u64() > Some(0)));
    let nowhere = dir.path().join("none/trace.json");
    let args = ["compute", "--store", &store, "--force", "--trace", nowhere.to_str().unwrap()];
    assert_eq!(hftcol(&args).status.code(), Some(5));
}

#[test]
fn a_dry_run_tells_tables_rows_time_and_memory_and_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = store_of(&dir.path().join("store"), 3);
    let before = files(Path::new(&store));
    let args = ["compute", "--dry-run", "--json", "--store", &store, "--threads", "2"];
    let lines =
        |args: &[&str]| -> Vec<Value> { good(args).lines().map(|line| serde_json::from_str(line).unwrap()).collect() };
    let dry = lines(&args);
    let planned = |dry: &[Value], table: &str| dry.iter().find(|e| e["table"] == table).cloned();
    assert_eq!(planned(&dry, "book").unwrap()["rows_at_most"], 300 + 340 + 380);
    assert_eq!(planned(&dry, "trades").unwrap()["rows_at_most"], 151 + 171 + 191);
    let total = dry.last().unwrap();
    let of = |key: &str| total[key].as_u64().unwrap();
    assert_eq!((of("pending"), of("planned_bytes")), (3, 2 * of("planned_bytes_per_worker")));
    assert!(of("arena_bytes") == of("planned_bytes_per_worker") && of("estimated_bytes_out") > 0, "{total}");
    let parquet = lines(&[&args[..], &["--output", "parquet", "--tables", "trades"]].concat());
    let total = parquet.last().unwrap();
    assert!(total["planned_bytes_per_worker"].as_u64() > total["arena_bytes"].as_u64());
    assert!(planned(&parquet, "book").is_none());
    assert!(before == files(Path::new(&store)), "nothing is written");
    good(&["compute", "--store", &store]);
    let done = lines(&args);
    assert!(planned(&done, "book").is_none() && done.last().unwrap()["up_to_date"] == 3);
    // What cannot be is refused before the first row.
    for (wrong, word) in [
        (&["--threads", "9999999"][..], "MiB"),
        (&["--features", "imbalance_10", "--levels", "5"], "imbalance_10 needs 10 levels"),
        (&["--features", "nosuch"], "nosuch"),
    ] {
        let output = hftcol(&[&args[..5], wrong].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && said.contains(word), "{wrong:?}: {said}");
    }
}

/// Trade ids of many venues are words: they are compared as well, and computing does not fail on them.
#[test]
fn ids_that_are_words_tell_duplicates_apart() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store").to_str().unwrap().to_owned();
    let row = |nanos: u64, id: &str| format!("{},S,1.5,2,buy,{id}\n", 1_723_075_200_000_000_000 + nanos);
    let rows = [row(1, "a-1"), row(1, "a-1"), row(1, "a-2"), row(9, "a-2")];
    let path = folder.path().join("t.csv");
    std::fs::write(&path, format!("ts_ns,symbol,price,qty,side,id\n{}", rows.concat())).unwrap();
    good(&["import", path.to_str().unwrap(), "--store", &store, "--venue", "v"]);
    let printed = good(&["compute", "--store", &store, "--tables", "trades,bars_60s", "--plain"]);
    assert!(printed.contains("published trades v S 2024-08-08 4"), "{printed}");
    assert!(printed.contains(" trade_duplicates=1 "), "{printed}");
}
