//! Each limit just below and just above, and docs/limits.md, which lists them all.

use std::fs;
use std::process::Command;

use hftcol::import::{self, ImportOptions, ImportReport, SourceState};
use hftcol::limits;
use hftcol::vendor::SourceOptions;

use crate::import::{World, trades, tree};

/// One trade whose id is so long, and one ordinary one.
fn with_id(security: &str, length: usize) -> String {
    trades(security, &[(1, "1.5", "2"), (2, "1.5", "3")]).replace(",0,buy,", &format!(",{},buy,", "i".repeat(length)))
}

pub(crate) fn run(text: &str, change: impl FnOnce(&mut ImportOptions)) -> ImportReport {
    let world = World::new();
    let mut options = world.options(&[world.file("a.csv", text)]);
    change(&mut options);
    import::run(&options, &mut |_| {}).unwrap()
}

pub(crate) fn fates(report: &ImportReport) -> (u64, u64) {
    (report.sources[0].stored, report.sources[0].rejected)
}

#[test]
fn records_ids_and_names_at_their_limits() {
    let line = |text: &str| text.lines().nth(1).unwrap().len();
    let text = with_id("X", 500);
    let options = |length: usize| move |o: &mut ImportOptions| o.source.line_bytes = length;
    assert_eq!(fates(&run(&text, options(line(&text)))), (2, 0));
    assert_eq!(fates(&run(&text, options(line(&text) - 1))), (1, 1));
    assert_eq!(fates(&run(&with_id("X", limits::ID_BYTES), |_| {})), (2, 0));
    assert_eq!(fates(&run(&with_id("X", limits::ID_BYTES + 1), |_| {})), (1, 1));
    let named = |length: usize| trades(&"S".repeat(length), &[(1, "1.5", "2")]);
    assert_eq!(fates(&run(&named(limits::NAME_BYTES), |_| {})), (1, 0));
    assert_eq!(fates(&run(&named(limits::NAME_BYTES + 1), |_| {})), (0, 1));
}

#[test]
fn the_longest_ids_fill_a_block_and_no_more() {
    let id = "i".repeat(limits::ID_BYTES - 8);
    let mut text = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n".to_owned();
    for n in 0..4_100_u64 {
        text += &format!("binance,X,{},{},{id}{n:08},buy,1,1\n", 1_723_075_200_000_000 + n, 1_723_075_200_000_007 + n);
    }
    let report = run(&text, |_| {});
    assert_eq!((fates(&report), report.published), ((4_100, 0), 1));
}

#[test]
fn an_input_that_is_larger_than_allowed_is_refused_whole() {
    let text = with_id("X", 10);
    let fits = run(&text, |o| o.max_input_bytes = Some(text.len() as u64));
    assert_eq!((fates(&fits), fits.published), ((2, 0), 1));
    let over = run(&text, |o| o.max_input_bytes = Some(text.len() as u64 - 1));
    assert!(
        matches!(&over.sources[0].state, SourceState::Corrupt(why) if why.contains("--max-input-bytes")),
        "{over:?}"
    );
    assert_eq!((over.published, over.verdict().unwrap_err().exit_code()), (0, 3));
}

#[test]
fn json_as_deep_as_is_read() {
    let message = |depth: usize| {
        // The record itself is a level.
        let (open, close) = ("[".repeat(depth - 1), "]".repeat(depth - 1));
        format!("{{\"t\":1723075200000,\"p\":1.5,\"q\":2,\"x\":{open}{close}}}\n")
    };
    let text = message(3) + &message(limits::JSON_DEPTH) + &message(limits::JSON_DEPTH + 1);
    assert_eq!(fates(&run_json(&text)), (2, 1));
}

/// Imports trades of the keys `t`, `p` and `q`.
fn run_json(text: &str) -> ImportReport {
    let mapping = "table = \"trades\"\nlayout = \"json\"\n[columns]\nts_event = { column = \"t\", format = \"ms\" }\nprice = \"p\"\nqty = \"q\"\n";
    let world = World::new();
    let options = ImportOptions {
        format: world.file("m.toml", mapping).to_str().unwrap().to_owned(),
        source: SourceOptions {
            venue: Some("v".to_owned()),
            security: Some("S".to_owned()),
            ..SourceOptions::default()
        },
        ..world.options(&[world.file("a.ndjson", text)])
    };
    import::run(&options, &mut |_| {}).unwrap()
}

