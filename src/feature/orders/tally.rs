//! What is counted of the orders of a bucket of time. All is whole numbers, so that longer buckets are exact sums of shorter ones.

/// One side of the book.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SideTally {
    pub(crate) inserts: u64,
    pub(crate) inserted: i128,
    pub(crate) cancels: u64,
    pub(crate) cancelled: i128,
    pub(crate) executions: u64,
    pub(crate) executed: i128,
    pub(crate) updates: u64,
    pub(crate) added: i128,
    pub(crate) removed: i128,
}

/// A bucket: sizes as mantissas, times in ns.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    /// Bids, asks.
    pub(crate) sides: [SideTally; 2],
    pub(crate) hidden: i128,
    /// Of the orders inserted here that ended, how long they rested, and how many they are.
    pub(crate) rested_ns: i128,
    pub(crate) ended: u64,
    /// Inserted here, wholly cancelled soon.
    pub(crate) fleeting: i128,
    /// Of the executions here that were replaced, how long that took, and how many they are.
    pub(crate) replaced_ns: i128,
    pub(crate) replaced: u64,
    /// Sizes ahead of the orders executed here, and how many of these the book held.
    pub(crate) ahead: i128,
    pub(crate) placed: u64,
}

impl SideTally {
    fn absorb(&mut self, other: &Self) {
        self.inserts += other.inserts;
        self.inserted += other.inserted;
        self.cancels += other.cancels;
        self.cancelled += other.cancelled;
        self.executions += other.executions;
        self.executed += other.executed;
        self.updates += other.updates;
        self.added += other.added;
        self.removed += other.removed;
    }
}

impl Tally {
    /// Adds what another bucket counted.
    pub(crate) fn absorb(&mut self, other: &Self) {
        for (side, more) in self.sides.iter_mut().zip(&other.sides) {
            side.absorb(more);
        }
        self.hidden += other.hidden;
        self.rested_ns += other.rested_ns;
        self.ended += other.ended;
        self.fleeting += other.fleeting;
        self.replaced_ns += other.replaced_ns;
        self.replaced += other.replaced;
        self.ahead += other.ahead;
        self.placed += other.placed;
    }
}

/// The buckets of a partition that a pass keeps: those with rows, numbered from 1 in order, from one number on.
#[derive(Debug)]
pub(crate) struct Tallies {
    midnight: i64,
    length_ns: i64,
    /// Number of the first bucket that is kept, and how many are.
    first: u32,
    most: usize,
    /// Number and position in time of the open bucket.
    open: (u32, i64),
    kept: Vec<(i64, Tally)>,
    /// Takes what belongs to buckets that this pass does not keep.
    spare: Tally,
}

impl Tallies {
    /// Buckets of this length, counted from midnight; the pass keeps at most `most` from number `first` on.
    pub(crate) fn new(midnight: i64, length_ns: i64, first: u32, most: usize) -> Self {
        Self { midnight, length_ns, first, most, open: (0, 0), kept: Vec::new(), spare: Tally::default() }
    }

    /// Opens the bucket of a clock, which is never before the last one.
    #[inline]
    pub(crate) fn advance(&mut self, clock: i64) {
        let at = clock.saturating_sub(self.midnight).div_euclid(self.length_ns);
        if self.open.0 > 0 && at == self.open.1 {
            return;
        }
        self.open = (self.open.0 + 1, at);
        if self.open.0 >= self.first && self.kept.len() < self.most {
            self.kept.push((at, Tally::default()));
        }
    }

    /// Number of the open bucket.
    pub(crate) fn number(&self) -> u32 {
        self.open.0
    }

    /// The bucket of a number.
    #[inline]
    pub(crate) fn get(&mut self, number: u32) -> &mut Tally {
        let place = number.checked_sub(self.first).and_then(|place| self.kept.get_mut(place as usize));
        place.map_or(&mut self.spare, |(_, tally)| tally)
    }

    /// The open bucket.
    #[inline]
    pub(crate) fn now(&mut self) -> &mut Tally {
        self.get(self.open.0)
    }

    /// The kept buckets with their positions, in order.
    pub(crate) fn kept(&self) -> &[(i64, Tally)] {
        &self.kept
    }

    /// Number of the first bucket that a further pass must keep, if there is one.
    pub(crate) fn rest(&self) -> Option<u32> {
        let next = self.first.saturating_add(self.kept.len() as u32);
        (next <= self.open.0).then_some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_keep_every_bucket_once() {
        let mut all = Vec::new();
        let mut first = Some(1);
        while let Some(from) = first {
            let mut tallies = Tallies::new(100, 10, from, 2);
            for clock in [95, 101, 109, 110, 111, 155, 155, 170] {
                tallies.advance(clock);
                tallies.now().hidden += 1;
            }
            tallies.get(1).hidden += 10;
            all.extend(tallies.kept().iter().map(|(at, tally)| (*at, tally.hidden)));
            first = tallies.rest();
        }
        assert_eq!(all, [(-1, 11), (0, 2), (1, 2), (5, 2), (7, 1)]);
    }
}
