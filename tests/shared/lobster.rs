//! Genuine LOBSTER days: every message and book line, the messy copies, the facts that the layout promises.

use std::fs;
use std::path::{Path, PathBuf};

use hftcol::input::{InputLimits, Source, head};
use hftcol::units::Date;
use hftcol::vendor::{Probe, Selection, SourceOptions, select};

use crate::shared;
use crate::sources::{Parsed, chunked, read};

pub(crate) const AMZN: &str = "AMZN_2012-06-21_34200000_57600000_message_1.csv.gz";
pub(crate) const AMZN_BOOK: &str = "AMZN_2012-06-21_34200000_57600000_orderbook_1.csv.gz";

pub(crate) fn parse(paths: &[PathBuf], options: &SourceOptions, limits: &InputLimits) -> Parsed {
    let path = &paths[0];
    let head = head(path, limits).unwrap();
    match select("auto", &Probe { path, head: &head, siblings: paths }, options).unwrap() {
        Selection::Source(selected) => read(Source::open(path, limits).unwrap(), &selected, limits).unwrap().0,
        Selection::ReadWith(path) => panic!("read with {}", path.display()),
    }
}

fn amzn() -> Parsed {
    let paths = [shared("lobster").join(AMZN), shared("lobster").join(AMZN_BOOK)];
    parse(&paths, &SourceOptions::default(), &InputLimits::default())
}

/// The decimals of a row, as text.
fn decimals(row: &str) -> Vec<&str> {
    row.rsplit('|').next().unwrap().split(' ').collect()
}

#[test]
fn every_message_meets_its_book_line() {
    let day = amzn();
    assert!(day.rejects.is_empty(), "{:?}", day.rejects.first());
    assert_eq!((day.count("orders"), day.count("book"), day.count("trades")), (57_515, 57_515, 8_974 + 2_445));
    assert!(day.first("orders").starts_with("nasdaq/AMZN 2012-06-21 1340285400017459617 - - 0.0 5 -1|0|223.82 1"));
    assert!(day.first("trades").ends_with(" 1||223.82 1"));
    assert!(day.first("book").ends_with("||223.18 100 223.95 100"));
}

#[test]
fn visible_executions_hit_the_best_price_of_the_row_before() {
    let day = amzn();
    let mut hits = 0;
    for (message, before) in day.rows["orders"].iter().skip(1).zip(&day.rows["book"]) {
        let mut ints = message.split('|').next().unwrap().rsplit(' ');
        let (side, action) = (ints.next().unwrap(), ints.next().unwrap());
        if action == "4" {
            let best = decimals(before)[if side == "1" { 0 } else { 2 }];
            hits += usize::from(decimals(message)[0] == best);
        }
    }
    assert_eq!(hits, 8_974);
}

#[test]
fn messy_copies_give_the_same_rows_as_far_as_their_columns_are_equal() {
    let day = amzn();
    // A header, carriage returns, times rounded to five decimals.
    let folder = shared("lobster_messy_header_crlf");
    let messy = parse(&[folder.join(AMZN), folder.join(AMZN_BOOK)], &SourceOptions::default(), &InputLimits::default());
    assert!(messy.rejects.is_empty(), "{:?}", messy.rejects.first());
    assert_eq!(messy.skipped["header"], 1);
    for table in ["orders", "book", "trades"] {
        assert_eq!(messy.count(table), day.count(table));
        for (a, b) in messy.rows[table].iter().zip(&day.rows[table]) {
            let (time_a, time_b) = (time(a), time(b));
            assert_eq!(time_a, (time_b + 5_000) / 10_000 * 10_000, "{a} {b}");
            // Behind the record number, which the header moves by one.
            assert_eq!(a.splitn(7, ' ').last(), b.splitn(7, ' ').last());
        }
    }
    // Only the order book was written with semicolons, from another edition of the day: 87 of its lines differ.
    let paths = [shared("lobster").join(AMZN), shared("lobster_messy_semicolon").join(AMZN_BOOK)];
    let semicolons = parse(&paths, &SourceOptions::default(), &InputLimits::default());
    assert!(semicolons.rows["orders"] == day.rows["orders"] && semicolons.rows["trades"] == day.rows["trades"]);
    let differing = semicolons.rows["book"].iter().zip(&day.rows["book"]).filter(|(a, b)| a != b).count();
    assert_eq!((semicolons.count("book"), differing), (57_515, 87));
}

fn time(row: &str) -> i64 {
    row.split(' ').nth(2).unwrap().parse().unwrap()
}

#[test]
fn fifty_levels_whatever_the_chunks() {
    let paths =
        ["AAPL_2012-06-21_message_50.csv", "AAPL_2012-06-21_orderbook_50.csv.gz"].map(|n| shared("lobster").join(n));
    let whole = parse(&paths, &SourceOptions::default(), &InputLimits::default());
    assert!(whole.rejects.is_empty(), "{:?}", whole.rejects.first());
    assert_eq!((whole.count("orders"), whole.count("book"), whole.count("trades")), (672, 672, 78));
    // All 50 bids, 40 asks: the last value is the size of the last bid.
    assert_eq!(decimals(whole.first("book")).len(), 198);
    for bytes in [1_000, 4_096, 50_000] {
        assert!(parse(&paths, &SourceOptions::default(), &chunked(bytes)) == whole, "chunks of {bytes}");
    }
}

#[test]
fn copies_without_names_are_known_by_their_content() {
    let folder = tempfile::tempdir().unwrap();
    let copy = |from: &Path, to: &str| {
        let to = folder.path().join(to);
        fs::copy(from, &to).unwrap();
        to
    };
    let paths = [copy(&shared("lobster").join(AMZN), "one"), copy(&shared("lobster").join(AMZN_BOOK), "two")];
    let options = SourceOptions {
        security: Some("AMZN".to_owned()),
        date: Date::parse("2012-06-21"),
        ..SourceOptions::default()
    };
    assert!(parse(&paths, &options, &InputLimits::default()).rows == amzn().rows);
}