#[test]
fn both_readers_of_json_stop_at_the_same_depth() {
    use hftcol::parse::json::{Reader, Value};
    use hftcol::parse::tape::TapeReader;
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        for depth in 1..limits::JSON_DEPTH + 4 {
            let fits = depth <= limits::JSON_DEPTH;
            let text = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            let mut reader = Reader::new(text.as_bytes());
            let whole = reader.value().and_then(|value| reader.skip(value)).and_then(|()| reader.end());
            assert_eq!(whole.is_ok(), fits, "{depth} levels of {open}");
            // In steps, with a list of as many closed ones before.
            let pairs = "[[]],".repeat(depth);
            let after = format!("[{pairs}{text}]");
            let mut reader = Reader::new(after.as_bytes());
            assert_eq!(reader.value(), Ok(Value::Array));
            let mut first = true;
            let mut read = || -> Result<usize, hftcol::parse::json::JsonFault> {
                let mut elements = 0;
                while reader.element(&mut first)? {
                    let value = reader.value()?;
                    reader.skip(value)?;
                    elements += 1;
                }
                Ok(elements)
            };
            assert_eq!(read().ok(), (depth < limits::JSON_DEPTH).then_some(depth + 1), "{depth} levels in a list");
            for exact in [false, true] {
                let mut tape = TapeReader::new(exact);
                assert_eq!(tape.read(text.as_bytes(), |_| ()).is_ok(), fits, "{depth} levels of {open}, exact {exact}");
            }
        }
    }
}

/// An object of so many keys.
fn wide(keys: usize) -> String {
    let members: Vec<_> = (0..keys).map(|n| format!("\"k{n}\":{n}")).collect();
    format!("{{{}}}", members.join(","))
}

#[test]
fn both_readers_of_json_stop_at_the_same_number_of_keys() {
    use hftcol::parse::json::Reader;
    use hftcol::parse::tape::TapeReader;
    let most = usize::from(limits::JSON_KEYS);
    let (full, beyond) = (wide(most), wide(most + 1));
    // What stands beside an object, around it or in it does not count to it.
    let many = vec!["{\"a\":{\"b\":{}}}"; 2_000].join(",");
    for (text, fits) in [
        (full.clone(), true),
        (beyond.clone(), false),
        (format!("[{full},{full},[{many}]]"), true),
        (format!("[{full},{beyond}]"), false),
        (full.replacen(":0", &format!(":{full}"), 1), true),
        (full.replacen(":0", &format!(":{beyond}"), 1), false),
        (beyond.replacen(":7", &format!(":[{full}]"), 1), false),
        (full.replacen(":7", &format!(":[{many}]"), 1), true),
    ] {
        let mut reader = Reader::new(text.as_bytes());
        let whole = reader.value().and_then(|value| reader.skip(value)).and_then(|()| reader.end());
        assert_eq!(whole.as_ref().map_err(|f| f.expected).err(), (!fits).then_some("at most 1,024 keys in an object"));
        for exact in [false, true] {
            let mut tape = TapeReader::new(exact);
            assert_eq!(tape.read(text.as_bytes(), |_| ()).err(), whole.err(), "exact {exact}");
        }
    }
}

#[test]
fn json_of_as_many_keys_as_are_read() {
    let most = usize::from(limits::JSON_KEYS);
    let trade = |more: &str| format!("{{\"t\":1723075200000,\"p\":1.5,\"q\":2,{more}}}\n");
    let own = |keys: usize| wide(keys - 3).trim_matches(['{', '}']).to_owned();
    let nested = |keys: usize| format!("\"x\":[{}]", wide(keys));
    let (fits, beyond) = ([own(most), nested(most)], [own(most + 1), nested(most + 1)]);
    let text = fits.iter().chain(&beyond).map(|more| trade(more)).collect::<String>();
    assert_eq!(fates(&run_json(&text)), (2, 2));
}

