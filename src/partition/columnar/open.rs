//! The open rows of a section, column by column, in a buffer that grows in steps: small sections take little.

use crate::limits::{BLOCK_ROWS, DECIMAL_SCALE};
use crate::normalize::{RowBatch, RowKey, SCALE_NULL};
use crate::partition::facts::canonical_u64;
use crate::partition::row::{self, RowOrder};
use crate::schema::RawTable;
use crate::units::{Decimal, POW10};

/// A missing value: no time, small integer or mantissa has it, and an id that has it is not taken.
pub(super) const NULL: i64 = i64::MIN;
/// Id columns of a table at most.
pub(super) const ID_COLUMNS: usize = 3;
/// Rows beyond a block: how late a row may come and still find its block open. With it columns start at different sets
/// of the cache, which a power of two of rows would not give.
const SLACK: usize = 520;
/// Rows of an open section at most.
pub(super) const CAPACITY: usize = BLOCK_ROWS as usize + SLACK;
/// Rows of a buffer, the last being [`CAPACITY`]. Each is an odd number of cache lines, for the reason given there.
const STEPS: [usize; 6] = [136, 296, 584, 1_160, 2_312, CAPACITY];
/// Columns in front of a table's own.
pub(super) const CLOCK: usize = 0;
pub(super) const EVENT: usize = 1;
pub(super) const RECV: usize = 2;
pub(super) const SEQUENCE: usize = 3;
pub(super) const SOURCE: usize = 4;
pub(super) const RECORD: usize = 5;
pub(super) const SUB: usize = 6;
/// How many they are: the table's small integers follow, then its ids, then its decimals.
pub(super) const FIXED: usize = 7;

/// Why a row is not taken: the general way has to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    /// It belongs in front of rows that are sealed already.
    Late,
    /// An id that is no number, a decimal that does not fit beside the others.
    Cell,
}

/// Rows of one section. Decimals of a column share a scale, which rises as needed.
#[derive(Debug)]
pub(super) struct OpenRows {
    pub(super) table: RawTable,
    pub(super) sequenced: bool,
    pub(super) rows: usize,
    /// Rows that there is room for, one of [`STEPS`].
    pub(super) room: usize,
    /// Column-major, `room` rows a column: the fixed ones, small integers, ids, decimals.
    pub(super) values: Vec<i64>,
    /// Scale of each decimal column, [`SCALE_NULL`] before its first value.
    pub(super) scales: Vec<u8>,
    /// Every decimal column has had a value: then a row with the same scales has no missing one.
    pub(super) complete: bool,
    pub(super) last: Option<RowOrder>,
    sorted: bool,
    /// Nothing may come before this row: it is sealed.
    pub(super) floor: Option<RowOrder>,
    /// Where rows' decimals begin in a batch; kept for its memory.
    pub(super) starts: Vec<usize>,
    /// Ids of rows that are about to be taken, row by row; kept for its memory.
    pub(super) ids: Vec<i64>,
}

impl OpenRows {
    /// A buffer with room for `rows`, at most [`CAPACITY`].
    pub(super) fn new(table: RawTable, sequenced: bool, decimals: usize, rows: usize) -> Self {
        let mut open = Self {
            table,
            sequenced,
            rows: 0,
            room: room_for(rows),
            values: Vec::new(),
            scales: Vec::new(),
            complete: false,
            last: None,
            sorted: true,
            floor: None,
            starts: Vec::new(),
            ids: Vec::new(),
        };
        open.widen(decimals);
        open
    }

    /// Bytes of a section of so many decimals with room for `rows`.
    pub(super) fn bytes_of(table: RawTable, decimals: usize, rows: usize) -> usize {
        (first_decimal(table) + decimals) * room_for(rows) * 8
    }

    pub(super) fn bytes(&self) -> usize {
        self.values.capacity() * 8
    }

    pub(super) fn is_full(&self) -> bool {
        self.rows == CAPACITY
    }

    /// The next row needs a larger buffer.
    pub(super) fn is_cramped(&self) -> bool {
        self.rows == self.room && self.room < CAPACITY
    }

    /// A column's rows.
    pub(super) fn column(&self, number: usize) -> &[i64] {
        &self.values[number * self.room..][..self.rows]
    }

    pub(super) fn columns(&self) -> usize {
        first_decimal(self.table) + self.scales.len()
    }

    /// Makes room for more decimals.
    fn widen(&mut self, decimals: usize) {
        if decimals > self.scales.len() {
            self.scales.resize(decimals, SCALE_NULL);
            self.values.resize(self.columns() * self.room, NULL);
            self.complete = false;
        }
    }

