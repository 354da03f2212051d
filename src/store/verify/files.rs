//! One file of a partition against its manifest: there, of its length, with its hash.

use std::sync::Arc;

use super::{Finding, FindingKind};
use crate::error::{ErrorKind, Result};
use crate::schema::PartitionKey;
use crate::storage::ReadAt;
use crate::store::{Manifest, Segment, Store, Tree, hash_file, layout};

impl Store {
    /// Reads a segment's whole file and compares length and hash with the manifest's. The content is for
    /// `TableReader::verify`.
    ///
    /// # Errors
    /// None of the file's own: they are findings.
    pub fn verify_segment(&self, tree: &Tree, key: &PartitionKey, segment: &Segment) -> Option<Finding> {
        let path = layout::partition(tree, key).join(layout::segment(segment));
        let rows = segment.sealed.rows;
        let file = match self.open_segment(tree, key, segment) {
            Ok(file) => file,
            Err(e) if e.is_not_found() => {
                let what = "rule S-12: the manifest lists this file and it is not there";
                return Some(Finding::damage(FindingKind::Missing, path, what).rows(rows));
            }
            Err(e) => return Some(Finding::from_error(FindingKind::Changed, path, &e).rows(rows)),
        };
        match hash_file(&*file) {
            Ok(hash) if hash == segment.sealed.file_hash => None,
            Ok(hash) => {
                let what = format!("rule S-14: expected XXH3-128 {:032x}, got {hash:032x}", segment.sealed.file_hash);
                Some(Finding::damage(FindingKind::Changed, path, what).rows(rows))
            }
            Err(e) => Some(Finding::from_error(FindingKind::Changed, path, &e).rows(rows)),
        }
    }

    /// All partitions of a tree with their manifests, one by one: with [`Manifest::segments`] and [`Store::open_segment`]
    /// the way to every file. Partitions without a valid manifest are left out; [`Store::verify_structure`] names them.
    ///
    /// # Errors
    /// `Io`.
    pub fn manifests<'a>(&'a self, tree: &'a Tree) -> Result<impl Iterator<Item = Result<Manifest>> + 'a> {
        let keys = self.keys(tree)?;
        Ok(keys.into_iter().filter_map(|key| match self.manifest(tree, &key) {
            Ok(manifest) => manifest.map(Ok),
            Err(e) if matches!(e.kind(), ErrorKind::Damage(_)) => None,
            Err(e) => Some(Err(e)),
        }))
    }

    /// All trees: the raw one, then the feature sets by name.
    ///
    /// # Errors
    /// `Io`.
    pub fn trees(&self) -> Result<Vec<Tree>> {
        let sets = self.sets()?.into_iter().map(Tree::Features);
        Ok(std::iter::once(Tree::Raw).chain(sets).collect())
    }

    /// Structure and the hash of every file: all that the store knows without looking into tables. Sorted by path.
    ///
    /// # Errors
    /// `Io` of listing; what is wrong with files is found, not returned as an error.
    pub fn verify(&self) -> Result<Vec<Finding>> {
        let (mut findings, unlisted) = self.structure()?;
        findings.extend(self.verify_unlisted(unlisted)?);
        for tree in self.trees()? {
            for manifest in self.manifests(&tree)? {
                let manifest = manifest?;
                for segment in &manifest.segments {
                    let found = self.verify_segment(&tree, &manifest.key, segment);
                    // The structure reports lengths and absences already; a file may also be gone because a writer moved on.
                    let news = |f: &Finding| !findings.iter().any(|old| old.path == f.path);
                    let found = found.filter(|f| news(f) && self.is_current(&tree, &manifest));
                    findings.extend(found);
                }
            }
        }
        findings.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(findings)
    }

    fn is_current(&self, tree: &Tree, manifest: &Manifest) -> bool {
        matches!(self.manifest(tree, &manifest.key), Ok(Some(now)) if now.generation == manifest.generation)
    }
}

/// Length and hash of a whole file, or what went wrong.
pub(super) fn facts(file: &Arc<dyn ReadAt>) -> Result<(u64, u128)> {
    hash_file(&**file).map(|hash| (file.len(), hash))
}
