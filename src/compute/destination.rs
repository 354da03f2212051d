//! Where a run's outputs go: a feature set of the store, a folder in Hive layout, or nowhere.

use std::io;
use std::sync::Arc;

use super::plan::Task;
use crate::error::{Error, Result};
use crate::sink::{SinkOutput, Stage};
use crate::storage::{ReadAt, ScratchFile};
use crate::store::{Failure, Store};

/// A stage that also makes visible what was staged.
pub(super) trait Destination: Stage {
    /// A nameless file in the output's file system, for what a worker cannot hold in memory.
    fn scratch(&self) -> Result<Box<dyn ScratchFile>>;

    /// The generation that the task's files carry.
    fn generation(&self, task: &Task) -> Result<u32>;

    /// Publishes a batch: each task with the files of its tables, which appear together. When it returns, every file is durable; on an
    /// error none of the batch counts.
    fn publish(&self, batch: Vec<Publishable<Self::File>>) -> Result<()>;

    /// Notes which partitions failed, with the reasons, for `status`; a plain folder has no place for it.
    fn note_failures(&self, _failures: Vec<Failure>) -> Result<()> {
        Ok(())
    }

    /// Ends the run.
    fn finish(self) -> Result<()>;
}

/// A task with its files, sealed in staging.
#[derive(Debug)]
pub(super) struct Publishable<F> {
    pub(super) task: Task,
    pub(super) tables: Vec<TableFiles<F>>,
}

/// A table that is computed and sealed.
#[derive(Debug)]
pub(super) struct TableFiles<F> {
    pub(super) table: String,
    pub(super) rows: u64,
    /// One a format.
    pub(super) files: Vec<SinkOutput<F>>,
}

/// Nothing is kept (`--output null`); scratch files go to the store that is read.
#[derive(Debug)]
pub(super) struct Nowhere(pub(super) Store);

impl Stage for Nowhere {
    type File = io::Sink;

    fn create(&self) -> Result<io::Sink> {
        Ok(io::sink())
    }

    fn reopen(&self, _file: &io::Sink) -> Result<Arc<dyn ReadAt>> {
        Err(Error::io("open", "null output", io::ErrorKind::NotFound.into()))
    }

    fn discard(&self, _file: io::Sink) -> Result<()> {
        Ok(())
    }
}

impl Destination for Nowhere {
    fn scratch(&self) -> Result<Box<dyn ScratchFile>> {
        self.0.scratch()
    }

    fn generation(&self, _task: &Task) -> Result<u32> {
        Ok(1)
    }

    fn publish(&self, _batch: Vec<Publishable<io::Sink>>) -> Result<()> {
        Ok(())
    }

    fn finish(self) -> Result<()> {
        Ok(())
    }
}
