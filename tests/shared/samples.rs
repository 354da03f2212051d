//! Every file of the shared data through the program, as a user would import it, and `docs/samples.md`: the table of what became of
//! each. The page is compared with the real runs; `HFTCOL_WRITE_DOCS=1` writes it.
//!
//! A file that needs no more than its path is not named here. What a run must keep, whatever the file: every record has one fate, the
//! store holds the rows that the report counts and verifies, and the same import again publishes nothing.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use walkdir::WalkDir;

use crate::cli::hftcol;
use crate::shared;

/// A way to import a file: the file, what is given beside it, and what is to be said about it.
struct Case {
    file: &'static str,
    /// Another file of the shared data that is read with it.
    partner: &'static str,
    words: &'static str,
    remark: &'static str,
}

const fn case(file: &'static str, words: &'static str) -> Case {
    Case { file, partner: "", words, remark: "" }
}

const fn pair(file: &'static str, partner: &'static str) -> Case {
    Case { file, partner, words: "", remark: "" }
}

const fn nothing(file: &'static str) -> Case {
    Case { file, partner: "", words: "", remark: "holds no market data" }
}

const AMZN_MESSAGES: &str = "lobster/AMZN_2012-06-21_34200000_57600000_message_1.csv.gz";

/// Files that need an option or a partner, files that can be read in two ways, and files that are none of ours.
const CASES: &[Case] = &[
    nothing("MANIFEST.tsv"),
    nothing("README.md"),
    case("bitstamp_l3/2015-05-01.log.xz", "--security BTCUSD"),
    case("bitstamp_l3/orders.csv.xz", "--security BTCUSD"),
    case("bybit_ob500/xrpusdt-ob500.data.zip", ""),
    case("bybit_ob500/xrpusdt-ob500.data.zip", "--format docs/examples/bybit_snapshots.toml --levels 500"),
    case("china_l2/trades.csv.gz", "--format china-l2"),
    case("coinbase_gdax/l2update.csv.gz", "--format coinbase --security BTC-USD"),
    nothing("coinbase_gdax/request_log.csv"),
    case("coinbase_gdax/snapshot_asks.csv.gz", "--format coinbase --security BTC-USD"),
    case("coinbase_gdax/snapshot_bids.csv", "--format coinbase --security BTC-USD"),
    nothing("coinbase_gdax/subscriptions.csv"),
    case("fx_ticks/data_USDJPY_ticks.csv", "--format docs/examples/fx_ticks.toml"),
    case("fx_ticks/test_data_quote_tick_data.csv.gz", "--format docs/examples/fx_ticks_digits.toml --security AUDUSD"),
    case("fx_ticks/truefx_usdjpy-ticks.csv", "--venue truefx --security USDJPY"),
    case(
        "kr_book_long/2024-04-27_upbit_orderbook.csv.gz",
        "--format docs/examples/kr_book_long.toml --venue upbit --security ETH",
    ),
    case(
        "kr_book_long/2024-04-29-bithumb-BTC-orderbook.csv.gz",
        "--format docs/examples/kr_book_long.toml --venue bithumb --security BTC",
    ),
    case(
        "kr_book_long/book-2024-4-28-bithumb-btc.csv.gz",
        "--format docs/examples/kr_book_long.toml --venue bithumb --security BTC",
    ),
    case("lobster/AAPL_2012-06-21_message_50.csv", ""),
    pair("lobster/AAPL_2012-06-21_message_50.csv", "lobster/AAPL_2012-06-21_orderbook_50.csv.gz"),
    case(AMZN_MESSAGES, ""),
    pair(AMZN_MESSAGES, "lobster/AMZN_2012-06-21_34200000_57600000_orderbook_1.csv.gz"),
    nothing("lobster/LOBSTER_SampleFiles_ReadMe.txt"),
    case("lobster_messy_header_crlf/AMZN_2012-06-21_34200000_57600000_message_1.csv.gz", ""),
    pair(
        "lobster_messy_header_crlf/AMZN_2012-06-21_34200000_57600000_message_1.csv.gz",
        "lobster_messy_header_crlf/AMZN_2012-06-21_34200000_57600000_orderbook_1.csv.gz",
    ),
    case("lobster_messy_semicolon/AMZN_2012-06-21_34200000_57600000_orderbook_1.csv.gz", ""),
    pair(AMZN_MESSAGES, "lobster_messy_semicolon/AMZN_2012-06-21_34200000_57600000_orderbook_1.csv.gz"),
    case("misc_trades/BCHEUR.csv", "--format docs/examples/kraken_trades.toml --security BCHEUR"),
    case(
        "polymarket_quotes_converted/polymarket_quotes_2026-07-15_head200k.csv.gz",
        "--format docs/examples/polymarket_quotes.toml",
    ),
];

