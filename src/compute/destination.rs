//! Where a run's outputs go: a feature set of the store, a folder in Hive layout, or nowhere.

use super::plan::{Before, Task};
use crate::error::Result;
use crate::read::TableReader;
use crate::sink::{SinkOutput, Stage};
use crate::store::Failure;

/// A stage that also makes visible what was staged.
pub(super) trait Destination: Stage {
    /// The generation that the task's files carry.
    fn generation(&self, task: &Task) -> Result<u32>;

    /// The state that a date has left, if it is kept with the fingerprint.
    fn state(&self, of: &Before) -> Result<Option<TableReader>>;

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
