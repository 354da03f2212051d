//! One table file, read block by block: copy, verify the copy, decode the copy.
//!
//! [`TableReader::open`] checks header, tail, footer and every index entry before anything is taken from them; a block's
//! checksum is verified whenever it is read. [`TableReader::verify`] checks the rest: padding, statistics, digest, order.

mod open;
mod verify;

use std::sync::Arc;

use crate::codec::{DecodeScratch, TextBlock, bits, decode};
use crate::error::{Error, Result};
use crate::format::{BlockEntry, Encoding, FileHeader, Footer, SealedFile, Shape, checksum, rules};
use crate::schema::{Column, LogicalType, PartitionKey};
use crate::storage::ReadAt;

/// Reused memory of block reads: holds one encoded block and what its decoding needs.
#[derive(Debug, Default)]
pub struct BlockScratch {
    bytes: Vec<u8>,
    decode: DecodeScratch,
}

/// A table file whose header and footer were checked. Clones share them.
#[derive(Debug, Clone)]
pub struct TableReader {
    source: Arc<dyn ReadAt>,
    meta: Arc<Meta>,
}

/// Header and footer, and what follows from them.
#[derive(Debug)]
struct Meta {
    header: FileHeader,
    footer: Footer,
    shape: Shape,
}

/// A block of a column, found in the index.
#[derive(Clone, Copy)]
struct Located<'a> {
    number: u64,
    entry: &'a BlockEntry,
    column: &'a Column,
}

impl TableReader {
    /// Opens and checks header, tail, footer and index; blocks are checked when they are read.
    ///
    /// Costs three reads and memory for the index: 80 bytes a block.
    ///
    /// # Errors
    /// `Damage` naming the rule, `Io`.
    pub fn open(source: Arc<dyn ReadAt>) -> Result<Self> {
        let meta = Arc::new(open::meta(&*source)?);
        Ok(Self { source, meta })
    }

    /// Opens a file of a store and checks that it is the one that the partition's manifest lists: table, partition,
    /// identity and content digest (decision 4).
    ///
    /// # Errors
    /// As [`TableReader::open`], and `Damage` (S-15) for another file in its place.
    pub fn open_sealed(source: Arc<dyn ReadAt>, table: &str, key: &PartitionKey, sealed: &SealedFile) -> Result<Self> {
        let reader = Self::open(source)?;
        let (header, footer) = (reader.header(), reader.footer());
        let named = header.table == table && header.key == *key;
        if !named || footer.identity != sealed.identity || footer.content_digest != sealed.content_digest {
            let expected = format!("table {table} with identity {:032x}, as the manifest lists", sealed.identity);
            return Err(Error::damage("S-15", expected, format!("{:032x} of {}", footer.identity, header.table)));
        }
        Ok(reader)
    }

    /// The header.
    #[must_use]
    pub fn header(&self) -> &FileHeader {
        &self.meta.header
    }

    /// The footer.
    #[must_use]
    pub fn footer(&self) -> &Footer {
        &self.meta.footer
    }

