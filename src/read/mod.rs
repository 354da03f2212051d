//! One table file, read block by block: copy, verify the copy, decode the copy.

use std::sync::Arc;

use crate::codec::TextBlock;
use crate::error::Result;
use crate::format::{BlockEntry, FileHeader, Footer};
use crate::storage::ReadAt;

/// Reused memory of block reads: holds one encoded block and what its decoding needs.
#[derive(Debug, Default)]
pub struct BlockScratch {
    _bytes: Vec<u8>,
}

/// A table file whose header and footer were checked.
#[derive(Debug, Clone)]
pub struct TableReader {
    _source: Arc<dyn ReadAt>,
}

impl TableReader {
    /// Opens and checks header and footer; blocks are checked when they are read.
    ///
    /// # Errors
    /// `Damage` naming the rule, `Io`.
    pub fn open(_source: Arc<dyn ReadAt>) -> Result<Self> {
        todo!()
    }

    /// The header.
    #[must_use]
    pub fn header(&self) -> &FileHeader {
        todo!()
    }

    /// The footer.
    #[must_use]
    pub fn footer(&self) -> &Footer {
        todo!()
    }

    /// Rows of the file.
    #[must_use]
    pub fn rows(&self) -> u64 {
        todo!()
    }

    /// Row blocks of the file: each covers the same rows in all columns.
    #[must_use]
    pub fn block_count(&self) -> usize {
        todo!()
    }

    /// Rows of row block `block`.
    #[must_use]
    pub fn block_rows(&self, _block: usize) -> usize {
        todo!()
    }

    /// Index entry of a block of a column.
    #[must_use]
    pub fn entry(&self, _block: usize, _column: usize) -> &BlockEntry {
        todo!()
    }

    /// Reads a column of any type but f64 and text as i64 (u64 as bits); `out` and `validity` hold at least the block's rows.
    /// Null rows hold an unspecified valid value. Returns the number of nulls; when it is 0, `validity` is all ones.
    ///
    /// # Errors
    /// `Damage`, `Io`.
    pub fn read_i64(
        &self,
        _block: usize,
        _column: usize,
        _scratch: &mut BlockScratch,
        _out: &mut [i64],
        _validity: &mut [u64],
    ) -> Result<usize> {
        todo!()
    }

    /// Reads a decimal column as correctly rounded f64, or an f64 column as it is; null is NaN.
    ///
    /// # Errors
    /// `Damage`, `Io`.
    pub fn read_f64(&self, _block: usize, _column: usize, _scratch: &mut BlockScratch, _out: &mut [f64]) -> Result<()> {
        todo!()
    }

    /// Reads a text column; returns the number of nulls.
    ///
    /// # Errors
    /// `Damage`, `Io`.
    pub fn read_text(
        &self,
        _block: usize,
        _column: usize,
        _scratch: &mut BlockScratch,
        _out: &mut TextBlock,
        _validity: &mut [u64],
    ) -> Result<usize> {
        todo!()
    }

    /// Checks every byte of the file against every rule, statistics and digest included.
    ///
    /// # Errors
    /// `Damage` with the first broken rule, `Io`.
    pub fn verify(&self) -> Result<()> {
        todo!()
    }
}
