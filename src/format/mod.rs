//! Format v1 as pure bytes: constants, header, footer, block entries, checksums. No I/O. The specification is
//! `format-spec/README.md`; its tables are compared with this module by a test.

pub mod checksum;
pub mod constants;
mod cursor;
pub mod digest;
mod entry;
mod footer;
mod header;
mod layout;
pub mod rules;
mod tail;

pub use entry::value_range;
pub use header::HEADER_PREFIX;
pub use layout::{Shape, check as check_layout};
pub use tail::Tail;

use crate::schema::{Clock, PartitionKey, Schema};

/// The checksummed header: the file's name for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileHeader {
    /// Table name (`book`, `trades`, a feature table).
    pub table: String,
    /// Venue, security, date.
    pub key: PartitionKey,
    /// Channel of the identity (decision 11).
    pub channel: String,
    /// Publication number of the partition that wrote this file, from 1.
    pub generation: u32,
    /// Segment number within the table.
    pub segment: u32,
    /// Row number in the table of this file's first row: 0 but for appended segments.
    pub first_row: u64,
    /// The clock that orders the rows.
    pub clock: Clock,
    /// Zone of zone-less source times (decision 9).
    pub tz: String,
    /// Zone of date, hour and bars.
    pub date_tz: String,
    /// Rows of a block.
    pub block_rows: u32,
    /// Blocks of a row group.
    pub group_blocks: u32,
    /// Columns.
    pub schema: Schema,
}

/// How a block's values are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Encoding {
    /// Values as they are: zero-copy.
    Plain = 0,
    /// base + factor * u, u of 0, 1, 2, 4 or 8 bytes.
    Packed = 1,
    /// One bit a row says changed; changed values packed.
    Repeat = 2,
    /// Text: distinct strings, then packed codes.
    Dict = 3,
    /// Another encoding's bytes as one zstd frame.
    Zstd = 4,
    /// The first value, then packed differences.
    Delta = 5,
}

/// One index entry of the footer, 64 bytes in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockEntry {
    /// Offset from the start of the file, a multiple of 64.
    pub offset: u64,
    /// Payload bytes, without the padding that follows.
    pub length: u32,
    /// Rows.
    pub rows: u32,
    /// Missing values among them.
    pub nulls: u32,
    /// Encoding.
    pub encoding: Encoding,
    /// CRC-32C of seed and payload.
    pub crc: u32,
    /// Smallest value: i64, u64 or f64 bits by type; 0 for text and where all are null.
    pub min: u64,
    /// Largest value.
    pub max: u64,
    /// Sum of the integers; 0 for f64 and text.
    pub sum: i128,
}

/// The footer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Footer {
    /// Rows of the file.
    pub rows: u64,
    /// Hash of the identity: header names and row count.
    pub identity: u128,
    /// Additive content digest of this file's rows (see `format-spec`, Content digest).
    pub content_digest: u128,
    /// Fingerprint of everything the rows were made from.
    pub fingerprint: u128,
    /// Content hashes of the inputs, in the order of their ordinals.
    pub inputs: Vec<u128>,
    /// Free facts: key and value, sorted by key.
    pub notes: Vec<(String, String)>,
    /// Entries, group by group, in each group column by column, in each column block by block.
    pub blocks: Vec<BlockEntry>,
}

/// What a finished file is, for the manifest and the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedFile {
    /// Rows.
    pub rows: u64,
    /// Bytes.
    pub length: u64,
    /// XXH3-128 of the whole file.
    pub file_hash: u128,
    /// Identity hash.
    pub identity: u128,
    /// Additive content digest.
    pub content_digest: u128,
    /// Schema hash.
    pub schema_hash: u128,
}