    /// Rows of the file.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.meta.footer.rows
    }

    /// Row blocks of the file: each covers the same rows in all columns.
    #[must_use]
    pub fn block_count(&self) -> usize {
        self.meta.shape.row_blocks()
    }

    /// Rows of row block `block`; 0 past the last.
    #[must_use]
    pub fn block_rows(&self, block: usize) -> usize {
        self.meta.shape.rows_of(block)
    }

    /// Index entry of a block of a column.
    ///
    /// # Panics
    /// When `block` or `column` is out of range, as indexing does.
    #[must_use]
    pub fn entry(&self, block: usize, column: usize) -> &BlockEntry {
        &self.meta.footer.blocks[self.meta.shape.index(block, column)]
    }

    fn locate(&self, block: usize, column: usize, room: usize) -> Result<Located<'_>> {
        let in_range = block < self.block_count() && column < self.meta.shape.columns;
        if !in_range || room < self.block_rows(block) {
            let what = format!("block {block} of column {column} into room for {room} rows");
            return Err(Error::usage(what, "ask for blocks that exist, with room for their rows"));
        }
        let index = self.meta.shape.index(block, column);
        let column = &self.meta.header.schema.columns[column];
        Ok(Located { number: index as u64, entry: &self.meta.footer.blocks[index], column })
    }

    /// Copies a block into `bytes` and verifies the copy.
    fn fetch<'b>(&self, at: Located<'_>, bytes: &'b mut Vec<u8>) -> Result<&'b [u8]> {
        let length = at.entry.length as usize;
        if bytes.len() < length {
            bytes.resize(length, 0);
        }
        let bytes = &mut bytes[..length];
        self.fetch_into(at, bytes)?;
        Ok(bytes)
    }

    fn fetch_into(&self, at: Located<'_>, bytes: &mut [u8]) -> Result<()> {
        self.source.read_at(at.entry.offset, bytes)?;
        let found = checksum::block_crc(self.meta.footer.identity, at.number, bytes);
        if found == at.entry.crc {
            return Ok(());
        }
        let error = Error::damage(rules::BLOCK_CRC, format!("{:08x}", at.entry.crc), format!("{found:08x}"));
        Err(error.at_block(at.number, at.entry.offset))
    }

    /// Reads a column of any type but f64 and text as i64 (u64 as bits); `out` and `validity` hold at least the block's rows.
    /// Null rows hold an unspecified valid value. Returns the number of nulls; when it is 0, `validity` is all ones.
    ///
    /// # Errors
    /// `Damage`, `Io`; `Usage` for another type or too little room.
    pub fn read_i64(
        &self,
        block: usize,
        column: usize,
        scratch: &mut BlockScratch,
        out: &mut [i64],
        validity: &mut [u64],
    ) -> Result<usize> {
        let at = self.locate(block, column, out.len().min(validity.len().saturating_mul(64)))?;
        if matches!(at.column.logical_type, LogicalType::F64 | LogicalType::Text) {
            return Err(wrong_type(at.column, "i64"));
        }
        let out = &mut out[..at.entry.rows as usize];
        if is_raw(at, out.len()) {
            self.fetch_into(at, bytemuck::cast_slice_mut(out))?;
            bits::fill_ones(validity, out.len());
            return Ok(0);
        }
        let BlockScratch { bytes, decode } = scratch;
        let bytes = self.fetch(at, bytes)?;
        let nulls = decode::i64s(at.column, at.entry, bytes, decode, out, validity);
        nulls.map_err(|e| e.at_block(at.number, at.entry.offset))
    }

    /// Reads a decimal column as correctly rounded f64, an f64 column as it is, any other integer rounded to nearest; null is
    /// NaN.
    ///
    /// # Errors
    /// `Damage`, `Io`; `Usage` for text or too little room.
    pub fn read_f64(&self, block: usize, column: usize, scratch: &mut BlockScratch, out: &mut [f64]) -> Result<()> {
        let at = self.locate(block, column, out.len())?;
        if at.column.logical_type == LogicalType::Text {
            return Err(wrong_type(at.column, "f64"));
        }
        let out = &mut out[..at.entry.rows as usize];
        if at.column.logical_type == LogicalType::F64 && is_raw(at, out.len()) {
            return self.fetch_into(at, bytemuck::cast_slice_mut(out));
        }
        let BlockScratch { bytes, decode } = scratch;
        let bytes = self.fetch(at, bytes)?;
        decode::f64s(at.column, at.entry, bytes, decode, out).map_err(|e| e.at_block(at.number, at.entry.offset))
    }

    /// Reads a text column; returns the number of nulls.
    ///
    /// # Errors
    /// `Damage`, `Io`; `Usage` for another type or too little room.
    pub fn read_text(
        &self,
        block: usize,
        column: usize,
        scratch: &mut BlockScratch,
        out: &mut TextBlock,
        validity: &mut [u64],
    ) -> Result<usize> {
        let at = self.locate(block, column, validity.len().saturating_mul(64))?;
        if at.column.logical_type != LogicalType::Text {
            return Err(wrong_type(at.column, "text"));
        }
        let BlockScratch { bytes, decode } = scratch;
        let bytes = self.fetch(at, bytes)?;
        let nulls = decode::text(at.entry, bytes, decode, out, validity);
        nulls.map_err(|e| e.at_block(at.number, at.entry.offset))
    }
}

/// Whether a block's bytes are its values: they are then read into the caller's memory, and verified there.
fn is_raw(at: Located<'_>, rows: usize) -> bool {
    let bitmap = at.entry.nulls > 0 && at.column.logical_type != LogicalType::F64;
    at.entry.encoding == Encoding::Plain
        && at.column.logical_type.plain_width() == 8
        && !bitmap
        && at.entry.length as usize == rows * 8
}

fn wrong_type(column: &Column, asked: &str) -> Error {
    let what = format!("column `{}` is {}, not {asked}", column.name, column.logical_type.name());
    Error::usage(what, "read it as its type")
}
