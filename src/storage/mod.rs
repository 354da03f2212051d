//! The seam to the operating system: everything hftcol writes, syncs, renames, lists, locks or maps goes through here.
//!
//! A [`Storage`] is a folder. Paths are relative to it, never contain `..` or a link, and are opened beneath it, so nothing
//! outside can be touched ([`OsStorage`]). Tests inject faults by wrapping it ([`FaultStorage`]) and cut the power of one
//! that remembers what was synced ([`MemoryStorage`]).

mod beneath;
mod confine;
mod direct;
mod fault;
mod file;
mod map;
mod os;
mod scratch;
#[cfg(feature = "cli")]
mod sigbus;
mod simulated;

mod memory;

pub use memory::MemoryFile;

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, Result};

pub use confine::{Confined, Sandbox};
#[doc(hidden)]
pub use fault::{Fault, FaultStorage};
pub use os::{IoMode, OsStorage};
pub use scratch::ScratchFile;
#[cfg(feature = "cli")]
pub use sigbus::guard_sigbus;
#[doc(hidden)]
pub use simulated::{Crash, MemoryStorage};

/// Bytes that can be read at any offset: a mapped file, an open file, or memory.
///
/// `read_at` copies: callers verify and decode the copy, so a file that changes underneath is a checksum error.
pub trait ReadAt: Send + Sync + fmt::Debug {
    /// Bytes in all, as seen when it was opened.
    fn len(&self) -> u64;
    /// Fills `out` from `offset`.
    ///
    /// # Errors
    /// `Io` when the bytes are not there or the system refuses.
    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<()>;
    /// True when there is nothing to read.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A file that is being written front to back. Each `write` is one system call: callers buffer.
pub trait WriteFile: io::Write + Send + fmt::Debug {
    /// Makes content and length durable (`fsync`). A failure is final for this file.
    ///
    /// # Errors
    /// `Io`.
    fn sync(&mut self) -> Result<()>;
    /// Makes the file read-only (0440), before the sync that seals it.
    ///
    /// # Errors
    /// `Io`.
    fn seal(&mut self) -> Result<()>;
}

/// What stands in a folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DirEntry {
    /// Name without its folder; names that are not UTF-8 are listed escaped and flagged `other`.
    pub name: String,
    /// Kind of entry.
    pub kind: EntryKind,
}

/// Kind of a directory entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A folder.
    Dir,
    /// A link, socket, device or a name that is not UTF-8: never followed, reported by `verify`.
    Other,
}

/// How a lock is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockMode {
    /// Alone, or not at all: `Locked` when anybody holds it.
    Exclusive,
    /// Together with other shared holders: `Locked` when somebody holds it exclusively.
    Shared,
    /// Alone, waiting for the holder; only for locks that are held for moments.
    Wait,
}

/// A held lock; dropping it, or the end of the process in any way, releases it.
pub trait HeldLock: Send + Sync + fmt::Debug {}

