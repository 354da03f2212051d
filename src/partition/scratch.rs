//! Scratch files: made in the store's staging folder, read back with checks, removed when they are done with.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use crate::error::{Error, Result};
use crate::storage::{ReadAt, Storage, WriteFile};

/// Where scratch files go, shared by all threads of a run.
#[derive(Clone, Debug)]
pub struct Scratch {
    place: Arc<OnceLock<Option<Place>>>,
    next: Arc<AtomicU64>,
}

#[derive(Debug)]
struct Place {
    storage: Arc<dyn Storage>,
    prefix: PathBuf,
}

/// Says where the scratch files of a [`Scratch::later`] go, or that there is no such place: when it is dropped.
#[derive(Debug)]
pub struct Opener(Arc<OnceLock<Option<Place>>>);

impl Opener {
    /// The scratch files are named `<prefix><number>` in this storage.
    pub fn open(&self, storage: Arc<dyn Storage>, prefix: impl Into<PathBuf>) {
        let _ = self.0.set(Some(Place { storage, prefix: prefix.into() }));
    }
}

impl Drop for Opener {
    fn drop(&mut self) {
        let _ = self.0.set(None);
    }
}

impl Scratch {
    /// Scratch files named `<prefix><number>` in a storage; `prefix` is unique to this run.
    #[must_use]
    pub fn new(storage: Arc<dyn Storage>, prefix: impl Into<PathBuf>) -> Self {
        let (scratch, opener) = Self::later();
        opener.open(storage, prefix);
        scratch
    }

    /// Scratch files whose place is told later: who needs one before that waits for it.
    #[must_use]
    pub fn later() -> (Self, Opener) {
        let place = Arc::new(OnceLock::new());
        (Self { place: Arc::clone(&place), next: Arc::new(AtomicU64::new(0)) }, Opener(place))
    }

    /// True once it is known that there is no place.
    #[must_use]
    pub fn is_nowhere(&self) -> bool {
        matches!(self.place.get(), Some(None))
    }

    fn place(&self) -> Result<&Place> {
        let missing = || Error::io("create", "scratch file", std::io::Error::other("the store was not opened"));
        self.place.wait().as_ref().ok_or_else(missing)
    }

    /// Creates the next file.
    ///
    /// # Errors
    /// `Io`.
    pub fn create(&self) -> Result<(PathBuf, Box<dyn WriteFile>)> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let place = self.place()?;
        let mut name = place.prefix.clone().into_os_string();
        name.push(number.to_string());
        let path = PathBuf::from(name);
        let file = place.storage.create(&path)?;
        Ok((path, file))
    }

    /// Files made so far.
    #[must_use]
    pub fn created(&self) -> u64 {
        self.next.load(Ordering::Relaxed)
    }

    pub(crate) fn open(&self, path: &Path) -> Result<Arc<dyn ReadAt>> {
        self.place()?.storage.open(path)
    }

    pub(crate) fn remove(&self, path: &Path) -> Result<()> {
        self.place()?.storage.remove_file(path)
    }
}
