//! What becomes of each order: messages go through a book of orders, and what they do to resting orders is counted.
//!
//! An order counts from the moment it rests: one that came to trade and waits beside the book does not. Of an order that the
//! book holds, side and sizes are the book's; messages about others count as far as they name a side.

use super::Tally;
use super::tally::{SideTally, Tallies};
use super::waits::Waits;
use crate::book::{Action, BEYOND, OrderBook, OrderMessage, OrderRules};
use crate::error::{Error, ErrorKind, Result};
use crate::replay::Row;
use crate::units::Side;

/// What an order carries in the book.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Life {
    /// When it was inserted.
    pub(super) since: i64,
    /// Its size then; 0 once any of it was executed.
    pub(super) size: i64,
    /// Filled already, to be taken away by a message that follows.
    pub(super) filled: i64,
    /// Number of the bucket of its insert, 0 before it rests.
    pub(super) bucket: u32,
}

/// The orders of a partition and what is counted of them.
#[derive(Debug)]
pub(crate) struct OrderLives {
    pub(super) book: OrderBook<u64, Life>,
    pub(super) tells_left: bool,
    pub(super) tallies: Tallies,
    /// Executed bids, executed asks.
    pub(super) waits: [Waits; 2],
    fleeting_ns: i64,
    pub(super) clock: i64,
}

/// 0 for bids, 1 for asks.
pub(super) fn place(side: Side) -> Option<usize> {
    match side {
        Side::Buy => Some(0),
        Side::Sell => Some(1),
        Side::Unknown => None,
    }
}

/// A price so that better ones are larger.
pub(super) fn key(side: usize, price: i64) -> i64 {
    if side == 0 { price } else { !price }
}

impl OrderLives {
    pub(crate) fn new(rules: OrderRules, fleeting_ns: i64, tallies: Tallies) -> Self {
        let tells_left = rules.tells_left;
        Self {
            book: OrderBook::new(rules),
            tells_left,
            tallies,
            waits: Default::default(),
            fleeting_ns,
            clock: i64::MIN,
        }
    }

    /// The book after the last message.
    pub(crate) fn book(&self) -> &OrderBook<u64, Life> {
        &self.book
    }

    /// What was counted.
    pub(crate) fn tallies(&self) -> &Tallies {
        &self.tallies
    }

    /// Sets the clock of what follows; it never goes back.
    pub(crate) fn advance(&mut self, clock: i64) {
        self.clock = clock;
        self.tallies.advance(clock);
    }

    /// One side of the open bucket.
    pub(super) fn side(&mut self, side: usize) -> &mut SideTally {
        let Tally { sides: [bids, asks], .. } = self.tallies.now();
        if side == 0 { bids } else { asks }
    }

    /// A message of `orders`. Returns the depth at which the book changed.
    ///
    /// # Errors
    /// `Findings` where the book's limits are reached.
    pub(crate) fn message(&mut self, row: &Row) -> Result<usize> {
        let Some(action) = Action::from_code(row.kind) else { return Ok(BEYOND) };
        // Ids of texts are hashes of 128 bits, of which 64 are enough for the orders that live at once.
        let id = row.ids[0].unwrap_or(0) as u64;
        let message = OrderMessage { action, side: row.side, id, price: row.price, qty: row.qty };
        match action {
            Action::Reduce | Action::Delete => self.removal(&message)?,
            Action::Execute | Action::Fill => self.execution(&message)?,
            Action::Replace => self.update(&message)?,
            Action::ExecuteHidden => self.tallies.now().hidden += i128::from(row.qty.unwrap_or(0).max(0)),
            Action::Add | Action::Cross | Action::Halt | Action::Clear => {}
        }
        let depth = self.book.apply(&message);
        if matches!(action, Action::Add | Action::Replace) {
            self.came(id);
        }
        self.let_rest();
        Ok(depth)
    }

    /// A trade that names the orders that met. Returns the depth at which the book changed.
    ///
    /// # Errors
    /// As [`OrderLives::message`].
    pub(crate) fn trade(&mut self, row: &Row) -> Result<usize> {
        let mut depth = BEYOND;
        let Some(qty) = row.qty.filter(|qty| *qty > 0) else { return Ok(depth) };
        for id in row.ids.into_iter().flatten() {
            let id = id as u64;
            if let Some(order) = self.book.standing(id).filter(|order| order.mark.bucket > 0) {
                self.executed(id, &order, qty, true)?;
            }
            depth = depth.min(self.book.fill(id, qty));
            self.let_rest();
        }
        Ok(depth)
    }

    /// Fails where the book could not hold what it was told.
    ///
    /// # Errors
    /// `Findings`.
    pub(crate) fn check(&self) -> Result<()> {
        match self.book.counts().refused {
            0 => Ok(()),
            refused => Err(Error::new(ErrorKind::Findings {
                what: format!(
                    "{refused} orders do not fit the book: more than {} are live, or the sizes of a price exceed 64 bits",
                    crate::limits::BOOK_ORDERS
                ),
            })),
        }
    }

    fn let_rest(&mut self) {
        for at in 0..self.book.just_rested().len() {
            if let Some(id) = self.book.just_rested().get(at).copied() {
                self.came(id);
            }
        }
    }

    /// The order was told; counts it as inserted if it rests and did not before.
    fn came(&mut self, id: u64) {
        let Some(order) = self.book.standing(id).filter(|order| !order.waits && order.mark.bucket == 0) else { return };
        let Some(side) = place(order.side) else { return };
        let clock = self.clock;
        let mark = Life { since: clock, size: order.size, filled: 0, bucket: self.tallies.number() };
        self.book.set_mark(id, mark);
        let tally = self.side(side);
        tally.inserts += 1;
        tally.inserted += i128::from(order.size);
        let Self { waits, tallies, .. } = self;
        if let Some(waits) = waits.get_mut(side) {
            waits.meet(key(side, order.price), clock, |bucket, count, ns| {
                let tally = tallies.get(bucket);
                tally.replaced += count;
                tally.replaced_ns += ns;
            });
        }
    }

    /// An order that rested is gone, cancelled or fully executed.
    pub(super) fn ended(&mut self, mark: &Life, is_cancelled: bool) {
        let ns = self.clock.saturating_sub(mark.since);
        let tally = self.tallies.get(mark.bucket);
        tally.ended += 1;
        tally.rested_ns += i128::from(ns);
        if is_cancelled && ns < self.fleeting_ns {
            tally.fleeting += i128::from(mark.size);
        }
    }
}
