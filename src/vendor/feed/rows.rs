//! Rows of the raw tables from the values of a message: every protocol writes through these calls, so the rules of a level, a trade
//! and a quote stand here once.

use super::Fate;
use crate::normalize::{
    ChunkBuilder, Fault, INT_NULL, ParsedChunk, RowBatch, SCALE_NULL, TS_NULL, Times, keep_existing_levels,
    price_and_qty, put_decimal,
};
use crate::parse::tape::Node;
use crate::schema::{Clock, RawTable};
use crate::units::Side;
use crate::vendor::header;

/// What the rows of one message share.
#[derive(Clone, Copy, Debug)]
pub(in crate::vendor) struct Head<'m> {
    /// The security; empty if the message names none.
    pub security: &'m [u8],
    /// The venue's time, [`TS_NULL`] if the message has none.
    pub event: i64,
    /// The venue's number of the message.
    pub sequence: Option<u64>,
}

/// A price with a quantity.
#[derive(Clone, Copy, Debug)]
pub(in crate::vendor) struct Level<'n> {
    price: Node<'n>,
    qty: Qty<'n>,
}

/// How a message says a quantity.
#[derive(Clone, Copy, Debug)]
pub(in crate::vendor) enum Qty<'n> {
    /// As it is.
    Of(Node<'n>),
    /// With a sign that says the side.
    Signed(Node<'n>),
    /// None is left.
    Zero,
}

impl<'n> Level<'n> {
    pub(in crate::vendor) fn new(price: Node<'n>, qty: Qty<'n>) -> Self {
        Self { price, qty }
    }
}

impl<'n> From<[Node<'n>; 2]> for Level<'n> {
    fn from([price, qty]: [Node<'n>; 2]) -> Self {
        Self { price, qty: Qty::Of(qty) }
    }
}

/// Facts of records that were stored.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    /// Levels of the deepest book row.
    pub deepest: usize,
    /// Levels of book rows beyond those kept.
    pub cut: u64,
    /// Snapshots without a venue time.
    pub placed: u64,
}

/// The rows of a chunk.
#[derive(Debug)]
pub(in crate::vendor) struct Rows<'b> {
    pub(super) builder: ChunkBuilder<'b>,
    pub(super) counts: Counts,
    /// Capture time of the message, [`TS_NULL`] if the source has none.
    pub(super) recv: i64,
    /// The venue's number of the message before, for level changes; [`INT_NULL`] if it tells none. Each record begins without.
    previous: i64,
    kept: usize,
}

impl<'b> Rows<'b> {
    /// Rows that keep so many levels of a book; every table is there, under its number.
    pub(super) fn new(mut builder: ChunkBuilder<'b>, kept: u16, clocks: &[Clock; 6]) -> Self {
        for (table, clock) in RawTable::ALL.into_iter().zip(clocks) {
            builder.add_table(table, 0, *clock);
        }
        Self { builder, counts: Counts::default(), recv: TS_NULL, previous: INT_NULL, kept: usize::from(kept) }
    }

