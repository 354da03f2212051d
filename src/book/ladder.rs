//! One side of a book: prices in order with what stands at each, the best one last, so that changes near the touch move little.

use crate::units::Side;

/// Levels that are looked at one by one from the best before the rest is halved.
const NEAR: usize = 8;

/// One side of a book, with a value of type `V` at each price.
///
/// Prices are mantissas at one scale. Finding a level costs a few comparisons near the best and a logarithm beyond; adding
/// or removing one moves the levels that are better than it. Memory is 8 bytes and a `V` a level.
#[derive(Clone, Debug)]
pub(crate) struct Ladder<V> {
    /// Prices of bids, and of asks with all bits turned: so the best is the largest on both sides, without overflow.
    keys: Vec<i64>,
    values: Vec<V>,
    mask: i64,
}

impl<V> Ladder<V> {
    /// An empty side; asks for any side but [`Side::Buy`].
    pub(crate) fn new(side: Side) -> Self {
        Self { keys: Vec::new(), values: Vec::new(), mask: if side == Side::Buy { 0 } else { -1 } }
    }

    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> usize {
        self.keys.capacity() * size_of::<i64>() + self.values.capacity() * size_of::<V>()
    }

    /// Where the price stands, or where it would.
    #[inline]
    pub(crate) fn find(&self, price: i64) -> Result<usize, usize> {
        let key = price ^ self.mask;
        let near = self.keys.len().saturating_sub(NEAR);
        for (at, known) in self.keys.iter().enumerate().skip(near).rev() {
            if *known <= key {
                return if *known == key { Ok(at) } else { Err(at + 1) };
            }
        }
        self.keys.get(..near).unwrap_or_default().binary_search(&key)
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, at: usize) -> Option<&mut V> {
        self.values.get_mut(at)
    }

    /// Puts a level where [`Ladder::find`] says that it would stand.
    #[inline]
    pub(crate) fn insert(&mut self, at: usize, price: i64, value: V) {
        self.keys.insert(at, price ^ self.mask);
        self.values.insert(at, value);
    }

    #[inline]
    pub(crate) fn remove(&mut self, at: usize) {
        self.keys.remove(at);
        self.values.remove(at);
    }

    pub(crate) fn clear(&mut self) {
        self.keys.clear();
        self.values.clear();
    }

    /// Forgets all but the best `depth` levels; returns how many went.
    pub(crate) fn truncate(&mut self, depth: usize) -> usize {
        let gone = self.len().saturating_sub(depth);
        self.keys.drain(..gone);
        self.values.drain(..gone);
        gone
    }

    /// How many levels are better than the one at this place.
    #[inline]
    pub(crate) fn depth(&self, at: usize) -> usize {
        self.keys.len().saturating_sub(1).saturating_sub(at)
    }

    /// The best price.
    #[inline]
    pub(crate) fn best(&self) -> Option<i64> {
        self.keys.last().map(|key| key ^ self.mask)
    }

    /// The best price and its value.
    #[inline]
    pub(crate) fn first(&self) -> Option<(i64, &V)> {
        self.keys.last().zip(self.values.last()).map(|(key, value)| (key ^ self.mask, value))
    }

    /// Prices and values from the best on.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (i64, &V)> {
        self.keys.iter().zip(&self.values).rev().map(|(key, value)| (key ^ self.mask, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_stand_from_best_to_worst_on_both_sides() {
        for (side, best_first) in [(Side::Buy, [9, 5, 0, -3]), (Side::Sell, [-3, 0, 5, 9])] {
            let mut ladder = Ladder::new(side);
            for price in [5, -3, 9, 0] {
                let at = ladder.find(price).unwrap_err();
                ladder.insert(at, price, price * 10);
            }
            assert_eq!(ladder.iter().map(|(p, v)| (p, *v)).collect::<Vec<_>>(), best_first.map(|p| (p, p * 10)));
            assert_eq!(ladder.best(), Some(best_first[0]));
            assert_eq!(ladder.find(5).map(|at| ladder.depth(at)), Ok(if side == Side::Buy { 1 } else { 2 }));
            assert_eq!(ladder.truncate(2), 2);
            assert_eq!(ladder.iter().map(|(p, _)| p).collect::<Vec<_>>(), best_first[..2]);
        }
    }

    #[test]
    fn deep_levels_are_found_too() {
        let mut ladder = Ladder::new(Side::Sell);
        for price in (0..200).rev().map(|n| n * 2) {
            let at = ladder.find(price).unwrap_err();
            ladder.insert(at, price, ());
        }
        for price in 0..400 {
            assert_eq!(ladder.find(price).is_ok(), price % 2 == 0, "{price}");
        }
    }
}
