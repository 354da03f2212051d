//! By which names the sources of an import were read: `journal/sources.hftn`, digests with paths. A help for people and for
//! repair; neither reading nor resuming looks at it, and it may be lost without harm.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::journal::replace;
use super::wire::{Decoder, Encoder};
use super::{Publisher, Store, layout};
use crate::error::{Error, Result};
use crate::storage::read_small;

const MAGIC: &[u8; 8] = b"\x89HFTN\r\n\x1a";
/// Bytes of the file at most.
const LIMIT: u64 = 1 << 25;
/// Names that are kept, and bytes of each: together they stay below the file's limit.
const KEPT: usize = 30_000;
const NAME_BYTES: usize = 1_000;

impl Store {
    /// The paths by which sources were imported, by the XXH3-128 of their decompressed bytes. A source that came through
    /// standard input has none.
    ///
    /// # Errors
    /// `Damage`, `Io`.
    pub fn source_names(&self) -> Result<BTreeMap<u128, PathBuf>> {
        let Some(bytes) = read_small(&*self.storage, &layout::source_names(), LIMIT)? else {
            return Ok(BTreeMap::new());
        };
        parse(&bytes).map_err(|e| e.in_file(layout::source_names()))
    }

    /// Checks the file; `None` if the path is another's.
    pub(super) fn check_source_names(&self, path: &Path) -> Option<Result<()>> {
        (path == layout::source_names()).then(|| self.source_names().map(drop))
    }
}

impl Publisher {
    /// Notes by which paths sources were read, durably. The first name of a digest stays, so that the same sources again
    /// write nothing; relative paths are noted as absolute ones.
    ///
    /// # Errors
    /// `Io`.
    pub fn note_sources<'p>(&mut self, sources: impl IntoIterator<Item = (u128, &'p Path)>) -> Result<()> {
        // One that cannot be read is written anew.
        let mut names = self.store.source_names().unwrap_or_default();
        let before = names.len();
        for (digest, path) in sources {
            let Ok(path) = std::path::absolute(path) else { continue };
            let fits = path.to_str().is_some_and(|text| text.len() <= NAME_BYTES);
            if fits && names.len() < KEPT {
                names.entry(digest).or_insert(path);
            }
        }
        if names.len() == before {
            return Ok(());
        }
        let aside = layout::staging(&self.lane).join("sources");
        replace(self.storage(), &aside, &layout::source_names(), &to_bytes(&names))?;
        self.storage().sync_dir(Path::new(layout::JOURNAL))
    }
}

fn to_bytes(names: &BTreeMap<u128, PathBuf>) -> Vec<u8> {
    let mut out = Encoder::frame(MAGIC);
    out.count(names.len());
    for (digest, path) in names {
        out.u128(*digest);
        out.text(path.to_str().unwrap_or_default());
    }
    out.seal()
}

fn parse(bytes: &[u8]) -> Result<BTreeMap<u128, PathBuf>> {
    let mut input = Decoder::frame(MAGIC, bytes)?;
    let mut names = BTreeMap::new();
    let mut last = None;
    for _ in 0..input.count(20)? {
        let digest = input.u128()?;
        if last.is_some_and(|last| last >= digest) {
            return Err(Error::damage("S-27", "digests in order, each once", format!("{digest:032x}")));
        }
        last = Some(digest);
        names.insert(digest, PathBuf::from(input.text()?));
    }
    input.end()?;
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_and_every_bit_counts() {
        let names: BTreeMap<u128, PathBuf> = [(7, "/raw/a.csv".into()), (9, "/raw/b c.csv".into())].into();
        let bytes = to_bytes(&names);
        assert_eq!(parse(&bytes).unwrap(), names);
        for bit in 0..bytes.len() * 8 {
            let mut bad = bytes.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(parse(&bad).is_err(), "bit {bit}");
        }
    }
}
