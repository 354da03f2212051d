//! Reading a store: keys, manifests, segments, and the listing of `ls`. Needs no lock and no ledger, writes nothing.

use std::fmt;
use std::sync::Arc;

use super::folder::{Folder, Found, Place, RELIST, walk};
use super::name::Unescaped;
use super::{Manifest, NameKind, Segment, Store, Tree, escape, layout};
use crate::error::{Error, Result};
use crate::schema::PartitionKey;
use crate::storage::{EntryKind, ReadAt};

/// A published unit in the words of `published` and `ls --digest` lines: `<table> <venue> <security> <date>`, the names
/// escaped as in paths, so that a line has no more than its blanks.
#[derive(Clone, Copy, Debug)]
pub struct UnitName<'a> {
    /// Table.
    pub table: &'a str,
    /// Partition.
    pub key: &'a PartitionKey,
}

impl fmt::Display for UnitName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let venue = escape(NameKind::Venue, &self.key.venue);
        let security = escape(NameKind::Security, &self.key.security);
        write!(f, "{} {venue} {security} {}", self.table, self.key.date)
    }
}

/// `<venue> <security> <date>` in the same form.
#[must_use]
pub fn partition_name(key: &PartitionKey) -> String {
    let (venue, security) = (escape(NameKind::Venue, &key.venue), escape(NameKind::Security, &key.security));
    format!("{venue} {security} {}", key.date)
}

/// A partition's manifest and the open files of one of its tables, in row order.
pub type OpenTable = (Manifest, Vec<Arc<dyn ReadAt>>);

/// A table of a partition, as `ls` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableListing {
    /// Raw tree or feature set.
    pub tree: Tree,
    /// Partition.
    pub key: PartitionKey,
    /// Table name.
    pub table: String,
    /// Generation of the partition.
    pub generation: u32,
    /// Rows.
    pub rows: u64,
    /// Bytes of its files.
    pub bytes: u64,
    /// Segments that hold its rows.
    pub segments: usize,
    /// Content digest.
    pub digest: u128,
}

impl TableListing {
    /// The line of `ls --digest`: unit, rows, content digest. A table of a feature set is named `<set>/<table>`, so that
    /// its `book` is not taken for the imported one.
    #[must_use]
    pub fn digest_line(&self) -> String {
        let unit = UnitName { table: &self.table, key: &self.key };
        let set = match &self.tree {
            Tree::Raw => String::new(),
            Tree::Features(set) => format!("{set}/"),
        };
        format!("{set}{unit} {} {:032x}", self.rows, self.digest)
    }
}

impl Store {
    /// Keys of all partitions of a tree, sorted, from the folder names alone (a cut name from its manifest). A folder that
    /// was never published into is not listed apart: [`Store::manifest`] says so.
    ///
    /// # Errors
    /// `Io`.
    pub fn keys(&self, tree: &Tree) -> Result<Vec<PartitionKey>> {
        let mut keys = Vec::new();
        walk(&*self.storage, tree, &mut |found| {
            if let Found::Partition(place) = found {
                keys.extend(self.key_of(tree, place)?);
            }
            Ok(())
        })?;
        keys.sort();
        Ok(keys)
    }

    fn key_of(&self, tree: &Tree, place: Place) -> Result<Option<PartitionKey>> {
        if let (Unescaped::Name(venue), Unescaped::Name(security)) = (place.venue, place.security) {
            return Ok(Some(PartitionKey { venue, security, date: place.date }));
        }
        Ok(Folder::read(&*self.storage, tree, &place.path)?.manifest.map(|(manifest, _)| manifest.key))
    }

    /// Names of the feature sets, sorted.
    ///
    /// # Errors
    /// `Io`.
    pub fn sets(&self) -> Result<Vec<String>> {
        let entries = self.storage.list(layout::FEATURES.as_ref())?;
        let sets = entries.into_iter().filter(|e| e.kind == EntryKind::Dir && layout::check_set(&e.name).is_ok());
        Ok(sets.map(|e| e.name).collect())
    }

    /// The highest valid manifest of a partition, or `None` if it was never published.
    ///
    /// # Errors
    /// `Damage` if there are manifests and none is valid, `Io`.
    pub fn manifest(&self, tree: &Tree, key: &PartitionKey) -> Result<Option<Manifest>> {
        let mut folder = Folder::read(&*self.storage, tree, &layout::partition(tree, key))?;
        match (folder.manifest, folder.invalid.is_empty()) {
            (Some((manifest, _)), _) => Ok(Some(manifest)),
            (None, true) => Ok(None),
            (None, false) => Err(folder.invalid.swap_remove(0)),
        }
    }

    /// Opens a segment's file for reading (length checked against the manifest; the caller checks the identity).
    ///
    /// A later writer unlinks the files of old generations when it ends: on [`Error::is_not_found`] read the manifest again,
    /// or use [`Store::open_table`], which does.
    ///
    /// # Errors
    /// `Damage`, `Io`.
    pub fn open_segment(&self, tree: &Tree, key: &PartitionKey, segment: &Segment) -> Result<Arc<dyn ReadAt>> {
        let path = layout::partition(tree, key).join(layout::segment(segment));
        let file = self.storage.open(&path)?;
        if file.len() != segment.sealed.length {
            let want = format!("{} bytes", segment.sealed.length);
            return Err(Error::damage("S-13", want, format!("{} bytes", file.len())).in_file(path));
        }
        Ok(file)
    }

    /// The manifest of a partition and the open files of a table's segments, all of one generation.
    ///
    /// # Errors
    /// `Damage` also where a listed file is absent though no writer has moved on, `Io`.
    pub fn open_table(&self, tree: &Tree, key: &PartitionKey, table: &str) -> Result<Option<OpenTable>> {
        let mut seen = None;
        for _ in 0..RELIST {
            let Some(manifest) = self.manifest(tree, key)? else { return Ok(None) };
            let files: Result<Vec<_>> = manifest.table(table).map(|s| self.open_segment(tree, key, s)).collect();
            match files {
                Ok(files) => return Ok(Some((manifest, files))),
                Err(e) if e.is_not_found() && seen != Some(manifest.generation) => seen = Some(manifest.generation),
                Err(e) if e.is_not_found() => {
                    let path = layout::partition(tree, key);
                    return Err(
                        Error::damage("S-12", "every file that the manifest lists", e.to_string()).in_file(path)
                    );
                }
                Err(e) => return Err(e),
            }
        }
        let path = layout::partition(tree, key);
        Err(Error::io("open", path, std::io::Error::other("the partition is replaced faster than it can be opened")))
    }

    /// Every table of every partition of a tree, sorted by table, venue, security, date as they stand in the lines.
    ///
    /// # Errors
    /// `Damage` at the first partition without a valid manifest, `Io`.
    pub fn listing(&self, tree: &Tree) -> Result<Vec<TableListing>> {
        let mut lines = Vec::new();
        for key in self.keys(tree)? {
            let Some(manifest) = self.manifest(tree, &key)? else { continue };
            lines.extend(manifest.tables().into_iter().map(|table| TableListing {
                tree: tree.clone(),
                key: key.clone(),
                table: table.to_owned(),
                generation: manifest.generation,
                rows: manifest.table_rows(table),
                bytes: manifest.table_bytes(table),
                segments: manifest.copy_of(table).count(),
                digest: manifest.table_digest(table),
            }));
        }
        lines.sort_by_cached_key(|line| UnitName { table: &line.table, key: &line.key }.to_string());
        Ok(lines)
    }
}
