//! The store's structure against its ledger: every folder, every manifest, the lengths of all files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::files::facts;
use super::{Finding, FindingKind, KnownUnits};
use crate::error::{Error, Result};
use crate::storage::EntryKind;
use crate::store::folder::{Found, walk};
use crate::store::journal::{Head, LedgerCheck, Position, check};
use crate::store::{Store, Tree, identity, layout};

/// How often the whole look is repeated because a run moved HEAD meanwhile.
const ATTEMPTS: usize = 4;

/// Head and end of the ledger at the time of a look.
type Seen = (Option<Head>, Position);

/// A look under way.
pub(super) struct Look<'a> {
    pub(super) store: &'a Store,
    ledger: LedgerCheck,
    pub(super) known: KnownUnits,
    pub(super) findings: Vec<Finding>,
    /// Folders whose manifests are all damaged, each with the names of its other files.
    pub(super) unlisted: BTreeMap<PathBuf, Vec<String>>,
}

/// What a look found: the findings, and the folders whose files no manifest lists.
pub(super) type Looked = (Vec<Finding>, BTreeMap<PathBuf, Vec<String>>);

impl Store {
    /// Compares ledger, manifests and the lengths of all files, without reading the files. Decision 3: in a clean store any
    /// change of the ledger is damage; in an open one a torn tail and sealed files not yet entered are accepted.
    ///
    /// # Errors
    /// `Io` of listing.
    pub fn verify_structure(&self) -> Result<Vec<Finding>> {
        self.structure().map(|(findings, _)| findings)
    }

    pub(super) fn structure(&self) -> Result<Looked> {
        let mut attempt = 0;
        loop {
            let ((findings, unlisted), before) = self.look()?;
            let after = check(&*self.storage, self.start(), &mut |_| {})?;
            let has_moved = before.0 != after.head || before.1 != after.at;
            attempt += 1;
            if attempt == ATTEMPTS || !has_moved || findings.iter().all(|f| f.accepted) {
                return Ok((findings, unlisted));
            }
        }
    }

    pub(super) fn start(&self) -> Position {
        Position { records: 0, length: 0, last: identity::genesis(self.id) }
    }

    /// One look, and the head and the end of the ledger that it was made with.
    fn look(&self) -> Result<(Looked, Seen)> {
        let mut known = KnownUnits::default();
        let ledger = check(&*self.storage, self.start(), &mut |entry| known.note(&entry))?;
        let seen = (ledger.head.clone(), ledger.at);
        let mut look = Look { store: self, ledger, known, findings: Vec::new(), unlisted: BTreeMap::new() };
        look.journal()?;
        look.tree(&Tree::Raw)?;
        look.features()?;
        look.single_files(Path::new(layout::QUARANTINE), &Tree::Raw)?;
        look.staging()?;
        let mut findings = look.findings;
        for (path, known) in look.known.rest() {
            findings.push(
                Finding::damage(FindingKind::Missing, path, "rule S-15: in the ledger, not in the store")
                    .rows(known.rows),
            );
        }
        findings.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(((findings, look.unlisted), seen))
    }
}

