//! ccxt NDJSON: bare objects, wrappers, lists, strings and numbers.

use hftcol::input::InputLimits;
use hftcol::vendor::SourceOptions;
use proptest::prelude::*;

use crate::sources::{Parsed, choose, parse, read};

fn rows(text: &str) -> Parsed {
    let options = SourceOptions::default();
    let selected = choose("ccxt", "x.ndjson", text.as_bytes(), &options).unwrap();
    let limits = InputLimits::default();
    let source = crate::sources::open("x.ndjson", text.as_bytes(), &limits).unwrap();
    read(source, &selected, &limits).unwrap().0
}

const BOOK: &str = r#"{"symbol": "BTC/USDT", "bids": [[61837.63, 3.78826], [61837.62, 0.617]], "asks": [[61837.64, 1.5]], "timestamp": 1723161254206, "datetime": "2024-08-08T23:54:14.206Z", "nonce": null}"#;
const TRADE: &str = r#"{"id": "3735683259", "order": null, "info": {"a":[{}]}, "timestamp": 1723161255342, "symbol": "BTC/USDT", "type": null, "takerOrMaker": null, "side": "sell", "price": 61837.63, "amount": 0.02, "cost": 1236.7526, "fee": null, "fees": []}"#;

#[test]
fn bare_objects_are_books_or_trades() {
    let parsed = rows(&format!("{BOOK}\n{TRADE}\n"));
    assert_eq!(
        parsed.first("book"),
        "unknown/BTC/USDT 2024-08-08 1723161254206000000 - - 0.0 ||61837.63 3.78826 61837.64 1.5 61837.62 0.617"
    );
    assert_eq!(
        parsed.first("trades"),
        "unknown/BTC/USDT 2024-08-08 1723161255342000000 - - 1.0 -1|3735683259|61837.63 0.02"
    );
    assert_eq!(parsed.notes["records without a venue, stored as `unknown`; --venue names it"], 2);
}

#[test]
fn wrappers_name_the_venue_and_the_capture_time() {
    let text = concat!(
        r#"{"type":"orderbook","exchange":"kraken","symbol":"BTC\/USD","collected_at":1723161254300,"data":{"bids":[["1.10","2"]],"asks":[{"price":1.2,"size":"3"}],"timestamp":1723161254206,"datetime":null,"nonce":77}}"#,
        "\n",
        r#"{"type":"trade","exchange":"kraken","symbol":"BTC/USD","collected_at":1723161254300,"data":{"ts":1723161254207,"side":"buy","amount":2,"price":1e2}}"#,
        "\n",
        r#"{"type":"trades","data":[{"price":1,"amount":1,"side":"sell"},{"price":2,"amount":1,"side":"?"}],"collected_at":1723161254300.5,"symbol":"S","exchange":"e"}"#,
        "\n",
        r#"{"type":"ticker","exchange":"kraken","symbol":"BTC/USD","collected_at":1723161254300,"data":{"last":1}}"#,
        "\n\n",
    );
    let parsed = rows(text);
    assert_eq!(
        parsed.first("book"),
        "kraken/BTC/USD 2024-08-08 1723161254206000000 1723161254300000000 77 0.0 ||1.1 2 1.2 3"
    );
    assert_eq!(
        parsed.rows["trades"],
        [
            "kraken/BTC/USD 2024-08-08 1723161254207000000 1723161254300000000 - 1.0 1||100 2",
            "e/S 2024-08-08 1723161254300500000 1723161254300500000 - 2.0 -1||1 1",
            "e/S 2024-08-08 1723161254300500000 1723161254300500000 - 2.1 0||2 1",
        ]
    );
    assert_eq!(parsed.skipped["message of another type"], 1);
    assert_eq!(parsed.skipped["blank line"], 1);
}

