//! What the simulated disk hands out: a file being written, a file being read, a held lock.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use super::disk::{Disk, Node};
use crate::error::Result;
use crate::storage::file::check_range;
use crate::storage::{HeldLock, ReadAt, WriteFile};

#[derive(Debug)]
pub(super) struct MemoryFile {
    pub(super) disk: Arc<Mutex<Disk>>,
    pub(super) id: usize,
}

impl io::Write for MemoryFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut disk = self.disk.lock().map_err(|_| io::Error::other("poisoned"))?;
        disk.bytes(self.id)?.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl WriteFile for MemoryFile {
    fn sync(&mut self) -> Result<()> {
        let mut disk = self.disk.lock().unwrap_or_else(PoisonError::into_inner);
        if let Node::File { now, durable } = &mut disk.nodes[self.id] {
            durable.clone_from(now);
        }
        Ok(())
    }

    fn seal(&mut self) -> Result<()> {
        Ok(())
    }
}

#[derive(Debug)]
pub(super) struct MemoryReader {
    pub(super) bytes: Vec<u8>,
    pub(super) path: PathBuf,
}

impl ReadAt for MemoryReader {
    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        check_range(self.len(), offset, out.len(), &self.path)?;
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        out.copy_from_slice(&self.bytes[start..start + out.len()]);
        Ok(())
    }
}

#[derive(Debug)]
pub(super) struct MemoryLock {
    pub(super) disk: Arc<Mutex<Disk>>,
    pub(super) id: usize,
}

impl HeldLock for MemoryLock {}

impl Drop for MemoryLock {
    fn drop(&mut self) {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner).locked.remove(&self.id);
    }
}
