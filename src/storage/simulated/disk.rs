//! The folders and files of the simulated disk, each as it is now and as it was last synced.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Component, Path};

const ENOENT: i32 = 2;
const EEXIST: i32 = 17;
const ENOTDIR: i32 = 20;
const EISDIR: i32 = 21;
const ENOTEMPTY: i32 = 39;

#[derive(Clone, Debug)]
pub(super) enum Node {
    File { now: Vec<u8>, durable: Vec<u8> },
    Dir { now: BTreeMap<String, usize>, durable: BTreeMap<String, usize> },
}

#[derive(Debug)]
pub(super) struct Disk {
    pub(super) nodes: Vec<Node>,
    pub(super) locked: BTreeSet<usize>,
}

pub(super) fn file() -> Node {
    Node::File { now: Vec::new(), durable: Vec::new() }
}

fn errno(code: i32) -> io::Error {
    io::Error::from_raw_os_error(code)
}

impl Disk {
    pub(super) fn entries(&mut self, id: usize) -> io::Result<&mut BTreeMap<String, usize>> {
        match &mut self.nodes[id] {
            Node::Dir { now, .. } => Ok(now),
            Node::File { .. } => Err(errno(ENOTDIR)),
        }
    }

    pub(super) fn find(&mut self, path: &Path) -> io::Result<usize> {
        let mut at = 0;
        for part in path.components() {
            let Component::Normal(name) = part else { return Err(errno(ENOENT)) };
            at = *self.entries(at)?.get(&*name.to_string_lossy()).ok_or_else(|| errno(ENOENT))?;
        }
        Ok(at)
    }

    /// The folder that holds `path`, and the last name.
    pub(super) fn parent(&mut self, path: &Path) -> io::Result<(usize, String)> {
        let name = path.file_name().ok_or_else(|| errno(ENOENT))?.to_string_lossy().into_owned();
        Ok((self.find(path.parent().unwrap_or(Path::new("")))?, name))
    }

    pub(super) fn make(&mut self, path: &Path, node: Node, reuse: bool) -> io::Result<usize> {
        let (folder, name) = self.parent(path)?;
        let next = self.nodes.len();
        let entries = self.entries(folder)?;
        match entries.get(&name) {
            Some(id) if reuse => Ok(*id),
            Some(_) => Err(errno(EEXIST)),
            None => {
                entries.insert(name, next);
                self.nodes.push(node);
                Ok(next)
            }
        }
    }

    pub(super) fn remove(&mut self, path: &Path, want_dir: bool) -> io::Result<()> {
        let Ok(id) = self.find(path) else { return Ok(()) };
        match &self.nodes[id] {
            Node::Dir { now, .. } if want_dir && !now.is_empty() => return Err(errno(ENOTEMPTY)),
            Node::Dir { .. } if !want_dir => return Err(errno(EISDIR)),
            Node::File { .. } if want_dir => return Err(errno(ENOTDIR)),
            _ => {}
        }
        let (folder, name) = self.parent(path)?;
        self.entries(folder)?.remove(&name);
        Ok(())
    }

    pub(super) fn bytes(&mut self, id: usize) -> io::Result<&mut Vec<u8>> {
        match &mut self.nodes[id] {
            Node::File { now, .. } => Ok(now),
            Node::Dir { .. } => Err(errno(EISDIR)),
        }
    }
}