    /// The head of a snapshot: one without a venue time stands at its capture time, and is counted.
    pub(in crate::vendor) fn snapshot<'m>(&mut self, mut head: Head<'m>) -> Head<'m> {
        if head.event == TS_NULL && self.recv != TS_NULL {
            head.event = self.recv;
            self.counts.placed += 1;
        }
        head
    }

    /// One record of the chunk: what `take` makes of it decides whether it is stored, skipped or rejected.
    pub(in crate::vendor) fn settle(
        &mut self,
        index: u64,
        offset: usize,
        record: &[u8],
        take: impl FnOnce(&mut Self) -> Fate,
    ) {
        self.builder.begin(index);
        self.previous = INT_NULL;
        let counted = self.counts;
        match self.builder.admit(index).and_then(|()| take(self)) {
            Ok(None) => self.builder.store(),
            Ok(Some(rule)) => self.skip(rule, counted),
            Err(_) if header::is_blank(record) => self.skip("blank line", counted),
            Err(fault) => {
                self.builder.reject(offset, record, &fault);
                self.counts = counted;
            }
        }
    }

    /// Ends the record without rows; `counted` is what was counted before it.
    pub(super) fn skip(&mut self, rule: &'static str, counted: Counts) {
        self.builder.skip(rule);
        self.counts = counted;
    }

    /// The chunk, with its facts.
    pub(in crate::vendor) fn finish(mut self) -> ParsedChunk {
        let Counts { deepest, cut, placed } = self.counts;
        self.builder.batch(RawTable::Book as usize).levels = deepest.min(usize::from(u16::MAX)) as u16;
        self.builder.note("levels beyond --levels, left out", cut);
        self.builder.note("snapshots without a venue time, placed at their capture time", placed);
        self.builder.finish()
    }

    /// True if a table's last row has no time of the venue.
    pub(super) fn has_untimed(&mut self) -> bool {
        let builder = &mut self.builder;
        RawTable::ALL.iter().any(|t| builder.batch(*t as usize).keys.last().is_some_and(|k| k.ts_event == TS_NULL))
    }

    fn push(&mut self, table: RawTable, head: &Head<'_>, ids: &[&[u8]]) -> Result<(), Fault> {
        let times = Times { event: head.event, recv: self.recv };
        self.builder.push_row(table as usize, times, head.sequence, (b"", head.security), ids)
    }

    /// The level changes that follow come right behind the message of this number.
    pub(in crate::vendor) fn follows(&mut self, previous: Option<u64>) {
        self.previous = previous.and_then(|number| i64::try_from(number).ok()).unwrap_or(INT_NULL);
    }

    /// A level's new size; 0 deletes it.
    #[inline]
    pub(in crate::vendor) fn delta<'n>(
        &mut self,
        head: &Head<'_>,
        is_snapshot: bool,
        side: Side,
        level: impl Into<Level<'n>>,
    ) -> Result<(), Fault> {
        let batch = self.builder.batch(RawTable::Deltas as usize);
        put_level(batch, level.into())?;
        batch.ints.extend([i64::from(is_snapshot), side.code(), self.previous]);
        self.push(RawTable::Deltas, head, &[])
    }

    /// Level changes `[price, size, ...]` of one side.
    pub(in crate::vendor) fn deltas(
        &mut self,
        head: &Head<'_>,
        is_snapshot: bool,
        side: Side,
        levels: Option<Node<'_>>,
    ) -> Result<(), Fault> {
        let name = if side == Side::Buy { "bids" } else { "asks" };
        for level in list(levels, name)?.items() {
            let pair: [Node<'_>; 2] = level.array().ok_or_else(|| Fault::new(name, "price and size in each level"))?;
            self.delta(head, is_snapshot, side, pair)?;
        }
        Ok(())
    }

    /// A trade; `side` is the aggressor's.
    pub(in crate::vendor) fn trade<'n>(
        &mut self,
        head: &Head<'_>,
        side: Side,
        id: Option<Node<'_>>,
        level: impl Into<Level<'n>>,
    ) -> Result<(), Fault> {
        let batch = self.builder.batch(RawTable::Trades as usize);
        put_level(batch, level.into())?;
        batch.ints.push(side.code());
        let id = id.and_then(Node::scalar).unwrap_or_default();
        self.push(RawTable::Trades, head, &[&id])
    }

    /// A best bid and ask: `[bid price, bid size, ask price, ask size]`. With `prices_only` the venue gives no sizes of the best
    /// levels, and a price alone makes one.
    pub(in crate::vendor) fn quote(
        &mut self,
        head: &Head<'_>,
        prices_only: bool,
        values: [Option<Node<'_>>; 4],
    ) -> Result<(), Fault> {
        const NAMES: [&str; 4] = ["bid price", "bid size", "ask price", "ask size"];
        let batch = self.builder.batch(RawTable::Quotes as usize);
        let base = batch.decimals.len();
        for (name, value) in NAMES.into_iter().zip(values) {
            put(batch, name, value, true)?;
        }
        if !prices_only {
            keep_existing_levels(&mut batch.decimals[base..], &mut batch.scales[base..]);
        }
        self.push(RawTable::Quotes, head, &[])
    }

    /// A snapshot of so many levels that later ones replace it whole: levels are taken apart by `level`.
    pub(in crate::vendor) fn book<'n>(
        &mut self,
        head: &Head<'_>,
        sides: [Option<Node<'n>>; 2],
        level: impl Fn(Node<'n>) -> Option<[Node<'n>; 2]>,
    ) -> Result<(), Fault> {
        let batch = self.builder.batch(RawTable::Book as usize);
        let base = batch.decimals.len();
        for (side, name) in ["bids", "asks"].into_iter().enumerate() {
            for (at, node) in list(sides[side], name)?.items().enumerate() {
                if at >= self.kept {
                    self.counts.cut += 1;
                    continue;
                }
                let pair = level(node).ok_or_else(|| Fault::new(name, "price and size in each level"))?;
                let row = base + 4 * at;
                if batch.decimals.len() < row + 4 {
                    batch.decimals.resize(row + 4, 0);
                    batch.scales.resize(row + 4, SCALE_NULL);
                }
                for (slot, value) in (row + 2 * side..).zip(pair) {
                    put_decimal(value.decimal(), true, &mut batch.decimals[slot], &mut batch.scales[slot])
                        .map_err(|expected| fault(name, &expected, value))?;
                }
            }
        }
        let deepest = (batch.decimals.len() - base) / 4;
        keep_existing_levels(&mut batch.decimals[base..], &mut batch.scales[base..]);
        self.counts.deepest = self.counts.deepest.max(deepest);
        self.push(RawTable::Book, head, &[])
    }

    /// A message about one order, or about one level that the venue names by an id; `action` as in the table's column.
    pub(in crate::vendor) fn order(
        &mut self,
        head: &Head<'_>,
        action: i64,
        side: Side,
        id: &[u8],
        values: [Option<Node<'_>>; 2],
    ) -> Result<(), Fault> {
        let batch = self.builder.batch(RawTable::Orders as usize);
        put(batch, "price", values[0], false)?;
        put(batch, "size", values[1], false)?;
        batch.ints.extend([action, side.code()]);
        self.push(RawTable::Orders, head, &[id])
    }

    /// A candle that begins at the head's event time: open, high, low, close, volume.
    pub(in crate::vendor) fn candle(
        &mut self,
        head: &Head<'_>,
        duration_ns: Option<i64>,
        values: [Option<Node<'_>>; 5],
    ) -> Result<(), Fault> {
        const NAMES: [&str; 5] = ["open", "high", "low", "close", "volume"];
        let batch = self.builder.batch(RawTable::Ohlcv as usize);
        for (name, value) in NAMES.into_iter().zip(values) {
            let value = value.ok_or_else(|| Fault::new(name, "the five values of a candle"))?;
            put(batch, name, Some(value), false)?;
        }
        batch.ints.push(duration_ns.unwrap_or(INT_NULL));
        self.push(RawTable::Ohlcv, head, &[])
    }
}

/// A list that must be there.
fn list<'n>(levels: Option<Node<'n>>, name: &'static str) -> Result<Node<'n>, Fault> {
    levels.filter(|l| l.is_array()).ok_or_else(|| Fault::new(name, "a list of levels"))
}

#[cold]
fn fault(name: &'static str, expected: &str, value: Node<'_>) -> Fault {
    Fault::got(name, expected, &value.scalar().unwrap_or_default())
}

#[inline]
fn put(batch: &mut RowBatch, name: &'static str, value: Option<Node<'_>>, is_level: bool) -> Result<(), Fault> {
    let (mut mantissa, mut scale) = (0, SCALE_NULL);
    if let Some(value) = value {
        put_decimal(value.decimal(), is_level, &mut mantissa, &mut scale)
            .map_err(|expected| fault(name, &expected, value))?;
    }
    batch.decimals.push(mantissa);
    batch.scales.push(scale);
    Ok(())
}

#[inline]
fn put_level(batch: &mut RowBatch, level: Level<'_>) -> Result<(), Fault> {
    let base = batch.decimals.len();
    put(batch, "price", Some(level.price), false)?;
    match level.qty {
        Qty::Of(qty) => put(batch, "qty", Some(qty), false)?,
        Qty::Signed(qty) => {
            put(batch, "qty", Some(qty), false)?;
            // At most 18 digits: the other sign fits too.
            batch.decimals[base + 1] = batch.decimals[base + 1].saturating_abs();
        }
        Qty::Zero => {
            batch.decimals.push(0);
            batch.scales.push(0);
        }
    }
    price_and_qty(&batch.decimals[base..], &batch.scales[base..])
}
