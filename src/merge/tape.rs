//! The trades of a partition one by one, in order: exact mantissas at one scale, and their correctly rounded f64.
//!
//! Several tapes may run over the same segments, each at its own place: what a window has to drop again, or what lies ahead, is
//! read a second time and never held (A2).

use crate::error::{Error, Result};
use crate::merge::block::{BlockMemory, ColumnSpec, Group, ORDER};
use crate::merge::cursor::{Cursor, Scales};
use crate::merge::faults::RowFaults;
use crate::merge::reorder::Reorder;
use crate::merge::{Simd, levels};
use crate::read::TableReader;
use crate::schema::Clock;

/// Columns of the trade cursor, by position after those of the order.
const SIDE: usize = ORDER.len();
const PRICE: usize = SIDE + 1;
const QTY: usize = SIDE + 2;
/// Columns that a tape reads in any case; after them come the ids, by which duplicates are told from trades that look alike.
const VALUES: usize = SIDE + 3;

/// Memory of a tape: one block as i64, its prices and quantities as f64.
#[derive(Debug)]
pub(crate) struct TapeMemory {
    block: BlockMemory,
    reorder: Reorder,
    price: Vec<f64>,
    qty: Vec<f64>,
}

impl TapeMemory {
    /// Memory for blocks of `rows` rows.
    pub(crate) fn new(rows: usize) -> Self {
        Self::with_columns(&[], rows)
    }

    /// The same for a tape that counts duplicate trades or, with `drops`, leaves them out.
    pub(crate) fn watching(rows: usize, drops: bool) -> Self {
        let mut memory = Self::with_columns(&["trade_id", "bid_order_id", "ask_order_id"], rows);
        if drops {
            memory.block.drop_duplicates();
        }
        memory
    }

    fn with_columns(ids: &[&'static str], rows: usize) -> Self {
        let values = [("side", Group::Plain), ("price", Group::Price), ("qty", Group::Size)];
        let ids = ids.iter().map(|id| (*id, Group::Plain));
        let columns = values.into_iter().chain(ids).map(|(name, group)| ColumnSpec::new(name, group));
        let block = BlockMemory::new(columns, rows);
        let reorder = Reorder::new(block.column_count(), rows);
        Self { block, reorder, price: vec![0.0; rows], qty: vec![0.0; rows] }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.block.bytes() + self.reorder.bytes() + 16 * self.price.len()
    }
}

/// One trade.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct TradeRow {
    pub(crate) clock: i64,
    /// Mantissas at the scales of [`TradeTape::scales`].
    pub(crate) price_m: i64,
    pub(crate) qty_m: i64,
    pub(crate) price: f64,
    pub(crate) qty: f64,
    /// As given: 1, -1, or 0 for unknown.
    pub(crate) side: i64,
    /// `ts_event` and `ts_recv`, where the tape reads them; 0 where they are null.
    pub(crate) keys: [i64; 2],
    pub(crate) has_key: [bool; 2],
}

/// Reads trades in order.
#[derive(Debug)]
pub(crate) struct TradeTape<'a> {
    cursor: Cursor<'a>,
    price: &'a mut [f64],
    qty: &'a mut [f64],
    simd: Simd,
    clock: Clock,
    row: usize,
    /// Clock of the trade at `row`; the least where that is not read yet, the largest behind the last.
    next: i64,
    with_keys: bool,
    ended: bool,
}

impl<'a> TradeTape<'a> {
    /// A tape before the first trade; `with_keys` if both clocks are wanted.
    ///
    /// # Errors
    /// `Findings` when a block does not fit in the memory.
    pub(crate) fn new(
        segments: &'a [TableReader],
        clock: Clock,
        memory: &'a mut TapeMemory,
        simd: Simd,
        with_keys: bool,
    ) -> Result<Self> {
        memory.block.watch.start(false);
        Self::open(segments, clock, memory, simd, with_keys)
    }

    /// The same, and counts what [`TradeTape::faults`] tells; the memory must be a watching one.
    ///
    /// # Errors
    /// As [`TradeTape::new`].
    pub(crate) fn counting(
        segments: &'a [TableReader],
        clock: Clock,
        memory: &'a mut TapeMemory,
        simd: Simd,
        with_keys: bool,
    ) -> Result<Self> {
        memory.block.watch.start(true);
        Self::open(segments, clock, memory, simd, with_keys)
    }

    fn open(
        segments: &'a [TableReader],
        clock: Clock,
        memory: &'a mut TapeMemory,
        simd: Simd,
        with_keys: bool,
    ) -> Result<Self> {
        let columns = if memory.block.watch.is_on { memory.block.column_count() } else { VALUES };
        let keys = [with_keys, with_keys, false, false, false];
        let cursor = Cursor::new(segments, (&mut memory.block, &mut memory.reorder), columns, clock, keys)?;
        let (price, qty) = (&mut memory.price[..], &mut memory.qty[..]);
        Ok(Self { cursor, price, qty, simd, clock, row: 0, next: i64::MIN, with_keys, ended: false })
    }

    /// Makes the common scales at least these; only before the first trade.
    pub(crate) fn raise(&mut self, floor: Scales) {
        self.cursor.raise(floor);
    }

