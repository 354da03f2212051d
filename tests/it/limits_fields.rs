//! `--max-field`: fields just below and just above it, in every form of record, wherever chunks are cut.

use std::sync::Arc;

use hftcol::input::InputLimits;
use hftcol::vendor::SourceOptions;

use crate::cli::hftcol;
use crate::import::{World, trades};
use crate::sources::{Parsed, choose, chunked, open, read};

/// Parses with a limit, cut into chunks of all sizes: all must say the same.
fn parsed(format: &str, text: &str, options: &SourceOptions, most: usize) -> Parsed {
    let options = SourceOptions { field_bytes: most, ..options.clone() };
    let selected = choose(format, "x", text.as_bytes(), &options).unwrap();
    let with = |limits: InputLimits| read(open("x", text.as_bytes(), &limits).unwrap(), &selected, &limits).unwrap().0;
    let whole = with(InputLimits::default());
    for chunk in [1, 33, 64, 100, 150, 300, 1_000] {
        assert_eq!(with(chunked(chunk)), whole, "chunks of {chunk}");
    }
    whole
}

fn reasons(parsed: &Parsed) -> Vec<(u64, &str, &str)> {
    parsed.rejects.iter().map(|r| (r.line, r.column.as_str(), r.reason.as_str())).collect()
}

#[test]
fn a_cell_at_the_limit_is_taken_and_one_beyond_is_a_reject_that_names_it() {
    let row = |id: &str| format!("b,S,1582329602111000,1582329602418379,{id},buy,1.50,1\n");
    let header = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n";
    let text = [header, &row("1"), &row(&"2".repeat(20)), &row(&"3".repeat(21)), &row("\"4\""), &row(&"5".repeat(99))];
    let text = text.concat();
    let plain = SourceOptions::default();
    assert_eq!(parsed("auto", &text, &plain, 99).rejects, []);
    let cut = parsed("auto", &text, &plain, 20);
    let said = "expected a field of at most 20 bytes, got 21; --max-field raises the limit";
    assert_eq!((cut.count("trades"), reasons(&cut)[0]), (3, (4, "id", said)));
    let last = &cut.rejects[1];
    assert_eq!((cut.rejects.len(), last.line, last.length), (2, 6, row("").len() as u64 - 1 + 99));
    assert!(text[last.byte_offset as usize..].starts_with("b,S,") && last.head.len() as u64 == last.length);
}

#[test]
fn texts_and_numbers_of_messages_are_fields() {
    let mapping = "table = \"trades\"\nlayout = \"json\"\n[columns]\nts_event = { column = \"t\", format = \"ms\" }\nprice = \"p\"\nqty = \"q\"\n";
    let mapped =
        SourceOptions { security: Some("S".to_owned()), mapping: Some(Arc::from(mapping)), ..SourceOptions::default() };
    let plain = SourceOptions::default();
    let json = r#"{"t":1723075200000,"p":1.5,"q":2,"x":{"note":"FILL"}}"#;
    let digits = r#"{"t":1723075200000,"p":1.5,"q":2,"size":[1,"a",1FILL]}"#;
    let event = r#"{"e": "aggTrade", "E": 1604221202529, "s": "ETHBTC", "a": 1, "p": "0.5", "q": "2.0", "f": 1, "l": 1, "T": 1604221202527, "m": false, "M": true, "z": "FILL"}"#;
    let list = format!("[{event},\n{event}]\n");
    let lines = format!("{event}\n");
    let ccxt = r#"{"type":"orderbook","exchange":"x","symbol":"A","timestamp":1723075200000,"bids":[[1,2]],"asks":[[3,4]],"note":"FILL"}"#;
    let ccxt = format!("{ccxt}\n{}\n", ccxt.replace("FILL", ""));
    for (format, text, options, key, extra) in [
        ("generic", json, &mapped, "note", 0),
        ("generic", digits, &mapped, "size", 1),
        ("binance", &lines, &plain, "z", 0),
        ("binance", &list, &plain, "z", 0),
        ("ccxt", &ccxt, &plain, "note", 0),
    ] {
        let filled = text.replace("FILL", &"7".repeat(40));
        let fits = parsed(format, &filled, options, 40 + extra);
        assert!(fits.rejects.is_empty() && fits.stored > 0, "{format}: {:?}", reasons(&fits));
        let cut = parsed(format, &filled, options, 39 + extra);
        assert_eq!(cut.rejects.len(), text.matches("FILL").count(), "{text}");
        assert!(reasons(&cut).iter().all(|r| r.1 == key && r.2.contains("--max-field")), "{:?}", reasons(&cut));
    }
}