const HEAD: &str = "\
# What real files become

Every file of the shared data, imported by the program: made by the second test suite, which fails when a line of it is not
true any more (`HFTCOL_WRITE_DOCS=1` writes it anew). Records = those stored + rejected + skipped; a record may make rows of
several tables, or be a part of one row. A file without options is recognised by `auto`. A file with rejected records ends with
exit code 1 unless `--max-rejects` allows them, a refused one with 3.

| file | options | dialect | records | rows stored | rejected | skipped | why, and what was noted |
|---|---|---|---|---|---|---|---|
";

/// What a user would type for a case, without the store.
fn words(case: &Case) -> Vec<String> {
    let files = [case.file, case.partner].into_iter().filter(|file| !file.is_empty());
    let files = files.map(|file| shared(file).to_string_lossy().into_owned());
    files.chain(case.words.split(' ').filter(|word| !word.is_empty()).map(str::to_owned)).collect()
}

fn run(store: &Path, words: &[String]) -> (i32, Vec<Value>, String) {
    let mut all = vec!["import", "--json", "--store", store.to_str().unwrap()];
    all.extend(words.iter().map(String::as_str));
    let output = hftcol(&all);
    let lines = String::from_utf8(output.stdout).unwrap();
    let values = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let said = String::from_utf8(output.stderr).unwrap();
    let error = said.lines().find_map(|line| serde_json::from_str::<Value>(line).ok()).unwrap_or_default();
    (output.status.code().unwrap(), values, error["error"].as_str().unwrap_or_default().to_owned())
}

/// 1234567 as 1,234,567.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// `a 1, b 2` of an object of counts.
fn counts(object: &Value) -> String {
    let parts = object.as_object().unwrap().iter();
    parts.map(|(name, count)| format!("{name} {}", grouped(count.as_u64().unwrap()))).collect::<Vec<_>>().join(", ")
}

/// The error without the paths of this machine, the list of all dialects, what stood there and the advice.
fn reason(error: &str) -> String {
    let root = shared("").to_string_lossy().into_owned();
    let mut text = error.replace(&root, "").replace('|', "\\|");
    if let (Some(from), Some(to)) = (text.find("one of lobster"), text.find(" is sure of")) {
        text.replace_range(from..to, "a dialect");
    }
    let end = [", got `", "; "].iter().filter_map(|stop| text.find(stop)).min().unwrap_or(text.len());
    let text = &text[..end];
    text.split_once("expected ").map_or(text.to_owned(), |(_, expected)| format!("refused: expected {expected}"))
}

/// The reasons of the rejected records, with their numbers.
fn reject_reasons(store: &Path, report: &Value) -> String {
    let mut reasons: BTreeMap<String, u64> = BTreeMap::new();
    for name in report["quarantine"].as_array().unwrap() {
        let entries = fs::read_to_string(store.join("quarantine").join(name.as_str().unwrap())).unwrap();
        for entry in entries.lines() {
            let entry: Value = serde_json::from_str(entry).unwrap();
            let reason = entry["reason"].as_str().unwrap();
            let reason = reason.split_once(", got ").map_or(reason, |(before, _)| before);
            let reason = reason.split_once(": ").map_or(reason, |(before, _)| before);
            *reasons.entry(format!("`{}`: {reason}", entry["column"].as_str().unwrap())).or_default() += 1;
        }
    }
    reasons.into_iter().map(|(reason, count)| format!("{} x {reason}", grouped(count))).collect::<Vec<_>>().join(", ")
}

/// Rows by table, of what the store lists.
fn rows_listed(store: &Path) -> BTreeMap<String, u64> {
    let output = hftcol(&["ls", "--store", store.to_str().unwrap(), "--digest"]);
    assert_eq!(output.status.code(), Some(0));
    let mut rows = BTreeMap::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let parts: Vec<_> = line.split(' ').collect();
        *rows.entry(parts[0].to_owned()).or_default() += parts[4].parse::<u64>().unwrap();
    }
    rows
}

