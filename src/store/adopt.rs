//! Bringing ledger and store together on request: entering copied-in partitions, forgetting removed ones, and writing the
//! ledger anew from the partitions when it is damaged itself.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_128;

use super::folder::{Folder, Found, walk};
use super::journal::{Entry, Head, Journal, Kind, Ledger, Unit, replace};
use super::verify::{Finding, FindingKind};
use super::{Publisher, Store, Tree, identity, layout};
use crate::error::{Error, Result};
use crate::schema::PartitionKey;
use crate::storage::LockMode;

/// What `adopt` did with a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adopted {
    /// It was foreign, or of another generation than the ledger's: entered.
    Entered,
    /// It was in the ledger and is gone from the store: not expected any more.
    Removed,
}

impl Publisher {
    /// Makes the ledger agree with the partitions of this run's tree that `wanted` names: enters those that are whole (every
    /// file is hashed) and not in the ledger as they are, forgets those that are gone. Partitions that are not whole are not
    /// entered; they come back as findings.
    ///
    /// # Errors
    /// `Io`, `Damage` of the ledger.
    pub fn adopt(
        &mut self,
        wanted: &mut dyn FnMut(&PartitionKey) -> bool,
    ) -> Result<(Vec<(PartitionKey, Adopted)>, Vec<Finding>)> {
        let mut live: BTreeMap<PartitionKey, Option<u128>> = BTreeMap::new();
        let genesis = identity::genesis(self.store.id);
        Journal::new(Arc::clone(&self.store.storage), genesis, &self.lane).catch_up(&mut |entry| {
            if let Unit::Partition(tree, key) = &entry.unit
                && *tree == self.tree
            {
                let first = entry.files.first().filter(|_| entry.kind != Kind::Removed);
                live.insert(key.clone(), first.map(|file| file.hash));
            }
        })?;
        let (mut entries, mut done, mut faults) = (Vec::new(), Vec::new(), Vec::new());
        let mut keys: BTreeSet<PartitionKey> = self.store.keys(&self.tree)?.into_iter().collect();
        keys.extend(live.iter().filter(|(_, hash)| hash.is_some()).map(|(key, _)| key.clone()));
        for key in keys.into_iter().filter(|key| wanted(key)) {
            let known = live.get(&key).copied().flatten();
            let folder = Folder::read(self.storage(), &self.tree, &layout::partition(&self.tree, &key))?;
            let entry = match (&folder.manifest, folder.invalid.first()) {
                (_, Some(e)) => {
                    faults.push(Finding::from_error(FindingKind::Changed, layout::partition(&self.tree, &key), e));
                    continue;
                }
                (None, None) if known.is_some() => {
                    done.push((key.clone(), Adopted::Removed));
                    let unit = Unit::Partition(self.tree.clone(), key);
                    Entry { kind: Kind::Removed, unit, generation: 0, files: Vec::new(), digests: Vec::new() }
                }
                (Some((_, bytes)), None) if known != Some(xxh3_128(bytes)) => {
                    let Some((manifest, bytes)) = &folder.manifest else { continue };
                    if let Some(fault) = self.first_fault(manifest) {
                        faults.push(fault);
                        continue;
                    }
                    done.push((key, Adopted::Entered));
                    Entry::of_manifest(Kind::Adopted, &self.tree, manifest, bytes)
                }
                _ => continue,
            };
            entries.push(entry);
        }
        if !entries.is_empty() {
            self.open_lane()?;
            // Whoever copied the folders in may not have synced them.
            self.storage().sync_all()?;
            self.journal.append(&entries)?;
        }
        Ok((done, faults))
    }
}

impl Store {
    /// Writes the ledger and its head anew from what stands in the store: for a damaged or lost journal. Every partition is
    /// hashed; those that are not whole are not entered and come back as findings. Whatever the old ledger alone knew,
    /// missing partitions above all, is lost with it.
    ///
    /// # Errors
    /// `Locked` while any run holds a lock, `Io`.
    pub fn rebuild_journal(&self) -> Result<(u64, Vec<Finding>)> {
        self.storage.create_dir(Path::new(layout::JOURNAL))?;
        self.storage.create_private_dir(Path::new(layout::STAGING))?;
        let trees = self.trees()?;
        let mut locks = Vec::new();
        let mut lanes = Vec::new();
        for tree in &trees {
            let lane = super::publisher::lane(tree)?;
            locks.push(self.storage.lock(&layout::lock(&lane), LockMode::Exclusive)?);
            lanes.push(lane);
        }
        locks.push(self.storage.lock(&layout::lock("ledger"), LockMode::Wait)?);
        let mut faults = Vec::new();
        let mut ledger = Ledger::empty(identity::genesis(self.id));
        for tree in &trees {
            self.enter_tree(tree, &mut ledger, &mut faults)?;
        }
        self.storage.sync_all()?;
        let aside = layout::staging("rebuild");
        self.storage.remove_file(&aside)?;
        // Not sealed as other files are: the ledger is appended to.
        let mut file = self.storage.create(&aside)?;
        file.write_all(&ledger.bytes).map_err(|e| Error::io("write", &aside, e))?;
        file.sync()?;
        self.storage.rename(&aside, &layout::ledger())?;
        let head = Head { records: ledger.at.records, length: ledger.at.length, last: ledger.at.last, open: lanes };
        replace(&*self.storage, &aside, &layout::head(), &head.to_bytes())?;
        self.storage.sync_dir(Path::new(layout::JOURNAL))?;
        drop(locks);
        // All lanes are marked open, so that a run on each removes what interrupted runs left and closes it.
        trees.into_iter().try_for_each(|tree| self.begin(tree)?.finish())?;
        Ok((ledger.at.records, faults))
    }

    fn enter_tree(&self, tree: &Tree, ledger: &mut Ledger, faults: &mut Vec<Finding>) -> Result<()> {
        let mut places: Vec<PathBuf> = Vec::new();
        walk(&*self.storage, tree, &mut |found| {
            if let Found::Partition(place) = found {
                places.push(place.path);
            }
            Ok(())
        })?;
        for path in places {
            let folder = Folder::read(&*self.storage, tree, &path)?;
            faults.extend(folder.invalid.iter().map(|e| Finding::from_error(FindingKind::Changed, &path, e)));
            let Some((manifest, bytes)) = &folder.manifest else { continue };
            let fault = manifest.segments.iter().find_map(|s| self.verify_segment(tree, &manifest.key, s));
            if fault.is_none() && folder.invalid.is_empty() {
                ledger.push(&Entry::of_manifest(Kind::Adopted, tree, manifest, bytes));
            }
            faults.extend(fault);
        }
        for (unit, fact) in self.single_files(tree)? {
            ledger.push(&Entry::of_file(Kind::Adopted, unit, fact));
        }
        Ok(())
    }
}
