//! A file system in memory that knows what was synced, so that a test can cut its power. For tests only.
//!
//! The model: a file's bytes are durable after its `sync`, a folder's entries after its `sync_dir`. At a crash whatever was
//! not synced is lost, kept, or lost entry by entry by a coin ([`Crash`]): the three orders a real disk may choose among.

mod disk;
mod handles;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::disk::{Disk, Node, file};
use self::handles::{MemoryFile, MemoryLock, MemoryReader};
use super::scratch::{MemoryScratch, ScratchFile};
use super::{DirEntry, EntryKind, HeldLock, LockMode, ReadAt, Storage, WriteFile};
use crate::error::{Error, ErrorKind, Result};

/// What happens to the unsynced part at a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// All of it is lost.
    Lost,
    /// All of it survives: the process died, the machine did not.
    Kept,
    /// Each directory entry and each file's unsynced bytes are lost or kept by a coin with this seed.
    Coin(u64),
}

/// A file system in memory.
#[derive(Clone, Debug)]
pub struct MemoryStorage {
    disk: Arc<Mutex<Disk>>,
}

impl Default for MemoryStorage {
    fn default() -> Self {
        let root = Node::Dir { now: BTreeMap::new(), durable: BTreeMap::new() };
        Self { disk: Arc::new(Mutex::new(Disk { nodes: vec![root], locked: BTreeSet::new() })) }
    }
}

impl MemoryStorage {
    /// An empty file system.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The file system as it is found after a crash now. This one stays as it is.
    #[must_use]
    pub fn crash(&self, how: Crash) -> Self {
        let disk = self.disk();
        let mut coin = Coin(match how {
            Crash::Coin(seed) => seed | 1,
            _ => 1,
        });
        let mut survives = move || match how {
            Crash::Lost => false,
            Crash::Kept => true,
            Crash::Coin(_) => coin.flip(),
        };
        let mut nodes = Vec::with_capacity(disk.nodes.len());
        for node in &disk.nodes {
            nodes.push(match node {
                Node::File { now, durable } => {
                    let bytes = if survives() { now.clone() } else { durable.clone() };
                    Node::File { now: bytes.clone(), durable: bytes }
                }
                Node::Dir { now, durable } => {
                    let names: BTreeSet<&String> = now.keys().chain(durable.keys()).collect();
                    let mut entries = BTreeMap::new();
                    for name in names {
                        let entry = if survives() { now.get(name) } else { durable.get(name) };
                        entry.map(|id| entries.insert(name.clone(), *id));
                    }
                    Node::Dir { now: entries.clone(), durable: entries }
                }
            });
        }
        Self { disk: Arc::new(Mutex::new(Disk { nodes, locked: BTreeSet::new() })) }
    }

    /// Every file with its bytes, by path: what a comparison of two stores looks at.
    #[must_use]
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let disk = self.disk();
        let mut files = BTreeMap::new();
        let mut open = vec![(String::new(), 0)];
        while let Some((path, id)) = open.pop() {
            match &disk.nodes[id] {
                Node::File { now, .. } => {
                    files.insert(path, now.clone());
                }
                Node::Dir { now, .. } => {
                    let inside = |name: &String| if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
                    open.extend(now.iter().map(|(name, id)| (inside(name), *id)));
                }
            }
        }
        files
    }

    /// Changes a file's bytes behind everybody's back; absent files are created, with their folder's entry durable.
    pub fn edit(&self, path: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let path = Path::new(path);
        let mut disk = self.disk();
        let id = disk.find(path).or_else(|_| disk.make(path, file(), false));
        if let Ok(Node::File { now, durable }) = id.map(|id| &mut disk.nodes[id]) {
            change(now);
            durable.clone_from(now);
        }
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A xorshift generator: the coin of [`Crash::Coin`].
struct Coin(u64);

impl Coin {
    fn flip(&mut self) -> bool {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 32) & 1 == 1
    }
}

impl Storage for MemoryStorage {
    fn create(&self, path: &Path) -> Result<Box<dyn WriteFile>> {
        let id = self.disk().make(path, file(), false).map_err(|e| Error::io("create", path, e))?;
        Ok(Box::new(MemoryFile { disk: Arc::clone(&self.disk), id }))
    }

