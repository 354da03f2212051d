//! The decoded columns of a block of rows.

use xxhash_rust::xxh3::xxh3_128;

use crate::codec::TextBlock;
use crate::error::Result;
use crate::read::{BlockScratch, TableReader};
use crate::schema::LogicalType;

/// Columns that are read as numbers, and their places.
pub(super) const NUMBERS: [&str; 11] = [
    "ts_event",
    "ts_recv",
    "sequence",
    "source",
    "record",
    "price",
    "qty",
    "side",
    "prev_sequence",
    "is_snapshot",
    "action",
];
/// Columns of ids, each with the id of a row that it is.
pub(super) const IDS: [(&str, usize); 3] = [("order_id", 0), ("bid_order_id", 0), ("ask_order_id", 1)];

/// One decoded column of the current block.
#[derive(Debug, Default)]
pub(super) struct Cells {
    /// Its place in the file, if it is there.
    column: Option<usize>,
    is_text: bool,
    values: Vec<i64>,
    validity: Vec<u64>,
    nulls: usize,
    texts: TextBlock,
}

impl Cells {
    pub(super) fn open(&mut self, reader: &TableReader, name: &str) {
        let schema = &reader.header().schema;
        self.column = schema.index_of(name);
        self.is_text = self.column.is_some_and(|c| schema.columns[c].logical_type == LogicalType::Text);
        let rows = (reader.header().block_rows as usize).next_multiple_of(64);
        self.values.resize(rows, 0);
        self.validity.resize(rows / 64, 0);
    }

    pub(super) fn read(&mut self, reader: &TableReader, block: usize, scratch: &mut BlockScratch) -> Result<()> {
        let Some(column) = self.column else { return Ok(()) };
        self.nulls = if self.is_text {
            reader.read_text(block, column, scratch, &mut self.texts, &mut self.validity)?
        } else {
            reader.read_i64(block, column, scratch, &mut self.values, &mut self.validity)?
        };
        Ok(())
    }

    #[inline]
    pub(super) fn is_valid(&self, row: usize) -> bool {
        self.column.is_some() && (self.nulls == 0 || self.validity[row / 64] >> (row % 64) & 1 == 1)
    }

    #[inline]
    pub(super) fn get(&self, row: usize) -> Option<i64> {
        self.is_valid(row).then(|| self.values[row])
    }

    /// An id as a number, or as the hash of its text; a number is hashed too where other ids are texts.
    #[inline]
    pub(super) fn id(&self, row: usize, as_text: bool) -> Option<u128> {
        if !self.is_valid(row) {
            return None;
        }
        if self.is_text {
            let start = if row == 0 { 0 } else { self.texts.ends[row - 1] as usize };
            return self.texts.bytes.get(start..self.texts.ends[row] as usize).map(xxh3_128);
        }
        let number = self.values[row].cast_unsigned();
        Some(if as_text { xxh3_128(number.to_string().as_bytes()) } else { u128::from(number) })
    }
}
