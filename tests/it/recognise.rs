//! `auto` is never wrong: each sample under any name, with and without its header, is its own dialect or refused.

use std::path::Path;

use hftcol::vendor::{DIALECTS, Probe, Selection, SourceOptions, select};

/// The samples: dialect, text.
const SAMPLES: [(&str, &str); 28] = [
    ("tardis", include_str!("../data/tardis/binance-futures_trades_2024-07-18_BTCUSDT.csv")),
    ("tardis", include_str!("../data/tardis/binance-futures_quotes_2024-07-18_BTCUSDT.csv")),
    ("tardis", include_str!("../data/tardis/binance-futures_book_snapshot_25_2024-07-18_BTCUSDT.csv")),
    ("tardis", include_str!("../data/tardis/binance-futures_incremental_book_L2_2024-07-18_BTCUSDT.csv")),
    ("ccxt", include_str!("../data/ccxt/binance_BTC-USDT_2024-08-08_orderbook.ndjson")),
    ("ccxt", include_str!("../data/ccxt/binance_BTC-USDT_2024-08-08_trades.ndjson")),
    ("binance", include_str!("../data/feeds/binance_spot.txt")),
    ("binance", include_str!("../data/feeds/binance_usdm.txt")),
    ("binance", include_str!("../data/feeds/binance_cm.txt")),
    ("coinbase", include_str!("../data/feeds/coinbase_match.csv")),
    ("coinbase", include_str!("../data/feeds/coinbase_export.csv")),
    ("hyperliquid", include_str!("../data/feeds/hyperliquid.txt")),
    ("cryptofeed", include_str!("../data/feeds/cryptofeed_kraken.jsonl")),
    ("cryptofeed", include_str!("../data/feeds/cryptofeed_binance_futures.jsonl")),
    ("cryptofeed", include_str!("../data/feeds/cryptofeed_deribit.jsonl")),
    ("cryptofeed", include_str!("../data/feeds/cryptofeed_bitmex.txt")),
    ("cryptofeed", include_str!("../data/feeds/cryptofeed_coinbase.txt")),
    ("lobster", include_str!("../data/lobster/XYZ_2012-06-21_34200000_57600000_message_2.csv")),
    ("ohlcv", "timestamp,open,high,low,close,volume\n2024-01-02 09:30:00,1,4,0.5,2,9\n2024-01-02 09:31:00,2,2,2,2,0\n"),
    ("orders-trades", ORDERS),
    ("orders-trades", TRADES),
    ("china-l2", CHINA),
    ("china-l2", "SecurityID,Market,TradeTime,TradePrice,TradeQty\n600000,XSHG,2020.01.02T09:30:00.000,12.48,2000\n"),
    ("bitflyer", BITFLYER),
    ("bitstamp-l3", BITSTAMP),
    ("databento", DATABENTO),
    ("databento", DATABENTO_BARS),
    ("databento", DATABENTO_JSON),
];

// Made up in the vendors' layouts.
const ORDERS: &str = "order_id,exchange,timestamp,security_code,price,side,changereason,quantity,leavesquantity,sequence\n\
    7904794000124347569,3,1725494536062260441,110621,3340,1,6,1000,1000,118312\n";
const TRADES: &str = "EXCHANGE,sequence,tradetime,securitycode,orderid,matchgroupid,tradeprice,quantity,side,passiveaggressive\n\
    3,900,1725494536062260441,110621,7904794000124347569,55,3345,600,1,1\n";
const CHINA: &str = "MDDate,MDTime,OrderType,OrderPrice,OrderQty,OrderBSFlag,ApplSeqNum,OrderNO,SecurityID\n\
    2023.07.11,09:15:00.280,2,15.929999999999999,300,2,186445,1329,605580.SH\n";
const BITFLYER: &str = "\"domain\",\"product_code\",\"loaded\",\"id\",\"exec_date\",\"side\",\"price\",\"size\"\n\
    \"b\",\"BTC_JPY\",\"2018-01-27T00:28:41.074+09:00\",\"48\",\"2018-01-27T00:28:36.593+09:00\",\"BUY\",\"1153250.0\",\"0.015\"\n";
