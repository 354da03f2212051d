//! Databento as CSV and JSON lines, in both forms of prices and times; what is no table of ours is refused.

use hftcol::error::Result;
use hftcol::input::InputLimits;
use hftcol::vendor::SourceOptions;

use crate::sources::{Parsed, choose, chunked, parse};

const MBO: &str = "ts_recv,ts_event,rtype,publisher_id,instrument_id,action,side,price,size,channel_id,order_id,flags,ts_in_delta,sequence\n";
const TRADES: &str = "ts_recv,ts_event,rtype,publisher_id,instrument_id,action,side,depth,price,size,flags,ts_in_delta,sequence,symbol\n";
const AT: &str = "1609160400006001487,1609160400006000000";
const PRETTY: &str = "2020-12-28T13:00:00.006001487Z,2020-12-28T13:00:00.006000000Z";

fn rows(text: &str) -> Result<Parsed> {
    parse("x", text.as_bytes(), &SourceOptions::default(), &InputLimits::default())
}

/// The header of mbp with so many levels.
fn mbp(levels: usize) -> String {
    let level =
        |n| ["bid_px", "ask_px", "bid_sz", "ask_sz", "bid_ct", "ask_ct"].map(|part| format!(",{part}_{n:02}")).concat();
    TRADES.replace(",symbol\n", "") + &(0..levels).map(level).collect::<String>() + "\n"
}

#[test]
fn single_orders_in_both_forms() {
    let row = |at: &str, action: &str, price: &str| {
        format!("{at},160,1,5482,{action},A,{price},11,0,647784973705,128,22993,1170352\n")
    };
    let text = |at: &str, price: &str| {
        MBO.to_owned() + &["A", "C", "M", "T", "F", "R", "N"].map(|action| row(at, action, price)).concat()
    };
    let parsed = rows(&text(AT, "3722750000000")).unwrap();
    let at = "publisher-1/5482 2020-12-28 1609160400006000000 1609160400006001487 1170352";
    let expected: Vec<_> = [(1, 1), (2, 2), (3, 8), (5, 10), (6, 9)]
        .map(|(record, action)| format!("{at} {record}.0 {action} -1|647784973705|3722.75 11"))
        .to_vec();
    assert_eq!(parsed.rows["orders"], expected);
    assert_eq!(parsed.rows["trades"], [format!("{at} 4.0 -1||3722.75 11")]);
    let skipped: Vec<_> = parsed.skipped.iter().map(|(rule, count)| (*rule, *count)).collect();
    let rules = ["header", "message without an action"];
    assert_eq!(skipped, rules.map(|rule| (rule, 1)));
    let pretty = rows(&text(PRETTY, "3722.750000000")).unwrap();
    assert_eq!(pretty.rows, parsed.rows);
    for chunk in [1, 150, 400] {
        let limits = chunked(chunk);
        let text = text(AT, "3722750000000");
        assert_eq!(parse("x", text.as_bytes(), &SourceOptions::default(), &limits).unwrap(), parsed);
    }
}

#[test]
fn names_are_the_symbol_what_the_user_says_or_the_number() {
    let text = format!("{TRADES}{AT},0,1,5482,T,B,0,3720250000000,5,129,19251,1170380,ESH1\n");
    assert_eq!(
        rows(&text).unwrap().rows["trades"],
        ["publisher-1/ESH1 2020-12-28 1609160400006000000 1609160400006001487 1170380 1.0 1||3720.25 5"]
    );
    let options =
        SourceOptions { venue: Some("glbx".to_owned()), security: Some("ES".to_owned()), ..SourceOptions::default() };
    for (symbol, name) in [("ESH1", "glbx/ESH1 "), ("", "glbx/ES ")] {
        let text = text.replace("ESH1", symbol);
        let parsed = parse("x", text.as_bytes(), &options, &InputLimits::default()).unwrap();
        assert!(parsed.first("trades").starts_with(name), "{}", parsed.first("trades"));
    }
}