#[test]
fn options_at_their_ends() {
    for (args, good) in [
        (["--levels", "1000"], true),
        (["--levels", "1001"], false),
        (["--memory", "64MiB"], true),
        (["--memory", "67108863"], false),
    ] {
        let world = World::new();
        let input = world.file("a.csv", trades("X", &[(1, "1", "1")]));
        let output = crate::cli::hftcol(
            &[&["import", input.to_str().unwrap(), "--store", world.store().to_str().unwrap()], &args[..]].concat(),
        );
        assert_eq!(output.status.code(), Some(if good { 0 } else { 2 }), "{args:?}");
    }
}

#[test]
fn few_open_files_are_enough_for_many_partitions() {
    let mut text = trades("S0", &[(1, "1", "1")]);
    for n in 1..300 {
        text += trades(&format!("S{n}"), &[(n, "1", "1")]).split_once('\n').unwrap().1;
    }
    let stores: Vec<_> = ["64", "1024"]
        .map(|limit| {
            let world = World::new();
            let input = world.file("a.csv", &text);
            let commands = [
                vec!["import", input.to_str().unwrap(), "--memory", "64MiB"],
                vec!["compute", "--threads", "2", "--tables", "trades,bars_60s"],
            ];
            for command in commands {
                let mut shell = Command::new("sh");
                shell.args(["-c", &format!("ulimit -n {limit}; exec \"$0\" \"$@\"")]).arg(env!("CARGO_BIN_EXE_hftcol"));
                let output = shell.args(&command).args(["--store", world.store().to_str().unwrap()]).output().unwrap();
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                assert_eq!(output.status.code(), Some(0), "ulimit -n {limit}: {command:?}: {said}");
            }
            tree(&world.store())
        })
        .into_iter()
        .collect();
    assert!(stores[0].len() > 900 && stores[0] == stores[1]);
}

#[test]
fn the_page_lists_the_limits_as_they_are() {
    let all = [
        ("MEMORY_DEFAULT", limits::MEMORY_DEFAULT),
        ("MEMORY_MIN", limits::MEMORY_MIN),
        ("LINE_BYTES", limits::LINE_BYTES as u64),
        ("ID_BYTES", limits::ID_BYTES as u64),
        ("NAME_BYTES", limits::NAME_BYTES as u64),
        ("COLUMN_NAME_BYTES", limits::COLUMN_NAME_BYTES as u64),
        ("KEPT_COLUMNS", limits::KEPT_COLUMNS as u64),
        ("KEPT_BYTES", limits::KEPT_BYTES as u64),
        ("LEVELS_DEFAULT", limits::LEVELS_DEFAULT.into()),
        ("LEVELS", limits::LEVELS.into()),
        ("JSON_DEPTH", limits::JSON_DEPTH as u64),
        ("JSON_KEYS", limits::JSON_KEYS.into()),
        ("JSON_VALUES", limits::JSON_VALUES as u64),
        ("DECIMAL_DIGITS", limits::DECIMAL_DIGITS.into()),
        ("DECIMAL_SCALE", limits::DECIMAL_SCALE.into()),
        ("UNPACK_WINDOW_BYTES", limits::UNPACK_WINDOW_BYTES),
        ("ARCHIVE_MEMBERS", limits::ARCHIVE_MEMBERS),
        ("QUARANTINE_RECORD_BYTES", limits::QUARANTINE_RECORD_BYTES as u64),
        ("PARTITIONS_WARNED", limits::PARTITIONS_WARNED),
        ("COLUMNS", limits::COLUMNS.into()),
        ("BOOK_LEVELS", limits::BOOK_LEVELS as u64),
        ("BOOK_ORDERS", limits::BOOK_ORDERS as u64),
        ("BOOK_BACKLOG", limits::BOOK_BACKLOG as u64),
        ("WINDOW_SECONDS", limits::WINDOW_SECONDS.into()),
        ("HORIZONS", limits::HORIZONS as u64),
        ("FEATURE_LEVELS_MAX", limits::FEATURE_LEVELS_MAX.into()),
    ];
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/limits.md")).unwrap();
    let rows: Vec<Vec<&str>> =
        page.lines().filter(|l| l.starts_with("| `")).map(|l| l.split('|').map(str::trim).collect()).collect();
    assert_eq!(rows.len(), all.len());
    for ((name, value), row) in all.into_iter().zip(rows) {
        let told = row[1].split('`').nth(1).unwrap();
        assert_eq!((told, row[2]), (name, value.to_string().as_str()));
    }
}
