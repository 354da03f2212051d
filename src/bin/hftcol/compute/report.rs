//! What a run says at its end: a line or table row a partition, and the totals, which must add up.

use comfy_table::{Cell, CellAlignment, Table};
use hftcol::compute::{ComputeReport, Estimate, PartitionOutcome, State};
use hftcol::error::{Escaped, Result};
use hftcol::schema::Clock;
use hftcol::store::partition_name;

use super::figures::{
    partition_json, plain_line, plain_totals, planned_json, planned_lines, rows_out, state_word, totals, totals_json,
};
use crate::output::{Output, Style};
use crate::words::show_bytes;

/// Partitions that the table shows without `-v`; failed ones are always shown.
const SHOWN: usize = 40;

/// Prints the report in the style of the output.
pub(super) fn print(report: &ComputeReport, output: &Output) -> Result<()> {
    match output.style {
        Style::Json => {
            report.partitions.iter().try_for_each(|p| output.json(&partition_json(p)))?;
            planned_json(report).iter().try_for_each(|line| output.json(line))?;
            output.json(&totals_json(report))?;
        }
        Style::Plain if output.quiet => return Ok(()),
        Style::Plain => {
            report.partitions.iter().try_for_each(|p| output.line(plain_line(p)))?;
            planned_lines(report).iter().try_for_each(|line| output.line(line))?;
            output.line(plain_totals(report))?;
        }
        Style::Table if output.quiet => return Ok(()),
        Style::Table => {
            print_table(report, output)?;
            print_totals(report, output)?;
        }
    }
    if report.partitions.is_empty() {
        output.note("no partition passes the filters; `hftcol ls` shows what the store holds");
    }
    Ok(())
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
        "repeated",
        "late",
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
        // What no table needed was not counted.
        let of_book =
            |n: u64| if p.merge.was_read { number(n) } else { Cell::new("-").set_alignment(CellAlignment::Right) };
        table.add_row([
            Cell::new(Escaped(p.key.venue.as_bytes())),
            Cell::new(Escaped(p.key.security.as_bytes())),
            Cell::new(p.key.date),
            Cell::new(state_word(&p.state)),
            Cell::new(p.book_table.unwrap_or("-")),
            Cell::new(p.clock.map_or("-", Clock::name)),
            number(p.book_rows_in()),
            number(p.trade_rows_in()),
            number(rows_out(p)),
            of_book(m.trades_after_last),
            of_book(m.gaps),
            of_book(m.crossed),
            of_book(m.locked),
            of_book(m.one_sided),
            number(m.book_faults.duplicates + m.trade_faults.duplicates),
            number(m.book_faults.out_of_order + m.trade_faults.out_of_order),
            Cell::new(format!("{:.3} s", p.wall.as_secs_f64())).set_alignment(CellAlignment::Right),
        ]);
    }
    if !report.partitions.is_empty() {
        output.line(table)?;
    }
    if left_out > 0 {
        output.note(format_args!("{left_out} more partitions; -v shows all"));
    }
    // What failed was told when it did.
    for p in &report.partitions {
        if let State::Skipped(reason) = &p.state {
            output.note(format_args!("skipped {}: {}", partition_name(&p.key), Escaped(reason.as_bytes())));
        }
    }
    Ok(())
}

/// What a run would write, cost and need.
fn print_estimate(estimate: &Estimate, report: &ComputeReport, output: &Output) -> Result<()> {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::UTF8_BORDERS_ONLY);
    table.set_header(["table", "columns", "partitions", "rows at most"]);
    for of in &estimate.tables {
        let right = |n: u64| Cell::new(n).set_alignment(CellAlignment::Right);
        table.add_row([Cell::new(&of.name), right(of.columns as u64), right(of.partitions), right(of.rows)]);
    }
    if !estimate.tables.is_empty() {
        output.line(table)?;
    }
    let pending = report.count(|state| *state == State::Pending);
    let rows = |of: &dyn Fn(&PartitionOutcome) -> u64| {
        report.partitions.iter().filter(|p| p.state == State::Pending).map(of).sum::<u64>()
    };
    output.line(format_args!(
        "would compute {pending} of {} partitions ({} up to date): {} snapshots and {} trades in, at most {} as hftc out; about \
         {:.1} s of CPU time; {} workers with {} each, {} in all",
        report.partitions.len(),
        report.count(|state| *state == State::UpToDate),
        rows(&PartitionOutcome::book_rows_in),
        rows(&PartitionOutcome::trade_rows_in),
        show_bytes(estimate.bytes_out),
        estimate.cpu.as_secs_f64(),
        report.threads,
        show_bytes(estimate.bytes_per_worker),
        show_bytes(estimate.bytes_total),
    ))
}

/// The last lines for people: counts, time, memory; in a dry run what it would cost.
fn print_totals(report: &ComputeReport, output: &Output) -> Result<()> {
    let totals: std::collections::BTreeMap<String, u64> = totals(report).into_iter().collect();
    let get = |key: &str| totals.get(key).copied().unwrap_or(0);
    if let Some(estimate) = &report.estimate {
        return print_estimate(estimate, report, output);
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
