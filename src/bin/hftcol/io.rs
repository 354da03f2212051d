//! How files are read: shared by every command that reads tables.

use std::path::Path;
use std::sync::Arc;

use hftcol::error::{Error, Result};
use hftcol::read::TableReader;
use hftcol::schema::PartitionKey;
use hftcol::storage::{IoMode, OsStorage, Storage};
use hftcol::store::{OpenOptions, Store, Tree};

use crate::words;

/// The option `--io`.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct IoArgs {
    /// How files are read: mmap, or pread, which makes no maps: for file systems on which maps are slow, or whose files are
    /// cut by other programs.
    #[arg(long = "io", default_value = "mmap", value_name = "HOW", value_parser = words::io)]
    pub(crate) mode: IoMode,
}

impl IoArgs {
    /// Opens a store for reading.
    ///
    /// # Errors
    /// `Usage` if there is none, `Damage`, `Io`.
    pub(crate) fn store(self, root: &Path) -> Result<Store> {
        Store::open_with(root, self.options())
    }

    /// Opens the store that a folder is a partition of; `None` if it is no partition's folder.
    ///
    /// # Errors
    /// As [`IoArgs::store`].
    pub(crate) fn partition(self, folder: &Path) -> Result<Option<(Store, Tree, PartitionKey)>> {
        Store::partition_at(folder, self.options())
    }

    fn options(self) -> OpenOptions {
        OpenOptions { io: self.mode, ..OpenOptions::default() }
    }

    /// Opens a table file that need not be in a store.
    ///
    /// # Errors
    /// `Damage`, `Io`.
    pub(crate) fn table(self, path: &Path) -> Result<TableReader> {
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let name = path.file_name().ok_or_else(|| Error::usage("a folder is not a table file", "name a .hftc file"))?;
        let storage: Arc<dyn Storage> = Arc::new(OsStorage::open(folder, self.mode)?);
        TableReader::open(storage.open(Path::new(name))?).map_err(|e| e.in_file(path))
    }
}
