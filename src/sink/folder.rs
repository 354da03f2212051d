//! `--out`: a plain folder in Hive layout, `<out>/<table>/venue=.../security=.../date=.../part-0.<extension>`.
//!
//! Files are made in `.hftcol-staging`, synced, and renamed into place, so that a reader of the folder sees whole files
//! only. One writer at a time holds the lock there, or several shards of one run share it; what a killed run left behind is
//! removed by the next.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::{ScratchPool, Stage};
use crate::error::Result;
use crate::schema::PartitionKey;
use crate::storage::{HeldLock, LockMode, ReadAt, ScratchFile, Storage, WriteFile};
use crate::store::{NameKind, escape};

/// The staging folder beneath the output folder.
const STAGING: &str = ".hftcol-staging";
/// Its lock.
const LOCK: &str = "lock";

/// Where the one file of a table stands, relative to the folder.
#[must_use]
pub fn hive_path(table: &str, key: &PartitionKey, extension: &str) -> PathBuf {
    Path::new(table)
        .join(format!("venue={}", escape(NameKind::Venue, &key.venue)))
        .join(format!("security={}", escape(NameKind::Security, &key.security)))
        .join(format!("date={}", key.date))
        .join(format!("part-0.{extension}"))
}

/// An output folder that we hold the lock of.
#[derive(Debug)]
pub struct Folder {
    storage: Arc<dyn Storage>,
    next: AtomicU64,
    /// What the names of our files in staging begin with.
    prefix: String,
    /// Folders whose entries this run has made durable.
    durable: Mutex<BTreeSet<PathBuf>>,
    pool: ScratchPool,
    _locks: Vec<Box<dyn HeldLock>>,
}

/// A file being written beneath the folder.
#[derive(Debug)]
pub struct FolderFile {
    file: Box<dyn WriteFile>,
    name: PathBuf,
}

impl Write for FolderFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Folder {
    /// Takes the folder's lock and clears its staging.
    ///
    /// # Errors
    /// `Locked`, `Io`.
    pub fn begin(storage: Arc<dyn Storage>) -> Result<Self> {
        let staging = Path::new(STAGING);
        storage.create_dir(staging)?;
        let lock = storage.lock(&staging.join(LOCK), LockMode::Exclusive)?;
        let folder = Self {
            storage,
            next: AtomicU64::new(0),
            prefix: String::new(),
            durable: Mutex::default(),
            pool: ScratchPool::default(),
            _locks: vec![lock],
        };
        folder.clear()?;
        Ok(folder)
    }

    /// Takes the place of shard `index` of `count`: the folder's lock is shared, the shard's is its own.
    ///
    /// # Errors
    /// As [`Folder::begin`].
    pub fn begin_shard(storage: Arc<dyn Storage>, index: u32, count: u32) -> Result<Self> {
        let staging = Path::new(STAGING);
        storage.create_dir(staging)?;
        let shared = storage.lock(&staging.join(LOCK), LockMode::Shared)?;
        let own = storage.lock(&staging.join(format!("{LOCK}.{index}.{count}")), LockMode::Exclusive)?;
        let prefix = format!("{index}.{count}-");
        let folder = Self {
            storage,
            next: AtomicU64::new(0),
            prefix,
            durable: Mutex::default(),
            pool: ScratchPool::default(),
            _locks: vec![own, shared],
        };
        folder.clear()?;
        Ok(folder)
    }

    /// The storage beneath.
    #[must_use]
    pub fn storage(&self) -> &Arc<dyn Storage> {
        &self.storage
    }

    /// Syncs a batch of files and moves each to its place (paths relative to the folder, `/` between levels). When it
    /// returns, all are durable.
    ///
    /// # Errors
    /// `Io`; a failed sync is final for its file.
    pub fn publish(&self, batch: Vec<(PathBuf, FolderFile)>) -> Result<()> {
        let mut folders: Vec<PathBuf> = Vec::new();
        for (target, mut staged) in batch {
            staged.file.seal()?;
            staged.file.sync()?;
            let parent = target.parent().unwrap_or(Path::new("")).to_owned();
            self.make_folders(&parent)?;
            self.storage.rename(&staged.name, &target)?;
            folders.push(parent);
        }
        folders.sort();
        folders.dedup();
        folders.iter().try_for_each(|folder| self.storage.sync_dir(folder))
    }

    /// Creates what is missing of a path and makes the entry of each folder durable in its parent, once a run: a folder that
    /// is there may have been made by a run that failed before its sync.
    fn make_folders(&self, path: &Path) -> Result<()> {
        let mut durable = self.durable.lock().unwrap_or_else(PoisonError::into_inner);
        let mut parent = PathBuf::new();
        for part in path.iter() {
            let child = parent.join(part);
            if !durable.contains(&child) {
                self.storage.create_dir(&child)?;
                self.storage.sync_dir(&parent)?;
                durable.insert(child.clone());
            }
            parent = child;
        }
        Ok(())
    }

    fn next_name(&self) -> PathBuf {
        Path::new(STAGING).join(format!("{}{:08}", self.prefix, self.next.fetch_add(1, Ordering::Relaxed)))
    }

    /// Removes what this run, or for the whole folder any, left in staging.
    fn clear(&self) -> Result<()> {
        let staging = Path::new(STAGING);
        for entry in self.storage.list(staging)? {
            if !entry.name.starts_with(LOCK) && entry.name.starts_with(&self.prefix) {
                self.storage.remove_file(&staging.join(&entry.name))?;
            }
        }
        Ok(())
    }

    /// Ends a run. The empty staging folder and its lock file stay: removing a lock file that another process may just
    /// have opened would let two writers in.
    ///
    /// # Errors
    /// `Io`.
    pub fn finish(self) -> Result<()> {
        self.clear()
    }
}

impl Stage for Folder {
    type File = FolderFile;

    fn create(&self) -> Result<FolderFile> {
        let name = self.next_name();
        Ok(FolderFile { file: self.storage.create(&name)?, name })
    }

    fn create_long(&self) -> Result<FolderFile> {
        let name = self.next_name();
        Ok(FolderFile { file: self.storage.create_long(&name)?, name })
    }

    fn scratch(&self) -> Result<Box<dyn ScratchFile>> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.storage.scratch(&Path::new(STAGING).join(format!("{}scratch-{number:08}", self.prefix)))
    }

    fn pool(&self) -> Option<&ScratchPool> {
        Some(&self.pool)
    }

    fn reopen(&self, file: &FolderFile) -> Result<Arc<dyn ReadAt>> {
        self.storage.open(&file.name)
    }

    fn discard(&self, file: FolderFile) -> Result<()> {
        drop(file.file);
        self.storage.remove_file(&file.name)
    }
}
