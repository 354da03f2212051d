//! Exported features, read by other programs: every value, name and null as in the store.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use hftcol::read::TableReader;
use hftcol::sink::format_named;
use hftcol::store::{NameKind, Store, Tree, escape};

use crate::raw_store::{publish, raw};

/// The interpreter that `.ci/run` prepares.
fn python() -> PathBuf {
    let named = std::env::var_os("HFTCOL_PYTHON").map(PathBuf::from);
    named.expect("HFTCOL_PYTHON is not set: name a Python with the packages of tests/interop/requirements.txt")
}

pub fn hftcol(args: &[&str]) -> Vec<u8> {
    let output = Command::new(env!("CARGO_BIN_EXE_hftcol")).args(args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// What a script says of `folder` against the rows that `cat` prints with `options`.
pub fn compare(script: &str, dir: &Path, store: &Path, folder: &Path, options: &[&str]) -> String {
    let listings = dir.join(format!("listings of {script} {}", options.join(" ")));
    std::fs::create_dir(&listings).unwrap();
    let mut keys = String::new();
    for (number, key) in Store::open(store).unwrap().keys(&Tree::Raw).unwrap().iter().enumerate() {
        writeln!(keys, "{number}\t{}\t{}\t{}", key.venue, key.security, key.date).unwrap();
        let date = key.date.to_string();
        let of = ["--venue", &key.venue, "--security", &key.security, "--from", &date, "--to", &date];
        let store = store.to_str().unwrap();
        let rows = hftcol(&[&["cat", "--store", store, "--format", "csv"][..], &of, options].concat());
        std::fs::write(listings.join(format!("{number}.csv")), rows).unwrap();
    }
    std::fs::write(listings.join("keys.tsv"), keys).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop").join(script);
    let output = Command::new(python()).arg(script).arg(folder).arg(&listings).output().expect("the interpreter");
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    text
}

/// Writes a raw table of every partition as Parquet through the sink, in the layout of `--out`.
fn export_raw(store: &Path, table: &str, folder: &Path) {
    let store = Store::open(store).unwrap();
    let parquet = format_named("parquet").unwrap();
    for key in store.keys(&Tree::Raw).unwrap() {
        let manifest = store.manifest(&Tree::Raw, &key).unwrap().unwrap();
        let segment = manifest.table(table).next().unwrap();
        let reader = TableReader::open(store.open_segment(&Tree::Raw, &key, segment).unwrap()).unwrap();
        let partition = folder
            .join(format!("venue={}", escape(NameKind::Venue, &key.venue)))
            .join(format!("security={}", escape(NameKind::Security, &key.security)))
            .join(format!("date={}", key.date));
        std::fs::create_dir_all(&partition).unwrap();
        let mut bytes = Vec::new();
        parquet.export(&reader, &mut bytes).unwrap();
        std::fs::write(partition.join("part-0.parquet"), bytes).unwrap();
    }
}

#[test]
fn polars_duckdb_and_pyarrow_read_what_the_store_holds() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    let (root, out) = (dir.join("store"), dir.join("out"));
    let store = Store::create_or_open(&root).unwrap();
    let mut partitions =
        vec![raw("binance", "BTC/USDT", 5_000, 1), raw("binance", "a b%=&", 40, 2), raw("Kraken", "XBT", 1, 3)];
    partitions[1].book = Some("quotes");
    publish(&store, &partitions);
    let (root_text, out_text) = (root.to_str().unwrap(), out.to_str().unwrap());
    let options = ["--raw-levels", "--mlofi-levels", "--threads", "2"];
    hftcol(&[&["compute", "--store", root_text][..], &options].concat());
    hftcol(&[&["compute", "--store", root_text, "--output", "parquet", "--out", out_text][..], &options].concat());
    let text = compare("read_parquet.py", dir, &root, &out.join("book"), &["--set", "default", "--table", "book"]);
    assert!(text.contains("3 partitions agree") && text.contains("'f64'") && text.contains("'time'"), "{text}");

    export_raw(&root, "trades", &dir.join("trades"));
    let text = compare("read_parquet.py", dir, &root, &dir.join("trades"), &["--table", "trades"]);
    assert!(text.contains("3 partitions agree") && text.contains("'decimal'"), "{text}");
}

#[test]
fn real_captures_give_the_same_store_for_any_threads_and_read_back_elsewhere() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    let inputs: Vec<String> = [
        "lobster/AAPL_2012-06-21_message_50.csv",
        "lobster/AAPL_2012-06-21_orderbook_50.csv.gz",
        "tardis_layout_converted/binance-futures_book_snapshot_25_2024-07-18_BTCUSDT.csv.gz",
        "tardis_layout_converted/binance-futures_trades_2024-07-18_BTCUSDT.csv.gz",
        "tardis/quotes.csv.gz",
    ]
    .map(|name| crate::shared(name).to_str().unwrap().to_owned())
    .to_vec();
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    let mut digests = Vec::new();
    for threads in ["1", "2"] {
        let root = dir.join(format!("store {threads}"));
        let root_text = root.to_str().unwrap();
        hftcol(&[&["import", "--store", root_text][..], &inputs].concat());
        hftcol(&["compute", "--store", root_text, "--threads", threads, "--output", "hftc,parquet"]);
        hftcol(&["verify", "--store", root_text]);
        digests.push(hftcol(&["ls", "--store", root_text, "--digest"]));
    }
    assert!(!digests[0].is_empty() && digests[0] == digests[1]);
    let (root, out) = (dir.join("store 1"), dir.join("out"));
    let (root_text, out_text) = (root.to_str().unwrap(), out.to_str().unwrap());
    hftcol(&["compute", "--store", root_text, "--output", "parquet", "--out", out_text]);
    let text = compare("read_parquet.py", dir, &root, &out.join("book"), &["--set", "default", "--table", "book"]);
    assert!(text.contains("4 partitions agree"), "{text}");
}
