//! The memory of pieces: made once, filled and written many times, and bounded for all the long files of a thread together.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Bytes of a piece.
pub(super) const PIECE: usize = 512 << 10;
/// Pieces that the long files of one thread have besides the one that each is filling: a block of a wide table comes all at once, and
/// a device pauses now and then for longer than a block takes.
pub(super) const PIECES: usize = 9;
/// Where a piece begins, in memory and in the file: what every device accepts.
pub(super) const ALIGN: usize = 4_096;

/// Memory of one piece.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) memory: Vec<u8>,
    start: usize,
    /// It goes back to the pool; the first one of a file stays with the file.
    is_pooled: bool,
}

/// The pieces that the long files of a thread have together, so that its memory does not grow with their number.
#[derive(Debug, Default)]
pub(super) struct Pool {
    free: Mutex<Vec<Piece>>,
    /// Pieces made, free or not.
    pub(super) made: AtomicUsize,
}

impl Pool {
    pub(super) fn free(&self) -> MutexGuard<'_, Vec<Piece>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A piece that is free, else a new one while there may be more.
    pub(super) fn take(&self) -> Option<Piece> {
        if let Some(piece) = self.free().pop() {
            return Some(piece);
        }
        let more = |count: usize| (count < PIECES).then_some(count + 1);
        let granted = self.made.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        granted.is_ok().then(|| Piece::new(true))
    }

    /// Takes a piece of its own back; returns one that is not.
    pub(super) fn take_back(&self, piece: Piece) -> Option<Piece> {
        if !piece.is_pooled {
            return Some(piece);
        }
        self.free().push(piece);
        None
    }
}

impl Piece {
    pub(super) fn none() -> Self {
        Self { memory: Vec::new(), start: 0, is_pooled: false }
    }

    pub(super) fn new(is_pooled: bool) -> Self {
        let memory = vec![0; PIECE + ALIGN];
        let start = memory.as_ptr().align_offset(ALIGN).min(ALIGN);
        Self { memory, start, is_pooled }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.memory[self.start..self.start + PIECE]
    }

    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.memory[self.start..self.start + PIECE]
    }
}
