//! `hftcol inspect`: what a table file is made of.

use std::path::PathBuf;

use hftcol::error::{Error, Escaped, Result};
use hftcol::export::open_table;
use hftcol::format::BlockEntry;
use hftcol::read::TableReader;
use hftcol::schema::{Column, LogicalType};
use hftcol::units::Decimal;

use crate::io::IoArgs;
use crate::output::{Output, Style};
use crate::select::SelectArgs;
use crate::tables::Grid;
use crate::words::{show_bytes, show_time};

/// Show schema, encodings, compression and statistics of table files.
///
/// Examples:
///   hftcol inspect book.00000001.0.hftc --blocks
///   hftcol inspect --store ticks --security BTCUSDT --table book
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// A table file; without it, the chosen partitions of a store.
    file: Option<PathBuf>,
    #[command(flatten)]
    select: SelectArgs,
    #[command(flatten)]
    io: IoArgs,
    /// Only this table.
    #[arg(long, value_name = "TABLE")]
    table: Option<String>,
    /// Show every block.
    #[arg(long)]
    blocks: bool,
}

pub(crate) fn run(args: &Args, output: &Output) -> Result<()> {
    if let Some(file) = &args.file {
        return show(&args.io.table(file)?, args.blocks, output);
    }
    let store = args.io.store(args.select.root()?)?;
    let filter = args.select.filter()?;
    let mut shown = 0;
    for tree in args.select.trees(&store)? {
        for line in store.listing(&tree)? {
            if !filter.pass(&line.key) || args.table.as_ref().is_some_and(|t| *t != line.table) {
                continue;
            }
            for reader in open_table(&store, &tree, &line.key, &line.table)? {
                show(&reader, args.blocks, output)?;
                shown += 1;
            }
        }
    }
    if shown == 0 {
        return Err(Error::usage("nothing matches", "see `hftcol ls`"));
    }
    Ok(())
}

fn show(reader: &TableReader, blocks: bool, output: &Output) -> Result<()> {
    let columns = &reader.header().schema.columns;
    let summaries: Vec<Summary> = (0..columns.len()).map(|c| Summary::of(reader, c)).collect();
    if output.style == Style::Json {
        return output.json(&as_json(reader, &summaries, blocks));
    }
    output.line(facts(reader, &summaries))?;
    let mut grid =
        Grid::new(["column", "type", "scale", "nulls", "encodings", "bytes", "bytes/row", "ratio", "min", "max"]);
    for (column, summary) in columns.iter().zip(&summaries) {
        let scale = if column.logical_type == LogicalType::Decimal { column.scale.to_string() } else { String::new() };
        grid.row([
            column.name.clone(),
            column.logical_type.name().to_owned(),
            scale,
            summary.nulls.to_string(),
            summary.encodings(),
            summary.bytes.to_string(),
            format!("{:.3}", summary.bytes as f64 / reader.rows().max(1) as f64),
            format!("{:.1}", summary.plain_bytes as f64 / summary.bytes.max(1) as f64),
            summary.min.clone(),
            summary.max.clone(),
        ]);
    }
    output.line(grid.text(output))?;
    if blocks {
        output.line(block_grid(reader).text(output))?;
    }
    Ok(())
}

/// What the index says of one column.
#[derive(Debug, Default)]
struct Summary {
    nulls: u64,
    bytes: u64,
    plain_bytes: u64,
    /// Blocks by encoding.
    blocks: Vec<(&'static str, usize)>,
    min: String,
    max: String,
}

impl Summary {
    fn of(reader: &TableReader, column: usize) -> Self {
        let mut summary = Self::default();
        let kind = &reader.header().schema.columns[column];
        let (mut low, mut high): (Option<&BlockEntry>, Option<&BlockEntry>) = (None, None);
        for block in 0..reader.block_count() {
            let entry = reader.entry(block, column);
            summary.nulls += u64::from(entry.nulls);
            summary.bytes += u64::from(entry.length);
            summary.plain_bytes += u64::from(entry.rows) * kind.logical_type.plain_width() as u64;
            match summary.blocks.iter_mut().find(|b| b.0 == entry.encoding.name()) {
                Some(known) => known.1 += 1,
                None => summary.blocks.push((entry.encoding.name(), 1)),
            }
            if entry.nulls < entry.rows && kind.logical_type != LogicalType::Text {
                low = Some(low.filter(|e| !is_less(kind, entry.min, e.min)).unwrap_or(entry));
                high = Some(high.filter(|e| !is_less(kind, e.max, entry.max)).unwrap_or(entry));
            }
        }
        summary.min = low.map(|e| value_text(kind, e.min)).unwrap_or_default();
        summary.max = high.map(|e| value_text(kind, e.max)).unwrap_or_default();
        summary
    }

