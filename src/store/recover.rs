//! Mending what an interrupted run left, and cleaning up at a run's end. Both may be interrupted themselves and repeated.
//!
//! Only whole, hashed partitions are entered; only files that nothing can refer to are removed. Where ledger and folder
//! contradict each other the folder is left alone and reported.

use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_128;

use super::folder::{Folder, Found, walk};
use super::journal::{Entry, Kind};
use super::layout::{self, PartFile};
use super::verify::{Finding, FindingKind, Known, KnownUnits};
use super::{Manifest, Publisher};
use crate::error::Result;

/// Entries that are appended at once.
const BATCH: usize = 1024;
/// More folders than this are synced by one `syncfs`.
const SYNC_EACH: usize = 64;

impl Publisher {
    /// Checks the ledger, cuts its torn tail, and where this lane was interrupted looks at every folder of its tree.
    pub(super) fn recover(&mut self) -> Result<()> {
        let mut known = KnownUnits::default();
        let (head, torn) = self.journal.catch_up(&mut |entry| known.note(&entry))?;
        if torn > 0 {
            let what = format!("cut {torn} bytes of a record that a killed run left");
            self.recovered.push(Finding::damage(FindingKind::Ledger, layout::ledger(), what).accepted_if(true));
        }
        if head.open.iter().any(|lane| self.owns_lane(lane)) {
            self.is_open = true;
            self.mend(&known)?;
        }
        Ok(())
    }

    /// The end of a run: old generations go. After a failed batch every folder is looked at.
    pub(super) fn tidy(&mut self) -> Result<()> {
        let folders = std::mem::take(&mut self.untidy);
        let mut touched = Vec::new();
        for folder in folders {
            let found = Folder::read(self.storage(), &self.tree, &folder)?;
            if let Some((manifest, _)) = &found.manifest
                && self.remove_unlisted(&folder, &found, manifest)?
            {
                touched.push(folder);
            }
        }
        self.sync_each(&touched)?;
        if self.has_failed && !self.is_shard {
            let mut known = KnownUnits::default();
            let genesis = super::identity::genesis(self.store.id);
            let mut journal = super::journal::Journal::new(self.store.storage.clone(), genesis, &self.lane);
            journal.catch_up(&mut |entry| known.note(&entry))?;
            self.mend(&known)?;
            self.has_failed = false;
        }
        Ok(())
    }

    fn sync_each(&self, folders: &[PathBuf]) -> Result<()> {
        if folders.len() > SYNC_EACH {
            return self.storage().sync_all();
        }
        folders.iter().try_for_each(|folder| self.storage().sync_dir(folder))
    }

    /// Looks at every folder of the tree: enters what is sealed and whole, removes what no manifest lists.
    fn mend(&mut self, known: &KnownUnits) -> Result<()> {
        let mut places = Vec::new();
        walk(self.storage(), &self.tree, &mut |found| {
            if let Found::Partition(place) = found {
                places.push(place.path);
            }
            Ok(())
        })?;
        let mut entries = Vec::new();
        let mut touched = Vec::new();
        for place in places {
            entries.extend(self.mend_folder(&place, known.get(&place), &mut touched)?);
            if entries.len() >= BATCH {
                self.enter(&mut entries)?;
            }
        }
        entries.extend(self.mend_single_files(known)?);
        self.enter(&mut entries)?;
        self.sync_each(&touched)
    }

    /// Enters what was found whole. Its files were synced before their renames; the renames may not have been.
    fn enter(&mut self, entries: &mut Vec<Entry>) -> Result<()> {
        if entries.is_empty() {
            return Ok(());
        }
        let folders: Vec<PathBuf> = entries.iter().map(|e| e.unit.folder()).collect();
        let all: std::collections::BTreeSet<PathBuf> =
            folders.iter().flat_map(|f| f.ancestors()).map(Path::to_owned).collect();
        self.sync_each(&all.into_iter().collect::<Vec<_>>())?;
        self.journal.append(entries)?;
        for entry in entries.drain(..) {
            let what = "sealed by a killed run; entered";
            self.recovered.push(Finding::damage(FindingKind::NotEntered, entry.unit.folder(), what).accepted_if(true));
        }
        Ok(())
    }

    fn mend_folder(&mut self, path: &Path, known: Option<Known>, touched: &mut Vec<PathBuf>) -> Result<Option<Entry>> {
        let folder = Folder::read(self.storage(), &self.tree, path)?;
        if let Some(e) = folder.invalid.first() {
            self.recovered.push(Finding::from_error(FindingKind::Changed, path, e));
            return Ok(None);
        }
        let Some((manifest, bytes)) = &folder.manifest else {
            if known.is_none() {
                self.remove_unpublished(path, &folder)?;
            }
            return Ok(None);
        };
        let is_entered = known.is_some_and(|k| k.hash == xxh3_128(bytes));
        let contradicts = known.is_some_and(|k| k.generation >= manifest.generation) && !is_entered;
        if contradicts {
            let what = "rule S-15: the ledger has another generation; left as it is";
            self.recovered.push(Finding::damage(FindingKind::Stale, path, what));
            return Ok(None);
        }
        let mut entry = None;
        if !is_entered {
            if let Some(finding) = self.first_fault(manifest) {
                self.recovered.push(finding);
                return Ok(None);
            }
            entry = Some(Entry::of_manifest(Kind::Recovered, &self.tree, manifest, bytes));
        }
        if self.remove_unlisted(path, &folder, manifest)? {
            touched.push(path.to_owned());
        }
        Ok(entry)
    }

    pub(super) fn first_fault(&self, manifest: &Manifest) -> Option<Finding> {
        manifest.segments.iter().find_map(|s| self.store.verify_segment(&self.tree, &manifest.key, s))
    }

    /// Removes our files that the manifest does not list, manifests first: a manifest never outlives its files.
    fn remove_unlisted(&self, path: &Path, folder: &Folder, manifest: &Manifest) -> Result<bool> {
        let own = layout::manifest(manifest.generation);
        let is_listed = |name: &str| name == own || manifest.segments.iter().any(|s| layout::segment(s) == name);
        let (mut manifests, mut segments) = (Vec::new(), Vec::new());
        for (name, file) in folder.files.iter().filter(|(name, _)| !is_listed(name)) {
            match file {
                PartFile::Manifest(_) => manifests.push(name),
                PartFile::Segment(_) => segments.push(name),
            }
        }
        for name in manifests.iter().chain(&segments) {
            self.storage().remove_file(&path.join(name))?;
        }
        Ok(manifests.len() + segments.len() > 0)
    }

    /// Removes files of a partition that never was, and its folders where nothing else is in them.
    fn remove_unpublished(&self, path: &Path, folder: &Folder) -> Result<()> {
        for (name, _) in &folder.files {
            self.storage().remove_file(&path.join(name))?;
        }
        let top = layout::tree(&self.tree);
        for level in path.ancestors().take_while(|level| *level != top) {
            if !self.storage().list(level)?.is_empty() {
                break;
            }
            self.storage().remove_dir(level)?;
        }
        Ok(())
    }

    /// Units of one file that were renamed into place but not entered.
    fn mend_single_files(&self, known: &KnownUnits) -> Result<Vec<Entry>> {
        let files = self.store.single_files(&self.tree)?.into_iter();
        let news = files.filter(|(unit, file)| {
            let path = unit.folder().join(&file.name);
            known.get(&path).is_none_or(|k| (k.length, k.hash) != (file.length, file.hash))
        });
        Ok(news.map(|(unit, file)| Entry::of_file(Kind::Recovered, unit, file)).collect())
    }
}
