//! Nameless files: written and read at any place, seen by nobody, gone with the process however it ends.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// A file without a name, for what does not fit in memory. Its content is not durable.
pub trait ScratchFile: Send + std::fmt::Debug {
    /// Writes all of `bytes` at `offset`.
    ///
    /// # Errors
    /// `Io`.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<()>;
    /// Fills `out` from `offset`.
    ///
    /// # Errors
    /// `Io`, also where nothing was written.
    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<()>;
    /// Gives the space of a range back where the file system can; its bytes are undefined then.
    fn forget(&mut self, offset: u64, length: u64);
}

/// A nameless file of the real file system.
#[derive(Debug)]
pub(super) struct OsScratch {
    file: File,
    path: PathBuf,
}

impl OsScratch {
    pub(super) fn new(file: File, path: &Path) -> Self {
        Self { file, path: path.to_owned() }
    }
}

impl ScratchFile for OsScratch {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<()> {
        self.file.write_all_at(bytes, offset).map_err(|e| Error::io("write", &self.path, e))
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        self.file.read_exact_at(out, offset).map_err(|e| Error::io("read", &self.path, e))
    }

    #[cfg(target_os = "linux")]
    fn forget(&mut self, offset: u64, length: u64) {
        use rustix::fs::FallocateFlags;

        // A file system that cannot do it keeps the space until the end.
        let _ =
            rustix::fs::fallocate(&self.file, FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, offset, length);
    }

    #[cfg(not(target_os = "linux"))]
    fn forget(&mut self, _offset: u64, _length: u64) {}
}

/// One of a storage in memory.
#[derive(Debug, Default)]
pub(super) struct MemoryScratch {
    bytes: Vec<u8>,
}

impl ScratchFile for MemoryScratch {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<()> {
        let at = usize::try_from(offset).unwrap_or(usize::MAX - bytes.len());
        self.bytes.resize(self.bytes.len().max(at + bytes.len()), 0);
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
        Ok(())
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        let at = usize::try_from(offset).unwrap_or(usize::MAX);
        let found = at.checked_add(out.len()).and_then(|end| self.bytes.get(at..end));
        let missing = || Error::io("read", "scratch", std::io::ErrorKind::UnexpectedEof.into());
        out.copy_from_slice(found.ok_or_else(missing)?);
        Ok(())
    }

    fn forget(&mut self, _offset: u64, _length: u64) {}
}
