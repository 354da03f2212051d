//! Rows that are stored by one clock, in the order of the other (decision 10).
//!
//! A pool of fixed size takes the stored blocks; of the pooled rows the earlier half leaves in order. So a row may stand
//! as far from its place as half the pool. A row that comes too late is an error by name, never a wrong order.
//!
//! The pool is made when a partition first needs one, which none does at the stored clock, and kept from then on.

use crate::error::Result;
use crate::merge::block::{BlockMemory, RECORD, SEQUENCE, SOURCE, clock_column, findings};
use crate::read::TableReader;
use crate::schema::Clock;

/// Blocks that the pool holds.
const BLOCKS: usize = 4;

/// What orders rows of one channel (G3, B5), and where the row lies in the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    clock: i64,
    sequence: u64,
    source: i64,
    record: i64,
    slot: u32,
}

impl Key {
    /// The place in the total order of the channel.
    fn place(self) -> (i64, u64, i64, i64) {
        (self.clock, self.sequence, self.source, self.record)
    }
}

/// The pool of one cursor.
#[derive(Debug)]
pub(crate) struct Reorder {
    values: Vec<i64>,
    /// One byte a value: 1 when it is there.
    valid: Vec<u8>,
    keys: Vec<Key>,
    free: Vec<u32>,
    /// Largest bound of each column so far.
    bound: Vec<u64>,
    columns: usize,
    stride: usize,
    capacity: usize,
    /// Keys that fit, once the pool is made.
    room: usize,
    /// Values that fit, once the pool is made.
    cells: usize,
    by_sequence: bool,
    ended: bool,
    last: Option<Key>,
}

impl Reorder {
    /// For blocks of `rows` rows of `columns` columns.
    pub(crate) fn new(columns: usize, rows: usize) -> Self {
        let capacity = BLOCKS * rows;
        Self {
            values: Vec::new(),
            valid: Vec::new(),
            keys: Vec::new(),
            free: Vec::new(),
            bound: vec![0; columns],
            columns,
            stride: rows,
            capacity,
            room: capacity,
            cells: columns * capacity,
            by_sequence: false,
            ended: false,
            last: None,
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.values.len() * 9 + self.keys.capacity() * size_of::<Key>() + self.free.capacity() * 4
    }

    /// Starts a table of blocks of `stride` rows.
    pub(crate) fn start(&mut self, segments: &[TableReader], stride: usize, columns: usize) -> Result<()> {
        self.values.resize(self.cells, 0);
        self.valid.resize(self.cells, 0);
        self.keys.clear();
        self.keys.reserve(self.room);
        self.free.clear();
        self.free.reserve(self.room);
        self.capacity = (self.values.len() / columns.max(1)).min(self.room);
        if self.capacity < 2 * stride {
            return Err(findings(format!(
                "blocks of {stride} rows cannot be put in the order of another clock in this arena; import with --clock"
            )));
        }
        (self.columns, self.stride) = (columns, stride);
        (self.ended, self.last) = (false, None);
        self.free.extend((0..self.capacity as u32).rev());
        self.bound.fill(0);
        // A channel in which any row lacks its sequence has none (B5).
        self.by_sequence = segments.iter().all(|reader| {
            let index = reader.header().schema.index_of("sequence");
            index.is_some_and(|c| (0..reader.block_count()).all(|block| reader.entry(block, c).nulls == 0))
        });
        Ok(())
    }

    /// True while a whole stored block fits and there may be one.
    pub(crate) fn wants_rows(&self) -> bool {
        !self.ended && self.free.len() >= self.stride
    }

    /// No stored block is left.
    pub(crate) fn end(&mut self) {
        self.ended = true;
    }

    /// Takes the rows of a stored block.
    pub(crate) fn take(&mut self, memory: &BlockMemory, rows: usize, clock: Clock) {
        for row in 0..rows {
            let Some(slot) = self.free.pop() else { return };
            self.keys.push(Key {
                clock: memory.values(clock as usize)[row],
                sequence: if self.by_sequence { memory.values(SEQUENCE)[row].cast_unsigned() } else { 0 },
                source: memory.values(SOURCE)[row],
                record: memory.values(RECORD)[row],
                slot,
            });
            for column in 0..self.columns {
                let at = column * self.capacity + slot as usize;
                self.values[at] = memory.values(column)[row];
                self.valid[at] = u8::from(memory.nulls(column) == 0 || memory.is_valid(column, row));
            }
        }
        for (most, bound) in self.bound.iter_mut().zip(&memory.bound) {
            *most = (*most).max(*bound);
        }
    }

    /// Writes the next rows in order to `memory`; 0 at the end.
    pub(crate) fn give(&mut self, memory: &mut BlockMemory, clock: Clock) -> Result<usize> {
        self.keys.sort_unstable();
        let held = if self.ended { 0 } else { self.capacity / 2 };
        let rows = self.keys.len().saturating_sub(held).min(self.stride);
        let Some(first) = self.keys.first().copied().filter(|_| rows > 0) else { return Ok(0) };
        if self.last.is_some_and(|last| first.place() < last.place()) {
            return Err(findings(format!(
                "rows lie more than {} rows from their place by {}; import with --clock {}",
                self.capacity / 2,
                clock_column(clock),
                clock.name()
            )));
        }
        for column in 0..self.columns {
            let base = column * self.capacity;
            let (values, validity) = memory.column_mut(column);
            validity.fill(0);
            let mut nulls = 0;
            for (row, key) in self.keys[..rows].iter().enumerate() {
                let at = base + key.slot as usize;
                values[row] = self.values[at];
                validity[row / 64] |= u64::from(self.valid[at]) << (row % 64);
                nulls += usize::from(self.valid[at] == 0);
            }
            memory.nulls[column] = nulls;
            memory.bound[column] = self.bound[column];
        }
        self.last = Some(self.keys[rows - 1]);
        self.free.extend(self.keys.drain(..rows).map(|key| key.slot));
        Ok(rows)
    }
}
