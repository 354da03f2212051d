//! The mapping file of `generic`: which column is what, in TOML. docs/mapping.md is its manual.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::columns::{ColumnPlan, Role};
use super::header;
use super::{Probe, SourceOptions};
use crate::error::{Error, Result};
use crate::limits;
use crate::normalize::{NameRule, Zone};
use crate::parse::TimeFormat;
use crate::parse::csv::detect_delimiter;
use crate::schema::{Clock, RawTable};

/// A mapping file as it is written. Every key is checked; one that is not known is an error.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mapping {
    table: String,
    venue: Option<String>,
    security: Option<String>,
    tz: Option<String>,
    date_tz: Option<String>,
    clock: Option<String>,
    channel: Option<String>,
    delimiter: Option<String>,
    #[serde(default = "yes")]
    header: bool,
    #[serde(default)]
    quoted_newlines: bool,
    columns: BTreeMap<String, Column>,
    levels: Option<Levels>,
}

fn yes() -> bool {
    true
}

/// A source column: its name, or its number from 1, alone or with a format.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Column {
    Name(String),
    Number(usize),
    Time(Box<TimeColumn>),
}

/// A source column with the format of its times.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TimeColumn {
    column: Column,
    format: String,
}

/// Level columns by pattern: `{}` stands for the number.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Levels {
    count: u16,
    #[serde(default)]
    first: u16,
    bid_px: String,
    bid_sz: String,
    ask_px: String,
    ask_sz: String,
}

/// The source's columns, and where an error in the mapping stands.
struct Columns<'a> {
    text: &'a str,
    names: Vec<String>,
    has_header: bool,
    roles: Vec<(String, Role)>,
}

/// Reads a mapping and finds its columns in the source.
///
/// # Errors
/// `Usage` with the line for a key or value that is wrong; `Input` for a source column that is not there.
pub(super) fn plan(text: &str, probe: &Probe<'_>, options: &SourceOptions) -> Result<ColumnPlan> {
    let mapping: Mapping = toml::from_str(text).map_err(|e| wrong(line_of(text, e.span()), e.message()))?;
    let table = RawTable::from_name(&mapping.table)
        .filter(|t| !matches!(t, RawTable::Orders | RawTable::Ohlcv))
        .ok_or_else(|| wrong(line_with(text, "table"), "table must be book, trades, quotes or deltas"))?;
    let delimiter = delimiter(&mapping, text, probe)?;
    let names = source_names(&mapping, probe, delimiter)?;
    let roles = names.iter().map(|n| (n.clone(), Role::Skip)).collect();
    let mut columns = Columns { text, names, has_header: mapping.header, roles };
    for (target, column) in &mapping.columns {
        columns.assign(target, column, table, probe)?;
    }
    let (levels, cut) = columns.assign_levels(&mapping, table, options, probe)?;
    let event = columns.roles.iter().any(|(_, role)| matches!(role, Role::Event(_)));
    let recv = columns.roles.iter().any(|(_, role)| matches!(role, Role::Recv(_)));
    if !event && !recv {
        return Err(wrong(line_with(text, "[columns]"), "columns needs ts_event or ts_recv"));
    }
    let missing = table
        .decimals(levels)
        .into_iter()
        .zip(0..)
        .find(|(_, slot)| !columns.roles.iter().any(|(_, role)| *role == Role::Decimal(*slot)));
    if let Some((name, _)) = missing {
        return Err(wrong(line_with(text, "[columns]"), &format!("{} needs the column {name}", table.name())));
    }
    let clock = match (options.clock, mapping.clock.as_deref()) {
        (Some(clock), _) => clock,
        (None, Some("event")) => Clock::Event,
        (None, Some("recv")) => Clock::Recv,
        (None, None) if event => Clock::Event,
        (None, None) => Clock::Recv,
        (None, Some(_)) => return Err(wrong(line_with(text, "clock"), "clock must be event or recv")),
    };
    let tz = options.tz.clone().or(mapping.tz).unwrap_or_else(|| "UTC".to_owned());
    let date_tz = options.date_tz.clone().or(mapping.date_tz).unwrap_or_else(|| tz.clone());
    let line = header::first_line(probe.head).filter(|_| mapping.header).map(<[u8]>::to_vec);
    Ok(ColumnPlan {
        table,
        levels,
        levels_cut: cut,
        delimiter,
        quoted: mapping.quoted_newlines,
        header: line,
        columns: columns.roles,
        names: NameRule {
            venue: options.venue.clone().or(mapping.venue),
            security: options.security.clone().or(mapping.security),
        },
        clock,
        tz: Zone::named(&tz, "tz")?,
        date_tz: Zone::named(&date_tz, "date_tz")?,
        channel: mapping.channel.unwrap_or_else(|| table.name().to_owned()),
        record_rule: "one record is one row",
    })
}

fn delimiter(mapping: &Mapping, text: &str, probe: &Probe<'_>) -> Result<u8> {
    match mapping.delimiter.as_deref().map(str::as_bytes) {
        Some([byte]) if *byte != b'"' && *byte != b'\n' => Ok(*byte),
        Some(_) => Err(wrong(line_with(text, "delimiter"), "delimiter must be one byte, such as \",\" or \"\\t\"")),
        None => Ok(detect_delimiter(header::first_line(probe.head).unwrap_or(b""))),
    }
}