#[test]
fn the_unit_of_ts_is_told_by_its_size() {
    let text = concat!(
        r#"{"type":"orderbook","ts":1756717200000002000,"symbol":"S0","bids":[[22.03,0.5]],"asks":[[22.04,1]]}"#,
        "\n",
        r#"{"type":"trade","ts":1756717200000003000,"symbol":"S0","side":"buy","price":22.04,"amount":0.1,"id":"0"}"#,
        "\n",
        r#"{"type":"trade","ts":1756717200000,"symbol":"S0","side":"buy","price":22.04,"amount":0.1,"id":"0"}"#,
    );
    let parsed = parse("x", text.as_bytes(), &SourceOptions::default(), &InputLimits::default());
    // Two units in the first records: refused, not guessed.
    assert_eq!(parsed.unwrap_err().exit_code(), 3);
    let first = text.lines().next().unwrap();
    assert!(rows(first).first("book").contains(" 1756717200000002000 "));
    // Further down it is a reject, not a time in 1970.
    let late = format!("{first}\n").repeat(70) + text.lines().last().unwrap();
    let parsed = rows(&late);
    assert_eq!((parsed.count("book"), parsed.count("trades"), parsed.rejects.len()), (70, 0, 1));
    assert!(parsed.rejects[0].reason.contains("a time in ns as in the first records"));
}

