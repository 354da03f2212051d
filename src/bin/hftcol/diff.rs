//! `hftcol diff`: two table files or partitions, column by column.

use std::path::{Path, PathBuf};

use hftcol::diff::{ColumnDiff, ColumnState, TableDiff, Tolerance, compare};
use hftcol::error::{Error, ErrorKind, Escaped, EscapedPath, Result};
use hftcol::export::open_table;
use hftcol::read::TableReader;
use serde_json::json;

use crate::io::IoArgs;
use crate::output::{Output, Style};
use crate::tables::Grid;

/// Compare two table files, or two partitions of stores, column by column.
///
/// Rows are matched by their position. Decimals are compared as exact numbers, doubles by their bits, or both within
/// --abs and --rel. Exit code 0: the same. 1: something differs.
///
/// Examples:
///   hftcol diff old/book.00000001.0000.hftc new/book.00000002.0000.hftc
///   hftcol diff a/venue=binance/security=BTCUSDT/date=2024-08-08 b/venue=binance/security=BTCUSDT/date=2024-08-08
///   hftcol diff a.hftc b.hftc --rel 1e-12 --columns mid,ofi
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// A table file, or a partition's folder in a store.
    a: PathBuf,
    /// The same.
    b: PathBuf,
    /// Of partitions: only these tables, separated by commas.
    #[arg(long, value_delimiter = ',', value_name = "TABLES")]
    table: Vec<String>,
    /// Only these columns, separated by commas.
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    columns: Vec<String>,
    /// Numbers that are at most this far apart are equal.
    #[arg(long, value_name = "NUMBER", default_value_t = 0.0, value_parser = share)]
    abs: f64,
    /// Numbers that are at most this share of the larger one apart are equal; added to --abs.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    rel: f64,
    #[command(flatten)]
    io: IoArgs,
}

fn share(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "write a number such as 1e-9".to_owned())?;
    if value >= 0.0 && value.is_finite() { Ok(value) } else { Err("write a number from 0 on".to_owned()) }
}

/// A table with its segments.
type Table = (String, Vec<TableReader>);

pub(crate) fn run(args: &Args, output: &Output) -> Result<()> {
    let tolerance = Tolerance { absolute: args.abs, relative: args.rel };
    let (mut a, mut b) = (tables(&args.a, args)?, tables(&args.b, args)?);
    // Files are compared whatever their tables are called.
    if let ([(left, _)], [(right, _)]) = (&a[..], &mut b[..])
        && args.a.is_file()
        && args.b.is_file()
    {
        right.clone_from(left);
    }
    let mut names: Vec<String> = a.iter().chain(&b).map(|(name, _)| name.clone()).collect();
    names.sort();
    names.dedup();
    let mut different = 0;
    for name in &names {
        let (left, right) = (take(&mut a, name), take(&mut b, name));
        let (Some(left), Some(right)) = (&left, &right) else {
            different += 1;
            let (has, lacks) = if left.is_some() { (&args.a, &args.b) } else { (&args.b, &args.a) };
            only_in(name, has, lacks, output)?;
            continue;
        };
        let diff = compare(left, right, tolerance, &args.columns)?;
        different += u64::from(!diff.is_same());
        print(name, &diff, output)?;
    }
    match different {
        0 => Ok(()),
        _ => Err(Error::new(ErrorKind::Findings { what: format!("{different} of {} tables differ", names.len()) })),
    }
}

fn take(tables: &mut Vec<Table>, name: &str) -> Option<Vec<TableReader>> {
    let at = tables.iter().position(|(known, _)| known == name)?;
    Some(tables.swap_remove(at).1)
}