    fn scratch(&self, _path: &Path) -> Result<Box<dyn ScratchFile>> {
        Ok(Box::new(MemoryScratch::default()))
    }

    fn append(&self, path: &Path) -> Result<Box<dyn WriteFile>> {
        let id = self.disk().make(path, file(), true).map_err(|e| Error::io("open", path, e))?;
        Ok(Box::new(MemoryFile { disk: Arc::clone(&self.disk), id }))
    }

    fn open(&self, path: &Path) -> Result<Arc<dyn ReadAt>> {
        let mut disk = self.disk();
        let bytes = disk.find(path).and_then(|id| disk.bytes(id).cloned()).map_err(|e| Error::io("open", path, e))?;
        Ok(Arc::new(MemoryReader { bytes, path: path.to_owned() }))
    }

    fn truncate(&self, path: &Path, len: u64) -> Result<()> {
        let mut disk = self.disk();
        let id = disk.find(path).map_err(|e| Error::io("truncate", path, e))?;
        if let Node::File { now, durable } = &mut disk.nodes[id] {
            now.truncate(usize::try_from(len).unwrap_or(usize::MAX));
            durable.clone_from(now);
        }
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        let mut disk = self.disk();
        let mut step = || {
            let id = disk.find(from)?;
            let (from_folder, from_name) = disk.parent(from)?;
            let (to_folder, to_name) = disk.parent(to)?;
            disk.entries(to_folder)?.insert(to_name, id);
            disk.entries(from_folder)?.remove(&from_name);
            Ok(())
        };
        step().map_err(|e| Error::io("rename", to, e))
    }

    fn remove_file(&self, path: &Path) -> Result<()> {
        self.disk().remove(path, false).map_err(|e| Error::io("unlink", path, e))
    }

    fn remove_dir(&self, path: &Path) -> Result<()> {
        self.disk().remove(path, true).map_err(|e| Error::io("rmdir", path, e))
    }

    fn create_dir(&self, path: &Path) -> Result<bool> {
        let node = Node::Dir { now: BTreeMap::new(), durable: BTreeMap::new() };
        let mut disk = self.disk();
        if disk.find(path).is_ok() {
            return Ok(false);
        }
        disk.make(path, node, false).map(|_| true).map_err(|e| Error::io("mkdir", path, e))
    }

    fn create_private_dir(&self, path: &Path) -> Result<bool> {
        self.create_dir(path)
    }

    fn sync_dir(&self, path: &Path) -> Result<()> {
        let mut disk = self.disk();
        let id = disk.find(path).map_err(|e| Error::io("fsync", path, e))?;
        if let Node::Dir { now, durable } = &mut disk.nodes[id] {
            durable.clone_from(now);
        }
        Ok(())
    }

    fn sync_all(&self) -> Result<()> {
        for node in &mut self.disk().nodes {
            match node {
                Node::File { now, durable } => durable.clone_from(now),
                Node::Dir { now, durable } => durable.clone_from(now),
            }
        }
        Ok(())
    }

    fn list(&self, path: &Path) -> Result<Vec<DirEntry>> {
        let mut disk = self.disk();
        let Ok(id) = disk.find(path) else { return Ok(Vec::new()) };
        let entries = disk.entries(id).map_err(|e| Error::io("list", path, e))?.clone();
        let kind = |id: usize| match disk.nodes[id] {
            Node::Dir { .. } => EntryKind::Dir,
            Node::File { .. } => EntryKind::File,
        };
        Ok(entries.into_iter().map(|(name, id)| DirEntry { name, kind: kind(id) }).collect())
    }

    fn lock(&self, path: &Path, _mode: LockMode) -> Result<Box<dyn HeldLock>> {
        let mut disk = self.disk();
        let id = disk.make(path, file(), true).map_err(|e| Error::io("lock", path, e))?;
        if !disk.locked.insert(id) {
            return Err(Error::new(ErrorKind::Locked { what: path.display().to_string(), pid: None }));
        }
        Ok(Box::new(MemoryLock { disk: Arc::clone(&self.disk), id }))
    }
}
