//! Changes kept while a book waits for a snapshot that was asked for: those that the snapshot lacks are applied after it.

use std::collections::VecDeque;

use crate::limits;
use crate::units::Side;

/// A change that waits, with the numbers of its message; the first of each message is of no side and says that it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Waiting {
    pub(super) sequence: u64,
    pub(super) prev: Option<u64>,
    pub(super) side: Side,
    pub(super) price: i64,
    pub(super) size: i64,
}

/// The last changes, whole messages only.
#[derive(Clone, Debug, Default)]
pub(super) struct Backlog {
    changes: VecDeque<Waiting>,
    /// The message that was left out because it has no room by itself.
    too_long: Option<u64>,
}

impl Backlog {
    /// Takes a change; when there is no room, the oldest message goes whole, so that what is left never misses a part.
    #[inline]
    pub(super) fn push(&mut self, change: Waiting) {
        if self.too_long == Some(change.sequence) {
            return;
        }
        if self.changes.len() >= limits::BOOK_BACKLOG
            && let Some(oldest) = self.changes.front().map(|c| c.sequence)
        {
            while self.changes.front().is_some_and(|c| c.sequence == oldest) {
                self.changes.pop_front();
            }
            if oldest == change.sequence {
                self.too_long = Some(oldest);
                return;
            }
        }
        self.changes.push_back(change);
    }

    pub(super) fn clear(&mut self) {
        self.changes.clear();
        self.too_long = None;
    }

    /// The changes in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Waiting> {
        self.changes.iter()
    }

    pub(super) fn bytes(&self) -> usize {
        self.changes.capacity() * size_of::<Waiting>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(sequence: u64, price: i64) -> Waiting {
        Waiting { sequence, prev: None, side: Side::Buy, price, size: 1 }
    }

    #[test]
    fn the_oldest_message_goes_whole() {
        let mut backlog = Backlog::default();
        for price in 0..3 {
            backlog.push(change(1, price));
        }
        for n in 0..limits::BOOK_BACKLOG as i64 - 2 {
            backlog.push(change(2 + n.unsigned_abs(), n));
        }
        assert_eq!(backlog.iter().next().map(|c| c.sequence), Some(2));
        assert_eq!(backlog.iter().count(), limits::BOOK_BACKLOG - 2);
    }

    #[test]
    fn a_message_that_has_no_room_is_not_kept_in_part() {
        let mut backlog = Backlog::default();
        for price in 0..limits::BOOK_BACKLOG as i64 {
            backlog.push(change(7, price));
        }
        assert_eq!(backlog.iter().count(), limits::BOOK_BACKLOG);
        for price in 0..5 {
            backlog.push(change(7, price));
        }
        assert_eq!(backlog.iter().count(), 0);
        backlog.push(change(8, 1));
        assert_eq!(backlog.iter().count(), 1);
    }
}
