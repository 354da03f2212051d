//! One table file, written front to back: header, row groups, footer.
//!
//! Blocks come in row by row and lie in the file column by column, so a group's encoded blocks are held until it is full.
//! [`group_blocks`] keeps that within [`GROUP_BYTES`]; a group of one block is held one column at a time.

mod out;

use std::io::Write;

use out::Out;

use crate::codec::{BlockEncoder, ColumnValues, Encoded};
use crate::error::{Error, ErrorKind, Result};
use crate::format::constants::{ENTRY_LEN, FOOTER_MIN, TAIL_LEN};
use crate::format::{BlockEntry, FileHeader, Footer, SealedFile, Shape, Tail, checksum, digest};
use crate::limits;

/// Decoded bytes of a row group at most, where more than one block fits.
pub const GROUP_BYTES: usize = 8 << 20;

/// The largest power of two of blocks, at most 16, with which a decoded group of `columns` columns stays within
/// [`GROUP_BYTES`] and [`limits::GROUP_ROWS`]; at least 1.
#[must_use]
pub fn group_blocks(columns: usize, block_rows: u32) -> u32 {
    let mut blocks = 16;
    let bytes = |blocks: u32| columns.saturating_mul(8).saturating_mul((block_rows.saturating_mul(blocks)) as usize);
    while blocks > 1 && (bytes(blocks) > GROUP_BYTES || block_rows.saturating_mul(blocks) > limits::GROUP_ROWS) {
        blocks /= 2;
    }
    blocks
}

/// The zstd level of raw tables: of level 3 it has nine tenths of the gain for two thirds of the time (`benches/codec.rs`).
const COLD_LEVEL: i32 = 1;

/// The encoder of raw tables, which are read less often than they are kept: every block in zstd where that is smaller.
///
/// # Errors
/// `Io` when there is no memory for the compressor.
pub fn cold_encoder() -> Result<BlockEncoder> {
    BlockEncoder::default().with_zstd(COLD_LEVEL)
}

/// A column's part of a block.
#[derive(Clone, Copy, Debug)]
pub enum Piece<'a> {
    /// Values to encode.
    Values(ColumnValues<'a>),
    /// Bytes that an encoder of the same kind made of the column's values at the same rows.
    Encoded {
        /// The block as its encoder gave it.
        encoded: Encoded,
        /// Its bytes.
        bytes: &'a [u8],
    },
}

/// What the footer says besides the rows.
#[derive(Clone, Debug, Default)]
pub struct Provenance {
    /// Content hashes of the inputs by ordinal.
    pub inputs: Vec<u128>,
    /// Fingerprint of everything the rows were made from.
    pub fingerprint: u128,
    /// Free facts; keys must differ.
    pub notes: Vec<(String, String)>,
}

/// Writes one table file to any [`Write`], through a buffer of its own.
///
/// The same header, rows and provenance give the same bytes.
#[derive(Debug)]
pub struct TableWriter<W: Write> {
    out: Out<W>,
    header: FileHeader,
    encoder: BlockEncoder,
    /// Encoded blocks of the open group, as they came.
    pending: Vec<u8>,
    /// For each pending block, by row block then column: where it is in `pending`, and its entry without offset.
    waiting: Vec<(usize, BlockEntry)>,
    /// Row blocks in the open group.
    group: u32,
    blocks: Vec<BlockEntry>,
    rows: u64,
    digest: u128,
    /// A block with fewer rows than `block_rows` was pushed: it must be the last.
    ended: bool,
}

