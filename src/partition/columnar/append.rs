//! Rows of a batch that are like each other, appended to a section column by column.

use super::open::{CLOCK, EVENT, FIXED, NULL, OpenRows, RECORD, RECV, SEQUENCE, SOURCE, SUB, first_decimal, number_id};
use crate::normalize::RowBatch;
use crate::partition::row::{self, RowOrder};

/// Rows that are turned at a time: they stay in the first-level cache while their columns are written.
const TILE: usize = 32;

impl OpenRows {
    /// Takes as many of the rows `rows` of a batch of the same table as there is room for and fill its columns one after the
    /// other: rows in order, of the same date and kind, every decimal there and at its column's scale. Gives how many; the
    /// row behind them, if there is one, is for [`OpenRows::push`].
    ///
    /// Column by column, memory is written front to back: several times as fast as a row at a time over all columns.
    pub(super) fn push_run(&mut self, batch: &RowBatch, rows: &[u32]) -> usize {
        let count = self.run_of(batch, rows);
        let (rows, at) = (&rows[..count], self.rows);
        let keys = || rows.iter().filter_map(|&i| batch.keys.get(i as usize));
        let mut columns: Vec<&mut [i64]> =
            self.values.chunks_exact_mut(self.room).map(|column| &mut column[at..at + count]).collect();
        fill(columns[CLOCK], keys().map(|key| key.clock));
        fill(columns[EVENT], keys().map(|key| key.ts_event));
        fill(columns[RECV], keys().map(|key| key.ts_recv));
        fill(columns[SEQUENCE], keys().map(|key| key.sequence.map_or(NULL, |s| s as i64)));
        fill(columns[SOURCE], keys().map(|_| i64::from(batch.source)));
        fill(columns[RECORD], keys().map(|key| key.record as i64));
        fill(columns[SUB], keys().map(|key| i64::from(key.sub)));
        let ints = self.table.ints().len();
        for k in 0..ints {
            fill(columns[FIXED + k], rows.iter().filter_map(|&i| batch.ints.get(i as usize * ints + k).copied()));
        }
        let ids = self.table.ids().len();
        for k in 0..ids {
            fill(columns[FIXED + ints + k], self.ids.iter().skip(k).step_by(ids).copied());
        }
        let (first, width) = (first_decimal(self.table), self.scales.len());
        let starts = rows.iter().map(|&i| batch.decimal_ends[i as usize] as usize - width);
        self.starts.clear();
        self.starts.extend(starts);
        for (tile, starts) in self.starts.chunks(TILE).enumerate() {
            turn(&batch.decimals, starts, &mut columns[first..], tile * TILE);
        }
        self.rows += count;
        count
    }

    /// How many of the rows fit [`OpenRows::push_run`]; the order of the last one is kept.
    fn run_of(&mut self, batch: &RowBatch, rows: &[u32]) -> usize {
        let Some(first) = rows.first().and_then(|&i| batch.keys.get(i as usize)) else { return 0 };
        if !self.complete {
            return 0;
        }
        let (ints, ids) = (self.table.ints().len(), self.table.ids().len());
        let mut last = self.last.max(self.floor);
        let mut count = 0;
        self.ids.clear();
        for &i in rows.iter().take(self.room - self.rows) {
            let i = i as usize;
            let Some(key) = batch.keys.get(i) else { break };
            let sequence = if self.sequenced { key.sequence.unwrap_or(0) } else { 0 };
            let order = RowOrder { clock: key.clock, sequence, source: batch.source, record: key.record, sub: key.sub };
            let alike = key.date == first.date && key.sequence.is_some() == first.sequence.is_some();
            let in_order = last.is_none_or(|last| last <= order);
            let fits = row::decimals(batch, i).is_some_and(|(_, scales)| scales == self.scales)
                && batch.ints.len() >= (i + 1) * ints;
            if !alike || !in_order || !fits || key.sequence == Some(NULL as u64) {
                break;
            }
            let numbers = (0..ids).map_while(|k| row::id(batch, i, k).and_then(|id| number_id(id).ok()));
            self.ids.extend(numbers);
            if self.ids.len() < (count + 1) * ids {
                break;
            }
            last = Some(order);
            count += 1;
        }
        if count > 0 {
            self.last = last;
        }
        count
    }
}

/// Writes the decimals of the rows that begin at `starts` into the columns, from row `at` on: rows are read and columns are
/// written front to back, four columns at a time.
fn turn(decimals: &[i64], starts: &[usize], columns: &mut [&mut [i64]], at: usize) {
    let rows = at..at + starts.len();
    let (fours, rest) = columns.as_chunks_mut::<4>();
    let mut k = 0;
    for [a, b, c, d] in fours {
        let (a, b) = (a[rows.clone()].iter_mut(), b[rows.clone()].iter_mut());
        let (c, d) = (c[rows.clone()].iter_mut(), d[rows.clone()].iter_mut());
        for ((start, (a, b)), (c, d)) in starts.iter().zip(a.zip(b)).zip(c.zip(d)) {
            let Some(cells) = decimals.get(start + k..).and_then(|cells| cells.first_chunk::<4>()) else { return };
            [*a, *b, *c, *d] = *cells;
        }
        k += 4;
    }
    for column in rest {
        fill(&mut column[rows.clone()], starts.iter().map(|start| decimals[start + k]));
        k += 1;
    }
}

fn fill(cells: &mut [i64], values: impl Iterator<Item = i64>) {
    for (cell, value) in cells.iter_mut().zip(values) {
        *cell = value;
    }
}
