//! Units of one file: the configuration of a feature set, and files in the quarantine.

use std::path::PathBuf;

use xxhash_rust::xxh3::xxh3_128;

use super::journal::{FileFact, Unit};
use super::publisher::misuse;
use super::wire::{Decoder, Encoder};
use super::{Publisher, Staged, Store, Tree, hash_file, layout};
use crate::error::{Error, Result};
use crate::storage::{EntryKind, read_small};

const MAGIC: &[u8; 8] = b"\x89HFTS\r\n\x1a";
/// Bytes of a set file at most.
const SET_FILE_LIMIT: u64 = 1 << 20;

impl Store {
    /// The units of one file that a tree's lane publishes, as they are now.
    pub(super) fn single_files(&self, tree: &Tree) -> Result<Vec<(Unit, FileFact)>> {
        let folder = match tree {
            Tree::Raw => PathBuf::from(layout::QUARANTINE),
            set @ Tree::Features(_) => layout::tree(set),
        };
        let mut files = Vec::new();
        for found in self.storage.list(&folder)?.into_iter().filter(|f| f.kind == EntryKind::File) {
            let unit = match tree {
                Tree::Raw => Unit::Quarantine(found.name.clone()),
                Tree::Features(set) if found.name == layout::SET_FILE => Unit::SetFile(set.clone()),
                Tree::Features(_) => continue,
            };
            let file = self.storage.open(&folder.join(&found.name))?;
            files.push((unit, FileFact { name: found.name, rows: 0, length: file.len(), hash: hash_file(&*file)? }));
        }
        Ok(files)
    }

    /// The canonical configuration of a feature set, or `None` if it has none yet. Whether another one may go on in the same
    /// set is the caller's business.
    ///
    /// # Errors
    /// `Usage` for a bad set name, `Damage`, `Io`.
    pub fn set_config(&self, set: &str) -> Result<Option<Vec<u8>>> {
        layout::check_set(set)?;
        let path = layout::tree(&Tree::Features(set.to_owned())).join(layout::SET_FILE);
        let Some(bytes) = read_small(&*self.storage, &path, SET_FILE_LIMIT)? else { return Ok(None) };
        parse(&bytes, set).map(Some).map_err(|e| e.in_file(path))
    }
}

impl Publisher {
    /// Writes the configuration of this run's feature set, durably, replacing the one that is there.
    ///
    /// # Errors
    /// `Io`, `Damage`; `Usage` on the raw tree and for more than 1 MiB.
    pub fn write_set_config(&mut self, config: &[u8]) -> Result<()> {
        let Tree::Features(set) = self.tree.clone() else { return Err(misuse("a configuration for the raw tree")) };
        if config.len() as u64 + 128 > SET_FILE_LIMIT {
            return Err(Error::usage("a feature configuration over 1 MiB", "select fewer columns by name"));
        }
        let mut out = Encoder::frame(MAGIC);
        out.text(&set);
        out.count(config.len());
        out.bytes.extend_from_slice(config);
        let bytes = out.seal();
        let mut staged = self.stage()?;
        staged.file.write_all(&bytes).map_err(|e| Error::io("write", staged.path(), e))?;
        let fact =
            FileFact { name: layout::SET_FILE.into(), rows: 0, length: bytes.len() as u64, hash: xxh3_128(&bytes) };
        self.publish_single(Unit::SetFile(set), staged, fact)
    }

    /// Publishes a staged file as `quarantine/<name>`, durably, replacing one of that name. Length and XXH3-128 are those that
    /// [`super::Hashed`] counted.
    ///
    /// # Errors
    /// `Io`, `Damage`; `Usage` for a name outside `[A-Za-z0-9_.-]`, or outside the raw tree.
    pub fn publish_quarantine(&mut self, name: &str, staged: Staged, length: u64, hash: u128) -> Result<()> {
        let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
        let is_name = (1..=200).contains(&name.len()) && name.bytes().all(is_plain) && !name.starts_with(['.', '-']);
        if self.tree != Tree::Raw || !is_name {
            return Err(misuse(format!("quarantine file `{name}`")));
        }
        let fact = FileFact { name: name.to_owned(), rows: 0, length, hash };
        self.publish_single(Unit::Quarantine(name.to_owned()), staged, fact)
    }
}

fn parse(bytes: &[u8], set: &str) -> Result<Vec<u8>> {
    let mut input = Decoder::frame(MAGIC, bytes)?;
    let name = input.text()?;
    if name != set {
        return Err(Error::damage("S-25", format!("the set file of `{set}`"), format!("that of `{name}`")));
    }
    let n = input.count(1)?;
    let config = input.take(n)?.to_vec();
    input.end()?;
    Ok(config)
}
