//! Mapping files for long books, JSON lines and lists in cells: values written by hand, every chunk, every way to be wrong.

use std::sync::Arc;

use hftcol::error::Result;
use hftcol::input::InputLimits;
use hftcol::vendor::SourceOptions;

use crate::sources::{Parsed, chunked, parse};

fn options(mapping: &str) -> SourceOptions {
    SourceOptions { mapping: Some(Arc::from(mapping)), ..SourceOptions::default() }
}

fn mapped(mapping: &str, text: &str) -> Result<Parsed> {
    parse("x", text.as_bytes(), &options(mapping), &InputLimits::default())
}

const LONG: &str = "table = \"book\"\nlayout = \"long\"\n\n[columns]\nsecurity = \"s\"\n\
    ts_event = { column = \"t\", format = \"ns\" }\nside = \"side\"\nprice = \"p\"\nqty = \"q\"\n";

#[test]
fn a_snapshot_is_one_row_wherever_chunks_are_cut() {
    let text = "s,t,side,p,q\nA,1,bid,9.9,1\nA,1,bid,10,2\n\nA,1,ask,10.5,3\r\nB,1,ask,7,0\nB,1,ask,8,1\n\
        s,t,side,p,q\nB,1,bid,6,1\nA,2,ask,11,1\nA,2,bid,x,1\nA,2,ask,12,1\nA,3,bid,5\nA,3,bid,4,1\nA,4,bid,4,1";
    let whole = mapped(LONG, text).unwrap();
    assert_eq!(
        whole.rows["book"],
        [
            "unknown/A 1970-01-01 1 - - 1.0 ||10 2 10.5 3 9.9 1",
            "unknown/B 1970-01-01 1 - - 5.0 ||- - 8 1",
            "unknown/B 1970-01-01 1 - - 8.0 ||6 1",
            "unknown/A 1970-01-01 3 - - 13.0 ||4 1",
            "unknown/A 1970-01-01 4 - - 14.0 ||4 1",
        ]
    );
    // The record that cannot be read, the others of its snapshot, and the short line behind them.
    let reasons: Vec<_> = whole.rejects.iter().map(|r| (r.line, r.column.as_str(), r.reason.clone())).collect();
    assert_eq!(
        reasons.iter().map(|r| (r.0, r.1)).collect::<Vec<_>>(),
        [(10, ""), (11, "p"), (12, ""), (13, "")],
        "{reasons:?}"
    );
    assert!(reasons[0].2.contains("line 11 of it is refused") && reasons[1].2.contains("a decimal number"));
    assert!(reasons[3].2.contains("5 fields, got 4"), "{reasons:?}");
    for reject in &whole.rejects {
        assert!(text[reject.byte_offset as usize..].starts_with(std::str::from_utf8(&reject.head).unwrap()));
    }
    assert_eq!((whole.skipped["header"], whole.skipped["blank line"], whole.records), (2, 1, 15));
    for chunk in 1..text.len() + 2 {
        assert_eq!(parse("x", text.as_bytes(), &options(LONG), &chunked(chunk)).unwrap(), whole, "chunks of {chunk}");
    }
}

#[test]
fn levels_by_number_with_gaps_and_cuts() {
    let mapping = LONG.replace("\n\n", "\nlevel_base = 1\n\n") + "level = \"n\"\n";
    let text = "s,t,side,p,q,n\nA,1,b,9,1,2\nA,1,b,10,2,1\nA,1,s,12,3,3\nA,1,s,13,3,9\n";
    let parsed = mapped(&mapping, text).unwrap();
    assert_eq!(
        parsed.first("book"),
        "unknown/A 1970-01-01 1 - - 1.0 ||10 2 - - 9 1 - - - - 12 3 - - - - - - - - - - - - - - - - - - - - - - 13 3"
    );
    let two = parse("x", text.as_bytes(), &SourceOptions { levels: 2, ..options(&mapping) }, &chunked(10)).unwrap();
    assert_eq!(two.first("book"), "unknown/A 1970-01-01 1 - - 1.0 ||10 2 - - 9 1");
    assert_eq!(two.notes["levels beyond --levels, left out"], 2);
    for bad in ["A,1,b,9,1,0", "A,1,b,9,1,x", "A,1,b,9,1,1", "A,1,middle,9,1,7"] {
        let parsed = mapped(&mapping, &format!("{text}{bad}\n")).unwrap();
        assert_eq!((parsed.rejects.len(), parsed.stored), (5, 0), "{bad}");
    }
}

