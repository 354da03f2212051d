//! The state file of a partition: what a worker takes over from the date before, and what it leaves.

use super::destination::{Destination, TableFiles};
use super::plan::{Before, Task};
use crate::error::{Error, ErrorKind, Result};
use crate::feature::{STATE_TABLE, StateReader};
use crate::format::SealedFile;
use crate::read::TableReader;
use crate::schema::PartitionKey;
use crate::sink::SinkOutput;

/// The state that a worker left last: the next date of the chain goes on from it, published or not.
#[derive(Debug)]
pub(super) struct LastState {
    key: PartitionKey,
    fingerprint: u128,
    table: TableReader,
}

impl LastState {
    /// The date before of a task as it stands: another run of the worker may have computed it from newer inputs.
    pub(super) fn update(last: Option<&Self>, planned: Option<&Before>) -> Option<Before> {
        let planned = planned?;
        let own = last.filter(|last| last.key == planned.key);
        Some(own.map_or_else(|| planned.clone(), |own| Before { key: own.key.clone(), fingerprint: own.fingerprint }))
    }

    /// Opens the state that a task takes over: the worker's own, else the one that the destination keeps.
    ///
    /// # Errors
    /// `Findings` where there is none, `Damage`, `Io`.
    pub(super) fn open<D: Destination>(last: Option<&Self>, before: &Before, destination: &D) -> Result<StateReader> {
        let own = last.filter(|last| last.key == before.key && last.fingerprint == before.fingerprint);
        let table = match own {
            Some(own) => Some(own.table.clone()),
            None => destination.state(before)?,
        };
        let missing = || {
            let what = format!("the state of {} is gone; compute from that date on", before.key.date);
            Error::new(ErrorKind::Findings { what })
        };
        StateReader::open(table.ok_or_else(missing)?)
    }

    /// Keeps a state that is sealed in staging for the next date; returns it as a table to publish, if anything is.
    pub(super) fn keep<D: Destination>(
        task: &Task,
        (file, sealed): (D::File, SealedFile),
        publishes: bool,
        destination: &D,
    ) -> Result<(Self, TableFiles<D::File>)> {
        let table = TableReader::open(destination.reopen(&file)?)?;
        let rows = sealed.rows;
        let file = SinkOutput { extension: "hftc", sealed, file };
        let files = if publishes { vec![file] } else { Vec::new() };
        let last = Self { key: task.raw.key.clone(), fingerprint: task.fingerprint, table };
        Ok((last, TableFiles { table: STATE_TABLE.to_owned(), rows, files }))
    }
}
