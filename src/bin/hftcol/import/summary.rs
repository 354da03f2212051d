//! The summary of an import: sources, tables, and where every record went.

use hftcol::error::{Escaped, EscapedPath, Result};
use hftcol::import::{ImportReport, Preview, PreviewTable, SourceReport, SourceState};
use hftcol::store::{NameKind, escape};
use serde_json::{Value, json};

use crate::output::{Output, Style};
use crate::tables::Grid;
use crate::words::show_bytes;

/// Levels of a book that a preview shows.
const PREVIEW_LEVELS: u16 = 2;

/// Prints the report: JSON on standard output, or text for people on standard error with `--plain`, else on standard output.
pub(super) fn print(report: &ImportReport, output: &Output) -> Result<()> {
    match output.style {
        Style::Json => output.json(&as_json(report)),
        // Standard output holds the `published` lines alone.
        Style::Plain => {
            output.note(text(report, output));
            Ok(())
        }
        Style::Table if output.quiet => Ok(()),
        Style::Table => output.line(text(report, output)),
    }
}

fn text(report: &ImportReport, output: &Output) -> String {
    let mut lines = Vec::new();
    let mut sources = Grid::new(["source", "dialect", "records", "stored", "rejected", "skipped", "state"]);
    for source in &report.sources {
        let skipped: u64 = source.skipped.values().sum();
        sources.row([
            source.path.file_name().map_or("-".to_owned(), |name| Escaped(name.as_encoded_bytes()).to_string()),
            source.dialect.clone(),
            source.records.to_string(),
            source.stored.to_string(),
            source.rejected.to_string(),
            skipped.to_string(),
            state(source),
        ]);
    }
    lines.push(sources.text(output));
    let mut tables = Grid::new(["table", "partitions", "rows", "duplicates", "out of order", "latest by"]);
    for (table, t) in &report.tables {
        tables.row([
            table.name().to_owned(),
            t.partitions.to_string(),
            t.rows.to_string(),
            t.duplicates.to_string(),
            t.out_of_order.to_string(),
            if t.latest_ns == 0 { String::new() } else { format!("{:.6} s", t.latest_ns as f64 / 1e9) },
        ]);
    }
    if !tables.is_empty() {
        lines.push(tables.text(output));
    }
    lines.extend(details(report));
    lines.join("\n")
}

/// Rules, skipped records by rule, notes, warnings, quarantine and the totals.
fn details(report: &ImportReport) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rules: Vec<&str> = report.sources.iter().map(|s| s.record_rule).collect();
    rules.sort_unstable();
    rules.dedup();
    lines.extend(rules.iter().map(|rule| format!("records become rows: {rule}")));
    let mut counts: Vec<(String, u64)> = Vec::new();
    let named = report.sources.iter().flat_map(|s| {
        let skipped = s.skipped.iter().map(|(rule, n)| (format!("records skipped, {rule}"), *n));
        skipped.chain(s.notes.iter().map(|(fact, n)| ((*fact).to_owned(), *n)))
    });
    for (name, n) in named {
        match counts.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += n,
            None => counts.push((name, n)),
        }
    }
    lines.extend(counts.iter().map(|(name, n)| format!("{name}: {n}")));
    let already: u64 = report.sources.iter().flat_map(|s| s.rows.values()).map(|rows| rows.already).sum();
    let overlapping: u64 = report.sources.iter().flat_map(|s| s.rows.values()).map(|rows| rows.overlapping).sum();
    if already > 0 {
        lines.push(format!("rows already imported: {already}"));
    }
    if overlapping > 0 {
        lines.push(format!(
            "rows left out, in the time range of stored rows or equal to one (--overlap): {overlapping}"
        ));
    }
    let duplicate: u64 = report.sources.iter().flat_map(|s| s.rows.values()).map(|rows| rows.duplicate).sum();
    if duplicate > 0 {
        lines.push(format!("rows skipped, duplicate (--dedupe): {duplicate}"));
    }
    let replaced: u64 = report.tables.values().map(|table| table.replaced).sum();
    if replaced > 0 {
        lines.push(format!("stored rows that gave way (--overlap replace): {replaced}"));
    }
    for (key, reason) in &report.refused {
        let (venue, security) = (escape(NameKind::Venue, &key.venue), escape(NameKind::Security, &key.security));
        lines.push(format!("left as it is: {venue} {security} {}: {}", key.date, Escaped(reason.as_bytes())));
    }
    lines.extend(report.quarantine.iter().map(|name| format!("rejected records: quarantine/{name}")));
    let parsed: u64 = report.sources.iter().flat_map(|s| s.rows.values()).map(|rows| rows.parsed).sum();
    if parsed > report.encoded_rows {
        lines.push(format!("rows sorted and merged: {} of {parsed}", parsed - report.encoded_rows));
    }
    if report.spilled_bytes > 0 {
        lines.push(format!("written to scratch files: {}", show_bytes(report.spilled_bytes)));
    }
    lines.push(format!(
        "{} partitions published, {} up to date; {} records, every one accounted for; read in {:.2} s, written in {:.2} s, \
         peak memory {}",
        report.published,
        report.up_to_date,
        report.records(),
        report.read_time.as_secs_f64(),
        report.write_time.as_secs_f64(),
        show_bytes(report.peak_memory)
    ));
    lines
}

fn state(source: &SourceReport) -> String {
    match &source.state {
        SourceState::Corrupt(reason) => format!("corrupt: {}", Escaped(reason.as_bytes())),
        SourceState::SameAs(other) => format!("same content as source {}", other + 1),
        SourceState::Read => {
            let (parsed, already) =
                source.rows.values().fold((0, 0), |(p, a), rows| (p + rows.parsed, a + rows.already));
            let state = if parsed > 0 && already == parsed { "already imported" } else { "read" };
            state.to_owned()
        }
    }
}

