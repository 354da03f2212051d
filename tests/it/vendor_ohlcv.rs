//! Bars by their five names and a time.

use hftcol::error::Result;
use hftcol::input::InputLimits;
use hftcol::vendor::SourceOptions;

use crate::sources::{Parsed, choose, chunked, parse};

fn options() -> SourceOptions {
    SourceOptions { security: Some("S".to_owned()), ..SourceOptions::default() }
}

fn rows(text: &str) -> Result<Parsed> {
    parse("x.csv", text.as_bytes(), &options(), &InputLimits::default())
}

#[test]
fn a_bar_has_its_time_five_numbers_and_a_name() {
    let parsed = rows(
        "timestamp,open,high,low,close,volume\n2024-01-02 09:30:00,100.50,101,100.25,100.75,1200\n\
         2024-01-02 09:31:00,100.75,100.75,100.75,100.75,0\n",
    )
    .unwrap();
    assert_eq!(
        parsed.rows["ohlcv"],
        [
            "unknown/S 2024-01-02 1704187800000000000 - - 1.0 -||100.5 101 100.25 100.75 1200",
            "unknown/S 2024-01-02 1704187860000000000 - - 2.0 -||100.75 100.75 100.75 100.75 0",
        ]
    );
}

#[test]
fn every_usual_form_of_the_time_says_the_same() {
    let day = "2024-01-02 1704187800000000000 - - 1.0 -||1 4 0.5 2 9.5";
    for text in [
        "Date,Open,High,Low,Close,Adj Close,Volume\n2024-01-02T09:30:00Z,1,4,0.5,2,1.9,9.5\n",
        "ts;Volume;Close;Low;High;Open\n1704187800;9.5;2;0.5;4;1\n",
        "open_time,open,high,low,close,volume,close_time,trades\n1704187800000,1,4,0.5,2,9.5,1704187859999,7\n",
        "time|open|high|low|close|vol\n1704187800000000|1|4|0.5|2|9.5\n",
        "date,time,open,high,low,close,volume\n2024.01.02,09:30,1,4,0.5,2,9.5\n",
        "\"datetime\",\"open\",\"high\",\"low\",\"close\",\"volume\"\r\n\"2024-01-02 10:30:00+01:00\",\"1\",\"4\",\"0.5\",\"2\",\"9.5\"\r\n",
    ] {
        let parsed = rows(text).unwrap_or_else(|e| panic!("{text}{e}"));
        assert_eq!(parsed.first("ohlcv"), format!("unknown/S {day}"), "{text}");
    }
    let named = rows("exchange,symbol,date,open,high,low,close,volume\nbx,A/B,20240102,1,4,0.5,2,9.5\n").unwrap();
    assert_eq!(named.first("ohlcv"), "bx/A/B 2024-01-02 1704153600000000000 - - 1.0 -||1 4 0.5 2 9.5");
}

#[test]
fn zone_less_bars_take_the_zone_for_time_and_date() {
    let options = SourceOptions { tz: Some("Asia/Tokyo".to_owned()), ..options() };
    let text = "timestamp,open,high,low,close,volume\n2024-01-02 09:30:00,1,4,0.5,2,9.5\n";
    let parsed = parse("x", text.as_bytes(), &options, &InputLimits::default()).unwrap();
    assert!(
        parsed.first("ohlcv").starts_with("unknown/S 2024-01-02 1704155400000000000 "),
        "{}",
        parsed.first("ohlcv")
    );
}

#[test]
fn bad_records_say_where_and_why_under_every_cut() {
    let good = "1704187800,1,4,0.5,2,9\n";
    let head = "timestamp,open,high,low,close,volume\n";
    for (bad, column, reason) in [
        ("1704187800,x,4,0.5,2,9", "open", "a decimal number"),
        ("1704187800,1,nan,0.5,2,9", "high", "a finite number"),
        ("1704187800,1,4,0.5,2", "", "6 fields, got 5"),
        (",1,4,0.5,2,9", "ts_event", "a time"),
        ("never,1,4,0.5,2,9", "timestamp", "a time"),
    ] {
        // The bad time stands behind the head that recognition looks at.
        let text = format!("{head}{}{bad}\n{head}\n{good}", good.repeat(12_000));
        let options = options();
        let parsed = parse("x", text.as_bytes(), &options, &InputLimits::default()).unwrap();
        let [reject] = &parsed.rejects[..] else { panic!("{bad}: {:?}", parsed.rejects) };
        assert_eq!((reject.line, reject.column.as_str()), (12_002, column), "{bad}");
        assert!(reject.reason.contains(reason), "{bad}: {}", reject.reason);
        assert_eq!(parsed.count("ohlcv"), 12_001);
        assert_eq!(parse("x", text.as_bytes(), &options, &chunked(1_000)).unwrap(), parsed);
    }
}

#[test]
fn what_may_be_something_else_is_refused() {
    for text in [
        "open,high,low,close,volume\n1,4,0.5,2,9\n",
        "timestamp,open,high,low,close\n1704187800,1,4,0.5,2\n",
        "timestamp,open,high,low,close,volume\n",
        "timestamp,open,high,low,close,volume\n5,1,4,0.5,2,9\n",
        "timestamp,open,high,low,close,volume\n1704187800,1,4,0.5,2,9\n1704187800000,1,4,0.5,2,9\n",
        "unix,datetime,open,high,low,close,volume\n1704187800,2024-01-02,1,4,0.5,2,9\n",
        "timestamp,open,open,high,low,close,volume\n1704187800,1,1,4,0.5,2,9\n",
        "1704187800,1,4,0.5,2,9\n",
    ] {
        let error = rows(text).unwrap_err();
        assert_eq!(error.exit_code(), 3, "{text}");
    }
    let text = "timestamp,open,high,low,close,volume\n1704187800,1,4,0.5,2,9\n";
    let nameless = choose("auto", "x", text.as_bytes(), &SourceOptions::default()).unwrap_err();
    assert_eq!(nameless.exit_code(), 2);
    assert!(nameless.to_string().contains("--security"), "{nameless}");
    assert_eq!(choose("ohlcv", "x", b"a,b\n1,2\n", &options()).unwrap_err().exit_code(), 3);
}
