//! Files that are being written, seen by nobody: what a run publishes, and its scratch.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};
use crate::storage::{ReadAt, ScratchFile, Storage, WriteFile};
use crate::store::{Store, identity, layout};

/// Hands out the staging files of a run. Clones share the run's names, so that threads can stage while another publishes.
#[derive(Clone, Debug)]
pub struct Stager {
    pub(super) storage: Arc<dyn Storage>,
    pub(super) folder: PathBuf,
    pub(super) names: Arc<AtomicU64>,
    pub(super) prefix: u64,
}

/// A file in staging: write it, then hand it to `Publisher::publish`. Each `write` is one system call, so write through
/// a buffer.
#[derive(Debug)]
pub struct Staged {
    /// The open file.
    pub file: Box<dyn WriteFile>,
    pub(super) path: PathBuf,
    /// Complete, read-only, and no descriptor held: only a sync of the whole file system makes it durable.
    pub(super) is_closed: bool,
}

impl Staged {
    /// Its path beneath the store.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Completes the file and gives its descriptor back: for batches so large that they are synced by one call.
    ///
    /// # Errors
    /// `Io`: then the file may not be used.
    pub fn close(&mut self) -> Result<()> {
        self.seal()?;
        self.file = Box::new(Closed);
        self.is_closed = true;
        Ok(())
    }

    /// Makes the file complete and read-only; the sync comes after.
    pub(super) fn seal(&mut self) -> Result<()> {
        if self.is_closed {
            return Ok(());
        }
        self.file.flush().map_err(|e| Error::io("write", &self.path, e))?;
        self.file.seal()
    }
}

/// In place of a file that was closed.
#[derive(Debug)]
struct Closed;

impl Closed {
    fn refusal() -> io::Error {
        io::Error::other("the staged file was closed")
    }
}

impl io::Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(Self::refusal())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl WriteFile for Closed {
    fn sync(&mut self) -> Result<()> {
        Err(Error::io("fsync", "staged file", Self::refusal()))
    }

    fn seal(&mut self) -> Result<()> {
        Err(Error::io("chmod", "staged file", Self::refusal()))
    }
}

impl io::Write for Staged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Store {
    /// A nameless file in the store's file system, for what a run cannot hold in memory.
    ///
    /// # Errors
    /// `Io`.
    pub fn scratch(&self) -> Result<Box<dyn ScratchFile>> {
        self.storage.create_private_dir(Path::new(layout::STAGING))?;
        self.storage.scratch(&layout::staging(&format!("scratch-{:016x}", identity::random_u64())))
    }
}

impl Stager {
    /// Creates a file in the staging folder. Also for scratch files: what is not published is removed at the end.
    ///
    /// # Errors
    /// `Io`.
    pub fn stage(&self) -> Result<Staged> {
        let path = self.next_path();
        Ok(Staged { file: self.storage.create(&path)?, path, is_closed: false })
    }

    /// The same for a file that may be long and is not read soon: see [`Storage::create_long`].
    ///
    /// # Errors
    /// `Io`.
    pub fn stage_long(&self) -> Result<Staged> {
        let path = self.next_path();
        Ok(Staged { file: self.storage.create_long(&path)?, path, is_closed: false })
    }

    fn next_path(&self) -> PathBuf {
        let number = self.names.fetch_add(1, Ordering::Relaxed);
        self.folder.join(format!("{:016x}-{number:08x}", self.prefix))
    }

    /// Opens a staged file for reading: scratch files, and the check of what was just written.
    ///
    /// # Errors
    /// `Io`.
    pub fn open_staged(&self, staged: &Staged) -> Result<Arc<dyn ReadAt>> {
        self.storage.open(&staged.path)
    }

    /// Removes a staged file that is not wanted after all.
    ///
    /// # Errors
    /// `Io`.
    pub fn discard(&self, staged: Staged) -> Result<()> {
        let Staged { file, path, .. } = staged;
        drop(file);
        self.storage.remove_file(&path)
    }
}
