//! Nameless files that are used again: the file system has given them their space, and writing there a second time costs a tenth.

use std::sync::{Arc, Mutex, PoisonError};

use crate::error::Result;
use crate::storage::ScratchFile;

/// Files that nobody uses now, each with the bytes that were written to it.
#[derive(Clone, Debug, Default)]
pub struct ScratchPool(Arc<Mutex<Vec<(u64, Box<dyn ScratchFile>)>>>);

impl ScratchPool {
    /// The longest file of the pool, or a new one; it comes back when it is dropped. What is in it is undefined.
    ///
    /// # Errors
    /// As `make`.
    pub fn take(&self, make: &dyn Fn() -> Result<Box<dyn ScratchFile>>) -> Result<Box<dyn ScratchFile>> {
        let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        free.sort_by_key(|(length, _)| *length);
        let longest = free.pop();
        drop(free);
        let (length, file) = match longest {
            Some(longest) => longest,
            None => (0, make()?),
        };
        Ok(Box::new(Pooled { length, file: Some(file), pool: self.clone() }))
    }
}

/// A file of a pool, in use.
#[derive(Debug)]
struct Pooled {
    length: u64,
    /// There until it is dropped.
    file: Option<Box<dyn ScratchFile>>,
    pool: ScratchPool,
}

impl ScratchFile for Pooled {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<()> {
        self.length = self.length.max(offset + bytes.len() as u64);
        self.file.as_mut().map_or(Ok(()), |file| file.write_at(offset, bytes))
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        self.file.as_ref().map_or(Ok(()), |file| file.read_at(offset, out))
    }

    fn forget(&mut self, offset: u64, length: u64) {
        if let Some(file) = &mut self.file {
            file.forget(offset, length);
        }
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        if let Some(file) = self.file.take() {
            self.pool.0.lock().unwrap_or_else(PoisonError::into_inner).push((self.length, file));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::path::Path;

    use super::*;
    use crate::storage::{MemoryStorage, Storage};

    #[test]
    fn the_longest_file_is_used_again() {
        let (pool, made) = (ScratchPool::default(), Cell::new(0));
        let make = || {
            made.set(made.get() + 1);
            MemoryStorage::new().scratch(Path::new("scratch"))
        };
        let (mut a, mut b) = (pool.take(&make).unwrap(), pool.take(&make).unwrap());
        a.write_at(0, b"long one").unwrap();
        b.write_at(0, b"short").unwrap();
        drop((a, b));
        let again = pool.take(&make).unwrap();
        let mut bytes = [0; 8];
        again.read_at(0, &mut bytes).unwrap();
        assert_eq!((&bytes, made.get()), (b"long one", 2));
        let (_short, _new) = (pool.take(&make).unwrap(), pool.take(&make).unwrap());
        assert_eq!(made.get(), 3);
    }
}
