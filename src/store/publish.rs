//! The publish protocol, for a batch of partitions: when [`Publisher::publish`] returns, each of them survives power loss.
//!
//! 1. the lane is marked open in HEAD (first batch only);
//! 2. every file and manifest is complete in staging, sealed and synced;
//! 3. the files are renamed into the partitions' folders, and those folders and every folder above are synced;
//! 4. the manifests are renamed into place, the one step that readers see, and the folders synced again;
//! 5. one append to the ledger holds a record for each partition, synced once.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::journal::{Entry, FileFact, Kind, Unit};
use super::publisher::misuse;
use super::{Publication, Publisher, Segment, Staged, layout};
use crate::error::{Error, ErrorKind, Result};
use crate::storage::WriteFile;

/// More files than this are synced by one `syncfs` instead of one by one.
const SYNC_EACH: usize = 64;

/// One partition on its way.
#[derive(Debug)]
struct Work {
    folder: PathBuf,
    /// Complete in staging, and the name it gets.
    files: Vec<(Staged, PathBuf)>,
    manifest: (Staged, PathBuf),
    entry: Entry,
    /// The folder holds an older generation, or damaged manifests.
    is_known: bool,
}

impl Publisher {
    /// Publishes a batch of partitions: sync every file, rename, manifests, sync each folder once, ledger records, ledger
    /// sync. When it returns, every partition of the batch is durable; on an error the batch may be repeated with newly
    /// staged files.
    ///
    /// # Errors
    /// `Io`, `Damage`, `Usage` where the batch breaks the contract of [`Publication`].
    pub fn publish(&mut self, batch: Vec<Publication>) -> Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        self.open_lane()?;
        let count = batch.iter().map(|p| p.staged.len() + 1).sum::<usize>();
        let is_closed = batch.iter().flat_map(|p| &p.staged).any(|staged| staged.is_closed);
        let at_once = count > SYNC_EACH || is_closed;
        let mut work = Vec::with_capacity(batch.len());
        let mut keys = BTreeSet::new();
        for publication in batch {
            if !keys.insert(publication.manifest.key.clone()) {
                return Err(misuse("one partition twice in a batch"));
            }
            work.push(self.complete(publication, at_once)?);
        }
        if at_once {
            self.storage().sync_all()?;
        } else {
            let staged = work.iter_mut().flat_map(|w| w.files.iter_mut().chain([&mut w.manifest]));
            // A failed sync loses the batch: its files go with the staging folder and are never synced again.
            let mut files: Vec<&mut dyn WriteFile> = staged.map(|(staged, _)| &mut *staged.file as _).collect();
            self.storage().sync_files(&mut files)?;
        }
        let entries: Vec<Entry> = work.iter().map(|w| w.entry.clone()).collect();
        let done = self.move_in(&work, at_once).and_then(|()| self.journal.append(&entries));
        // What a failed batch left in the folders is for the end of the run to look at.
        self.has_failed |= done.is_err();
        self.untidy.extend(work.into_iter().filter(|w| w.is_known).map(|w| w.folder));
        done
    }

    pub(super) fn open_lane(&mut self) -> Result<()> {
        if !self.is_open {
            self.journal.open_lane()?;
            self.is_open = true;
        }
        Ok(())
    }

    /// Checks a publication and completes its files in staging; those of a batch that is synced at once need no descriptor.
    fn complete(&mut self, publication: Publication, at_once: bool) -> Result<Work> {
        let Publication { manifest, staged } = publication;
        manifest.check()?;
        let (current, is_known) = match self.store.manifest(&self.tree, &manifest.key) {
            Ok(current) => (current.clone(), current.is_some()),
            // All its manifests are damaged: the new one replaces them.
            Err(e) if matches!(e.kind(), ErrorKind::Damage(_)) => (None, true),
            Err(e) => return Err(e),
        };
        let stored = current.as_ref().map_or(0, |m| m.generation);
        if manifest.generation != stored.max(1) && Some(manifest.generation) != stored.checked_add(1) {
            return Err(misuse(format!("generation {} after {stored}", manifest.generation)));
        }
        let (new, carried): (Vec<&Segment>, Vec<&Segment>) =
            manifest.segments.iter().partition(|s| s.generation == manifest.generation);
        let is_stored = |s: &Segment| current.as_ref().is_some_and(|m| m.segments.contains(s));
        if let Some(s) = carried.iter().find(|s| !is_stored(s)) {
            return Err(misuse(format!("{} is carried over but not stored", layout::segment(s))));
        }
        if new.len() != staged.len() {
            return Err(misuse(format!("{} staged files for {} new segments", staged.len(), new.len())));
        }
        let folder = layout::partition(&self.tree, &manifest.key);
        let mut files = Vec::with_capacity(new.len());
        for (segment, mut staged) in new.into_iter().zip(staged) {
            if at_once {
                staged.close()?
            } else {
                staged.seal()?
            }
            files.push((staged, folder.join(layout::segment(segment))));
        }
        let bytes = manifest.to_bytes();
        let mut aside = self.stage()?;
        aside.file.write_all(&bytes).map_err(|e| Error::io("write", &aside.path, e))?;
        if at_once {
            aside.close()?
        } else {
            aside.seal()?
        }
        let manifest_to = folder.join(layout::manifest(manifest.generation));
        Ok(Work {
            manifest: (aside, manifest_to),
            entry: Entry::of_manifest(Kind::Published, &self.tree, &manifest, &bytes),
            files,
            folder,
            is_known,
        })
    }

    fn move_in(&self, work: &[Work], at_once: bool) -> Result<()> {
        for unit in work {
            self.make_folders(&unit.folder)?;
            for (from, to) in &unit.files {
                self.storage().rename(&from.path, to)?;
            }
        }
        let mut folders: BTreeSet<&Path> = work.iter().map(|w| w.folder.as_path()).collect();
        let own = folders.clone();
        folders.extend(work.iter().flat_map(|w| w.folder.ancestors().skip(1)));
        self.sync_folders(&folders, at_once)?;
        for unit in work {
            self.storage().rename(&unit.manifest.0.path, &unit.manifest.1)?;
        }
        self.sync_folders(&own, at_once)
    }

    pub(super) fn make_folders(&self, folder: &Path) -> Result<()> {
        match self.storage().create_dir(folder) {
            Err(e) if e.is_not_found() => {}
            other => return other.map(|_| ()),
        }
        let levels: Vec<&Path> = folder.ancestors().filter(|p| !p.as_os_str().is_empty()).collect();
        for level in levels.into_iter().rev() {
            self.storage().create_dir(level)?;
        }
        Ok(())
    }

    fn sync_folders(&self, folders: &BTreeSet<&Path>, at_once: bool) -> Result<()> {
        if at_once {
            return self.storage().sync_all();
        }
        self.storage().sync_dirs(&folders.iter().copied().collect::<Vec<_>>())
    }

    /// Publishes a unit that is one file, replacing the one of that name.
    pub(super) fn publish_single(&mut self, unit: Unit, mut staged: Staged, file: FileFact) -> Result<()> {
        self.open_lane()?;
        let folder = unit.folder();
        staged.seal()?;
        staged.file.sync()?;
        self.make_folders(&folder)?;
        self.storage().rename(&staged.path, &folder.join(&file.name))?;
        let folders: BTreeSet<&Path> = folder.ancestors().collect();
        let done = self.sync_folders(&folders, false);
        let done = done.and_then(|()| self.journal.append(&[Entry::of_file(Kind::Published, unit, file)]));
        self.has_failed |= done.is_err();
        done
    }
}
