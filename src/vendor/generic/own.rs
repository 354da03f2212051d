//! The CSV that `hftcol cat --format csv` prints: the columns of a raw table by their own names, `source` and `record` last.
//!
//! Read again, it gives the same rows (decision 5). Columns in which nothing stood are not there. A table of one level may be
//! `quotes` or `book`: then `--table` must say which.

use super::auto::{refuse, unit_of};
use crate::error::{Error, Result};
use crate::limits;
use crate::normalize::{NameRule, Zone};
use crate::parse::TimeFormat;
use crate::schema::{Clock, RawTable, book_level_columns};
use crate::vendor::columns::{ColumnPlan, Role};
use crate::vendor::header::{self, Header};
use crate::vendor::{Probe, SourceOptions};

/// The columns that no other source has: places in the sources of a partition.
const MARKS: [&str; 2] = ["source", "record"];
const LEVEL_PARTS: u16 = 4;

/// The header of an input, if it is ours.
pub(super) fn header(probe: &Probe<'_>) -> Option<Header> {
    let header = header::read(probe.head)?;
    let is_ours = MARKS.iter().all(|name| header.find(name).is_some()) && table(&header).is_some();
    is_ours.then_some(header)
}

/// The table that a header names, and its levels.
pub(super) fn table(header: &Header) -> Option<(RawTable, u16)> {
    let has = |name: &str| header.find(name).is_some();
    if !has("ts_event") && !has("ts_recv") {
        return None;
    }
    let mut levels = 0;
    while levels < limits::LEVELS && has(&format!("bid_px_{levels:02}")) {
        levels += 1;
    }
    let found = match () {
        () if levels > 0 => RawTable::Book,
        () if has("action") => RawTable::Orders,
        () if has("is_snapshot") => RawTable::Deltas,
        () if has("open") => RawTable::Ohlcv,
        () => RawTable::Trades,
    };
    let levels = levels.max(1);
    let known = found.columns(levels);
    let all_known = header.names.iter().all(|name| known.iter().any(|c| c.name == *name));
    let all_there = found.decimals(levels).iter().all(|name| has(name));
    let once = (0..header.names.len()).all(|at| header.find(&header.names[at]) == Some(at));
    (all_known && all_there && once).then_some((found, levels))
}

/// The plan of such a file.
///
/// # Errors
/// `Usage` if it may be one of two tables; `Input` if times are not nanoseconds.
pub(super) fn plan(probe: &Probe<'_>, header: Header, options: &SourceOptions) -> Result<ColumnPlan> {
    let (found, levels) = table(&header).ok_or_else(|| refuse(probe, "the columns of one table"))?;
    let table = match (found, levels, options.table) {
        (RawTable::Book, 1, Some(asked @ (RawTable::Quotes | RawTable::Book))) => asked,
        (RawTable::Book, 1, None) => {
            return Err(Error::usage(
                format!("{}: one level may be quotes or a book", probe.path.display()),
                "say which with --table quotes or --table book",
            ));
        }
        _ => found,
    };
    let wanted = if options.levels == 0 { limits::LEVELS_DEFAULT } else { options.levels.min(limits::LEVELS) };
    let kept = if table == RawTable::Book { levels.min(wanted) } else { 1 };
    let mut columns = Vec::with_capacity(header.names.len());
    for (at, name) in header.names.iter().enumerate() {
        let role = match name.as_str() {
            "ts_event" | "ts_recv" => {
                let unit = unit_of(probe, &header, at, Some(TimeFormat::Nanos)).map_err(|e| refuse(probe, e))?;
                if name == "ts_event" { Role::Event(unit) } else { Role::Recv(unit) }
            }
            name => role(name, table, kept),
        };
        columns.push((name.clone(), role));
    }
    let has_event = columns.iter().any(|(_, role)| matches!(role, Role::Event(_)));
    let zone = |name: &Option<String>, option| Zone::named(name.as_deref().unwrap_or("UTC"), option);
    Ok(ColumnPlan {
        table,
        levels: kept,
        levels_cut: if table == RawTable::Book { levels - kept } else { 0 },
        delimiter: header.delimiter,
        quoted: false,
        header: Some(header.line),
        columns,
        names: NameRule { venue: options.venue.clone(), security: options.security.clone() },
        clock: options.clock.unwrap_or(if has_event { Clock::Event } else { Clock::Recv }),
        tz: zone(&options.tz, "--tz")?,
        date_tz: zone(&options.date_tz, "--date-tz")?,
        channel: table.name().to_owned(),
        record_rule: "one record is one row",
        cells: None,
    })
}

fn role(name: &str, table: RawTable, kept: u16) -> Role {
    if name == "sequence" {
        return Role::Sequence;
    }
    let int = table.ints().iter().zip(0_u8..).find(|((known, _), _)| *known == name);
    if let Some((_, at)) = int {
        return match name {
            "side" => Role::Side(at),
            "is_snapshot" => Role::Flag(at),
            _ => Role::Int(at),
        };
    }
    if table.ids().iter().any(|id| id.0 == name) {
        return Role::Id;
    }
    let decimals = if table == RawTable::Book { book_level_columns(kept) } else { table.decimals(1) };
    let slot = (0..kept.max(2) * LEVEL_PARTS).zip(decimals).find(|(_, known)| known == name);
    slot.map_or(Role::Skip, |(slot, _)| Role::Decimal(slot))
}