impl Look<'_> {
    /// True if a run on the tree is under way or was interrupted.
    pub(super) fn is_open(&self, tree: &Tree) -> bool {
        let is_lane_of = |lane: &String| match tree {
            Tree::Raw => lane == "raw",
            Tree::Features(set) => {
                let rest = lane.strip_prefix("set.").and_then(|rest| rest.strip_prefix(set.as_str()));
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            }
        };
        self.ledger.head.as_ref().is_some_and(|head| head.open.iter().any(is_lane_of))
    }

    pub(super) fn add(
        &mut self,
        kind: FindingKind,
        path: impl Into<PathBuf>,
        what: impl Into<String>,
        rows: u64,
        accepted: bool,
    ) {
        self.findings.push(Finding::damage(kind, path, what).rows(rows).accepted_if(accepted));
    }

    fn journal(&mut self) -> Result<()> {
        if let Some(e) = self.ledger.damage.take() {
            let path = match e.kind() {
                crate::error::ErrorKind::Damage(d) => d.path.clone(),
                _ => layout::ledger(),
            };
            self.findings.push(Finding::from_error(FindingKind::Ledger, path, &e));
        } else if self.ledger.torn > 0 {
            let what = format!("a killed run left {} bytes of a record; the next run cuts them", self.ledger.torn);
            self.add(FindingKind::Ledger, layout::ledger(), what, 0, true);
        }
        for entry in self.store.storage.list(Path::new(layout::JOURNAL))? {
            let path = Path::new(layout::JOURNAL).join(&entry.name);
            let checked = self.store.check_failures(&path).or_else(|| self.store.check_source_names(&path));
            if let Some(checked) = checked.filter(|_| entry.kind == EntryKind::File) {
                let damaged = checked.err().map(|e| Finding::from_error(FindingKind::Changed, path, &e));
                self.findings.extend(damaged);
                continue;
            }
            let is_ours = path == layout::ledger() || path == layout::head() || entry.name.ends_with(".lock");
            if !is_ours || entry.kind != EntryKind::File {
                self.add(FindingKind::Foreign, path, "rule S-23: not a file of the journal", 0, false);
            }
        }
        Ok(())
    }

    fn tree(&mut self, tree: &Tree) -> Result<()> {
        let mut places = Vec::new();
        walk(&*self.store.storage, tree, &mut |found| {
            match found {
                Found::Partition(place) => places.push(place.path),
                Found::Strange(path) => {
                    self.add(FindingKind::Foreign, path, "rule S-23: not a part of the store", 0, false);
                }
            }
            Ok(())
        })?;
        places.iter().try_for_each(|path| self.partition(tree, path))
    }

    fn features(&mut self) -> Result<()> {
        for entry in self.store.storage.list(Path::new(layout::FEATURES))? {
            let path = Path::new(layout::FEATURES).join(&entry.name);
            if entry.kind != EntryKind::Dir || layout::check_set(&entry.name).is_err() {
                self.add(FindingKind::Foreign, path, "rule S-23: not a feature set", 0, false);
                continue;
            }
            let tree = Tree::Features(entry.name);
            self.tree(&tree)?;
            self.single_files(&path, &tree)?;
        }
        Ok(())
    }

    /// Units of one file: the set file of a set, the files in the quarantine.
    fn single_files(&mut self, folder: &Path, tree: &Tree) -> Result<()> {
        let is_open = self.is_open(tree);
        for entry in self.store.storage.list(folder)? {
            if *tree != Tree::Raw && entry.name != layout::SET_FILE {
                continue;
            }
            let path = folder.join(&entry.name);
            let known = self.known.take(&path);
            let file = match self.store.storage.open(&path).and_then(|file| facts(&file)) {
                Ok(file) => file,
                Err(e) => {
                    self.findings.push(Finding::from_error(FindingKind::Changed, path, &e));
                    continue;
                }
            };
            match known {
                Some(k) if (k.length, k.hash) == file => {}
                // A set file says itself whether it is whole, entered or not.
                _ if is_open => match self.set_fault(tree) {
                    Some(e) => self.findings.push(Finding::from_error(FindingKind::Changed, path, &e)),
                    None => self.add(FindingKind::NotEntered, path, "not yet in the ledger", 0, true),
                },
                Some(k) => {
                    let what = format!("rule S-14: expected {} bytes with XXH3-128 {:032x}", k.length, k.hash);
                    self.add(FindingKind::Changed, path, what, 0, false);
                }
                None => self.add(FindingKind::Foreign, path, "rule S-23: not in the ledger", 0, false),
            }
        }
        Ok(())
    }

    /// What is wrong with the set file of a feature set.
    fn set_fault(&self, tree: &Tree) -> Option<Error> {
        let Tree::Features(set) = tree else { return None };
        self.store.set_config(set).err()
    }

    /// Whatever is in staging harms nobody, and a run that was killed before its first publish leaves the store clean.
    fn staging(&mut self) -> Result<()> {
        for entry in self.store.storage.list(Path::new(layout::STAGING))? {
            let path = Path::new(layout::STAGING).join(entry.name);
            self.add(FindingKind::Leftover, path, "of a run that is under way or was killed", 0, true);
        }
        Ok(())
    }
}