/// Imports, checks, and gives the line of the table.
fn line(case: &Case, dir: &Path) -> String {
    let store = dir.join("store");
    let words = words(case);
    let (code, values, error) = run(&store, &words);
    let with =
        [case.partner, case.words].iter().filter(|s| !s.is_empty()).map(|s| format!("`{s}`")).collect::<Vec<_>>();
    let with = with.join(" ").replace("docs/examples/", "");
    let with = if case.partner.is_empty() { with } else { format!("with {with}") };
    let start = format!("| `{}` | {with} |", case.file);
    let remark = if case.remark.is_empty() { String::new() } else { format!("{}; ", case.remark) };
    if code == 3 {
        assert!(!store.join("hftcol-store.json").exists() || rows_listed(&store).is_empty(), "{}", case.file);
        return format!("{start} - | | | | | {remark}{} |", reason(&error));
    }
    assert!(case.remark.is_empty(), "{} holds market data after all", case.file);
    let report = values.iter().find(|value| value["event"] == "imported").unwrap_or_else(|| {
        panic!("{} ends with {code}: {error}", case.file);
    });
    let source = &report["sources"][0];
    assert_eq!(report["sources"].as_array().unwrap().len(), 1, "{}", case.file);
    let number = |name: &str| source[name].as_u64().unwrap();
    let skipped: u64 = source["skipped"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(number("records"), number("stored") + number("rejected") + skipped, "{}", case.file);
    assert_eq!(code, i32::from(number("rejected") > 0), "{}: {error}", case.file);
    let mut rows = BTreeMap::new();
    for (table, fates) in source["rows"].as_object().unwrap() {
        assert_eq!(fates["parsed"], fates["stored"], "{} {table}", case.file);
        rows.insert(table.clone(), fates["stored"].as_u64().unwrap());
    }
    assert_eq!(rows_listed(&store), rows, "{}", case.file);
    let verified = hftcol(&["verify", "--store", store.to_str().unwrap()]);
    assert_eq!(verified.status.code(), Some(0), "{}: {}", case.file, String::from_utf8_lossy(&verified.stdout));
    let (again, values, error) = run(&store, &words);
    let report_again = values.iter().find(|value| value["event"] == "imported").unwrap();
    assert_eq!((again, report_again["published"].as_u64()), (code, Some(0)), "{} again: {error}", case.file);

    let rows: Vec<_> = rows.iter().map(|(table, rows)| format!("{table} {}", grouped(*rows))).collect();
    let why = [reject_reasons(&store, report), counts(&source["notes"])];
    format!(
        "{start} {} | {} | {} | {} | {} | {} |",
        source["dialect"].as_str().unwrap(),
        grouped(number("records")),
        rows.join(", "),
        grouped(number("rejected")),
        counts(&source["skipped"]),
        why.iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join("; ")
    )
}

/// Every file of the shared data, sorted.
fn files() -> Vec<String> {
    let root = shared("");
    let entries = WalkDir::new(&root).into_iter().map(|entry| entry.unwrap().into_path());
    let files = entries.filter(|path| path.is_file());
    let mut names: Vec<String> =
        files.map(|path| path.strip_prefix(&root).unwrap().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn every_file_imports_or_is_refused_as_the_page_says() {
    let files = files();
    for case in CASES {
        assert!(files.iter().any(|file| file == case.file), "{} is not there", case.file);
    }
    let mut page = HEAD.to_owned();
    for file in &files {
        let own: Vec<&Case> = CASES.iter().filter(|case| case.file == file).collect();
        let plain = Case { file: Box::leak(file.clone().into_boxed_str()), partner: "", words: "", remark: "" };
        for case in if own.is_empty() { vec![&plain] } else { own } {
            let dir = tempfile::tempdir().unwrap();
            writeln!(page, "{}", line(case, dir.path())).unwrap();
        }
    }
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/samples.md");
    if std::env::var_os("HFTCOL_WRITE_DOCS").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    for (kept, real) in kept.lines().zip(page.lines()) {
        assert_eq!(kept, real, "docs/samples.md is not what happens: HFTCOL_WRITE_DOCS=1 writes it");
    }
    assert_eq!(kept.len(), page.len(), "docs/samples.md is not what happens: HFTCOL_WRITE_DOCS=1 writes it");
}
