//! State on its way in: the table `state` of the date before, read part by part in the order in which it was written.
//!
//! The file's sums say that its bytes are those that were written, and no more: every length and every number is checked
//! where it is used, and what cannot be is damage by the rule `state`.

use crate::codec::TextBlock;
use crate::error::{Error, Result};
use crate::feature::carry::{STATE_ROWS, state_schema};
use crate::read::{BlockScratch, TableReader};

/// Reads the table `state` of a partition, once, front to back.
#[derive(Debug)]
pub struct StateReader {
    table: TableReader,
    scratch: BlockScratch,
    parts: TextBlock,
    words: Vec<i64>,
    validity: Vec<u64>,
    /// The block after the open one; rows of the open one, and the next of them. No rows are the end.
    block: usize,
    rows: usize,
    row: usize,
    part: String,
}

/// A state that is not what it should be.
pub(crate) fn damaged(expected: impl Into<String>, got: impl Into<String>) -> Error {
    Error::damage("state", expected, got)
}

impl StateReader {
    /// Opens the table.
    ///
    /// # Errors
    /// `Damage` where it is no state, or its first block is damaged; `Io`.
    pub fn open(table: TableReader) -> Result<Self> {
        let header = table.header();
        if header.schema != state_schema() || header.block_rows as usize > STATE_ROWS {
            let columns = header.schema.columns.len();
            return Err(damaged("the columns of a state", format!("table {} of {columns} columns", header.table)));
        }
        Self::at_block(table, 0)
    }

    fn at_block(table: TableReader, block: usize) -> Result<Self> {
        let mut reader = Self {
            table,
            scratch: BlockScratch::default(),
            parts: TextBlock::default(),
            words: vec![0; STATE_ROWS],
            validity: vec![0; STATE_ROWS.div_ceil(64)],
            block,
            rows: 0,
            row: 0,
            part: String::new(),
        };
        reader.load()?;
        Ok(reader)
    }

    /// A second reader at the same place.
    pub(crate) fn fork(&self) -> Result<Self> {
        let block = if self.rows == 0 { self.block } else { self.block - 1 };
        let mut fork = Self::at_block(self.table.clone(), block)?;
        fork.row = self.row;
        fork.part.clone_from(&self.part);
        Ok(fork)
    }

    fn load(&mut self) -> Result<()> {
        (self.rows, self.row) = (0, 0);
        if self.block == self.table.block_count() {
            return Ok(());
        }
        let Self { table, scratch, parts, words, validity, block, .. } = self;
        parts.clear();
        table.read_text(*block, 0, scratch, parts, validity)?;
        table.read_i64(*block, 1, scratch, words, validity)?;
        self.rows = self.table.block_rows(self.block);
        self.block += 1;
        Ok(())
    }

    /// Whether the next word belongs to a part.
    fn is_at(&self, part: &str) -> bool {
        self.row < self.rows && self.parts.value(self.row) == part.as_bytes()
    }

    /// Enters a part if it comes next.
    pub(crate) fn enter(&mut self, part: &str) -> bool {
        let enters = self.is_at(part);
        if enters {
            part.clone_into(&mut self.part);
        }
        enters
    }

    /// Whether the part entered has more words.
    pub(crate) fn has_more(&self) -> bool {
        self.is_at(&self.part)
    }

    /// Leaves the part entered.
    ///
    /// # Errors
    /// `Damage` if it has more words, or a block is damaged.
    pub(crate) fn leave(&mut self) -> Result<()> {
        if self.has_more() {
            return Err(damaged(format!("the end of part {}", self.part), "more words"));
        }
        Ok(())
    }

    fn advance(&mut self) -> Result<()> {
        self.row += 1;
        if self.row == self.rows { self.load() } else { Ok(()) }
    }

    /// The next word of the part entered.
    ///
    /// # Errors
    /// `Damage` where the part has ended; `Io`.
    pub(crate) fn word(&mut self) -> Result<u64> {
        if !self.has_more() {
            return Err(damaged(format!("more words of part {}", self.part), "its end"));
        }
        let word = self.words[self.row].cast_unsigned();
        self.advance()?;
        Ok(word)
    }

    pub(crate) fn words(&mut self, out: &mut [u64]) -> Result<()> {
        for word in out {
            *word = self.word()?;
        }
        Ok(())
    }

    pub(crate) fn int(&mut self) -> Result<i64> {
        self.word().map(u64::cast_signed)
    }

    pub(crate) fn wide(&mut self) -> Result<i128> {
        let low = u128::from(self.word()?);
        let high = u128::from(self.word()?);
        Ok((high << 64 | low).cast_signed())
    }

    pub(crate) fn float(&mut self) -> Result<f64> {
        self.word().map(f64::from_bits)
    }

    pub(crate) fn option(&mut self) -> Result<Option<i64>> {
        let is_some = self.below(2)? == 1;
        let value = self.int()?;
        Ok(is_some.then_some(value))
    }

    /// A word that is below a limit.
    pub(crate) fn below(&mut self, limit: u64) -> Result<u64> {
        let word = self.word()?;
        if word >= limit {
            return Err(damaged(format!("a number below {limit} in part {}", self.part), word.to_string()));
        }
        Ok(word)
    }

    /// Decimals.
    pub(crate) fn scale(&mut self) -> Result<u8> {
        self.below(19).map(|scale| scale as u8)
    }
}
