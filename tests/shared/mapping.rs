//! The mapping files of the documentation on the feeds that they are for.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hftcol::input::{InputLimits, Source, head};
use hftcol::vendor::{Probe, Selection, SourceOptions, select};

use crate::shared;
use crate::sources::{Parsed, chunked, read};

fn parse(mapping: &str, file: &str, security: Option<&str>, limits: &InputLimits) -> Parsed {
    let manual = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/examples").join(mapping);
    let options = SourceOptions {
        mapping: Some(Arc::from(fs::read_to_string(manual).unwrap())),
        security: security.map(str::to_owned),
        ..SourceOptions::default()
    };
    // A member of an archive is no file of the system.
    let (archive, member) = file.split_once('!').unwrap_or((file, ""));
    let mut path = shared(archive).into_os_string();
    if !member.is_empty() {
        path.push(format!("!{member}"));
    }
    let path = PathBuf::from(path);
    let head = head(&path, limits).unwrap();
    match select("auto", &Probe { path: &path, head: &head, siblings: &[] }, &options).unwrap() {
        Selection::Source(selected) => read(Source::open(&path, limits).unwrap(), &selected, limits).unwrap().0,
        Selection::ReadWith(path) => panic!("read with {}", path.display()),
    }
}

#[test]
fn every_record_of_a_real_feed_has_its_row() {
    for (mapping, file, security, table, rows, rejects) in CASES {
        let whole = parse(mapping, file, security, &InputLimits::default());
        assert_eq!((whole.count(table), whole.rejects.len()), (rows, rejects), "{file}: {:?}", whole.rejects.first());
        assert!(parse(mapping, file, security, &chunked(5_000)) == whole, "{file}");
    }
}

/// Mapping, file, security, table, rows, rejects: counted with other tools.
const CASES: [(&str, &str, Option<&str>, &str, usize, usize); 9] = [
    ("kr_book_long.toml", "kr_book_long/2024-04-27_upbit_orderbook.csv.gz", Some("ETH"), "book", 3_764, 0),
    ("kr_book_long.toml", "kr_book_long/2024-04-29-bithumb-BTC-orderbook.csv.gz", Some("BTC"), "book", 1_522, 0),
    ("kr_book_long.toml", "kr_book_long/book-2024-4-28-bithumb-btc.csv.gz", Some("BTC"), "book", 530, 0),
    ("bybit_snapshots.toml", "bybit_ob500/xrpusdt-ob500.data.zip!2024-12-01_XRPUSDT_ob500.data", None, "book", 1, 0),
    (
        "ccxt_trades.toml",
        "ccxt_ndjson_converted/binance_BTC-USDT_2024-08-08_trades.ndjson.gz",
        None,
        "trades",
        9_757,
        0,
    ),
    ("fx_ticks.toml", "fx_ticks/data_USDJPY_ticks.csv", None, "quotes", 1_000, 0),
    ("kraken_trades.toml", "misc_trades/BCHEUR.csv", Some("BCHEUR"), "trades", 148, 0),
    ("bitflyer_executions.toml", "bitflyer/bitflyer.execution.20180128.ETH_BTC.csv.gz", None, "trades", 5_320, 11),
    (
        "polymarket_quotes.toml",
        "polymarket_quotes_converted/polymarket_quotes_2026-07-15_head200k.csv.gz",
        None,
        "quotes",
        200_000,
        0,
    ),
];

#[test]
fn long_books_are_the_levels_of_their_files() {
    // Counted again, line by line: ten lines a snapshot, the best five of each side.
    let file = "kr_book_long/2024-04-27_upbit_orderbook.csv.gz";
    let parsed = parse("kr_book_long.toml", file, Some("ETH"), &chunked(1_000));
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(fs::File::open(shared(file)).unwrap()), &mut text)
        .unwrap();
    let lines: Vec<Vec<&str>> = text.lines().skip(1).map(|line| line.split('|').collect()).collect();
    assert_eq!((lines.len(), parsed.records), (37_640, 37_641));
    // 1.50, 7, 3.7e-07 without exponent and zeros at the end.
    let plain = |number: &str| {
        let (digits, power) = number.split_once('e').map_or((number, 0), |(d, p)| (d, p.parse::<i32>().unwrap()));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all = format!("{}{whole}{fraction}", "0".repeat(power.unsigned_abs() as usize));
        let (whole, fraction) = all.split_at(if power < 0 { whole.len() } else { all.len() - fraction.len() });
        let text = format!("{whole}.{fraction}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    for (row, snapshot) in parsed.rows["book"].iter().zip(lines.chunks(10)) {
        let mut cells = vec![String::new(); 20];
        for side in 0..2 {
            let mut levels: Vec<_> = snapshot.iter().filter(|l| l[2] == ["0", "1"][side]).collect();
            levels.sort_by_key(|l| l[0].parse::<i64>().unwrap() * if side == 0 { -1 } else { 1 });
            for (at, level) in levels.iter().enumerate() {
                cells[4 * at + 2 * side] = plain(level[0]);
                cells[4 * at + 2 * side + 1] = plain(level[1]);
            }
        }
        assert_eq!(row.rsplit('|').next().unwrap(), cells.join(" "));
    }
}

#[test]
fn a_mapping_gives_the_rows_of_the_dialect() {
    let file = "ccxt_ndjson_converted/binance_BTC-USDT_2024-08-08_trades.ndjson.gz";
    let limits = InputLimits::default();
    let options = SourceOptions { venue: Some("binance".to_owned()), ..SourceOptions::default() };
    let path = shared(file);
    let head = head(&path, &limits).unwrap();
    let Selection::Source(selected) =
        select("ccxt", &Probe { path: &path, head: &head, siblings: &[] }, &options).unwrap()
    else {
        panic!("no pair")
    };
    let dialect = read(Source::open(&path, &limits).unwrap(), &selected, &limits).unwrap().0;
    assert!(dialect.rows == parse("ccxt_trades.toml", file, None, &limits).rows);
}
