//! What failed in the last run of a lane, with its reasons: `journal/failed.<lane>.hftf`. The file is there only while
//! there is something to tell; it is a help for people, and neither reading nor resuming looks at it.

use std::path::{Path, PathBuf};

use super::journal::{Head, replace};
use super::publisher::lane;
use super::wire::{Decoder, Encoder};
use super::{Publisher, Store, Tree, layout};
use crate::error::{Error, Result};
use crate::storage::read_small;

const MAGIC: &[u8; 8] = b"\x89HFTF\r\n\x1a";
/// Bytes of the file at most.
const LIMIT: u64 = 1 << 25;
/// Failures that are kept, and bytes of each text: a run may have 100,000 of them.
const KEPT: usize = 10_000;
const TEXT_BYTES: usize = 1_000;
/// Bytes of HEAD at most.
const HEAD_LIMIT: u64 = 1 << 20;

/// Something that failed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Failure {
    /// A partition as `<venue> <security> <date>`, escaped as in `published` lines; of an import also a source's name.
    pub subject: String,
    /// Why.
    pub reason: String,
}

impl Store {
    /// What failed in the last run on a tree; empty if all went well or none ran.
    ///
    /// # Errors
    /// `Damage`, `Io`; `Usage` for a bad set name.
    pub fn failures(&self, tree: &Tree) -> Result<Vec<Failure>> {
        let lane = lane(tree)?;
        let path = layout::failures(&lane);
        let Some(bytes) = read_small(&*self.storage, &path, LIMIT)? else { return Ok(Vec::new()) };
        parse(&bytes, &lane).map_err(|e| e.in_file(path))
    }

    /// The lanes that are open: a run is under way on each, or was interrupted.
    ///
    /// # Errors
    /// `Damage`, `Io`.
    pub fn open_lanes(&self) -> Result<Vec<String>> {
        let bytes = read_small(&*self.storage, &layout::head(), HEAD_LIMIT)?;
        let bytes = bytes.ok_or_else(|| Error::damage("S-16", "journal/HEAD", "no such file"));
        Head::parse(&bytes?).map(|head| head.open).map_err(|e| e.in_file(layout::head()))
    }

    /// Checks the file of a lane; `None` if its name is no such file's.
    pub(super) fn check_failures(&self, path: &Path) -> Option<Result<()>> {
        let lane = path.file_name()?.to_str()?.strip_prefix("failed.")?.strip_suffix(".hftf")?;
        let bytes = match read_small(&*self.storage, path, LIMIT) {
            Ok(bytes) => bytes.unwrap_or_default(),
            Err(e) => return Some(Err(e)),
        };
        Some(parse(&bytes, lane).map(|_| ()).map_err(|e| e.in_file(path)))
    }
}

impl Publisher {
    /// Notes what failed in this run, durably, in place of what failed in the one before. Nothing is written where nothing
    /// has changed.
    ///
    /// # Errors
    /// `Io`.
    pub fn note_failures(&mut self, mut failures: Vec<Failure>) -> Result<()> {
        failures.sort();
        failures.truncate(KEPT);
        let path = layout::failures(&self.lane);
        let wanted = if failures.is_empty() { None } else { Some(to_bytes(&self.lane, &failures)) };
        // One that cannot be read is replaced.
        let stored = match read_small(self.storage(), &path, LIMIT) {
            Ok(stored) => stored,
            Err(_) => Some(Vec::new()),
        };
        if stored == wanted {
            return Ok(());
        }
        match wanted {
            None => self.storage().remove_file(&path)?,
            Some(bytes) => {
                let aside: PathBuf = layout::staging(&self.lane).join("failed");
                replace(self.storage(), &aside, &path, &bytes)?;
            }
        }
        self.storage().sync_dir(Path::new(layout::JOURNAL))
    }
}

fn to_bytes(lane: &str, failures: &[Failure]) -> Vec<u8> {
    let mut out = Encoder::frame(MAGIC);
    out.text(lane);
    out.count(failures.len());
    for failure in failures {
        out.text(cut(&failure.subject));
        out.text(cut(&failure.reason));
    }
    out.seal()
}

fn cut(text: &str) -> &str {
    let end = (0..=text.len().min(TEXT_BYTES)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    &text[..end]
}

fn parse(bytes: &[u8], lane: &str) -> Result<Vec<Failure>> {
    let mut input = Decoder::frame(MAGIC, bytes)?;
    let own = input.text()?;
    if own != lane {
        return Err(Error::damage("S-26", format!("the failures of lane {lane}"), format!("those of {own}")));
    }
    let failures = (0..input.count(8)?)
        .map(|_| Ok(Failure { subject: input.text()?, reason: input.text()? }))
        .collect::<Result<Vec<_>>>()?;
    input.end()?;
    Ok(failures)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_read_back_and_belong_to_their_lane() {
        let failures = vec![Failure { subject: "v S 2024-08-08".into(), reason: "\u{e9}".repeat(900) }];
        let bytes = to_bytes("raw", &failures);
        let read = parse(&bytes, "raw").unwrap();
        assert_eq!((read[0].subject.as_str(), read[0].reason.len()), ("v S 2024-08-08", TEXT_BYTES));
        assert!(parse(&bytes, "set.a").is_err());
        for bit in 0..bytes.len() * 8 {
            let mut bad = bytes.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(parse(&bad, "raw").is_err(), "bit {bit}");
        }
    }
}
