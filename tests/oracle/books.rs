//! Books as plainly as their rules read: maps of levels, lists of orders, and a venue that knows its own book.

use std::collections::BTreeMap;

/// Levels of both sides: bids, then asks; price to size.
pub(crate) type Levels = [BTreeMap<i64, i64>; 2];

/// Levels from the best on.
pub(crate) fn best_first(levels: &Levels, side: usize) -> Vec<(i64, i64)> {
    let mut list: Vec<(i64, i64)> = levels[side].iter().map(|(price, size)| (*price, *size)).collect();
    if side == 0 {
        list.reverse();
    }
    list
}

/// Sets a size, 0 deletes.
pub(crate) fn set(levels: &mut Levels, (side, price, size): (usize, i64, i64)) {
    if size > 0 {
        levels[side].insert(price, size);
    } else {
        levels[side].remove(&price);
    }
}

/// A venue: its book after each of its messages.
#[derive(Clone, Debug)]
pub(crate) struct Venue {
    /// Number of each message, of the one before it, and its changes.
    pub(crate) messages: Vec<(u64, u64, Vec<(usize, i64, i64)>)>,
    /// The book after each message.
    pub(crate) states: Vec<Levels>,
}

impl Venue {
    /// A venue whose messages have these changes; numbers go up by one and more.
    pub(crate) fn new(changes: &[Vec<(usize, i64, i64)>]) -> Self {
        let mut venue = Self { messages: Vec::new(), states: Vec::new() };
        let (mut levels, mut last) = (Levels::default(), 100);
        for (at, changes) in changes.iter().enumerate() {
            let number = last + 1 + at as u64 % 3;
            for change in changes {
                set(&mut levels, *change);
            }
            venue.messages.push((number, last, changes.clone()));
            venue.states.push(levels.clone());
            last = number;
        }
        venue
    }

    /// The venue's book after the message of a number.
    pub(crate) fn state_of(&self, number: u64) -> Option<&Levels> {
        let at = self.messages.iter().position(|(known, ..)| *known == number)?;
        Some(&self.states[at])
    }
}

/// One order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Resting {
    pub(crate) id: u64,
    pub(crate) side: usize,
    pub(crate) price: i64,
    pub(crate) size: i64,
}

/// Orders in the order in which they came to their place.
#[derive(Clone, Debug, Default)]
pub(crate) struct OrderList {
    pub(crate) orders: Vec<Resting>,
}

impl OrderList {
    /// The codes of `orders.action`.
    pub(crate) fn apply(&mut self, action: i64, side: Option<usize>, id: u64, price: Option<i64>, qty: Option<i64>) {
        let at = self.orders.iter().position(|order| order.id == id);
        match (action, at) {
            (9, _) => self.orders.clear(),
            (1, _) => self.add(side, id, price, qty),
            (2 | 4, Some(at)) => {
                let Some(qty) = qty.filter(|qty| *qty >= 0) else { return };
                self.orders[at].size -= qty;
                if self.orders[at].size <= 0 {
                    self.orders.remove(at);
                }
            }
            (3, Some(at)) => {
                self.orders.remove(at);
            }
            (8, None) if price.is_some() => self.add(side, id, price, qty),
            (8, Some(at)) => {
                let old = self.orders[at];
                let new = Resting {
                    id,
                    side: side.unwrap_or(old.side),
                    price: price.unwrap_or(old.price),
                    size: qty.unwrap_or(old.size),
                };
                if new.size <= 0 {
                    self.orders.remove(at);
                } else if (new.side, new.price) == (old.side, old.price) && new.size <= old.size {
                    self.orders[at].size = new.size;
                } else {
                    self.orders.remove(at);
                    self.orders.push(new);
                }
            }
            _ => {}
        }
    }

    fn add(&mut self, side: Option<usize>, id: u64, price: Option<i64>, qty: Option<i64>) {
        let (Some(side), Some(price), Some(size)) = (side, price, qty.filter(|qty| *qty > 0)) else { return };
        self.orders.retain(|order| order.id != id);
        self.orders.push(Resting { id, side, price, size });
    }

    /// Price, size and orders of each level from the best on.
    pub(crate) fn levels(&self, side: usize) -> Vec<(i64, i64, u32)> {
        let mut levels: BTreeMap<i64, (i64, u32)> = BTreeMap::new();
        for order in self.orders.iter().filter(|order| order.side == side) {
            let level = levels.entry(order.price).or_default();
            *level = (level.0 + order.size, level.1 + 1);
        }
        let mut list: Vec<_> = levels.into_iter().map(|(price, (size, orders))| (price, size, orders)).collect();
        if side == 0 {
            list.reverse();
        }
        list
    }

    /// Orders and size ahead of an order at its price.
    pub(crate) fn ahead_of(&self, id: u64) -> Option<(u32, i64)> {
        let at = self.orders.iter().position(|order| order.id == id)?;
        let own = self.orders[at];
        let ahead = self.orders[..at].iter().filter(|o| (o.side, o.price) == (own.side, own.price));
        Some(ahead.fold((0, 0), |(count, size), order| (count + 1, size + order.size)))
    }
}
