//! Chinese level-2 records: order messages, trades, snapshots; float noise, two time columns, China's day.

use hftcol::error::Result;
use hftcol::input::InputLimits;
use hftcol::vendor::SourceOptions;

use crate::sources::{Parsed, choose, chunked, parse, read};

const ORDERS: &str = "MDDate,MDTime,SecurityType,SecuritySubType,SecurityIDSource,Symbol,ReceiveDateTime,OrderIndex,OrderType,OrderPrice,\
                      OrderQty,OrderBSFlag,ChannelNo,ApplSeqNum,OrderNO,SecurityID\n";
const TRADES: &str = "MDDate,MDTime,SecurityType,SecuritySubType,SecurityIDSource,Symbol,TradingPhaseCode,TradeIndex,TradeBuyNo,TradeSellNo,\
                      TradeType,TradeBSFlag,TradePrice,TradeQty,TradeMoney,ReceiveDateTime,NumTrades,ChannelNo,ApplSeqNum,SecurityID\n";
const NOISE: &str = "prices with float noise, rounded to 4 decimals";

fn rows(text: &str) -> Result<Parsed> {
    parse("x.csv", text.as_bytes(), &SourceOptions::default(), &InputLimits::default())
}

/// A header of two levels, columns grouped as the vendor groups them.
fn snapshots() -> String {
    let mut names = vec!["MDDate".to_owned(), "MDTime".to_owned(), "SecurityID".to_owned(), "LastPx".to_owned()];
    for part in ["BuyPrice", "BuyOrderQty", "SellPrice", "SellOrderQty", "BuyNumOrders"] {
        names.extend([1, 2].map(|level| format!("{part}{level}")));
    }
    names.join(",") + "\n"
}

#[test]
fn orders_are_added_and_deleted_in_chinas_time() {
    let parsed = rows(&format!(
        "{ORDERS}2023.07.11,09:15:00.280,2,02001,101,\u{6052},2023.07.11T09:25:21.401,169409,2,15.929999999999999,300,2,1,186445,1329,605580.SH\n\
         2023.07.11,09:15:00.280,2,02001,101,\u{6052},,169410,10,14.92,400,1,1,186446,2647,605580.SH\n\
         20230711,091500280,2,02001,102,\u{6052},,169410,2,14,400,1,1,186447,0,000001\n"
    ))
    .unwrap();
    assert_eq!(
        parsed.rows["orders"],
        [
            "XSHG/605580.SH 2023-07-11 1689038100280000000 1689038721401000000 186445 1.0 1 -1|1329|15.93 300",
            "XSHG/605580.SH 2023-07-11 1689038100280000000 - 186446 2.0 3 1|2647|14.92 400",
            "XSHE/000001 2023-07-11 1689038100280000000 - 186447 3.0 1 1|186447|14 400",
        ]
    );
    assert_eq!(parsed.notes[NOISE], 1);
}

#[test]
fn trades_have_the_aggressor_and_auctions_have_none() {
    let text = format!(
        "{TRADES}2023.07.11,09:25:00.180,2,02001,101,\u{6052},,17037,144909,5491,0,0,14.56,200,2912,2023.07.11T09:25:03.276,0,1,187467,605580.SH\n\
         2023.07.11,09:25:00.180,2,02001,101,\u{6052},,17038,144909,5491,0,1,14.560000000000001,200,2912,,0,1,187468,605580.SH\n\
         2023.07.11,09:25:00.180,2,02001,101,\u{6052},,17039,144909,5491,0,2,14.5600000000000001,200,2912,,0,1,187469,605580.SH\n"
    );
    let parsed = rows(&text).unwrap();
    let at = "XSHG/605580.SH 2023-07-11 1689038700180000000";
    assert_eq!(
        parsed.rows["trades"],
        [
            format!("{at} 1689038703276000000 187467 1.0 0|17037 144909 5491|14.56 200"),
            format!("{at} - 187468 2.0 1|17038 144909 5491|14.56 200"),
            format!("{at} - 187469 3.0 -1|17039 144909 5491|14.56 200"),
        ]
    );
    assert_eq!(parsed.notes[NOISE], 2);
    for chunk in [1, 100, 300] {
        assert_eq!(parse("x", text.as_bytes(), &SourceOptions::default(), &chunked(chunk)).unwrap(), parsed);
    }
}

