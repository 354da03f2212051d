//! What was rejected while sources are read: entries wait in a scratch file for each source, without the digest, which is
//! known only at the source's end.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io::Write;
use std::path::PathBuf;

use super::quarantine::{self, ENTRIES};
use super::segment::Inexact;
use crate::error::{Error, Result};
use crate::normalize::Reject;
use crate::partition::Scratch;
use crate::storage::WriteFile;
use crate::store::Publisher;

/// Bytes written at a time.
const BUFFER: usize = 64 << 10;

/// The rejects of a run.
#[derive(Debug)]
pub(crate) struct Rejects {
    scratch: Scratch,
    keep: bool,
    files: BTreeMap<u32, Waiting>,
}

/// The entries of one source.
#[derive(Debug)]
struct Waiting {
    path: PathBuf,
    file: Box<dyn WriteFile>,
    text: Vec<u8>,
    entries: u64,
    omitted: u64,
}

impl Rejects {
    pub(crate) fn new(scratch: &Scratch, keep: bool) -> Self {
        Self { scratch: scratch.clone(), keep, files: BTreeMap::new() }
    }

    /// Takes the rejects of a chunk, in record order.
    ///
    /// # Errors
    /// `Io`.
    pub(crate) fn add(&mut self, source: u32, rejects: &[Reject]) -> Result<()> {
        if !self.keep || rejects.is_empty() {
            return Ok(());
        }
        let waiting = match self.files.entry(source) {
            Entry::Occupied(found) => found.into_mut(),
            Entry::Vacant(place) => {
                let (path, file) = self.scratch.create()?;
                place.insert(Waiting { path, file, text: Vec::new(), entries: 0, omitted: 0 })
            }
        };
        for reject in rejects {
            if waiting.entries == ENTRIES {
                waiting.omitted += 1;
                continue;
            }
            waiting.entries += 1;
            quarantine::write_reject(reject, &mut waiting.text);
            if waiting.text.len() >= BUFFER {
                waiting.flush()?;
            }
        }
        Ok(())
    }

    /// Drops the entries of a source that is not stored.
    pub(crate) fn forget(&mut self, source: u32) {
        self.files.remove(&source);
    }

    /// Publishes the quarantine files and returns their names. `digests` are by source; `inexact` are the rows that the
    /// merge refused.
    ///
    /// # Errors
    /// `Io`, `Damage` of the ledger.
    pub(crate) fn publish(
        mut self,
        publisher: &mut Publisher,
        digests: &[u128],
        inexact: &mut [Inexact],
    ) -> Result<Vec<String>> {
        let mut made = Vec::new();
        if !self.keep {
            return Ok(made);
        }
        inexact.sort_by_key(|row| (row.source, row.record));
        for (source, digest) in (0_u32..).zip(digests) {
            let start = inexact.partition_point(|i| i.source < source);
            let end = inexact.partition_point(|i| i.source <= source);
            let waiting = self.files.remove(&source);
            if waiting.is_none() && start == end {
                continue;
            }
            let mut target = quarantine::Target::new(publisher.stage()?, *digest);
            match waiting {
                Some(mut waiting) => {
                    waiting.flush()?;
                    let file = self.scratch.open(&waiting.path)?;
                    target.fill(Some(file), &inexact[start..end], waiting.omitted)?;
                    self.scratch.remove(&waiting.path)?;
                }
                None => target.fill(None, &inexact[start..end], 0)?,
            }
            made.push(target.publish(publisher)?);
        }
        Ok(made)
    }
}

impl Waiting {
    fn flush(&mut self) -> Result<()> {
        self.file.write_all(&self.text).map_err(|e| Error::io("write", &self.path, e))?;
        self.text.clear();
        Ok(())
    }
}
