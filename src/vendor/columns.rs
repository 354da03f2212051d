//! Delimited files in which one record is one row and each column has one role: Tardis, and every wide layout of `generic`.
//!
//! The roles are found once, from the header; parsing a record is then one walk over the columns that matter.

use std::borrow::Cow;

use super::{Chunk, ChunkParser, Framing, TableFacts};
use crate::error::Result;
use crate::normalize::{
    ChunkBuilder, Fault, INT_NULL, NameRule, ParsedChunk, Place, SCALE_NULL, TS_NULL, Times, Zone, ZoneCache,
    flag_word, keep_existing_levels, price_and_qty, put_decimal, side_word,
};
use crate::parse::csv::{Fields, PathShare, Record, Splitter};
use crate::parse::decimal::decimal;
use crate::parse::timestamp::{civil, epoch};
use crate::parse::{TimeFault, TimeFormat};
use crate::schema::{Clock, RawTable};

/// What a source column is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Of no interest.
    Skip,
    /// `ts_event`.
    Event(TimeFormat),
    /// `ts_recv`.
    Recv(TimeFormat),
    /// `sequence`.
    Sequence,
    /// The venue.
    Venue,
    /// The security.
    Security,
    /// A decimal: its place among the table's decimals.
    Decimal(u16),
    /// A side, by its word: its place among the table's small integers.
    Side(u8),
    /// A flag, by its word: the same.
    Flag(u8),
    /// The table's id.
    Id,
}

/// All that is known of a file with one role a column.
#[derive(Clone, Debug)]
pub(super) struct ColumnPlan {
    pub table: RawTable,
    pub levels: u16,
    /// Levels of the source beyond those kept.
    pub levels_cut: u16,
    pub delimiter: u8,
    pub quoted: bool,
    /// The header line, if the file has one.
    pub header: Option<Vec<u8>>,
    /// Name and role of each source column.
    pub columns: Vec<(String, Role)>,
    pub names: NameRule,
    pub clock: Clock,
    pub tz: Zone,
    pub date_tz: Zone,
    pub channel: String,
    pub record_rule: &'static str,
}

/// The parser of a [`ColumnPlan`].
#[derive(Debug)]
pub(super) struct ColumnParser {
    plan: ColumnPlan,
    /// (source column, place among the decimals).
    decimals: Vec<(u16, u16)>,
    /// Every other column with a role.
    others: Vec<(u16, Role)>,
    /// Decimals of a row.
    width: usize,
}

/// What a record says outside its decimals and small integers.
struct RowHead<'a> {
    times: Times,
    sequence: Option<u64>,
    venue: &'a [u8],
    security: &'a [u8],
    id: &'a [u8],
}

impl ColumnParser {
    pub(super) fn new(plan: ColumnPlan) -> Self {
        let mut decimals = Vec::new();
        let mut others = Vec::new();
        for (at, (_, role)) in plan.columns.iter().enumerate() {
            let at = at.min(usize::from(u16::MAX)) as u16;
            match role {
                Role::Skip => {}
                Role::Decimal(slot) => decimals.push((at, *slot)),
                role => others.push((at, *role)),
            }
        }
        let width = plan.table.decimals(plan.levels).len();
        Self { plan, decimals, others, width }
    }

    /// Parses with a splitter of the caller's, which counts the paths taken.
    pub(super) fn parse_with(&self, chunk: Chunk<'_>, general: bool) -> (ParsedChunk, PathShare) {
        let place = Place { source: chunk.source, first_record: chunk.first_record, byte_offset: chunk.byte_offset };
        let mut builder = ChunkBuilder::new(place, &self.plan.names, &self.plan.date_tz);
        builder.add_table(self.plan.table, self.plan.levels, self.plan.clock);
        let mut splitter = Splitter::new(self.plan.delimiter, self.plan.quoted);
        let mut zone = ZoneCache::new(self.plan.tz.clone());
        let each = |record: Record<'_>| self.record(&record, &mut builder, &mut zone);
        if general {
            splitter.split_general(chunk.bytes, each);
        } else {
            splitter.split(chunk.bytes, each);
        }
        let mut parsed = builder.finish();
        if self.plan.levels_cut > 0 && parsed.stored > 0 {
            let cut = parsed.stored.saturating_mul(u64::from(self.plan.levels_cut));
            parsed.notes.insert("levels beyond --levels, left out", cut);
        }
        (parsed, splitter.share)
    }

    fn record(&self, record: &Record<'_>, builder: &mut ChunkBuilder<'_>, zone: &mut ZoneCache) {
        builder.begin(record.index);
        let outcome = match record.fields {
            Some(fields) if fields.len() == self.plan.columns.len() => self.row(&fields, builder, zone),
            Some(fields) => Err(self.wrong_count(fields.len())),
            None => Err(Fault::new("", "quotes around whole fields, closed on the same record")),
        };
        match outcome {
            Ok(()) => builder.store(),
            Err(_) if super::header::is_blank(record.raw) => builder.skip("blank line"),
            Err(_) if self.plan.header.as_deref() == Some(record.raw) => builder.skip("header"),
            Err(fault) => builder.reject(record.offset, record.raw, &fault),
        }
    }

