//! `hftcol cat` and `hftcol head`: rows as CSV, NDJSON or a table.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::ValueEnum;
use hftcol::error::{Error, Escaped, Result};
use hftcol::export::open_table;
use hftcol::read::TableReader;
use hftcol::sink::rows::{BlockCells, Cell, RowSelection, TextFormat, TextRows, put_float};
use hftcol::store::{Store, Tree};

use crate::io::IoArgs;
use crate::output::{Output, Style};
use crate::select::SelectArgs;
use crate::tables::Grid;
use crate::words::show_time;

/// Bytes of lines that are gathered before they are written.
const BUFFER: usize = 1 << 16;

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
    /// How rows are printed: csv by default, ndjson with --json.
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<RowFormat>,
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
    #[command(flatten)]
    io: IoArgs,
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
    let usual = if output.style == Style::Json { RowFormat::Ndjson } else { RowFormat::Csv };
    print(&args.rows, args.format.unwrap_or(usual), args.limit.unwrap_or(u64::MAX), output)
}

pub(crate) fn run_head(args: &HeadArgs, output: &Output) -> Result<()> {
    let format = match (args.format, output.style) {
        (RowFormat::Table, Style::Json) => RowFormat::Ndjson,
        (format, _) => format,
    };
    print(&args.rows, format, args.limit, output)
}

fn print(args: &RowArgs, format: RowFormat, limit: u64, output: &Output) -> Result<()> {
    let (first, end) = args.select.clocks();
    let mut printer = Printer::new(format, RowSelection::new(&args.columns, first, end), limit);
    if let Some(file) = &args.file {
        printer.table(&[args.io.table(file)?])?;
        return printer.finish(output);
    }
    let store = args.io.store(args.select.root()?)?;
    let tree = args.select.tree(&store)?;
    let table = match &args.table {
        Some(table) => table.clone(),
        None => only_table(args, &store, &tree)?,
    };
    let mut found = false;
    for key in args.select.keys(&store, &tree)? {
        let readers = open_table(&store, &tree, &key, &table)?;
        found |= !readers.is_empty();
        if !printer.table(&readers)? {
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
    selection: RowSelection,
    left: u64,
    names: Vec<String>,
    cells: BlockCells,
    lines: Vec<u8>,
    grid: Vec<Vec<String>>,
}

impl Printer {
    fn new(format: RowFormat, selection: RowSelection, limit: u64) -> Self {
        let (names, lines, grid) = (Vec::new(), Vec::new(), Vec::new());
        Self { format, selection, left: limit, names, cells: BlockCells::default(), lines, grid }
    }

    /// Prints the rows of a table's segments; false when no more rows are wanted.
    fn table(&mut self, readers: &[TableReader]) -> Result<bool> {
        for reader in readers {
            let columns = self.selection.columns(reader)?;
            let kind = if self.format == RowFormat::Ndjson { TextFormat::Ndjson } else { TextFormat::Csv };
            let text = TextRows::new(kind, reader, &columns);
            self.header(&text)?;
            if self.left == 0 {
                return Ok(false);
            }
            let Self { format, selection, left, cells, lines, grid, .. } = self;
            let more = selection.visit(reader, cells, &mut |cells, row| {
                match format {
                    RowFormat::Table => grid.push((0..columns.len()).map(|c| shown(cells.cell(c, row))).collect()),
                    RowFormat::Csv | RowFormat::Ndjson => text.row(cells, row, lines),
                }
                if lines.len() >= BUFFER {
                    flush(lines)?;
                }
                *left -= 1;
                Ok(*left > 0)
            })?;
            if !more {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// A CSV has one header: tables whose columns differ begin a new one after a blank line.
    fn header(&mut self, text: &TextRows) -> Result<()> {
        if self.names == text.names() {
            return Ok(());
        }
        if self.format == RowFormat::Table {
            self.flush_grid()?;
        } else if self.format == RowFormat::Csv {
            if !self.names.is_empty() {
                self.lines.push(b'\n');
            }
            text.header(&mut self.lines);
        }
        self.names = text.names().to_vec();
        Ok(())
    }

    fn flush_grid(&mut self) -> Result<()> {
        if self.names.is_empty() {
            return Ok(());
        }
        let grid = Grid::of(std::mem::take(&mut self.names), std::mem::take(&mut self.grid));
        self.lines.extend_from_slice(grid.table().as_bytes());
        self.lines.push(b'\n');
        flush(&mut self.lines)
    }

    fn finish(mut self, output: &Output) -> Result<()> {
        if self.format == RowFormat::Table {
            self.flush_grid()?;
        }
        output.detail("times are UTC; missing cells are empty");
        flush(&mut self.lines)
    }
}

fn flush(lines: &mut Vec<u8>) -> Result<()> {
    let mut out = io::stdout().lock();
    let written = out.write_all(lines).and_then(|()| out.flush());
    lines.clear();
    written.map_err(|e| Error::io("write", "standard output", e))
}

/// A cell for people.
fn shown(cell: Cell<'_>) -> String {
    match cell {
        Cell::Missing => String::new(),
        Cell::Integer(value) => value.to_string(),
        Cell::Unsigned(value) => value.to_string(),
        Cell::Decimal(value) => value.to_string(),
        Cell::Time(at) => show_time(at),
        Cell::Float(value) => {
            let mut text = Vec::new();
            put_float(&mut text, value);
            String::from_utf8_lossy(&text).into_owned()
        }
        Cell::Text(text) => Escaped(text).to_string(),
    }
}
