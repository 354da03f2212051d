//! State on its way out: parts of words, handed over as blocks of the table `state`.

use crate::codec::{ColumnValues, TextBlock};
use crate::error::Result;
use crate::feature::carry::STATE_ROWS;

/// Takes one block of the table `state`: its rows and its columns.
pub type EmitState<'a> = dyn FnMut(usize, &[ColumnValues<'_>]) -> Result<()> + 'a;

/// Writes the table `state` of a partition.
pub struct StateWriter<'a> {
    emit: &'a mut EmitState<'a>,
    part: &'static str,
    parts: TextBlock,
    words: Vec<i64>,
}

impl std::fmt::Debug for StateWriter<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StateWriter").field("part", &self.part).finish_non_exhaustive()
    }
}

impl<'a> StateWriter<'a> {
    /// A writer that hands its blocks to `emit`: [`STATE_ROWS`] rows each but the last.
    #[must_use]
    pub fn new(emit: &'a mut EmitState<'a>) -> Self {
        Self { emit, part: "", parts: TextBlock::default(), words: Vec::with_capacity(STATE_ROWS) }
    }

    /// Begins a part; a part has a word at least.
    pub(crate) fn begin(&mut self, part: &'static str) {
        self.part = part;
    }

    /// Appends a word to the part.
    pub(crate) fn word(&mut self, word: u64) -> Result<()> {
        self.parts.push(self.part.as_bytes());
        self.words.push(word.cast_signed());
        if self.words.len() == STATE_ROWS { self.flush() } else { Ok(()) }
    }

    pub(crate) fn words(&mut self, words: &[u64]) -> Result<()> {
        words.iter().try_for_each(|word| self.word(*word))
    }

    pub(crate) fn int(&mut self, value: i64) -> Result<()> {
        self.word(value.cast_unsigned())
    }

    /// Two words, the lower half first.
    pub(crate) fn wide(&mut self, value: i128) -> Result<()> {
        let bits = value.cast_unsigned();
        self.word(bits as u64)?;
        self.word((bits >> 64) as u64)
    }

    pub(crate) fn float(&mut self, value: f64) -> Result<()> {
        self.word(value.to_bits())
    }

    pub(crate) fn floats(&mut self, values: &[f64]) -> Result<()> {
        values.iter().try_for_each(|value| self.float(*value))
    }

    /// Two words: whether there is a value, and the value.
    pub(crate) fn option(&mut self, value: Option<i64>) -> Result<()> {
        self.word(u64::from(value.is_some()))?;
        self.int(value.unwrap_or(0))
    }

    /// Hands over the last block.
    pub(crate) fn finish(mut self) -> Result<()> {
        self.flush()
    }

    fn flush(&mut self) -> Result<()> {
        let rows = self.words.len();
        if rows > 0 {
            let parts = ColumnValues::Text { values: &self.parts, validity: None };
            (self.emit)(rows, &[parts, ColumnValues::I64 { values: &self.words, validity: None }])?;
        }
        self.parts.clear();
        self.words.clear();
        Ok(())
    }
}
