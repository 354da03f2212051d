//! One batch of snapshots, struct of arrays: what every kernel reads.

use crate::error::Result;
use crate::merge::carry::{Snapshot, rescaled};
use crate::merge::cursor::Scales;
use crate::units::Decimal;

/// Rows of a batch: the arrays of ten levels stay in the L2 cache.
pub const BATCH: usize = 128;
/// Slots before the first row. The last of them holds the two-sided snapshot before the batch.
const LEAD: usize = 8;
const STRIDE: usize = LEAD + BATCH;

/// A side of the book, as an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BookSide {
    /// Bids.
    Bid = 0,
    /// Asks.
    Ask = 1,
}

impl BookSide {
    /// Bid, then ask.
    pub const BOTH: [Self; 2] = [Self::Bid, Self::Ask];
}

/// Sums of the trades that belong to one two-sided snapshot (A9).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TradeSums {
    /// Volume of buyer-initiated trades.
    pub buy: f64,
    /// Volume of seller-initiated trades.
    pub sell: f64,
    /// Volume of trades of unknown side.
    pub unknown: f64,
    /// Trades.
    pub count: f64,
    /// Sum of price times quantity.
    pub notional: f64,
    /// Sum of quantities.
    pub volume: f64,
}

impl TradeSums {
    /// (buy - sell) / (buy + sell), 0 when both are 0.
    #[must_use]
    pub fn imbalance(&self) -> f64 {
        let both = self.buy + self.sell;
        if both == 0.0 { 0.0 } else { (self.buy - self.sell) / both }
    }
}

/// Up to [`BATCH`] snapshots in total order, with the snapshot before them.
///
/// A missing level is 0 in its price and its size, in both forms; a level exists when its size is positive.
#[derive(Debug)]
pub struct Batch {
    levels: usize,
    pub(crate) rows: usize,
    price: Vec<f64>,
    size: Vec<f64>,
    price_m: Vec<i64>,
    size_m: Vec<i64>,
    clock: Vec<i64>,
    /// `book_flags` of each row.
    pub(crate) flags: Vec<i64>,
    /// Row numbers of the two-sided snapshots, ascending.
    pub(crate) two_sided: Vec<u32>,
    /// One for each two-sided snapshot.
    pub(crate) trades: Vec<TradeSums>,
    /// Keys of each row: `ts_event`, `ts_recv`, `sequence` as its bits; and whether they are there.
    pub(crate) keys: [Vec<i64>; 3],
    pub(crate) key_valid: [Vec<bool>; 3],
    /// Two-sided snapshots were seen before this batch: the lead slot holds the last of them.
    pub(crate) has_previous: bool,
}

impl Batch {
    /// Memory for `levels` levels a side.
    #[must_use]
    pub fn new(levels: usize) -> Self {
        let cells = 2 * levels * STRIDE;
        Self {
            levels,
            rows: 0,
            price: vec![0.0; cells],
            size: vec![0.0; cells],
            price_m: vec![0; cells],
            size_m: vec![0; cells],
            clock: vec![0; STRIDE],
            flags: vec![0; BATCH],
            two_sided: Vec::with_capacity(BATCH),
            trades: Vec::with_capacity(BATCH),
            keys: [vec![0; BATCH], vec![0; BATCH], vec![0; BATCH]],
            key_valid: [vec![false; BATCH], vec![false; BATCH], vec![false; BATCH]],
            has_previous: false,
        }
    }

