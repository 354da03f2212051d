//! Delimited files in which one record is one row and each column has one role: Tardis, and every wide layout of `generic`.
//!
//! The roles are found once, from the header; parsing a record is then one walk over the columns that matter.

use std::borrow::Cow;

use super::apart::Part;
use super::cells::{Cells, is_size};
use super::{Chunk, ChunkParser, Framing, SourceColumns, TableFacts};
use crate::error::Result;
use crate::normalize::{
    ChunkBuilder, Fault, INT_NULL, NameRule, ParsedChunk, SCALE_NULL, Zone, ZoneCache, keep_existing_levels,
    price_and_qty, put_decimal,
};
use crate::parse::TimeFormat;
use crate::parse::csv::{Fields, PathShare, Record, Splitter};
use crate::parse::decimal::{decimal, decimal_as_written};
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
    /// A whole number: the same.
    Int(u8),
    /// The word of an order message's action: the same.
    Action(u8),
    /// Whether the buyer was the maker, which gives the aggressor's side: the same.
    BuyerIsMaker(u8),
    /// The table's id.
    Id,
    /// The order of a trade's buyer (0) or seller (1).
    OrderId(u8),
    /// The number of a level, where a record is one level.
    Level,
    /// The number that the record had in its first source: the row is put back as it was stored.
    Record,
    /// A part of `ts_event`, or with `recv` of `ts_recv`.
    Part { part: Part, recv: bool },
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
    /// How cells differ from the plain form, if they do.
    pub cells: Option<Box<Cells>>,
}

/// The parser of a [`ColumnPlan`].
#[derive(Debug)]
pub(super) struct ColumnParser {
    pub(super) plan: ColumnPlan,
    /// (source column, place among the decimals).
    decimals: Vec<(u16, u16)>,
    /// The source column of every decimal of the table, in the table's order; empty if the source lacks one.
    every_decimal: Vec<u32>,
    /// Every other column with a role.
    pub(super) others: Vec<(u16, Role)>,
    /// Decimals of a row.
    width: usize,
    /// Which of the two times stand in parts.
    pub(super) in_parts: [bool; 2],
    /// Rows are put back as they were stored: no rule makes anything else of them.
    restores: bool,
}

impl ColumnParser {
    pub(super) fn new(plan: ColumnPlan) -> Self {
        let mut decimals = Vec::new();
        let mut others = Vec::new();
        for (at, (_, role)) in plan.columns.iter().enumerate() {
            let at = at.min(usize::from(u16::MAX)) as u16;
            match role {
                // A level's number is read with the level.
                Role::Skip | Role::Level => {}
                Role::Decimal(slot) => decimals.push((at, *slot)),
                role => others.push((at, *role)),
            }
        }
        let width = plan.table.decimals(plan.levels).len();
        let column_of =
            |slot: usize| decimals.iter().find(|(_, to)| usize::from(*to) == slot).map(|(at, _)| u32::from(*at));
        let every_decimal = (0..width).map(column_of).collect::<Option<Vec<_>>>().unwrap_or_default();
        let in_parts = [false, true]
            .map(|of| others.iter().any(|(_, role)| matches!(role, Role::Part { recv, .. } if *recv == of)));
        let restores = others.iter().any(|(_, role)| *role == Role::Record);
        Self { plan, decimals, every_decimal, others, width, in_parts, restores }
    }

    /// A builder of one table for a chunk.
    pub(super) fn builder<'a>(&'a self, chunk: Chunk<'a>, table: RawTable) -> ChunkBuilder<'a> {
        let mut builder = ChunkBuilder::new(chunk.place(), &self.plan.names, &self.plan.date_tz);
        builder.add_table(table, self.plan.levels, self.plan.clock);
        builder
    }

    /// Parses with a splitter of the caller's, which counts the paths taken.
    pub(super) fn parse_with(&self, chunk: Chunk<'_>, general: bool) -> (ParsedChunk, PathShare) {
        let mut builder = self.builder(chunk, self.plan.table);
        let record_bytes = memchr::memchr(b'\n', chunk.bytes).map_or(chunk.bytes.len(), |end| end + 1);
        let record_bytes = record_bytes.max(self.plan.columns.len()).max(1);
        // Records differ in length by less than an eighth, in most sources; more is room that is never touched.
        builder.reserve(0, chunk.bytes.len() / record_bytes * 9 / 8 + 1, self.width);
        let mut splitter = Splitter::new(self.plan.delimiter, self.plan.quoted);
        if 2 * self.decimals.len() >= self.plan.columns.len() {
            splitter = splitter.with_numbers();
        }
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
            Some(fields) if fields.len() == self.plan.columns.len() => {
                builder.admit(record.index).and_then(|()| self.row(&fields, builder, zone))
            }
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
        wrong_count(self.plan.columns.len(), found)
    }