    fn wrong_count(&self, found: usize) -> Fault {
        Fault::new("", format_args!("{} fields, got {found}", self.plan.columns.len()))
    }

    fn row(&self, fields: &Fields<'_>, builder: &mut ChunkBuilder<'_>, zone: &mut ZoneCache) -> Result<(), Fault> {
        let batch = builder.batch(0);
        let (base, ints_base) = (batch.decimals.len(), batch.ints.len());
        batch.decimals.resize(base + self.width, 0);
        batch.scales.resize(base + self.width, SCALE_NULL);
        batch.ints.resize(ints_base + self.plan.table.ints().len(), INT_NULL);
        let head = self.head(fields, &mut batch.ints[ints_base..], zone)?;
        let (values, scales) = (&mut batch.decimals[base..], &mut batch.scales[base..]);
        let is_book = matches!(self.plan.table, RawTable::Book | RawTable::Quotes);
        for &(field, slot) in &self.decimals {
            let text = fields.get(usize::from(field));
            let slot = usize::from(slot);
            put_decimal(decimal(text), is_book, &mut values[slot], &mut scales[slot])
                .map_err(|expected| Fault::got(self.name(field), expected, text))?;
        }
        match self.plan.table {
            RawTable::Book | RawTable::Quotes => keep_existing_levels(values, scales),
            RawTable::Trades | RawTable::Deltas => price_and_qty(values, scales)?,
            RawTable::Orders | RawTable::Ohlcv => {}
        }
        let ids = [head.id];
        let ids = &ids[..self.plan.table.ids().len()];
        builder.push_row(0, head.times, head.sequence, (head.venue, head.security), ids)
    }

    fn head<'a>(&self, fields: &Fields<'a>, ints: &mut [i64], zone: &mut ZoneCache) -> Result<RowHead<'a>, Fault> {
        let mut head = RowHead { times: Times::default(), sequence: None, venue: b"", security: b"", id: b"" };
        for &(field, role) in &self.others {
            let text = fields.get(usize::from(field));
            match role {
                Role::Event(format) => head.times.event = self.time(text, format, field, zone)?,
                Role::Recv(format) => head.times.recv = self.time(text, format, field, zone)?,
                Role::Sequence => head.sequence = self.sequence(text, field)?,
                Role::Venue => head.venue = text,
                Role::Security => head.security = text,
                Role::Id => head.id = text,
                Role::Side(at) => set(ints, at, side_word(text).code()),
                Role::Flag(at) => {
                    let flag = flag_word(text);
                    let flag = flag.ok_or_else(|| Fault::got(self.name(field), "true or false", text))?;
                    set(ints, at, i64::from(flag));
                }
                Role::Skip | Role::Decimal(_) => {}
            }
        }
        Ok(head)
    }

    fn time(&self, text: &[u8], format: TimeFormat, field: u16, zone: &mut ZoneCache) -> Result<i64, Fault> {
        if text.is_empty() {
            return Ok(TS_NULL);
        }
        read_time(text, format, zone).map_err(|fault| Fault::got(self.name(field), fault, text))
    }

    fn sequence(&self, text: &[u8], field: u16) -> Result<Option<u64>, Fault> {
        if text.is_empty() {
            return Ok(None);
        }
        let number = std::str::from_utf8(text).ok().and_then(|t| t.parse().ok());
        number.map(Some).ok_or_else(|| Fault::got(self.name(field), "a whole number below 2^64", text))
    }

    #[cold]
    fn name(&self, field: u16) -> Cow<'static, str> {
        self.plan.columns.get(usize::from(field)).map_or(Cow::Borrowed(""), |c| Cow::Owned(c.0.clone()))
    }
}

fn set(ints: &mut [i64], at: u8, value: i64) {
    if let Some(slot) = ints.get_mut(usize::from(at)) {
        *slot = value;
    }
}

/// Text of a known format to nanoseconds; zone-less text takes the zone.
pub(super) fn read_time(text: &[u8], format: TimeFormat, zone: &mut ZoneCache) -> Result<i64, TimeFault> {
    match format.digits() {
        Some(digits) => epoch(text, digits),
        None => civil(text).and_then(|time| zone.instant(time)),
    }
}

impl ChunkParser for ColumnParser {
    fn framing(&self) -> Framing {
        Framing::Lines { quoted: self.plan.quoted }
    }

    fn parse(&self, chunk: Chunk<'_>) -> Result<ParsedChunk> {
        Ok(self.parse_with(chunk, false).0)
    }

    fn record_rule(&self) -> &'static str {
        self.plan.record_rule
    }

    fn table_facts(&self, _table: RawTable) -> TableFacts {
        TableFacts {
            clock: self.plan.clock,
            tz: self.plan.tz.name().to_owned(),
            date_tz: self.plan.date_tz.name().to_owned(),
            channel: self.plan.channel.clone(),
        }
    }
}