#[test]
fn bad_records_say_why() {
    let cases = [
        ("{", "closing bracket"),
        ("[]", "a JSON object"),
        (r#"{"symbol":"S","bids":[[1]],"asks":[],"timestamp":1723161254206}"#, "price and size in each level"),
        (r#"{"symbol":"S","bids":[[1,"x"]],"asks":[],"timestamp":1723161254206}"#, "a decimal number"),
        (r#"{"symbol":"S","bids":[[1,"inf"]],"asks":[],"timestamp":1723161254206}"#, "a finite number"),
        (r#"{"symbol":"S","bids":[],"asks":[]}"#, "a time"),
        (r#"{"symbol":"S","bids":[],"bids":[],"asks":[],"timestamp":1723161254206}"#, "each key once"),
        (r#"{"symbol":"S","price":1,"amount":null,"timestamp":1723161254206}"#, "a quantity"),
        (r#"{"price":1,"amount":1,"timestamp":1723161254206}"#, "--security"),
        (r#"{"symbol":"S","price":1,"amount":1,"timestamp":1723161254206} x"#, "nothing behind"),
        (r#"{"symbol":"S","type":"trade","timestamp":1723161254206}"#, "a price"),
        (r#"{"symbol":"S","type":"book","price":1,"amount":1,"timestamp":1723161254206}"#, "bids and asks"),
    ];
    for (bad, reason) in cases {
        let parsed = rows(&format!("{TRADE}\n{bad}\n{TRADE}\n"));
        assert_eq!(parsed.count("trades"), 2, "{bad}");
        let [reject] = &parsed.rejects[..] else { panic!("{bad}: {:?}", parsed.rejects) };
        assert_eq!(reject.byte_offset as usize, TRADE.len() + 1);
        assert!(reject.reason.contains(reason), "{bad}: {}", reject.reason);
    }
}

#[test]
fn levels_beyond_the_limit_are_cut_and_counted() {
    let options = SourceOptions { levels: 1, ..SourceOptions::default() };
    let parsed = parse("x", BOOK.as_bytes(), &options, &InputLimits::default()).unwrap();
    assert!(parsed.first("book").ends_with("||61837.63 3.78826 61837.64 1.5"));
    assert_eq!(parsed.notes["levels beyond --levels, left out"], 1);
}

#[test]
fn raw_captures_of_others_are_not_ccxt() {
    for text in [
        r#"{"topic":"orderbook.500.XRPUSDT","type":"snapshot","ts":1723161254206,"data":{"s":"XRPUSDT","b":[],"a":[]}}"#,
        r#"{"arg":{"channel":"books"},"data":[{"asks":[["1","2","0","1"]],"bids":[["1","2","0","1"]],"ts":"1723161254206"}]}"#,
        r#"{"lastUpdateId":1,"bids":[["1","2"]],"asks":[["1","2"]]}"#,
        r#"{"type":"snapshot","product_id":"BTC-USD","asks":[["1","2"]],"bids":[["1","2"]]}"#,
        r#"[{"symbol":"S"}]"#,
        "{}",
    ] {
        match choose("auto", "x.json", text.as_bytes(), &SourceOptions::default()) {
            Ok(selected) => assert_ne!(selected.dialect.name(), "ccxt", "{text}"),
            Err(error) => assert_eq!(error.exit_code(), 3, "{text}"),
        }
    }
}

/// Records of a few shapes, with values of every kind, some of them damaged at one byte.
fn records() -> impl Strategy<Value = Vec<String>> {
    let number =
        prop_oneof!["[1-9][0-9]{0,3}(\\.[0-9]{1,4})?", "0\\.[0-9]{1,3}", "\"[0-9.]{1,5}\"", "-?[0-9]{1,2}e[0-9]"];
    let level = (number.clone(), number.clone()).prop_map(|(price, size)| format!("[{price},{size}]"));
    let side = || proptest::collection::vec(level.clone(), 0..4).prop_map(|levels| levels.join(","));
    let text = "[A-C/]{1,3}|\\\\u0041|";
    let record = (0..5_usize, 0..1000_u64, text, side(), side(), (number.clone(), number)).prop_map(
        |(shape, ms, name, bids, asks, (price, amount))| {
            let time = 1_723_161_254_000 + ms;
            match shape {
                0 => format!(r#"{{"type":"orderbook","ts":{time},"symbol":"{name}","bids":[{bids}],"asks":[{asks}]}}"#),
                1 => format!(
                    r#"{{"type":"trade","ts":{time},"symbol":"{name}","side":"sell","price":{price},"amount":{amount},"id":"{ms}"}}"#
                ),
                2 => format!(
                    r#"{{"type":"orderbook","symbol":"{name}","data":{{"symbol":"X","note":"{name}","n":{price},"bids":[{bids}],"asks":[{asks}],"timestamp":{time}}}}}"#
                ),
                3 => format!(
                    r#"{{"type":"trades","data":[{{"price":{price},"amount":{amount}}}],"collected_at":{time},"symbol":"{name}"}}"#
                ),
                _ => format!(r#"{{"symbol":"{name}","timestamp":{time},"price":{price},"amount":{amount}}}"#),
            }
        },
    );
    let damaged = (record, prop::option::weighted(0.2, (any::<prop::sample::Index>(), any::<u8>()))).prop_map(
        |(record, damage)| {
            let mut bytes = record.into_bytes();
            if let Some((at, byte)) = damage {
                let at = at.index(bytes.len());
                bytes[at] = if byte < 32 { b'"' } else { byte & 0x7F };
            }
            String::from_utf8(bytes).unwrap().replace('\n', " ")
        },
    );
    proptest::collection::vec(damaged, 1..30)
}

proptest! {
    /// What a chunk has taught makes no difference: each record reads as it does alone.
    #[test]
    fn a_record_reads_the_same_whatever_stood_before_it(records in records()) {
        let limits = InputLimits::default();
        let selected = choose("ccxt", "x.ndjson", format!("{BOOK}\n{TRADE}\n").as_bytes(), &SourceOptions::default()).unwrap();
        let parsed = |text: &str| {
            let source = crate::sources::open("x.ndjson", text.as_bytes(), &limits).unwrap();
            read(source, &selected, &limits).unwrap().0
        };
        let together = parsed(&(records.join("\n") + "\n"));
        // Blank lines in front: the record keeps its number.
        let alone = |(number, record): (usize, &String)| parsed(&format!("{}{record}\n", "\n".repeat(number)));
        let alone: Vec<Parsed> = records.iter().enumerate().map(alone).collect();
        for table in ["book", "trades"] {
            let one_by_one: Vec<&String> = alone.iter().filter_map(|p| p.rows.get(table)).flatten().collect();
            prop_assert_eq!(together.rows.get(table).map_or(vec![], |rows| rows.iter().collect()), one_by_one);
        }
        let reasons: Vec<&String> = alone.iter().flat_map(|p| &p.rejects).map(|reject| &reject.reason).collect();
        prop_assert_eq!(together.rejects.iter().map(|reject| &reject.reason).collect::<Vec<_>>(), reasons);
        prop_assert_eq!(together.stored, alone.iter().map(|p| p.stored).sum::<u64>());
    }
}
