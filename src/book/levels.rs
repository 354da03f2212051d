//! A book of levels: each change says what stands at a price from now on, a size of 0 deletes it.

use super::ladder::Ladder;
use super::{BEYOND, Top};
use crate::limits;
use crate::units::Side;

/// Both sides, by price, with their sizes.
///
/// A change costs a few comparisons and a move of the levels better than it. Memory is 16 bytes a level and follows the
/// levels alone, at most [`limits::BOOK_LEVELS`] a side.
#[derive(Clone, Debug)]
pub struct LevelBook {
    bids: Ladder<i64>,
    asks: Ladder<i64>,
    /// Deletions of levels that were not there.
    pub unknown_deletes: u64,
    /// Levels that were forgotten: too deep for the venue's book, or beyond the most that are held.
    pub levels_dropped: u64,
}

impl Default for LevelBook {
    fn default() -> Self {
        Self { bids: Ladder::new(Side::Buy), asks: Ladder::new(Side::Sell), unknown_deletes: 0, levels_dropped: 0 }
    }
}

impl LevelBook {
    fn side(&mut self, side: Side) -> &mut Ladder<i64> {
        if side == Side::Buy { &mut self.bids } else { &mut self.asks }
    }

    /// Sets the size at a price; 0 or less deletes the level. Returns the depth at which the book changed, 0 at the best, and
    /// [`BEYOND`] if it did not. A level beyond the most that are held makes the worst of its side go.
    #[inline]
    pub fn set(&mut self, side: Side, price: i64, size: i64) -> usize {
        let ladder = if side == Side::Buy { &mut self.bids } else { &mut self.asks };
        match ladder.find(price) {
            Ok(at) if size > 0 => {
                let depth = ladder.depth(at);
                let Some(known) = ladder.get_mut(at) else { return BEYOND };
                if std::mem::replace(known, size) == size { BEYOND } else { depth }
            }
            Ok(at) => {
                let depth = ladder.depth(at);
                ladder.remove(at);
                depth
            }
            Err(_) if size <= 0 => {
                self.unknown_deletes += 1;
                BEYOND
            }
            Err(at) => {
                ladder.insert(at, price, size);
                let depth = ladder.depth(at);
                if ladder.len() > limits::BOOK_LEVELS {
                    self.levels_dropped += ladder.truncate(limits::BOOK_LEVELS) as u64;
                }
                depth
            }
        }
    }

    /// Forgets every level.
    pub fn clear(&mut self) {
        self.bids.clear();
        self.asks.clear();
    }

    /// Forgets what is deeper than the venue tells on each side.
    pub fn truncate(&mut self, depth: usize) {
        for side in [Side::Buy, Side::Sell] {
            self.levels_dropped += self.side(side).truncate(depth) as u64;
        }
    }

    /// Levels of each side.
    #[must_use]
    pub fn lengths(&self) -> [usize; 2] {
        [self.bids.len(), self.asks.len()]
    }

    /// Prices and sizes of a side from the best on.
    pub fn levels(&self, side: Side) -> impl Iterator<Item = (i64, i64)> {
        let ladder = if side == Side::Buy { &self.bids } else { &self.asks };
        ladder.iter().map(|(price, size)| (price, *size))
    }

    /// Bytes held by the levels.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bids.bytes() + self.asks.bytes()
    }

    /// Price and size of the best bid and of the best ask.
    #[must_use]
    pub fn touch(&self) -> [Option<(i64, i64)>; 2] {
        [&self.bids, &self.asks].map(|ladder| ladder.first().map(|(price, size)| (price, *size)))
    }

    /// Best bid and best ask.
    #[must_use]
    pub fn best(&self) -> [Option<i64>; 2] {
        [self.bids.best(), self.asks.best()]
    }

    /// Writes the best levels.
    pub fn write_top(&self, top: &mut Top) {
        top.fill(self.levels(Side::Buy), self.levels(Side::Sell));
    }
}
