//! Executions of one side that wait for an insert at their price or better.

use crate::error::{Error, ErrorKind, Result};
use crate::limits;

/// Executions of one price in one bucket.
#[derive(Clone, Copy, Debug)]
struct Wait {
    /// The price so that better ones are larger.
    key: i64,
    bucket: u32,
    count: u32,
    /// Sum of their clocks.
    clocks: i128,
}

/// The waiting executions, the worst price last: an insert meets the last ones, and executions come best price first, so that
/// nearly all happens at the end.
#[derive(Debug, Default)]
pub(crate) struct Waits {
    waits: Vec<Wait>,
}

impl Waits {
    /// An execution at a price.
    ///
    /// # Errors
    /// `Findings` when more wait than orders may live.
    pub(crate) fn push(&mut self, key: i64, bucket: u32, clock: i64) -> Result<()> {
        let at = self.waits.partition_point(|wait| wait.key > key);
        let same = self.waits.get_mut(at..).unwrap_or_default();
        let known = same.iter_mut().take_while(|wait| wait.key == key).find(|wait| wait.bucket == bucket);
        if let Some(wait) = known.filter(|wait| wait.count < u32::MAX) {
            wait.count += 1;
            wait.clocks += i128::from(clock);
            return Ok(());
        }
        if self.waits.len() >= limits::BOOK_ORDERS {
            let what = format!("more than {} executions of a side wait for a new order", limits::BOOK_ORDERS);
            return Err(Error::new(ErrorKind::Findings { what }));
        }
        self.waits.insert(at, Wait { key, bucket, count: 1, clocks: i128::from(clock) });
        Ok(())
    }

    /// An insert at a price: `met` gets bucket, number and summed waiting time of the executions that it replaces.
    #[inline]
    pub(crate) fn meet(&mut self, key: i64, clock: i64, mut met: impl FnMut(u32, u64, i128)) {
        while let Some(wait) = self.waits.last().copied().filter(|wait| wait.key <= key) {
            met(wait.bucket, u64::from(wait.count), i128::from(clock) * i128::from(wait.count) - wait.clocks);
            self.waits.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_insert_meets_all_at_its_price_or_worse() {
        let mut waits = Waits::default();
        for (key, bucket, clock) in [(10, 1, 100), (9, 1, 110), (10, 1, 120), (10, 2, 130), (12, 2, 140)] {
            waits.push(key, bucket, clock).unwrap();
        }
        let meet = |waits: &mut Waits, key| {
            let mut met = Vec::new();
            waits.meet(key, 200, |bucket, count, ns| met.push((bucket, count, ns)));
            met.sort_unstable();
            met
        };
        assert_eq!(meet(&mut waits, 8), []);
        assert_eq!(meet(&mut waits, 10), [(1, 1, 90), (1, 2, 180), (2, 1, 70)]);
        assert_eq!(meet(&mut waits, 11), []);
        assert_eq!(meet(&mut waits, 12), [(2, 1, 60)]);
    }
}
