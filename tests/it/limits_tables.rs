//! Limits of values, of kept columns, of archives and of computing, each just below and just above.

use std::io::{Cursor, Write};

use hftcol::input::{InputLimits, expand};
use hftcol::limits;
use hftcol::vendor::SourceOptions;

use crate::cli::hftcol;
use crate::import::{World, trades};
use crate::limits::{fates, run};
use crate::sources::parse;

#[test]
fn decimals_of_as_many_digits_and_decimals() {
    let nines = |count: u32| "9".repeat(count as usize);
    let fine = |scale: u8| format!("0.{}1", "0".repeat(usize::from(scale) - 1));
    for (price, fits) in [
        (nines(limits::DECIMAL_DIGITS), true),
        (nines(limits::DECIMAL_DIGITS + 1), false),
        (fine(limits::DECIMAL_SCALE), true),
        (fine(limits::DECIMAL_SCALE + 1), false),
    ] {
        let report = run(&trades("X", &[(1, &price, "1")]), |_| {});
        assert_eq!(fates(&report), (u64::from(fits), u64::from(!fits)), "{price}");
    }
}

#[test]
fn a_rejected_record_is_kept_up_to_the_limit() {
    let start = trades("X", &[(1, "x", "1")]);
    let (header, row) = start.trim_end().split_once('\n').unwrap();
    for (length, kept) in [(4_095, 4_095), (4_096, 4_096), (4_097, 4_096)] {
        let row = row.replace(",0,buy,", &format!(",0{},buy,", "0".repeat(length - row.len())));
        let text = format!("{header}\n{row}\n");
        let parsed = parse("x", text.as_bytes(), &SourceOptions::default(), &InputLimits::default()).unwrap();
        let reject = &parsed.rejects[0];
        assert_eq!((reject.length, reject.head.len()), (length as u64, kept));
        assert_eq!(reject.head, &row.as_bytes()[..kept]);
    }
    assert_eq!(limits::QUARANTINE_RECORD_BYTES, 4_096);
}

#[test]
fn columns_that_are_kept() {
    let world = World::new();
    let mapping = "table = \"trades\"\n[columns]\nvenue = \"exchange\"\nsecurity = \"symbol\"\n\
        ts_event = { column = \"timestamp\", format = \"us\" }\nside = \"side\"\nprice = \"price\"\nqty = \"amount\"\n";
    let mapping = world.file("m.toml", mapping);
    let keep = |names: &[String], value: &str| {
        let cells = vec![value; names.len()].join(",");
        let text = format!(
            "exchange,symbol,timestamp,side,price,amount,{}\nx,S,1700000000000000,buy,1.5,2,{cells}\n",
            names.join(",")
        );
        let (input, store) = (world.file("a.csv", text), tempfile::tempdir().unwrap());
        let store = store.path().join("s");
        let (input, mapping, store) = (input.to_str().unwrap(), mapping.to_str().unwrap(), store.to_str().unwrap());
        let output =
            hftcol(&["import", input, "--store", store, "--format", mapping, "--json", "--keep", &names.join(",")]);
        let stored = String::from_utf8_lossy(&hftcol(&["cat", "--store", store]).stdout).into_owned();
        (output.status.code(), stored.matches(value).count())
    };
    let named = |count: usize| (0..count).map(|n| format!("k{n}")).collect::<Vec<_>>();
    assert_eq!(keep(&named(limits::KEPT_COLUMNS), "value"), (Some(0), limits::KEPT_COLUMNS));
    assert_eq!(keep(&named(limits::KEPT_COLUMNS + 1), "value"), (Some(2), 0));
    let long = |length: usize| vec!["c".repeat(length)];
    assert_eq!(keep(&long(limits::COLUMN_NAME_BYTES), "value"), (Some(0), 1));
    assert_eq!(keep(&long(limits::COLUMN_NAME_BYTES + 1), "value"), (Some(2), 0));
    assert_eq!(keep(&named(1), &"v".repeat(limits::KEPT_BYTES)), (Some(0), 1));
    // The row stays, without the value.
    assert_eq!(keep(&named(1), &"v".repeat(limits::KEPT_BYTES + 1)), (Some(0), 0));
}

#[test]
fn archives_of_as_many_members() {
    let world = World::new();
    let most = usize::try_from(limits::ARCHIVE_MEMBERS).unwrap();
    for (members, fits) in [(most, true), (most + 1, false)] {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        for number in 0..members {
            writer.start_file(format!("{number:06}"), options).unwrap();
        }
        writer.flush().unwrap();
        let path = world.file("a.zip", writer.finish().unwrap().into_inner());
        match expand(&[path]) {
            Ok(found) => assert_eq!((found.len(), fits), (members, true)),
            Err(error) => assert!(!fits && error.exit_code() == 3 && error.to_string().contains("65536"), "{error}"),
        }
    }
}

#[test]
fn horizons_and_levels_of_computing() {
    let world = World::new();
    let input = world.file("a.csv", trades("X", &[(1, "1", "1")]));
    let store = world.store();
    let store = store.to_str().unwrap();
    assert_eq!(hftcol(&["import", input.to_str().unwrap(), "--store", store]).status.code(), Some(0));
    let seconds = |count: usize| (1..=count).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    for (option, value, fits) in [
        ("--horizons", seconds(limits::HORIZONS), true),
        ("--horizons", seconds(limits::HORIZONS + 1), false),
        ("--horizons", limits::WINDOW_SECONDS.to_string(), true),
        ("--horizons", (limits::WINDOW_SECONDS + 1).to_string(), false),
        ("--levels", limits::FEATURE_LEVELS_MAX.to_string(), true),
        ("--levels", (limits::FEATURE_LEVELS_MAX + 1).to_string(), false),
    ] {
        let output = hftcol(&["compute", "--store", store, "--dry-run", option, &value]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(if fits { 0 } else { 2 }), "{option} {value}: {said}");
    }
}
