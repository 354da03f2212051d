//! Ranks among the values of a window: in, values that come and go; out, how many are smaller and how many are equal.
//!
//! Distinct values stand in chunks of ascending ranges, unordered inside a chunk. A chunk that is full is cut at its
//! median, so that each but the first has half its places filled by values of the partition, and the chunks hold
//! 65,535 distinct values at least. Beyond that the largest share one value, never a negative one.

mod carry;

use crate::error::{Error, ErrorKind, Result};

/// Values of a chunk.
const CHUNK: usize = 64;
/// Chunks at most: with half of each in use, 65,536 values.
const CHUNKS: usize = 2_048;

/// Distinct values with their counts.
#[derive(Clone, Copy, Debug)]
struct Chunk {
    values: [i64; CHUNK],
    /// 0 beyond `used`, and for values that have all gone.
    counts: [i64; CHUNK],
    used: usize,
}

const EMPTY: Chunk = Chunk { values: [0; CHUNK], counts: [0; CHUNK], used: 0 };

/// The values of a window with their counts.
#[derive(Debug)]
pub(crate) struct Ranks {
    /// Memory of the chunks.
    chunks: Vec<Chunk>,
    /// In ascending order: the smallest value that belongs to a chunk, its place, and the sum of its counts.
    lowest: Vec<i64>,
    place: Vec<u32>,
    total: Vec<i64>,
    /// Places that no chunk has.
    free: Vec<u32>,
    /// Values from here on are one.
    ceiling: i64,
}

