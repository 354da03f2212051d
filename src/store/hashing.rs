//! File hashes: XXH3-128 over all bytes, while they are written or after.

use std::io;

use xxhash_rust::xxh3::Xxh3;

use crate::error::Result;
use crate::storage::ReadAt;

/// Bytes read at once.
const CHUNK: usize = 1 << 18;

/// A writer that counts and hashes what passes: for files that hftcol's own writer does not make.
pub struct Hashed<W> {
    inner: W,
    hash: Box<Xxh3>,
    length: u64,
}

impl<W> std::fmt::Debug for Hashed<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hashed").field("length", &self.length).finish_non_exhaustive()
    }
}

impl<W: io::Write> Hashed<W> {
    /// Nothing has passed yet.
    pub fn new(inner: W) -> Self {
        Self { inner, hash: Box::default(), length: 0 }
    }

    /// Bytes that passed.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The writer, the number of bytes and their XXH3-128.
    #[must_use]
    pub fn finish(self) -> (W, u64, u128) {
        let hash = self.hash.digest128();
        (self.inner, self.length, hash)
    }
}

impl<W: io::Write> io::Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.inner.write(bytes)?;
        self.hash.update(&bytes[..n]);
        self.length += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// The XXH3-128 of a whole file, read in pieces of 256 KiB.
///
/// # Errors
/// `Io`.
pub fn hash_file(file: &dyn ReadAt) -> Result<u128> {
    let mut hash: Box<Xxh3> = Box::default();
    let mut chunk = vec![0; CHUNK];
    let mut at = 0;
    while at < file.len() {
        let n = usize::try_from(file.len() - at).unwrap_or(CHUNK).min(CHUNK);
        file.read_at(at, &mut chunk[..n])?;
        hash.update(&chunk[..n]);
        at += n as u64;
    }
    Ok(hash.digest128())
}
