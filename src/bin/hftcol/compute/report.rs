//! What a run says at its end: a line or table row a partition, and the totals, which must add up.

use std::fmt::Write;
use std::time::Duration;

use comfy_table::{Cell, CellAlignment, Table};
use hftcol::compute::{ComputeOptions, ComputeReport, PartitionOutcome, State};
use hftcol::error::{Escaped, Result};
use hftcol::feature;
use hftcol::schema::Clock;
use hftcol::store::partition_name;
use serde_json::{Value, json};

use crate::output::{Output, Style};

/// Partitions that the table shows without `-v`; failed ones are always shown.
const SHOWN: usize = 40;

/// Prints the report in the style of the output.
pub(super) fn print(report: &ComputeReport, options: &ComputeOptions, output: &Output) -> Result<()> {
    match output.style {
        Style::Json => {
            report.partitions.iter().try_for_each(|p| output.json(&partition_json(p)))?;
            output.json(&totals_json(report))?;
        }
        Style::Plain if output.quiet => return Ok(()),
        Style::Plain => {
            report.partitions.iter().try_for_each(|p| output.line(plain_line(p)))?;
            output.line(plain_totals(report))?;
        }
        Style::Table if output.quiet => return Ok(()),
        Style::Table => {
            print_table(report, output)?;
            print_totals(report, options, output)?;
        }
    }
    if report.partitions.is_empty() {
        output.note("no partition passes the filters; `hftcol ls` shows what the store holds");
    }
    Ok(())
}

fn state_word(state: &State) -> &'static str {
    match state {
        State::Pending => "pending",
        State::UpToDate => "up to date",
        State::Skipped(_) => "skipped",
        State::Done => "done",
        State::Failed(_) => "failed",
    }
}

fn reason(state: &State) -> Option<&str> {
    match state {
        State::Skipped(reason) | State::Failed(reason) => Some(reason),
        _ => None,
    }
}

fn rows_in(partition: &PartitionOutcome, trades: bool) -> u64 {
    partition.rows_in.iter().filter(|(table, _)| (*table == "trades") == trades).map(|(_, rows)| rows).sum()
}

fn rows_out(partition: &PartitionOutcome) -> u64 {
    // Words of a state are no rows of features.
    let tables = partition.rows_out.iter().filter(|(table, _)| table != feature::STATE_TABLE);
    tables.map(|(_, rows)| rows).sum()
}

fn rows_out_of(partition: &PartitionOutcome, wanted: &str) -> u64 {
    partition.rows_out.iter().filter(|(table, _)| table == wanted).map(|(_, rows)| rows).sum()
}

/// The figures of a partition by name, for plain lines and JSON.
fn figures(p: &PartitionOutcome) -> Vec<(String, u64)> {
    let milliseconds = |d: Duration| u64::try_from(d.as_millis()).unwrap_or(u64::MAX);
    let m = &p.merge;
    let mut figures =
        vec![("book_rows_in".to_owned(), rows_in(p, false)), ("trade_rows_in".to_owned(), rows_in(p, true))];
    if p.state == State::Done {
        figures.extend(p.rows_out.iter().map(|(table, rows)| (format!("{table}_rows_out"), *rows)));
        let others = [
            ("two_sided", m.two_sided),
            ("one_sided", m.one_sided),
            ("locked", m.locked),
            ("crossed", m.crossed),
            ("equal_clocks", m.equal_clocks),
            ("gaps", m.gaps),
            ("trades_used", m.trades_used),
            ("trades_after_last", m.trades_after_last),
            ("bytes_in", p.bytes_in),
            ("bytes_out", p.bytes_out),
            ("wall_ms", milliseconds(p.wall)),
            ("cpu_ms", milliseconds(p.cpu)),
        ];
        figures.extend(others.map(|(key, value)| (key.to_owned(), value)));
    }
    figures
}

fn plain_line(p: &PartitionOutcome) -> String {
    let mut line = format!("partition {} state={}", partition_name(&p.key), state_word(&p.state).replace(' ', "-"));
    if let Some(table) = p.book_table {
        let _ = write!(line, " book={table}");
    }
    if let Some(clock) = p.clock {
        let _ = write!(line, " clock={}", clock.name());
    }
    for (key, value) in figures(p) {
        let _ = write!(line, " {key}={value}");
    }
    if let Some(reason) = reason(&p.state) {
        let _ = write!(line, " reason={}", Escaped(reason.as_bytes()));
    }
    line
}

fn partition_json(p: &PartitionOutcome) -> Value {
    let figures: serde_json::Map<String, Value> = figures(p).into_iter().map(|(k, v)| (k, json!(v))).collect();
    json!({
        "event": "partition", "venue": p.key.venue, "security": p.key.security, "date": p.key.date.to_string(),
        "state": state_word(&p.state), "reason": reason(&p.state), "book": p.book_table,
        "clock": p.clock.map(Clock::name), "attempts": p.attempts, "figures": figures,
    })
}

