//! Any delimited file whose columns can be told: from a mapping file, or from header names that mean one thing only.
//!
//! Without a mapping the dialect is sure only if every column is understood ([`super::roles`]), no two have the same role, times have a
//! unit (in the name or by their size), and the first records parse. docs/mapping.md describes the mapping file.

use std::collections::BTreeSet;

use super::columns::{ColumnParser, ColumnPlan, Role};
use super::header::{self, Header};
use super::mapping;
use super::roles::{Meaning, meaning};
use super::{Chunk, ChunkParser, Dialect, Probe, Recognition, SourceOptions};
use crate::error::{Error, Result};
use crate::limits;
use crate::normalize::{NameRule, Zone};
use crate::parse::TimeFormat;
use crate::parse::csv::Splitter;
use crate::parse::timestamp::civil;
use crate::schema::{Clock, RawTable};

/// The dialect.
#[derive(Debug)]
pub(super) struct Generic;

/// Records of the head that must parse before the dialect is sure.
const TRIAL_BYTES: usize = 16 << 10;

impl Dialect for Generic {
    fn name(&self) -> &'static str {
        "generic"
    }

    fn recognise(&self, probe: &Probe<'_>) -> Recognition {
        let options = SourceOptions { security: Some("?".to_owned()), ..SourceOptions::default() };
        let Ok(plan) = plan_from_header(probe, &options) else {
            return Recognition::No;
        };
        let reason = format!("every column of the header names one thing of {}", plan.table.name());
        let whole = header::whole(probe.head);
        let trial = &whole[..whole.len().min(TRIAL_BYTES)];
        let trial = &trial[..memchr::memrchr(b'\n', trial).map_or(trial.len(), |at| at + 1)];
        let (parsed, _) = ColumnParser::new(plan).parse_with(Chunk::of(trial), false);
        if parsed.rejects.len() as u64 > parsed.stored { Recognition::No } else { Recognition::Yes(reason) }
    }

    fn open(&self, probe: &Probe<'_>, options: &SourceOptions) -> Result<Box<dyn ChunkParser>> {
        let plan = match &options.mapping {
            Some(text) => mapping::plan(text, probe, options)?,
            None => plan_from_header(probe, options)?,
        };
        if options.table.is_some_and(|t| t != plan.table) {
            let found = plan.table.name();
            return Err(Error::usage(
                format!("--table differs from the {found} that the columns of {} make", probe.path.display()),
                "leave --table out or give a mapping file",
            ));
        }
        if plan.names.security.is_none() && !plan.columns.iter().any(|(_, role)| *role == Role::Security) {
            return Err(Error::usage(
                format!("{}: no column names the security", probe.path.display()),
                "name it with --security",
            ));
        }
        Ok(Box::new(ColumnParser::new(plan)))
    }
}

fn refuse(probe: &Probe<'_>, expected: impl Into<String>) -> Error {
    Error::refused(probe.path, expected, "describe the columns in a mapping file (docs/mapping.md)")
}

fn plan_from_header(probe: &Probe<'_>, options: &SourceOptions) -> Result<ColumnPlan> {
    let header = header::need(probe.path, probe.head)?;
    let mut meanings = Vec::with_capacity(header.names.len());
    for name in &header.names {
        let meaning = meaning(name).ok_or_else(|| refuse(probe, format!("a known column name, not `{name}`")))?;
        meanings.push(meaning);
    }
    let (table, levels, first) = table_of(&meanings).map_err(|expected| refuse(probe, expected))?;
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
            Meaning::Plain(role) => *role,
        };
        if role != Role::Skip && columns.iter().any(|(_, known)| same_use(*known, role)) {
            return Err(refuse(probe, format!("one column for each role, not a second one in `{name}`")));
        }
        columns.push((name.clone(), role));
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

/// The unit of a time column: all values in the head must agree with each other and with the name.
fn unit_of(probe: &Probe<'_>, header: &Header, column: usize, named: Option<TimeFormat>) -> Result<TimeFormat, String> {
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
