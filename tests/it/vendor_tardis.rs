//! Tardis CSV: every kind, every trap of the layout.

use hftcol::input::InputLimits;
use hftcol::vendor::SourceOptions;

use crate::sources::{Parsed, choose, parse};

const TRADES: &str = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n";
const BOOK: &str = "exchange,symbol,timestamp,local_timestamp,asks[0].price,asks[0].amount,bids[0].price,bids[0].amount,\
                    asks[1].price,asks[1].amount,bids[1].price,bids[1].amount\n";

fn rows(text: &str) -> Parsed {
    parse("x.csv", text.as_bytes(), &SourceOptions::default(), &InputLimits::default()).unwrap()
}

#[test]
fn trades_keep_both_times_ids_and_the_aggressor() {
    let parsed = rows(&format!(
        "{TRADES}bx,BTCUSDT,1582329602111000,1582329602418379,42377944,buy,9682,0.132\n\
         bx,BTCUSDT,1582329602111000,1582329602418379,a-b,unknown,9682.10,2\n"
    ));
    assert_eq!(
        parsed.rows["trades"],
        [
            "bx/BTCUSDT 2020-02-22 1582329602111000000 1582329602418379000 - 1.0 1|42377944|9682 0.132",
            "bx/BTCUSDT 2020-02-22 1582329602111000000 1582329602418379000 - 2.0 0|a-b|9682.1 2",
        ]
    );
    assert_eq!(parsed.skipped["header"], 1);
}

#[test]
fn quotes_are_mapped_by_name() {
    let parsed = rows(
        "exchange,symbol,timestamp,local_timestamp,ask_amount,ask_price,bid_price,bid_amount\n\
         h,B,1588291201099000,1588291201234268,5494,8629.3,8629.2,806\n\
         h,B,1588291201099000,1588291201234268,,,8629.2,806\n",
    );
    assert!(parsed.first("quotes").ends_with(" 1.0 ||8629.2 806 8629.3 5494"), "{}", parsed.first("quotes"));
    assert!(parsed.rows["quotes"][1].ends_with("||8629.2 806"));
}

#[test]
fn book_levels_exist_by_price_and_size_and_keep_their_index() {
    let parsed = rows(&format!(
        "{BOOK}e,S,1,2,11.5,1,11,0,12,3,10,4\n\
         e,S,1,2,nan,1,11,2,12,,10,4\n"
    ));
    assert!(parsed.first("book").ends_with("||- - 11.5 1 10 4 12 3"), "{}", parsed.first("book"));
    assert!(parsed.rows["book"][1].ends_with("||11 2 - - 10 4"), "{}", parsed.rows["book"][1]);
}

#[test]
fn levels_beyond_the_limit_are_counted() {
    let options = SourceOptions { levels: 1, ..SourceOptions::default() };
    let text = format!("{BOOK}e,S,1,2,11.5,1,11,2,12,3,10,4\n");
    let parsed = parse("x", text.as_bytes(), &options, &InputLimits::default()).unwrap();
    assert!(parsed.first("book").ends_with("||11 2 11.5 1"));
    assert_eq!(parsed.notes["levels beyond --levels, left out"], 1);
}

#[test]
fn deltas_delete_with_zero() {
    let parsed = rows(
        "exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount\n\
         d,B,1585699200245000,1585699200355684,true,ask,6421.5,18640\n\
         d,B,1585699200245000,1585699200355684,false,bid,6421,0\n",
    );
    assert!(parsed.first("deltas").ends_with(" 1.0 1 -1||6421.5 18640"), "{}", parsed.first("deltas"));
    assert!(parsed.rows["deltas"][1].ends_with(" 2.0 0 1||6421 0"));
}

#[test]
fn bad_records_say_where_and_why() {
    let good = "b,S,1582329602111000,1582329602418379,1,buy,1,1\n";
    let cases = [
        ("b,S,1582329602111000,1582329602418379,1,buy,x,1", "price", "a decimal number"),
        ("b,S,1582329602111000,1582329602418379,1,buy,nan,1", "price", "a finite number"),
        ("b,S,1582329602111000,1582329602418379,1,buy,,1", "price", "a price"),
        ("b,S,1582329602111000,1582329602418379,1,buy,1,-1", "qty", "zero or more"),
        ("b,S,1582329602111000,1582329602418379,1,buy,1,1e-13", "amount", "at most 12 decimals"),
        ("b,S,,1582329602418379,1,buy,1,1", "ts_event", "a time"),
        ("b,S,later,1582329602418379,1,buy,1,1", "timestamp", "a time as a number"),
        ("b,,1582329602111000,1582329602418379,1,buy,1,1", "security", "--security"),
        ("b,S,1582329602111000,1582329602418379,1,buy,1", "", "8 fields, got 7"),
        ("b,S,1582329602111000,1582329602418379,1,\"buy,1,1", "", "quotes"),
    ];
    for (bad, column, reason) in cases {
        let parsed = rows(&format!("{TRADES}{good}{bad}\n{good}"));
        assert_eq!(parsed.count("trades"), 2, "{bad}");
        let [reject] = &parsed.rejects[..] else { panic!("{bad}: {:?}", parsed.rejects) };
        assert_eq!((reject.record, reject.line), (2, 3), "{bad}");
        assert_eq!(reject.byte_offset as usize, TRADES.len() + good.len());
        assert_eq!(reject.head, bad.as_bytes());
        assert_eq!(reject.column, column, "{bad}");
        assert!(reject.reason.contains(reason), "{bad}: {}", reject.reason);
    }
}

#[test]
fn headers_blank_lines_and_carriage_returns_come_anywhere() {
    let row = "b,S,1582329602111000,1582329602418379,1,buy,1,1";
    let header = TRADES.trim_end();
    let text = format!("\u{feff}\r\n{header}\r\n{row}\r\n{header}\r\n\r\n{row}");
    let parsed = rows(&text);
    assert_eq!(parsed.count("trades"), 2);
    assert_eq!((parsed.skipped["header"], parsed.skipped["blank line"]), (2, 2));
    assert!(parsed.rejects.is_empty());
}

#[test]
fn quoted_and_semicolon_copies_give_the_same_rows() {
    let row = "b,S,1582329602111000,1582329602418379,1,sell,1.5,1\n";
    let plain = rows(&format!("{TRADES}{row}"));
    let quoted = |line: &str| format!("\"{}\"\n", line.trim_end().replace(',', "\",\""));
    assert_eq!(rows(&(quoted(TRADES) + &quoted(row))).rows, plain.rows);
    assert_eq!(rows(&format!("{TRADES}{row}").replace(',', ";")).rows, plain.rows);
}

#[test]
fn what_is_not_tardis_is_refused() {
    let options = SourceOptions::default();
    for text in ["exchange,symbol,timestamp,local_timestamp,funding_rate\n", "1,2,3\n", "\n\n", ""] {
        let error = choose("tardis", "x.csv", text.as_bytes(), &options).unwrap_err();
        assert_eq!(error.exit_code(), 3, "{text}");
    }
    let liquidations = choose("auto", "bx_liquidations_2020.csv", TRADES.as_bytes(), &options).unwrap_err();
    assert_eq!(liquidations.exit_code(), 3);
    assert_eq!(choose("tardiss", "x.csv", TRADES.as_bytes(), &options).unwrap_err().exit_code(), 2);
}
