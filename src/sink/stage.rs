//! Where sinks make their files before anybody may see them: the store's staging folder, or one beside `--out`.

use std::fmt;
use std::io::Write;
use std::sync::Arc;

use super::ScratchPool;
use crate::error::Result;
use crate::storage::{ReadAt, ScratchFile};

/// A place that gives new files; workers share it.
pub trait Stage: fmt::Debug + Sync {
    /// Its open files.
    type File: StagedWrite;

    /// Creates a file that nobody else sees.
    ///
    /// # Errors
    /// `Io`.
    fn create(&self) -> Result<Self::File>;

    /// The same for a file that may be long and is not read soon; it must be flushed before it is.
    ///
    /// # Errors
    /// `Io`.
    fn create_long(&self) -> Result<Self::File> {
        self.create()
    }

    /// A nameless file beside them, for what a worker cannot hold in memory.
    ///
    /// # Errors
    /// `Io`.
    fn scratch(&self) -> Result<Box<dyn ScratchFile>>;

    /// Where such files of sinks are kept to be used again; without it each is new.
    fn pool(&self) -> Option<&ScratchPool> {
        None
    }

    /// Opens for reading what was written to a file of this stage.
    ///
    /// # Errors
    /// `Io`.
    fn reopen(&self, file: &Self::File) -> Result<Arc<dyn ReadAt>>;

    /// Removes a file that is not wanted after all.
    ///
    /// # Errors
    /// `Io`.
    fn discard(&self, file: Self::File) -> Result<()>;
}

/// A file in staging.
pub trait StagedWrite: Write + Send + fmt::Debug {}

impl<W: Write + Send + fmt::Debug> StagedWrite for W {}
