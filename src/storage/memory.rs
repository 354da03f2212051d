//! A file in memory, for tests, vectors and tools that have the bytes already.

use std::io;

use super::ReadAt;
use crate::error::{Error, Result};

/// Bytes that are read like a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryFile(pub Vec<u8>);

impl ReadAt for MemoryFile {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        let start = usize::try_from(offset).ok();
        let part = start.and_then(|start| self.0.get(start..start.checked_add(out.len())?));
        let Some(part) = part else {
            return Err(Error::io("read", "memory", io::ErrorKind::UnexpectedEof.into()));
        };
        out.copy_from_slice(part);
        Ok(())
    }
}
