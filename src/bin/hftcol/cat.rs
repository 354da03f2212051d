//! `hftcol cat` and `hftcol head`: rows as CSV, NDJSON or a table.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use clap::ValueEnum;
use hftcol::error::{Error, Result};
use hftcol::read::TableReader;
use hftcol::schema::LogicalType;
use hftcol::store::{Store, Tree};

use crate::output::{Output, Style};
use crate::rows::{Rows, Times};
use crate::select::{SelectArgs, open_table};
use crate::tables::Grid;
use crate::verify::open_file;

/// Print rows: of a table of a store, or of a table file. Decimals are exact, f64 the shortest text with the same bits.
///
/// Examples:
///   hftcol cat --store ticks --security BTCUSDT --table trades --from 2024-08-08T12:00:00Z --format csv
///   hftcol cat book.00000001.0.hftc --columns ts_event,bid_px_00,ask_px_00
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct CatArgs {
    #[command(flatten)]
    rows: RowArgs,
    /// How rows are printed.
    #[arg(long, value_enum, default_value = "csv", value_name = "FORMAT")]
    format: RowFormat,
    /// Rows at most.
    #[arg(short = 'n', long = "rows", value_name = "N")]
    limit: Option<u64>,
}

/// Print the first rows of a table.
///
/// Example: hftcol head --store ticks --set default --table book --columns ts_event,mid,ofi -n 20
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct HeadArgs {
    #[command(flatten)]
    rows: RowArgs,
    /// How rows are printed.
    #[arg(long, value_enum, default_value = "table", value_name = "FORMAT")]
    format: RowFormat,
    /// Rows at most.
    #[arg(short = 'n', long = "rows", default_value_t = 10, value_name = "N")]
    limit: u64,
}

/// Which rows and columns.
#[derive(Debug, clap::Args)]
struct RowArgs {
    /// A table file; without it, a store.
    file: Option<PathBuf>,
    #[command(flatten)]
    select: SelectArgs,
    /// Table; may be left out where a partition has one.
    #[arg(long, value_name = "TABLE")]
    table: Option<String>,
    /// Columns, separated by commas; all by default.
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    columns: Vec<String>,
}

/// How rows are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum RowFormat {
    /// Comma-separated, times in ns, missing cells empty.
    Csv,
    /// One JSON object a line; decimals, u64 and times as exact numbers, missing cells null.
    Ndjson,
    /// For people, times in UTC.
    Table,
}

pub(crate) fn run_cat(args: &CatArgs, output: &Output) -> Result<()> {
    print(&args.rows, args.format, args.limit.unwrap_or(u64::MAX), output)
}

pub(crate) fn run_head(args: &HeadArgs, output: &Output) -> Result<()> {
    let format = match (args.format, output.style) {
        (RowFormat::Table, Style::Json) => RowFormat::Ndjson,
        (format, _) => format,
    };
    print(&args.rows, format, args.limit, output)
}

fn print(args: &RowArgs, format: RowFormat, limit: u64, output: &Output) -> Result<()> {
    let times = if format == RowFormat::Table { Times::Iso } else { Times::Nanos };
    let mut rows = Rows::new(&args.columns, args.select.clocks(), times);
    let mut printer = Printer::new(format, limit);
    if let Some(file) = &args.file {
        printer.table(&mut rows, &[open_file(file)?])?;
        return printer.finish(output);
    }
    let store = args.select.open()?;
    let tree = args.select.tree(&store)?;
    let table = match &args.table {
        Some(table) => table.clone(),
        None => only_table(args, &store, &tree)?,
    };
    let mut found = false;
    for key in args.select.keys(&store, &tree)? {
        let readers = open_table(&store, &tree, &key, &table)?;
        found |= !readers.is_empty();
        if !printer.table(&mut rows, &readers)? {
            break;
        }
    }
    if !found {
        return Err(Error::usage(format!("no partition has a table {table}"), "see `hftcol ls`"));
    }
    printer.finish(output)
}

