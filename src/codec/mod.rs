//! Column values to block bytes and back. Pure: no I/O, caller-owned buffers.
//!
//! [`BlockEncoder`] turns a column's values into a block with its statistics and digest; [`decode`] turns a block's bytes
//! into i64, f64 or text. The other modules are the parts of the format: `plain`, `packed`, `repeat`, `dict`, `zstd`.

pub mod bits;
pub mod check;
pub mod decimal;
pub mod decode;
pub mod delta;
pub mod dict;
pub mod digest;
mod encode;
pub mod pack;
pub mod packed;
pub mod plain;
pub mod repeat;
pub mod stats;
pub mod zstd;

pub use decode::DecodeScratch;
pub use encode::{BlockEncoder, CHECK_EVERY, Encoded};

/// Text of one block: `ends[i]` is where value i ends in `bytes`; null values are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextBlock {
    /// All values, one after the other.
    pub bytes: Vec<u8>,
    /// End of each value.
    pub ends: Vec<u32>,
}

/// The values of one column for one block, as a writer hands them over.
///
/// `validity` has one bit a row, bit i of word i/64; absent means no nulls. Values at null rows are ignored.
#[derive(Clone, Copy, Debug)]
pub enum ColumnValues<'a> {
    /// Every type but f64 and text: u64 as its bits, small types widened.
    I64 {
        /// One a row.
        values: &'a [i64],
        /// Valid rows; `None` when all are.
        validity: Option<&'a [u64]>,
    },
    /// f64, null is NaN.
    F64(&'a [f64]),
    /// Text.
    Text {
        /// One a row.
        values: &'a TextBlock,
        /// Valid rows; `None` when all are.
        validity: Option<&'a [u64]>,
    },
}
