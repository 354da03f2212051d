//! A file mapped for reading: `read_at` copies out of the map, nothing else ever looks at it.
//!
//! What a concurrent change means: sealed files are read-only and replaced by rename, so nobody who keeps the rules writes
//! to a mapped file. Somebody who does not makes the copy a mixture of old and new bytes; the caller verifies the copy's
//! checksum and then decodes the same copy, so the mixture is an error and no decision is ever taken on bytes that can still
//! change. A file that was cut is seen as its old length: a page past its new end raises SIGBUS, which the binary turns into
//! a message and exit code 5 (`guard_sigbus`); `--io pread` has no such case.

use std::fs::File;
use std::path::{Path, PathBuf};

use memmap2::Mmap;

use super::ReadAt;
use super::file::check_range;
use crate::error::{Error, Result};

/// A mapped file; the descriptor is closed after mapping, so open files are not bounded by the descriptor limit.
#[derive(Debug)]
pub(super) struct MappedFile {
    map: Option<Mmap>,
    path: PathBuf,
    len: u64,
}

impl MappedFile {
    /// Maps `len` bytes, the file's length as the caller saw it.
    pub(super) fn new(file: &File, path: &Path, len: u64) -> Result<Self> {
        let map = if len == 0 { None } else { Some(map(file).map_err(|e| Error::io("mmap", path, e))?) };
        let mapped = map.as_ref().map_or(0, |m| m.len() as u64);
        Ok(Self { map, path: path.to_owned(), len: len.min(mapped) })
    }
}

#[allow(unsafe_code, reason = "mapping a file is the one thing here that the language cannot check")]
fn map(file: &File) -> std::io::Result<Mmap> {
    // SAFETY: the map is private to this module, read-only, and read only by the `copy_from_slice` below, within its length
    // (`check_range`). A process that changes the file meanwhile can only change which bytes are copied, and the copy is not
    // trusted before its checksum is verified.
    unsafe { Mmap::map(file) }
}

impl ReadAt for MappedFile {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        check_range(self.len, offset, out.len(), &self.path)?;
        if let (Some(map), Ok(start)) = (&self.map, usize::try_from(offset)) {
            out.copy_from_slice(&map[start..start + out.len()]);
        }
        Ok(())
    }
}
