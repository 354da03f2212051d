//! JSON texts as tapes: simd-json and the pull reader give the same values, and no number loses a digit.

use hftcol::parse::tape::{Node, TapeReader};
use hftcol::parse::{Number, TimeFormat};
use proptest::prelude::*;

/// A value as text, with everything that the accessors say of it.
fn dump(node: Node<'_>) -> String {
    if node.is_array() {
        return format!("[{}]", node.items().map(dump).collect::<Vec<_>>().join(","));
    }
    if node.is_object() {
        let fields = node.fields(["a", "b", "c"]);
        return format!("{:?}", fields.map(|found| found.map(|value| value.map(dump))));
    }
    format!("{:?} {:?} {:?} {:?} {:?}", node.text(), node.scalar(), node.flag(), node.whole(), node.decimal())
}

fn read(reader: &mut TapeReader, text: &str) -> Option<String> {
    reader.read(text.as_bytes(), dump).ok()
}

#[test]
fn fields_items_and_scalars() {
    let mut reader = TapeReader::new(false);
    let text = r#"{"b":[["1.50","2"],[7]],"a":"x\ny","n":null,"t":true,"u":18446744073709551615,"c":{"a":{}}}"#;
    let seen = reader.read(text.as_bytes(), |root| {
        let [a, b, n, t, u, missing] = root.fields(["a", "b", "n", "t", "u", "z"]).unwrap();
        assert_eq!(a.unwrap().text().unwrap().as_ref(), b"x\ny");
        assert!(a.unwrap().is("x\ny"));
        assert_eq!(b.unwrap().items().count(), 2);
        let [first] = b.unwrap().array().unwrap();
        let [price, qty]: [Node<'_>; 2] = first.array().unwrap();
        assert_eq!(format!("{:?}", price.decimal()), "Ok(Value(Decimal { mantissa: 15, scale: 1 }))");
        assert_eq!(qty.whole(), Some(2));
        assert!(first.array::<3>().is_none() && first.fields(["a"]).is_none());
        assert!(n.is_none() && missing.is_none());
        assert_eq!(t.unwrap().flag(), Some(true));
        assert_eq!(u.unwrap().whole(), Some(u64::MAX));
        assert!(u.unwrap().decimal().is_err(), "20 digits");
        b.unwrap().items().nth(1).unwrap().array::<1>().unwrap()[0].epoch(TimeFormat::Seconds)
    });
    assert_eq!(seen, Ok(Ok(7_000_000_000)));
    assert_eq!((reader.share.simd, reader.share.exact), (1, 0));
    let twice =
        reader.read(br#"{"a":1,"b":2,"a":3}"#, |root| (root.fields(["a"]).is_none(), root.fields(["b"]).is_some()));
    assert_eq!(twice, Ok((true, true)));
}

#[test]
fn a_number_keeps_its_digits() {
    let mut reader = TapeReader::new(false);
    for (text, mantissa, scale) in [
        ("0.1", 1, 1),
        ("1.7023900800", 170_239_008, 8),
        ("9007199254740993", 9_007_199_254_740_993, 0),
        ("123456789012345.678", 123_456_789_012_345_678, 3),
        ("1e-8", 1, 8),
        ("-0.5", -5, 1),
        ("-12", -12, 0),
    ] {
        let number = reader.read(text.as_bytes(), |node| node.decimal()).unwrap();
        let Ok(Number::Value(value)) = number else { panic!("{text}: {number:?}") };
        assert_eq!((value.mantissa, value.scale), (mantissa, scale), "{text}");
    }
    assert_eq!(
        (reader.share.simd, reader.share.exact),
        (2, 5),
        "integers come from simd-json, the others from the digits"
    );
    let time = reader.read(b"1626992741.0621700001", |node| node.epoch(TimeFormat::Seconds));
    assert_eq!(time, Ok(Ok(1_626_992_741_062_170_000)));
}

#[test]
fn depth_is_limited_for_both_readers_alike() {
    for exact in [false, true] {
        let mut reader = TapeReader::new(exact);
        for (depth, taken) in [(1, true), (63, true), (64, true), (65, false), (100_000, false)] {
            let text = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
            assert_eq!(read(&mut reader, &text).is_some(), taken, "{depth} with exact {exact}");
        }
        let fault = reader.read(b"[1,2,,3]", dump).unwrap_err();
        assert_eq!(fault.at, 5, "the fault has a place");
        assert_eq!(
            read(&mut reader, "[1,2]"),
            read(&mut TapeReader::new(!exact), "[1,2]"),
            "a fault leaves nothing behind"
        );
    }
}

#[test]
fn values_are_limited_and_long_texts_are_read_exactly() {
    let list = |count: usize| format!("[{}]", vec!["7"; count].join(","));
    let mut reader = TapeReader::new(false);
    let count = |node: Node<'_>| node.items().count();
    let most = hftcol::limits::JSON_VALUES - 1;
    assert_eq!(reader.read(list(most).as_bytes(), count), Ok(most));
    let fault = reader.read(list(most + 1).as_bytes(), count).unwrap_err();
    assert_eq!(fault.expected, "at most 1,048,576 values (4,096 a MiB of --memory)");
    let mut small = TapeReader::new(false).with_most(1_000);
    assert_eq!(small.read(list(999).as_bytes(), count), Ok(999));
    assert!(small.read(list(1_000).as_bytes(), count).is_err());
    assert_eq!((small.share.simd, small.share.exact), (0, 2));
    assert_eq!(reader.read(list(500_000).as_bytes(), count), Ok(500_000));
    assert_eq!((reader.share.simd, reader.share.exact), (1, 2));
}

fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|b| b.to_string()),
        any::<u64>().prop_map(|n| n.to_string()),
        any::<i64>().prop_map(|n| n.to_string()),
        // simd-json has no integer -0: it says 0.
        "-?(0|[1-9][0-9]{0,6})(\\.[0-9]{1,8})?(e-?[0-9])?".prop_filter("-0", |number| number != "-0"),
        "[ -~]{0,12}".prop_map(|text| serde_json::to_string(&text).unwrap()),
        "\\PC{0,6}".prop_map(|text| serde_json::to_string(&text).unwrap()),
    ];
    leaf.prop_recursive(4, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(|items| format!("[{}]", items.join(" , "))),
            prop::collection::btree_map("[abcd]{1,2}", inner, 0..5).prop_map(|map| {
                let members: Vec<_> = map.iter().map(|(key, value)| format!("\"{key}\": {value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn both_readers_give_the_same(texts in prop::collection::vec(value(), 1..6)) {
        let (mut simd, mut exact) = (TapeReader::new(false), TapeReader::new(true));
        for text in &texts {
            let (a, b) = (read(&mut simd, text), read(&mut exact, text));
            prop_assert!(a.is_some(), "{}", text);
            prop_assert_eq!(a, b);
        }
    }

    #[test]
    fn both_readers_refuse_the_same(text in value(), at in any::<prop::sample::Index>(), byte in "[\\[\\]{},:\"0-9ntf.e\\\\ -]") {
        // One byte of a sound text replaced, and the text cut there.
        let at = at.index(text.len().max(1));
        if text.is_char_boundary(at) && text.is_char_boundary(at + 1) && at < text.len() {
            let changed = format!("{}{}{}", &text[..at], byte, &text[at + 1..]);
            for text in [&changed[..], &text[..at]] {
                let sound = serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
                prop_assert_eq!(read(&mut TapeReader::new(false), text).is_some(), sound, "{}", text);
                prop_assert_eq!(read(&mut TapeReader::new(true), text).is_some(), sound, "{}", text);
            }
        }
    }
}
