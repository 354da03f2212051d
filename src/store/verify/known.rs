//! What the ledger says last about every unit: enough to judge the unit by its manifest.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::store::journal::{Entry, Kind, Unit};

/// The last word about one unit. The hash of a partition's manifest binds all its files, since the manifest lists theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct Known {
    pub(in crate::store) generation: u32,
    pub(in crate::store) length: u64,
    pub(in crate::store) hash: u128,
    pub(in crate::store) rows: u64,
}

/// The live units, by the path of their folder (partitions) or file (the others).
#[derive(Debug, Default)]
pub(in crate::store) struct KnownUnits {
    units: BTreeMap<PathBuf, Known>,
}

impl KnownUnits {
    /// Takes in the next entry.
    pub(in crate::store) fn note(&mut self, entry: &Entry) {
        let path = match (&entry.unit, entry.files.first()) {
            (Unit::Partition(..), _) => entry.unit.folder(),
            (unit, Some(file)) => unit.folder().join(&file.name),
            (_, None) => return,
        };
        let Some(first) = entry.files.first().filter(|_| entry.kind != Kind::Removed) else {
            self.units.remove(&path);
            return;
        };
        let rows = entry.files.iter().filter(|f| !f.name.ends_with(".parquet"));
        let rows = rows.fold(0_u64, |sum, file| sum.saturating_add(file.rows));
        let known = Known { generation: entry.generation, length: first.length, hash: first.hash, rows };
        self.units.insert(path, known);
    }

    pub(in crate::store) fn get(&self, path: &Path) -> Option<Known> {
        self.units.get(path).copied()
    }

    /// Takes a unit out: it was seen.
    pub(in crate::store) fn take(&mut self, path: &Path) -> Option<Known> {
        self.units.remove(path)
    }

    /// What was not taken out.
    pub(in crate::store) fn rest(self) -> impl Iterator<Item = (PathBuf, Known)> {
        self.units.into_iter()
    }
}