#[test]
fn best_levels_are_quotes_and_ten_levels_a_book() {
    let undef = "9223372036854775807";
    let quotes = rows(&format!(
        "{}{AT},1,1,5482,A,A,0,3720500000000,1,128,17214,1170362,3720250000000,3720500000000,24,11,15,9\n\
         {AT},1,1,5482,T,N,0,3720250000000,2,128,17214,1170363,{undef},3720500000000,0,11,0,9\n",
        mbp(1)
    ))
    .unwrap();
    let at = "publisher-1/5482 2020-12-28 1609160400006000000 1609160400006001487";
    assert_eq!(
        quotes.rows["quotes"],
        [format!("{at} 1170362 1.0 ||3720.25 24 3720.5 11"), format!("{at} 1170363 2.0 ||- - 3720.5 11")]
    );
    assert_eq!(quotes.rows["trades"], [format!("{at} 1170363 2.0 0||3720.25 2")]);
    assert_eq!((quotes.records, quotes.stored), (3, 2));

    let levels: String = (0..10).map(|n| format!(",37{n}0000000000,38{n}0000000000,{n},1{n},1,1")).collect();
    let text = format!("{}{AT},10,1,5482,C,B,9,3722000000000,1,128,22993,1170352{levels}\n", mbp(10));
    let book = rows(&text).unwrap();
    let first = "- - 3800 10 3710 1 3810 11 3720 2 3820 12";
    assert!(book.first("book").contains(first), "{}", book.first("book"));
    assert!(book.first("book").ends_with(" 3790 9 3890 19"), "{}", book.first("book"));
    let two = SourceOptions { levels: 2, ..SourceOptions::default() };
    let cut = parse("x", text.as_bytes(), &two, &InputLimits::default()).unwrap();
    assert!(cut.first("book").ends_with("||- - 3800 10 3710 1 3810 11"), "{}", cut.first("book"));
    assert_eq!(cut.notes["levels beyond --levels, left out"], 8);
}

#[test]
fn bars_have_the_duration_of_their_type() {
    let head = "ts_event,rtype,publisher_id,instrument_id,open,high,low,close,volume\n";
    let parsed = rows(&format!(
        "{head}1609160400000000000,32,1,5482,372025000000000,372050000000000,372025000000000,372050000000000,57\n\
         1609160400000000000,35,1,5482,1,2,1,2,57\n"
    ))
    .unwrap();
    let at = "publisher-1/5482 2020-12-28 1609160400000000000 - -";
    assert_eq!(
        parsed.rows["ohlcv"],
        [
            format!("{at} 1.0 1000000000||372025 372050 372025 372050 57"),
            format!("{at} 2.0 86400000000000||0.000000001 0.000000002 0.000000001 0.000000002 57"),
        ]
    );
}

#[test]
fn json_lines_say_the_same_as_csv() {
    let hd = r#""hd":{"ts_event":"1609160400006000000","rtype":RT,"publisher_id":1,"instrument_id":5482}"#;
    let line = |rtype: &str, rest: &str| {
        format!("{{\"ts_recv\":\"1609160400006001487\",{},{rest}}}\n", hd.replace("RT", rtype))
    };
    let order = |price: &str| {
        format!(
            "\"action\":\"C\",\"side\":\"A\",\"price\":{price},\"size\":11,\"channel_id\":0,\"order_id\":\"647784973705\",\
             \"flags\":128,\"ts_in_delta\":22993,\"sequence\":1170352"
        )
    };
    let quote = "\"action\":\"T\",\"side\":\"N\",\"depth\":0,\"price\":\"3720250000000\",\"size\":2,\"flags\":128,\"ts_in_delta\":1,\
                 \"sequence\":1170363,\"levels\":[{\"bid_px\":null,\"ask_px\":\"3720500000000\",\"bid_sz\":0,\"ask_sz\":11,\
                 \"bid_ct\":0,\"ask_ct\":9}]";
    let text = [
        line("160", &order("\"3722750000000\"")),
        line("1", quote),
        line("23", "\"msg\":\"heartbeat\""),
        line("33", "\"open\":\"1000000000\",\"high\":\"3000000000\",\"low\":\"1000000000\",\"close\":\"2000000000\",\"volume\":\"5\""),
    ]
    .concat();
    let parsed = rows(&text).unwrap();
    let at = "publisher-1/5482 2020-12-28 1609160400006000000 1609160400006001487";
    assert_eq!(parsed.rows["orders"], [format!("{at} 1170352 0.0 2 -1|647784973705|3722.75 11")]);
    assert_eq!(parsed.rows["quotes"], [format!("{at} 1170363 1.0 ||- - 3720.5 11")]);
    assert_eq!(parsed.rows["trades"], [format!("{at} 1170363 1.0 0||3720.25 2")]);
    assert_eq!(parsed.rows["ohlcv"], [format!("{at} - 3.0 60000000000||1 3 1 2 5")]);
    assert_eq!(parsed.skipped["message about the stream"], 1);
    for chunk in [1, 200, 500] {
        assert_eq!(parse("x", text.as_bytes(), &SourceOptions::default(), &chunked(chunk)).unwrap(), parsed);
    }
    let pretty = line("160", &order("\"3722.750000000\""))
        .replace("1609160400006000000", "2020-12-28T13:00:00.006000000Z")
        .replace("1609160400006001487", "2020-12-28T13:00:00.006001487Z");
    assert_eq!(rows(&pretty).unwrap().rows["orders"], parsed.rows["orders"]);
}

