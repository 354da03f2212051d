//! A file that was just written, read once more: its hash, and a cursor for libraries that want one.

#[cfg(any(feature = "arrow", feature = "parquet"))]
pub(super) use cursor::Cursor;

use super::WrittenFile;
use crate::error::{Error, Result};
use crate::storage::ReadAt;
use crate::store::hash_file;

/// Compares length and hash of a file with what was written.
///
/// # Errors
/// `Damage` if they differ, `Io`.
pub(super) fn check_hash(table: &str, format: &'static str, file: &dyn ReadAt, written: WrittenFile) -> Result<()> {
    let found = WrittenFile { length: file.len(), file_hash: hash_file(file)? };
    if found == written {
        return Ok(());
    }
    let text = |f: WrittenFile| format!("{} bytes with hash {:032x}", f.length, f.file_hash);
    Err(Error::damage("re-read", text(written), text(found)).in_file(format!("{table}.{format}")))
}

#[cfg(any(feature = "arrow", feature = "parquet"))]
mod cursor {
    use std::io::{self, Read, Seek, SeekFrom};
    use std::sync::Arc;

    use crate::storage::ReadAt;

    /// Sequential reading from an offset.
    pub(in crate::sink) struct Cursor {
        file: Arc<dyn ReadAt>,
        offset: u64,
    }

    impl Cursor {
        pub(in crate::sink) fn new(file: Arc<dyn ReadAt>, offset: u64) -> Self {
            Self { file, offset }
        }
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

    impl Seek for Cursor {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            let target = match to {
                SeekFrom::Start(offset) => Some(offset),
                SeekFrom::End(by) => self.file.len().checked_add_signed(by),
                SeekFrom::Current(by) => self.offset.checked_add_signed(by),
            };
            self.offset = target.ok_or(io::ErrorKind::InvalidInput)?;
            Ok(self.offset)
        }
    }
}
