//! Raw captures of cryptofeed: one message of each kind of each venue, values by hand.

use hftcol::input::InputLimits;
use hftcol::vendor::SourceOptions;

use crate::sources::{Parsed, chunked, parse};

const FUTURES: &str = include_str!("../data/feeds/cryptofeed_binance_futures.jsonl");
const BITFINEX: &str = include_str!("../data/feeds/cryptofeed_bitfinex.jsonl");
const BITSTAMP: &str = include_str!("../data/feeds/cryptofeed_bitstamp.jsonl");
const COINBASE: &str = include_str!("../data/feeds/cryptofeed_coinbase.jsonl");
const DERIBIT: &str = include_str!("../data/feeds/cryptofeed_deribit.jsonl");
const GATEIO: &str = include_str!("../data/feeds/cryptofeed_gateio.jsonl");
const KRAKEN: &str = include_str!("../data/feeds/cryptofeed_kraken.jsonl");
const OKX: &str = include_str!("../data/feeds/cryptofeed_okx.jsonl");
const BITMEX_TEXT: &str = include_str!("../data/feeds/cryptofeed_bitmex.txt");
const COINBASE_TEXT: &str = include_str!("../data/feeds/cryptofeed_coinbase.txt");

fn rows(text: &str) -> Parsed {
    parse("x", text.as_bytes(), &SourceOptions::default(), &InputLimits::default()).unwrap()
}

/// A record that received a message, as cryptofeed writes it.
fn received(connection: &str, message: &str) -> String {
    let message = serde_json::to_string(message).unwrap();
    format!("{{\"t\":\"recv\",\"conn\":\"{connection}\",\"ts\":1626992741.5,\"data\":{message}}}\n")
}

#[test]
fn excerpts_have_no_rejects() {
    for (text, tables) in [
        (FUTURES, "deltas ohlcv quotes trades"),
        (BITFINEX, "deltas quotes"),
        (BITSTAMP, "deltas"),
        (COINBASE, "deltas quotes trades"),
        (DERIBIT, "deltas quotes"),
        (GATEIO, "deltas ohlcv quotes"),
        (KRAKEN, "deltas quotes trades"),
        (OKX, "deltas quotes trades"),
        (BITMEX_TEXT, "orders quotes trades"),
        (COINBASE_TEXT, "deltas quotes trades"),
    ] {
        let parsed = rows(text);
        assert_eq!(parsed.rejects, [], "{}", &text[..80]);
        let found: Vec<_> = parsed.rows.keys().copied().filter(|t| tables.contains(t)).collect();
        assert_eq!(found.len(), parsed.rows.len(), "{found:?}");
        for chunk in (1..text.len() + 2).step_by(501) {
            let cut = parse("x", text.as_bytes(), &SourceOptions::default(), &chunked(chunk)).unwrap();
            assert_eq!(cut, parsed, "chunks of {chunk} bytes");
        }
    }
}

#[test]
fn records_around_messages_are_skipped_by_rule() {
    let parsed = rows(BITSTAMP);
    assert_eq!(parsed.skipped["header"], 1);
    assert_eq!(parsed.skipped["connection opened or closed"], 1);
    assert_eq!(parsed.skipped["what was sent"], 1);
    assert_eq!(parsed.skipped["answer to a request"], 1);
    let list = r#"{"t":"http","conn":"BITSTAMP.http.sync","ts":1641343690.5,"url":"https://www.bitstamp.net/api/v2/trading-pairs-info/","data":"[]"}"#;
    let book = r#"{"t":"http","conn":"BITSTAMP.http.0","ts":1641343696.25,"url":"https://www.bitstamp.net/api/v2/order_book/sgbeur","data":"{\"timestamp\": \"1641343695\", \"microtimestamp\": \"1641343695572693\", \"bids\": [[\"0.14695\", \"4567.41\"]], \"asks\": []}"}"#;
    let strange = r#"{"t":"other","conn":"BITSTAMP.ws.1","ts":1641343690.5}"#;
    let parsed = rows(&format!("{BITSTAMP}{list}\n{book}\n{strange}\n"));
    assert_eq!(parsed.skipped["answer that is no snapshot"], 1);
    assert_eq!(
        parsed.rows["deltas"].last().unwrap(),
        "bitstamp/sgbeur 2022-01-05 1641343695572693000 1641343696250000000 - 13.0 1 1||0.14695 4567.41"
    );
    assert_eq!((parsed.rejects.len(), &parsed.rejects[0].column[..]), (1, "t"));
}

