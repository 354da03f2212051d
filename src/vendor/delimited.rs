//! Delimited files that a dialect reads record by record: header lines, blank lines and wrong counts are seen to here.
//!
//! A dialect names the columns it knows ([`Columns`]) and turns a [`Row`] into rows ([`RowReader`]). For files in which one record is one
//! row and each column has one role, [`super::columns`] does the whole work.

use std::borrow::Cow;

use super::header::{self, Header};
use super::row_head::read_time;
use super::{Chunk, ChunkParser, Framing, SourceColumns, SourceOptions, TableFacts};
use crate::error::Result;
use crate::normalize::{ChunkBuilder, Fault, NameRule, ParsedChunk, SCALE_NULL, TS_NULL, Zone, ZoneCache, put_decimal};
use crate::parse::TimeFormat;
use crate::parse::csv::{Fields, Record, Splitter};
use crate::parse::decimal::decimal;
use crate::schema::{Clock, RawTable};

/// No column of a source has this number.
const ABSENT: usize = u32::MAX as usize;

/// Where the columns that a dialect knows stand in a source.
#[derive(Clone, Debug)]
pub(super) struct Columns {
    names: Vec<Cow<'static, str>>,
    at: Vec<usize>,
}

impl Columns {
    /// Finds names in a header, whatever their case; an empty name is never there.
    pub(super) fn find(header: &Header, names: impl IntoIterator<Item = Cow<'static, str>>) -> Self {
        let names: Vec<_> = names.into_iter().collect();
        let at = names
            .iter()
            .map(|name| {
                let found = header.names.iter().position(|n| n.eq_ignore_ascii_case(name));
                found.filter(|_| !name.is_empty()).unwrap_or(ABSENT)
            })
            .collect();
        Self { names, at }
    }

    /// True if the source has the column.
    pub(super) fn has(&self, column: usize) -> bool {
        self.at.get(column).is_some_and(|at| *at != ABSENT)
    }

    /// A column's text without blanks around it; empty if the source does not have it.
    pub(super) fn text<'a>(&self, fields: &Fields<'a>, column: usize) -> &'a [u8] {
        self.at.get(column).map_or(&b""[..], |at| fields.get(*at)).trim_ascii()
    }
}

/// A record by the columns that the dialect knows, numbered as it named them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'a> {
    fields: Fields<'a>,
    columns: &'a Columns,
}

impl<'a> Row<'a> {
    /// A column's text without blanks around it; empty if the source does not have it.
    pub(super) fn text(&self, column: usize) -> &'a [u8] {
        self.columns.text(&self.fields, column)
    }

    /// The column at fault, with what stood there.
    #[cold]
    pub(super) fn fault(&self, column: usize, expected: impl std::fmt::Display) -> Fault {
        let name = self.columns.names.get(column).cloned().unwrap_or_default();
        Fault::got(name, expected, self.text(column))
    }

    /// A time; empty is missing.
    ///
    /// # Errors
    /// Why it is not taken.
    pub(super) fn time(&self, column: usize, format: TimeFormat, zone: &mut ZoneCache) -> Result<i64, Fault> {
        let text = self.text(column);
        if text.is_empty() {
            return Ok(TS_NULL);
        }
        read_time(text, format, zone).map_err(|fault| self.fault(column, fault))
    }

    /// A decimal with its scale; empty is missing.
    ///
    /// # Errors
    /// Why it is not taken.
    pub(super) fn decimal(&self, column: usize) -> Result<(i64, u8), Fault> {
        let mut cell = (0, SCALE_NULL);
        put_decimal(decimal(self.text(column)), false, &mut cell.0, &mut cell.1)
            .map_err(|expected| self.fault(column, expected))?;
        Ok(cell)
    }

    /// A whole number; empty is missing.
    ///
    /// # Errors
    /// If it is none.
    pub(super) fn whole(&self, column: usize) -> Result<Option<u64>, Fault> {
        let text = self.text(column);
        if text.is_empty() {
            return Ok(None);
        }
        let number = std::str::from_utf8(text).ok().and_then(|t| t.parse().ok());
        number.map(Some).ok_or_else(|| self.fault(column, "a whole number below 2^64"))
    }
}

/// A dialect's way from a record to rows.
pub(super) trait RowReader: Send + Sync + std::fmt::Debug {
    /// The tables that it fills, with their levels, in the order of their handles.
    fn tables(&self) -> &[(RawTable, u16)];