/// The names in the header, or the numbers of the columns.
fn source_names(mapping: &Mapping, probe: &Probe<'_>, delimiter: u8) -> Result<Vec<String>> {
    let found = header::read_with(probe.head, delimiter)
        .ok_or_else(|| Error::refused(probe.path, "a first record", "the file holds no line"))?;
    if mapping.header {
        return Ok(found.names);
    }
    Ok((1..=found.names.len()).map(|n| n.to_string()).collect())
}

impl Columns<'_> {
    fn assign(&mut self, target: &str, column: &Column, table: RawTable, probe: &Probe<'_>) -> Result<()> {
        let line = || line_with(self.text, target);
        let (column, format) = match column {
            Column::Time(time) => (&time.column, Some(time.format.as_str())),
            plain => (plain, None),
        };
        let time = |event: bool| -> Result<Role> {
            let format = format.and_then(TimeFormat::from_name).ok_or_else(|| {
                wrong(line(), "a time is { column = \"...\", format = \"s\" | \"ms\" | \"us\" | \"ns\" | \"iso\" }")
            })?;
            Ok(if event { Role::Event(format) } else { Role::Recv(format) })
        };
        let ints = table.ints();
        let role = match target {
            "ts_event" => time(true)?,
            "ts_recv" => time(false)?,
            _ if format.is_some() => return Err(wrong(line(), "only ts_event and ts_recv have a format")),
            "venue" => Role::Venue,
            "security" => Role::Security,
            "sequence" => Role::Sequence,
            name => {
                let int = ints.iter().position(|(n, _)| *n == name).map(|at| at as u8);
                let decimal = table.decimals(1).iter().position(|n| n == name).map(|at| at as u16);
                match (int, decimal) {
                    (Some(at), _) if name == "side" => Role::Side(at),
                    (Some(at), _) => Role::Flag(at),
                    (None, Some(slot)) => Role::Decimal(slot),
                    (None, None) if table.ids().iter().any(|id| id.0 == name) => Role::Id,
                    (None, None) => {
                        let what = format!("{} has no column `{name}` that a mapping can fill", table.name());
                        return Err(wrong(line(), &what));
                    }
                }
            }
        };
        let at = match column {
            Column::Number(number) => number.checked_sub(1).filter(|at| *at < self.names.len()),
            Column::Name(name) if self.has_header => self.names.iter().position(|n| n == name),
            Column::Name(_) => return Err(wrong(line(), "without a header, columns are numbers from 1")),
            Column::Time(_) => return Err(wrong(line(), "a format stands once")),
        };
        self.put(at, role, target, probe)
    }

    fn put(&mut self, at: Option<usize>, role: Role, target: &str, probe: &Probe<'_>) -> Result<()> {
        let slot = at.and_then(|at| self.roles.get_mut(at)).ok_or_else(|| {
            Error::refused(probe.path, format!("the column that the mapping gives for {target}"), "correct the mapping")
        })?;
        if slot.1 != Role::Skip {
            let what = format!("the source column `{}` is used twice", slot.0);
            return Err(wrong(line_with(self.text, target), &what));
        }
        slot.1 = role;
        Ok(())
    }

    /// Levels stored and levels cut.
    fn assign_levels(
        &mut self,
        mapping: &Mapping,
        table: RawTable,
        options: &SourceOptions,
        probe: &Probe<'_>,
    ) -> Result<(u16, u16)> {
        let Some(levels) = &mapping.levels else {
            return Ok((1, 0));
        };
        if table != RawTable::Book || levels.count == 0 || levels.count > limits::LEVELS || !self.has_header {
            let what = "levels needs table = \"book\", a header and a count from 1 to 1000";
            return Err(wrong(line_with(self.text, "[levels]"), what));
        }
        let wanted = if options.levels == 0 { limits::LEVELS_DEFAULT } else { options.levels.min(limits::LEVELS) };
        let kept = levels.count.min(wanted);
        let parts = [&levels.bid_px, &levels.bid_sz, &levels.ask_px, &levels.ask_sz];
        for level in 0..kept {
            for (part, pattern) in (0_u16..).zip(parts) {
                let name = pattern.replace("{}", &(u32::from(level) + u32::from(levels.first)).to_string());
                let at = self.names.iter().position(|n| *n == name);
                self.put(at, Role::Decimal(4 * level + part), &name, probe)?;
            }
        }
        Ok((kept, levels.count - kept))
    }
}

fn wrong(line: usize, what: &str) -> Error {
    Error::usage(format!("mapping file, line {line}: {what}"), "docs/mapping.md has every key")
}

fn line_of(text: &str, span: Option<std::ops::Range<usize>>) -> usize {
    let at = span.map_or(0, |s| s.start.min(text.len()));
    text.as_bytes()[..at].iter().filter(|b| **b == b'\n').count() + 1
}

/// The first line that begins with a key.
fn line_with(text: &str, key: &str) -> usize {
    text.lines().position(|l| l.trim_start().starts_with(key)).map_or(1, |at| at + 1)
}