const BITSTAMP: &str = "id,timestamp,exchange.timestamp,price,volume,action,direction\n\
    65595247,1430438404518,1430438404000,236.47,200000000,created,bid\n";
const DATABENTO: &str = "ts_recv,ts_event,rtype,publisher_id,instrument_id,action,side,depth,price,size,flags,ts_in_delta,sequence\n\
    1609160400006001487,1609160400006000000,0,1,5482,T,B,0,3720250000000,5,129,19251,1170380\n";
const DATABENTO_BARS: &str = "ts_event,rtype,publisher_id,instrument_id,open,high,low,close,volume\n\
    1609160400000000000,32,1,5482,372025000000000,372050000000000,372025000000000,372050000000000,57\n";
const DATABENTO_JSON: &str = "{\"hd\":{\"ts_event\":\"1\",\"rtype\":0,\"publisher_id\":1,\"instrument_id\":5},\"action\":\"T\",\"side\":\"A\",\"price\":\"1\",\"size\":1}\n\
    {\"hd\":{\"ts_event\":\"2\",\"rtype\":0,\"publisher_id\":1,\"instrument_id\":5},\"action\":\"T\",\"side\":\"A\",\"price\":\"1\",\"size\":1}\n";

/// The dialect that `auto` takes, or nothing if it refuses.
fn dialect_of(name: &str, text: &str) -> Option<&'static str> {
    let date = hftcol::units::Date::parse("2024-07-18");
    let options = SourceOptions { security: Some("S".to_owned()), date, ..SourceOptions::default() };
    let probe = Probe { path: Path::new(name), head: text.as_bytes(), siblings: &[] };
    match select("auto", &probe, &options) {
        Ok(Selection::Source(selected)) => Some(selected.dialect.name()),
        Ok(Selection::ReadWith(_)) => panic!("no partner was given"),
        Err(error) => {
            assert!(matches!(error.exit_code(), 2 | 3), "{name}: {error}");
            None
        }
    }
}

#[test]
fn a_name_never_changes_the_dialect() {
    for (dialect, text) in SAMPLES {
        for name in
            ["x", "-", "data.json", "trades.csv", "AAPL_2012-06-21_34200000_57600000_orderbook_5.csv", "mixed.ndjson"]
        {
            let found = dialect_of(name, text);
            assert!(found.is_none_or(|f| f == dialect), "{dialect} under {name} is taken for {found:?}");
        }
        assert_eq!(dialect_of("x", text), Some(dialect));
    }
}

#[test]
fn a_copy_without_its_header_is_recognised_or_refused() {
    for (dialect, text) in SAMPLES {
        let (_, rest) = text.split_once('\n').unwrap();
        let found = dialect_of("x", rest);
        assert!(found.is_none_or(|f| f == dialect), "{dialect} without its first line is taken for {found:?}");
    }
}

#[test]
fn cut_heads_and_other_delimiters_are_recognised_or_refused() {
    for (dialect, text) in SAMPLES {
        for cut in [1, 10, 100, 500, 1_000].into_iter().filter(|c| *c < text.len()) {
            let found = dialect_of("x", &text[..cut]);
            assert!(found.is_none_or(|f| f == dialect), "{dialect} cut at {cut} is taken for {found:?}");
        }
        for delimiter in [";", "\t", "|", " "] {
            let found = dialect_of("x", &text.replace(',', delimiter));
            assert!(found.is_none_or(|f| f == dialect), "{dialect} with `{delimiter}` is taken for {found:?}");
        }
    }
}

#[test]
fn a_mixture_of_two_kinds_is_not_taken_for_one() {
    for (a, text) in SAMPLES {
        for (b, other) in SAMPLES.into_iter().filter(|(b, _)| *b != a) {
            let mixed = format!("{}\n{}\n", text.lines().next().unwrap(), other.lines().nth(1).unwrap());
            if let Some(found) = dialect_of("x", &mixed) {
                assert!(found == a, "a line of {a} before one of {b} is taken for {found}");
            }
        }
    }
}

#[test]
fn every_dialect_has_a_name_of_its_own() {
    let names: std::collections::BTreeSet<_> = DIALECTS.iter().map(|d| d.name()).collect();
    assert_eq!(names.len(), DIALECTS.len());
}
