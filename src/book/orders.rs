//! A book of single orders: who stands where in which queue.

use std::hash::Hash;

use super::ladder::Ladder;
use super::message::{Action, OrderMessage};
use super::queue::{Orders, Queue};
use super::rules::OrderRules;
use super::{BEYOND, HALTED, OrderCounts, Top, touch_flags};
use crate::limits::BOOK_ORDERS;
use crate::units::Side;

/// An order of a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing<T> {
    /// Its side: buy or sell.
    pub side: Side,
    /// Its price.
    pub price: i64,
    /// What is left of it.
    pub size: i64,
    /// It came to trade and rests in no queue yet.
    pub waits: bool,
    /// What the caller knows of it.
    pub mark: T,
}

/// A book of orders with ids of type `K`: `u64`, or `u128` for the hash of a text. Each order carries a mark of type `T`, which the
/// book keeps as long as the order lives, also when it is replaced.
///
/// A message costs one look-up by id and a few comparisons of prices. Memory is that of the most orders and levels that were
/// live at once: about 60 bytes an order with a `u64` id and 32 a level, up to twice that while the stores have room to grow.
#[derive(Clone, Debug)]
pub struct OrderBook<K, T = ()> {
    pub(super) bids: Ladder<Queue>,
    pub(super) asks: Ladder<Queue>,
    pub(super) orders: Orders<K, T>,
    /// Places of the orders that wait.
    pub(super) waiting: Vec<u32>,
    /// Orders that waited and rest since the last message.
    pub(super) rested: Vec<K>,
    pub(super) rules: OrderRules,
    /// Orders that fit.
    pub(super) room: usize,
    is_halted: bool,
    pub(super) counts: OrderCounts,
}

impl<K: Copy + Eq + Hash, T: Copy + Default> Default for OrderBook<K, T> {
    fn default() -> Self {
        Self::new(OrderRules::default())
    }
}

impl<K: Copy + Eq + Hash, T: Copy + Default> OrderBook<K, T> {
    /// An empty book under the rules of a source.
    #[must_use]
    pub fn new(rules: OrderRules) -> Self {
        Self {
            bids: Ladder::new(Side::Buy),
            asks: Ladder::new(Side::Sell),
            orders: Orders::new(),
            waiting: Vec::new(),
            rested: Vec::new(),
            rules,
            room: BOOK_ORDERS,
            is_halted: false,
            counts: OrderCounts::default(),
        }
    }

    /// Applies a message. Returns the depth at which the book changed, 0 at the best, [`BEYOND`] if it did not.
    pub fn apply(&mut self, message: &OrderMessage<K>) -> usize {
        self.counts.messages += 1;
        let depth = self.change(message);
        self.settle(depth)
    }

    #[inline]
    fn change(&mut self, message: &OrderMessage<K>) -> usize {
        match message.action {
            Action::Add => self.add(message),
            Action::Reduce => self.take(message),
            Action::Execute => {
                let depth = self.take(message);
                self.counts.executions += u64::from(depth != BEYOND);
                depth
            }
            Action::Delete => match self.orders.place(message.id) {
                Some(place) => self.remove(place),
                None => self.unknown(),
            },
            Action::Replace => self.replace(message),
            Action::ExecuteHidden | Action::Cross | Action::Fill => BEYOND,
            Action::Halt => {
                self.is_halted = message.price.is_some_and(|price| price <= 0);
                BEYOND
            }
            Action::Clear => {
                self.counts.clears += 1;
                self.bids.clear();
                self.asks.clear();
                self.orders.clear();
                self.waiting.clear();
                0
            }
        }
    }

    /// A trade that names an order beside the messages: takes its size from the order if the book holds it, and counts
    /// nothing if not, as the order may never have rested. Returns the depth of the change.
    pub fn fill(&mut self, id: K, qty: i64) -> usize {
        match self.orders.place(id) {
            Some(place) => {
                self.counts.executions += 1;
                let depth = self.cut(place, qty);
                self.settle(depth)
            }
            None => BEYOND,
        }
    }

    /// What stands ahead of an order in its queue: orders and size. Costs a step for each of them.
    #[must_use]
    pub fn ahead_of(&self, id: K) -> Option<(u32, i64)> {
        let mut place = self.orders.get(self.orders.place(id)?)?.ahead;
        let (mut orders, mut size) = (0, 0);
        while let Some(order) = self.orders.get(place) {
            orders += 1;
            size += order.size;
            place = order.ahead;
        }
        Some((orders, size))
    }

    /// An order with its mark; its size ahead is [`OrderBook::ahead_of`].
    #[inline]
    #[must_use]
    pub fn standing(&self, id: K) -> Option<Standing<T>> {
        let order = self.orders.get(self.orders.place(id)?)?;
        let side = if order.is_bid { Side::Buy } else { Side::Sell };
        Some(Standing { side, price: order.price, size: order.size, waits: order.waits, mark: order.mark })
    }

    /// Sets the mark of an order; nothing happens where the book does not hold it.
    #[inline]
    pub fn set_mark(&mut self, id: K, mark: T) {
        if let Some(order) = self.orders.place(id).and_then(|place| self.orders.get_mut(place)) {
            order.mark = mark;
        }
    }

    /// Orders that waited until the last message and rest since, in the order in which they came.
    #[must_use]
    pub fn just_rested(&self) -> &[K] {
        &self.rested
    }

    /// An order's side, price and size.
    #[must_use]
    pub fn order(&self, id: K) -> Option<(Side, i64, i64)> {
        self.standing(id).map(|order| (order.side, order.price, order.size))
    }

    /// Price, size and number of orders of each level of a side, from the best on.
    pub fn levels(&self, side: Side) -> impl Iterator<Item = (i64, i64, u32)> {
        let ladder = if side == Side::Buy { &self.bids } else { &self.asks };
        ladder.iter().map(|(price, queue)| (price, queue.size, queue.orders))
    }

    /// Writes the best levels.
    pub fn write_top(&self, top: &mut Top) {
        let sizes = |ladder| Ladder::iter(ladder).map(|(price, queue): (i64, &Queue)| (price, queue.size));
        top.fill(sizes(&self.bids), sizes(&self.asks));
    }

    /// Price and size of the best bid and of the best ask.
    #[must_use]
    pub fn touch(&self) -> [Option<(i64, i64)>; 2] {
        [&self.bids, &self.asks].map(|ladder| ladder.first().map(|(price, queue)| (price, queue.size)))
    }

    /// Best bid and best ask.
    #[must_use]
    pub fn best(&self) -> [Option<i64>; 2] {
        [self.bids.best(), self.asks.best()]
    }

    /// What is to be said of the book as it is.
    #[must_use]
    pub fn flags(&self) -> u8 {
        touch_flags(self.best()) | if self.is_halted { HALTED } else { 0 }
    }

    /// Orders that wait beside the book.
    #[must_use]
    pub fn waiting_orders(&self) -> usize {
        self.waiting.len()
    }

    /// Live orders.
    #[must_use]
    pub fn live_orders(&self) -> usize {
        self.orders.len()
    }

    /// Levels of each side.
    #[must_use]
    pub fn lengths(&self) -> [usize; 2] {
        [self.bids.len(), self.asks.len()]
    }

    /// What the stream went through.
    #[must_use]
    pub fn counts(&self) -> OrderCounts {
        self.counts
    }

    /// Bytes held by orders and levels.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bids.bytes() + self.asks.bytes() + self.orders.bytes()
    }
}
