//! The vectors of `format-spec/vectors/v1`: good files read as their JSON says, bad ones break the rule that the index names,
//! and the Python reader agrees.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use hftcol::codec::TextBlock;
use hftcol::error::ErrorKind;
use hftcol::read::{BlockScratch, TableReader};
use hftcol::schema::LogicalType;
use hftcol::storage::MemoryFile;
use hftcol::units::Decimal;
use serde_json::{Value, json};

pub(crate) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("format-spec/vectors/v1")
}

/// File, rule and change of each bad vector.
pub(crate) fn bad_index() -> Vec<[String; 3]> {
    let text = fs::read_to_string(folder().join("bad/index.tsv")).expect("the index of bad vectors");
    let lines = text.lines().skip(1).map(|line| {
        let mut fields = line.split('\t').map(str::to_owned);
        [(); 3].map(|()| fields.next().expect("three fields"))
    });
    lines.collect()
}

fn files(kind: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder().join(kind)).expect("a folder of vectors");
    let mut paths: Vec<_> = entries.map(|e| e.expect("an entry").path()).collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == "hftc"));
    paths.sort();
    paths
}

/// A file as its JSON shows it, through the public reader.
fn to_json(reader: &TableReader) -> Value {
    let h = reader.header();
    let columns: Vec<Value> = (0..h.schema.columns.len()).map(|i| column_json(reader, i)).collect();
    json!({
        "header": {
            "table": h.table, "venue": h.key.venue, "security": h.key.security, "channel": h.channel,
            "date": h.key.date.to_string(), "generation": h.generation, "segment": h.segment,
            "first_row": h.first_row.to_string(), "clock": h.clock.name(), "tz": h.tz, "date_tz": h.date_tz,
            "block_rows": h.block_rows, "group_blocks": h.group_blocks,
        },
        "rows": reader.rows(),
        "columns": columns,
        "content_digest": format!("{:032x}", reader.footer().content_digest),
        "identity": format!("{:032x}", reader.footer().identity),
    })
}

fn column_json(reader: &TableReader, index: usize) -> Value {
    let column = &reader.header().schema.columns[index];
    let mut scratch = BlockScratch::default();
    let mut values: Vec<Value> = Vec::new();
    for block in 0..reader.block_count() {
        let rows = reader.block_rows(block);
        let mut validity = vec![0; rows.div_ceil(64)];
        let (mut words, mut doubles, mut text) = (vec![0; rows], vec![0.0; rows], TextBlock::default());
        match column.logical_type {
            LogicalType::F64 => {
                reader.read_f64(block, index, &mut scratch, &mut doubles).expect("doubles");
                values.extend(doubles.iter().map(|d| if d.is_nan() { Value::Null } else { json!(hex(*d)) }));
                continue;
            }
            LogicalType::Text => {
                reader.read_text(block, index, &mut scratch, &mut text, &mut validity).expect("text");
            }
            _ => {
                reader.read_i64(block, index, &mut scratch, &mut words, &mut validity).expect("words");
            }
        }
        values.extend((0..rows).map(|row| {
            if validity[row / 64] >> (row % 64) & 1 == 0 {
                return Value::Null;
            }
            match column.logical_type {
                LogicalType::Text => json!(String::from_utf8(text.value(row).to_vec()).expect("UTF-8")),
                LogicalType::Side | LogicalType::Flags | LogicalType::I8 => json!(words[row]),
                LogicalType::U64 => json!(words[row].cast_unsigned().to_string()),
                _ => json!(Decimal { mantissa: words[row], scale: column.scale }.to_string()),
            }
        }));
    }
    json!({
        "name": column.name, "type": column.logical_type.name(), "scale": column.scale, "nullable": column.nullable,
        "values": values,
    })
}

fn hex(double: f64) -> String {
    format!("{:016x}", double.to_bits())
}

#[test]
fn good_vectors_read_as_their_json_says() {
    let files = files("good");
    assert!(files.len() >= 22, "{} good vectors", files.len());
    for path in files {
        let reader = TableReader::open(Arc::new(MemoryFile(fs::read(&path).expect("a vector"))));
        let reader = reader.unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        reader.verify().unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let text = fs::read_to_string(path.with_extension("json")).expect("expected values");
        let expected: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(to_json(&reader), expected, "{}", path.display());
    }
}

#[test]
fn bad_vectors_break_their_rule() {
    let index = bad_index();
    let listed: Vec<_> = index.iter().map(|line| line[0].clone()).collect();
    for path in files("bad") {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        assert!(listed.contains(&name), "{name} is not in the index");
    }
    for [name, rule, what] in index {
        let bytes = fs::read(folder().join("bad").join(&name)).expect("a bad vector");
        let error = TableReader::open(Arc::new(MemoryFile(bytes))).and_then(|reader| reader.verify());
        let Err(error) = error else { panic!("{name} ({what}) was accepted") };
        match error.kind() {
            ErrorKind::Damage(damage) => assert_eq!(damage.rule, rule, "{name} ({what}): {error}"),
            _ => panic!("{name} ({what}): {error}"),
        }
    }
}

#[test]
fn the_python_reader_agrees() {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("format-spec/reference/reader.py");
    if !script.exists() || Command::new("python3").arg("--version").output().is_err() {
        eprintln!("skipped: no python3 here");
        return;
    }
    let output = Command::new("python3").arg("-B").arg(script).arg("--check").arg(folder()).output().expect("python3");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
}
