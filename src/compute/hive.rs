//! A folder in Hive layout as a destination: `--out DIR`. A file carries its fingerprint, so that a run can see what
//! is done there already.

use std::sync::Arc;

use super::destination::{Destination, Publishable};
use super::plan::{Before, Task};
use super::shard::Shard;
use crate::error::Result;
use crate::feature::STATE_TABLE;
use crate::read::TableReader;
use crate::sink::{Folder, FolderFile, Format, ScratchPool, Stage, hive_path};
use crate::storage::{ReadAt, ScratchFile, Storage};

/// An output folder.
#[derive(Debug)]
pub(super) struct HiveFolder {
    folder: Folder,
    storage: Arc<dyn Storage>,
}

impl HiveFolder {
    /// Takes the folder's lock; shards share it.
    pub(super) fn begin(storage: Arc<dyn Storage>, shard: Option<Shard>) -> Result<Self> {
        let folder = match shard {
            None => Folder::begin(storage.clone())?,
            Some(shard) => Folder::begin_shard(storage.clone(), shard.index, shard.count)?,
        };
        Ok(Self { folder, storage })
    }
}

/// True if the files of a task's tables are there in every format, with its fingerprint.
pub(super) fn is_current(storage: &dyn Storage, formats: &[&'static dyn Format], task: &Task) -> Result<bool> {
    let each = task.tables.iter().flat_map(|table| formats.iter().map(move |format| (table, format)));
    for (table, format) in each {
        let path = hive_path(table, &task.raw.key, format.name());
        let file = match storage.open(&path) {
            Ok(file) => file,
            Err(error) if error.is_not_found() => return Ok(false),
            Err(error) => return Err(error),
        };
        if format.fingerprint(file)? != Some(task.fingerprint) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The state that a date has left, if it is there with its fingerprint.
pub(super) fn state(storage: &dyn Storage, of: &Before) -> Result<Option<TableReader>> {
    match storage.open(&hive_path(STATE_TABLE, &of.key, "hftc")) {
        Ok(file) => Ok(Some(TableReader::open(file)?).filter(|table| table.footer().fingerprint == of.fingerprint)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

impl Stage for HiveFolder {
    type File = FolderFile;

    fn create(&self) -> Result<FolderFile> {
        self.folder.create()
    }

    fn create_long(&self) -> Result<FolderFile> {
        self.folder.create_long()
    }

    fn scratch(&self) -> Result<Box<dyn ScratchFile>> {
        self.folder.scratch()
    }

    fn pool(&self) -> Option<&ScratchPool> {
        self.folder.pool()
    }

    fn reopen(&self, file: &FolderFile) -> Result<Arc<dyn ReadAt>> {
        self.folder.reopen(file)
    }

    fn discard(&self, file: FolderFile) -> Result<()> {
        self.folder.discard(file)
    }
}

impl Destination for HiveFolder {
    fn generation(&self, _task: &Task) -> Result<u32> {
        // A folder has no generations: the same inputs give the same file.
        Ok(1)
    }

    fn state(&self, of: &Before) -> Result<Option<TableReader>> {
        state(&*self.storage, of)
    }

    fn publish(&self, batch: Vec<Publishable<FolderFile>>) -> Result<()> {
        let mut files = Vec::new();
        for item in batch {
            for table in item.tables {
                for file in table.files {
                    files.push((hive_path(&table.table, &item.task.raw.key, file.extension), file.file));
                }
            }
        }
        self.folder.publish(files)
    }

    fn finish(self) -> Result<()> {
        self.folder.finish()
    }
}
