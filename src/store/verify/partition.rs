//! One partition's folder against the ledger.

use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_128;

use super::structure::Look;
use super::{Finding, FindingKind, Known};
use crate::error::{Error, ErrorKind, Result};
use crate::store::folder::Folder;
use crate::store::layout::PartFile;
use crate::store::{Manifest, Segment, Tree, layout};

impl Look<'_> {
    /// Looks at one folder: what does not belong there, the manifest against the ledger, the files against the manifest.
    pub(super) fn partition(&mut self, tree: &Tree, path: &Path) -> Result<()> {
        let folder = Folder::read(&*self.store.storage, tree, path)?;
        let is_open = self.is_open(tree);
        let known = self.known.take(path);
        let rows = known.map_or(0, |k| k.rows);
        for name in &folder.strange {
            self.add(FindingKind::Foreign, path.join(name), "rule S-23: not a file of a partition", 0, false);
        }
        for e in &folder.invalid {
            let file = damaged_file(e).unwrap_or_else(|| path.to_owned());
            self.findings.push(Finding::from_error(FindingKind::Changed, file, e).rows(rows));
        }
        let Some((manifest, bytes)) = &folder.manifest else {
            if known.is_some() && folder.invalid.is_empty() {
                self.add(FindingKind::Missing, path, "rule S-15: in the ledger, but without a manifest", rows, false);
            } else if known.is_none() && folder.invalid.is_empty() && !folder.files.is_empty() {
                self.add(FindingKind::Leftover, path, "rule S-24: files without a manifest", 0, is_open);
            } else if !folder.invalid.is_empty() {
                let segments = folder.files.iter().filter(|(_, file)| matches!(file, PartFile::Segment(_)));
                self.unlisted.insert(path.to_owned(), segments.map(|(name, _)| name.clone()).collect());
            }
            return Ok(());
        };
        self.generation(path, manifest, xxh3_128(bytes), known, is_open);
        let mut listed = vec![layout::manifest(manifest.generation)];
        for segment in &manifest.segments {
            listed.push(layout::segment(segment));
            self.findings.extend(self.length(path, segment));
        }
        for (name, _) in folder.files.iter().filter(|(name, _)| !listed.contains(name)) {
            let file = path.join(name);
            let is_told = folder.invalid.iter().any(|e| damaged_file(e).as_ref() == Some(&file));
            if !is_told {
                let then = if is_open { "the next run removes it" } else { "no run left it: remove it by hand" };
                let what = format!("rule S-24: the manifest does not list it; {then}");
                self.add(FindingKind::Leftover, file, what, 0, is_open);
            }
        }
        Ok(())
    }

    /// The partition's manifest against the ledger's last word.
    fn generation(&mut self, path: &Path, manifest: &Manifest, hash: u128, known: Option<Known>, is_open: bool) {
        let rows = manifest.tables().iter().fold(0_u64, |sum, t| sum.saturating_add(manifest.table_rows(t)));
        match known {
            Some(k) if k.hash == hash => {}
            Some(k) if k.generation > manifest.generation => {
                let what = format!("rule S-15: generation {}, the ledger has {}", manifest.generation, k.generation);
                self.add(FindingKind::Stale, path, what, k.rows, false);
            }
            Some(k) if k.generation == manifest.generation => {
                let what = format!("rule S-14: expected XXH3-128 {:032x}, got {hash:032x}", k.hash);
                let file = path.join(layout::manifest(manifest.generation));
                self.add(FindingKind::Changed, file, what, rows, false);
            }
            _ if is_open => {
                let what = "sealed, not yet in the ledger; the next run enters it";
                self.add(FindingKind::NotEntered, path, what, rows, true);
            }
            // A damaged ledger ends early: what it does not know is not foreign by that.
            _ if self.findings.iter().any(|f| f.kind == FindingKind::Ledger && !f.accepted) => {}
            _ => {
                let what = "rule S-23: not in the ledger; `hftcol adopt` enters it";
                self.add(FindingKind::Foreign, path, what, rows, false);
            }
        }
    }

    /// A listed file is there and has its length.
    fn length(&self, folder: &Path, segment: &Segment) -> Option<Finding> {
        let path = folder.join(layout::segment(segment));
        let rows = segment.sealed.rows;
        match self.store.storage.open(&path) {
            Ok(file) if file.len() == segment.sealed.length => None,
            Ok(file) => {
                let what = format!("rule S-13: expected {} bytes, got {}", segment.sealed.length, file.len());
                Some(Finding::damage(FindingKind::Changed, path, what).rows(rows))
            }
            Err(e) if e.is_not_found() => {
                let what = "rule S-12: the manifest lists this file and it is not there";
                Some(Finding::damage(FindingKind::Missing, path, what).rows(rows))
            }
            Err(e) => Some(Finding::from_error(FindingKind::Changed, path, &e).rows(rows)),
        }
    }
}

fn damaged_file(e: &Error) -> Option<PathBuf> {
    match e.kind() {
        ErrorKind::Damage(d) if !d.path.as_os_str().is_empty() => Some(d.path.clone()),
        _ => None,
    }
}