#[test]
fn bitstamp() {
    let parsed = rows(&format!(
        "{BITSTAMP}{}{}",
        received(
            "BITSTAMP.ws.1",
            r#"{"data":{"id":216000477,"amount":0.0792,"amount_str":"0.07920000","price":3805.44,"price_str":"3805.44","type":1,"microtimestamp":"1641343699596000"},"channel":"live_trades_ethusd","event":"trade"}"#
        ),
        received(
            "BITSTAMP.ws.1",
            r#"{"data":{"id":9,"order_type":0,"amount":0.5,"price":3805.1,"microtimestamp":"1641343699596001"},"channel":"live_orders_ethusd","event":"order_deleted"}"#
        ),
    ));
    assert_eq!(
        parsed.first("deltas"),
        "bitstamp/bateur 2022-01-05 1641343691244908000 1641343697403468100 - 4.0 0 1||1.15979 993.02588113"
    );
    assert_eq!(
        parsed.first("trades"),
        "bitstamp/ethusd 2022-01-05 1641343699596000000 1626992741500000000 - 12.0 -1|216000477|3805.44 0.0792"
    );
    assert_eq!(
        parsed.first("orders"),
        "bitstamp/ethusd 2022-01-05 1641343699596001000 1626992741500000000 - 13.0 3 1|9|3805.1 0.5"
    );
}

