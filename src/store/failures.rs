//! What failed in the last run of a lane, with its reasons: `journal/failed.<lane>.hftf`. The file is there only while
//! there is something to tell; it is a help for people, and neither reading nor resuming looks at it.

use std::path::{Path, PathBuf};

use super::journal::{Head, replace};
use super::publisher::lane;
use super::wire::{Decoder, Encoder};
use super::{Publisher, Store, Tree, layout};
use crate::error::{Error, Result};
use crate::storage::{Storage, read_small};

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
    /// What failed in the last run on a tree, and in the last of each shard since; empty if all went well or none ran.
    ///
    /// # Errors
    /// `Damage`, `Io`; `Usage` for a bad set name.
    pub fn failures(&self, tree: &Tree) -> Result<Vec<Failure>> {
        let own = lane(tree)?;
        let mut lanes = shard_lanes(&*self.storage, &own)?;
        lanes.push(own);
        let mut failures = Vec::new();
        for lane in lanes {
            let path = layout::failures(&lane);
            let Some(bytes) = read_small(&*self.storage, &path, LIMIT)? else { continue };
            failures.extend(parse(&bytes, &lane).map_err(|e| e.in_file(path))?);
        }
        failures.sort();
        failures.dedup();
        Ok(failures)
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
        let lane = lane_of(path.file_name()?.to_str()?)?;
        let bytes = match read_small(&*self.storage, path, LIMIT) {
            Ok(bytes) => bytes.unwrap_or_default(),
            Err(e) => return Some(Err(e)),
        };
        Some(parse(&bytes, lane).map(|_| ()).map_err(|e| e.in_file(path)))
    }
}

impl Publisher {
    /// Notes what failed in this run, durably, in place of what failed in the one before. Nothing is written where nothing
    /// has changed. A run on a whole set takes the place of its shards' runs, too.
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
        let shards = if self.is_shard { Vec::new() } else { shard_lanes(self.storage(), &self.lane)? };
        for lane in &shards {
            self.storage().remove_file(&layout::failures(lane))?;
        }
        if stored == wanted && shards.is_empty() {
            return Ok(());
        }
        match wanted {
            None if stored.is_none() => {}
            None => self.storage().remove_file(&path)?,
            Some(bytes) => {
                let aside: PathBuf = layout::staging(&self.lane).join("failed");
                replace(self.storage(), &aside, &path, &bytes)?;
            }
        }
        self.storage().sync_dir(Path::new(layout::JOURNAL))
    }
}

/// The lane that a file tells of, by its name.
fn lane_of(name: &str) -> Option<&str> {
    name.strip_prefix("failed.")?.strip_suffix(".hftf")
}

/// The shards of a lane that have such a file.
fn shard_lanes(storage: &dyn Storage, own: &str) -> Result<Vec<String>> {
    let entries = storage.list(Path::new(layout::JOURNAL))?;
    let lanes = entries.iter().filter_map(|entry| lane_of(&entry.name));
    let is_shard = |lane: &&str| lane.strip_prefix(own).is_some_and(|rest| rest.starts_with('.'));
    Ok(lanes.filter(is_shard).map(str::to_owned).collect())
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