#[test]
fn snapshots_have_no_level_at_price_zero() {
    let text = format!(
        "{}2022.06.01,09:16:42.000,300918.SZ,0,8.259999999999999,0,100,0,8.259999999999999,0,100,400,1,0\n\
         2022.06.01,09:30:00.000,300918.SZ,8,8.25,8.24,100,7,8.26,8.27,5,400,1,2\n",
        snapshots()
    );
    let parsed = rows(&text).unwrap();
    assert_eq!(
        parsed.rows["book"],
        [
            "XSHE/300918.SZ 2022-06-01 1654046202000000000 - - 1.0 ||8.26 100 8.26 100",
            "XSHE/300918.SZ 2022-06-01 1654047000000000000 - - 2.0 ||8.25 100 8.26 5 8.24 7 8.27 400",
        ]
    );
    let one = SourceOptions { levels: 1, ..SourceOptions::default() };
    let parsed = parse("x", text.as_bytes(), &one, &InputLimits::default()).unwrap();
    assert!(parsed.rows["book"][1].ends_with("||8.25 100 8.26 5"));
    assert_eq!(parsed.notes["levels beyond --levels, left out"], 2);
}

#[test]
fn trades_with_a_market_column_are_ours_only_for_chinese_markets() {
    let head = "SecurityID,Market,TradeTime,TradePrice,TradeQty,TradeAmount,BuyNum,SellNum\n";
    let row = "600000,XSHG,2020.01.02T09:30:00.000,12.48,2000,24960,161622,26852\n";
    let parsed = rows(&format!("{head}{row}")).unwrap();
    assert_eq!(parsed.first("trades"), "XSHG/600000 2020-01-02 1577928600000000000 - - 1.0 -| 161622 26852|12.48 2000");
    let elsewhere = rows(&format!("{head}{}", row.replace("XSHG", "XKRX"))).unwrap_err();
    assert_eq!(elsewhere.exit_code(), 3);
}

#[test]
fn trades_without_a_market_must_be_named() {
    let text = "Symbol,Datetime,Price,Volume\n000001,2018.09.03T09:30:06,10.13,4500\n";
    assert_eq!(rows(text).unwrap_err().exit_code(), 3);
    let options = SourceOptions { venue: Some("XSHE".to_owned()), ..SourceOptions::default() };
    let limits = InputLimits::default();
    let selected = choose("china-l2", "x", text.as_bytes(), &options).unwrap();
    let parsed = read(crate::sources::open("x", text.as_bytes(), &limits).unwrap(), &selected, &limits).unwrap().0;
    assert_eq!(parsed.first("trades"), "XSHE/000001 2018-09-03 1535938206000000000 - - 1.0 -||10.13 4500");
}

#[test]
fn bad_records_say_where_and_why() {
    let order = |time: &str, kind: &str, price: &str, flag: &str| {
        format!("{ORDERS}2023.07.11,{time},2,02001,101,x,,169409,{kind},{price},300,{flag},1,186445,1329,605580.SH\n")
    };
    for (text, column, reason) in [
        (order("09:15:00.280", "2", "15.92951", "1"), "OrderPrice", "at most 4 decimals"),
        (order("09:15:00.280", "2", "x", "1"), "OrderPrice", "a price"),
        (order("09:15:00.280", "3", "15.9", "1"), "OrderType", "2 for a new order"),
        (order("09:15:00.280", "2", "15.9", "3"), "OrderBSFlag", "1 for buy, 2 for sell"),
        (order("25:15:00.280", "2", "15.9", "1"), "MDTime", "a time of day"),
        (order("", "2", "15.9", "1"), "ts_event", "a time"),
        (order("09:15:00.280,7", "2", "15.9", "1"), "", "16 fields, got 17"),
        (order("09:15:00.280", "2", "15.9", "1").replace("2023.07.11", "2023.02.30"), "MDDate", "a date"),
    ] {
        let parsed = rows(&text).unwrap();
        let [reject] = &parsed.rejects[..] else { panic!("{text}: {:?}", parsed.rejects) };
        assert_eq!(reject.column, column, "{text}");
        assert!(reject.reason.contains(reason), "{text}: {}", reject.reason);
        assert!(parsed.notes.is_empty());
    }
    let cancel = TRADES.to_owned()
        + "2023.07.11,09:25:00.180,2,02001,102,x,,17037,144909,0,1,0,14.5599999999999999,200,0,,0,1,187467,000001.SZ\n";
    let parsed = rows(&cancel).unwrap();
    assert_eq!(parsed.rejects[0].column, "TradeType");
    assert!(parsed.notes.is_empty(), "what is rejected is not counted as rounded");
}