#[test]
fn a_snapshot_beyond_the_limit_is_refused_record_by_record() {
    let snapshot = |t: u32, records: usize| format!("A,{t},bid,9,1\n").repeat(records);
    // 12 bytes a record: 8 of them fit into a limit of 100, 9 do not.
    let text = format!("s,t,side,p,q\n{}{}{}", snapshot(1, 8), snapshot(2, 9), snapshot(3, 1));
    let mut first = None;
    for chunk in [1, 13, 50, 99, 100] {
        let limits = InputLimits { line_bytes: 100, ..chunked(chunk) };
        let parsed = parse("x", text.as_bytes(), &options(LONG), &limits).unwrap();
        assert_eq!((parsed.count("book"), parsed.rejects.len()), (2, 9), "chunks of {chunk}");
        assert!(parsed.rejects.iter().all(|r| r.reason.contains("--max-line") && (10..=18).contains(&r.line)));
        assert_eq!(*first.get_or_insert(parsed.rejects.clone()), parsed.rejects);
    }
}

const JSON: &str = "table = \"trades\"\nlayout = \"json\"\n\n[columns]\nsecurity = \"s\"\n\
    ts_event = { column = \"x.t\", format = \"ms\" }\nside = \"x.side\"\nprice = \"x.p\"\nqty = \"x.q\"\n";

#[test]
fn json_records_keep_their_digits() {
    let text = "{\"s\":\"A\",\"x\":{\"t\":1,\"p\":123456789012.123456,\"q\":\"1.50\",\"side\":\"buy\",\"more\":[[{}]]}}\n\
        {\"x\":{\"q\":1e-12,\"p\":1E2,\"t\":2.5,\"side\":null},\"s\":\"\\u0042\"}\n\
        \n{\"s\":\"A\",\"x\":{\"t\":1}}\n{\"s\":\"A\"\n[1]\n7\n{\"s\":\"A\",\"x\":{\"t\":1,\"p\":[1],\"q\":1}}\n\
        {\"s\":\"A\",\"s\":\"B\",\"x\":{\"t\":1,\"p\":1,\"q\":1}}\n{\"s\":\"A\",\"x\":{\"t\":1,\"p\":1,\"q\":1}} x";
    let whole = mapped(JSON, text).unwrap();
    assert_eq!(
        whole.rows["trades"],
        [
            "unknown/A 1970-01-01 1000000 - - 0.0 1||123456789012.123456 1.5",
            "unknown/B 1970-01-01 2500000 - - 1.0 0||100 0.000000000001",
        ]
    );
    let lines: Vec<_> = whole.rejects.iter().map(|r| r.line).collect();
    assert_eq!(lines, [4, 5, 6, 7, 8, 9, 10], "{:?}", whole.rejects);
    assert_eq!(whole.skipped["blank line"], 1);
    for chunk in 1..text.len() + 2 {
        assert_eq!(parse("x", text.as_bytes(), &options(JSON), &chunked(chunk)).unwrap(), whole, "chunks of {chunk}");
    }
}

#[test]
fn rows_of_a_list_stand_or_fall_together() {
    let mapping = JSON.replace("x.", "x[].");
    let good = "{\"s\":\"A\",\"x\":[{\"t\":1,\"p\":1,\"q\":1},{\"t\":2,\"p\":2,\"q\":2,\"side\":\"sell\"}]}\n";
    let text = format!("{good}{{\"s\":\"A\",\"x\":[]}}\n{{\"s\":\"A\"}}\n{}", good.replace("\"p\":2", "\"p\":\"?\""));
    let parsed = mapped(&mapping, &text).unwrap();
    assert_eq!(
        parsed.rows["trades"],
        [
            "unknown/A 1970-01-01 1000000 - - 0.0 0||1 1",
            // A value of the row before does not stay.
            "unknown/A 1970-01-01 2000000 - - 0.1 -1||2 2",
        ]
    );
    assert_eq!((parsed.skipped["no rows"], parsed.rejects.len()), (2, 1));
}

