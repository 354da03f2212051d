//! The trades of a partition, summed up to each two-sided snapshot (A9, C13, C14).
//!
//! A trade ranks before a snapshot of the same clock (G3), so the trades of a snapshot are those not later than it that
//! no earlier two-sided snapshot took.

use crate::error::{Error, Result};
use crate::merge::block::{BlockMemory, ColumnSpec, Group, ORDER};
use crate::merge::cursor::Cursor;
use crate::merge::reorder::Reorder;
use crate::merge::{Simd, TradeSums, levels};
use crate::read::TableReader;
use crate::schema::Clock;

/// Columns of the trade cursor, by position after those of the order.
const SIDE: usize = ORDER.len();
const PRICE: usize = SIDE + 1;
const QTY: usize = SIDE + 2;

/// Memory of the trade cursor: one block as i64, its prices and quantities as f64.
#[derive(Debug)]
pub(crate) struct TradeMemory {
    block: BlockMemory,
    reorder: Reorder,
    price: Vec<f64>,
    qty: Vec<f64>,
}

impl TradeMemory {
    /// Memory for blocks of `rows` rows.
    pub(crate) fn new(rows: usize) -> Self {
        let block = BlockMemory::new(
            [
                ColumnSpec::new("side", Group::Plain),
                ColumnSpec::new("price", Group::Price),
                ColumnSpec::new("qty", Group::Size),
            ],
            rows,
        );
        let reorder = Reorder::new(block.column_count(), rows);
        Self { block, reorder, price: vec![0.0; rows], qty: vec![0.0; rows] }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.block.bytes() + self.reorder.bytes() + 16 * self.price.len()
    }
}

/// The trades, in order, and the sums of those that wait for a snapshot.
#[derive(Debug)]
pub(crate) struct TradeStream<'a> {
    cursor: Cursor<'a>,
    price: &'a mut [f64],
    qty: &'a mut [f64],
    simd: Simd,
    clock: Clock,
    row: usize,
    /// Trades taken by snapshots.
    pub(crate) used: u64,
}

impl<'a> TradeStream<'a> {
    pub(crate) fn new(
        segments: &'a [TableReader],
        clock: Clock,
        memory: &'a mut TradeMemory,
        simd: Simd,
    ) -> Result<Self> {
        let columns = memory.block.column_count();
        let keys = [false; ORDER.len()];
        let cursor = Cursor::new(segments, (&mut memory.block, &mut memory.reorder), columns, clock, keys)?;
        let (price, qty) = (&mut memory.price[..], &mut memory.qty[..]);
        let mut stream = Self { cursor, price, qty, simd, clock, row: 0, used: 0 };
        stream.load()?;
        Ok(stream)
    }

    /// Reads the next block; false at the end.
    fn load(&mut self) -> Result<bool> {
        self.row = 0;
        if !self.cursor.next_block()? {
            return Ok(false);
        }
        let rows = self.cursor.rows();
        let memory = &*self.cursor.memory;
        for (column, name) in [(PRICE, "price"), (QTY, "qty")] {
            if memory.nulls(column) > 0 {
                return Err(Error::damage("trade-values", format!("a {name} in every trade"), "a null"));
            }
        }
        let scales = self.cursor.scales();
        for (column, scale, out) in [(PRICE, scales.price, &mut *self.price), (QTY, scales.size, &mut *self.qty)] {
            levels::to_f64(self.simd, &memory.values(column)[..rows], memory.bound(column), scale, &mut out[..rows]);
        }
        Ok(true)
    }

    /// Takes every trade up to `clock` that is still there, in order.
    pub(crate) fn take(&mut self, clock: i64) -> Result<TradeSums> {
        let mut sums = TradeSums::default();
        loop {
            let rows = self.cursor.rows();
            let memory = &*self.cursor.memory;
            let clocks = &memory.values(self.clock as usize)[..rows];
            let sides = &memory.values(SIDE)[..rows];
            let sides_known = memory.nulls(SIDE) < rows;
            let first = self.row;
            while self.row < rows && clocks[self.row] <= clock {
                let side = if sides_known && memory.is_valid(SIDE, self.row) { sides[self.row] } else { 0 };
                add(&mut sums, self.price[self.row], self.qty[self.row], side);
                self.row += 1;
            }
            self.used += (self.row - first) as u64;
            if self.row < rows || rows == 0 || !self.load()? {
                return Ok(sums);
            }
        }
    }
}

#[inline]
fn add(sums: &mut TradeSums, price: f64, qty: f64, side: i64) {
    match side {
        1 => sums.buy += qty,
        -1 => sums.sell += qty,
        _ => sums.unknown += qty,
    }
    sums.count += 1.0;
    sums.notional += price * qty;
    sums.volume += qty;
}
