//! Files that are being written, seen by nobody: what a run publishes, and its scratch.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::Result;
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
}

impl Staged {
    /// Its path beneath the store.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
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
        Ok(Staged { file: self.storage.create(&path)?, path })
    }

    /// The same for a file that may be long and is not read soon: see [`Storage::create_long`].
    ///
    /// # Errors
    /// `Io`.
    pub fn stage_long(&self) -> Result<Staged> {
        let path = self.next_path();
        Ok(Staged { file: self.storage.create_long(&path)?, path })
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
        let Staged { file, path } = staged;
        drop(file);
        self.storage.remove_file(&path)
    }
}
