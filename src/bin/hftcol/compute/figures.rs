//! The figures of a run by name, for plain lines and JSON: of each partition, and the totals, which are their sums.

use std::fmt::Write;
use std::time::Duration;

use hftcol::compute::{ComputeReport, PartitionOutcome, State, TableEstimate};
use hftcol::error::Escaped;
use hftcol::feature;
use hftcol::schema::Clock;
use hftcol::store::partition_name;
use serde_json::{Value, json};

pub(super) fn state_word(state: &State) -> &'static str {
    match state {
        State::Pending => "pending",
        State::UpToDate => "up to date",
        State::Skipped(_) => "skipped",
        State::Done => "done",
        State::Failed(_) => "failed",
    }
}

pub(super) fn reason(state: &State) -> Option<&str> {
    match state {
        State::Skipped(reason) | State::Failed(reason) => Some(reason),
        _ => None,
    }
}

pub(super) fn rows_out(partition: &PartitionOutcome) -> u64 {
    feature_tables(partition).map(|(_, rows)| rows).sum()
}

/// The tables written; words of a state are no rows of features.
fn feature_tables(partition: &PartitionOutcome) -> impl Iterator<Item = (&str, u64)> {
    let tables = partition.rows_out.iter().filter(|(table, _)| table != feature::STATE_TABLE);
    tables.map(|(table, rows)| (table.as_str(), *rows))
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A figure: its name, and its value in a partition.
type Figure = (&'static str, fn(&PartitionOutcome) -> u64);

/// What is counted of the snapshots, where a selected table needs them.
const OF_BOOK: &[Figure] = &[
    ("two_sided", |p| p.merge.two_sided),
    ("one_sided", |p| p.merge.one_sided),
    ("book_skipped_duplicate", |p| p.merge.book_faults.skipped),
    ("locked", |p| p.merge.locked),
    ("crossed", |p| p.merge.crossed),
    ("equal_clocks", |p| p.merge.equal_clocks),
    ("gaps", |p| p.merge.gaps),
    ("book_duplicates", |p| p.merge.book_faults.duplicates),
    ("book_out_of_order", |p| p.merge.book_faults.out_of_order),
    ("trades_used", |p| p.merge.trades_used),
    ("trades_after_last", |p| p.merge.trades_after_last),
];

/// What is counted of every partition that was computed.
const OF_ALL: &[Figure] = &[
    ("trade_skipped_duplicate", |p| p.merge.trade_faults.skipped),
    ("trade_duplicates", |p| p.merge.trade_faults.duplicates),
    ("trade_out_of_order", |p| p.merge.trade_faults.out_of_order),
    ("bytes_in", |p| p.bytes_in),
    ("bytes_out", |p| p.bytes_out),
    ("wall_ms", |p| milliseconds(p.wall)),
    ("cpu_ms", |p| milliseconds(p.cpu)),
];

/// The figures of a partition by name.
fn figures(p: &PartitionOutcome) -> Vec<(String, u64)> {
    let mut figures =
        vec![("book_rows_in".to_owned(), p.book_rows_in()), ("trade_rows_in".to_owned(), p.trade_rows_in())];
    if p.change_rows_in() > 0 {
        figures.push(("change_rows_in".to_owned(), p.change_rows_in()));
    }
    if p.state == State::Done {
        figures.extend(feature_tables(p).map(|(table, rows)| (format!("{table}_rows_out"), rows)));
        let of_book = if p.merge.was_read { OF_BOOK } else { &[] };
        figures.extend(of_book.iter().chain(OF_ALL).map(|(key, of)| ((*key).to_owned(), of(p))));
    }
    figures
}

pub(super) fn plain_line(p: &PartitionOutcome) -> String {
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

pub(super) fn partition_json(p: &PartitionOutcome) -> Value {
    let figures: serde_json::Map<String, Value> = figures(p).into_iter().map(|(k, v)| (k, json!(v))).collect();
    json!({
        "event": "partition", "venue": p.key.venue, "security": p.key.security, "date": p.key.date.to_string(),
        "state": state_word(&p.state), "reason": reason(&p.state), "book": p.book_table,
        "clock": p.clock.map(Clock::name), "attempts": p.attempts, "figures": figures,
    })
}

/// The totals by name. Rows in are of all partitions that passed the filter; what is counted in rows is of those done.
pub(super) fn totals(report: &ComputeReport) -> Vec<(String, u64)> {
    let sum = |of: &dyn Fn(&PartitionOutcome) -> u64| report.partitions.iter().map(of).sum::<u64>();
    let count = |wanted: &dyn Fn(&State) -> bool| report.count(wanted) as u64;
    let mut totals = [
        ("partitions", report.partitions.len() as u64),
        ("done", count(&|s| *s == State::Done)),
        ("up_to_date", count(&|s| *s == State::UpToDate)),
        ("skipped", count(&|s| matches!(s, State::Skipped(_)))),
        ("pending", count(&|s| *s == State::Pending)),
        ("failed", report.failed() as u64),
        ("book_rows_in", sum(&PartitionOutcome::book_rows_in)),
        ("trade_rows_in", sum(&PartitionOutcome::trade_rows_in)),
        ("change_rows_in", sum(&PartitionOutcome::change_rows_in)),
        ("rows_out", sum(&rows_out)),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .to_vec();
    let done: Vec<&PartitionOutcome> = report.partitions.iter().filter(|p| p.state == State::Done).collect();
    let mut tables: Vec<&str> = done.iter().flat_map(|p| feature_tables(p).map(|(table, _)| table)).collect();
    tables.sort_unstable();
    tables.dedup();
    for table in tables {
        let rows =
            done.iter().flat_map(|p| feature_tables(p)).filter(|(name, _)| *name == table).map(|(_, rows)| rows).sum();
        totals.push((format!("{table}_rows_out"), rows));
    }
    // Tables are selected for the whole run: the book is read of every partition, or of none.
    let of_book = if done.iter().all(|p| p.merge.was_read) { OF_BOOK } else { &[] };
    let summed = of_book.iter().chain(OF_ALL).filter(|(key, _)| !key.ends_with("_ms"));
    totals.extend(summed.map(|(key, of)| ((*key).to_owned(), done.iter().map(|p| of(p)).sum())));
    let rest = [
        ("threads", report.threads as u64),
        ("arena_bytes", report.arena_bytes),
        ("anonymous_peak_bytes", report.peak_anonymous_bytes),
        ("anonymous_bytes_per_worker", report.anonymous_bytes_per_worker()),
        ("wall_ms", milliseconds(report.wall)),
        ("cpu_ms", milliseconds(report.cpu)),
    ];
    totals.extend(rest.map(|(key, value)| (key.to_owned(), value)));
    if let Some(estimate) = &report.estimate {
        let planned = [
            ("estimated_cpu_ms", milliseconds(estimate.cpu)),
            ("estimated_bytes_out", estimate.bytes_out),
            ("planned_bytes_per_worker", estimate.bytes_per_worker),
            ("planned_bytes", estimate.bytes_total),
        ];
        totals.extend(planned.map(|(key, value)| (key.to_owned(), value)));
    }
    totals
}

/// A line a table that a dry run plans: name, columns, partitions, rows at most.
pub(super) fn planned_json(report: &ComputeReport) -> Vec<Value> {
    let tables = report.estimate.iter().flat_map(|estimate| &estimate.tables);
    let line = |of: &TableEstimate| {
        json!({
            "event": "planned", "table": of.name, "columns": of.columns, "partitions": of.partitions,
            "rows_at_most": of.rows,
        })
    };
    tables.map(line).collect()
}

pub(super) fn planned_lines(report: &ComputeReport) -> Vec<String> {
    let tables = report.estimate.iter().flat_map(|estimate| &estimate.tables);
    let line = |of: &TableEstimate| {
        format!("planned {} columns={} partitions={} rows_at_most={}", of.name, of.columns, of.partitions, of.rows)
    };
    tables.map(line).collect()
}

pub(super) fn totals_json(report: &ComputeReport) -> Value {
    let mut value = serde_json::Map::new();
    value.insert("event".to_owned(), json!("total"));
    value.extend(totals(report).into_iter().map(|(key, number)| (key, json!(number))));
    value.insert("pinned".to_owned(), json!(report.pinned.iter().map(ToString::to_string).collect::<Vec<_>>()));
    Value::Object(value)
}

pub(super) fn plain_totals(report: &ComputeReport) -> String {
    let mut line = "total".to_owned();
    for (key, value) in totals(report) {
        let _ = write!(line, " {key}={value}");
    }
    line
}