/// The tables of a file or a partition.
fn tables(path: &Path, args: &Args) -> Result<Vec<Table>> {
    let wanted = &args.table;
    if !path.is_dir() {
        let reader = args.io.table(path)?;
        return Ok(vec![(reader.header().table.clone(), vec![reader])]);
    }
    let Some((store, tree, key)) = args.io.partition(path)? else {
        let what = format!("{} is no partition of a store", EscapedPath(path));
        return Err(Error::usage(what, "name a table file, or a folder STORE/venue=.../security=.../date=..."));
    };
    let Some(manifest) = store.manifest(&tree, &key)? else {
        return Err(Error::usage(format!("{} was never published", EscapedPath(path)), "see `hftcol ls`"));
    };
    let names = manifest.tables().into_iter().filter(|t| wanted.is_empty() || wanted.iter().any(|w| w == t));
    let mut tables = Vec::new();
    for name in names {
        let readers = open_table(&store, &tree, &key, name)?;
        if !readers.is_empty() {
            tables.push((name.to_owned(), readers));
        }
    }
    if tables.is_empty() {
        return Err(Error::usage(format!("{} has none of these tables", EscapedPath(path)), "see `hftcol ls`"));
    }
    Ok(tables)
}

fn only_in(name: &str, has: &Path, lacks: &Path, output: &Output) -> Result<()> {
    let (has, lacks) = (EscapedPath(has).to_string(), EscapedPath(lacks).to_string());
    match output.style {
        Style::Json => output.json(&json!({"table": name, "same": false, "only_in": has})),
        _ => output.line(format_args!("table {name}: in {has}, not in {lacks}")),
    }
}

fn print(name: &str, diff: &TableDiff, output: &Output) -> Result<()> {
    if output.style == Style::Json {
        let columns: Vec<_> = diff.columns.iter().map(as_json).collect();
        let (a, b) = diff.rows;
        return output.json(&json!({"table": name, "same": diff.is_same(), "rows_a": a, "rows_b": b,
            "columns": columns}));
    }
    let differing: Vec<&ColumnDiff> = diff.columns.iter().filter(|c| c.state != ColumnState::Same).collect();
    let columns = diff.columns.len();
    match (diff.rows, differing.len()) {
        ((a, b), 0) if a == b => return output.line(format_args!("table {name}: same, {a} rows, {columns} columns")),
        ((a, b), count) if a == b => {
            output.line(format_args!("table {name}: {count} of {columns} columns differ, {a} rows"))?;
        }
        ((a, b), count) => {
            output.line(format_args!("table {name}: {a} rows and {b} rows; {count} of {columns} columns differ"))?;
        }
    }
    if differing.is_empty() {
        return Ok(());
    }
    let mut grid = Grid::new(["column", "found", "rows", "first row", "a", "b", "largest"]);
    for column in differing {
        let shown = |cell: &Option<String>| {
            cell.as_ref().map_or_else(|| "(missing)".to_owned(), |text| Escaped(text.as_bytes()).to_string())
        };
        let none = String::new;
        let [found, rows, first, a, b, largest] = match &column.state {
            ColumnState::Different { rows, first_row, cells: (a, b), largest } => {
                ["differs".to_owned(), rows.to_string(), first_row.to_string(), shown(a), shown(b), largest.to_string()]
            }
            ColumnState::Types(a, b) => {
                ["types".to_owned(), none(), none(), a.name().to_owned(), b.name().to_owned(), none()]
            }
            state => [state_name(state).to_owned(), none(), none(), none(), none(), none()],
        };
        grid.row([column.name.clone(), found, rows, first, a, b, largest]);
    }
    output.line(grid.text(output))
}

fn state_name(state: &ColumnState) -> &'static str {
    match state {
        ColumnState::Same => "same",
        ColumnState::Different { .. } => "different",
        ColumnState::OnlyInA => "only in a",
        ColumnState::OnlyInB => "only in b",
        ColumnState::Types(..) => "types",
    }
}

fn as_json(column: &ColumnDiff) -> serde_json::Value {
    let mut value = json!({"name": column.name, "state": state_name(&column.state)});
    match &column.state {
        ColumnState::Different { rows, first_row, cells: (a, b), largest } => {
            value["rows"] = json!(rows);
            value["first_row"] = json!(first_row);
            value["a"] = json!(a);
            value["b"] = json!(b);
            value["largest"] = json!(largest);
        }
        ColumnState::Types(a, b) => {
            value["a"] = json!(a.name());
            value["b"] = json!(b.name());
        }
        ColumnState::Same | ColumnState::OnlyInA | ColumnState::OnlyInB => {}
    }
    value
}
