//! The plan of a file without a mapping: the header must name every column, each with one meaning, and times must have a unit,
//! in the name or by their size. Refused is what could mean two things, with the reason.

use std::collections::BTreeSet;

use super::roles::{Meaning, meaning};
use crate::error::{Error, Result};
use crate::limits;
use crate::normalize::{NameRule, Zone, side_word};
use crate::parse::csv::Splitter;
use crate::parse::decimal::decimal;
use crate::parse::timestamp::civil;
use crate::parse::{Number, TimeFormat};
use crate::schema::{Clock, RawTable};
use crate::units::Side;
use crate::vendor::cells::Cells;
use crate::vendor::columns::{ColumnPlan, Role};
use crate::vendor::header::{self, Header};
use crate::vendor::{Probe, SourceOptions};

pub(super) fn refuse(probe: &Probe<'_>, expected: impl Into<String>) -> Error {
    Error::refused(probe.path, expected, "describe the columns in a mapping file (docs/mapping.md)")
}

/// The plan that the header says.
///
/// # Errors
/// `Input` naming what is missing or could mean two things.
pub(super) fn plan_from_header(probe: &Probe<'_>, options: &SourceOptions) -> Result<ColumnPlan> {
    let header = header::need(probe.path, probe.head)?;
    let mut meanings = Vec::with_capacity(header.names.len());
    for name in &header.names {
        let meaning = meaning(name).ok_or_else(|| refuse(probe, format!("a known column name, not `{name}`")))?;
        meanings.push(meaning);
    }
    let (table, levels, first) = table_of(&meanings).map_err(|expected| refuse(probe, expected))?;
    let prices_only = !meanings.iter().any(|m| matches!(m, Meaning::Level { part, .. } if !part.is_multiple_of(2)));
    let prices_only = prices_only && table == RawTable::Quotes;
    let wanted = if options.levels == 0 { limits::LEVELS_DEFAULT } else { options.levels.min(limits::LEVELS) };
    let kept = if table == RawTable::Book { levels.min(wanted) } else { 1 };
    let mut columns = Vec::with_capacity(meanings.len());
    for (at, (name, meaning)) in header.names.iter().zip(&meanings).enumerate() {
        let role = match meaning {
            Meaning::Time { recv, unit } => {
                let format = unit_of(probe, &header, at, *unit).map_err(|expected| refuse(probe, expected))?;
                if *recv { Role::Recv(format) } else { Role::Event(format) }
            }
            Meaning::Level { part, number } => match number.unwrap_or(first).checked_sub(first) {
                Some(level) if level < kept => Role::Decimal(4 * level + part),
                _ => Role::Skip,
            },
            Meaning::Plain(role) => {
                if matches!(role, Role::Side(_)) {
                    check_sides(probe, &header, at).map_err(|expected| refuse(probe, expected))?;
                }
                *role
            }
        };
        if role != Role::Skip && columns.iter().any(|(_, known)| same_use(*known, role)) {
            return Err(refuse(probe, format!("one column for each role, not a second one in `{name}`")));
        }
        columns.push((name.clone(), role));
    }
    let has_id = columns.iter().any(|(_, role)| *role == Role::Id);
    let size = columns.iter().position(|(_, role)| *role == Role::Decimal(1));
    if let (RawTable::Trades, false, Some(size)) = (table, has_id, size) {
        check_sizes(probe, &header, size).map_err(|expected| refuse(probe, expected))?;
    }
    let has_event = columns.iter().any(|(_, role)| matches!(role, Role::Event(_)));
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
        tz: Zone::named(options.tz.as_deref().unwrap_or("UTC"), "--tz")?,
        date_tz: Zone::named(options.date_tz.as_deref().unwrap_or("UTC"), "--date-tz")?,
        channel: table.name().to_owned(),
        record_rule: "one record is one row",
        cells: prices_only.then(|| Box::new(Cells { prices_only, ..Cells::default() })),
    })
}

/// Roles that only one column may have.
fn same_use(a: Role, b: Role) -> bool {
    match (a, b) {
        (Role::Event(_), Role::Event(_)) | (Role::Recv(_), Role::Recv(_)) => true,
        (a, b) => a == b,
    }
}

