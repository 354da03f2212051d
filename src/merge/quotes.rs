//! The best level of a book alone: in, the segments that serve as the book; out, the last two-sided snapshot up to a time.
//!
//! A tape goes forward only. The mid before a trade and each mid after it have a tape of their own (A2).

use crate::error::Result;
use crate::merge::block::{BlockMemory, ColumnSpec, Group, ORDER};
use crate::merge::cursor::Cursor;
use crate::merge::reorder::Reorder;
use crate::read::TableReader;
use crate::schema::{Clock, book_level_columns};
use crate::units::Decimal;

/// Positions of the best level's columns: bid price and size, ask price and size.
const BID: usize = ORDER.len();
const ASK: usize = BID + 2;

/// Memory of a tape: one block of the best level.
#[derive(Debug)]
pub(crate) struct QuoteMemory {
    block: BlockMemory,
    reorder: Reorder,
}

impl QuoteMemory {
    /// Memory for blocks of `rows` rows.
    pub(crate) fn new(rows: usize) -> Self {
        let group = |i| if i % 2 == 0 { Group::Price } else { Group::Size };
        let columns = book_level_columns(1).into_iter().enumerate();
        let block = BlockMemory::new(columns.map(|(i, name)| ColumnSpec::new(name, group(i))), rows);
        Self { reorder: Reorder::new(block.column_count(), rows), block }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.block.bytes() + self.reorder.bytes()
    }
}

/// The best prices of a two-sided snapshot, as mantissas at the scale of [`QuoteTape::scale`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quote {
    pub(crate) bid_m: i64,
    pub(crate) ask_m: i64,
    pub(crate) scale: u8,
}

impl Quote {
    /// m of the contract.
    pub(crate) fn mid(self) -> f64 {
        let value = |mantissa| Decimal { mantissa, scale: self.scale }.to_f64();
        (value(self.bid_m) + value(self.ask_m)) / 2.0
    }
}

/// Reads best levels in order.
#[derive(Debug)]
pub(crate) struct QuoteTape<'a> {
    cursor: Cursor<'a>,
    clock: Clock,
    row: usize,
    ended: bool,
    last: Option<Quote>,
}

impl<'a> QuoteTape<'a> {
    /// A tape before the first snapshot.
    ///
    /// # Errors
    /// `Findings` when a block does not fit in the memory.
    pub(crate) fn new(segments: &'a [TableReader], clock: Clock, memory: &'a mut QuoteMemory) -> Result<Self> {
        let columns = memory.block.column_count();
        let keys = [false; ORDER.len()];
        let cursor = Cursor::new(segments, (&mut memory.block, &mut memory.reorder), columns, clock, keys)?;
        Ok(Self { cursor, clock, row: 0, ended: false, last: None })
    }

    /// The last two-sided snapshot so far.
    pub(crate) fn last(&self) -> Option<Quote> {
        self.last
    }

    /// Takes over the last two-sided snapshot of the date before; only before the first look.
    pub(crate) fn resume(&mut self, last: Option<Quote>) {
        self.last = last;
    }

    /// The last two-sided snapshot whose clock is not after `limit`; limits must not go back.
    ///
    /// # Errors
    /// `Damage`, `Io`, `Findings`.
    pub(crate) fn last_until(&mut self, limit: i64) -> Result<Option<Quote>> {
        loop {
            let rows = self.cursor.rows();
            let first = self.row;
            let clocks = &self.cursor.memory.values(self.clock as usize)[..rows];
            while self.row < rows && clocks[self.row] <= limit {
                self.row += 1;
            }
            if let Some(row) = (first..self.row).rev().find(|row| self.is_two_sided(*row)) {
                let memory = &*self.cursor.memory;
                let (bid_m, ask_m) = (memory.values(BID)[row], memory.values(ASK)[row]);
                self.last = Some(Quote { bid_m, ask_m, scale: self.cursor.scales().price });
            }
            if self.row < rows || self.ended {
                return Ok(self.last);
            }
            self.row = 0;
            if !self.cursor.next_block()? {
                self.ended = true;
                return Ok(self.last);
            }
        }
    }

    fn is_two_sided(&self, row: usize) -> bool {
        let memory = &*self.cursor.memory;
        [BID, ASK].into_iter().all(|price| {
            let there = |column| memory.nulls(column) == 0 || memory.is_valid(column, row);
            there(price) && there(price + 1) && memory.values(price + 1)[row] > 0
        })
    }
}

/// The clock of a table's last row, from the index alone.
pub(crate) fn last_clock(segments: &[TableReader], clock: Clock) -> Option<i64> {
    ends(segments, clock).map(|(_, last)| last).max()
}

/// The clock of a table's first row, from the index alone.
pub(crate) fn first_clock(segments: &[TableReader], clock: Clock) -> Option<i64> {
    ends(segments, clock).map(|(first, _)| first).min()
}

/// Smallest and largest clock of every block.
fn ends(segments: &[TableReader], clock: Clock) -> impl Iterator<Item = (i64, i64)> {
    let column = super::block::clock_column(clock);
    let of = move |reader: &'_ TableReader| {
        let index = reader.header().schema.index_of(column);
        let blocks = 0..index.map_or(0, |_| reader.block_count());
        let entries = blocks.map(|block| *reader.entry(block, index.unwrap_or(0)));
        let known = entries.filter(|entry| entry.nulls < entry.rows);
        known.map(|entry| (entry.min.cast_signed(), entry.max.cast_signed())).collect::<Vec<_>>()
    };
    segments.iter().flat_map(of)
}
