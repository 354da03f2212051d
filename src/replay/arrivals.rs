//! Level changes in the order of their capture, where that is not the stored one.

use super::rows::findings;
use super::{Row, Rows};
use crate::error::Result;
use crate::units::Side;

/// Rows held back at most to find the order of their capture.
const POOL: usize = 1 << 17;

/// Level changes in the order of their capture: what stands at most half the pool from its place finds it.
#[derive(Debug)]
pub(super) struct Arrivals<'a> {
    rows: Rows<'a>,
    pool: Vec<Held>,
    /// Rows of the pool that are next, from `at` on.
    ready: usize,
    at: usize,
    read: u64,
    has_ended: bool,
    last: Option<Key>,
}

/// Capture time, source, record, and place in the stored order.
type Key = (i64, u64, u64, u64);

/// A row without its ids, of which a level change has none: the pool is what memory a book of levels takes most.
#[derive(Clone, Copy, Debug)]
struct Held {
    ts_event: i64,
    ts_recv: i64,
    sequence: u64,
    prev_sequence: u64,
    source: u64,
    record: u64,
    price: i64,
    qty: i64,
    read: u64,
    kind: u8,
    side: Side,
    /// Whether sequence, prev_sequence, price and size are there.
    has: [bool; 4],
}

impl Held {
    fn of(row: &Row, read: u64) -> Self {
        Self {
            ts_event: row.ts_event,
            ts_recv: row.ts_recv,
            sequence: row.sequence.unwrap_or(0),
            prev_sequence: row.prev_sequence.unwrap_or(0),
            source: row.source,
            record: row.record,
            price: row.price.unwrap_or(0),
            qty: row.qty.unwrap_or(0),
            read,
            kind: u8::try_from(row.kind).unwrap_or(0),
            side: row.side,
            has: [row.sequence.is_some(), row.prev_sequence.is_some(), row.price.is_some(), row.qty.is_some()],
        }
    }

    fn key(&self) -> Key {
        (self.ts_recv, self.source, self.record, self.read)
    }

    fn row(&self) -> Row {
        let [has_sequence, has_prev, has_price, has_qty] = self.has;
        Row {
            ts_event: self.ts_event,
            ts_recv: self.ts_recv,
            sequence: has_sequence.then_some(self.sequence),
            prev_sequence: has_prev.then_some(self.prev_sequence),
            source: self.source,
            record: self.record,
            kind: i64::from(self.kind),
            side: self.side,
            ids: [None; 2],
            price: has_price.then_some(self.price),
            qty: has_qty.then_some(self.qty),
        }
    }
}

impl<'a> Arrivals<'a> {
    pub(super) fn new(rows: Rows<'a>) -> Self {
        Self { rows, pool: Vec::new(), ready: 0, at: 0, read: 0, has_ended: false, last: None }
    }

    /// The next row.
    ///
    /// # Errors
    /// As [`Rows::next`]; `Findings` when a row lies too far from its place.
    pub(super) fn next(&mut self) -> Result<Option<Row>> {
        if self.at == self.ready {
            self.refill()?;
        }
        let Some(held) = self.pool.get(self.at).filter(|_| self.at < self.ready) else { return Ok(None) };
        let key = held.key();
        if self.last.is_some_and(|last| key < last) {
            return Err(findings(format!(
                "rows lie more than {} rows from their place by ts_recv; import them with --clock recv",
                POOL / 2
            )));
        }
        self.last = Some(key);
        self.at += 1;
        Ok(Some(held.row()))
    }

    fn refill(&mut self) -> Result<()> {
        self.pool.drain(..self.ready);
        self.at = 0;
        while !self.has_ended && self.pool.len() < POOL {
            match self.rows.next()? {
                Some(row) => {
                    self.pool.push(Held::of(&row, self.read));
                    self.read += 1;
                }
                None => self.has_ended = true,
            }
        }
        self.pool.sort_unstable_by_key(Held::key);
        self.ready = if self.has_ended { self.pool.len() } else { POOL / 2 };
        Ok(())
    }
}