#[test]
fn bitfinex_by_the_subscriptions_of_its_head() {
    let conn = "BITFINEX.ws.11";
    let text = [
        BITFINEX,
        &received(conn, r#"[232957,[[60400,1,0.68826974],[61000,2,-1.5]],30]"#),
        &received(conn, r#"[232957,[61000,0,-1],31]"#),
        &received(conn, r#"[232959,"te",[669899160,1618665870435,-166.391496,0.076989],32]"#),
        &received(conn, r#"[232959,"tu",[669899160,1618665870435,-166.391496,0.076989],33]"#),
        &received("BITFINEX.ws.12", r#"[232957,[61000,0,-1],31]"#),
    ]
    .concat();
    let parsed = rows(&text);
    assert_eq!(parsed.first("quotes"), "bitfinex/BFTUSD 2021-04-17 - 1618677543951228900 1 5.0 ||0.068965 - 0.0774");
    assert_eq!(
        parsed.rows["deltas"][parsed.count("deltas") - 3..],
        [
            "bitfinex/TESTBTC:TESTUSD 2021-07-22 - 1626992741500000000 30 36.0 1 1||60400 0.68826974",
            "bitfinex/TESTBTC:TESTUSD 2021-07-22 - 1626992741500000000 30 36.1 1 -1||61000 1.5",
            "bitfinex/TESTBTC:TESTUSD 2021-07-22 - 1626992741500000000 31 37.0 0 -1||61000 0",
        ]
    );
    assert_eq!(
        parsed.first("trades"),
        "bitfinex/BFTUSD 2021-04-17 1618665870435000000 1626992741500000000 32 38.0 -1|669899160|0.076989 166.391496"
    );
    assert_eq!(parsed.skipped["a trade told again"], 1);
    assert!(parsed.rejects[0].reason.contains("a subscription at the head of the source"), "{:?}", parsed.rejects);
}

#[test]
fn coinbase_of_both_feeds() {
    let parsed = rows(COINBASE);
    assert_eq!(
        parsed.first("trades"),
        "coinbase/BTC-USD 2026-08-09 1786309548167634000 1786309548642865000 9 8.0 1|1068572091|65083.67 0.01034361"
    );
    assert_eq!(
        parsed.first("quotes"),
        "coinbase/BTC-USD 2026-08-09 1786309548229198328 1786309548642821800 6 5.0 ||65083.66 0.20371215 65083.67 0.24290402"
    );
    assert_eq!(
        parsed.first("deltas"),
        "coinbase/BTC-USD 2026-08-09 1786309548264069000 1786309548886181800 15 9.0 0 -1||65106.54 0.15361938"
    );
    let parsed = rows(COINBASE_TEXT);
    assert_eq!(
        parsed.first("trades"),
        "coinbase/BAND-GBP 2021-04-17 1618677810244075000 1618677817079762000 333938798 7.0 1|881613|14.7775 0.04"
    );
    assert_eq!(
        parsed.first("quotes"),
        "coinbase/BAND-GBP 2021-04-17 1618677810244075000 1618677817079694000 333938798 5.0 ||14.755 - 14.806"
    );
    assert_eq!(
        parsed.first("deltas"),
        "coinbase/SKL-BTC 2021-04-17 1618677817075687000 1618677817118783000 - 9.0 0 -1||0.00001306 660.5"
    );
    let snapshot = "1618677817.077736: {\"type\":\"snapshot\",\"product_id\":\"BAND-GBP\",\"asks\":[[\"14.8024\",\"12.77\"]],\"bids\":[]}\n";
    let parsed = rows(&format!("{COINBASE_TEXT}{snapshot}"));
    assert_eq!(
        parsed.rows["deltas"].last().unwrap(),
        "coinbase/BAND-GBP 2021-04-17 1618677817077736000 1618677817077736000 - 13.0 1 -1||14.8024 12.77"
    );
}

#[test]
fn deribit_keeps_the_digits_of_its_numbers() {
    let trade = r#"{"jsonrpc":"2.0","method":"subscription","params":{"channel":"trades.BTC-PERPETUAL.raw","data":[{"trade_seq":30289442,"trade_id":"48079269","timestamp":1590484512188,"tick_direction":2,"price":8950.0,"instrument_name":"BTC-PERPETUAL","direction":"sell","amount":10.1}]}}"#;
    let parsed = rows(&format!("{DERIBIT}{}", received("DERIBIT.ws.1", trade)));
    assert_eq!(
        parsed.first("deltas"),
        "deribit/ETH-30JUL21-2800-C 2021-07-22 1626993723632000000 1626993723844026000 13169025645 6.0 1 1||0.0015 4714"
    );
    assert!(
        parsed.rows["deltas"].iter().any(|row| row.ends_with(" 33195894358 11.0 0 -1 33195894355||0.001 0")),
        "a deletion"
    );
    assert_eq!(
        parsed.first("quotes"),
        "deribit/ETH-30JUL21-2800-C 2021-07-22 1626993723632000000 1626993723804855000 - 4.0 ||0.0015 4714 0.0025 873"
    );
    assert_eq!(
        parsed.first("trades"),
        "deribit/BTC-PERPETUAL 2020-05-26 1590484512188000000 1626992741500000000 - 12.0 -1|48079269|8950 10.1"
    );
}

#[test]
fn gateio() {
    let trade = r#"{"time":1619093543,"channel":"spot.trades","event":"update","result":{"id":816995772,"create_time":1619093543,"create_time_ms":"1619093543708.2642","side":"sell","currency_pair":"DIS_USDT","amount":"0.2010000000","price":"121.5800000000"}}"#;
    let book = r#"{"t":"http","conn":"GATEIO.http.0","ts":1619093533.25,"url":"https://api.gateio.ws/api/v4/spot/order_book?currency_pair=HAI_ETH&limit=100&with_id=true","data":"{\"id\":2691446,\"asks\":[[\"0.00010396\",\"5876.967\"]],\"bids\":[]}"}"#;
    let parsed = rows(&format!("{GATEIO}{}{book}\n", received("GATEIO.ws.1", trade)));
    assert_eq!(
        parsed.first("deltas"),
        "gateio/QTUM3S_USDT 2021-04-22 1619093533174000000 1619093534923730900 69526951 5.0 0 1 69526943||0.216914 0"
    );
    assert_eq!(
        parsed.rows["deltas"].last().unwrap(),
        "gateio/HAI_ETH 2021-04-22 1619093533250000000 1619093533250000000 2691446 13.0 1 -1||0.00010396 5876.967"
    );
    assert_eq!(
        parsed.first("quotes"),
        "gateio/NEO_BTC 2021-04-22 1619093533000000000 1619093534540324200 - 4.0 ||0.0018697 - 0.0018734"
    );
    assert_eq!(
        parsed.first("ohlcv"),
        "gateio/DIS_USDT 2021-04-22 1619093520000000000 1619093534923867000 - 8.0 60000000000||120.92 120.92 120.92 120.92 0"
    );
    assert_eq!(
        parsed.first("trades"),
        "gateio/DIS_USDT 2021-04-22 1619093543708264200 1626992741500000000 - 12.0 -1|816995772|121.58 0.201"
    );
}

#[test]
fn kraken_levels_have_times_of_their_own() {
    let both = r#"[1920,{"a":[["0.042990","364630.28","1618678145.920470"]]},{"b":[["0.042980","0.00000000","1618678145.920708"]],"c":"4105471083"},"book-1000","SC/EUR"]"#;
    let all = r#"[1360,{"as":[["0.000022900","13355.87450757","1618678123.481570"]],"bs":[["0.000000010","112040.0","1614019228.277835"]]},"book-1000","ADA/XBT"]"#;
    let spread = r#"[0,["5698.40000","5700.00000","1542057299.545897","1.01234567","0.98765432"],"spread","XBT/USD"]"#;
    let bar = r#"[42,["1542057314.748456","1542057360.435743","3586.7","3586.8","3586.6","3586.70000","3586.69","0.03373000",2],"ohlc-5","XBT/USD"]"#;
    let more: String = [both, all, spread, bar].iter().map(|m| received("KRAKEN.ws.50", m)).collect();
    let parsed = rows(&format!("{KRAKEN}{more}"));
    assert_eq!(parsed.rejects, []);
    assert_eq!(
        parsed.first("trades"),
        "kraken/XMR/USD 2021-04-17 1618678142557535000 1618678142592855000 - 6.0 -1||354.11 0.89594024"
    );
    assert_eq!(
        parsed.first("quotes"),
        "kraken/WAVES/EUR 2021-04-17 - 1618678132949649800 - 8.0 ||13.2329 185.18432037 13.2539 35.72892241"
    );
    assert_eq!(
        parsed.rows["deltas"][2..],
        [
            "kraken/SC/EUR 2021-04-17 1618678145920470000 1626992741500000000 - 12.0 0 -1||0.04299 364630.28",
            "kraken/SC/EUR 2021-04-17 1618678145920708000 1626992741500000000 - 12.1 0 1||0.04298 0",
            "kraken/ADA/XBT 2021-07-22 1626992741500000000 1626992741500000000 - 13.0 1 1||0.00000001 112040",
            "kraken/ADA/XBT 2021-07-22 1626992741500000000 1626992741500000000 - 13.1 1 -1||0.0000229 13355.87450757",
        ]
    );
    assert_eq!(
        parsed.rows["quotes"][2],
        "kraken/XBT/USD 2021-07-22 1542057299545897000 1626992741500000000 - 14.0 ||5698.4 1.01234567 5700 0.98765432"
    );
    assert_eq!(
        parsed.first("ohlcv"),
        "kraken/XBT/USD 2018-11-12 1542057060435743000 1626992741500000000 - 15.0 300000000000||3586.7 3586.8 3586.6 3586.7 0.03373"
    );
}

#[test]
fn okx() {
    let all = r#"{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"snapshot","data":[{"asks":[["30238.8","2","0","1"]],"bids":[],"ts":"1652459225393","checksum":1,"seqId":77,"prevSeqId":-1}]}"#;
    let best = r#"{"arg":{"channel":"bbo-tbt","instId":"BTC-USDT"},"data":[{"asks":[["3","2","0","1"]],"bids":[],"ts":"1652459225394","seqId":78}]}"#;
    let parsed = rows(&format!("{OKX}{}{}", received("OKX.ws.1", all), received("OKX.ws.1", best)));
    assert_eq!(parsed.rejects, []);
    assert_eq!(
        parsed.first("quotes"),
        "okx/BTC-USD-220527 2022-05-13 1652459223003000000 1652459225506608500 - 4.0 ||30210.4 4 30220.1 3"
    );
    assert_eq!(
        parsed.first("trades"),
        "okx/BTC-USD-220527 2022-05-13 1652459199958000000 1652459225507075800 - 6.0 1|7849|30218.8 1"
    );
    assert_eq!(
        parsed.first("deltas"),
        "okx/BTC-USD-220527 2022-05-13 1652459225464000000 1652459225708481000 - 8.0 0 1||30182.6 452"
    );
    assert_eq!(
        parsed.rows["deltas"].last().unwrap(),
        "okx/BTC-USDT 2022-05-13 1652459225393000000 1626992741500000000 77 12.0 1 -1||30238.8 2"
    );
    assert_eq!(
        parsed.rows["quotes"].last().unwrap(),
        "okx/BTC-USDT 2022-05-13 1652459225394000000 1626992741500000000 78 13.0 ||- - 3 2"
    );
}

#[test]
fn levels_of_bitmex_are_orders_by_id() {
    let parsed = rows(BITMEX_TEXT);
    assert_eq!(
        parsed.rows["orders"][..4],
        [
            "bitmex/SOLUSDT 2021-07-22 - 1626993370431699000 - 10.0 1 -1|54899972480|27.52 991",
            "bitmex/UNIUSDT 2021-07-22 - 1626993370431718800 - 11.0 8 -1|51999982703|- 123",
            "bitmex/UNIUSDT 2021-07-22 - 1626993370431732000 - 12.0 1 -1|51999982652|17.348 30",
            "bitmex/BCHUSD 2021-07-22 - 1626993370431747000 - 13.0 3 1|40199991245|",
        ]
    );
    assert_eq!(
        parsed.first("quotes"),
        "bitmex/XRPU21 2021-07-22 1626993353978000000 1626993370032770200 - 5.0 ||0.00001814 15 0.00001819 1703"
    );
    assert_eq!(
        parsed.rows["trades"].last().unwrap(),
        "bitmex/UNIUSDT 2021-07-22 1626993370014000000 1626993370146107000 - 9.0 1|39744121-c20e-44ba-8cc8-a6b8cdf72885|17.297 52"
    );
}

#[test]
fn a_capture_of_an_unknown_venue_is_refused_by_name() {
    let text = FUTURES.replace("BINANCE_FUTURES", "NOWHERE");
    let error = parse("x", text.as_bytes(), &SourceOptions::default(), &InputLimits::default()).unwrap_err();
    assert_eq!(error.exit_code(), 3);
    assert!(error.to_string().contains("NOWHERE"), "{error}");
}
