//! Builds the [`ParsedChunk`] of one chunk: rows by table, rejects, counts. A record's rows go in whole or not at all.

use super::batch::{ParsedChunk, Reject, RowBatch, RowKey, TS_NULL};
use super::names::{Interner, NameRule};
use super::rows::{Fault, Times};
use super::zone::{Zone, ZoneCache};
use crate::limits::{ID_BYTES, QUARANTINE_RECORD_BYTES};
use crate::schema::{Clock, RawTable};

/// Where a chunk stands in its run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place<'a> {
    /// Ordinal of the source.
    pub source: u32,
    /// Number of the chunk's first record in the source.
    pub first_record: u64,
    /// Offset of the chunk in the decompressed source.
    pub byte_offset: u64,
    /// Records that are refused whatever they hold, by their number in the chunk, in order.
    pub refused: &'a [(u64, Fault)],
}

/// The rows of one table.
#[derive(Debug)]
struct Rows {
    batch: RowBatch,
    names: Interner,
    clock: Clock,
    /// Lengths before the current record: keys, decimals, ints, id bytes.
    mark: [usize; 4],
}

/// Collects a chunk. Usage: [`ChunkBuilder::begin`], then for each row values into [`ChunkBuilder::batch`] and
/// [`ChunkBuilder::push_row`], then [`ChunkBuilder::store`] or [`ChunkBuilder::reject`]; or [`ChunkBuilder::skip`] alone.
#[derive(Debug)]
pub struct ChunkBuilder<'a> {
    place: Place<'a>,
    rule: &'a NameRule,
    dates: ZoneCache,
    out: ParsedChunk,
    tables: Vec<Rows>,
    record: u64,
    /// Records whose rows took the venue `unknown`.
    unknown_venues: u64,
    unknown_here: bool,
}

impl<'a> ChunkBuilder<'a> {
    /// A builder without rows.
    #[must_use]
    pub fn new(place: Place<'a>, rule: &'a NameRule, date_zone: &Zone) -> Self {
        Self {
            place,
            rule,
            dates: ZoneCache::new(date_zone.clone()),
            out: ParsedChunk::default(),
            tables: Vec::new(),
            record: place.first_record,
            unknown_venues: 0,
            unknown_here: false,
        }
    }

    /// Adds a table and gives its handle: 0 for the first, and so on.
    pub fn add_table(&mut self, table: RawTable, levels: u16, clock: Clock) -> usize {
        let batch = RowBatch::new(table, self.place.source, levels);
        self.tables.push(Rows { batch, names: Interner::default(), clock, mark: [0; 4] });
        self.tables.len() - 1
    }

    /// Makes room for so many rows of a table with so many decimals each, so that filling it moves nothing.
    pub fn reserve(&mut self, table: usize, rows: usize, decimals: usize) {
        let batch = &mut self.tables[table].batch;
        batch.keys.reserve(rows);
        batch.decimals.reserve(rows * decimals);
        batch.scales.reserve(rows * decimals);
        batch.decimal_ends.reserve(rows);
        batch.ints.reserve(rows * batch.table.ints().len());
    }

    /// Begins the record of this number in the chunk.
    #[inline]
    pub fn begin(&mut self, index: u64) {
        self.record = self.place.first_record + index;
        self.unknown_here = false;
        self.out.records += 1;
        for rows in &mut self.tables {
            let b = &rows.batch;
            rows.mark = [b.keys.len(), b.decimals.len(), b.ints.len(), b.id_bytes.len()];
        }
    }

    /// Whether the record of this number in the chunk may be stored at all.
    ///
    /// # Errors
    /// Why not.
    #[inline]
    pub fn admit(&self, index: u64) -> Result<(), Fault> {
        if self.place.refused.is_empty() { Ok(()) } else { self.look_up(index) }
    }

    #[cold]
    fn look_up(&self, index: u64) -> Result<(), Fault> {
        let found = self.place.refused.binary_search_by_key(&index, |(record, _)| *record);
        found.map_or(Ok(()), |at| Err(self.place.refused[at].1.clone()))
    }

    /// The line in the source, from 1, of the record of this number in the chunk.
    #[must_use]
    pub fn line(&self, index: u64) -> u64 {
        self.place.first_record + index + 1
    }

    /// The rows of a table, for values of the row that is being built.
    #[inline]
    pub fn batch(&mut self, table: usize) -> &mut RowBatch {
        &mut self.tables[table].batch
    }