    /// One row of these fields, one for each column of the plan.
    ///
    /// # Errors
    /// The column at fault; what was written of the row must be taken back.
    pub(super) fn row(
        &self,
        fields: &Fields<'_>,
        builder: &mut ChunkBuilder<'_>,
        zone: &mut ZoneCache,
    ) -> Result<(), Fault> {
        let batch = builder.batch(0);
        let (base, ints_base) = (batch.decimals.len(), batch.ints.len());
        batch.ints.resize(ints_base + self.plan.table.ints().len(), INT_NULL);
        if self.plan.table == RawTable::Deltas && !self.restores {
            // A change that is not said to be part of a snapshot is none.
            batch.ints[ints_base] = 0;
        }
        let head = self.head(fields, &mut batch.ints[ints_base..], zone)?;
        let gathered = self.plan.cells.is_none()
            && !self.every_decimal.is_empty()
            && fields.decimals(&self.every_decimal, &mut batch.decimals, &mut batch.scales);
        if !gathered {
            batch.decimals.resize(base + self.width, 0);
            batch.scales.resize(base + self.width, SCALE_NULL);
        }
        let (values, scales) = (&mut batch.decimals[base..], &mut batch.scales[base..]);
        match &self.plan.cells {
            None if gathered => self.put_others(fields, values, scales)?,
            None => self.put_decimals(fields, values, scales)?,
            Some(cells) => self.put_cells(fields, cells, values, scales)?,
        }
        let prices_only = self.plan.cells.as_ref().is_some_and(|cells| cells.prices_only);
        match self.plan.table {
            RawTable::Quotes if prices_only || self.restores => {}
            RawTable::Book | RawTable::Quotes => keep_existing_levels(values, scales),
            RawTable::Trades | RawTable::Deltas => price_and_qty(values, scales)?,
            RawTable::Orders | RawTable::Ohlcv => {}
        }
        let ids = [head.id, head.order_ids[0], head.order_ids[1]];
        let ids = &ids[..self.plan.table.ids().len()];
        builder.push_row(0, head.times, head.sequence, (head.venue, head.security), ids)?;
        if let Some(record) = head.record {
            builder.restore_record(0, record);
        }
        Ok(())
    }

    /// The decimals that were not gathered with the others: those that are missing, longer, or in another form.
    #[inline]
    fn put_others(&self, fields: &Fields<'_>, values: &mut [i64], scales: &mut [u8]) -> Result<(), Fault> {
        if scales.iter().fold(0, |most, scale| most.max(*scale)) != SCALE_NULL {
            return Ok(());
        }
        self.put_decimals(fields, values, scales)
    }

    fn put_decimals(&self, fields: &Fields<'_>, values: &mut [i64], scales: &mut [u8]) -> Result<(), Fault> {
        let is_book = matches!(self.plan.table, RawTable::Book | RawTable::Quotes);
        for &(field, slot) in &self.decimals {
            let slot = usize::from(slot);
            if scales[slot] != SCALE_NULL {
                continue;
            }
            if let Some(decimal) = fields.decimal(usize::from(field)) {
                (values[slot], scales[slot]) = (decimal.mantissa, decimal.scale);
                continue;
            }
            let text = fields.get(usize::from(field));
            put_decimal(decimal_as_written(text), is_book, &mut values[slot], &mut scales[slot])
                .map_err(|expected| Fault::got(self.name(field), expected, text))?;
        }
        Ok(())
    }

    /// The same for cells that are not in the plain form.
    pub(super) fn put_cells(
        &self,
        fields: &Fields<'_>,
        cells: &Cells,
        values: &mut [i64],
        scales: &mut [u8],
    ) -> Result<(), Fault> {
        let is_book = matches!(self.plan.table, RawTable::Book | RawTable::Quotes);
        for &(field, slot) in &self.decimals {
            let text = fields.get(usize::from(field));
            let (value, scale) = (&mut values[usize::from(slot)], &mut scales[usize::from(slot)]);
            put_decimal(decimal(cells.text(text)), is_book, value, scale)
                .and_then(|()| cells.rescale(is_size(self.plan.table, slot), value, scale))
                .map_err(|expected| Fault::got(self.name(field), expected, text))?;
        }
        Ok(())
    }

    #[cold]
    pub(super) fn name(&self, field: u16) -> Cow<'static, str> {
        self.plan.columns.get(usize::from(field)).map_or(Cow::Borrowed(""), |c| Cow::Owned(c.0.clone()))
    }
}

/// The fault of a record with too few or too many fields.
#[cold]
pub(super) fn wrong_count(expected: usize, found: usize) -> Fault {
    Fault::new("", format_args!("{expected} fields, got {found}"))
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

    fn columns(&self) -> Option<SourceColumns<'_>> {
        Some(SourceColumns {
            delimiter: self.plan.delimiter,
            quoted: self.plan.quoted,
            names: self.plan.columns.iter().map(|(name, _)| name.as_str()).collect(),
            restores: self.restores,
        })
    }
}