fn as_json(report: &ImportReport) -> Value {
    let sources: Vec<Value> = report
        .sources
        .iter()
        .map(|s| {
            let rows: serde_json::Map<String, Value> = s
                .rows
                .iter()
                .map(|(table, r)| {
                    let fates = json!({"parsed": r.parsed, "stored": r.stored, "already_imported": r.already,
                        "overlapping": r.overlapping, "duplicate": r.duplicate, "refused": r.refused, "inexact": r.inexact, "dropped": r.dropped});
                    (table.name().to_owned(), fates)
                })
                .collect();
            json!({"path": EscapedPath(&s.path).to_string(), "dialect": s.dialect, "digest": format!("{:032x}", s.digest),
                "bytes": s.bytes, "records": s.records, "stored": s.stored, "rejected": s.rejected, "skipped": s.skipped,
                "notes": s.notes, "rows": rows, "state": state(s), "record_rule": s.record_rule})
        })
        .collect();
    let tables: serde_json::Map<String, Value> = report
        .tables
        .iter()
        .map(|(table, t)| {
            let facts = json!({"rows": t.rows, "partitions": t.partitions, "duplicates": t.duplicates,
                "replaced": t.replaced, "out_of_order": t.out_of_order, "latest_ns": t.latest_ns});
            (table.name().to_owned(), facts)
        })
        .collect();
    let refused: Vec<Value> = report
        .refused
        .iter()
        .map(|(key, reason)| {
            json!({"venue": key.venue, "security": key.security, "date": key.date.to_string(), "reason": reason})
        })
        .collect();
    json!({"event": "imported", "sources": sources, "tables": tables, "published": report.published,
        "up_to_date": report.up_to_date, "refused": refused, "quarantine": report.quarantine,
        "records": report.records(), "rejected": report.rejected(), "spilled_bytes": report.spilled_bytes,
        "encoded_rows": report.encoded_rows,
        "read_seconds": report.read_time.as_secs_f64(), "write_seconds": report.write_time.as_secs_f64(),
        "peak_memory": report.peak_memory})
}

/// Prints what an import would do.
pub(super) fn preview(previews: &[Preview], output: &Output) -> Result<()> {
    for p in previews {
        if output.style == Style::Json {
            output.json(&preview_json(p))?;
            continue;
        }
        output.line(format_args!("{}: {} ({})", EscapedPath(&p.path), p.dialect, Escaped(p.reason.as_bytes())))?;
        output.line(format_args!("  records become rows: {}", p.record_rule))?;
        output.line(format_args!("  first {} records, {} rejected", p.records, p.rejected.0))?;
        if let Some(reason) = &p.rejected.1 {
            output.line(format_args!("  first reason: {}", Escaped(reason.as_bytes())))?;
        }
        for table in &p.tables {
            output.line(format_args!("  {}:", table.table.name()))?;
            for (key, rows) in &table.partitions {
                let (venue, security) =
                    (escape(NameKind::Venue, &key.venue), escape(NameKind::Security, &key.security));
                output.line(format_args!("    {venue} {security} {}: {rows} rows so far", key.date))?;
            }
            output.line(preview_rows(table, output))?;
        }
    }
    Ok(())
}

/// The first rows; of a deep book the best levels, and how many more there are.
fn preview_rows(table: &PreviewTable, output: &Output) -> String {
    let is_shown = |name: &str| level(name).is_none_or(|level| level < PREVIEW_LEVELS);
    let shown: Vec<usize> = (0..table.columns.len()).filter(|at| is_shown(&table.columns[*at].0)).collect();
    let (names, kinds): (Vec<String>, Vec<String>) = shown.iter().map(|at| table.columns[*at].clone()).unzip();
    let cells = |row: &Vec<String>| shown.iter().map(|at| row.get(*at).cloned().unwrap_or_default()).collect();
    let grid = Grid::of(names, table.rows.iter().map(cells).collect());
    let grid = if output.style == Style::Plain { grid } else { grid.beneath(&kinds) };
    let text = grid.text(output);
    match (table.columns.len() - shown.len(), table.columns.iter().filter_map(|(name, _)| level(name)).max()) {
        (hidden @ 1.., Some(last)) => {
            format!(
                "{text}\n    and {hidden} columns of the levels {PREVIEW_LEVELS:02} to {last:02} (--json shows them)"
            )
        }
        _ => text,
    }
}

/// The level that a column's name ends with.
fn level(name: &str) -> Option<u16> {
    let (part, level) = name.rsplit_once('_')?;
    ["bid_px", "bid_sz", "ask_px", "ask_sz"].contains(&part).then(|| level.parse().ok())?
}

fn preview_json(p: &Preview) -> Value {
    let tables: Vec<Value> = p
        .tables
        .iter()
        .map(|t| {
            let partitions: Vec<Value> = t
                .partitions
                .iter()
                .map(|(key, rows)| {
                    json!({"venue": key.venue, "security": key.security, "date": key.date.to_string(), "rows": rows})
                })
                .collect();
            json!({"table": t.table.name(), "columns": t.columns, "partitions": partitions, "rows": t.rows})
        })
        .collect();
    json!({"path": EscapedPath(&p.path).to_string(), "dialect": p.dialect, "reason": p.reason, "records": p.records,
        "rejected": p.rejected.0, "tables": tables})
}