    /// Bytes held, keys and small arrays included.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.price.len() * 32 + STRIDE * 8 + BATCH * (8 * 4 + 3 + 4 + size_of::<TradeSums>())
    }

    /// Starts a partition with `levels` levels in use.
    pub(crate) fn reset(&mut self, levels: usize) {
        self.levels = levels;
        self.rows = 0;
        self.has_previous = false;
        self.two_sided.clear();
        self.trades.clear();
        for side in BookSide::BOTH {
            for level in 0..levels {
                let lead = self.cell(side, level) + LEAD - 1;
                (self.price[lead], self.size[lead]) = (0.0, 0.0);
                (self.price_m[lead], self.size_m[lead]) = (0, 0);
            }
        }
    }

    fn cell(&self, side: BookSide, level: usize) -> usize {
        (side as usize * self.levels + level) * STRIDE
    }

    /// Rows of this batch.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// N: levels in use.
    #[must_use]
    pub fn levels(&self) -> usize {
        self.levels
    }

    /// Prices of a level, one a row.
    #[must_use]
    pub fn price(&self, side: BookSide, level: usize) -> &[f64] {
        &self.price[self.cell(side, level) + LEAD..][..self.rows]
    }

    /// Sizes of a level, one a row.
    #[must_use]
    pub fn size(&self, side: BookSide, level: usize) -> &[f64] {
        &self.size[self.cell(side, level) + LEAD..][..self.rows]
    }

    /// Price mantissas of a level, one a row.
    #[must_use]
    pub fn price_m(&self, side: BookSide, level: usize) -> &[i64] {
        &self.price_m[self.cell(side, level) + LEAD..][..self.rows]
    }

    /// Size mantissas of a level, one a row.
    #[must_use]
    pub fn size_m(&self, side: BookSide, level: usize) -> &[i64] {
        &self.size_m[self.cell(side, level) + LEAD..][..self.rows]
    }

    /// Clock of each row.
    #[must_use]
    pub fn clock(&self) -> &[i64] {
        &self.clock[LEAD..][..self.rows]
    }

    /// Row numbers of the two-sided snapshots, ascending.
    #[must_use]
    pub fn two_sided(&self) -> &[u32] {
        &self.two_sided
    }

    /// Sums of the trades of each two-sided snapshot.
    #[must_use]
    pub fn trades(&self) -> &[TradeSums] {
        &self.trades
    }

    /// `book_flags` of each row.
    #[must_use]
    pub fn flags(&self) -> &[i64] {
        &self.flags[..self.rows]
    }

    /// Whether every row of this batch has the level. Costs a pass over it.
    #[must_use]
    #[inline(always)]
    pub fn complete(&self, side: BookSide, level: usize) -> bool {
        // Without an early end, so that it is one pass of vectors.
        self.size_m(side, level).iter().fold(true, |every, s| every & (*s > 0))
    }

    /// True when every row is two-sided: then row numbers and two-sided numbers are the same.
    #[must_use]
    pub fn all_two_sided(&self) -> bool {
        self.two_sided.len() == self.rows
    }

    pub(crate) fn clock_mut(&mut self) -> &mut [i64] {
        &mut self.clock[LEAD..]
    }

    pub(crate) fn level_mut(&mut self, side: BookSide, level: usize) -> super::levels::LevelOut<'_> {
        let at = self.cell(side, level) + LEAD;
        let rows = at..at + self.rows;
        super::levels::LevelOut {
            price: &mut self.price[rows.clone()],
            size: &mut self.size[rows.clone()],
            price_m: &mut self.price_m[rows.clone()],
            size_m: &mut self.size_m[rows],
        }
    }

    /// Drops the rows that are not two-sided, in place: after it, row i is the i-th two-sided snapshot of the batch and
    /// the lead slot its predecessor. The keys and flags stay as they are.
    pub(crate) fn compact(&mut self) {
        if self.all_two_sided() {
            return;
        }
        let keep = &self.two_sided;
        for cell in 0..2 * self.levels {
            let rows = cell * STRIDE + LEAD..(cell + 1) * STRIDE;
            gather(&mut self.price[rows.clone()], keep);
            gather(&mut self.size[rows.clone()], keep);
            gather(&mut self.price_m[rows.clone()], keep);
            gather(&mut self.size_m[rows], keep);
        }
        gather(&mut self.clock[LEAD..], keep);
        self.rows = keep.len();
    }

    /// Rows `from` the lead slot: of a compacted batch the current rows, each with the one before it at index i - 1.
    pub(crate) fn flow(&self, side: BookSide, level: usize) -> FlowLevel<'_> {
        let at = self.cell(side, level) + LEAD - 1;
        let rows = at..at + self.rows + 1;
        FlowLevel { price: &self.price[rows.clone()], size: &self.size[rows.clone()], price_m: &self.price_m[rows] }
    }

    /// Clocks of a compacted batch from the lead slot on.
    pub(crate) fn flow_clock(&self) -> &[i64] {
        &self.clock[LEAD - 1..LEAD + self.rows]
    }

    /// Keeps the last row of a compacted batch for the next one.
    pub(crate) fn carry(&mut self) {
        if self.rows == 0 {
            return;
        }
        let last = LEAD + self.rows - 1;
        for cell in 0..2 * self.levels {
            let at = cell * STRIDE;
            self.price[at + LEAD - 1] = self.price[at + last];
            self.size[at + LEAD - 1] = self.size[at + last];
            self.price_m[at + LEAD - 1] = self.price_m[at + last];
            self.size_m[at + LEAD - 1] = self.size_m[at + last];
        }
        self.clock[LEAD - 1] = self.clock[last];
        self.has_previous = true;
    }
}

impl Batch {
    /// The two-sided snapshot before the batch, after [`Batch::carry`].
    pub(crate) fn lead(&self, clock: i64) -> Snapshot {
        let of = |side, level| {
            let at = self.cell(side, level) + LEAD - 1;
            [self.price_m[at], self.size_m[at]]
        };
        let levels = (0..self.levels).map(|level| BookSide::BOTH.map(|side| of(side, level))).collect();
        Snapshot { clock, levels }
    }

    /// Puts the two-sided snapshot of the date before into the lead slot; levels beyond those in use are left out.
    pub(crate) fn set_lead(&mut self, snapshot: &Snapshot, from: Scales, to: Scales) -> Result<()> {
        for (level, sides) in snapshot.levels.iter().enumerate().take(self.levels) {
            for (side, [price, size]) in BookSide::BOTH.into_iter().zip(*sides) {
                let at = self.cell(side, level) + LEAD - 1;
                self.price_m[at] = rescaled(price, from.price, to.price)?;
                self.size_m[at] = rescaled(size, from.size, to.size)?;
                self.price[at] = Decimal { mantissa: self.price_m[at], scale: to.price }.to_f64();
                self.size[at] = Decimal { mantissa: self.size_m[at], scale: to.size }.to_f64();
            }
        }
        self.clock[LEAD - 1] = snapshot.clock;
        Ok(())
    }
}

/// One level of consecutive two-sided snapshots; index 0 is the one before the batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FlowLevel<'a> {
    pub(crate) price: &'a [f64],
    pub(crate) size: &'a [f64],
    pub(crate) price_m: &'a [i64],
}

/// `values[i] = values[keep[i]]`; `keep` ascends, so no value is overwritten before it is read.
fn gather<T: Copy>(values: &mut [T], keep: &[u32]) {
    for (to, from) in keep.iter().enumerate() {
        values[to] = values[*from as usize];
    }
}