#[test]
fn bad_records_say_where_and_why() {
    let good = format!("{AT},160,1,5482,A,A,3722750000000,11,0,6,128,2,11\n");
    for (bad, column, reason) in [
        (format!("{AT},160,1,5482,X,A,3722750000000,11,0,6,128,2,11"), "action", "one of A C M R T F N"),
        (format!("{AT},1,1,5482,A,A,3722750000000,11,0,6,128,2,11"), "rtype", "the record type of mbo"),
        (format!("{AT},160,1,5482,A,A,3722.75,11,0,6,128,2,11"), "price", "a whole number of 1e-9"),
        (format!("{AT},160,1,5482,T,A,9223372036854775807,11,0,6,128,2,11"), "price", "a price"),
        (format!("{AT},160,1,5482,A,A,3722750000000,x,0,6,128,2,11"), "size", "a decimal number"),
        (format!("{AT},160,1,5482,A,A,3722750000000,1,0,6,128,2,-11"), "sequence", "a whole number below 2^64"),
        ("1609160400006001487,18446744073709551615,160,1,5,A,A,3,1,0,6,1,2,1".to_owned(), "ts_event", "a time"),
        ("1,2".to_owned(), "", "14 fields, got 2"),
    ] {
        // The bad record stands behind the head that tells the form of prices.
        let text = format!("{MBO}{}{bad}\n", good.repeat(3_500));
        let parsed = rows(&text).unwrap();
        let [reject] = &parsed.rejects[..] else { panic!("{bad}: {:?}", parsed.rejects) };
        assert_eq!((reject.column.as_str(), reject.line), (column, 3_502), "{bad}");
        assert!(reject.reason.contains(reason), "{bad}: {}", reject.reason);
    }
    let hd = "{\"hd\":{\"ts_event\":\"1\",\"rtype\":0,\"publisher_id\":1,\"instrument_id\":5},\"action\":\"T\",\"price\":\"1\",\"size\":1}\n";
    let text = format!(
        "{hd}{}{hd}{}",
        hd.replace("\"rtype\":0", "\"rtype\":1"),
        hd.replace("\"T\"", "\"T\",\"side\":\"A\",\"side\":\"B\"")
    );
    let parsed = rows(&text).unwrap();
    let reasons: Vec<_> = parsed.rejects.iter().map(|reject| reject.reason.as_str()).collect();
    assert_eq!((parsed.count("trades"), reasons.len()), (2, 2));
    assert!(reasons[0].contains("1 levels, got 0") && reasons[1].contains("each key once"), "{reasons:?}");
}

#[test]
fn other_schemas_are_refused() {
    for text in [
        "ts_recv,ts_event,rtype,publisher_id,instrument_id,raw_symbol,security_update_action\n1,2,19,1,5482,ESH1,A\n",
        "ts_recv,ts_event,rtype,publisher_id,instrument_id,side,price,size,flags,sequence,bid_px_00,ask_px_00\n1,2,195,1,5,A,1,1,1,1,1,1\n",
        "{\"ts_recv\":\"1\",\"hd\":{\"ts_event\":\"2\",\"rtype\":19,\"publisher_id\":1,\"instrument_id\":5},\"raw_symbol\":\"ESH1\"}\n",
    ] {
        for format in ["auto", "databento"] {
            let error = choose(format, "x", text.as_bytes(), &SourceOptions::default()).unwrap_err();
            assert_eq!(error.exit_code(), 3, "{text}");
            assert!(error.to_string().contains("mbp-10"), "{error}");
        }
    }
    let headless = format!("{AT},160,1,5482,A,A,3722750000000,11,0,6,128,2,11\n");
    assert_eq!(choose("auto", "x", headless.as_bytes(), &SourceOptions::default()).unwrap_err().exit_code(), 3);
}
