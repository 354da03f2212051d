//! Rows that repeat the row before them, and rows that the source gave in another order: counted block by block as a cursor
//! reads them, and left out where that is wanted (B7).

use crate::merge::block::{BlockMemory, RECORD, SOURCE};
use crate::schema::Clock;

/// What was found in the rows of one table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowFaults {
    /// Rows with the clock of the row before them, equal to it in every column that is compared: clocks, sequence, ids and
    /// values, but not the source position.
    pub duplicates: u64,
    /// Rows whose source position is below that of an earlier row of the total order.
    pub out_of_order: u64,
    /// Duplicates that were left out; 0 or all of them.
    pub skipped: u64,
}

/// What a cursor does with such rows, and what it must know of the rows before a block.
#[derive(Debug, Default)]
pub(crate) struct RowWatch {
    /// Rows are looked at; set anew for each table.
    pub(crate) is_on: bool,
    /// Duplicates are left out.
    pub(crate) drops: bool,
    pub(crate) faults: RowFaults,
    /// The furthest source position so far.
    furthest: (i64, i64),
    /// The last row read, a value and a bit for each column.
    last: Vec<i64>,
    last_valid: Vec<bool>,
    has_last: bool,
    kept: Vec<u32>,
}

impl RowWatch {
    /// For blocks of `columns` columns; `rows` of them at most where duplicates are dropped.
    pub(crate) fn new(columns: usize, rows: usize, drops: bool) -> Self {
        Self {
            drops,
            last: vec![0; columns],
            last_valid: vec![false; columns],
            kept: Vec::with_capacity(if drops { rows } else { 0 }),
            ..Self::default()
        }
    }

    /// Starts a table.
    pub(crate) fn start(&mut self, is_on: bool) {
        self.is_on = is_on || self.drops;
        self.faults = RowFaults::default();
        self.furthest = (i64::MIN, i64::MIN);
        self.has_last = false;
    }

    /// Looks at a block of `rows` rows and `columns` columns; returns how many rows are left of it.
    pub(crate) fn see(&mut self, memory: &mut BlockMemory, rows: usize, columns: usize, clock: Clock) -> usize {
        if rows == 0 {
            return 0;
        }
        self.count_positions(memory, rows);
        self.kept.clear();
        let clocks = &memory.values(clock as usize)[..rows];
        let mut before = self.has_last.then(|| self.last[clock as usize]);
        for (row, now) in clocks.iter().enumerate() {
            let is_duplicate = before == Some(*now) && self.repeats(memory, row, columns);
            self.faults.duplicates += u64::from(is_duplicate);
            if self.drops && !is_duplicate {
                self.kept.push(row as u32);
            }
            before = Some(*now);
        }
        for column in 0..columns {
            self.last[column] = memory.values(column)[rows - 1];
            self.last_valid[column] = is_there(memory, column, rows - 1);
        }
        self.has_last = true;
        if !self.drops || self.kept.len() == rows {
            return rows;
        }
        self.faults.skipped += (rows - self.kept.len()) as u64;
        for column in 0..columns {
            keep(memory, column, &self.kept);
        }
        self.kept.len()
    }

    /// Counts the rows that stand behind a later one of the source. A table without positions has none.
    fn count_positions(&mut self, memory: &BlockMemory, rows: usize) {
        if memory.nulls(SOURCE) + memory.nulls(RECORD) > 0 {
            return;
        }
        let mut furthest = self.furthest;
        let mut behind = 0;
        for (source, record) in memory.values(SOURCE)[..rows].iter().zip(memory.values(RECORD)) {
            behind += u64::from((*source, *record) < furthest);
            furthest = furthest.max((*source, *record));
        }
        self.faults.out_of_order += behind;
        self.furthest = furthest;
    }

    /// True if a row equals the one before it in everything but its position.
    fn repeats(&self, memory: &BlockMemory, row: usize, columns: usize) -> bool {
        (0..columns).filter(|column| !matches!(*column, SOURCE | RECORD)).all(|column| {
            let (is_valid, value) = (is_there(memory, column, row), memory.values(column)[row]);
            let (was_valid, before) = match row {
                0 => (self.last_valid[column], self.last[column]),
                row => (is_there(memory, column, row - 1), memory.values(column)[row - 1]),
            };
            is_valid == was_valid && (!is_valid || value == before)
        })
    }
}

fn is_there(memory: &BlockMemory, column: usize, row: usize) -> bool {
    memory.nulls(column) == 0 || memory.is_valid(column, row)
}

/// Moves the kept rows of a column together; they ascend, so no value is overwritten before it is read.
fn keep(memory: &mut BlockMemory, column: usize, kept: &[u32]) {
    let has_nulls = memory.nulls(column) > 0;
    let (values, validity) = memory.column_mut(column);
    let mut nulls = 0;
    for (to, from) in kept.iter().map(|row| *row as usize).enumerate() {
        values[to] = values[from];
        let bit = if has_nulls { validity[from / 64] >> (from % 64) & 1 } else { 1 };
        validity[to / 64] = validity[to / 64] & !(1 << (to % 64)) | bit << (to % 64);
        nulls += usize::from(bit == 0);
    }
    memory.nulls[column] = nulls;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merge::block::{ColumnSpec, Group, ORDER};

    /// A block of one value column: rows of (clock, record, value).
    fn block(memory: &mut BlockMemory, rows: &[(i64, i64, Option<i64>)]) {
        for column in 0..memory.column_count() {
            let (values, validity) = memory.column_mut(column);
            validity.fill(0);
            for (row, (clock, record, value)) in rows.iter().enumerate() {
                let value = match column {
                    0 => Some(*clock),
                    SOURCE => Some(0),
                    RECORD => Some(*record),
                    column if column < ORDER.len() => None,
                    _ => *value,
                };
                values[row] = value.unwrap_or(77);
                validity[row / 64] |= u64::from(value.is_some()) << (row % 64);
            }
            let known: u32 = memory.validity(column).iter().map(|word| word.count_ones()).sum();
            memory.nulls[column] = rows.len() - known as usize;
        }
    }

    #[test]
    fn duplicates_and_late_rows_are_found_over_block_ends_and_dropped_on_request() {
        for drops in [false, true] {
            let mut memory = BlockMemory::new([ColumnSpec::new("qty", Group::Size)], 64);
            let columns = memory.column_count();
            let mut watch = RowWatch::new(columns, 64, drops);
            watch.start(true);
            let mut left = Vec::new();
            for rows in [
                &[(1, 4, Some(7)), (1, 5, Some(7)), (1, 0, None), (1, 6, None), (1, 7, Some(7))][..],
                &[(1, 8, Some(7)), (2, 1, Some(7)), (2, 2, Some(8))],
            ] {
                block(&mut memory, rows);
                let rows = watch.see(&mut memory, rows.len(), columns, Clock::Event);
                left.extend((0..rows).map(|row| (memory.values(RECORD)[row], is_there(&memory, columns - 1, row))));
            }
            assert_eq!((watch.faults.duplicates, watch.faults.out_of_order), (3, 3));
            let kept = [(4, true), (0, false), (7, true), (1, true), (2, true)];
            if drops {
                assert_eq!((left, watch.faults.skipped), (kept.to_vec(), 3));
            } else {
                assert_eq!((left.len(), watch.faults.skipped), (8, 0));
            }
        }
    }
}
