//! One table file, written front to back: header, row groups, footer.

use std::io::Write;

use crate::codec::ColumnValues;
use crate::error::Result;
use crate::format::{FileHeader, SealedFile};

/// What the footer says besides the rows.
#[derive(Clone, Debug, Default)]
pub struct Provenance {
    /// Content hashes of the inputs by ordinal.
    pub inputs: Vec<u128>,
    /// Fingerprint of everything the rows were made from.
    pub fingerprint: u128,
    /// Free facts.
    pub notes: Vec<(String, String)>,
}

/// Writes one table file to any [`Write`].
#[derive(Debug)]
pub struct TableWriter<W: Write> {
    out: W,
}

impl<W: Write> TableWriter<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// `Io` from `out`, `Usage` for a schema over the limits.
    pub fn new(_out: W, _header: FileHeader) -> Result<Self> {
        todo!()
    }

    /// Appends one block: `columns` in schema order, each `rows` long; `rows` is the header's `block_rows` in every call but the last.
    ///
    /// # Errors
    /// `Io` from `out`.
    pub fn push(&mut self, _rows: usize, _columns: &[ColumnValues<'_>]) -> Result<()> {
        todo!()
    }

    /// Writes the footer. The caller syncs and publishes.
    ///
    /// # Errors
    /// `Io` from `out`.
    pub fn finish(self, _provenance: Provenance) -> Result<(W, SealedFile)> {
        todo!()
    }
}
