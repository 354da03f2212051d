//! Damaged partitions and how they are made whole: what the ledger says of a partition against what is there, and the way
//! of files that were made again to their places, each only if it is bit by bit the one that was published.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_128;

use super::folder::Folder;
use super::journal::{Entry, Journal, Kind, Unit};
use super::{Manifest, Publisher, Staged, Tree, hash_file, identity, layout};
use crate::error::{Error, Result};
use crate::schema::{BOOK_BUILT, PartitionKey};
use crate::storage::{ReadAt, WriteFile};

/// A file of a partition as the ledger knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedFile {
    /// Its name in the partition's folder.
    pub name: String,
    /// Table, by the name.
    pub table: String,
    /// Generation, by the name.
    pub generation: u32,
    /// Segment, by the name.
    pub segment: u32,
    /// Extension, by the name.
    pub extension: String,
    /// Rows.
    pub rows: u64,
    /// Bytes.
    pub length: u64,
    /// XXH3-128 of the whole file.
    pub hash: u128,
    /// The file is there, with that length and hash.
    pub sound: bool,
}

/// A partition that is not as the ledger says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DamagedPartition {
    /// Partition.
    pub key: PartitionKey,
    /// Generation that the ledger has.
    pub generation: u32,
    /// XXH3-128 of that generation's manifest.
    pub manifest_hash: u128,
    /// The manifest, if it is sound.
    pub manifest: Option<Manifest>,
    /// The files that the manifest lists, in its order.
    pub files: Vec<PublishedFile>,
}

impl Publisher {
    /// The partitions of this run's tree that are not as the ledger says: a manifest or a file is missing or changed. Every
    /// file is hashed.
    ///
    /// # Errors
    /// `Io`, `Damage` of the ledger.
    pub fn damaged(&self) -> Result<Vec<DamagedPartition>> {
        self.damaged_in(&self.tree)
    }

    /// The same of any tree.
    ///
    /// # Errors
    /// As [`Publisher::damaged`].
    pub fn damaged_in(&self, wanted: &Tree) -> Result<Vec<DamagedPartition>> {
        let mut known: BTreeMap<PartitionKey, Entry> = BTreeMap::new();
        let genesis = identity::genesis(self.store.id);
        Journal::new(Arc::clone(&self.store.storage), genesis, &self.lane).catch_up(&mut |entry| {
            if let Unit::Partition(tree, key) = &entry.unit
                && tree == wanted
            {
                let key = key.clone();
                if entry.kind == Kind::Removed {
                    known.remove(&key)
                } else {
                    known.insert(key, entry)
                };
            }
        })?;
        let mut damaged = Vec::new();
        for (key, entry) in known {
            let Some(first) = entry.files.first() else { continue };
            let place = layout::partition(wanted, &key);
            let folder = Folder::read(self.storage(), wanted, &place)?;
            let manifest = folder.manifest.filter(|(_, bytes)| xxh3_128(bytes) == first.hash).map(|(m, _)| m);
            let mut files = Vec::new();
            for fact in entry.files.iter().skip(1) {
                let Some((table, generation, segment, extension)) = layout::parse_segment(&fact.name) else { continue };
                let sound = match self.storage().open(&place.join(&fact.name)) {
                    Ok(file) => file.len() == fact.length && hash_file(&*file).is_ok_and(|hash| hash == fact.hash),
                    Err(_) => false,
                };
                let (name, rows, length, hash) = (fact.name.clone(), fact.rows, fact.length, fact.hash);
                files.push(PublishedFile { name, table, generation, segment, extension, rows, length, hash, sound });
            }
            if manifest.is_none() || !folder.invalid.is_empty() || files.iter().any(|file| !file.sound) {
                let (generation, manifest_hash) = (entry.generation, first.hash);
                damaged.push(DamagedPartition { key, generation, manifest_hash, manifest, files });
            }
        }
        Ok(damaged)
    }

    /// Opens a file of a damaged partition, whatever its content is.
    ///
    /// # Errors
    /// `Io`.
    pub fn open_damaged(&self, key: &PartitionKey, name: &str) -> Result<Arc<dyn ReadAt>> {
        self.storage().open(&layout::partition(&self.tree, key).join(name))
    }

    /// Puts files that were made again into their places, durably, and the manifest last. Every one must be what the ledger
    /// says; nothing is done if one is not, or if one is missing that is not a built book: those are made from the others.
    /// The ledger stays as it is: it knows them.
    ///
    /// # Errors
    /// `Damage` for bytes that are not those that were published, `Io`.
    pub fn restore(
        &mut self,
        partition: &DamagedPartition,
        files: Vec<(String, Staged)>,
        manifest: &Manifest,
    ) -> Result<()> {
        let place = layout::partition(&self.tree, &partition.key);
        let bytes = manifest.to_bytes();
        check(layout::manifest(partition.generation).as_str(), xxh3_128(&bytes), partition.manifest_hash)?;
        for (name, staged) in &files {
            let wanted = partition.files.iter().find(|file| file.name == *name).map_or(0, |file| file.hash);
            check(name, hash_file(&*self.open_staged(staged)?)?, wanted)?;
        }
        let left = |file: &&PublishedFile| {
            !file.sound && file.table != BOOK_BUILT && files.iter().all(|(name, _)| *name != file.name)
        };
        if let Some(file) = partition.files.iter().find(left) {
            return Err(Error::damage("S-12", "every file that the manifest lists", "no such file").in_file(&file.name));
        }
        let folder = Folder::read(self.storage(), &self.tree, &place)?;
        self.make_folders(&place)?;
        for (name, mut staged) in files {
            WriteFile::seal(&mut *staged.file)?;
            staged.file.sync()?;
            self.storage().rename(&staged.path, &place.join(name))?;
        }
        let mut aside = self.stage()?;
        aside.file.write_all(&bytes).map_err(|e| Error::io("write", &aside.path, e))?;
        WriteFile::seal(&mut *aside.file)?;
        aside.file.sync()?;
        self.storage().sync_dir(&place)?;
        self.storage().rename(&aside.path, &place.join(layout::manifest(partition.generation)))?;
        // Damaged manifests of other generations would stand above it, or be leftovers.
        for (name, file) in &folder.files {
            if matches!(file, layout::PartFile::Manifest(generation) if *generation != partition.generation) {
                self.storage().remove_file(&place.join(name))?;
            }
        }
        let folders: BTreeSet<&Path> = place.ancestors().collect();
        self.storage().sync_dirs(&folders.into_iter().collect::<Vec<_>>())
    }
}

fn check(name: &str, found: u128, wanted: u128) -> Result<()> {
    if found == wanted {
        return Ok(());
    }
    let (wanted, found) = (format!("XXH3-128 {wanted:032x}"), format!("{found:032x}"));
    Err(Error::damage("S-14", wanted, found).in_file(name))
}