/// The table, its levels and the number of its first level.
fn table_of(meanings: &[Meaning]) -> Result<(RawTable, u16, u16), String> {
    let has = |role: Role| meanings.contains(&Meaning::Plain(role));
    if !meanings.iter().any(|m| matches!(m, Meaning::Time { .. })) {
        return Err("a column with the time".to_owned());
    }
    let mut parts: [BTreeSet<Option<u16>>; 4] = Default::default();
    for meaning in meanings {
        if let Meaning::Level { part, number } = meaning {
            parts[usize::from(*part)].insert(*number);
        }
    }
    let is_trade = has(Role::Decimal(0)) && has(Role::Decimal(1)) && (has(Role::Side(0)) || has(Role::Id));
    let has_trade_parts = [Role::Decimal(0), Role::Decimal(1), Role::Side(0), Role::Id].into_iter().any(has);
    match (parts.iter().any(|p| !p.is_empty()), is_trade) {
        (true, _) if has_trade_parts => Err("either levels or the price and size of a trade, not both".to_owned()),
        (false, true) => Ok((RawTable::Trades, 1, 0)),
        (false, false) => Err("levels of bid and ask, or the price, size and side of trades".to_owned()),
        // Bid and ask alone: quotes without sizes.
        (true, _)
            if parts[0] == parts[2]
                && parts[0].len() == 1
                && parts[0].contains(&None)
                && parts[1].len() + parts[3].len() == 0 =>
        {
            Ok((RawTable::Quotes, 1, 0))
        }
        (true, _) if parts.iter().any(|p| *p != parts[0]) => {
            Err("price and size of bid and ask for the same levels".to_owned())
        }
        (true, _) if parts[0].contains(&None) => match parts[0].len() {
            1 => Ok((RawTable::Quotes, 1, 0)),
            _ => Err("levels that all have a number, or none".to_owned()),
        },
        (true, _) => {
            let numbers: Vec<u16> = parts[0].iter().filter_map(|n| *n).collect();
            let first = numbers[0];
            let in_turn = numbers.iter().enumerate().all(|(at, n)| usize::from(*n) == at + usize::from(first));
            if first > 1 || !in_turn {
                return Err("levels numbered from 0 or 1 without a gap".to_owned());
            }
            Ok((RawTable::Book, numbers.len() as u16, first))
        }
    }
}

/// Sides must be words, or numbers of which one is -1: what 0 and 1 mean is anyone's guess.
fn check_sides(probe: &Probe<'_>, header: &Header, column: usize) -> Result<(), String> {
    let (mut numbers, mut minus, mut odd) = (false, false, None);
    Splitter::new(header.delimiter, false).split(header::whole(probe.head), |record| {
        let text = record.fields.filter(|_| record.raw != header.line).map_or(&b""[..], |f| f.get(column));
        match text {
            b"" => {}
            b"-1" => minus = true,
            b"1" | b"+1" | b"0" => numbers = true,
            word => {
                let known = side_word(word) != Side::Unknown
                    || [&b"unknown"[..], b"none", b"undefined", b"null"].iter().any(|w| word.eq_ignore_ascii_case(w));
                if !known {
                    odd.get_or_insert_with(|| String::from_utf8_lossy(&word[..word.len().min(40)]).into_owned());
                }
            }
        }
    });
    let name = &header.names[column];
    match odd {
        Some(odd) => Err(format!("buy or sell in `{name}`, not `{odd}`; [sides] of a mapping file names other words")),
        None if numbers && !minus => {
            Err(format!("words in `{name}`, or 1 and -1; [sides] of a mapping file says what other numbers mean"))
        }
        None => Ok(()),
    }
}

/// Level changes have the columns of trades without an id, and sizes of zero that delete a level.
fn check_sizes(probe: &Probe<'_>, header: &Header, column: usize) -> Result<(), String> {
    let mut has_zero = false;
    Splitter::new(header.delimiter, false).split(header::whole(probe.head), |record| {
        let text = record.fields.filter(|_| record.raw != header.line).map_or(&b""[..], |f| f.get(column));
        has_zero |= matches!(decimal(text), Ok(Number::Value(size)) if size.mantissa == 0);
    });
    let name = &header.names[column];
    if has_zero { Err(format!("sizes above zero in `{name}`: zeros may be level changes, not trades")) } else { Ok(()) }
}

/// The unit of a time column: all values in the head must agree with each other and with the name.
pub(super) fn unit_of(
    probe: &Probe<'_>,
    header: &Header,
    column: usize,
    named: Option<TimeFormat>,
) -> Result<TimeFormat, String> {
    let mut seen: Option<TimeFormat> = named;
    let mut odd: Option<String> = None;
    let name = &header.names[column];
    Splitter::new(header.delimiter, false).split(header::whole(probe.head), |record| {
        let text = record.fields.filter(|_| record.raw != header.line).map_or(&b""[..], |f| f.get(column));
        if odd.is_some() || text.is_empty() {
            return;
        }
        let format = TimeFormat::of_epoch(text).or_else(|| civil(text).is_ok().then_some(TimeFormat::Iso));
        match (seen, format) {
            (None, Some(format)) => seen = Some(format),
            (Some(known), Some(format)) if known == format => {}
            // A named unit covers numbers of any size, such as times near 1970.
            (Some(_), None) if named.is_some() => {}
            _ => odd = Some(format!("times of one known unit in `{name}`")),
        }
    });
    match (odd, seen) {
        (Some(odd), _) => Err(odd),
        (None, Some(format)) => Ok(format),
        (None, None) => Err(format!("a unit in the name of `{name}`, such as {name}_ms: no record tells it")),
    }
}
