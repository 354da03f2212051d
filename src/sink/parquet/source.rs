//! A Parquet file of ours as bytes: its hash, its fingerprint, and the form in which the Parquet reader wants it.

use std::io::{self, Read};
use std::sync::Arc;

use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};
use xxhash_rust::xxh3::Xxh3Default;

use super::FINGERPRINT;
use crate::error::{Error, Result};
use crate::read::TableReader;
use crate::sink::WrittenFile;
use crate::storage::ReadAt;

/// Bytes that are hashed at a time.
const STEP: usize = 1 << 18;
/// The last bytes of a Parquet file: length of the metadata, magic.
const TAIL: u64 = 8;
/// Bytes of metadata that are searched at most.
const METADATA: u64 = 64 << 20;

/// Compares length and hash of a file with what was written.
pub(super) fn check_hash(table: &TableReader, file: &dyn ReadAt, written: WrittenFile) -> Result<()> {
    let mut hash = Xxh3Default::new();
    let mut buffer = vec![0; STEP];
    let mut offset = 0;
    while offset < file.len() {
        let take = usize::try_from(file.len() - offset).map_or(STEP, |left| left.min(STEP));
        file.read_at(offset, &mut buffer[..take])?;
        hash.update(&buffer[..take]);
        offset += take as u64;
    }
    let found = WrittenFile { length: file.len(), file_hash: hash.digest128() };
    if found == written {
        return Ok(());
    }
    let text = |f: WrittenFile| format!("{} bytes with hash {:032x}", f.length, f.file_hash);
    Err(Error::damage("parquet re-read", text(written), text(found))
        .in_file(format!("{}.parquet", table.header().table)))
}

/// The fingerprint in a file's metadata; `None` where there is none. The metadata is searched, not parsed: a file that
/// somebody else put there cannot do harm.
pub(super) fn fingerprint(file: &dyn ReadAt) -> Result<Option<u128>> {
    let Some(tail_at) = file.len().checked_sub(TAIL) else { return Ok(None) };
    let mut tail = [0; TAIL as usize];
    file.read_at(tail_at, &mut tail)?;
    let length = u64::from(u32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]));
    let Some(start) = tail_at.checked_sub(length).filter(|_| &tail[4..] == b"PAR1" && length <= METADATA) else {
        return Ok(None);
    };
    let mut metadata = vec![0; usize::try_from(length).unwrap_or(0)];
    file.read_at(start, &mut metadata)?;
    let Some(at) = memchr::memmem::rfind(&metadata, FINGERPRINT.as_bytes()) else { return Ok(None) };
    // The key is followed by the header of the field `value` and its length, 32, one byte each.
    let digits = metadata.get(at + FINGERPRINT.len() + 2..).and_then(|rest| rest.get(..32));
    Ok(digits.and_then(|d| std::str::from_utf8(d).ok()).and_then(|hex| u128::from_str_radix(hex, 16).ok()))
}

/// A file of ours, as the Parquet reader wants to see it.
pub(super) struct Source(pub(super) Arc<dyn ReadAt>);

impl Length for Source {
    fn len(&self) -> u64 {
        self.0.len()
    }
}

impl ChunkReader for Source {
    type T = Cursor;

    fn get_read(&self, start: u64) -> Result<Cursor, ParquetError> {
        Ok(Cursor { file: Arc::clone(&self.0), offset: start })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let end = start.checked_add(length as u64).filter(|end| *end <= self.0.len());
        if end.is_none() {
            return Err(ParquetError::EOF(format!("{length} bytes at {start}")));
        }
        let mut bytes = vec![0; length];
        self.0.read_at(start, &mut bytes).map_err(|e| ParquetError::External(Box::new(e)))?;
        Ok(bytes.into())
    }
}

/// Sequential reading from an offset.
pub(super) struct Cursor {
    file: Arc<dyn ReadAt>,
    offset: u64,
}

impl Read for Cursor {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let left = self.file.len().saturating_sub(self.offset);
        let take = out.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        self.file.read_at(self.offset, &mut out[..take]).map_err(io::Error::other)?;
        self.offset += take as u64;
        Ok(take)
    }
}
