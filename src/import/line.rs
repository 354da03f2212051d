//! Written partitions on their way to be published: brought back in key order, gathered to batches.

use std::collections::BTreeMap;

use super::budget::Budget;
use super::segment::Built;
use crate::error::Result;
use crate::store::{Manifest, Staged};

/// Bytes of a batch at most: what a kill loses, and how long a reader waits for the first result.
const BATCH_BYTES: u64 = 256 << 20;
/// Partitions of a batch at most. Each batch is twice as large as the one before, for a sync costs much the same whatever it
/// syncs: the first results are soon there, and many partitions need few syncs.
const BATCH_MAX: usize = 512;
/// Bytes of a batch's counts at most: each partition counts by source.
const COUNT_BYTES: usize = 8 << 20;
/// Bytes of a partition's counts for each source: its digest, and three numbers in each of two tables.
const COUNT_BYTES_A_SOURCE: usize = 64;

/// A partition that was written.
pub(super) struct Done {
    pub(super) number: u64,
    pub(super) before: Option<Manifest>,
    pub(super) manifest: Manifest,
    pub(super) staged: Vec<Staged>,
    pub(super) built: Vec<Built>,
}

/// Written partitions, brought back in key order and gathered to batches.
pub(super) struct Line {
    waiting: BTreeMap<u64, Done>,
    next: u64,
    batch: Vec<Done>,
    batch_bytes: u64,
    /// Files of the batch that are still open.
    open_files: usize,
    open_most: usize,
    /// Partitions with which the batch is large enough.
    enough: usize,
    /// Partitions of a batch at most.
    most: usize,
}

impl Line {
    pub(super) fn new(budget: &Budget, sources: usize) -> Self {
        let room = COUNT_BYTES / (COUNT_BYTES_A_SOURCE * sources.max(1));
        Self {
            waiting: BTreeMap::new(),
            next: 0,
            batch: Vec::new(),
            batch_bytes: 0,
            open_files: 0,
            open_most: budget.open_files,
            enough: budget.batch,
            most: room.clamp(budget.batch, BATCH_MAX),
        }
    }

    pub(super) fn arrive(&mut self, done: Done) -> Result<()> {
        self.waiting.insert(done.number, done);
        while let Some(mut done) = self.waiting.remove(&self.next) {
            self.next += 1;
            self.batch_bytes += done.built.iter().map(|b| b.sealed.length).sum::<u64>();
            self.open_files += done.staged.len();
            if self.open_files > self.open_most {
                // So large a batch is synced by one call, which needs no descriptors.
                self.open_files -= done.staged.len();
                done.staged.iter_mut().try_for_each(Staged::close)?;
            }
            self.batch.push(done);
        }
        Ok(())
    }

    pub(super) fn is_full(&self) -> bool {
        self.batch.len() >= self.enough || self.batch_bytes >= BATCH_BYTES
    }

    /// No more may come until a batch is taken.
    pub(super) fn is_at_its_limit(&self) -> bool {
        self.batch.len() >= self.most || self.batch_bytes >= BATCH_BYTES
    }

    pub(super) fn take(&mut self) -> Vec<Done> {
        self.enough = (2 * self.enough).min(self.most);
        (self.batch_bytes, self.open_files) = (0, 0);
        std::mem::take(&mut self.batch)
    }
}
