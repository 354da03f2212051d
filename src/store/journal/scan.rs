//! The ledger's records one after the other, each verified: length, checksum, number, link.

use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_128;

use super::ledger::Position;
use super::record::{Entry, HEAD_BYTES, TAIL_BYTES};
use crate::error::{Error, Result};
use crate::storage::ReadAt;

/// Bytes read at once.
const WINDOW: usize = 1 << 18;
/// Payload bytes at most: a manifest of some hundred thousand files.
const PAYLOAD: usize = 1 << 25;

/// What stands next.
#[derive(Debug)]
pub(super) enum Step {
    Entry(Entry),
    /// The file ends here, between two records.
    End,
    /// The file ends inside a record, so many bytes after its start.
    Torn(u64),
    Damage(Error),
}

/// Reads records from a position on.
#[derive(Debug)]
pub(super) struct Scanner {
    file: Arc<dyn ReadAt>,
    at: Position,
    window: Vec<u8>,
    window_at: u64,
}

impl Scanner {
    pub(super) fn new(file: Arc<dyn ReadAt>, at: Position) -> Self {
        Self { file, at, window: Vec::new(), window_at: 0 }
    }

    /// Behind the last good record.
    pub(super) fn at(&self) -> Position {
        self.at
    }

    /// The next record.
    ///
    /// # Errors
    /// `Io`.
    pub(super) fn next(&mut self) -> Result<Step> {
        let start = self.at.length;
        let Some(left) = self.file.len().checked_sub(start) else {
            let got = format!("{} bytes", self.file.len());
            return Ok(Step::Damage(Error::damage("S-21", format!("at least {start} bytes"), got)));
        };
        if left == 0 {
            return Ok(Step::End);
        }
        if left < HEAD_BYTES as u64 {
            return Ok(Step::Torn(left));
        }
        let head = self.bytes(start, HEAD_BYTES)?;
        let (length, crc) = (word(&head[..4]), word(&head[4..]));
        if crc32c::crc32c(&head[..4]) != crc {
            let got = format!("{crc:08x}");
            return Ok(damage(start, "S-18", "the checksum of the record's length", got));
        }
        let payload = usize::try_from(length).unwrap_or(usize::MAX);
        if payload > PAYLOAD {
            return Ok(damage(start, "S-18", "a payload of at most 32 MiB", format!("{length} bytes")));
        }
        let whole = HEAD_BYTES + payload + TAIL_BYTES;
        if (whole as u64) > left {
            return Ok(Step::Torn(left));
        }
        let record = self.bytes(start, whole)?;
        let (body, crc) = record.split_at(HEAD_BYTES + payload);
        let want = crc32c::crc32c(body);
        if want != word(crc) {
            return Ok(damage(start, "S-19", &format!("CRC-32C {want:08x}"), format!("{:08x}", word(crc))));
        }
        let hash = xxh3_128(record);
        let (seq, previous, entry) = match Entry::parse(&body[HEAD_BYTES..]) {
            Ok(parsed) => parsed,
            Err(e) => return Ok(Step::Damage(e.at_block(self.at.records + 1, start))),
        };
        if seq != self.at.records + 1 || previous != self.at.last {
            let want = format!("record {} after {:032x}", self.at.records + 1, self.at.last);
            return Ok(damage(start, "S-20", &want, format!("record {seq} after {previous:032x}")));
        }
        self.at = Position { records: seq, length: start + whole as u64, last: hash };
        Ok(Step::Entry(entry))
    }

    /// `n` bytes at `offset`, through the window.
    fn bytes(&mut self, offset: u64, n: usize) -> Result<&[u8]> {
        let inside = |at: u64, len: usize| {
            let skip = usize::try_from(offset.checked_sub(at)?).ok()?;
            (skip.checked_add(n)? <= len).then_some(skip)
        };
        if inside(self.window_at, self.window.len()).is_none() {
            let left = usize::try_from(self.file.len() - offset).unwrap_or(usize::MAX);
            self.window.resize(left.min(WINDOW.max(n)), 0);
            self.window_at = offset;
            self.file.read_at(offset, &mut self.window)?;
        }
        let skip = inside(self.window_at, self.window.len()).unwrap_or(0);
        Ok(&self.window[skip..skip + n])
    }
}

fn word(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |word, byte| (word << 8) | u32::from(*byte))
}

fn damage(offset: u64, rule: &'static str, want: &str, got: String) -> Step {
    Step::Damage(Error::damage(rule, want, format!("{got} in the record at byte {offset}")))
}
