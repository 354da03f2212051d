//! What a column says, whatever the file and its pages: the digest of its rows and the number of its nulls.
//!
//! It is gathered once while the column is written, and once from what the finished file decodes to. The sum over a table's columns is
//! its content digest, but for the columns that this leaves out; here they count as the others do.

use xxhash_rust::xxh3::xxh3_64;

use crate::codec::digest;
use crate::format::digest as content;

/// The content of some rows of a column, from the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Content {
    seed: u64,
    next_row: u64,
    pub(super) digest: u128,
    pub(super) nulls: u64,
}

impl Content {
    /// Nothing yet of the column `name`, whose first row has this number in the table.
    pub(super) fn new(name: &str, first_row: u64) -> Self {
        Self { seed: xxh3_64(name.as_bytes()), next_row: first_row, digest: 0, nulls: 0 }
    }

    /// The word that stands for a null.
    pub(super) fn null_word(&self) -> i64 {
        digest::null_word(self.seed).cast_signed()
    }

    /// Adds rows of any type but f64; nulls are the [`Content::null_word`], texts the [`text_word`].
    pub(super) fn add(&mut self, words: &[i64], nulls: usize) {
        self.sum(digest::words(words, self.seed, self.next_row), words.len(), nulls);
    }

    /// Adds rows of f64 as bits; nulls are the one NaN.
    pub(super) fn add_floats(&mut self, bits: &[i64], nulls: usize) {
        self.sum(digest::floats(bits, self.seed, self.next_row), bits.len(), nulls);
    }

    fn sum(&mut self, digest: u128, rows: usize, nulls: usize) {
        self.digest = content::add(self.digest, digest);
        self.next_row = self.next_row.wrapping_add(rows as u64);
        self.nulls += nulls as u64;
    }
}

/// The word that stands for a text.
pub(super) fn text_word(text: &[u8]) -> i64 {
    xxh3_64(text).cast_signed()
}

/// The content digest of a table with these columns.
pub(super) fn table_digest<'a>(columns: impl Iterator<Item = (&'a str, Content)>) -> u128 {
    let counted = columns.filter(|(name, _)| content::column_seed(name).is_some());
    counted.fold(0, |sum, (_, column)| content::add(sum, column.digest))
}
