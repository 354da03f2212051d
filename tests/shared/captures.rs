//! Real captures: rows of every file that a dialect reads.

use std::path::Path;

use hftcol::input::{InputLimits, Source};
use hftcol::vendor::{Probe, Selection, SourceOptions, select};

use crate::shared;
use crate::sources::{Parsed, chunked, read};

fn select_file(path: &Path) -> Result<Selection, hftcol::error::Error> {
    select_as("auto", path, "S")
}

/// The selection of a file by `auto` or the name of a dialect.
pub(crate) fn select_as(format: &str, path: &Path, security: &str) -> Result<Selection, hftcol::error::Error> {
    let limits = InputLimits::default();
    let mut source = Source::open(path, &limits)?;
    // Names a security and a date, so that only the content is judged.
    let options = SourceOptions {
        security: Some(security.to_owned()),
        date: hftcol::units::Date::parse("2020-01-02"),
        ..SourceOptions::default()
    };
    select(format, &Probe { path, head: source.head(), siblings: &[] }, &options)
}

pub(crate) fn parse(path: &Path, limits: &InputLimits) -> Parsed {
    match select_file(path).unwrap() {
        Selection::Source(selected) => read(Source::open(path, limits).unwrap(), &selected, limits).unwrap().0,
        Selection::ReadWith(first) => panic!("read with {}", first.display()),
    }
}

#[test]
fn tardis_files_have_a_row_for_every_record() {
    for (file, table, rows) in [
        ("tardis/binance-futures_book_snapshot_25_BTCUSDT.csv", "book", 10),
        ("tardis/binance-futures_book_snapshot_5_BTCUSDT.csv", "book", 10),
        ("tardis/bitmex_trades_XBTUSD.csv", "trades", 10),
        ("tardis/deribit_incremental_book_L2_BTC-PERPETUAL.csv", "deltas", 15),
        ("tardis/huobi-dm-swap_quotes_BTC-USD.csv", "quotes", 10),
        ("tardis/quotes.csv.gz", "quotes", 9_999),
        ("tardis/trades.csv.gz", "trades", 9_999),
        ("tardis_layout_converted/binance-futures_book_snapshot_25_2024-07-18_BTCUSDT.csv.gz", "book", 2_173),
        ("tardis_layout_converted/binance-futures_incremental_book_L2_2024-07-18_BTCUSDT.csv.gz", "deltas", 77_513),
        ("tardis_layout_converted/binance_quotes_2024-08-08_BTCUSDT.csv.gz", "quotes", 28_040),
        ("tardis_layout_converted/binance_trades_2024-08-08_BTCUSDT.csv.gz", "trades", 9_757),
    ] {
        let parsed = parse(&shared(file), &InputLimits::default());
        assert_eq!((parsed.count(table), parsed.rejects.len(), parsed.rows.len()), (rows, 0, 1), "{file}");
        assert_eq!(parsed.skipped["header"], 1);
    }
}

#[test]
fn one_capture_gives_the_same_book_as_tardis_and_as_ccxt() {
    let tardis = parse(
        &shared("tardis_layout_converted/binance_book_snapshot_25_2024-08-08_BTCUSDT.csv.gz"),
        &InputLimits::default(),
    );
    let file = shared("ccxt_ndjson_converted/binance_BTC-USDT_2024-08-08_orderbook.ndjson.gz");
    let ccxt = parse(&file, &InputLimits::default());
    assert_eq!((tardis.count("book"), ccxt.count("book")), (3_252, 3_252));
    for (a, b) in tardis.rows["book"].iter().zip(&ccxt.rows["book"]) {
        let levels = |row: &str| -> Vec<String> {
            row.rsplit('|').next().unwrap().split(' ').take(80).map(str::to_owned).collect()
        };
        assert_eq!(levels(a), levels(b));
        assert_eq!(a.split(' ').nth(2), b.split(' ').nth(2), "the venue's time");
    }
    let trades = shared("ccxt_ndjson_converted/binance_BTC-USDT_2024-08-08_trades.ndjson.gz");
    assert_eq!(parse(&trades, &chunked(3_000)), parse(&trades, &InputLimits::default()));
    assert_eq!(parse(&trades, &chunked(3_000)).count("trades"), 9_757);
}
