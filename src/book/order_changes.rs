//! What a message does to a book of orders: who rests, who waits, who goes.

use std::hash::Hash;

use super::BEYOND;
use super::ladder::Ladder;
use super::message::OrderMessage;
use super::orders::OrderBook;
use super::queue::{NONE, Order, Queue};
use super::rules::Crossing;
use crate::units::Side;

impl<K: Copy + Eq + Hash, T: Copy + Default> OrderBook<K, T> {
    /// What follows from a change: orders that waited may rest, what is below the told depth is forgotten.
    #[inline]
    pub(super) fn settle(&mut self, mut depth: usize) -> usize {
        self.rested.clear();
        if !self.waiting.is_empty() {
            depth = depth.min(self.let_rest());
        }
        if let Some(most) = self.rules.depth {
            for is_bid in [true, false] {
                while self.ladder(is_bid).len() > most {
                    self.forget_level(is_bid, false);
                }
            }
        }
        depth
    }

    fn ladder(&mut self, is_bid: bool) -> &mut Ladder<Queue> {
        if is_bid { &mut self.bids } else { &mut self.asks }
    }

    #[cold]
    pub(super) fn unknown(&mut self) -> usize {
        self.counts.unknown_orders += 1;
        BEYOND
    }

    #[cold]
    fn incomplete(&mut self) -> usize {
        self.counts.incomplete += 1;
        BEYOND
    }

    pub(super) fn add(&mut self, message: &OrderMessage<K>) -> usize {
        let (Some(price), Some(size)) = (message.price, message.qty.filter(|qty| *qty > 0)) else {
            return self.incomplete();
        };
        let is_bid = match message.side {
            Side::Buy => true,
            Side::Sell => false,
            Side::Unknown => return self.incomplete(),
        };
        let mut depth = BEYOND;
        if let Some(place) = self.orders.place(message.id) {
            self.counts.duplicate_ids += 1;
            depth = self.remove(place);
        }
        depth.min(self.put(Order::new(message.id, is_bid, price, size)))
    }

    /// True if an order at this price would trade with the other side.
    fn crosses(&self, is_bid: bool, price: i64) -> bool {
        let best = if is_bid { self.asks.best() } else { self.bids.best() };
        best.is_some_and(|best| if is_bid { price >= best } else { price <= best })
    }

    /// Puts a new order behind the others of its price, or where the rules want one that crosses.
    fn put(&mut self, order: Order<K, T>) -> usize {
        let Order { is_bid, price, .. } = order;
        let mut depth = BEYOND;
        if self.rules.crossing != Crossing::Rests && self.crosses(is_bid, price) {
            if self.rules.crossing == Crossing::Waits {
                return self.wait(Order { waits: true, ..order });
            }
            while self.crosses(is_bid, price) {
                self.forget_level(!is_bid, true);
            }
            depth = 0;
        }
        depth.min(self.rest(order))
    }

    /// An order that came to trade stands beside the book.
    #[cold]
    fn wait(&mut self, order: Order<K, T>) -> usize {
        if self.orders.len() >= self.room {
            self.counts.refused += 1;
            return BEYOND;
        }
        self.counts.takers += 1;
        let place = self.orders.insert(order);
        self.waiting.push(place);
        BEYOND
    }

    /// Orders that waited and cross no more rest from now on, in the order in which they came.
    #[cold]
    fn let_rest(&mut self) -> usize {
        let mut depth = BEYOND;
        let mut at = 0;
        while let Some(order) = self.waiting.get(at).and_then(|place| self.orders.get(*place)).copied() {
            if self.crosses(order.is_bid, order.price) {
                at += 1;
                continue;
            }
            let place = self.waiting.remove(at);
            self.orders.remove(order.id, place);
            depth = depth.min(self.rest(Order { waits: false, ..order }));
            self.rested.push(order.id);
        }
        depth
    }

    /// Forgets the best level of a side with its orders, or the worst.
    #[cold]
    fn forget_level(&mut self, is_bid: bool, best: bool) {
        let ladder = if is_bid { &mut self.bids } else { &mut self.asks };
        let at = if best { ladder.len().saturating_sub(1) } else { 0 };
        let mut place = ladder.get_mut(at).map_or(NONE, |queue| queue.head);
        while let Some(order) = self.orders.get(place).copied() {
            self.orders.remove(order.id, place);
            self.counts.forgotten += 1;
            place = order.behind;
        }
        ladder.remove(at);
    }

