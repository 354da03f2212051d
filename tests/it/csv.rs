//! Fields of delimited records: the fast path, the general path and the twin.

use hftcol::parse::csv::{Record, Splitter, detect_delimiter};
use proptest::prelude::*;

use crate::oracle::parse as twin;

type Fields = Vec<Vec<u8>>;

fn collect(run: impl FnOnce(&mut dyn FnMut(Record<'_>))) -> Vec<(usize, Vec<u8>, Option<Fields>)> {
    let mut records = Vec::new();
    run(&mut |record| {
        assert_eq!(record.index as usize, records.len());
        let fields = record.fields.map(|f| (0..f.len()).map(|i| f.get(i).to_vec()).collect());
        records.push((record.offset, record.raw.to_vec(), fields));
    });
    records
}

#[test]
fn quotes_are_taken_off() {
    let mut splitter = Splitter::new(b',', false);
    let records = collect(|each| splitter.split(b"\"a\",\"b\"\"c\",,\"d,e\"\r\nx,y\n\"open,1\nz,\"w\"", each));
    let fields: Vec<_> = records.into_iter().map(|r| r.2).collect();
    let bytes = |words: &[&str]| Some(words.iter().map(|w| w.as_bytes().to_vec()).collect::<Vec<_>>());
    assert_eq!(fields, [bytes(&["a", "b\"c", "", "d,e"]), bytes(&["x", "y"]), None, bytes(&["z", "w"])]);
    assert_eq!((splitter.share.fast, splitter.share.general), (0, 4));
}

#[test]
fn quoted_newlines_only_where_they_are_allowed() {
    let text = b"\"a\nb\",1\nc,2\n";
    let mut allowed = Splitter::new(b',', true);
    assert_eq!(collect(|each| allowed.split(text, each)).len(), 2);
    let mut lines = Splitter::new(b',', false);
    let records = collect(|each| lines.split(text, each));
    assert_eq!(records.len(), 3);
    assert!(records[0].2.is_none());
}

#[test]
fn the_fast_path_crosses_its_blocks() {
    let long = "9".repeat(40_000);
    let text = format!("{}{long},1\n{}", "1,2,3\n".repeat(5_000), "4,5\r\n".repeat(5_000));
    let mut splitter = Splitter::new(b',', false);
    let records = collect(|each| splitter.split(text.as_bytes(), each));
    assert_eq!(records.len(), 10_001);
    assert_eq!(records[5_000].1.len(), 40_002);
    assert_eq!(splitter.share.fast, 10_001);
    let fields: Vec<_> = records.into_iter().map(|r| r.2.unwrap()).collect();
    assert_eq!(fields, twin::plain_records(text.as_bytes(), b','));
}

#[test]
fn delimiters_are_counted() {
    for (line, delimiter) in [("a,b,c", b','), ("a;b;c,d", b';'), ("a\tb", b'\t'), ("a|b|c", b'|'), ("a", b',')] {
        assert_eq!(detect_delimiter(line.as_bytes()), delimiter, "{line}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn unquoted_text_is_split_alike_by_all_three(
        text in proptest::collection::vec(prop_oneof![
            4 => b'0'..=b'9', 2 => Just(b','), 1 => Just(b'\n'), 1 => Just(b'\r'), 1 => any::<u8>()], 0..400),
    ) {
        let text: Vec<u8> = text.into_iter().filter(|b| *b != b'"').collect();
        let mut splitter = Splitter::new(b',', false);
        let fast = collect(|each| splitter.split_fast(&text, each));
        let general = collect(|each| splitter.split_general(&text, each));
        prop_assert_eq!(&fast, &general);
        let fields: Vec<_> = fast.into_iter().map(|r| r.2.unwrap()).collect();
        prop_assert_eq!(fields, twin::plain_records(&text, b','));
    }

    #[test]
    fn a_quoted_copy_has_the_same_fields(rows in proptest::collection::vec(
        proptest::collection::vec("[ -~]{0,6}", 1..5), 1..8)) {
        let quoted: String = rows
            .iter()
            .map(|row| row.iter().map(|f| format!("\"{}\"", f.replace('"', "\"\""))).collect::<Vec<_>>().join(",") + "\n")
            .collect();
        let mut splitter = Splitter::new(b',', false);
        let found: Vec<_> = collect(|each| splitter.split(quoted.as_bytes(), each)).into_iter().map(|r| r.2.unwrap()).collect();
        let expected: Vec<Fields> = rows.iter().map(|row| row.iter().map(|f| f.clone().into_bytes()).collect()).collect();
        prop_assert_eq!(found, expected);
    }
}
