//! `hftcol ls`: what is stored.

use hftcol::error::Result;
use hftcol::export::open_table;
use hftcol::format::BlockEntry;
use hftcol::read::TableReader;
use hftcol::store::{Store, TableListing};

use crate::io::IoArgs;
use crate::output::{Output, Style};
use crate::select::{SelectArgs, tree_name};
use crate::tables::Grid;
use crate::words::{show_bytes, show_time};

/// List stored partitions with their tables, rows, bytes and time ranges.
///
/// Examples:
///   hftcol ls --store ticks --venue binance --from 2024-08-01
///   hftcol ls --store ticks --digest
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    #[command(flatten)]
    select: SelectArgs,
    #[command(flatten)]
    io: IoArgs,
    /// Print one sorted line a unit: table (of features: set/table), venue, security, date, rows, content digest; no paths,
    /// no times.
    #[arg(long)]
    digest: bool,
}

pub(crate) fn run(args: &Args, output: &Output) -> Result<()> {
    let store = args.io.store(args.select.root()?)?;
    let filter = args.select.filter()?;
    let mut listing = Vec::new();
    for tree in args.select.trees(&store)? {
        listing.extend(store.listing(&tree)?.into_iter().filter(|line| filter.pass(&line.key)));
    }
    // As JSON every unit is told with its digest anyway.
    if args.digest && output.style != Style::Json {
        let mut lines: Vec<String> = listing.iter().map(TableListing::digest_line).collect();
        lines.sort();
        return lines.iter().try_for_each(|line| output.line(line));
    }
    let mut grid =
        Grid::new(["tree", "venue", "security", "date", "table", "rows", "bytes", "segments", "first", "last"]);
    for line in &listing {
        let range = time_range(&store, line)?;
        if output.style == Style::Json {
            output.json(&as_json(line, range))?;
            continue;
        }
        let bytes = if output.style == Style::Table { show_bytes(line.bytes) } else { line.bytes.to_string() };
        let [first, last] = match range {
            Some((first, last)) => [show_time(first), show_time(last)],
            None => [String::new(), String::new()],
        };
        grid.row([
            tree_name(&line.tree),
            line.key.venue.clone(),
            line.key.security.clone(),
            line.key.date.to_string(),
            line.table.clone(),
            line.rows.to_string(),
            bytes,
            line.segments.to_string(),
            first,
            last,
        ]);
    }
    match (output.style, grid.is_empty()) {
        (Style::Json, _) => Ok(()),
        (_, true) => {
            output.note("no partitions");
            Ok(())
        }
        (_, false) => output.line(grid.text(output)),
    }
}

/// First and last clock of a table, from the statistics in its footers.
fn time_range(store: &Store, line: &TableListing) -> Result<Option<(i64, i64)>> {
    let mut range: Option<(i64, i64)> = None;
    for reader in open_table(store, &line.tree, &line.key, &line.table)? {
        for entry in clock_entries(&reader) {
            let (first, last) = (entry.min.cast_signed(), entry.max.cast_signed());
            range = Some(range.map_or((first, last), |(a, b)| (a.min(first), b.max(last))));
        }
    }
    Ok(range)
}

/// The index entries of the clock column: `ts_event` or `ts_recv` by the header, `ts_open` in tables of bars.
fn clock_entries(reader: &TableReader) -> impl Iterator<Item = &BlockEntry> {
    let schema = &reader.header().schema;
    let name = format!("ts_{}", reader.header().clock.name());
    let column = schema.index_of(&name).or_else(|| schema.index_of("ts_open"));
    let blocks = column.map_or(0, |_| reader.block_count());
    let entries = (0..blocks).map(move |block| reader.entry(block, column.unwrap_or(0)));
    entries.filter(|entry| entry.nulls < entry.rows)
}

fn as_json(line: &TableListing, range: Option<(i64, i64)>) -> serde_json::Value {
    serde_json::json!({
        "tree": tree_name(&line.tree),
        "venue": line.key.venue,
        "security": line.key.security,
        "date": line.key.date.to_string(),
        "table": line.table,
        "rows": line.rows,
        "bytes": line.bytes,
        "segments": line.segments,
        "generation": line.generation,
        "digest": format!("{:032x}", line.digest),
        "ts_first": range.map(|r| r.0),
        "ts_last": range.map(|r| r.1),
    })
}
