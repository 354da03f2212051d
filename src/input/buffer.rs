//! A byte buffer that is made of zeros once: what is read into it needs no clearing before.

use std::ops::{Deref, RangeTo};

/// Bytes in front, room behind them. The room keeps whatever was there; it is never handed out.
#[derive(Clone, Debug, Default)]
pub struct Buffer {
    room: Vec<u8>,
    filled: usize,
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.room[..self.filled]
    }
}

impl Buffer {
    /// Forgets the bytes.
    pub fn clear(&mut self) {
        self.filled = 0;
    }

    /// Keeps the first `length` bytes.
    pub(super) fn truncate(&mut self, length: usize) {
        self.filled = self.filled.min(length);
    }

    /// Room for `most` bytes behind those that are there.
    pub(super) fn space(&mut self, most: usize) -> &mut [u8] {
        let end = self.filled + most;
        if self.room.len() < end {
            self.room.reserve_exact(end - self.room.len());
            self.room.resize(end, 0);
        }
        &mut self.room[self.filled..end]
    }

    /// The first `count` bytes of the room are filled.
    pub(super) fn advance(&mut self, count: usize) {
        self.filled = (self.filled + count).min(self.room.len());
    }

    /// Appends bytes.
    pub fn extend_from_slice(&mut self, bytes: &[u8]) {
        self.space(bytes.len()).copy_from_slice(bytes);
        self.advance(bytes.len());
    }

    /// Takes bytes off the front.
    pub(super) fn drop_front(&mut self, range: RangeTo<usize>) {
        let count = range.end.min(self.filled);
        self.room.copy_within(count..self.filled, 0);
        self.filled -= count;
    }

    /// Gives back the room beyond `most` bytes; what is in front stays.
    pub fn shrink_to(&mut self, most: usize) {
        let length = most.max(self.filled);
        self.room.truncate(length);
        self.room.shrink_to(length);
    }

    /// Bytes that are held, room included.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.room.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_in_front_room_behind() {
        let mut buffer = Buffer::default();
        buffer.extend_from_slice(b"abcdef");
        buffer.drop_front(..2);
        assert_eq!(&*buffer, b"cdef");
        buffer.truncate(3);
        buffer.space(2)[..1].copy_from_slice(b"x");
        buffer.advance(1);
        assert_eq!(&*buffer, b"cdex");
        buffer.clear();
        assert!(buffer.is_empty() && buffer.capacity() >= 5);
        buffer.extend_from_slice(b"z");
        assert_eq!(&*buffer, b"z");
        buffer.shrink_to(0);
        assert_eq!((&*buffer, buffer.capacity()), (&b"z"[..], 1));
    }
}