    /// Takes row `i` of a batch of the same table, in a buffer that is not cramped.
    ///
    /// # Errors
    /// Why it cannot; nothing has changed then.
    pub(super) fn push(&mut self, batch: &RowBatch, i: usize, key: &RowKey) -> Result<(), Unfit> {
        let sequence = if self.sequenced { key.sequence.unwrap_or(0) } else { 0 };
        let order = RowOrder { clock: key.clock, sequence, source: batch.source, record: key.record, sub: key.sub };
        if self.floor.is_some_and(|floor| order < floor) {
            return Err(Unfit::Late);
        }
        if key.sequence == Some(NULL as u64) {
            return Err(Unfit::Cell);
        }
        let (mantissas, scales) = row::decimals(batch, i).ok_or(Unfit::Cell)?;
        if mantissas.len() > self.scales.len() {
            self.widen(mantissas.len());
        }
        let ids = self.table.ids().len();
        let mut numbers = [NULL; ID_COLUMNS];
        for (k, number) in numbers.iter_mut().take(ids).enumerate() {
            *number = number_id(row::id(batch, i, k).ok_or(Unfit::Cell)?)?;
        }
        let first = first_decimal(self.table);
        let at = self.rows;
        if self.complete && self.scales == scales {
            let columns = self.values[first * self.room..].chunks_exact_mut(self.room);
            for (column, mantissa) in columns.zip(mantissas) {
                column[at] = *mantissa;
            }
        } else {
            self.put_decimals(mantissas, scales)?;
        }
        let fixed = [
            (CLOCK, key.clock),
            (EVENT, key.ts_event),
            (RECV, key.ts_recv),
            (SEQUENCE, key.sequence.map_or(NULL, |s| s as i64)),
            (SOURCE, i64::from(batch.source)),
            (RECORD, key.record as i64),
            (SUB, i64::from(key.sub)),
        ];
        for (column, value) in fixed {
            self.values[column * self.room + at] = value;
        }
        let ints = self.table.ints().len();
        for (k, value) in batch.ints.get(i * ints..(i + 1) * ints).ok_or(Unfit::Cell)?.iter().enumerate() {
            self.values[(FIXED + k) * self.room + at] = *value;
        }
        for (k, number) in numbers.iter().take(ids).enumerate() {
            self.values[(FIXED + ints + k) * self.room + at] = *number;
        }
        self.sorted &= self.last.is_none_or(|last| last <= order);
        self.last = Some(order);
        self.rows += 1;
        Ok(())
    }

    /// Decimals that are not all at their columns' scales.
    fn put_decimals(&mut self, mantissas: &[i64], scales: &[u8]) -> Result<(), Unfit> {
        let first = first_decimal(self.table);
        let mut given = mantissas.iter().zip(scales);
        for k in 0..self.scales.len() {
            let value = match given.next() {
                None | Some((_, &SCALE_NULL)) => NULL,
                Some((&mantissa, &scale)) => self.rescaled(k, Decimal { mantissa, scale })?,
            };
            self.values[(first + k) * self.room + self.rows] = value;
        }
        self.complete = !self.scales.contains(&SCALE_NULL);
        Ok(())
    }

    /// A value at its column's scale, which rises if it must.
    fn rescaled(&mut self, k: usize, value: Decimal) -> Result<i64, Unfit> {
        if value.scale > DECIMAL_SCALE {
            return Err(Unfit::Cell);
        }
        let scale = self.scales[k];
        if scale == SCALE_NULL {
            self.scales[k] = value.scale;
            return Ok(value.mantissa);
        }
        if value.scale <= scale {
            let value = value.mantissa.checked_mul(POW10[usize::from(scale - value.scale)]);
            return value.ok_or(Unfit::Cell);
        }
        let short = value.normal();
        if short.scale <= scale {
            let value = short.mantissa.checked_mul(POW10[usize::from(scale - short.scale)]);
            return value.ok_or(Unfit::Cell);
        }
        let factor = POW10[usize::from(short.scale - scale)];
        let start = (first_decimal(self.table) + k) * self.room;
        let column = &mut self.values[start..start + self.rows];
        if column.iter().any(|v| *v != NULL && v.checked_mul(factor).is_none()) {
            return Err(Unfit::Cell);
        }
        for v in column.iter_mut().filter(|v| **v != NULL) {
            *v *= factor;
        }
        self.scales[k] = short.scale;
        Ok(short.mantissa)
    }

