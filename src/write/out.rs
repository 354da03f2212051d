//! The byte stream of a file: position, running hash and alignment.

use std::io::{BufWriter, Write};

use xxhash_rust::xxh3::Xxh3;

use crate::error::{Error, Result};
use crate::format::constants::ALIGN;

/// Bytes gathered before a write; longer pieces go straight through.
const BUFFER: usize = 32 << 10;

/// A writer that knows how much it wrote and what that hashes to.
pub(super) struct Out<W: Write> {
    inner: BufWriter<W>,
    hash: Box<Xxh3>,
    position: u64,
}

impl<W: Write> std::fmt::Debug for Out<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Out at {}", self.position)
    }
}

impl<W: Write> Out<W> {
    pub(super) fn new(inner: W) -> Self {
        Self { inner: BufWriter::with_capacity(BUFFER, inner), hash: Box::new(Xxh3::new()), position: 0 }
    }

    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Writes bytes; a failure is final for this file.
    pub(super) fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.inner.write_all(bytes).map_err(|e| Error::io("write", "table file", e))?;
        self.hash.update(bytes);
        self.position += bytes.len() as u64;
        Ok(())
    }

    /// Writes zeros up to the next multiple of [`ALIGN`].
    pub(super) fn align(&mut self) -> Result<()> {
        let gap = self.position.next_multiple_of(ALIGN as u64) - self.position;
        let gap = usize::try_from(gap).unwrap_or(0);
        self.put(&[0; ALIGN][..gap])
    }

    /// The writer beneath, with everything handed to it, and the hash of it all.
    pub(super) fn finish(self) -> Result<(W, u128)> {
        let hash = self.hash.digest128();
        let fail = |e| Error::io("write", "table file", e);
        let mut inner = self.inner.into_inner().map_err(|e| fail(e.into_error()))?;
        inner.flush().map_err(fail)?;
        Ok((inner, hash))
    }
}