    /// Pushes the rows of a record, or names the rule by which it is skipped.
    ///
    /// # Errors
    /// Why the record is refused; its rows are then taken back.
    fn rows(
        &self,
        row: &Row<'_>,
        out: &mut ChunkBuilder<'_>,
        zone: &mut ZoneCache,
    ) -> Result<Option<&'static str>, Fault>;

    /// One line for the summary.
    fn record_rule(&self) -> &'static str;

    /// Channel of a table's identity.
    fn channel(&self, table: RawTable) -> String {
        table.name().to_owned()
    }
}

/// What the user said, or the dialect's defaults.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub names: NameRule,
    pub clock: Clock,
    pub tz: Zone,
    pub date_tz: Zone,
}

impl Frame {
    /// `zone` is that of times without one (decision 9): then it is that of the date, too.
    ///
    /// # Errors
    /// `Usage` for an unknown zone.
    pub(super) fn new(options: &SourceOptions, venue: Option<&str>, zone: Option<&str>) -> Result<Self> {
        let tz = options.tz.as_deref().or(zone).unwrap_or("UTC");
        let date_tz = options.date_tz.as_deref().unwrap_or(if zone.is_some() { tz } else { "UTC" });
        Ok(Self {
            names: NameRule {
                venue: venue.map(str::to_owned).or_else(|| options.venue.clone()),
                security: options.security.clone(),
            },
            clock: options.clock.unwrap_or(Clock::Event),
            tz: Zone::named(tz, "--tz")?,
            date_tz: Zone::named(date_tz, "--date-tz")?,
        })
    }

    pub(super) fn facts(&self, channel: String) -> TableFacts {
        TableFacts {
            clock: self.clock,
            tz: self.tz.name().to_owned(),
            date_tz: self.date_tz.name().to_owned(),
            channel,
        }
    }
}

/// The parser of such a file.
#[derive(Debug)]
pub(super) struct Delimited<R> {
    pub header: Header,
    pub columns: Columns,
    pub frame: Frame,
    /// Levels of each record beyond those kept.
    pub levels_cut: u16,
    pub reader: R,
}

impl<R: RowReader> Delimited<R> {
    fn record(&self, record: &Record<'_>, out: &mut ChunkBuilder<'_>, zone: &mut ZoneCache) {
        out.begin(record.index);
        let outcome = match record.fields {
            _ if header::is_blank(record.raw) => Ok(Some("blank line")),
            _ if self.header.line == record.raw => Ok(Some("header")),
            Some(fields) if fields.len() == self.header.names.len() => out
                .admit(record.index)
                .and_then(|()| self.reader.rows(&Row { fields, columns: &self.columns }, out, zone)),
            Some(fields) => {
                Err(Fault::new("", format_args!("{} fields, got {}", self.header.names.len(), fields.len())))
            }
            None => Err(Fault::new("", "quotes around whole fields, closed on the same record")),
        };
        match outcome {
            Ok(None) => out.store(),
            Ok(Some(rule)) => out.skip(rule),
            Err(fault) => out.reject(record.offset, record.raw, &fault),
        }
    }
}

impl<R: RowReader> ChunkParser for Delimited<R> {
    fn framing(&self) -> Framing {
        Framing::Lines { quoted: false }
    }

    fn parse(&self, chunk: Chunk<'_>) -> Result<ParsedChunk> {
        let mut out = ChunkBuilder::new(chunk.place(), &self.frame.names, &self.frame.date_tz);
        for (table, levels) in self.reader.tables() {
            out.add_table(*table, *levels, self.frame.clock);
        }
        let mut zone = ZoneCache::new(self.frame.tz.clone());
        Splitter::new(self.header.delimiter, false)
            .split(chunk.bytes, |record| self.record(&record, &mut out, &mut zone));
        let mut parsed = out.finish();
        if self.levels_cut > 0 && parsed.stored > 0 {
            let cut = parsed.stored.saturating_mul(u64::from(self.levels_cut));
            parsed.notes.insert("levels beyond --levels, left out", cut);
        }
        Ok(parsed)
    }

    fn record_rule(&self) -> &'static str {
        self.reader.record_rule()
    }

    fn table_facts(&self, table: RawTable) -> TableFacts {
        self.frame.facts(self.reader.channel(table))
    }

    fn columns(&self) -> Option<SourceColumns<'_>> {
        let names = self.header.names.iter().map(String::as_str).collect();
        Some(SourceColumns { delimiter: self.header.delimiter, quoted: false, names, restores: false })
    }
}
