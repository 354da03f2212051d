//! Scratch files: made in the store's staging folder, read back with checks, removed when they are done with.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::Result;
use crate::storage::{ReadAt, Storage, WriteFile};

/// Where scratch files go, shared by all threads of a run.
#[derive(Clone, Debug)]
pub struct Scratch {
    storage: Arc<dyn Storage>,
    prefix: PathBuf,
    next: Arc<AtomicU64>,
}

impl Scratch {
    /// Scratch files named `<prefix><number>` in a storage; `prefix` is unique to this run.
    #[must_use]
    pub fn new(storage: Arc<dyn Storage>, prefix: impl Into<PathBuf>) -> Self {
        Self { storage, prefix: prefix.into(), next: Arc::new(AtomicU64::new(0)) }
    }

    /// Creates the next file.
    ///
    /// # Errors
    /// `Io`.
    pub fn create(&self) -> Result<(PathBuf, Box<dyn WriteFile>)> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mut name = self.prefix.clone().into_os_string();
        name.push(number.to_string());
        let path = PathBuf::from(name);
        let file = self.storage.create(&path)?;
        Ok((path, file))
    }

    /// Files made so far.
    #[must_use]
    pub fn created(&self) -> u64 {
        self.next.load(Ordering::Relaxed)
    }

    pub(crate) fn open(&self, path: &Path) -> Result<Arc<dyn ReadAt>> {
        self.storage.open(path)
    }

    pub(crate) fn remove(&self, path: &Path) -> Result<()> {
        self.storage.remove_file(path)
    }
}
