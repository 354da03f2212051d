//! How far the rows of a source are from being in order, whatever the chunks they came in.
//!
//! A worker sums up a chunk for each partition and table ([`summarise`]); the sums are joined in source order
//! ([`Disorder::join`]). The result is that of one walk over the source.

use std::collections::HashMap;

use xxhash_rust::xxh3::Xxh3;

use crate::normalize::RowBatch;
use crate::schema::RawTable;
use crate::units::Date;

/// One partition and table within one chunk, or up to a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    first: i64,
    last: i64,
    min: i64,
    max: i64,
    /// Rows before the row in front of them.
    steps_back: u64,
    /// How far a row lies behind the largest clock before it, at most.
    lateness: u64,
}

impl Stretch {
    fn new(clock: i64) -> Self {
        Self { first: clock, last: clock, min: clock, max: clock, steps_back: 0, lateness: 0 }
    }

    /// Appends what follows.
    fn join(&mut self, next: Self) {
        self.steps_back += next.steps_back + u64::from(next.first < self.last);
        self.lateness = self.lateness.max(next.lateness).max(behind(self.max, next.min));
        self.last = next.last;
        self.min = self.min.min(next.min);
        self.max = self.max.max(next.max);
    }
}

fn behind(max: i64, clock: i64) -> u64 {
    if clock < max { max.abs_diff(clock) } else { 0 }
}

/// A table and a hash of the partition's name.
type Id = (RawTable, u64);

/// The stretches of a chunk by table and a hash of the partition's name: a clash would only blur a statistic.
pub(crate) fn summarise(batches: &[RowBatch]) -> Vec<(RawTable, u64, Stretch)> {
    let mut found: HashMap<Id, Stretch> = HashMap::new();
    for batch in batches {
        // A security's rows are of one date until midnight: only then is the map needed.
        let mut open: Vec<Option<(Date, Stretch)>> = vec![None; batch.securities.len()];
        let mut close = |security: usize, date: Date, stretch: Stretch| {
            let (venue, name) = &batch.securities[security];
            let id = name_hash(venue, name) ^ (date.0 as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            found.entry((batch.table, id)).and_modify(|s| s.join(stretch)).or_insert(stretch);
        };
        for key in &batch.keys {
            let row = Stretch::new(key.clock);
            match open.get_mut(key.security as usize) {
                Some(Some((date, stretch))) if *date == key.date => stretch.join(row),
                Some(slot) => {
                    if let Some((date, stretch)) = slot.replace((key.date, row)) {
                        close(key.security as usize, date, stretch);
                    }
                }
                None => {}
            }
        }
        for (security, slot) in open.into_iter().enumerate() {
            if let Some((date, stretch)) = slot {
                close(security, date, stretch);
            }
        }
    }
    found.into_iter().map(|((table, id), stretch)| (table, id, stretch)).collect()
}

fn name_hash(venue: &str, security: &str) -> u64 {
    let mut hasher = Xxh3::new();
    hasher.update(venue.as_bytes());
    hasher.update(&[0]);
    hasher.update(security.as_bytes());
    hasher.digest()
}

/// The disorder of a source.
#[derive(Debug, Default)]
pub(crate) struct Disorder {
    stretches: HashMap<Id, Stretch>,
}

impl Disorder {
    /// Joins the next chunk of the source.
    pub(crate) fn join(&mut self, chunk: &[(RawTable, u64, Stretch)]) {
        for (table, id, stretch) in chunk {
            self.stretches.entry((*table, *id)).and_modify(|s| s.join(*stretch)).or_insert(*stretch);
        }
    }

    /// Rows out of order and the largest lateness in nanoseconds, by table; the next source starts afresh.
    pub(crate) fn finish(&mut self) -> Vec<(RawTable, u64, u64)> {
        self.stretches.drain().map(|((table, _), s)| (table, s.steps_back, s.lateness)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn walk(clocks: &[i64]) -> (u64, u64) {
        let steps = clocks.windows(2).filter(|w| w[1] < w[0]).count() as u64;
        let mut max = i64::MIN;
        let mut late = 0;
        for &clock in clocks {
            late = late.max(if max == i64::MIN { 0 } else { behind(max, clock) });
            max = max.max(clock);
        }
        (steps, late)
    }

    proptest! {
        #[test]
        fn chunks_do_not_matter(clocks in proptest::collection::vec(-50_i64..50, 1..60), cut in 1_usize..9) {
            let mut whole: Option<Stretch> = None;
            for chunk in clocks.chunks(cut) {
                let mut part: Option<Stretch> = None;
                for &clock in chunk {
                    match &mut part {
                        Some(part) => part.join(Stretch::new(clock)),
                        None => part = Some(Stretch::new(clock)),
                    }
                }
                match (&mut whole, part) {
                    (Some(whole), Some(part)) => whole.join(part),
                    (None, part) => whole = part,
                    _ => {}
                }
            }
            let whole = whole.unwrap();
            prop_assert_eq!((whole.steps_back, whole.lateness), walk(&clocks));
        }
    }
}
