//! Messages about single orders, and the level changes that follow from them: one security, one seed.
//!
//! The traits that matter to a book are kept: most messages are near the best prices, nine orders of ten are cancelled, the
//! touch wanders over some hundred ticks, some thousand orders live at once. It needs nothing but `std`, so that the benchmark
//! of the books runs on the same stream.

/// Ticks of the grid: prices are 1 to this.
const GRID: usize = 4_096;
/// Orders beside which no more are added.
const LIVE: usize = 20_000;
/// The best levels within which nearly all that happens is.
const NEAR: u64 = 12;

/// A message; `action` as in the table `orders`: 1 add, 2 reduce, 3 delete, 4 execute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) action: i64,
    pub(crate) id: u64,
    pub(crate) is_bid: bool,
    pub(crate) ticks: i64,
    /// What the action is about: the whole size of a new order, what goes of another.
    pub(crate) lots: i64,
    /// What stands at the price afterwards: the level change that a venue would tell.
    pub(crate) level_lots: i64,
}

#[derive(Clone, Copy, Debug)]
struct Live {
    id: u64,
    is_bid: bool,
    ticks: usize,
    lots: i64,
}

/// The endless stream.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    state: u64,
    next_id: u64,
    orders: Vec<Live>,
    /// Lots at each tick.
    levels: Vec<i64>,
    /// Bids stand at this tick and below it, asks above it.
    touch: usize,
}

impl Stream {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            state: seed ^ 0x9E37_79B9_7F4A_7C15,
            next_id: 1,
            orders: Vec::new(),
            levels: vec![0; GRID + 1],
            touch: GRID / 2,
        }
    }

    fn random(&mut self) -> u64 {
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mixed = (self.state ^ (self.state >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed ^ (mixed >> 32)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.random() % bound
    }

    /// The best price of a side that has one.
    fn best(&self, is_bid: bool) -> Option<usize> {
        let is_there = |tick: &usize| self.levels[*tick] > 0;
        if is_bid { (1..=self.touch).rev().find(is_there) } else { (self.touch + 1..=GRID).find(is_there) }
    }

    fn add(&mut self) -> Message {
        let is_bid = self.below(2) == 0;
        let depth =
            (self.below(NEAR).min(self.below(NEAR)) + if self.below(20) == 0 { self.below(200) } else { 0 }) as usize;
        let ticks = if is_bid { self.touch.saturating_sub(depth).max(1) } else { (self.touch + 1 + depth).min(GRID) };
        let lots = 1 + (self.below(100) * self.below(10)) as i64;
        let id = self.next_id;
        self.next_id += 1;
        self.orders.push(Live { id, is_bid, ticks, lots });
        self.levels[ticks] += lots;
        Message { action: 1, id, is_bid, ticks: ticks as i64, lots, level_lots: self.levels[ticks] }
    }

    /// Takes lots from the order at this place; with nothing left it is gone.
    fn take(&mut self, at: usize, action: i64, lots: i64) -> Message {
        let order = &mut self.orders[at];
        let Live { id, is_bid, ticks, .. } = *order;
        order.lots -= lots;
        if order.lots == 0 {
            self.orders.swap_remove(at);
        }
        self.levels[ticks] -= lots;
        Message { action, id, is_bid, ticks: ticks as i64, lots, level_lots: self.levels[ticks] }
    }

    /// The next message.
    pub(crate) fn next(&mut self) -> Message {
        // The touch wanders where the book leaves room for it.
        if self.below(64) == 0 {
            let up = self.below(2) == 0;
            let edge = if up { self.touch + 1 } else { self.touch };
            if (GRID / 4..3 * GRID / 4).contains(&edge) && self.levels[edge] == 0 {
                self.touch = if up { edge } else { edge - 1 };
            }
        }
        let live = self.orders.len();
        let draw = self.below(100);
        if live < 100 || (draw < 50 && live < LIVE) {
            return self.add();
        }
        // Young orders go first, as they do in markets.
        let young = (live as u64).min(2_000);
        let mut at = live - 1 - self.below(young) as usize;
        if draw >= 90 {
            let is_bid = self.below(2) == 0;
            let best = self.best(is_bid);
            let found = (live.saturating_sub(4_000)..live).find(|at| Some(self.orders[*at].ticks) == best);
            at = found.unwrap_or(at);
            let lots = self.orders[at].lots;
            let part = if self.below(3) == 0 { 1 + self.below(lots.unsigned_abs()) as i64 } else { lots };
            return self.take(at, 4, part.min(lots));
        }
        let lots = self.orders[at].lots;
        if draw >= 85 && lots > 1 {
            let part = 1 + self.below(lots.unsigned_abs() - 1) as i64;
            return self.take(at, 2, part);
        }
        self.take(at, 3, lots)
    }
}