/// The totals by name.
fn totals(report: &ComputeReport) -> Vec<(&'static str, u64)> {
    let sum = |of: &dyn Fn(&PartitionOutcome) -> u64| report.partitions.iter().map(of).sum::<u64>();
    let count = |wanted: &dyn Fn(&State) -> bool| report.count(wanted) as u64;
    vec![
        ("partitions", report.partitions.len() as u64),
        ("done", count(&|s| *s == State::Done)),
        ("up_to_date", count(&|s| *s == State::UpToDate)),
        ("skipped", count(&|s| matches!(s, State::Skipped(_)))),
        ("pending", count(&|s| *s == State::Pending)),
        ("failed", report.failed() as u64),
        ("book_rows_in", sum(&|p| rows_in(p, false))),
        ("trade_rows_in", sum(&|p| rows_in(p, true))),
        ("book_rows_out", sum(&|p| rows_out_of(p, "book"))),
        ("rows_out", sum(&rows_out)),
        ("bytes_in", sum(&|p| if p.state == State::Done { p.bytes_in } else { 0 })),
        ("bytes_out", sum(&|p| p.bytes_out)),
        ("threads", report.threads as u64),
        ("arena_bytes", report.arena_bytes),
        ("anonymous_peak_bytes", report.peak_anonymous_bytes),
        ("anonymous_bytes_per_worker", report.anonymous_bytes_per_worker()),
        ("wall_ms", u64::try_from(report.wall.as_millis()).unwrap_or(u64::MAX)),
        ("cpu_ms", u64::try_from(report.cpu.as_millis()).unwrap_or(u64::MAX)),
    ]
}

fn totals_json(report: &ComputeReport) -> Value {
    let mut value = serde_json::Map::new();
    value.insert("event".to_owned(), json!("total"));
    value.extend(totals(report).into_iter().map(|(key, number)| (key.to_owned(), json!(number))));
    value.insert("pinned".to_owned(), json!(report.pinned.iter().map(ToString::to_string).collect::<Vec<_>>()));
    Value::Object(value)
}

fn plain_totals(report: &ComputeReport) -> String {
    let mut line = "total".to_owned();
    for (key, value) in totals(report) {
        let _ = write!(line, " {key}={value}");
    }
    line
}

fn print_table(report: &ComputeReport, output: &Output) -> Result<()> {
    let all = output.verbose > 0 || report.partitions.len() <= SHOWN;
    let mut table = Table::new();
    table.load_style(comfy_table::presets::UTF8_BORDERS_ONLY);
    table.set_header([
        "venue",
        "security",
        "date",
        "state",
        "book",
        "clock",
        "snapshots",
        "trades",
        "rows out",
        "after last",
        "gaps",
        "crossed",
        "locked",
        "one-sided",
        "wall",
    ]);
    let mut left_out = 0_usize;
    for (position, p) in report.partitions.iter().enumerate() {
        if !all && position >= SHOWN && !matches!(p.state, State::Failed(_)) {
            left_out += 1;
            continue;
        }
        let number = |n: u64| Cell::new(n).set_alignment(CellAlignment::Right);
        let m = &p.merge;
        table.add_row([
            Cell::new(Escaped(p.key.venue.as_bytes())),
            Cell::new(Escaped(p.key.security.as_bytes())),
            Cell::new(p.key.date),
            Cell::new(state_word(&p.state)),
            Cell::new(p.book_table.unwrap_or("-")),
            Cell::new(p.clock.map_or("-", Clock::name)),
            number(rows_in(p, false)),
            number(rows_in(p, true)),
            number(rows_out(p)),
            number(m.trades_after_last),
            number(m.gaps),
            number(m.crossed),
            number(m.locked),
            number(m.one_sided),
            Cell::new(format!("{:.3} s", p.wall.as_secs_f64())).set_alignment(CellAlignment::Right),
        ]);
    }
    if !report.partitions.is_empty() {
        output.line(table)?;
    }
    if left_out > 0 {
        output.note(format_args!("{left_out} more partitions; -v shows all"));
    }
    for p in &report.partitions {
        if let Some(reason) = reason(&p.state) {
            output.note(format_args!(
                "{} {}: {}",
                state_word(&p.state),
                partition_name(&p.key),
                Escaped(reason.as_bytes())
            ));
        }
    }
    Ok(())
}

/// The last lines for people: counts, time, memory; in a dry run what it would cost.
fn print_totals(report: &ComputeReport, options: &ComputeOptions, output: &Output) -> Result<()> {
    let totals: std::collections::BTreeMap<&str, u64> = totals(report).into_iter().collect();
    let get = |key: &str| totals.get(key).copied().unwrap_or(0);
    if options.dry_run {
        let to_do: u64 =
            report.partitions.iter().filter(|p| p.state == State::Pending).map(|p| rows_in(p, false)).sum();
        let columns = feature::select(&options.features)?.len() as u64;
        return output.line(format_args!(
            "would compute {} of {} partitions ({} up to date): {to_do} rows of about {columns} columns, at most {} MiB as \
             hftc; {} workers with {} MiB each",
            get("pending"),
            get("partitions"),
            get("up_to_date"),
            to_do.saturating_mul(columns).saturating_mul(8) >> 20,
            report.threads,
            report.arena_bytes >> 20,
        ));
    }
    output.line(format_args!(
        "{} partitions: {} done, {} up to date, {} skipped, {} failed; {} snapshots and {} trades in, {} rows out, {:.1} MB \
         read, {:.1} MB written",
        get("partitions"),
        get("done"),
        get("up_to_date"),
        get("skipped"),
        get("failed"),
        get("book_rows_in"),
        get("trade_rows_in"),
        get("rows_out"),
        get("bytes_in") as f64 / 1e6,
        get("bytes_out") as f64 / 1e6,
    ))?;
    let pinned = report.pinned.iter().filter(|p| p.got.is_some()).count();
    output.line(format_args!(
        "{:.3} s wall, {:.3} s CPU; {} workers, {pinned} pinned; anonymous memory at most {:.1} MiB, {:.1} MiB a worker",
        report.wall.as_secs_f64(),
        report.cpu.as_secs_f64(),
        report.threads,
        get("anonymous_peak_bytes") as f64 / f64::from(1 << 20),
        get("anonymous_bytes_per_worker") as f64 / f64::from(1 << 20),
    ))
}