impl<W: Write> TableWriter<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// `Io` from `out`, `Usage` for a header or schema over the limits.
    pub fn new(out: W, header: FileHeader) -> Result<Self> {
        Self::with_encoder(out, header, BlockEncoder::default())
    }

    /// The same with an encoder of one's own: zstd, or another share of checked blocks.
    ///
    /// # Errors
    /// As [`TableWriter::new`].
    pub fn with_encoder(out: W, header: FileHeader, encoder: BlockEncoder) -> Result<Self> {
        let bytes = header.to_bytes();
        match FileHeader::parse(&bytes) {
            Ok(parsed) if parsed == header => {}
            Ok(_) => return Err(refused("a header that reads back differently".to_owned())),
            Err(error) => return Err(as_usage(error)),
        }
        let mut out = Out::new(out);
        out.put(&bytes)?;
        Ok(Self {
            out,
            header,
            encoder,
            pending: Vec::new(),
            waiting: Vec::new(),
            group: 0,
            blocks: Vec::new(),
            rows: 0,
            digest: 0,
            ended: false,
        })
    }

    /// Rows pushed so far.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Appends one block: `columns` in schema order, each `rows` long; `rows` is the header's `block_rows` in every call but
    /// the last. No rows is no block.
    ///
    /// # Errors
    /// `Usage` for values that do not fit the schema, `Io` from `out`. After an error the file is lost.
    pub fn push(&mut self, rows: usize, columns: &[ColumnValues<'_>]) -> Result<()> {
        self.push_pieces(rows, columns.iter().map(|values| Piece::Values(*values)))
    }

    /// The same for columns of which some are encoded already.
    ///
    /// # Errors
    /// As [`TableWriter::push`].
    pub fn push_pieces<'a>(&mut self, rows: usize, columns: impl ExactSizeIterator<Item = Piece<'a>>) -> Result<()> {
        if rows == 0 {
            return Ok(());
        }
        let full = self.header.block_rows as usize;
        if columns.len() != self.header.schema.columns.len() || rows > full || self.ended {
            let got = format!("{rows} rows of {} columns after {} rows", columns.len(), self.rows);
            return Err(refused(format!("a block of {got}, where blocks have {full} rows and only the last fewer")));
        }
        let entries = self.blocks.len() + self.waiting.len() + columns.len();
        if entries.saturating_mul(ENTRY_LEN) > limits::FOOTER_BYTES as usize - FOOTER_MIN {
            return Err(refused(format!("a footer of {entries} blocks")));
        }
        self.ended = rows < full;
        let first_row = self.header.first_row.wrapping_add(self.rows);
        let alone = self.header.group_blocks == 1;
        for (column, piece) in self.header.schema.columns.iter().zip(columns) {
            let start = self.pending.len();
            let encoded = match piece {
                Piece::Values(values) => self.encoder.encode(column, first_row, rows, values, &mut self.pending)?,
                Piece::Encoded { encoded, bytes } => {
                    self.pending.extend_from_slice(bytes);
                    encoded
                }
            };
            self.digest = digest::add(self.digest, encoded.digest);
            if alone {
                let entry = BlockEntry { offset: self.out.position(), ..encoded.entry };
                self.out.put(&self.pending)?;
                self.out.align()?;
                self.blocks.push(entry);
                self.pending.clear();
            } else {
                self.waiting.push((start, encoded.entry));
            }
        }
        self.rows += rows as u64;
        self.group += 1;
        if self.group == self.header.group_blocks {
            self.flush_group()?;
        }
        Ok(())
    }

    /// Writes the open group, column by column.
    fn flush_group(&mut self) -> Result<()> {
        let columns = self.header.schema.columns.len();
        for column in 0..columns {
            for (start, entry) in self.waiting.iter().skip(column).step_by(columns) {
                self.blocks.push(BlockEntry { offset: self.out.position(), ..*entry });
                self.out.put(&self.pending[*start..*start + entry.length as usize])?;
                self.out.align()?;
            }
        }
        self.waiting.clear();
        self.pending.clear();
        self.group = 0;
        Ok(())
    }

    /// Writes the footer. The caller syncs and publishes.
    ///
    /// # Errors
    /// `Usage` for provenance over the limits, `Io` from `out`.
    pub fn finish(self, provenance: Provenance) -> Result<(W, SealedFile)> {
        self.finish_keeping(provenance).map(|(out, sealed, _)| (out, sealed))
    }

    /// The same, and gives the encoder back: making one costs as much as encoding a small table.
    ///
    /// # Errors
    /// As [`TableWriter::finish`].
    pub fn finish_keeping(mut self, provenance: Provenance) -> Result<(W, SealedFile, BlockEncoder)> {
        self.flush_group()?;
        let identity = self.header.identity(self.rows);
        for (number, block) in self.blocks.iter_mut().enumerate() {
            let seed = checksum::block_seed(identity, number as u64);
            block.crc = checksum::join(seed, block.crc, block.length);
        }
        let mut notes = provenance.notes;
        notes.sort();
        let footer = Footer {
            rows: self.rows,
            identity,
            content_digest: self.digest,
            fingerprint: provenance.fingerprint,
            inputs: provenance.inputs,
            notes,
            blocks: self.blocks,
        };
        let footer_offset = self.out.position();
        let shape = Shape::of(&self.header, self.rows);
        let bytes = footer.to_bytes(shape.columns);
        let parsed = Footer::parse(&bytes, shape.columns, shape.block_rows).map_err(as_usage)?;
        if parsed != footer || bytes.len() > limits::FOOTER_BYTES as usize {
            return Err(refused(format!("a footer of {} bytes", bytes.len())));
        }
        let footer_len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let file_len = footer_offset + u64::from(footer_len) + TAIL_LEN as u64;
        let tail = Tail { footer_offset, footer_len, footer_crc: checksum::crc(&bytes), file_len };
        self.out.put(&bytes)?;
        self.out.put(&tail.to_bytes())?;
        let length = self.out.position();
        let (out, file_hash) = self.out.finish()?;
        let sealed = SealedFile {
            rows: footer.rows,
            length,
            file_hash,
            identity,
            content_digest: footer.content_digest,
            schema_hash: self.header.schema.hash(),
        };
        Ok((out, sealed, self.encoder))
    }
}

fn refused(what: String) -> Error {
    Error::usage(format!("the table file cannot hold {what}"), "stay within the limits of the format")
}

/// What a reader would call damage is a caller's mistake before it is written.
fn as_usage(error: Error) -> Error {
    match error.into_kind() {
        ErrorKind::Damage(d) => refused(format!("this ({}): needs {}, got {}", d.rule, d.expected, d.got)),
        other => Error::new(other),
    }
}