    /// What was found in the trades read so far.
    pub(crate) fn faults(&self) -> RowFaults {
        self.cursor.faults()
    }

    /// Decimals of prices and of quantities.
    pub(crate) fn scales(&self) -> (u8, u8) {
        let scales = self.cursor.scales();
        (scales.price, scales.size)
    }

    /// Reads the next block; false at the end.
    #[cold]
    fn load(&mut self) -> Result<bool> {
        self.row = 0;
        if self.ended || !self.cursor.next_block()? {
            self.ended = true;
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

    /// Takes the next trade if its clock is not after `limit`.
    ///
    /// # Errors
    /// `Damage`, `Io`, `Findings`.
    #[inline(always)]
    pub(crate) fn next_until(&mut self, limit: i64) -> Result<Option<TradeRow>> {
        // Most snapshots have no trade.
        if self.next > limit { Ok(None) } else { self.read_until(limit) }
    }

    #[inline]
    fn read_until(&mut self, limit: i64) -> Result<Option<TradeRow>> {
        if self.ended || (self.row >= self.cursor.rows() && !self.load()?) {
            self.next = i64::MAX;
            return Ok(None);
        }
        let (memory, row) = (&*self.cursor.memory, self.row);
        let clocks = &memory.values(self.clock as usize)[..self.cursor.rows()];
        let clock = clocks[row];
        if clock > limit {
            self.next = clock;
            return Ok(None);
        }
        self.row += 1;
        self.next = clocks.get(self.row).copied().unwrap_or(i64::MIN);
        let known = memory.nulls(SIDE) == 0 || memory.is_valid(SIDE, row);
        let mut trade = TradeRow {
            clock,
            price_m: memory.values(PRICE)[row],
            qty_m: memory.values(QTY)[row],
            price: self.price[row],
            qty: self.qty[row],
            side: if known { memory.values(SIDE)[row] } else { 0 },
            keys: [0; 2],
            has_key: [false; 2],
        };
        if self.with_keys {
            for key in 0..2 {
                trade.has_key[key] = memory.is_valid(key, row);
                trade.keys[key] = if trade.has_key[key] { memory.values(key)[row] } else { 0 };
            }
        }
        Ok(Some(trade))
    }

    /// Takes the next trade.
    ///
    /// # Errors
    /// As [`TradeTape::next_until`].
    pub(crate) fn next(&mut self) -> Result<Option<TradeRow>> {
        self.next_until(i64::MAX)
    }
}

/// Sum of the quantities of all trades that a tape gives, as a mantissa at the table's common scale, which is at least
/// `floor`: without the duplicates
/// where the memory drops them, which the stored statistics do not know.
///
/// # Errors
/// As [`TradeTape::next_until`].
pub(crate) fn volume_read(
    (segments, clock): (&[TableReader], Clock),
    floor: Scales,
    memory: &mut TapeMemory,
    simd: Simd,
) -> Result<i128> {
    let mut tape = TradeTape::new(segments, clock, memory, simd, false)?;
    tape.raise(floor);
    let mut volume_m = 0_i128;
    while let Some(trade) = tape.next()? {
        volume_m += i128::from(trade.qty_m);
    }
    Ok(volume_m)
}

/// What the stored statistics know of a table's trades.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TradeTotals {
    /// Sum of all quantities, as a mantissa.
    pub(crate) volume_m: i128,
    /// Decimals of the sum.
    pub(crate) scale: u8,
    /// Decimals of prices.
    pub(crate) price_scale: u8,
    /// Largest magnitudes of the mantissas of price and quantity at the table's common scales.
    pub(crate) price_bound: u128,
    pub(crate) qty_bound: u128,
}

/// Totals of a table's segments from their indexes, at scales that are at least `floor`: no row is read.
pub(crate) fn trade_totals(segments: &[TableReader], floor: Scales) -> TradeTotals {
    let scale_of = |reader: &TableReader, name: &str| {
        let schema = &reader.header().schema;
        schema.index_of(name).map_or(0, |column| schema.columns[column].scale)
    };
    let scale = segments.iter().map(|s| scale_of(s, "qty")).max().unwrap_or(0).max(floor.size);
    let price_scale = segments.iter().map(|s| scale_of(s, "price")).max().unwrap_or(0).max(floor.price);
    let mut totals = TradeTotals { scale, price_scale, ..TradeTotals::default() };
    for reader in segments {
        for (name, to) in [("price", price_scale), ("qty", scale)] {
            let Some(column) = reader.header().schema.index_of(name) else { continue };
            let up = 10_i128.pow(u32::from(to.saturating_sub(scale_of(reader, name)).min(18)));
            for block in 0..reader.block_count() {
                let entry = reader.entry(block, column);
                let ends = [entry.min.cast_signed(), entry.max.cast_signed()];
                let bound = ends.map(i64::unsigned_abs).into_iter().max().unwrap_or(0);
                let bound = u128::from(bound).saturating_mul(up.unsigned_abs());
                if name == "qty" {
                    totals.volume_m = totals.volume_m.saturating_add(entry.sum.saturating_mul(up));
                    totals.qty_bound = totals.qty_bound.max(bound);
                } else {
                    totals.price_bound = totals.price_bound.max(bound);
                }
            }
        }
    }
    totals
}
