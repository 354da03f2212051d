//! The memory of a cursor: one block of a table's columns as i64 with validity, decimals at one common scale a group.

use std::borrow::Cow;

use crate::codec::TextBlock;
use crate::error::{Error, ErrorKind};
use crate::merge::Aligned;
use crate::merge::faults::RowWatch;
use crate::read::BlockScratch;
use crate::schema::Clock;

/// Columns that share a scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    /// Times, numbers, sides: no scale.
    Plain,
    /// Prices.
    Price,
    /// Sizes.
    Size,
}

/// A column that a cursor reads.
#[derive(Clone, Debug)]
pub(crate) struct ColumnSpec {
    pub(crate) name: Cow<'static, str>,
    pub(crate) group: Group,
}

impl ColumnSpec {
    pub(crate) fn new(name: impl Into<Cow<'static, str>>, group: Group) -> Self {
        Self { name: name.into(), group }
    }
}

/// What every cursor's columns begin with: the clocks by their number, then what orders rows of one clock (G3).
pub(crate) const ORDER: [&str; 5] = ["ts_event", "ts_recv", "sequence", "source", "record"];
/// Positions in [`ORDER`].
pub(crate) const SEQUENCE: usize = 2;
pub(crate) const SOURCE: usize = 3;
pub(crate) const RECORD: usize = 4;

/// Rows between two columns, so that the same rows of many columns do not all fall into the same few places of a cache.
pub(crate) const APART: usize = 72;

/// One decoded block, column after column.
#[derive(Debug)]
pub(crate) struct BlockMemory {
    pub(crate) columns: Vec<ColumnSpec>,
    pub(crate) values: Aligned<i64>,
    pub(crate) validity: Vec<u64>,
    /// Nulls of each column in this block.
    pub(crate) nulls: Vec<usize>,
    /// Largest magnitude of each column's mantissas in this block, from its statistics.
    pub(crate) bound: Vec<u64>,
    /// Position of each column in the segment that is read.
    pub(crate) index: Vec<Option<usize>>,
    /// What each column is multiplied with in the segment that is read.
    pub(crate) factor: Vec<i64>,
    pub(crate) scratch: BlockScratch,
    /// Texts of the id column read last; what is kept of them is a hash.
    pub(crate) texts: TextBlock,
    /// Rows of a block at most, a multiple of 64; columns stand that and [`APART`] apart.
    pub(crate) stride: usize,
    /// What is counted of the rows on the way.
    pub(crate) watch: RowWatch,
}

impl BlockMemory {
    /// Memory for blocks of `rows` rows of [`ORDER`] and `columns`, or of more rows of fewer columns.
    pub(crate) fn new(columns: impl IntoIterator<Item = ColumnSpec>, rows: usize) -> Self {
        let order = ORDER.map(|name| ColumnSpec::new(name, Group::Plain));
        let columns: Vec<ColumnSpec> = order.into_iter().chain(columns).collect();
        let n = columns.len();
        Self {
            values: Aligned::new(0, n * (rows + APART)),
            validity: vec![0; n * rows.div_ceil(64)],
            nulls: vec![0; n],
            bound: vec![0; n],
            index: vec![None; n],
            factor: vec![1; n],
            scratch: BlockScratch::default(),
            texts: TextBlock::default(),
            stride: rows,
            watch: RowWatch::new(n, rows, false),
            columns,
        }
    }

    /// Has rows left out that repeat the row before them, in every table read from now on.
    pub(crate) fn drop_duplicates(&mut self) {
        self.watch = RowWatch::new(self.columns.len(), self.validity.len() * 64 / self.columns.len().max(1), true);
    }

    pub(crate) fn bytes(&self) -> usize {
        self.values.len() * 8 + self.validity.len() * 8
    }

    pub(crate) fn column_count(&self) -> usize {
        self.columns.len()
    }

    /// Values of a column in the block read last.
    pub(crate) fn values(&self, column: usize) -> &[i64] {
        &self.values[column * (self.stride + APART)..][..self.stride]
    }

    /// Validity of a column in the block read last, one bit a row.
    pub(crate) fn validity(&self, column: usize) -> &[u64] {
        let words = self.stride / 64;
        &self.validity[column * words..(column + 1) * words]
    }

    pub(crate) fn is_valid(&self, column: usize, row: usize) -> bool {
        self.validity(column)[row / 64] >> (row % 64) & 1 == 1
    }

    /// Nulls of a column in the block read last.
    pub(crate) fn nulls(&self, column: usize) -> usize {
        self.nulls[column]
    }

    /// No mantissa of the column in the block read last is larger in magnitude.
    pub(crate) fn bound(&self, column: usize) -> u64 {
        self.bound[column]
    }

    /// Values and validity words of a column, to write.
    pub(crate) fn column_mut(&mut self, column: usize) -> (&mut [i64], &mut [u64]) {
        let (stride, words) = (self.stride, self.stride / 64);
        (
            &mut self.values[column * (stride + APART)..][..stride],
            &mut self.validity[column * words..(column + 1) * words],
        )
    }
}

/// The name of a clock's column.
pub(crate) fn clock_column(clock: Clock) -> &'static str {
    ORDER[clock as usize]
}

pub(crate) fn findings(what: String) -> Error {
    Error::new(ErrorKind::Findings { what })
}
