//! The CSV that `hftcol export` and `cat` write: the columns of a raw table by their own names, `source` and `record` last.
//!
//! Read again, it gives the same rows with the same records, and so the same content digest (decision 5), which does not count the
//! ordinals of sources: the import gives those. Only where rows of several sources had the same clock and no sequence they now follow each
//! other by their records. Columns in which nothing stood are not there. Columns behind `record` are source columns that were kept, and
//! are kept again. A table of one level may be `quotes` or `book`: then `--table`, or the folder of an export, says which.

use super::assign::id_role;
use super::auto::refuse;
use crate::error::{Error, Result};
use crate::limits;
use crate::normalize::{NameRule, Zone};
use crate::parse::TimeFormat;
use crate::schema::{Clock, RawTable, book_level_columns, level_suffix};
use crate::vendor::columns::{ColumnPlan, Role};
use crate::vendor::header::{self, Header};
use crate::vendor::{Probe, SourceOptions};

/// The columns that no other source has: places in the sources of a partition.
const MARKS: [&str; 2] = ["source", "record"];

/// The header of an input, if it is ours; `asked` is the table that the user or the path names.
pub(super) fn header(probe: &Probe<'_>, asked: Option<RawTable>) -> Option<Header> {
    let header = header::read(probe.head)?;
    let is_ours = MARKS.iter().all(|name| header.find(name).is_some());
    let fits = table(&header, asked).or_else(|| table(&header, None)).is_some();
    (is_ours && fits).then_some(header)
}

/// The table whose columns a header holds, and its levels: `asked` if they fit it, else the one they speak for.
pub(super) fn table(header: &Header, asked: Option<RawTable>) -> Option<(RawTable, u16)> {
    // Behind `record` stand columns of other sources that were kept.
    let names = &header.names[..header.find("record").map_or(header.names.len(), |at| at + 1)];
    let has = |name: &str| names.iter().any(|n| n == name);
    if !has("ts_event") && !has("ts_recv") {
        return None;
    }
    // A level that nobody ever quoted has no columns, so the last one counts.
    let level = |name: &String| level_of(name).map_or(0, |level| level + 1);
    let levels = names.iter().map(level).max().unwrap_or(0);
    let found = match () {
        () if levels > 0 => RawTable::Book,
        () if has("action") => RawTable::Orders,
        () if has("is_snapshot") => RawTable::Deltas,
        () if has("open") => RawTable::Ohlcv,
        () => RawTable::Trades,
    };
    let levels = levels.max(1);
    let once = (0..header.names.len()).all(|at| header.find(&header.names[at]) == Some(at));
    let fits = |table: RawTable| {
        let known = table.columns(levels);
        once && names.iter().all(|name| known.iter().any(|c| c.name == *name))
    };
    asked.filter(|table| fits(*table)).or_else(|| Some(found).filter(|table| fits(*table))).map(|table| (table, levels))
}

/// The level in a column's name, such as 7 in `bid_px_07`.
fn level_of(name: &str) -> Option<u16> {
    let (part, digits) = name.rsplit_once('_')?;
    let level = digits.parse().ok().filter(|level| *level < limits::LEVELS)?;
    (matches!(part, "bid_px" | "bid_sz" | "ask_px" | "ask_sz") && level_suffix(level) == digits).then_some(level)
}

/// The plan of such a file.
///
/// # Errors
/// `Usage` if it may be one of two tables.
pub(super) fn plan(probe: &Probe<'_>, header: Header, options: &SourceOptions) -> Result<ColumnPlan> {
    let (found, levels) = table(&header, options.table).ok_or_else(|| refuse(probe, "the columns of one table"))?;
    if levels == 1 && found == RawTable::Book && options.table.is_none() {
        return Err(Error::usage(
            format!("{}: one level may be quotes or a book", probe.path.display()),
            "say which with --table quotes or --table book",
        ));
    }
    let table = found;
    // What was stored once is stored again: levels are cut only if the user says so.
    let wanted = if options.levels == 0 { limits::LEVELS } else { options.levels.min(limits::LEVELS) };
    let kept = if table == RawTable::Book { levels.min(wanted) } else { 1 };
    let columns: Vec<_> = header.names.iter().map(|name| (name.clone(), role(name, table, kept))).collect();
    let has_event = columns.iter().any(|(_, role)| matches!(role, Role::Event(_)));
    let zone = |name: &Option<String>, option| Zone::named(name.as_deref().unwrap_or("UTC"), option);
    Ok(ColumnPlan {
        table,
        levels: kept,
        levels_cut: if table == RawTable::Book { levels - kept } else { 0 },
        delimiter: header.delimiter,
        // Ids are text of the source's: one may hold a newline.
        quoted: !table.ids().is_empty(),
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
    match name {
        "ts_event" => return Role::Event(TimeFormat::Nanos),
        "ts_recv" => return Role::Recv(TimeFormat::Nanos),
        "sequence" => return Role::Sequence,
        "record" => return Role::Record,
        _ => {}
    }
    // Sides and flags stand as their numbers, and an empty cell is missing.
    if let Some((_, at)) = table.ints().iter().zip(0_u8..).find(|((known, _), _)| *known == name) {
        return Role::Int(at);
    }
    if let Some(role) = id_role(name, table) {
        return role;
    }
    let decimals = if table == RawTable::Book { book_level_columns(kept) } else { table.decimals(1) };
    let slot = decimals.iter().position(|known| known == name).and_then(|slot| u16::try_from(slot).ok());
    slot.map_or(Role::Skip, Role::Decimal)
}