    /// Puts an order behind the others of its price.
    fn rest(&mut self, order: Order<K, T>) -> usize {
        let Order { is_bid, price, size, .. } = order;
        let ladder = if is_bid { &mut self.bids } else { &mut self.asks };
        let found = ladder.find(price);
        let standing = found.ok().and_then(|at| ladder.get_mut(at)).map_or(0, |queue| queue.size);
        if self.orders.len() >= self.room || standing.checked_add(size).is_none() {
            self.counts.refused += 1;
            return BEYOND;
        }
        let place = self.orders.insert(order);
        let at = match found {
            Ok(at) => at,
            Err(at) => {
                ladder.insert(at, price, Queue::default());
                at
            }
        };
        if let Some(queue) = ladder.get_mut(at) {
            self.orders.link(queue, place);
        }
        ladder.depth(at)
    }

    pub(super) fn take(&mut self, message: &OrderMessage<K>) -> usize {
        let Some(qty) = message.qty.filter(|qty| *qty >= 0) else { return self.incomplete() };
        match self.orders.place(message.id) {
            Some(place) => self.cut(place, qty),
            None => self.unknown(),
        }
    }

    /// Takes a size from an order; it keeps its place in the queue, and goes when nothing is left.
    pub(super) fn cut(&mut self, place: u32, qty: i64) -> usize {
        let Some(order) = self.orders.get_mut(place) else { return BEYOND };
        if qty >= order.size {
            self.counts.overfills += u64::from(qty > order.size);
            return self.remove(place);
        }
        order.size -= qty;
        if order.waits {
            return BEYOND;
        }
        let (is_bid, price) = (order.is_bid, order.price);
        let ladder = self.ladder(is_bid);
        let Ok(at) = ladder.find(price) else { return BEYOND };
        if let Some(queue) = ladder.get_mut(at) {
            queue.size -= qty;
        }
        ladder.depth(at)
    }

    pub(super) fn remove(&mut self, place: u32) -> usize {
        let Some(Order { id, is_bid, price, waits, .. }) = self.orders.get(place).copied() else { return BEYOND };
        if waits {
            self.waiting.retain(|waiting| *waiting != place);
            self.orders.remove(id, place);
            return BEYOND;
        }
        let ladder = if is_bid { &mut self.bids } else { &mut self.asks };
        let Ok(at) = ladder.find(price) else { return BEYOND };
        let depth = ladder.depth(at);
        if let Some(queue) = ladder.get_mut(at) {
            self.orders.unlink(queue, place);
            if queue.orders == 0 {
                ladder.remove(at);
            }
        }
        self.orders.remove(id, place);
        depth
    }

    /// A new price or size. An order keeps its place in the queue if its price stays and its size does not grow; else it
    /// goes behind the others. One that the book does not hold is taken as new if the message says enough.
    pub(super) fn replace(&mut self, message: &OrderMessage<K>) -> usize {
        let Some(place) = self.orders.place(message.id) else {
            let says_all = message.price.is_some() && message.qty.is_some() && message.side != Side::Unknown;
            self.counts.unknown_orders += 1;
            return if says_all { self.add(message) } else { BEYOND };
        };
        let Some(order) = self.orders.get(place).copied() else { return BEYOND };
        let (price, size) = (message.price.unwrap_or(order.price), message.qty.unwrap_or(order.size));
        let is_bid = match message.side {
            Side::Unknown => order.is_bid,
            side => side == Side::Buy,
        };
        if size <= 0 {
            return self.remove(place);
        }
        if price == order.price && is_bid == order.is_bid && size <= order.size {
            return if size == order.size { BEYOND } else { self.cut(place, order.size - size) };
        }
        self.remove(place).min(self.put(Order { mark: order.mark, ..Order::new(message.id, is_bid, price, size) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::{Action, OrderRules};

    fn add(id: u64, side: Side, price: i64) -> OrderMessage<u64> {
        OrderMessage { action: Action::Add, side, id, price: Some(price), qty: Some(1) }
    }

    #[test]
    fn an_order_that_comes_to_a_full_book_is_left_out_and_counted() {
        let rules = OrderRules { crossing: Crossing::Waits, ..OrderRules::default() };
        let mut book: OrderBook<u64> = OrderBook::new(rules);
        assert_eq!(book.room, crate::limits::BOOK_ORDERS);
        book.room = 3;
        for (id, price) in [(1, 100), (2, 101), (3, 101)] {
            assert_ne!(book.apply(&add(id, Side::Buy, price)), BEYOND);
        }
        assert_eq!((book.orders.len(), book.counts.refused), (3, 0));
        // One that would rest, and one that would wait beside the book.
        for (id, side) in [(4, Side::Buy), (5, Side::Sell)] {
            assert_eq!(book.apply(&add(id, side, 99)), BEYOND);
            assert!(book.orders.place(id).is_none());
        }
        assert_eq!((book.orders.len(), book.counts.refused), (3, 2));
        // With an order gone there is room again.
        book.apply(&OrderMessage { action: Action::Delete, ..add(1, Side::Buy, 100) });
        book.apply(&add(5, Side::Sell, 99));
        assert_eq!((book.orders.len(), book.counts.refused, book.counts.takers), (3, 2, 1));
    }
}
