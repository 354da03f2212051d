//! Order events and trades by the column names of inventory.md 1.2.2, checked by hand.

use hftcol::error::Result;
use hftcol::input::InputLimits;
use hftcol::vendor::SourceOptions;

use crate::sources::{Parsed, choose, chunked, parse};

const ORDERS: &str = "order_id,exchange,timestamp,security_code,price,side,changereason,orderstatus,quantity,leavesquantity,ordertype,\
                      exchangeordertype,national_bid,national_offer,sequence,row_num\n";
const TRADES: &str = "EXCHANGE,sequence,tradedate,tradetime,securitycode,orderid,dealsource,matchgroupid,tradeprice,quantity,side,\
                      sidedecoded,participantid,passiveaggressive,row_num\n";

fn rows(text: &str) -> Result<Parsed> {
    parse("x.csv", text.as_bytes(), &SourceOptions::default(), &InputLimits::default())
}

#[test]
fn an_order_is_added_changed_and_gone() {
    let text = format!(
        "{ORDERS}7904794000124347569,3,1725494536062260441,110621,3340,1,6,1,1000,1000,2,2048,3330,3350,118312,1\n\
         7904794000124347569,3,1725494536062260441,110621,3340,1,3,1,1000,400,2,2048,3330,3350,118313,2\n\
         7904794000124347569,3,1725494537000000000,110621,3340,1,3,2,1000,0,2,2048,3330,3350,118314,3\n\
         5,3,1725494538000000000,110621,3350.5,2,6,1,70,70,2,0,,,118315,4\n\
         5,3,1725494539000000000,110621,3360,2,5,1,70,70,2,0,,,118316,5\n\
         5,3,1725494540000000000,110621,3360,2,41,2,70,70,2,0,,,118317,6\n"
    );
    let parsed = rows(&text).unwrap();
    let id = "7904794000124347569";
    assert_eq!(
        parsed.rows["orders"],
        [
            format!("3/110621 2024-09-05 1725494536062260441 - 118312 1.0 1 1|{id}|3340 1000"),
            format!("3/110621 2024-09-05 1725494536062260441 - 118313 2.0 8 1|{id}|3340 400"),
            format!("3/110621 2024-09-05 1725494537000000000 - 118314 3.0 3 1|{id}|3340 0"),
            "3/110621 2024-09-05 1725494538000000000 - 118315 4.0 1 -1|5|3350.5 70".to_owned(),
            "3/110621 2024-09-05 1725494539000000000 - 118316 5.0 8 -1|5|3360 70".to_owned(),
            "3/110621 2024-09-05 1725494540000000000 - 118317 6.0 3 -1|5|3360 70".to_owned(),
        ]
    );
    let sydney = SourceOptions { date_tz: Some("Australia/Sydney".to_owned()), ..SourceOptions::default() };
    let late = format!("{ORDERS}5,3,1725492600000000000,1,1,2,6,1,70,70,2,0,,,1,4\n");
    let late = parse("x", late.as_bytes(), &sydney, &InputLimits::default()).unwrap();
    assert!(late.first("orders").starts_with("3/1 2024-09-05 "), "{}", late.first("orders"));
    for chunk in [1, 50, 200] {
        let cut = parse("x", text.as_bytes(), &SourceOptions::default(), &chunked(chunk)).unwrap();
        assert_eq!(cut, parsed);
    }
}

#[test]
fn a_match_is_one_trade_on_the_aggressors_side() {
    let text = format!(
        "{TRADES}3,900,2024-09-05,1725494536062260441,110621,7904794000124347569,1,55,3345,600,1,Buy,9,1,1\n\
         3,900,2024-09-05,1725494536062260441,110621,8,1,55,3345,600,2,Sell,9,0,2\n"
    );
    let parsed = rows(&text).unwrap();
    assert_eq!(parsed.rows["trades"], ["3/110621 2024-09-05 1725494536062260441 - 900 1.0 1|55|3345 600"]);
    assert_eq!((parsed.skipped["header"], parsed.skipped["passive half of a match"]), (1, 1));
}

#[test]
fn bad_records_say_where_and_why() {
    for (header, bad, column, reason) in [
        (ORDERS, "9.5e17,3,1,2,3340,1,6,1,10,10,2,0,,,1,1", "order_id", "a whole number below 2^64"),
        (ORDERS, "18446744073709551616,3,1,2,3340,1,6,1,10,10,2,0,,,1,1", "order_id", "below 2^64"),
        (ORDERS, ",3,1,2,3340,1,6,1,10,10,2,0,,,1,1", "order_id", "an order id"),
        (ORDERS, "1,3,1,2,3340,B,6,1,10,10,2,0,,,1,1", "side", "1 for buy or 2 for sell"),
        (ORDERS, "1,3,1,2,3340,1,,1,10,10,2,0,,,1,1", "changereason", "the reason of the change"),
        (ORDERS, "1,3,1,2,3340,1,6,1,10,-1,2,0,,,1,1", "leavesquantity", "zero or more"),
        (ORDERS, "1,3,soon,2,3340,1,6,1,10,10,2,0,,,1,1", "timestamp", "a time as a number"),
        (ORDERS, "1,3,1,,3340,1,6,1,10,10,2,0,,,1,1", "security", "--security"),
        (ORDERS, "1,3,1", "", "16 fields, got 3"),
        (TRADES, "3,9,,1,2,8,1,55,3345,600,2,Sell,9,2,2", "passiveaggressive", "0 for the passive"),
        (TRADES, "3,9,,1,2,8,1,55,,600,2,Sell,9,1,2", "price", "a price"),
        (TRADES, "3,9,,,2,8,1,55,1,600,2,Sell,9,1,2", "ts_event", "a time"),
    ] {
        let parsed = rows(&format!("{header}{bad}\n")).unwrap();
        let [reject] = &parsed.rejects[..] else { panic!("{bad}: {:?}", parsed.rejects) };
        assert_eq!(reject.column, column, "{bad}");
        assert!(reject.reason.contains(reason), "{bad}: {}", reject.reason);
    }
}

#[test]
fn a_header_without_the_columns_is_refused() {
    for text in ["order_id,timestamp,security_code,price,side\n1,1,1,1,1\n", "1,3,1,2,3340,1,6,1,10,10,2,0,,,1,1\n"] {
        let error = choose("orders-trades", "x", text.as_bytes(), &SourceOptions::default()).unwrap_err();
        assert_eq!(error.exit_code(), 3);
        assert!(error.to_string().contains("changereason"), "{error}");
        assert_eq!(rows(text).unwrap_err().exit_code(), 3);
    }
}
