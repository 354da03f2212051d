//! A publishing run: takes the lock, mends what an interrupted run left, hands out staging files, cleans up at its end.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::journal::Journal;
use super::verify::Finding;
use super::{Manifest, Staged, Stager, Store, Tree, identity, layout};
use crate::error::{Error, Result};
use crate::storage::{EntryKind, HeldLock, LockMode, ReadAt, Storage};

/// A publishing run. Dropping it without [`Publisher::finish`] leaves what was published and removes nothing; the next run
/// on the same tree cleans up.
#[derive(Debug)]
pub struct Publisher {
    pub(super) store: Store,
    pub(super) tree: Tree,
    pub(super) lane: String,
    pub(super) journal: Journal,
    /// The lane is marked open in HEAD.
    pub(super) is_open: bool,
    /// A shard may not clean what other shards are at.
    pub(super) is_shard: bool,
    /// Folders that hold an older generation.
    pub(super) untidy: Vec<PathBuf>,
    /// A batch failed after its first rename: only a look at all folders tells what it left. For a shard also: so did an
    /// earlier run of it.
    pub(super) has_failed: bool,
    pub(super) recovered: Vec<Finding>,
    stager: Stager,
    _locks: Vec<Box<dyn HeldLock>>,
}

/// The next generation of one partition.
#[derive(Debug)]
pub struct Publication {
    /// The manifest to publish; segments of this generation are the staged ones, others are carried over. Its generation is
    /// one more than the stored one's, or the stored one itself to put the same bytes in place again (repair).
    pub manifest: Manifest,
    /// Staged files, one for each new segment, in the order of the manifest's new segments.
    pub staged: Vec<Staged>,
}

impl Store {
    /// Takes the tree's lock and begins a publishing run; marks the ledger open at the first publish.
    ///
    /// # Errors
    /// `Locked`, `Damage` if the ledger is damaged, `Usage` for a bad set name, `Io`.
    pub fn begin(&self, tree: Tree) -> Result<Publisher> {
        let lane = lane(&tree)?;
        let lock = self.storage.lock(&layout::lock(&lane), LockMode::Exclusive)?;
        let mut run = Publisher::new(self, tree, lane, vec![lock], false)?;
        run.clear_staging()?;
        run.storage().create_private_dir(&layout::staging(&run.lane))?;
        run.recover()?;
        Ok(run)
    }

    /// Begins the run of shard `index` of `count` on a feature set: shards share the set's lock and exclude each other one
    /// by one. What an interrupted shard left is mended by the next [`Store::begin`] on the set.
    ///
    /// # Errors
    /// As [`Store::begin`].
    pub fn begin_shard(&self, set: &str, index: u32, count: u32) -> Result<Publisher> {
        let tree = Tree::Features(set.to_owned());
        let whole = lane(&tree)?;
        let lane = format!("{whole}.{index}.{count}");
        let shared = self.storage.lock(&layout::lock(&whole), LockMode::Shared)?;
        let own = self.storage.lock(&layout::lock(&lane), LockMode::Exclusive)?;
        let mut run = Publisher::new(self, tree, lane, vec![own, shared], true)?;
        run.clear_staging()?;
        run.storage().create_private_dir(&layout::staging(&run.lane))?;
        let (head, _) = run.journal.catch_up(&mut |_| {})?;
        run.has_failed = head.open.contains(&run.lane);
        Ok(run)
    }
}

/// The lane of a tree: the name of its lock, its staging folder and its mark in HEAD.
pub(super) fn lane(tree: &Tree) -> Result<String> {
    match tree {
        Tree::Raw => Ok("raw".to_owned()),
        Tree::Features(set) => layout::check_set(set).map(|()| format!("set.{set}")),
    }
}

fn owns(own: &str, is_shard: bool, lane: &str) -> bool {
    let is_our_shard = || lane.strip_prefix(own).is_some_and(|rest| rest.starts_with('.'));
    lane == own || (!is_shard && is_our_shard())
}

impl Publisher {
    fn new(store: &Store, tree: Tree, lane: String, locks: Vec<Box<dyn HeldLock>>, is_shard: bool) -> Result<Self> {
        store.storage.create_private_dir(Path::new(layout::STAGING))?;
        Ok(Self {
            journal: Journal::new(Arc::clone(&store.storage), identity::genesis(store.id), &lane),
            store: store.clone(),
            tree,
            is_open: false,
            is_shard,
            untidy: Vec::new(),
            has_failed: false,
            recovered: Vec::new(),
            stager: Stager {
                storage: Arc::clone(&store.storage),
                folder: layout::staging(&lane),
                names: Arc::new(AtomicU64::new(0)),
                prefix: identity::random_u64(),
            },
            lane,
            _locks: locks,
        })
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// What was mended at the beginning: to be reported.
    #[must_use]
    pub fn recovered(&self) -> &[Finding] {
        &self.recovered
    }

    pub(super) fn storage(&self) -> &dyn Storage {
        &*self.store.storage
    }

    /// True if a lane in HEAD is this run's to close: its own, and for a whole set its shards', whose lock it excludes.
    pub(super) fn owns_lane(&self, lane: &str) -> bool {
        owns(&self.lane, self.is_shard, lane)
    }

    /// Hands out this run's staging files; clones may go to other threads and work on while a batch is published.
    #[must_use]
    pub fn stager(&self) -> Stager {
        self.stager.clone()
    }

    /// As [`Stager::stage`].
    ///
    /// # Errors
    /// `Io`.
    pub fn stage(&self) -> Result<Staged> {
        self.stager.stage()
    }

    /// As [`Stager::open_staged`].
    ///
    /// # Errors
    /// `Io`.
    pub fn open_staged(&self, staged: &Staged) -> Result<Arc<dyn ReadAt>> {
        self.stager.open_staged(staged)
    }

    /// As [`Stager::discard`].
    ///
    /// # Errors
    /// `Io`.
    pub fn discard(&self, staged: Staged) -> Result<()> {
        self.stager.discard(staged)
    }

    /// Removes the staging folders of this run's lanes with all that is in them.
    pub(super) fn clear_staging(&self) -> Result<()> {
        for entry in self.storage().list(Path::new(layout::STAGING))? {
            if entry.kind != EntryKind::Dir || !self.owns_lane(&entry.name) {
                continue;
            }
            let folder = layout::staging(&entry.name);
            for file in self.storage().list(&folder)? {
                self.storage().remove_file(&folder.join(file.name))?;
            }
            self.storage().remove_dir(&folder)?;
        }
        Ok(())
    }

    /// Unlinks old generations and leftovers in staging and marks the ledger clean.
    ///
    /// # Errors
    /// `Io`, `Damage` if the ledger was damaged meanwhile.
    pub fn finish(mut self) -> Result<()> {
        self.tidy()?;
        // HEAD is written aside in staging, so the folder goes after it; what a crash leaves there harms nobody.
        let keep_open = self.is_shard && self.has_failed;
        if self.is_open && !keep_open {
            let (own, is_shard) = (self.lane.clone(), self.is_shard);
            self.journal.close_lanes(|lane| owns(&own, is_shard, lane))?;
        }
        self.clear_staging()
    }
}

/// The error of a caller that breaks the publisher's contract.
pub(super) fn misuse(what: impl Into<String>) -> Error {
    Error::usage(what, "this is a defect of hftcol: report it with the command")
}
