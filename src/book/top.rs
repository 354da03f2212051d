//! The best levels of a book, and whether they are others than those written last.

/// The best levels of both sides: prices and sizes from the best on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Top {
    depth: usize,
    /// Prices and sizes of bids, then of asks.
    sides: [Vec<(i64, i64)>; 2],
}

impl Top {
    /// Room for so many levels.
    #[must_use]
    pub fn new(depth: usize) -> Self {
        Self { depth, sides: [Vec::with_capacity(depth), Vec::with_capacity(depth)] }
    }

    /// Levels wanted of each side.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Takes the best levels of these sides.
    pub(crate) fn fill(&mut self, bids: impl Iterator<Item = (i64, i64)>, asks: impl Iterator<Item = (i64, i64)>) {
        for side in &mut self.sides {
            side.clear();
        }
        let [bid_levels, ask_levels] = &mut self.sides;
        bid_levels.extend(bids.take(self.depth));
        ask_levels.extend(asks.take(self.depth));
    }

    /// Level `level` of the bids: price and size.
    #[must_use]
    pub fn bid(&self, level: usize) -> Option<(i64, i64)> {
        self.sides[0].get(level).copied()
    }

    /// Level `level` of the asks: price and size.
    #[must_use]
    pub fn ask(&self, level: usize) -> Option<(i64, i64)> {
        self.sides[1].get(level).copied()
    }

    /// True if neither side has a level.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sides.iter().all(Vec::is_empty)
    }
}