/// A folder and everything beneath it.
pub trait Storage: Send + Sync + fmt::Debug {
    /// Creates a new file for writing (`O_EXCL`).
    ///
    /// # Errors
    /// `Io`.
    fn create(&self, path: &Path) -> Result<Box<dyn WriteFile>>;
    /// The same for a file that may be long and is not read soon: it may go past the system's page cache, in pieces, so it must
    /// be sealed or synced before anybody reads it: a flush does not wait for the device. An error of a write may be told at a later write, at the
    /// flush or at the sync.
    ///
    /// # Errors
    /// `Io`.
    fn create_long(&self, path: &Path) -> Result<Box<dyn WriteFile>> {
        self.create(path)
    }
    /// Opens a file for appending, creating it if absent.
    ///
    /// # Errors
    /// `Io`.
    fn append(&self, path: &Path) -> Result<Box<dyn WriteFile>>;
    /// Creates a file that has no name when this returns: `path` is used for a moment.
    ///
    /// # Errors
    /// `Io`.
    fn scratch(&self, path: &Path) -> Result<Box<dyn ScratchFile>>;
    /// Opens a file for reading.
    ///
    /// # Errors
    /// `Io`.
    fn open(&self, path: &Path) -> Result<Arc<dyn ReadAt>>;
    /// Cuts a file to a length (only the ledger's torn tail is ever cut).
    ///
    /// # Errors
    /// `Io`.
    fn truncate(&self, path: &Path, len: u64) -> Result<()>;
    /// Renames within the folder, replacing the target.
    ///
    /// # Errors
    /// `Io`.
    fn rename(&self, from: &Path, to: &Path) -> Result<()>;
    /// Removes a file; absent is not an error.
    ///
    /// # Errors
    /// `Io`.
    fn remove_file(&self, path: &Path) -> Result<()>;
    /// Removes an empty folder; absent is not an error.
    ///
    /// # Errors
    /// `Io`.
    fn remove_dir(&self, path: &Path) -> Result<()>;
    /// Creates one folder level; true if it was made now.
    ///
    /// # Errors
    /// `Io`.
    fn create_dir(&self, path: &Path) -> Result<bool>;
    /// The same for a folder that only its owner may enter (0700).
    ///
    /// # Errors
    /// `Io`.
    fn create_private_dir(&self, path: &Path) -> Result<bool>;
    /// Makes the entries of a folder durable.
    ///
    /// # Errors
    /// `Io`.
    fn sync_dir(&self, path: &Path) -> Result<()>;
    /// [`Storage::sync_dir`] of each; may wait for them side by side.
    ///
    /// # Errors
    /// `Io`.
    fn sync_dirs(&self, paths: &[&Path]) -> Result<()> {
        paths.iter().try_for_each(|path| self.sync_dir(path))
    }
    /// [`WriteFile::sync`] of each; may wait for them side by side.
    ///
    /// # Errors
    /// `Io`: then none of them may be used.
    fn sync_files(&self, files: &mut [&mut dyn WriteFile]) -> Result<()> {
        files.iter_mut().try_for_each(|file| file.sync())
    }
    /// Makes everything beneath durable, contents and entries: one call for a batch too large to sync file by file.
    ///
    /// # Errors
    /// `Io`.
    fn sync_all(&self) -> Result<()>;
    /// Lists a folder, sorted by name; an absent folder is empty.
    ///
    /// # Errors
    /// `Io`.
    fn list(&self, path: &Path) -> Result<Vec<DirEntry>>;
    /// Takes a lock on a lock file (created if absent); an exclusive holder writes its pid into it.
    ///
    /// # Errors
    /// `Locked` with the holder's pid, `Io`.
    fn lock(&self, path: &Path, mode: LockMode) -> Result<Box<dyn HeldLock>>;
}

/// How many files a run may hold open at once: half of what the system allows the process, at most 256 and at least 16. The
/// other half is for what libraries and the user's shell opened.
#[must_use]
pub fn open_files() -> usize {
    let allowed = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    allowed.map_or(256, |allowed| usize::try_from(allowed / 2).unwrap_or(256)).clamp(16, 256)
}

/// Reads a whole file of at most `limit` bytes into memory; `None` if it is absent.
///
/// # Errors
/// `Io`; a longer file is `FileTooLarge`.
pub fn read_small(storage: &dyn Storage, path: &Path, limit: u64) -> Result<Option<Vec<u8>>> {
    let file = match storage.open(path) {
        Ok(file) => file,
        Err(e) if e.is_not_found() => return Ok(None),
        Err(e) => return Err(e),
    };
    if file.len() > limit {
        return Err(Error::io("read", path, io::ErrorKind::FileTooLarge.into()));
    }
    let len = usize::try_from(file.len()).map_err(|_| Error::io("read", path, io::ErrorKind::FileTooLarge.into()))?;
    let mut bytes = vec![0; len];
    file.read_at(0, &mut bytes)?;
    Ok(Some(bytes))
}