impl Ranks {
    pub(crate) fn new() -> Self {
        let mut ranks = Self {
            chunks: vec![EMPTY; CHUNKS],
            lowest: Vec::with_capacity(CHUNKS),
            place: Vec::with_capacity(CHUNKS),
            total: Vec::with_capacity(CHUNKS),
            free: Vec::with_capacity(CHUNKS),
            ceiling: i64::MAX,
        };
        ranks.reset();
        ranks
    }

    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&self.chunks[..]) + 24 * CHUNKS
    }

    /// Starts a partition.
    pub(crate) fn reset(&mut self) {
        self.lowest.clear();
        self.place.clear();
        self.total.clear();
        self.free.clear();
        self.free.extend((1..CHUNKS as u32).rev());
        self.ceiling = i64::MAX;
        self.lowest.push(i64::MIN);
        self.place.push(0);
        self.total.push(0);
        self.chunks[0] = EMPTY;
    }

    /// The number of the chunk of a value.
    #[inline]
    fn find(&self, value: i64) -> usize {
        if self.lowest.len() == 1 { 0 } else { self.lowest.partition_point(|lowest| *lowest <= value) - 1 }
    }

    /// Adds one of a value.
    ///
    /// # Errors
    /// `Findings` when more negative values are told apart than fit.
    pub(crate) fn add(&mut self, value: i64) -> Result<()> {
        let value = value.min(self.ceiling);
        let mut at = self.find(value);
        let known = |chunk: &Chunk| chunk.values[..chunk.used].iter().position(|v| *v == value);
        let mut chunk = &mut self.chunks[self.place[at] as usize];
        let i = match known(chunk) {
            Some(i) => i,
            None => {
                if chunk.used == CHUNK {
                    at = self.make_room(at, value)?;
                    return self.add_at(at, value.min(self.ceiling));
                }
                chunk = &mut self.chunks[self.place[at] as usize];
                chunk.values[chunk.used] = value;
                chunk.used += 1;
                chunk.used - 1
            }
        };
        chunk.counts[i] += 1;
        self.total[at] += 1;
        Ok(())
    }

    /// Adds one of a value to its chunk, which has room.
    fn add_at(&mut self, at: usize, value: i64) -> Result<()> {
        let chunk = &mut self.chunks[self.place[at] as usize];
        let i = chunk.values[..chunk.used].iter().position(|v| *v == value).unwrap_or(chunk.used);
        if i == chunk.used {
            chunk.values[i] = value;
            chunk.counts[i] = 0;
            chunk.used += 1;
        }
        chunk.counts[i] += 1;
        self.total[at] += 1;
        Ok(())
    }

    /// Takes one of a value away that was added before.
    pub(crate) fn remove(&mut self, value: i64) {
        let value = value.min(self.ceiling);
        let at = self.find(value);
        let chunk = &mut self.chunks[self.place[at] as usize];
        if let Some(i) = chunk.values[..chunk.used].iter().position(|v| *v == value) {
            chunk.counts[i] -= 1;
            self.total[at] -= 1;
        }
    }

    /// How many values are smaller, and how many equal.
    pub(crate) fn rank(&self, value: i64) -> (i64, i64) {
        let value = value.min(self.ceiling);
        let at = self.find(value);
        let below: i64 = self.total[..at].iter().sum();
        let chunk = &self.chunks[self.place[at] as usize];
        // Whole fours, so that the loop has no rest; places beyond `used` count 0.
        let used = chunk.used.next_multiple_of(4).min(CHUNK);
        let (mut less, mut equal) = (0_i64, 0_i64);
        for (v, count) in chunk.values[..used].iter().zip(&chunk.counts[..used]) {
            less += if *v < value { *count } else { 0 };
            equal += if *v == value { *count } else { 0 };
        }
        (below + less, equal)
    }

    /// Makes room in a full chunk; returns the number of the chunk that `value` then belongs to.
    fn make_room(&mut self, at: usize, value: i64) -> Result<usize> {
        let chunk = &mut self.chunks[self.place[at] as usize];
        let mut used = 0;
        for i in 0..CHUNK {
            if chunk.counts[i] > 0 {
                (chunk.values[used], chunk.counts[used]) = (chunk.values[i], chunk.counts[i]);
                used += 1;
            }
        }
        chunk.used = used;
        chunk.counts[used..].fill(0);
        if used < CHUNK {
            return Ok(at);
        }
        if self.lowest.len() == CHUNKS {
            self.lower_ceiling()?;
            // The chunk may have become the last, of one value; else it is as full as before.
            let value = value.min(self.ceiling);
            let at = self.find(value);
            if self.chunks[self.place[at] as usize].used < CHUNK {
                return Ok(at);
            }
            return Ok(self.split(at, value));
        }
        Ok(self.split(at, value))
    }

    /// Cuts a full chunk at its median.
    fn split(&mut self, at: usize, value: i64) -> usize {
        let from = self.place[at] as usize;
        let mut order: [(i64, i64); CHUNK] = [(0, 0); CHUNK];
        for (i, item) in order.iter_mut().enumerate() {
            *item = (self.chunks[from].values[i], self.chunks[from].counts[i]);
        }
        order.sort_unstable();
        let to = self.free.pop().unwrap_or(0);
        let (low, high) = order.split_at(CHUNK / 2);
        let total = self.fill(from, low);
        let total_high = self.fill(to as usize, high);
        self.total[at] = total;
        self.lowest.insert(at + 1, high[0].0);
        self.place.insert(at + 1, to);
        self.total.insert(at + 1, total_high);
        if value >= high[0].0 { at + 1 } else { at }
    }

    fn fill(&mut self, place: usize, items: &[(i64, i64)]) -> i64 {
        let chunk = &mut self.chunks[place];
        *chunk = EMPTY;
        for (value, count) in items {
            chunk.values[chunk.used] = *value;
            chunk.counts[chunk.used] = *count;
            chunk.used += 1;
        }
        items.iter().map(|(_, count)| count).sum()
    }

    /// Makes the values of the last two chunks one.
    fn lower_ceiling(&mut self) -> Result<()> {
        let last = self.lowest.len() - 1;
        let ceiling = self.lowest[last - 1];
        if ceiling < 0 {
            let what = "a window of spread_percentile holds over 65,535 different negative spreads".to_owned();
            return Err(Error::new(ErrorKind::Findings { what }));
        }
        let total = self.total[last] + self.total[last - 1];
        self.lowest.pop();
        self.free.extend(self.place.pop());
        self.total.pop();
        let place = self.place[last - 1] as usize;
        self.chunks[place] = EMPTY;
        self.chunks[place].values[0] = ceiling;
        self.chunks[place].counts[0] = total;
        self.chunks[place].used = 1;
        self.total[last - 1] = total;
        self.ceiling = ceiling;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, VecDeque};

    use super::*;

    fn random(state: &mut u64) -> u64 {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        *state
    }

    #[test]
    fn a_sliding_window_has_the_ranks_of_a_sorted_one() {
        for spread in [3_u64, 60, 900, 40_000] {
            let mut state = 88_172_645_463_325_252;
            let mut ranks = Ranks::new();
            let (mut window, mut sorted) = (VecDeque::new(), BTreeMap::<i64, i64>::new());
            for step in 0..4_000 {
                let value = (random(&mut state) % spread) as i64 - 20;
                ranks.add(value).unwrap();
                window.push_back(value);
                *sorted.entry(value).or_default() += 1;
                while window.len() as u64 > 1 + (step / 7) % 1_500 {
                    let gone = window.pop_front().unwrap();
                    ranks.remove(gone);
                    *sorted.get_mut(&gone).unwrap() -= 1;
                }
                let less: i64 = sorted.range(..value).map(|(_, n)| n).sum();
                assert_eq!(ranks.rank(value), (less, sorted[&value]), "{spread} {step}");
            }
        }
    }

    #[test]
    fn beyond_its_room_only_the_largest_share_a_value() {
        let mut ranks = Ranks::new();
        let count = 200_000_i64;
        for value in 0..count {
            ranks.add((value * 7_919) % count - 10).unwrap();
        }
        assert!(ranks.ceiling > 65_535, "{}", ranks.ceiling);
        for value in [-10, -1, 0, 5, 1_000, 65_524, ranks.ceiling - 1] {
            assert_eq!(ranks.rank(value), (value + 10, 1));
        }
        let shared = ranks.rank(ranks.ceiling);
        assert_eq!(shared, (ranks.ceiling + 10, count - 10 - ranks.ceiling));
        for value in 0..count {
            ranks.remove(value - 10);
        }
        assert_eq!(ranks.rank(ranks.ceiling), (0, 0));
    }

    #[test]
    fn negative_values_are_never_merged() {
        let mut ranks = Ranks::new();
        let added = (1..200_000_i64).try_for_each(|value| ranks.add(-value * 3));
        assert!(added.unwrap_err().to_string().contains("negative"));
    }
}
