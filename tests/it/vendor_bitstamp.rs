//! Bitstamp order events: whole numbers of 1e-8, a column name with a dot, the capture's clock; and the log of events.

use hftcol::error::Result;
use hftcol::input::InputLimits;
use hftcol::vendor::SourceOptions;

use crate::sources::{Parsed, choose, chunked, parse};

const HEADER: &str = "id,timestamp,exchange.timestamp,price,volume,action,direction\n";

fn options() -> SourceOptions {
    SourceOptions { security: Some("BTCUSD".to_owned()), ..SourceOptions::default() }
}

fn rows(text: &str) -> Result<Parsed> {
    parse("x.csv", text.as_bytes(), &options(), &InputLimits::default())
}

#[test]
fn events_are_adds_replaces_and_deletes() {
    let text = format!(
        "{HEADER}65595247,1430438404518,1430438404000,236.47,200000000,created,bid\n\
         65595247,1430438404635,1430438404000,236.47,178855669,changed,bid\n\
         65595187,1430438404637,1430438340000,236.40,0,deleted,ask\n"
    );
    let parsed = rows(&text).unwrap();
    assert_eq!(
        parsed.rows["orders"],
        [
            "bitstamp/BTCUSD 2015-05-01 1430438404000000000 1430438404518000000 - 1.0 1 1|65595247|236.47 2",
            "bitstamp/BTCUSD 2015-05-01 1430438404000000000 1430438404635000000 - 2.0 8 1|65595247|236.47 1.78855669",
            "bitstamp/BTCUSD 2015-05-01 1430438340000000000 1430438404637000000 - 3.0 3 -1|65595187|236.4 0",
        ]
    );
    for chunk in [1, 60, 100] {
        assert_eq!(parse("x", text.as_bytes(), &options(), &chunked(chunk)).unwrap(), parsed);
    }
}

#[test]
fn bad_records_say_where_and_why() {
    for (bad, column, reason) in [
        ("1,1430438404518,1430438404000,236.47,2,moved,bid", "action", "a known action"),
        ("1,1430438404518,1430438404000,236.47,2.00001,created,bid", "volume", "at most 12 decimals"),
        ("1,,1430438404000,236.47,2,created,bid", "ts_recv", "a time"),
        ("1,1430438404518,x,236.47,2,created,bid", "exchange.timestamp", "a time as a number"),
        ("1,1430438404518,1430438404000,236.47", "", "7 fields, got 4"),
    ] {
        let parsed = rows(&format!("{HEADER}{bad}\n")).unwrap();
        let [reject] = &parsed.rejects[..] else { panic!("{bad}: {:?}", parsed.rejects) };
        assert_eq!(reject.column, column, "{bad}");
        assert!(reject.reason.contains(reason), "{bad}: {}", reject.reason);
    }
}

#[test]
fn the_security_must_be_named_and_the_header_be_there() {
    let row = "1,1430438404518,1430438404000,236.47,2,created,bid\n";
    let nameless = choose("auto", "x", format!("{HEADER}{row}").as_bytes(), &SourceOptions::default()).unwrap_err();
    assert_eq!(nameless.exit_code(), 2);
    assert_eq!(rows(row).unwrap_err().exit_code(), 3);
}

#[test]
fn the_log_has_orders_trades_and_books() {
    let text = "1430438404518 order_created {\"price\": \"236.47\", \"amount\": \"2.00000000\", \"datetime\": \"1430438404\", \"id\": 65595247, \"order_type\": 0}\n\
        1430438404635 order_changed {\"price\": \"236.47\", \"amount\": \"1.78855669\", \"datetime\": \"1430438404\", \"id\": 65595247, \"order_type\": 0}\n\
        1430438404637 order_deleted {\"price\": \"236.47\", \"amount\": \"0.00000000\", \"datetime\": \"1430438340\", \"id\": 65595187, \"order_type\": 1}\n\
        1430438404645 trade {\"price\": 236.47, \"amount\": 3.6100000000000002e-06, \"id\": 8111041}\n\
        \n\
        1430438405885 order_book {\"bids\": [[\"236.47\", \"1.5\"], [\"236.20\", \"0\"]], \"asks\": [[\"236.64\", \"3.79520000\"]]}\n\
        1430438405886 order_moved {}\n\
        1430438405887 order_book {\"bids\": []}\n\
        1430438405888 trade {\"price\": 236.47, \"id\": 8111041, \"bids\": []}\n\
        1430438405889 order_created {\"price\": \"236.47\", \"amount\": \"2\", \"datetime\": \"1430438404\", \"id\": 1, \"order_type\": 2}\n";
    let parsed = rows(text).unwrap();
    let at = "bitstamp/BTCUSD 2015-05-01";
    assert_eq!(
        parsed.rows["orders"],
        [
            format!("{at} 1430438404000000000 1430438404518000000 - 0.0 1 1|65595247|236.47 2"),
            format!("{at} 1430438404000000000 1430438404635000000 - 1.0 8 1|65595247|236.47 1.78855669"),
            format!("{at} 1430438340000000000 1430438404637000000 - 2.0 3 -1|65595187|236.47 0"),
        ]
    );
    assert_eq!(parsed.rows["trades"], [format!("{at} - 1430438404645000000 - 3.0 -|8111041|236.47 0.00000361")]);
    assert_eq!(parsed.rows["book"], [format!("{at} - 1430438405885000000 - 5.0 ||236.47 1.5 236.64 3.7952")]);
    assert_eq!(parsed.notes["values with float noise, rounded to 8 decimals"], 1);
    let columns: Vec<_> = parsed.rejects.iter().map(|reject| (reject.line, reject.column.as_str())).collect();
    assert_eq!(columns, [(7, ""), (8, "bids"), (9, ""), (10, "order_type")]);
    for chunk in [1, 150, 300] {
        assert_eq!(parse("x", text.as_bytes(), &options(), &chunked(chunk)).unwrap(), parsed);
    }
}
