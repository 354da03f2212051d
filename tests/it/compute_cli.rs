//! `hftcol compute`, `features` and `sysinfo` as programs: what tools read, and exit codes.

use std::path::Path;
use std::process::{Command, Output};

use hftcol::store::Store;

use crate::raw_store::{publish, raw};

fn hftcol(store: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hftcol")).args(args).env("HFTCOL_STORE", store).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn lines(output: &Output, first: &str) -> Vec<String> {
    let mut lines: Vec<String> =
        text(&output.stdout).lines().filter(|l| l.starts_with(first)).map(str::to_owned).collect();
    lines.sort();
    lines
}

fn store_on_disk() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::create_or_open(&dir.path().join("store")).unwrap();
    publish(&store, &[raw("binance", "BTC/USDT", 700, 1), raw("binance", "eth", 40, 2)]);
    dir
}

#[test]
fn published_lines_totals_and_exit_codes() {
    let dir = store_on_disk();
    let store = dir.path().join("store");
    let first = hftcol(&store, &["compute", "--threads", "2", "--plain", "--tables", "book"]);
    assert_eq!(first.status.code(), Some(0), "{}", text(&first.stderr));
    let published =
        ["published book binance %65%74%68 2024-08-08 40", "published book binance BTC%2FUSDT 2024-08-08 700"];
    assert_eq!(lines(&first, "published"), published);
    let partition = lines(&first, "partition binance BTC").remove(0);
    assert!(partition.contains("state=done book=book clock=event book_rows_in=700 trade_rows_in=351"), "{partition}");
    let total = lines(&first, "total").remove(0);
    assert!(total.contains(" done=2 ") && total.contains(" book_rows_out=740 "), "{total}");

    let again = hftcol(&store, &["compute", "--json", "--tables", "book"]);
    assert_eq!(again.status.code(), Some(0));
    let events: Vec<serde_json::Value> =
        text(&again.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(events.iter().all(|e| e["event"] != "published"));
    let total = events.iter().find(|e| e["event"] == "total").unwrap();
    assert_eq!((total["up_to_date"].as_u64(), total["failed"].as_u64()), (Some(2), Some(0)));

    for (args, code) in [
        (&["compute", "--levels", "3"][..], 2),
        (&["compute", "--features", "no_such_column"], 2),
        (&["compute", "--output", "feather"], 2),
        (&["compute", "--pin", "60000"], 2),
        (&["compute", "--threads", "0"], 2),
        (&["compute", "--max-gap", "1d"], 2),
        (&["compute", "--set", "../x"], 2),
        (&["compute", "--from", "2024-08-09", "--to", "2024-08-08"], 2),
        (&["compute", "--tables", "ticks"], 2),
        (&["compute", "--tables", "volume_bars"], 2),
        (&["compute", "--bars", "60,30"], 2),
        (&["compute", "--volume-bars", "0"], 2),
        (&["compute", "--vpin-bucket-volume", "week/50"], 2),
        (&["compute", "--venue", "nowhere", "--tables", "book"], 0),
        (&["compute", "--dry-run", "--tables", "book"], 0),
    ] {
        let output = hftcol(&store, args);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", text(&output.stderr));
        assert!(code == 0 || !output.stderr.is_empty(), "{args:?}");
    }
    assert_eq!(hftcol(&dir.path().join("none"), &["compute"]).status.code(), Some(2));
}

#[test]
fn a_damaged_partition_is_exit_1_and_a_held_lock_6() {
    let dir = store_on_disk();
    let store = dir.path().join("store");
    let folder = store.join("venue=binance/security=%65%74%68/date=2024-08-08");
    let file = std::fs::read_dir(&folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .find(|p| p.file_name().unwrap().to_string_lossy().starts_with("book."));
    let file = file.unwrap();
    let mut bytes = std::fs::read(&file).unwrap();
    // The first block is the clock's; damage in a column that features do not read would do no harm.
    let header_len = u32::from_le_bytes(bytes[12..16].try_into().unwrap()) as usize;
    bytes[header_len + 3] ^= 1;
    std::fs::remove_file(&file).unwrap();
    std::fs::write(&file, &bytes).unwrap();
    let output = hftcol(&store, &["compute", "--plain", "--quiet", "--tables", "book"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(lines(&output, "published").len(), 1);
    let stderr = text(&output.stderr);
    assert!(stderr.contains("failed binance %65%74%68 2024-08-08") && stderr.contains("1 of 2 partitions"), "{stderr}");

    let held = Store::open(&store).unwrap().begin(hftcol::store::Tree::Features("default".into())).unwrap();
    assert_eq!(hftcol(&store, &["compute", "--tables", "book"]).status.code(), Some(6));
    drop(held);
}

#[test]
fn the_registry_and_the_machine_are_printed() {
    let dir = tempfile::tempdir().unwrap();
    let json = hftcol(dir.path(), &["features", "--format", "json"]);
    let names: Vec<String> = text(&json.stdout)
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["name"].as_str().unwrap().to_owned())
        .collect();
    assert!(names.contains(&"microprice".to_owned()) && names.len() > 50, "{}", names.len());
    let markdown = text(&hftcol(dir.path(), &["features", "--format", "md"]).stdout);
    assert!(names.iter().all(|name| markdown.contains(&format!("| `{name}` |"))));
    assert!(text(&hftcol(dir.path(), &["features"]).stdout).contains("microprice"));
    let machine = hftcol(dir.path(), &["sysinfo", "--json"]);
    let facts: serde_json::Value = serde_json::from_slice(&machine.stdout).unwrap();
    assert!(facts["cores"]["usable"].as_u64().unwrap() >= 1, "{facts}");
    for command in ["compute", "features", "sysinfo"] {
        let help = text(&hftcol(dir.path(), &[command, "--help"]).stdout);
        assert!(help.contains(&format!("hftcol {command}")) && help.contains("Example"), "{help}");
    }
}
