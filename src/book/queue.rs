//! The orders at one price, in the order in which they are served, and the store of all orders of a book.

use std::hash::Hash;

use hashbrown::HashMap;

/// No order.
pub(super) const NONE: u32 = u32::MAX;

/// A level of a book of orders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Queue {
    /// Sum of the sizes.
    pub(super) size: i64,
    /// Orders.
    pub(super) orders: u32,
    /// First to be served, and last.
    pub(super) head: u32,
    pub(super) tail: u32,
}

/// A live order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order<K, T> {
    pub(super) id: K,
    pub(super) price: i64,
    pub(super) size: i64,
    /// Neighbours in the queue.
    pub(super) ahead: u32,
    pub(super) behind: u32,
    pub(super) is_bid: bool,
    /// It came to trade and rests in no queue yet.
    pub(super) waits: bool,
    /// What the caller knows of it.
    pub(super) mark: T,
}

impl<K, T: Default> Order<K, T> {
    /// An order in no queue yet.
    #[inline]
    pub(super) fn new(id: K, is_bid: bool, price: i64, size: i64) -> Self {
        Self { id, price, size, ahead: NONE, behind: NONE, is_bid, waits: false, mark: T::default() }
    }
}

/// All live orders of a book, found by id. A place that falls free is used again, so memory follows the most orders that
/// were live at once.
#[derive(Clone, Debug)]
pub(super) struct Orders<K, T> {
    places: HashMap<K, u32>,
    orders: Vec<Order<K, T>>,
    free: Vec<u32>,
}

impl<K: Copy + Eq + Hash, T: Copy> Orders<K, T> {
    pub(super) fn new() -> Self {
        Self { places: HashMap::new(), orders: Vec::new(), free: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    #[inline]
    pub(super) fn place(&self, id: K) -> Option<u32> {
        self.places.get(&id).copied()
    }

    #[inline]
    pub(super) fn get(&self, place: u32) -> Option<&Order<K, T>> {
        self.orders.get(place as usize)
    }

    #[inline]
    pub(super) fn get_mut(&mut self, place: u32) -> Option<&mut Order<K, T>> {
        self.orders.get_mut(place as usize)
    }

    /// Puts an order that is not there yet; returns its place.
    #[inline]
    pub(super) fn insert(&mut self, order: Order<K, T>) -> u32 {
        let place = match self.free.pop() {
            Some(place) => {
                if let Some(slot) = self.orders.get_mut(place as usize) {
                    *slot = order;
                }
                place
            }
            None => {
                self.orders.push(order);
                (self.orders.len() - 1) as u32
            }
        };
        self.places.insert(order.id, place);
        place
    }

    /// Puts an order behind the last of a queue.
    #[inline]
    pub(super) fn link(&mut self, queue: &mut Queue, place: u32) {
        let last = if queue.orders == 0 { NONE } else { queue.tail };
        let Some(order) = self.orders.get_mut(place as usize) else { return };
        (order.ahead, order.behind) = (last, NONE);
        queue.size += order.size;
        match self.orders.get_mut(last as usize) {
            Some(before) => before.behind = place,
            None => queue.head = place,
        }
        queue.tail = place;
        queue.orders += 1;
    }

    /// Takes an order out of its queue.
    #[inline]
    pub(super) fn unlink(&mut self, queue: &mut Queue, place: u32) {
        let Some(Order { ahead, behind, size, .. }) = self.orders.get(place as usize).copied() else { return };
        match self.orders.get_mut(ahead as usize) {
            Some(order) => order.behind = behind,
            None => queue.head = behind,
        }
        match self.orders.get_mut(behind as usize) {
            Some(order) => order.ahead = ahead,
            None => queue.tail = ahead,
        }
        queue.size -= size;
        queue.orders -= 1;
    }

    /// Forgets an order.
    #[inline]
    pub(super) fn remove(&mut self, id: K, place: u32) {
        self.places.remove(&id);
        self.free.push(place);
    }

    pub(super) fn clear(&mut self) {
        self.places.clear();
        self.orders.clear();
        self.free.clear();
    }

    /// Bytes held.
    pub(super) fn bytes(&self) -> usize {
        self.places.allocation_size()
            + self.orders.capacity() * size_of::<Order<K, T>>()
            + self.free.capacity() * size_of::<u32>()
    }
}
