//! Exported features, read by other programs: every value, name and null as in the store.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use hftcol::codec::TextBlock;
use hftcol::read::{BlockScratch, TableReader};
use hftcol::schema::{LogicalType, PartitionKey};
use hftcol::store::{Store, Tree};
use hftcol::units::Decimal;

use crate::raw_store::{publish, raw};

/// The interpreter that `.ci/run` prepares.
fn python() -> PathBuf {
    let named = std::env::var_os("HFTCOL_PYTHON").map(PathBuf::from);
    named.expect("HFTCOL_PYTHON is not set: name a Python with the packages of tests/interop/requirements.txt")
}

fn hftcol(args: &[&str]) {
    let output = Command::new(env!("CARGO_BIN_EXE_hftcol")).args(args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Whole columns as the cells of the listing that the script reads.
fn cells(table: &TableReader, index: usize) -> Vec<String> {
    let column = &table.header().schema.columns[index];
    let mut scratch = BlockScratch::default();
    let mut cells = Vec::new();
    for block in 0..table.block_count() {
        let rows = table.block_rows(block);
        let mut valid = vec![0_u64; rows.div_ceil(64)];
        let is_valid = |valid: &[u64], row: usize| valid[row / 64] >> (row % 64) & 1 == 1;
        match column.logical_type {
            LogicalType::F64 => {
                let mut values = vec![0.0; rows];
                table.read_f64(block, index, &mut scratch, &mut values).unwrap();
                let cell = |v: &f64| if v.is_nan() { "-".to_owned() } else { format!("{:016x}", v.to_bits()) };
                cells.extend(values.iter().map(cell));
            }
            LogicalType::Text => {
                let mut text = TextBlock::default();
                table.read_text(block, index, &mut scratch, &mut text, &mut valid).unwrap();
                let mut start = 0;
                for (row, end) in text.ends.iter().enumerate() {
                    let value = String::from_utf8(text.bytes[start..*end as usize].to_vec()).unwrap();
                    cells.push(if is_valid(&valid, row) { value } else { "-".to_owned() });
                    start = *end as usize;
                }
            }
            other => {
                let mut values = vec![0_i64; rows];
                table.read_i64(block, index, &mut scratch, &mut values, &mut valid).unwrap();
                let cell = |value: i64| match other {
                    LogicalType::Decimal => Decimal { mantissa: value, scale: column.scale }.to_string(),
                    LogicalType::U64 => value.cast_unsigned().to_string(),
                    _ => value.to_string(),
                };
                let rows = values.iter().enumerate();
                cells.extend(rows.map(|(row, v)| if is_valid(&valid, row) { cell(*v) } else { "-".to_owned() }));
            }
        }
    }
    cells
}

/// One partition of a set as the script wants it.
fn list(store: &Store, key: &PartitionKey, out: &mut String) {
    let tree = Tree::Features("default".to_owned());
    let manifest = store.manifest(&tree, key).unwrap().unwrap();
    let segment = manifest.table("book").next().unwrap();
    let table = TableReader::open(Arc::clone(&store.open_segment(&tree, key, segment).unwrap())).unwrap();
    let columns = &table.header().schema.columns;
    let kind = |i: usize| match columns[i].logical_type {
        LogicalType::Decimal => format!("decimal:{}", columns[i].scale),
        other => other.name().to_owned(),
    };
    let join = |cells: &mut dyn Iterator<Item = String>| cells.collect::<Vec<_>>().join("\t");
    writeln!(out, "partition\t{}\t{}\t{}", key.venue, key.security, key.date).unwrap();
    writeln!(out, "{}", join(&mut columns.iter().map(|c| c.name.clone()))).unwrap();
    writeln!(out, "{}", join(&mut (0..columns.len()).map(kind))).unwrap();
    let values: Vec<Vec<String>> = (0..columns.len()).map(|i| cells(&table, i)).collect();
    for row in 0..table.rows() as usize {
        writeln!(out, "{}", join(&mut values.iter().map(|column| column[row].clone()))).unwrap();
    }
}

fn export_and_compare(dir: &Path, store: &Path) {
    let out = dir.join("out");
    let (store_text, out_text) = (store.to_str().unwrap(), out.to_str().unwrap());
    let options = ["--raw-levels", "--mlofi-levels", "--threads", "2"];
    hftcol(&[&["compute", "--store", store_text][..], &options].concat());
    hftcol(&[&["compute", "--store", store_text, "--output", "parquet", "--out", out_text][..], &options].concat());
    let store = Store::open(store).unwrap();
    let mut listing = String::new();
    store.keys(&Tree::Raw).unwrap().iter().for_each(|key| list(&store, key, &mut listing));
    let listing_path = dir.join("listing.tsv");
    std::fs::write(&listing_path, listing).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/read_parquet.py");
    let output =
        Command::new(python()).arg(script).arg(out.join("book")).arg(&listing_path).output().expect("the interpreter");
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("values of"), "{text}");
}

#[test]
fn polars_duckdb_and_pyarrow_read_what_the_store_holds() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("store");
    let store = Store::create_or_open(&root).unwrap();
    let mut partitions =
        vec![raw("binance", "BTC/USDT", 5_000, 1), raw("binance", "a b%=&", 40, 2), raw("Kraken", "XBT", 1, 3)];
    partitions[1].book = Some("quotes");
    publish(&store, &partitions);
    export_and_compare(dir.path(), &root);
}
