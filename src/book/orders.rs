//! A book of single orders: who stands where in which queue.

use std::hash::Hash;

use super::ladder::Ladder;
use super::message::{Action, OrderMessage};
use super::queue::{NONE, Order, Orders, Queue};
use super::rules::{Crossing, OrderRules};
use super::{BEYOND, HALTED, Top, touch_flags};
use crate::limits;
use crate::units::Side;

/// What a stream of messages went through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrderCounts {
    /// Messages in all.
    pub messages: u64,
    /// Messages about orders that the book does not hold.
    pub unknown_orders: u64,
    /// New orders under the id of a live one, which they replace.
    pub duplicate_ids: u64,
    /// Reductions and executions of more than the order had; it is gone then.
    pub overfills: u64,
    /// Messages without the price, size or side that they need.
    pub incomplete: u64,
    /// New orders beyond [`limits::BOOK_ORDERS`] or of a size that does not fit beside the others of its price.
    pub refused: u64,
    /// Times that the whole book went.
    pub clears: u64,
    /// Visible executions that were applied.
    pub executions: u64,
    /// Orders that were forgotten because a new one proves that they are gone, or below the depth that the source tells.
    pub forgotten: u64,
    /// Orders that came to trade: they wait outside the book until they no longer cross it.
    pub takers: u64,
}

/// A book of orders with ids of type `K`: `u64`, or `u128` for the hash of a text.
///
/// A message costs one look-up by id and a few comparisons of prices. Memory is that of the most orders and levels that were
/// live at once: about 60 bytes an order with a `u64` id and 32 a level, up to twice that while the stores have room to grow.
#[derive(Clone, Debug)]
pub struct OrderBook<K> {
    bids: Ladder<Queue>,
    asks: Ladder<Queue>,
    orders: Orders<K>,
    /// Places of the orders that wait.
    waiting: Vec<u32>,
    rules: OrderRules,
    is_halted: bool,
    counts: OrderCounts,
}

impl<K: Copy + Eq + Hash> Default for OrderBook<K> {
    fn default() -> Self {
        Self::new(OrderRules::default())
    }
}

impl<K: Copy + Eq + Hash> OrderBook<K> {
    /// An empty book under the rules of a source.
    #[must_use]
    pub fn new(rules: OrderRules) -> Self {
        Self {
            bids: Ladder::new(Side::Buy),
            asks: Ladder::new(Side::Sell),
            orders: Orders::new(),
            waiting: Vec::new(),
            rules,
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

    /// What follows from a change: orders that waited may rest, what is below the told depth is forgotten.
    #[inline]
    fn settle(&mut self, mut depth: usize) -> usize {
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
            Action::ExecuteHidden | Action::Cross => BEYOND,
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

    fn ladder(&mut self, is_bid: bool) -> &mut Ladder<Queue> {
        if is_bid { &mut self.bids } else { &mut self.asks }
    }

    #[cold]
    fn unknown(&mut self) -> usize {
        self.counts.unknown_orders += 1;
        BEYOND
    }

    #[cold]
    fn incomplete(&mut self) -> usize {
        self.counts.incomplete += 1;
        BEYOND
    }

    fn add(&mut self, message: &OrderMessage<K>) -> usize {
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
        depth.min(self.put(message.id, is_bid, price, size))
    }

    /// True if an order at this price would trade with the other side.
    fn crosses(&self, is_bid: bool, price: i64) -> bool {
        let best = if is_bid { self.asks.best() } else { self.bids.best() };
        best.is_some_and(|best| if is_bid { price >= best } else { price <= best })
    }

    /// Puts a new order behind the others of its price, or where the rules want one that crosses.
    fn put(&mut self, id: K, is_bid: bool, price: i64, size: i64) -> usize {
        let mut depth = BEYOND;
        if self.rules.crossing != Crossing::Rests && self.crosses(is_bid, price) {
            if self.rules.crossing == Crossing::Waits {
                return self.wait(Order { id, price, size, ahead: NONE, behind: NONE, is_bid, waits: true });
            }
            while self.crosses(is_bid, price) {
                self.forget_level(!is_bid, true);
            }
            depth = 0;
        }
        depth.min(self.rest(id, is_bid, price, size))
    }

    /// An order that came to trade stands beside the book.
    #[cold]
    fn wait(&mut self, order: Order<K>) -> usize {
        if self.orders.len() >= limits::BOOK_ORDERS {
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
            depth = depth.min(self.rest(order.id, order.is_bid, order.price, order.size));
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
    fn rest(&mut self, id: K, is_bid: bool, price: i64, size: i64) -> usize {
        let ladder = if is_bid { &mut self.bids } else { &mut self.asks };
        let found = ladder.find(price);
        let standing = found.ok().and_then(|at| ladder.get_mut(at)).map_or(0, |queue| queue.size);
        if self.orders.len() >= limits::BOOK_ORDERS || standing.checked_add(size).is_none() {
            self.counts.refused += 1;
            return BEYOND;
        }
        let place = self.orders.insert(Order { id, price, size, ahead: NONE, behind: NONE, is_bid, waits: false });
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

    fn take(&mut self, message: &OrderMessage<K>) -> usize {
        let Some(qty) = message.qty.filter(|qty| *qty >= 0) else { return self.incomplete() };
        match self.orders.place(message.id) {
            Some(place) => self.cut(place, qty),
            None => self.unknown(),
        }
    }

    /// Takes a size from an order; it keeps its place in the queue, and goes when nothing is left.
    fn cut(&mut self, place: u32, qty: i64) -> usize {
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

    fn remove(&mut self, place: u32) -> usize {
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
    fn replace(&mut self, message: &OrderMessage<K>) -> usize {
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
        self.remove(place).min(self.put(message.id, is_bid, price, size))
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

    /// An order's side, price and size.
    #[must_use]
    pub fn order(&self, id: K) -> Option<(Side, i64, i64)> {
        let order = self.orders.get(self.orders.place(id)?)?;
        Some((if order.is_bid { Side::Buy } else { Side::Sell }, order.price, order.size))
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
