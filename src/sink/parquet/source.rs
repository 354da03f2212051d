//! A Parquet file of ours as bytes: its fingerprint, and the form in which the Parquet reader wants it.

use std::io::BufReader;
use std::sync::Arc;

use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

use super::FINGERPRINT;
use crate::error::Result;
use crate::sink::reread::Cursor;
use crate::storage::ReadAt;

/// The last bytes of a Parquet file: length of the metadata, magic.
const TAIL: u64 = 8;
/// Bytes of metadata that are searched at most.
const METADATA: u64 = 64 << 20;

/// Bytes that are read at once of a page's header, which the library takes byte by byte.
const HEADER: usize = 128;

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
    type T = BufReader<Cursor>;

    fn get_read(&self, start: u64) -> Result<BufReader<Cursor>, ParquetError> {
        Ok(BufReader::with_capacity(HEADER, Cursor::new(Arc::clone(&self.0), start)))
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
