//! Arrays that begin at a cache line: a vector of a kernel that runs over one then never lies in two lines.

use std::ops::{Deref, DerefMut};

/// Bytes of a cache line.
const LINE: usize = 64;

/// A fixed number of values.
#[derive(Debug)]
pub(crate) struct Aligned<T> {
    memory: Vec<T>,
    start: usize,
    len: usize,
}

impl<T: Copy> Aligned<T> {
    /// `len` times `value`.
    pub(crate) fn new(value: T, len: usize) -> Self {
        let room = LINE / size_of::<T>().max(1);
        let memory = vec![value; len + room];
        let start = memory.as_ptr().align_offset(LINE).min(room);
        Self { memory, start, len }
    }
}

impl<T> Deref for Aligned<T> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        &self.memory[self.start..][..self.len]
    }
}

impl<T> DerefMut for Aligned<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.memory[self.start..][..self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_value_begins_a_line() {
        for len in [0, 1, 7, 100, 100_000] {
            let array = Aligned::new(1_u64, len);
            assert_eq!((array.len(), array.as_ptr().align_offset(LINE)), (len, 0));
            assert!(array.iter().all(|word| *word == 1));
        }
    }
}