#[test]
fn levels_of_all_nestings_give_one_book() {
    let head = "table = \"book\"\nlayout = \"json\"\nsecurity = \"S\"\n[columns]\n\
        ts_event = { column = \"t\", format = \"s\" }\n[levels]\ncount = 2\n";
    let patterns = |parts: [&str; 4]| {
        let names = ["bid_px", "bid_sz", "ask_px", "ask_sz"];
        names.iter().zip(parts).map(|(name, part)| format!("{name} = \"{part}\"\n")).collect::<String>()
    };
    for (parts, text) in [
        (
            ["b[{i}][0]", "b[{i}][1]", "a[{i}][0]", "a[{i}][1]"],
            "{\"t\":1,\"b\":[[1,2,9],[3,4]],\"a\":[[5,\"6\"],[7,8],[9,9]]}",
        ),
        (
            ["x.b[{i}].px", "x.b[{i}].sz", "x.a[{i}].px", "x.a[{i}].sz"],
            "{\"x\":\"{\\\"b\\\":[{\\\"px\\\":1,\\\"sz\\\":2},{\\\"px\\\":3,\\\"sz\\\":4}],\\\"a\\\":[{\\\"px\\\":5,\\\"sz\\\":6},\
             {\\\"sz\\\":8,\\\"px\\\":7},{}]}\",\"t\":1}",
        ),
        (
            ["bp[{i}]", "bs[{i}]", "ap[{i}]", "as[{i}]"],
            "{\"t\":1,\"bp\":[1,3],\"bs\":[2,4],\"ap\":[5,7,9],\"as\":[6,8,9]}",
        ),
        (["[0][{i}][0]", "[0][{i}][1]", "[1][{i}][0]", "[1][{i}][1]"], "[[[1,2],[3,4]],[[5,6],[7,8],[9,9]],{\"t\":1}]"),
    ] {
        let head = if text.starts_with('[') { head.replace("\"t\"", "\"[2].t\"") } else { head.to_owned() };
        let parsed = mapped(&format!("{head}{}", patterns(parts)), text).unwrap();
        assert_eq!(parsed.first("book"), "unknown/S 1970-01-01 1000000000 - - 0.0 ||1 2 5 6 3 4 7 8", "{text}");
        assert_eq!(parsed.notes["levels beyond --levels, left out"], 1, "{text}");
    }
}

#[test]
fn cells_with_lists_and_records_of_one_kind() {
    let mapping = "table = \"book\"\njson_cells = [\"b\", \"a\"]\n[columns]\nsecurity = \"s\"\n\
        ts_event = { column = \"t\", format = \"s\" }\n[levels]\ncount = 1\nbid_px = \"b[{i}][0]\"\nbid_sz = \"b[{i}][1]\"\n\
        ask_px = \"a[{i}][0]\"\nask_sz = \"a[{i}][1]\"\n[where]\nkind = \"book\"\n";
    let text = "s,t,kind,b,a\nA,1,book,\"[['1.50', '2'], ['1', '1']]\",\"[[3, 4]]\"\nA,2,trade,oops,\nA,3,book,[],\n\
        A,4,book,\"[[1, 2\",\nA,5,book,\"[[[1], 2]]\",\ns,t,kind,b,a\nA,6,book,\"[[1,2]]\"\nA,7,book,\"[[x,2]]\",\n";
    let parsed = mapped(mapping, text).unwrap();
    assert_eq!(
        parsed.rows["book"],
        ["unknown/A 1970-01-01 1000000000 - - 1.0 ||1.5 2 3 4", "unknown/A 1970-01-01 3000000000 - - 3.0 ||"]
    );
    assert_eq!((parsed.skipped["header"], parsed.skipped["record of another kind, left out by [where]"]), (2, 1));
    let faults: Vec<_> = parsed.rejects.iter().map(|r| (r.line, r.column.as_str())).collect();
    assert_eq!(faults, [(5, "b"), (6, "b[0][0]"), (8, ""), (9, "b")], "{:?}", parsed.rejects);
    for chunk in [1, 20, 77] {
        assert_eq!(parse("x", text.as_bytes(), &options(mapping), &chunked(chunk)).unwrap(), parsed);
    }
}

#[test]
fn a_layout_that_cannot_be_is_a_usage_error() {
    let cases = [
        (LONG.replace("book", "trades"), "is for table"),
        (LONG.replace("price = \"p\"\n", ""), "book needs the column price"),
        (LONG.replace("side = \"side\"\n", ""), "book needs the column side"),
        (format!("{LONG}is_snapshot = \"q\"\n"), "no column `is_snapshot`"),
        (format!("quoted_newlines = true\n{LONG}"), "no quoted_newlines"),
        (format!("{LONG}[where]\ns = \"A\"\n"), "neither [where]"),
        (format!("level_base = 1\n{JSON}"), "level_base is for"),
        (format!("json_cells = [\"x\"]\n{JSON}"), "json_cells are for"),
        (JSON.replace("\"x.p\"", "3"), "a path, not a number"),
        (JSON.replace("\"x.p\"", "\"x.p[\""), "is no path"),
        (JSON.replace("\"x.p\"", "\"x\""), "another path"),
        (JSON.replace("\"x.p\"", "\"x[].p[]\""), "one list of a JSON record"),
        (format!("{}[where]\n\"x[].k\" = \"1\"\n", JSON.replace("x.", "x[].")), "looks at the record itself"),
        (LONG.replace("\"long\"", "\"tall\""), "unknown variant"),
    ];
    for (mapping, what) in cases {
        let error = mapped(&mapping, "s,t,side,p,q\nA,1,bid,9,1\n").unwrap_err();
        assert_eq!(error.exit_code(), 2, "{mapping}{error}");
        assert!(error.to_string().contains(what), "{what}: {error}");
    }
}
