//! bitFlyer executions and tickers: quoted cells, Japanese offset, newest first, empty dates and sides.

use hftcol::input::InputLimits;
use hftcol::vendor::SourceOptions;

use crate::sources::{Parsed, choose, chunked, parse};

const EXECUTIONS: &str = "\"domain\",\"product_code\",\"loaded\",\"id\",\"exec_date\",\"side\",\"price\",\"size\",\
                          \"buy_child_order_acceptance_id\",\"sell_child_order_acceptance_id\"\n";
const TICKERS: &str = "\"domain\",\"product_code\",\"health\",\"status\",\"loaded\",\"timestamp\",\"tick_id\",\"best_bid\",\"best_ask\",\
                       \"best_bid_size\",\"best_ask_size\",\"total_bid_depth\",\"total_ask_depth\",\"ltp\",\"volume\",\"volume_by_product\",\"last_price\"\n";

fn rows(text: &str) -> Parsed {
    parse("x.csv", text.as_bytes(), &SourceOptions::default(), &InputLimits::default()).unwrap()
}

fn quoted(cells: &str) -> String {
    format!("\"{}\"\n", cells.replace(',', "\",\""))
}

#[test]
fn executions_are_trades_with_two_clocks() {
    let loaded = "2018-01-27T00:28:41.074+09:00";
    let text = [
        EXECUTIONS.to_owned(),
        quoted(&format!("b.jp,BTC_JPY,{loaded},48,2018-01-27T00:28:36.593+09:00,BUY,1153250.0,0.015,J,K")),
        quoted(&format!("b.jp,BTC_JPY,{loaded},42,2018-01-27T00:28:34.563+09:00,,1153250.0,0.33582999,J,K")),
        quoted(&format!("b.jp,BTC_JPY,{loaded},41,,SELL,1153250.0,1,J,K")),
        EXECUTIONS.to_owned(),
        quoted(&format!("b.jp,BTC_JPY,{loaded},48,2018-01-27T00:28:36.593+09:00,BUY,1153250.0,0.015,J,K")),
    ]
    .concat();
    let parsed = rows(&text);
    let at = "b.jp/BTC_JPY 2018-01-26";
    assert_eq!(
        parsed.rows["trades"],
        [
            format!("{at} 1516980516593000000 1516980521074000000 - 1.0 1|48|1153250 0.015"),
            format!("{at} 1516980514563000000 1516980521074000000 - 2.0 0|42|1153250 0.33582999"),
            format!("{at} 1516980516593000000 1516980521074000000 - 5.0 1|48|1153250 0.015"),
        ]
    );
    let [reject] = &parsed.rejects[..] else { panic!("{:?}", parsed.rejects) };
    assert_eq!((reject.line, reject.column.as_str()), (4, "ts_event"));
    assert_eq!(parsed.skipped["header"], 2);
    for chunk in [1, 130, 400] {
        assert_eq!(parse("x", text.as_bytes(), &SourceOptions::default(), &chunked(chunk)).unwrap(), parsed);
    }
    let tokyo = SourceOptions { date_tz: Some("Asia/Tokyo".to_owned()), ..SourceOptions::default() };
    let parsed = parse("x", text.as_bytes(), &tokyo, &InputLimits::default()).unwrap();
    assert!(parsed.first("trades").starts_with("b.jp/BTC_JPY 2018-01-27 "));
}

#[test]
fn tickers_are_quotes() {
    let parsed = rows(
        &[
            TICKERS.to_owned(),
            quoted(
                "b.jp,BTC_JPY,SUPER BUSY,RUNNING,2018-01-27T00:28:00.000+09:00,2018-01-27T00:28:28.069+09:00,98517,1149799.0,\
                 1152900.0,0.595,0.085,2460.8,2967.7,1149799.0,104607.1,17546.5,1149799.0",
            ),
            quoted("b.jp,BTC_JPY,NORMAL,CLOSED,2018-01-27T04:01:00.000+09:00,,,,,,,,,,,,"),
        ]
        .concat(),
    );
    assert_eq!(
        parsed.rows["quotes"],
        ["b.jp/BTC_JPY 2018-01-26 1516980508069000000 1516980480000000000 98517 1.0 ||1149799 0.595 1152900 0.085"]
    );
    assert_eq!(parsed.rejects[0].column, "ts_event");
}

#[test]
fn a_copy_without_its_header_is_refused() {
    let row =
        quoted("b.jp,BTC_JPY,2018-01-27T00:28:41.074+09:00,48,2018-01-27T00:28:36.593+09:00,BUY,1153250.0,0.015,J,K");
    for format in ["auto", "bitflyer"] {
        let error = choose(format, "bitflyer.execution.csv", row.as_bytes(), &SourceOptions::default()).unwrap_err();
        assert_eq!(error.exit_code(), 3);
    }
}
