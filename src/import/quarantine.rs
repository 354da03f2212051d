//! The quarantine files of a store: one a source, `quarantine/<digest>.ndjson`, sorted by record (decision 20).
//!
//! An entry is a JSON object a line: digest of the source, record, line, byte offset, length, column, reason, text. Text
//! from outside is escaped, so no byte of it can drive a terminal. The file of a source is the same whenever it is written.

use std::io::{BufRead, BufReader, Read, Write};
use std::sync::Arc;

use super::segment::Inexact;
use crate::error::{Error, Escaped, Result};
use crate::normalize::Reject;
use crate::storage::ReadAt;
use crate::store::{Hashed, Publisher, Staged};

/// Entries of one source at most; how many more there were is its last line.
pub(crate) const ENTRIES: u64 = 100_000;
/// Bytes read and written at a time.
const BUFFER: usize = 64 << 10;

/// Appends the entry of a record that waits for its source's digest: its number, a tab, the rest.
pub(crate) fn write_reject(reject: &Reject, out: &mut Vec<u8>) {
    let rest = serde_json::json!({
        "line": reject.line,
        "byte_offset": reject.byte_offset,
        "length": reject.length,
        "column": Escaped(reject.column.as_bytes()).to_string(),
        "reason": Escaped(reject.reason.as_bytes()).to_string(),
        "text": Escaped(&reject.head).to_string(),
    });
    out.extend_from_slice(format!("{}\t{rest}\n", reject.record).as_bytes());
}

/// The same for a row that the merge refused.
fn row_entry(row: &Inexact) -> String {
    let rest = serde_json::json!({
        "column": Escaped(row.refused.column.as_bytes()).to_string(),
        "reason": Escaped(row.refused.reason.as_bytes()).to_string(),
    });
    format!("{}\t{rest}\n", row.record)
}

/// A quarantine file that is being written in staging.
#[derive(Debug)]
pub(crate) struct Target {
    file: Hashed<Staged>,
    out: Vec<u8>,
    digest: u128,
}

impl Target {
    pub(crate) fn new(staged: Staged, digest: u128) -> Self {
        Self { file: Hashed::new(staged), out: Vec::new(), digest }
    }

    /// Writes the waiting entries and the refused rows, both sorted by record, as one sorted list.
    ///
    /// # Errors
    /// `Io`.
    pub(crate) fn fill(&mut self, waiting: Option<Arc<dyn ReadAt>>, rows: &[Inexact], omitted: u64) -> Result<()> {
        let kept = rows.len().min(ENTRIES as usize);
        let mut rows = rows[..kept].iter().peekable();
        if let Some(file) = waiting {
            let mut lines = BufReader::with_capacity(BUFFER, Reader { file, at: 0 });
            let mut entry = String::new();
            while lines.read_line(&mut entry).map_err(|e| Error::io("read", "rejected records in staging", e))? > 0 {
                let record = entry.split('\t').next().and_then(|number| number.parse::<u64>().ok());
                while let Some(row) = rows.next_if(|row| Some(row.record) < record) {
                    self.line(&row_entry(row))?;
                }
                self.line(&entry)?;
                entry.clear();
            }
        }
        for row in rows {
            self.line(&row_entry(row))?;
        }
        if omitted > 0 {
            let line = format!("{{\"source\":\"{:032x}\",\"omitted\":{omitted}}}\n", self.digest);
            self.out.extend_from_slice(line.as_bytes());
        }
        self.flush()
    }

    /// An entry as it is published: the digest first, then the record, then the rest.
    fn line(&mut self, entry: &str) -> Result<()> {
        let Some((record, rest)) = entry.split_once("\t{") else { return Ok(()) };
        let line = format!("{{\"source\":\"{:032x}\",\"record\":{record},{rest}", self.digest);
        self.out.extend_from_slice(line.as_bytes());
        if self.out.len() >= BUFFER {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        self.file.write_all(&self.out).map_err(|e| Error::io("write", "a quarantine file", e))?;
        self.out.clear();
        Ok(())
    }

    /// Publishes the file, durably, and returns its name.
    ///
    /// # Errors
    /// `Io`, `Damage` of the ledger.
    pub(crate) fn publish(self, publisher: &mut Publisher) -> Result<String> {
        let name = format!("{:032x}.ndjson", self.digest);
        let (staged, length, hash) = self.file.finish();
        publisher.publish_quarantine(&name, staged, length, hash)?;
        Ok(name)
    }
}

/// Reads a scratch file from its start.
struct Reader {
    file: Arc<dyn ReadAt>,
    at: u64,
}

impl Read for Reader {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let left = usize::try_from(self.file.len() - self.at).unwrap_or(usize::MAX);
        let length = left.min(out.len());
        self.file.read_at(self.at, &mut out[..length]).map_err(|e| std::io::Error::other(e.to_string()))?;
        self.at += length as u64;
        Ok(length)
    }
}
