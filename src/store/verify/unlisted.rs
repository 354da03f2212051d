//! Files of a partition whose manifests are all damaged: the ledger lists them too, with length and hash.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::files::facts;
use super::{Finding, FindingKind};
use crate::error::Result;
use crate::store::Store;
use crate::store::journal::{Entry, FileFact, Kind, check};

impl Store {
    /// The files of these folders against the ledger's last word on them. Rows are not counted again: the finding of the
    /// manifest has them.
    ///
    /// # Errors
    /// `Io` of the ledger.
    pub(super) fn verify_unlisted(&self, folders: BTreeMap<PathBuf, Vec<String>>) -> Result<Vec<Finding>> {
        let mut known: BTreeMap<PathBuf, Entry> = BTreeMap::new();
        if !folders.is_empty() {
            check(&*self.storage, self.start(), &mut |entry| {
                let folder = entry.unit.folder();
                if entry.kind == Kind::Removed {
                    known.remove(&folder);
                } else if folders.contains_key(&folder) {
                    known.insert(folder, entry);
                }
            })?;
        }
        let mut findings = Vec::new();
        for (folder, names) in folders {
            // What the ledger does not know is foreign as a whole, or stands at the wrong place: the manifest's finding says so.
            let Some(entry) = known.get(&folder) else { continue };
            // The first file is the manifest.
            let listed = entry.files.get(1..).unwrap_or_default();
            findings.extend(listed.iter().filter_map(|fact| self.verify_fact(&folder, fact)));
            for name in names.iter().filter(|name| !listed.iter().any(|fact| fact.name == **name)) {
                let what = "rule S-24: the ledger does not list it, and no sound manifest does";
                findings.push(Finding::damage(FindingKind::Leftover, folder.join(name), what));
            }
        }
        Ok(findings)
    }

    fn verify_fact(&self, folder: &Path, fact: &FileFact) -> Option<Finding> {
        let path = folder.join(&fact.name);
        match self.storage.open(&path).and_then(|file| facts(&file)) {
            Ok(found) if found == (fact.length, fact.hash) => None,
            Ok((length, hash)) => {
                let what = format!(
                    "rule S-14: the ledger has {} bytes with XXH3-128 {:032x}, got {length} bytes with {hash:032x}",
                    fact.length, fact.hash
                );
                Some(Finding::damage(FindingKind::Changed, path, what))
            }
            Err(e) if e.is_not_found() => {
                let what = "rule S-12: the ledger lists this file and it is not there";
                Some(Finding::damage(FindingKind::Missing, path, what))
            }
            Err(e) => Some(Finding::from_error(FindingKind::Changed, path, &e)),
        }
    }
}