    /// Brings the rows in order.
    pub(super) fn sort(&mut self) {
        if self.sorted {
            return;
        }
        let mut places: Vec<u32> = (0..self.rows as u32).collect();
        places.sort_unstable_by_key(|&row| self.order(row as usize));
        let mut column = Vec::with_capacity(self.rows);
        for number in 0..self.columns() {
            column.clear();
            column.extend_from_slice(self.column(number));
            let values = &mut self.values[number * self.room..][..self.rows];
            for (value, &from) in values.iter_mut().zip(&places) {
                *value = column[from as usize];
            }
        }
        self.sorted = true;
        self.last = self.rows.checked_sub(1).map(|row| self.order(row));
    }

    /// What orders a row.
    fn order(&self, row: usize) -> RowOrder {
        let value = |column: usize| self.values[column * self.room + row];
        RowOrder {
            clock: value(CLOCK),
            sequence: if self.sequenced { value(SEQUENCE) as u64 } else { 0 },
            source: value(SOURCE) as u32,
            record: value(RECORD) as u64,
            sub: value(SUB) as u32,
        }
    }

    /// Whether row `row` has the content of the row before it, at the same clock.
    pub(super) fn repeats(&self, row: usize) -> bool {
        let same = |column: usize| {
            let values = &self.values[column * self.room..];
            values[row] == values[row - 1]
        };
        same(CLOCK) && (0..self.columns()).filter(|c| !matches!(*c, SOURCE | RECORD | SUB)).all(same)
    }

    /// Moves the rows from `from` on to `next`, an empty buffer of the same table with room for them; the last one before
    /// stays in mind as the floor.
    pub(super) fn split_to(&mut self, from: usize, next: &mut Self) {
        self.copy_to(from, next);
        next.floor = from.checked_sub(1).map(|row| self.order(row));
        next.sorted = true;
        self.rows = from;
    }

    /// Moves all rows to `next`, an empty buffer of the same table with more room.
    pub(super) fn move_to(&mut self, next: &mut Self) {
        self.copy_to(0, next);
        (next.floor, next.sorted) = (self.floor, self.sorted);
        self.rows = 0;
    }

    fn copy_to(&self, from: usize, next: &mut Self) {
        next.widen(self.scales.len());
        next.scales.copy_from_slice(&self.scales);
        next.complete = self.complete;
        let room = next.room;
        for number in 0..self.columns() {
            let moved = &self.column(number)[from..];
            next.values[number * room..][..moved.len()].copy_from_slice(moved);
        }
        next.rows = self.rows - from;
        next.last = self.last;
    }

    /// The row that nothing may come before.
    pub(super) fn floor(&self) -> Option<RowOrder> {
        self.floor
    }

    /// Fills an empty buffer with rows that were sealed: `fill(number, column)` writes each column's values.
    ///
    /// # Errors
    /// What `fill` says.
    pub(super) fn refill<E>(
        &mut self,
        rows: usize,
        floor: Option<RowOrder>,
        mut fill: impl FnMut(usize, &mut [i64]) -> Result<(), E>,
    ) -> Result<(), E> {
        for number in 0..self.columns() {
            fill(number, &mut self.values[number * self.room..][..rows])?;
        }
        (self.rows, self.floor) = (rows, floor);
        self.last = rows.checked_sub(1).map(|row| self.order(row));
        Ok(())
    }

    /// Makes the buffer that of another, empty section, with the same room.
    pub(super) fn reset(&mut self, table: RawTable, sequenced: bool, decimals: usize) {
        (self.table, self.sequenced, self.rows) = (table, sequenced, 0);
        (self.last, self.sorted, self.floor) = (None, true, None);
        self.scales.clear();
        self.scales.resize(decimals, SCALE_NULL);
        self.complete = false;
        let length = self.columns() * self.room;
        if self.values.capacity() / 2 > length {
            // It was that of a table with far more columns.
            self.values = Vec::new();
        }
        self.values.resize(length, NULL);
    }
}

/// The smallest step with room for so many rows.
pub(super) fn room_for(rows: usize) -> usize {
    STEPS.into_iter().find(|step| *step >= rows).unwrap_or(CAPACITY)
}

/// The number of the first decimal column.
pub(super) fn first_decimal(table: RawTable) -> usize {
    FIXED + table.ints().len() + table.ids().len()
}

pub(super) fn number_id(text: &[u8]) -> Result<i64, Unfit> {
    if text.is_empty() {
        return Ok(NULL);
    }
    canonical_u64(text).map(|id| id as i64).filter(|id| *id != NULL).ok_or(Unfit::Cell)
}
