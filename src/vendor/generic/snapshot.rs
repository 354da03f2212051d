//! The levels of one snapshot, put in their places.

use std::cmp::Ordering;

use crate::normalize::{Fault, SCALE_NULL, keep_existing_levels};
use crate::units::Decimal;

/// Price and size of a record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Level {
    pub is_ask: bool,
    /// From 0, the best; missing where the source has no numbers.
    pub number: Option<u16>,
    /// Mantissas of price and size.
    pub values: [i64; 2],
    pub scales: [u8; 2],
}

/// The levels of both sides; its buffers are used again.
#[derive(Debug, Default)]
pub(super) struct Snapshot {
    /// In the order of the records.
    levels: Vec<Level>,
    /// Levels beyond those kept.
    cut: u64,
}

impl Snapshot {
    pub(super) fn clear(&mut self) {
        self.levels.clear();
        self.cut = 0;
    }

    /// Levels beyond those kept, known once it is written.
    pub(super) fn cut(&self) -> u64 {
        self.cut
    }

    /// Adds a level; one beyond those kept is only counted.
    ///
    /// # Errors
    /// The side has this number already.
    pub(super) fn add(&mut self, mut level: Level, kept: usize) -> Result<(), Fault> {
        keep_existing_levels(&mut level.values, &mut level.scales);
        match level.number {
            Some(number) if usize::from(number) >= kept => self.cut += 1,
            Some(number) => {
                if self.levels.iter().any(|l| l.is_ask == level.is_ask && l.number == Some(number)) {
                    return Err(Fault::new("level", "one record for each side and level"));
                }
                self.levels.push(level);
            }
            // Without a number a level that does not exist has no place.
            None if level.scales == [SCALE_NULL; 2] => {}
            None => self.levels.push(level),
        }
        Ok(())
    }

    /// Appends the row to a batch's decimals and gives the levels of its deeper side.
    pub(super) fn write(&mut self, kept: usize, decimals: &mut Vec<i64>, scales: &mut Vec<u8>) -> usize {
        let base = decimals.len();
        self.levels.sort_by(|a, b| (a.is_ask, a.number).cmp(&(b.is_ask, b.number)).then_with(|| best_first(a, b)));
        let (mut deepest, mut place, mut side) = (0, 0, false);
        for level in &self.levels {
            if level.is_ask != side {
                (place, side) = (0, true);
            }
            let at = level.number.map_or(place, usize::from);
            place += 1;
            if at >= kept {
                self.cut += 1;
                continue;
            }
            deepest = deepest.max(at + 1);
            let slot = base + 4 * at + 2 * usize::from(level.is_ask);
            if decimals.len() < base + 4 * deepest {
                decimals.resize(base + 4 * deepest, 0);
                scales.resize(base + 4 * deepest, SCALE_NULL);
            }
            decimals[slot..slot + 2].copy_from_slice(&level.values);
            scales[slot..slot + 2].copy_from_slice(&level.scales);
        }
        deepest
    }
}

/// Bids fall, asks rise; equal prices stay in the order of the records.
fn best_first(a: &Level, b: &Level) -> Ordering {
    if a.number.is_some() {
        return Ordering::Equal;
    }
    let price = |l: &Level| Decimal { mantissa: l.values[0], scale: l.scales[0] };
    let (a_price, b_price) = (price(a), price(b));
    // At most 18 digits and 12 decimals: the products fit.
    let wide = |d: Decimal, other: Decimal| i128::from(d.mantissa) * 10_i128.pow(u32::from(other.scale.min(12)));
    let order = wide(a_price, b_price).cmp(&wide(b_price, a_price));
    if a.is_ask { order } else { order.reverse() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(is_ask: bool, number: Option<u16>, price: (i64, u8), size: i64) -> Level {
        Level { is_ask, number, values: [price.0, size], scales: [price.1, 0] }
    }

    fn row(levels: &[Level], kept: usize) -> (Vec<i64>, u64) {
        let (mut snapshot, mut decimals, mut scales) = (Snapshot::default(), Vec::new(), Vec::new());
        for level in levels {
            snapshot.add(*level, kept).unwrap();
        }
        snapshot.write(kept, &mut decimals, &mut scales);
        let shown = decimals.iter().zip(&scales).map(|(d, s)| if *s == SCALE_NULL { -1 } else { *d });
        (shown.collect(), snapshot.cut())
    }

    #[test]
    fn levels_are_ordered_by_exact_price() {
        // 9.95, 10, 9.9 bid; 10.01, 10.1 ask; a level without size.
        let levels = [
            level(false, None, (995, 2), 1),
            level(true, None, (101, 1), 2),
            level(false, None, (10, 0), 3),
            level(false, None, (99, 1), 4),
            level(true, None, (1001, 2), 5),
            level(true, None, (1, 0), 0),
        ];
        assert_eq!(row(&levels, 5), (vec![10, 3, 1001, 5, 995, 1, 101, 2, 99, 4, -1, -1], 0));
        assert_eq!(row(&levels, 1), (vec![10, 3, 1001, 5], 3));
    }

    #[test]
    fn numbers_are_places() {
        let levels =
            [level(true, Some(2), (7, 0), 1), level(false, Some(0), (5, 0), 1), level(false, Some(9), (4, 0), 1)];
        assert_eq!(row(&levels, 4), (vec![5, 1, -1, -1, -1, -1, -1, -1, -1, -1, 7, 1], 1));
        let mut twice = Snapshot::default();
        twice.add(levels[0], 4).unwrap();
        assert!(twice.add(levels[0], 4).is_err());
    }
}
