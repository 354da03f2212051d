//! Files of no vendor: by header names that mean one thing, and by mapping file.

use std::sync::Arc;

use hftcol::error::Result;
use hftcol::input::InputLimits;
use hftcol::vendor::SourceOptions;

use crate::sources::{Parsed, choose, parse};

fn auto(text: &str) -> Result<Parsed> {
    parse("x.csv", text.as_bytes(), &SourceOptions::default(), &InputLimits::default())
}

fn mapped(mapping: &str, text: &str) -> Result<Parsed> {
    let options = SourceOptions { mapping: Some(Arc::from(mapping)), ..SourceOptions::default() };
    parse("x.csv", text.as_bytes(), &options, &InputLimits::default())
}

#[test]
fn wide_books_of_any_column_order() {
    let parsed = auto(
        "ts_ns,symbol,bid_px_0,bid_px_1,bid_qty_0,bid_qty_1,ask_px_0,ask_px_1,ask_qty_0,ask_qty_1\n\
         1756717200000002000,S0,22.03,22.02,0.5,1.0,22.04,22.05,2,0\n",
    )
    .unwrap();
    assert_eq!(parsed.first("book"), "unknown/S0 2025-09-01 1756717200000002000 - - 1.0 ||22.03 0.5 22.04 2 22.02 1");
    let from_one = auto(
        "time,exchange,pair,bids[1].price,bids[1].amount,asks[1].price,asks[1].amount\n\
         2024-08-08T23:54:14.206Z,bx,S,1,2,3,4\n",
    )
    .unwrap();
    assert_eq!(from_one.first("book"), "bx/S 2024-08-08 1723161254206000000 - - 1.0 ||1 2 3 4");
}

#[test]
fn trades_and_quotes() {
    let parsed = auto("ts_ns,symbol,price,qty,side,id\n1756717200000003000,S0,22.040,0.10,buy,7\n").unwrap();
    assert_eq!(parsed.first("trades"), "unknown/S0 2025-09-01 1756717200000003000 - - 1.0 1|7|22.04 0.1");
    let quotes = auto("local_timestamp;symbol;bid;bid_size;ask;ask_size\n1723161254.5;S;1;2;3;4\n").unwrap();
    assert_eq!(quotes.first("quotes"), "unknown/S 2024-08-08 - 1723161254500000000 - 1.0 ||1 2 3 4");
}

#[test]
fn auto_refuses_what_could_mean_two_things() {
    for text in [
        "ts_ns,symbol,price\n1756717200000003000,S,1\n",
        "ts_ns,symbol,price,qty\n1756717200000003000,S,1,1\n",
        "ts_ns,symbol,price,qty,side,maker_side\n1756717200000003000,S,1,1,buy,sell\n",
        "ts_ns,symbol,price,px,qty,side\n1756717200000003000,S,1,1,1,buy\n",
        "timestamp,symbol,price,qty,side\n17567172,S,1,1,buy\n",
        "timestamp,symbol,price,qty,side\n",
        "ts_ms,symbol,price,qty,side\n1756717200000003000,S,1,1,buy\n",
        "ts_ns,symbol,bid_px_0,bid_qty_0,ask_px_0\n1756717200000003000,S,1,1,1\n",
        "ts_ns,symbol,bid_px_0,bid_qty_0,ask_px_0,ask_qty_0,bid_px_2,bid_qty_2,ask_px_2,ask_qty_2\n",
        "ts_ns,symbol,open,high,low,close,volume\n1756717200000003000,S,1,1,1,1,1\n",
        "1756717200000003000,S,1,1,buy\n",
        "symbol,price,qty,side\nS,1,1,buy\n",
    ] {
        assert_eq!(auto(text).unwrap_err().exit_code(), 3, "{text}");
    }
    let nameless = auto("ts_ns,price,qty,side\n1756717200000003000,1,1,buy\n").unwrap_err();
    assert_eq!(nameless.exit_code(), 2);
    assert!(nameless.to_string().contains("--security"));
}

#[test]
fn a_mapping_names_every_column() {
    let mapping = r#"
table = "trades"
venue = "krx"
tz = "Asia/Seoul"
header = false
delimiter = "|"
[columns]
ts_event = { column = 1, format = "iso" }
security = 2
price = 3
qty = 4
side = 6
"#;
    let parsed = mapped(mapping, "2018-01-27 09:00:00.5|005930|100|3|x|sell\n").unwrap();
    assert_eq!(parsed.first("trades"), "krx/005930 2018-01-27 1517011200500000000 - - 0.0 -1||100 3");
}

#[test]
fn a_mapping_names_levels_by_pattern() {
    let mapping = r#"
table = "book"
security = "S"
[columns]
ts_event = { column = "t", format = "ms" }
ts_recv = { column = "r", format = "us" }
sequence = "n"
[levels]
count = 2
first = 1
bid_px = "b{}"
bid_sz = "bv{}"
ask_px = "a{}"
ask_sz = "av{}"
"#;
    let text = "t,r,n,b1,bv1,b2,bv2,a1,av1,a2,av2,junk\n1723161254206,1723161254206001,5,1,2,3,4,5,6,7,8,zzz\n";
    let parsed = mapped(mapping, text).unwrap();
    assert_eq!(
        parsed.first("book"),
        "unknown/S 2024-08-08 1723161254206000000 1723161254206001000 5 1.0 ||1 2 5 6 3 4 7 8"
    );
}

#[test]
fn a_wrong_mapping_names_its_line() {
    let text = "t,p,q\n1,1,1\n";
    let base = "table = \"trades\"\nsecurity = \"S\"\n[columns]\nprice = \"p\"\nqty = \"q\"\n";
    let time = "ts_event = { column = \"t\", format = \"s\" }\n";
    assert_eq!(mapped(&format!("{base}{time}"), text).unwrap().count("trades"), 1);
    for (mapping, line) in [
        (format!("{base}{time}colour = \"q\"\n"), 7),
        (format!("speed = 3\n{base}{time}"), 1),
        (base.to_owned(), 3),
        (format!("{base}ts_event = \"t\"\n"), 6),
        (format!("{base}{time}side = \"q\"\n"), 7),
        (format!("clock = \"wall\"\n{base}{time}"), 1),
        ("table = \"lines\"\n[columns]\n".to_owned(), 1),
        ("table = ".to_owned(), 1),
    ] {
        let error = mapped(&mapping, text).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{mapping}");
        assert!(error.to_string().contains(&format!("line {line}:")), "{mapping}\n{error}");
    }
    let absent = format!("{base}{time}side = \"s\"\n");
    assert_eq!(mapped(&absent, text).unwrap_err().exit_code(), 3);
}

#[test]
fn the_table_asked_for_must_be_the_table_found() {
    let options = SourceOptions { table: Some(hftcol::schema::RawTable::Book), ..SourceOptions::default() };
    let text = "ts_ns,symbol,price,qty,side,id\n1756717200000003000,S0,22.040,0.10,buy,7\n";
    assert_eq!(choose("generic", "x", text.as_bytes(), &options).unwrap_err().exit_code(), 2);
}
