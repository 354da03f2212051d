//! Highest and lowest value over windows: in, a column row by row; out, the extreme of every span.
//!
//! One list serves all spans: the values that no later one reaches. The extreme over a window is the first of them
//! inside it; a reader a span moves along, and a new value takes away what it reaches at the other end.

use crate::error::Result;
use crate::feature::carry::{StateReader, StateWriter, damaged};
use crate::feature::window::carry::{restore_log, save_log};
use crate::feature::window::log::{BlockLog, Reader, WindowScratch};
use crate::merge::BATCH;

/// Words of a record: its row, its value.
const WIDTH: usize = 2;

/// The memory of one extreme.
#[derive(Debug)]
pub(crate) struct Extreme {
    log: BlockLog,
    readers: Vec<Reader>,
    /// 1 for the highest; the lowest is the highest of the negated values.
    sign: f64,
    /// The last value in the list, and where it stands.
    last: (f64, usize),
    /// Records before this one are in no window.
    front: u64,
    /// Results by span.
    pub(crate) values: Vec<[f64; BATCH]>,
}

impl Extreme {
    pub(crate) fn new(stream: u32, sign: f64, spans: usize, bytes: usize) -> Self {
        Self {
            log: BlockLog::new(stream, WIDTH, bytes, spans),
            readers: (0..spans).map(Reader::new).collect(),
            sign,
            last: (f64::INFINITY, 0),
            front: 0,
            values: vec![[0.0; BATCH]; spans],
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.log.bytes() + 8 * BATCH * self.values.len()
    }

    /// Starts a partition.
    pub(crate) fn reset(&mut self) {
        self.log.reset();
        self.readers.iter_mut().for_each(Reader::reset);
        self.front = 0;
    }

    /// Takes the values of a batch, whose rows are numbered from `first`; `starts` has, for each span, the number of the
    /// last row before the window of each row.
    pub(crate) fn run(
        &mut self,
        values: &[f64],
        first: u64,
        starts: &[[u64; BATCH]],
        scratch: &mut dyn WindowScratch,
    ) -> Result<()> {
        for (i, value) in values.iter().enumerate() {
            self.push(first + i as u64, self.sign * value, scratch)?;
            let end = self.log.len() - 1;
            for (number, starts) in starts.iter().enumerate() {
                let start = starts[i];
                let reader = &mut self.readers[number];
                reader.record = reader.record.min(end);
                let (mut at, _) = self.log.locate(reader, scratch)?;
                while self.log.words()[at] <= start {
                    reader.record += 1;
                    (at, _) = self.log.locate(reader, scratch)?;
                }
                self.values[number][i] = self.sign * f64::from_bits(self.log.words()[at + 1]);
            }
        }
        self.front = self.readers.iter().map(|reader| reader.record).min().unwrap_or(0);
        self.log.release(self.front, scratch);
        Ok(())
    }

    /// Appends a value, in place of those that it reaches.
    fn push(&mut self, row: u64, value: f64, scratch: &mut dyn WindowScratch) -> Result<()> {
        let front = self.front;
        while self.log.len() > front && self.last.0 < value {
            if self.log.pop(scratch)? {
                self.readers.iter_mut().for_each(Reader::forget);
            }
            if self.log.len() > front {
                let at = self.log.last();
                self.last = (f64::from_bits(self.log.words()[at + 1]), at);
            }
        }
        if self.log.len() <= front || self.last.0 != value {
            self.last = (value, self.log.push(scratch)?);
        }
        let (_, at) = self.last;
        let words = self.log.words_mut();
        words[at] = row;
        words[at + 1] = value.to_bits();
        Ok(())
    }
}

impl Extreme {
    /// Writes the list from the first value in any window on; `spare` is what was taken off the numbers of rows.
    pub(crate) fn save(
        &mut self,
        spare: u64,
        out: &mut StateWriter<'_>,
        scratch: &mut dyn WindowScratch,
    ) -> Result<()> {
        let change = &|record: &mut [u64]| record[0] = record[0].saturating_sub(spare);
        save_log(&mut self.log, &self.readers, WIDTH, (out, scratch), change).map(drop)
    }

    /// Takes over what [`Extreme::save`] wrote.
    pub(crate) fn restore(&mut self, from: &mut StateReader, scratch: &mut dyn WindowScratch) -> Result<()> {
        let (mut before, mut last) = (0, f64::INFINITY);
        let check = &mut |record: &mut [u64], _: bool| {
            let (row, value) = (record[0], f64::from_bits(record[1]));
            if row < before || value.is_nan() || value > last {
                return Err(damaged("later rows of lower values", format!("row {row}, value {value}")));
            }
            (before, last) = (row, value);
            Ok(())
        };
        let at = restore_log(&mut self.log, &mut self.readers, WIDTH, (from, scratch), check)?;
        self.last = (last, at);
        self.front = self.readers.iter().map(|reader| reader.record).min().unwrap_or(0);
        Ok(())
    }
}
