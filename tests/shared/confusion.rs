//! The confusion matrix of decision 36: every sample as it is, renamed, without its suffix and without its first line. Each is
//! recognised right or refused.
//!
//! A dialect that is added needs its samples in [`EXPECTED`]; a name there that no dialect has yet means *refused*.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hftcol::input::{Input, InputLimits, expand, file_name};
use hftcol::units::Date;
use hftcol::vendor::{Probe, Selection, SourceOptions, select};

use crate::shared;

/// The dialects that may read what lies in a folder, or the files of it whose names begin so. The longest match counts.
const EXPECTED: &[(&str, &[&str])] = &[
    ("binance_ws/", &["binance"]),
    ("binance_ws_2020/", &["binance"]),
    ("bitflyer/", &["bitflyer"]),
    ("bitstamp_l3/", &["bitstamp-l3"]),
    ("bybit_ob500/", &["bybit"]),
    ("ccxt_ndjson_converted/", &["ccxt"]),
    ("china_l2/", &["china-l2"]),
    ("coinbase_gdax/", &["coinbase"]),
    ("cryptofeed_raw/", &["cryptofeed"]),
    ("cryptofeed_raw_old/", &["cryptofeed"]),
    ("databento/", &["databento"]),
    // Times, bid and ask under names that mean one thing.
    ("fx_ticks/truefx", &["generic"]),
    ("fx_ticks/", &[]),
    ("hyperliquid_ws/", &["hyperliquid"]),
    // A book in long form needs a mapping file.
    ("kr_book_long/", &[]),
    ("lobster/LOBSTER_SampleFiles_ReadMe.txt", &[]),
    ("lobster/", &["lobster"]),
    ("lobster_messy_header_crlf/", &["lobster"]),
    ("lobster_messy_semicolon/", &["lobster"]),
    ("misc_trades/", &[]),
    ("polymarket_quotes_converted/", &[]),
    ("tardis/", &["tardis"]),
    ("tardis_layout_converted/", &["tardis"]),
    ("MANIFEST.tsv", &[]),
    ("README.md", &[]),
];

const VARIANTS: [&str; 4] = ["as it is", "renamed", "no suffix", "no first line"];

fn expected(name: &str) -> &'static [&'static str] {
    let fitting = EXPECTED.iter().filter(|(start, _)| name.starts_with(start));
    fitting.max_by_key(|(start, _)| start.len()).unwrap_or_else(|| panic!("{name} is not in the table")).1
}

/// The dialect that `auto` is sure of, or why it is not.
fn found(path: &Path, head: &[u8], siblings: &[PathBuf]) -> Result<&'static str, String> {
    // Named here, so that only the layout is judged.
    let options =
        SourceOptions { security: Some("S".to_owned()), date: Date::parse("2020-01-02"), ..SourceOptions::default() };
    match select("auto", &Probe { path, head, siblings }, &options) {
        Ok(Selection::Source(selected)) => Ok(selected.dialect.name()),
        // The only dialect that reads files in pairs.
        Ok(Selection::ReadWith(_)) => Ok("lobster"),
        Err(error) => {
            assert!(matches!(error.exit_code(), 2 | 3), "{}: {error}", path.display());
            Err(error.to_string())
        }
    }
}

/// The four copies: path, head, siblings.
fn variants(input: &Input, head: &[u8], siblings: &[PathBuf]) -> [(PathBuf, Vec<u8>, Vec<PathBuf>); 4] {
    let path = input.path();
    let stem = file_name(path).and_then(|name| name.split('.').next()).unwrap_or("x");
    let second = head.iter().position(|b| *b == b'\n').map_or(head.len(), |at| at + 1);
    [
        (path.to_owned(), head.to_vec(), siblings.to_vec()),
        (PathBuf::from("x"), head.to_vec(), Vec::new()),
        (path.with_file_name(stem), head.to_vec(), Vec::new()),
        (PathBuf::from("x"), head[second..].to_vec(), Vec::new()),
    ]
}

#[test]
fn auto_is_right_or_refuses() {
    let data = shared("");
    let mut wrong = Vec::new();
    let mut sums: BTreeMap<String, [u32; 4]> = BTreeMap::new();
    let mut as_they_are = 0;
    for input in expand(std::slice::from_ref(&data)).unwrap() {
        let name = input.path().strip_prefix(&data).unwrap().to_string_lossy().into_owned();
        let expected = expected(&name);
        let head = match input.open(&InputLimits::default(), None) {
            Ok(mut source) => source.head().to_vec(),
            Err(error) => panic!("{name}: {error}"),
        };
        let folder = input.path().parent().unwrap();
        let siblings: Vec<PathBuf> =
            std::fs::read_dir(folder).map_or(Vec::new(), |found| found.map(|e| e.unwrap().path()).collect());
        let mut row = Vec::new();
        for (number, (path, head, siblings)) in variants(&input, &head, &siblings).iter().enumerate() {
            let shown = match found(path, head, siblings) {
                Ok(dialect) => {
                    as_they_are += u32::from(number == 0);
                    if !expected.contains(&dialect) {
                        wrong.push(format!("{name}, {}: {dialect} instead of {expected:?}", VARIANTS[number]));
                    }
                    dialect
                }
                Err(_) => "-",
            };
            sums.entry(shown.to_owned()).or_default()[number] += 1;
            row.push(shown);
        }
        println!("{:<14} {:<14} {:<14} {:<14} {name}", row[0], row[1], row[2], row[3]);
    }
    println!("\n{:<14} {}", "dialect", VARIANTS.join(" | "));
    for (dialect, counts) in &sums {
        println!("{dialect:<14} {counts:?}");
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
    assert!(as_they_are > 20, "{as_they_are} samples recognised as they are");
}