    fn encodings(&self) -> String {
        let parts: Vec<String> = self.blocks.iter().map(|(name, count)| format!("{name} {count}")).collect();
        parts.join(", ")
    }
}

fn is_less(column: &Column, a: u64, b: u64) -> bool {
    match column.logical_type {
        LogicalType::U64 => a < b,
        LogicalType::F64 => f64::from_bits(a) < f64::from_bits(b),
        _ => a.cast_signed() < b.cast_signed(),
    }
}

/// A statistic as a value of its column.
fn value_text(column: &Column, bits: u64) -> String {
    match column.logical_type {
        LogicalType::U64 => bits.to_string(),
        LogicalType::F64 => f64::from_bits(bits).to_string(),
        LogicalType::Ts => show_time(bits.cast_signed()),
        LogicalType::Decimal => Decimal { mantissa: bits.cast_signed(), scale: column.scale }.to_string(),
        _ => bits.cast_signed().to_string(),
    }
}

fn facts(reader: &TableReader, summaries: &[Summary]) -> String {
    let (header, footer) = (reader.header(), reader.footer());
    let bytes: u64 = summaries.iter().map(|s| s.bytes).sum();
    let inputs: Vec<String> = footer.inputs.iter().map(|digest| format!("{digest:032x}")).collect();
    format!(
        "table {} of {} {} {}, generation {}, segment {}, channel {}\n\
         {} rows from row {}, ordered by {}, zone {}, dates in {}\n\
         {} of values ({:.2} bytes/row), blocks of {} rows, {} a group\n\
         content {:032x}, identity {:032x}\nfingerprint {:032x}, inputs [{}]",
        header.table,
        Escaped(header.key.venue.as_bytes()),
        Escaped(header.key.security.as_bytes()),
        header.key.date,
        header.generation,
        header.segment,
        if header.channel.is_empty() { Escaped(b"-") } else { Escaped(header.channel.as_bytes()) },
        footer.rows,
        header.first_row,
        header.clock.name(),
        header.tz,
        header.date_tz,
        show_bytes(bytes),
        bytes as f64 / footer.rows.max(1) as f64,
        header.block_rows,
        header.group_blocks,
        footer.content_digest,
        footer.identity,
        footer.fingerprint,
        inputs.join(", "),
    )
}

fn block_grid(reader: &TableReader) -> Grid {
    let mut grid = Grid::new(["block", "column", "offset", "bytes", "rows", "nulls", "encoding", "crc", "min", "max"]);
    for block in 0..reader.block_count() {
        for (number, column) in reader.header().schema.columns.iter().enumerate() {
            let entry = reader.entry(block, number);
            grid.row([
                block.to_string(),
                column.name.clone(),
                entry.offset.to_string(),
                entry.length.to_string(),
                entry.rows.to_string(),
                entry.nulls.to_string(),
                entry.encoding.name().to_owned(),
                format!("{:08x}", entry.crc),
                value_text(column, entry.min),
                value_text(column, entry.max),
            ]);
        }
    }
    grid
}

fn as_json(reader: &TableReader, summaries: &[Summary], blocks: bool) -> serde_json::Value {
    let (header, footer) = (reader.header(), reader.footer());
    let columns: Vec<serde_json::Value> = header.schema.columns.iter().zip(summaries).map(column_json).collect();
    let mut value = serde_json::json!({
        "table": header.table,
        "venue": header.key.venue,
        "security": header.key.security,
        "date": header.key.date.to_string(),
        "channel": header.channel,
        "generation": header.generation,
        "segment": header.segment,
        "first_row": header.first_row,
        "rows": footer.rows,
        "clock": header.clock.name(),
        "tz": header.tz,
        "date_tz": header.date_tz,
        "block_rows": header.block_rows,
        "group_blocks": header.group_blocks,
        "identity": format!("{:032x}", footer.identity),
        "content_digest": format!("{:032x}", footer.content_digest),
        "fingerprint": format!("{:032x}", footer.fingerprint),
        "inputs": footer.inputs.iter().map(|digest| format!("{digest:032x}")).collect::<Vec<_>>(),
        "notes": footer.notes,
        "columns": columns,
    });
    if blocks {
        let entries = (0..reader.block_count())
            .flat_map(|block| (0..header.schema.columns.len()).map(move |column| (block, column)))
            .map(|(block, column)| {
                let e = reader.entry(block, column);
                serde_json::json!({"block": block, "column": column, "offset": e.offset, "bytes": e.length,
                    "rows": e.rows, "nulls": e.nulls, "encoding": e.encoding.name(), "crc": e.crc})
            });
        value["blocks"] = entries.collect();
    }
    value
}

fn column_json((column, summary): (&Column, &Summary)) -> serde_json::Value {
    serde_json::json!({
        "name": column.name,
        "type": column.logical_type.name(),
        "scale": column.scale,
        "nullable": column.nullable,
        "nulls": summary.nulls,
        "bytes": summary.bytes,
        "min": summary.min,
        "max": summary.max,
        "encodings": summary.blocks.iter().map(|(name, count)| (*name, *count)).collect::<std::collections::BTreeMap<_, _>>(),
    })
}
