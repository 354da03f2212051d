//! The JSON reader against serde_json: the same texts are taken, the same values come out.

use hftcol::parse::json::{Reader, Value};
use proptest::prelude::*;
use serde::de::IgnoredAny;

/// True if the reader takes all of the text as one value.
fn takes(text: &[u8]) -> bool {
    let mut reader = Reader::new(text);
    reader.value().and_then(|value| reader.skip(value)).and_then(|()| reader.end()).is_ok()
}

/// The value rebuilt through the pull interface; the depth here is the test's.
fn rebuild(reader: &mut Reader<'_>, value: Value<'_>) -> serde_json::Value {
    let mut first = true;
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(b) => b.into(),
        Value::Number(text) => serde_json::from_slice(text).unwrap(),
        Value::Text(text) => String::from_utf8(text.bytes().into_owned()).unwrap().into(),
        Value::Array => {
            let mut items = Vec::new();
            while reader.element(&mut first).unwrap() {
                let value = reader.value().unwrap();
                items.push(rebuild(reader, value));
            }
            items.into()
        }
        Value::Object => {
            let mut map = serde_json::Map::new();
            while let Some(key) = reader.key(&mut first).unwrap() {
                let value = reader.value().unwrap();
                let value = rebuild(reader, value);
                map.insert(String::from_utf8(key.bytes().into_owned()).unwrap(), value);
            }
            map.into()
        }
    }
}

#[test]
fn what_is_no_json_is_refused() {
    for text in [
        "",
        " ",
        "{",
        "[1,]",
        "[,1]",
        "{\"a\":1,}",
        "{\"a\"}",
        "{a:1}",
        "01",
        "1.",
        ".5",
        "+1",
        "-",
        "1e",
        "1e+",
        "nul",
        "tru",
        "\"a",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"\u{1}\"",
        "[1 2]",
        "{\"a\":1 \"b\":2}",
        "1 2",
        "]",
        "}",
        "NaN",
        "Infinity",
        "'a'",
    ] {
        assert!(!takes(text.as_bytes()), "{text}");
        assert!(serde_json::from_str::<IgnoredAny>(text).is_err(), "{text}");
    }
}

#[test]
fn depth_has_a_limit_and_no_stack() {
    let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    assert!(takes(nested(64).as_bytes()));
    assert!(!takes(nested(65).as_bytes()));
    assert!(!takes(&vec![b'['; 1_000_000]));
    assert!(!takes("{\"a\":".repeat(1_000_000).as_bytes()));
}

#[test]
fn escapes_are_resolved() {
    for (text, expected) in [
        (r#""BTC\/USDT""#, "BTC/USDT"),
        (r#""\"\\\b\f\n\r\t""#, "\"\\\u{8}\u{c}\n\r\t"),
        (r#""\u00e9\ud83d\ude00""#, "\u{e9}\u{1f600}"),
        (r#""\ud83d\ud83d""#, "\u{fffd}\u{fffd}"),
        (r#""\ude00x""#, "\u{fffd}x"),
    ] {
        let Value::Text(found) = Reader::new(text.as_bytes()).value().unwrap() else { panic!("{text}") };
        assert_eq!(found.bytes(), expected.as_bytes(), "{text}");
    }
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        // Few digits: serde_json's own reader of floats is not exact.
        any::<i32>().prop_map(|n| (f64::from(n) / 64.0).into()),
        "\\PC{0,8}".prop_map(Into::into),
        "[\\x00-\\x7f]{0,4}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            proptest::collection::hash_map("[a-z\"\\\\]{0,4}", inner, 0..4)
                .prop_map(|m| serde_json::Value::Object(m.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn values_come_out_as_they_went_in(value in json(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let mut reader = Reader::new(text.as_bytes());
        let first = reader.value().unwrap();
        prop_assert_eq!(rebuild(&mut reader, first), value);
        prop_assert!(reader.end().is_ok());
        prop_assert!(takes(text.as_bytes()));
    }

    #[test]
    fn damaged_text_is_judged_as_serde_does(value in json(), at in any::<prop::sample::Index>(), with in "[ -~]{0,2}") {
        let text: Vec<char> = value.to_string().chars().collect();
        let at = at.index(text.len());
        let damaged: String = text[..at].iter().copied().chain(with.chars()).chain(text[at + 1..].iter().copied()).collect();
        prop_assert_eq!(takes(damaged.as_bytes()), serde_json::from_str::<IgnoredAny>(&damaged).is_ok(), "{}", damaged);
    }
}
