//! Files of no vendor, by header names that mean one thing.

use hftcol::error::Result;
use hftcol::input::InputLimits;
use hftcol::vendor::SourceOptions;

use crate::sources::{Parsed, choose, parse};

fn auto(text: &str) -> Result<Parsed> {
    parse("x.csv", text.as_bytes(), &SourceOptions::default(), &InputLimits::default())
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
        "ts_ns,symbol,open,high,low,close\n1756717200000003000,S,1,1,1,1\n",
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
fn level_changes_are_no_trades() {
    let rows = |header: &str, size: &str| {
        auto(&format!(
            "{header}\nbuy,8041.33,1,2018-04-17T00:55:04.358Z,S\n\
        sell,8041.43,{size},2018-04-17T00:55:04.375Z,S\n"
        ))
    };
    let error = rows("side,price,size,time,symbol", "0.00").unwrap_err();
    assert!(error.exit_code() == 3, "{error}");
    assert_eq!(rows("side,price,size,time,symbol", "0.02").unwrap().count("trades"), 2);
}

#[test]
fn the_table_asked_for_must_be_the_table_found() {
    let options = SourceOptions { table: Some(hftcol::schema::RawTable::Book), ..SourceOptions::default() };
    let text = "ts_ns,symbol,price,qty,side,id\n1756717200000003000,S0,22.040,0.10,buy,7\n";
    assert_eq!(choose("generic", "x", text.as_bytes(), &options).unwrap_err().exit_code(), 2);
}

#[test]
fn quotes_without_sizes_keep_their_prices() {
    let parsed = auto("timestamp,symbol,bid,ask\n2013-01-01 22:00:00.295000+00:00,S,86.655,86.728\n").unwrap();
    assert_eq!(parsed.first("quotes"), "unknown/S 2013-01-01 1357077600295000000 - - 1.0 ||86.655 - 86.728");
}

#[test]
fn sides_by_number_need_a_minus() {
    let rows = |sides: [&str; 3]| {
        let lines = sides.map(|side| format!("1756717200000003000,S,1,1,{side}\n"));
        auto(&format!("ts_ns,symbol,price,qty,side\n{}", lines.concat()))
    };
    assert!(rows(["1", "-1", "0"]).is_ok() && rows(["buy", "", "unknown"]).is_ok() && rows(["B", "S", "B"]).is_ok());
    for odd in [["0", "1", "1"], ["1", "2", "1"], ["1", "1", "1"], ["buy", "sell", "cross"]] {
        let error = rows(odd).unwrap_err();
        assert_eq!(error.exit_code(), 3, "{odd:?}");
    }
}

#[test]
fn what_cat_prints_is_read_again() {
    let options = SourceOptions { security: Some("S".to_owned()), ..SourceOptions::default() };
    for (text, table, row) in [
        (
            "ts_event,ts_recv,sequence,side,trade_id,price,qty,source,record\n5,7,9,-1,x,1.5,2,0,4\n",
            "trades",
            "5 7 9 4.1 -1|x|1.5 2",
        ),
        ("ts_event,side,price,qty,source,record\n5,1,1.5,2,0,4\n", "trades", "5 - - 4.1 1||1.5 2"),
        (
            "ts_recv,action,side,order_id,price,qty,source,record\n5,7,-1,8,1.5,2,0,4\n",
            "orders",
            "- 5 - 4.1 7 -1|8|1.5 2",
        ),
        ("ts_event,is_snapshot,side,price,qty,source,record\n5,1,-1,1.5,2,0,4\n", "deltas", "5 - - 4.1 1 -1||1.5 2"),
        (
            "ts_event,duration_ns,open,high,low,close,volume,source,record\n5,60000000000,1,2,1,2,9,0,4\n",
            "ohlcv",
            "5 - - 4.1 60000000000||1 2 1 2 9",
        ),
        (
            "ts_event,bid_px_00,bid_sz_00,ask_px_00,ask_sz_00,bid_px_01,bid_sz_01,ask_px_01,ask_sz_01,source,record\n\
             5,1,2,3,4,,,7,8,0,4\n",
            "book",
            "5 - - 4.1 ||1 2 3 4 - - 7 8",
        ),
    ] {
        let parsed = parse("x.csv", text.as_bytes(), &options, &InputLimits::default()).unwrap();
        assert_eq!(parsed.first(table), format!("unknown/S 1970-01-01 {row}"), "{text}");
    }
}

#[test]
fn one_level_is_a_book_or_quotes_as_the_user_says() {
    use hftcol::schema::RawTable;
    let text = "ts_event,bid_px_00,bid_sz_00,ask_px_00,ask_sz_00,source,record\n5,1,2,3,4,0,4\n";
    let with = |table| SourceOptions { security: Some("S".to_owned()), table, ..SourceOptions::default() };
    for table in [RawTable::Book, RawTable::Quotes] {
        let parsed = parse("x", text.as_bytes(), &with(Some(table)), &InputLimits::default()).unwrap();
        assert!(parsed.first(table.name()).ends_with("||1 2 3 4"));
    }
    let error = choose("auto", "x", text.as_bytes(), &with(None)).unwrap_err();
    assert!(error.exit_code() == 2 && error.to_string().contains("--table"), "{error}");
}