/// The one table of the wanted partitions.
fn only_table(args: &RowArgs, store: &Store, tree: &Tree) -> Result<String> {
    let filter = args.select.filter()?;
    let listing = store.listing(tree)?;
    let mut names: Vec<&str> = listing.iter().filter(|l| filter.pass(&l.key)).map(|l| l.table.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    match names[..] {
        [one] => Ok(one.to_owned()),
        [] => Err(Error::usage("no partition matches", "see `hftcol ls`")),
        _ => Err(Error::usage("which table?", format!("give --table, one of {}", names.join(", ")))),
    }
}

/// Prints rows of tables with the same columns.
struct Printer {
    format: RowFormat,
    left: u64,
    names: Vec<String>,
    /// For NDJSON: whether the column's cells are quoted.
    quoted: Vec<bool>,
    out: BufWriter<io::Stdout>,
    grid: Vec<Vec<String>>,
}

impl Printer {
    fn new(format: RowFormat, limit: u64) -> Self {
        let out = BufWriter::with_capacity(1 << 16, io::stdout());
        Self { format, left: limit, names: Vec::new(), quoted: Vec::new(), out, grid: Vec::new() }
    }

    /// Prints the rows of a table's segments; false when no more rows are wanted.
    fn table(&mut self, rows: &mut Rows, readers: &[TableReader]) -> Result<bool> {
        for reader in readers {
            self.header(rows, reader)?;
            if self.left == 0 || !rows.visit(reader, &mut |cells| self.row(cells))? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// A CSV has one header: tables whose columns differ begin a new one after a blank line.
    fn header(&mut self, rows: &Rows, reader: &TableReader) -> Result<()> {
        let schema = &reader.header().schema.columns;
        let columns = rows.columns(reader)?;
        let names: Vec<String> = columns.iter().map(|c| schema[*c].name.clone()).collect();
        self.quoted = columns.iter().map(|c| schema[*c].logical_type == LogicalType::Text).collect();
        if names == self.names {
            return Ok(());
        }
        let first = self.names.is_empty();
        if self.format == RowFormat::Table {
            self.flush_grid()?;
        }
        self.names = names;
        if self.format == RowFormat::Csv {
            let blank = if first { "" } else { "\n" };
            let line = self.names.join(",");
            writeln!(self.out, "{blank}{line}").map_err(stdout_error)?;
        }
        Ok(())
    }

    fn row(&mut self, cells: &[Option<String>]) -> Result<bool> {
        match self.format {
            RowFormat::Csv => write_csv(&mut self.out, cells).map_err(stdout_error)?,
            RowFormat::Ndjson => {
                let line = json_line(&self.names, &self.quoted, cells);
                writeln!(self.out, "{line}").map_err(stdout_error)?;
            }
            RowFormat::Table => {
                let text = |cell: &Option<String>| {
                    hftcol::error::Escaped(cell.as_deref().unwrap_or_default().as_bytes()).to_string()
                };
                self.grid.push(cells.iter().map(text).collect());
            }
        }
        self.left -= 1;
        Ok(self.left > 0)
    }

    fn flush_grid(&mut self) -> Result<()> {
        if self.names.is_empty() {
            return Ok(());
        }
        let grid = Grid::of(std::mem::take(&mut self.names), std::mem::take(&mut self.grid));
        let text = grid.table();
        writeln!(self.out, "{text}").map_err(stdout_error)
    }

    fn finish(mut self, output: &Output) -> Result<()> {
        if self.format == RowFormat::Table {
            self.flush_grid()?;
        }
        output.detail("times are UTC; missing cells are empty");
        self.out.flush().map_err(stdout_error)
    }
}

/// One CSV line; a cell is quoted when it must be. A row whose one cell is missing is written as an empty quoted cell,
/// since a blank line is no record.
fn write_csv(out: &mut impl Write, cells: &[Option<String>]) -> io::Result<()> {
    if let [None] = cells {
        return out.write_all(b"\"\"\n");
    }
    for (number, cell) in cells.iter().enumerate() {
        if number > 0 {
            out.write_all(b",")?;
        }
        let Some(text) = cell else { continue };
        if text.is_empty() || text.contains([',', '"', '\n', '\r']) {
            write!(out, "\"{}\"", text.replace('"', "\"\""))?;
        } else {
            out.write_all(text.as_bytes())?;
        }
    }
    out.write_all(b"\n")
}

/// One JSON object; numbers stand as their exact text.
fn json_line(names: &[String], quoted: &[bool], cells: &[Option<String>]) -> String {
    let mut line = String::from("{");
    for (number, ((name, quoted), cell)) in names.iter().zip(quoted).zip(cells).enumerate() {
        if number > 0 {
            line.push(',');
        }
        line.push_str(&serde_json::Value::from(name.as_str()).to_string());
        line.push(':');
        match cell {
            None => line.push_str("null"),
            Some(text) if *quoted => line.push_str(&serde_json::Value::from(text.as_str()).to_string()),
            Some(text) => line.push_str(text),
        }
    }
    line.push('}');
    line
}

fn stdout_error(error: io::Error) -> Error {
    Error::io("write", "standard output", error)
}