#[test]
fn a_level_with_a_longer_field_takes_its_snapshot_with_it() {
    let mapping = "table = \"book\"\nlayout = \"long\"\n[columns]\nsecurity = \"s\"\n\
        ts_event = { column = \"t\", format = \"ns\" }\nside = \"side\"\nprice = \"p\"\nqty = \"q\"\n";
    let options = SourceOptions { mapping: Some(Arc::from(mapping)), ..SourceOptions::default() };
    for bad in 0..3 {
        let mut text = "s,t,side,p,q,note\n".to_owned();
        for (time, level) in (0..9).map(|n| (n / 3 + 1, n % 3)) {
            let note = "n".repeat(if time == 2 && level == bad { 41 } else { 40 });
            text += &format!("A,{time},bid,{},1,{note}\n", 9 - level);
        }
        let cut = parsed("generic", &text, &options, 40);
        assert_eq!((cut.count("book"), cut.stored), (2, 6));
        let lines: Vec<_> = cut.rejects.iter().map(|r| (r.line, r.column == "note")).collect();
        assert_eq!(lines, [5, 6, 7].map(|line| (line, line == 5 + bad)));
        assert!(cut.rejects[bad as usize].reason.contains("--max-field"));
        assert_eq!(parsed("generic", &text, &options, 41).count("book"), 3);
    }
}

/// A book in long form: three snapshots of three levels, of the second one level with a note of so many bytes.
fn long_book(level: usize, note: &str, behind: bool) -> String {
    let columns = if behind { "s,t,side,p,q,note\n" } else { "note,s,t,side,p,q\n" };
    let line = |(time, at): (usize, usize)| {
        let note = if time == 2 && at == level { note } else { "n" };
        let level = format!("A,{time},bid,{},1", 9 - at);
        if behind { format!("{level},{note}\n") } else { format!("{note},{level}\n") }
    };
    columns.to_owned() + &(0..9).map(|n| line((n / 3 + 1, n % 3))).collect::<String>()
}

#[test]
fn a_level_that_is_too_long_takes_its_snapshot_with_it() {
    let mapping = "table = \"book\"\nlayout = \"long\"\n[columns]\nsecurity = \"s\"\n\
        ts_event = { column = \"t\", format = \"ns\" }\nside = \"side\"\nprice = \"p\"\nqty = \"q\"\n";
    let options = SourceOptions { mapping: Some(Arc::from(mapping)), ..SourceOptions::default() };
    // Lines of the file that are rejected. Of a line whose first bytes do not say where it belongs, both neighbours go.
    let both = [2..=7, 5..=7, 5..=10];
    let cases = (0..3).flat_map(|level| [(level, true, 5..=7), (level, false, both[level].clone())]);
    for (level, behind, lines) in cases {
        for length in [101, 250, 5_000] {
            let text = long_book(level, &"n".repeat(length), behind);
            let selected = choose("generic", "x", text.as_bytes(), &options).unwrap();
            let with = |chunk_bytes| {
                let limits = InputLimits { chunk_bytes, line_bytes: 100, ..InputLimits::default() };
                read(open("x", text.as_bytes(), &limits).unwrap(), &selected, &limits).unwrap().0
            };
            let whole = with(1 << 20);
            assert_eq!(whole.rejects.iter().map(|r| r.line).collect::<Vec<_>>(), lines.clone().collect::<Vec<_>>());
            let too_long: Vec<u64> =
                whole.rejects.iter().filter(|r| r.reason.contains("a record of")).map(|r| r.line).collect();
            assert_eq!(too_long, [5 + level as u64]);
            assert_eq!(whole.count("book") * 3, 9 - whole.rejects.len());
            for chunk in [1, 7, 20, 50, 99, 100] {
                assert_eq!(with(chunk), whole, "chunks of {chunk}");
            }
        }
    }
}

#[test]
fn the_option_takes_a_size() {
    let world = World::new();
    let text =
        trades("X", &[(1, "1.5", "2"), (2, "1.5", "3")]).replace(",0,buy,", &format!(",{},buy,", "i".repeat(100)));
    let input = world.file("a.csv", text);
    for (size, code) in [("100", 0), ("99", 1), ("1KiB", 0), ("x", 2)] {
        let store = world.dir.path().join(size);
        let args = ["import", input.to_str().unwrap(), "--store", store.to_str().unwrap(), "--max-field", size];
        assert_eq!(hftcol(&args).status.code(), Some(code), "{size}");
    }
    let config = String::from_utf8(hftcol(&["config", "import", "--all"]).stdout).unwrap();
    assert!(config.contains("max-field"), "{config}");
}
