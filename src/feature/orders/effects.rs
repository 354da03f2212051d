//! What reductions, executions and replacements are: cancellations, executions, updates. Called before the book takes the message.

use super::lives::{Life, OrderLives, key, place};
use crate::book::{Action, OrderMessage, Standing};
use crate::error::Result;
use crate::units::Side;

impl OrderLives {
    /// A reduction or deletion.
    pub(super) fn removal(&mut self, message: &OrderMessage<u64>) -> Result<()> {
        let is_whole = message.action == Action::Delete;
        let told = message.qty.filter(|qty| *qty >= 0);
        // Where the venue tells what is left, nothing left at the end means that the order was filled.
        let is_filled = self.tells_left && is_whole && told == Some(0);
        let Some(order) = self.book.standing(message.id) else {
            if let Some(side) = place(message.side).filter(|_| !is_filled && (is_whole || told > Some(0))) {
                let tally = self.side(side);
                tally.cancels += 1;
                tally.cancelled += i128::from(told.unwrap_or(0));
            }
            return Ok(());
        };
        if order.mark.bucket == 0 {
            return Ok(());
        }
        match (is_whole, told) {
            (true, _) if is_filled => self.executed(message.id, &order, order.size, true),
            (true, _) => {
                self.taken(message.id, &order, order.size);
                Ok(())
            }
            (false, Some(qty)) => {
                self.taken(message.id, &order, qty.min(order.size));
                Ok(())
            }
            (false, None) => Ok(()),
        }
    }

    /// So much of an order goes: what was filled before is no cancellation.
    fn taken(&mut self, id: u64, order: &Standing<Life>, qty: i64) {
        let mut mark = order.mark;
        let filled = qty.min(mark.filled);
        mark.filled -= filled;
        let cancelled = qty - filled;
        if let Some(side) = place(order.side).filter(|_| cancelled > 0) {
            let tally = self.side(side);
            tally.cancels += 1;
            tally.cancelled += i128::from(cancelled);
        }
        if qty == order.size {
            self.ended(&mark, cancelled > 0);
        } else {
            self.book.set_mark(id, mark);
        }
    }

    /// An execution told by a message.
    pub(super) fn execution(&mut self, message: &OrderMessage<u64>) -> Result<()> {
        let Some(qty) = message.qty.filter(|qty| *qty > 0) else { return Ok(()) };
        match self.book.standing(message.id) {
            Some(order) if order.mark.bucket == 0 => Ok(()),
            Some(order) => self.executed(message.id, &order, qty, message.action == Action::Execute),
            None => {
                let Some(side) = place(message.side) else { return Ok(()) };
                self.count_execution(side, qty);
                self.await_replacement(side, message.price)
            }
        }
    }

    fn count_execution(&mut self, side: usize, qty: i64) {
        let tally = self.side(side);
        tally.executions += 1;
        tally.executed += i128::from(qty);
    }

    fn await_replacement(&mut self, side: usize, price: Option<i64>) -> Result<()> {
        let (clock, bucket) = (self.clock, self.tallies.number());
        match (price, self.waits.get_mut(side)) {
            (Some(price), Some(waits)) => waits.push(key(side, price), bucket, clock),
            _ => Ok(()),
        }
    }

    /// An execution of an order of the book; `takes` if it takes the size away itself.
    pub(super) fn executed(&mut self, id: u64, order: &Standing<Life>, qty: i64, takes: bool) -> Result<()> {
        let Some(side) = place(order.side) else { return Ok(()) };
        let qty = qty.min(order.size);
        let (_, ahead) = self.book.ahead_of(id).unwrap_or_default();
        self.count_execution(side, qty);
        let tally = self.tallies.now();
        tally.ahead += i128::from(ahead);
        tally.placed += 1;
        self.await_replacement(side, Some(order.price))?;
        let mut mark = Life { size: 0, ..order.mark };
        if takes && qty == order.size {
            self.ended(&mark, false);
            return Ok(());
        }
        if !takes {
            mark.filled = mark.filled.saturating_add(qty);
        }
        self.book.set_mark(id, mark);
        Ok(())
    }

    /// A replacement under the same id. The book takes an unknown one as new.
    pub(super) fn update(&mut self, message: &OrderMessage<u64>) -> Result<()> {
        let Some(order) = self.book.standing(message.id).filter(|order| order.mark.bucket > 0) else { return Ok(()) };
        let size = message.qty.unwrap_or(order.size);
        let stays = message.price.is_none_or(|price| price == order.price)
            && (message.side == Side::Unknown || message.side == order.side);
        if self.tells_left && (size <= 0 || (stays && size < order.size)) {
            return self.executed(message.id, &order, order.size - size.max(0), true);
        }
        if size <= 0 {
            self.taken(message.id, &order, order.size);
            return Ok(());
        }
        let fell = if stays { (order.size - size).max(0) } else { 0 };
        let filled = fell.min(order.mark.filled);
        if filled > 0 {
            self.book.set_mark(message.id, Life { filled: order.mark.filled - filled, ..order.mark });
            if filled == fell {
                return Ok(());
            }
        }
        if let Some(side) = place(order.side) {
            let tally = self.side(side);
            tally.updates += 1;
            tally.added += i128::from(size);
            tally.removed += i128::from(order.size - filled);
        }
        Ok(())
    }
}
