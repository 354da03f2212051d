//! Making a store and opening it.

use std::path::Path;
use std::sync::Arc;

use super::journal::{Head, replace};
use super::{Store, identity, layout};
use crate::error::{Error, Result};
use crate::storage::{IoMode, LockMode, OsStorage, Storage, read_small};

/// Bytes of `hftcol-store.json` at most.
const STORE_FILE_LIMIT: u64 = 4096;

/// How a store on the real file system is opened.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenOptions {
    /// How files are read.
    pub io: IoMode,
    /// Let root write into a store that belongs to another user.
    pub allow_foreign: bool,
}

impl Store {
    /// Opens a store, creating it (with its parents' entry synced) if the folder is absent or empty.
    ///
    /// # Errors
    /// `Usage` if the folder holds something else, `Damage`, `Io`.
    pub fn create_or_open(root: &Path) -> Result<Self> {
        Self::create_or_open_with(root, OpenOptions::default())
    }

    /// [`Store::create_or_open`] with options.
    ///
    /// # Errors
    /// As there, and `Usage` where root would write into another user's store.
    pub fn create_or_open_with(root: &Path, options: OpenOptions) -> Result<Self> {
        let storage = OsStorage::open_or_create(root, options.io)?;
        if !options.allow_foreign {
            refuse_foreign(&storage)?;
        }
        Self::over(Arc::new(storage), true).map_err(|e| e.in_file(root))
    }

    /// Opens an existing store for reading; never writes.
    ///
    /// # Errors
    /// `Usage` if there is none, `Damage`, `Io`.
    pub fn open(root: &Path) -> Result<Self> {
        Self::open_with(root, OpenOptions::default())
    }

    /// [`Store::open`] with options.
    ///
    /// # Errors
    /// As there.
    pub fn open_with(root: &Path, options: OpenOptions) -> Result<Self> {
        let storage = match OsStorage::open(root, options.io) {
            Err(e) if e.is_not_found() => return Err(no_store(&root.display().to_string())),
            other => other?,
        };
        Self::over(Arc::new(storage), false)
    }

    /// [`Store::open_with`] for a run that is going to write: makes no store.
    ///
    /// # Errors
    /// As there, and `Usage` where root would write into another user's store.
    pub fn open_to_write(root: &Path, options: OpenOptions) -> Result<Self> {
        let store = Self::open_with(root, options)?;
        if !options.allow_foreign {
            refuse_foreign(&OsStorage::open(root, options.io)?)?;
        }
        Ok(store)
    }

    /// The same over any storage; tests use it with faults.
    ///
    /// # Errors
    /// As [`Store::create_or_open`].
    pub fn over(storage: Arc<dyn Storage>, create: bool) -> Result<Self> {
        let id = match read_id(&*storage)? {
            Some(id) => id,
            None if create => create_in(&*storage)?,
            None => return Err(no_store("the folder")),
        };
        Ok(Self { storage, id })
    }

    /// The storage beneath.
    #[must_use]
    pub fn storage(&self) -> &Arc<dyn Storage> {
        &self.storage
    }

    /// The store's random id.
    #[must_use]
    pub fn id(&self) -> u128 {
        self.id
    }
}

fn refuse_foreign(storage: &OsStorage) -> Result<()> {
    if storage.is_ours()? {
        return Ok(());
    }
    let what = format!("{}: the store belongs to another user", storage.path().display());
    Err(Error::usage(what, "run as that user, or use --allow-foreign"))
}

fn no_store(what: &str) -> Error {
    Error::usage(format!("{what} is no hftcol store"), "name a store with --store, or make one with `hftcol import`")
}

fn read_id(storage: &dyn Storage) -> Result<Option<u128>> {
    let bytes = read_small(storage, Path::new(layout::STORE_FILE), STORE_FILE_LIMIT)?;
    bytes.map(|bytes| identity::parse(&bytes).map_err(|e| e.in_file(layout::STORE_FILE))).transpose()
}

/// Makes the skeleton. `hftcol-store.json` comes last: until it is there, a rerun begins anew.
fn create_in(storage: &dyn Storage) -> Result<u128> {
    let skeleton = |name: &str| name == layout::JOURNAL || name == layout::STAGING;
    if let Some(entry) = storage.list(Path::new(""))?.into_iter().find(|e| !skeleton(&e.name)) {
        let what = format!("the store's folder is not empty and holds no {}: `{}`", layout::STORE_FILE, entry.name);
        return Err(Error::usage(what, "name an empty or absent folder, or restore that file from a copy"));
    }
    storage.create_dir(Path::new(layout::JOURNAL))?;
    let _lock = storage.lock(&layout::lock("ledger"), LockMode::Wait)?;
    if let Some(id) = read_id(storage)? {
        return Ok(id);
    }
    storage.create_private_dir(Path::new(layout::STAGING))?;
    storage.append(&layout::ledger())?.sync()?;
    storage.truncate(&layout::ledger(), 0)?;
    let id = identity::random_id();
    let aside = layout::staging("create");
    replace(storage, &aside, &layout::head(), &Head::empty(identity::genesis(id)).to_bytes())?;
    storage.sync_dir(Path::new(layout::JOURNAL))?;
    storage.sync_dir(Path::new(""))?;
    replace(storage, &aside, Path::new(layout::STORE_FILE), identity::to_text(id).as_bytes())?;
    storage.sync_dir(Path::new(""))?;
    Ok(id)
}