    /// Ends a row whose decimals and ints are in place: names it, places it in time, closes its decimals. `ids` are its ids in the
    /// order of the table's columns.
    ///
    /// # Errors
    /// The clock is missing, or a name is; the caller then rejects the record.
    #[inline]
    pub fn push_row(
        &mut self,
        table: usize,
        times: Times,
        sequence: Option<u64>,
        names: (&[u8], &[u8]),
        ids: &[&[u8]],
    ) -> Result<(), Fault> {
        let rows = &mut self.tables[table];
        let (clock, column) = match rows.clock {
            Clock::Event => (times.event, "ts_event"),
            Clock::Recv => (times.recv, "ts_recv"),
        };
        if clock == TS_NULL {
            return Err(Fault::new(column, "a time: this clock orders the table (decision: --clock)"));
        }
        let (security, unknown) = rows.names.index(names.0, names.1, self.rule)?;
        self.unknown_here |= unknown;
        let batch = &mut rows.batch;
        if let Some(at) = ids.iter().position(|id| id.len() > ID_BYTES) {
            return Err(Fault::new(batch.table.ids().get(at).map_or("id", |id| id.0), "an id of at most 4096 bytes"));
        }
        for id in ids {
            batch.id_bytes.extend_from_slice(id);
            batch.id_ends.push(batch.id_bytes.len() as u32);
        }
        for _ in ids.len()..batch.table.ids().len() {
            batch.id_ends.push(batch.id_bytes.len() as u32);
        }
        batch.decimal_ends.push(batch.decimals.len() as u32);
        batch.keys.push(RowKey {
            security,
            date: self.dates.date(clock),
            clock,
            ts_event: times.event,
            ts_recv: times.recv,
            sequence,
            record: self.record,
            sub: (batch.keys.len() - rows.mark[0]) as u32,
        });
        Ok(())
    }

    /// Gives the row that was pushed last the number that its record had in another source. Rows of one such record keep
    /// the order in which they come.
    pub fn restore_record(&mut self, table: usize, record: u64) {
        if let Some(key) = self.tables[table].batch.keys.last_mut() {
            key.sub = (key.record & u64::from(u32::MAX)) as u32;
            key.record = record;
        }
    }

    /// Ends the record: its rows stay. A record without a row counts as skipped by the rule `no rows`.
    #[inline]
    pub fn store(&mut self) {
        if self.tables.iter().any(|rows| rows.batch.keys.len() > rows.mark[0]) {
            self.out.stored += 1;
            self.unknown_venues += u64::from(self.unknown_here);
        } else {
            *self.out.skipped.entry("no rows").or_default() += 1;
        }
    }

    /// Ends the record: it is a part of the row that was stored before it.
    #[inline]
    pub fn join(&mut self) {
        self.out.stored += 1;
    }

    /// Ends the record: its rows go, the reject stays. `offset` is the record's place in the chunk, `raw` its bytes.
    pub fn reject(&mut self, offset: usize, raw: &[u8], fault: &Fault) {
        self.undo();
        self.out.rejects.push(Reject {
            record: self.record,
            line: self.record + 1,
            byte_offset: self.place.byte_offset + offset as u64,
            length: raw.len() as u64,
            column: fault.column().to_owned(),
            reason: fault.reason().to_owned(),
            head: raw[..raw.len().min(QUARANTINE_RECORD_BYTES)].to_vec(),
        });
    }

    /// Ends the record: it is skipped by a named rule.
    pub fn skip(&mut self, rule: &'static str) {
        self.undo();
        *self.out.skipped.entry(rule).or_default() += 1;
    }

    /// Counts a fact for the report.
    pub fn note(&mut self, fact: &'static str, count: u64) {
        if count > 0 {
            *self.out.notes.entry(fact).or_default() += count;
        }
    }

    fn undo(&mut self) {
        for rows in &mut self.tables {
            let (b, [keys, decimals, ints, id_bytes]) = (&mut rows.batch, rows.mark);
            let ids = keys * b.table.ids().len();
            b.keys.truncate(keys);
            b.decimals.truncate(decimals);
            b.scales.truncate(decimals);
            b.decimal_ends.truncate(keys);
            b.ints.truncate(ints);
            b.id_bytes.truncate(id_bytes);
            b.id_ends.truncate(ids);
        }
    }

    /// The chunk; tables without rows are left out.
    #[must_use]
    pub fn finish(mut self) -> ParsedChunk {
        self.note("records without a venue, stored as `unknown`; --venue names it", self.unknown_venues);
        for mut rows in self.tables {
            if !rows.batch.keys.is_empty() {
                rows.batch.securities = rows.names.into_pairs();
                self.out.batches.push(rows.batch);
            }
        }
        self.out
    }
}
