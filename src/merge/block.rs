//! Cursors over the blocks of one table: in, its segments; out, block after block of the columns asked for, as i64 with
//! validity, decimals brought to one common scale a group.
//!
//! A column that a segment lacks is null there. Memory is the caller's and fixed: a block that does not fit is refused by name.

use std::borrow::Cow;

use crate::error::{Error, ErrorKind, Result};
use crate::read::{BlockScratch, TableReader};
use crate::schema::{Clock, LogicalType};
use crate::units::POW10;

/// Mantissas stay below this, so that `b0 + a0 - 2 p` and twice a sum of two fit in an i64; 18 digits do (decision 13).
pub(crate) const MANTISSA_MAX: i64 = 1 << 60;

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
    name: Cow<'static, str>,
    group: Group,
}

impl ColumnSpec {
    pub(crate) fn new(name: impl Into<Cow<'static, str>>, group: Group) -> Self {
        Self { name: name.into(), group }
    }
}

/// The common scales of a table's decimals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scales {
    pub(crate) price: u8,
    pub(crate) size: u8,
}

impl Scales {
    fn of(self, group: Group) -> u8 {
        match group {
            Group::Plain => 0,
            Group::Price => self.price,
            Group::Size => self.size,
        }
    }
}

/// The memory of a cursor: one decoded block, column after column.
#[derive(Debug)]
pub(crate) struct BlockMemory {
    columns: Vec<ColumnSpec>,
    values: Vec<i64>,
    validity: Vec<u64>,
    /// Nulls of each column in this block.
    nulls: Vec<usize>,
    /// Largest magnitude of each column's mantissas in this block, from its statistics.
    bound: Vec<u64>,
    /// Position of each column in the segment that is read.
    index: Vec<Option<usize>>,
    /// What each column is multiplied with in the segment that is read.
    factor: Vec<i64>,
    scratch: BlockScratch,
    stride: usize,
}

impl BlockMemory {
    /// Memory for blocks of `rows` rows, or of more rows where fewer columns are stored.
    pub(crate) fn new(columns: Vec<ColumnSpec>, rows: usize) -> Self {
        let n = columns.len();
        Self {
            values: vec![0; n * rows],
            validity: vec![0; n * rows.div_ceil(64)],
            nulls: vec![0; n],
            bound: vec![0; n],
            index: vec![None; n],
            factor: vec![1; n],
            scratch: BlockScratch::default(),
            stride: rows,
            columns,
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.values.len() * 8 + self.validity.len() * 8
    }

    pub(crate) fn column_count(&self) -> usize {
        self.columns.len()
    }

    /// Makes `column` the column of a clock.
    pub(crate) fn set_clock(&mut self, column: usize, clock: Clock) {
        self.columns[column].name = Cow::Borrowed(clock_column(clock));
    }

    /// Values of a column in the block read last.
    pub(crate) fn values(&self, column: usize) -> &[i64] {
        &self.values[column * self.stride..(column + 1) * self.stride]
    }

    /// Validity of a column in the block read last, one bit a row.
    pub(crate) fn validity(&self, column: usize) -> &[u64] {
        let words = self.stride / 64;
        &self.validity[column * words..(column + 1) * words]
    }

    /// Nulls of a column in the block read last.
    pub(crate) fn nulls(&self, column: usize) -> usize {
        self.nulls[column]
    }

    /// No mantissa of the column in the block read last is larger in magnitude.
    pub(crate) fn bound(&self, column: usize) -> u64 {
        self.bound[column]
    }
}

/// Reads the blocks of a table's segments in order.
///
/// After the end it stays at the end, and after an error it must not be used.
#[derive(Debug)]
pub(crate) struct Cursor<'a> {
    segments: &'a [TableReader],
    pub(crate) memory: &'a mut BlockMemory,
    scales: Scales,
    segment: usize,
    block: usize,
    rows: usize,
    wanted: usize,
}

impl<'a> Cursor<'a> {
    /// A cursor before the first block, over the first `wanted` columns of `memory`.
    ///
    /// # Errors
    /// `Findings` when a block does not fit in `memory`.
    pub(crate) fn new(
        segments: &'a [TableReader],
        memory: &'a mut BlockMemory,
        wanted: usize,
        clock: Clock,
    ) -> Result<Self> {
        if let Some(other) = segments.iter().map(|s| s.header().clock).find(|c| *c != clock) {
            return Err(findings(format!(
                "the table is stored by {} and the run's clock is {}; import it with --clock {}",
                other.name(),
                clock.name(),
                clock.name()
            )));
        }
        let largest = segments.iter().map(|s| s.header().block_rows as usize).max().unwrap_or(64);
        let stride = largest.next_multiple_of(64);
        if stride * wanted > memory.values.len() || stride / 64 * wanted > memory.validity.len() {
            return Err(findings(format!(
                "blocks of {largest} rows of {wanted} columns need more than the worker's arena of {} bytes; \
                 use fewer levels, or write the table with smaller blocks",
                memory.bytes()
            )));
        }
        memory.stride = stride;
        let scales = common_scales(segments, &memory.columns[..wanted]);
        let mut cursor = Self { segments, memory, scales, segment: 0, block: 0, rows: 0, wanted };
        cursor.open_segment();
        Ok(cursor)
    }

    /// The common scales.
    pub(crate) fn scales(&self) -> Scales {
        self.scales
    }

    /// Rows of the block read last.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    fn open_segment(&mut self) {
        let Some(reader) = self.segments.get(self.segment) else { return };
        let schema = &reader.header().schema;
        for (i, spec) in self.memory.columns[..self.wanted].iter().enumerate() {
            let index = schema.index_of(&spec.name);
            let scale = index.map_or(0, |c| schema.columns[c].scale);
            self.memory.index[i] = index;
            let up = usize::from(self.scales.of(spec.group).saturating_sub(scale));
            self.memory.factor[i] = if spec.group == Group::Plain { 1 } else { POW10[up.min(18)] };
        }
    }

    /// Reads the next block; false at the end.
    ///
    /// # Errors
    /// `Damage`, `Io`; `Findings` when a column does not fit in 64 bits at the common scale.
    pub(crate) fn next_block(&mut self) -> Result<bool> {
        while let Some(reader) = self.segments.get(self.segment) {
            if self.block < reader.block_count() {
                self.rows = reader.block_rows(self.block);
                for column in 0..self.wanted {
                    self.read_column(reader, column)?;
                }
                self.block += 1;
                return Ok(true);
            }
            self.segment += 1;
            self.block = 0;
            self.open_segment();
        }
        self.rows = 0;
        Ok(false)
    }

    /// Checks that no row of the block read last lacks the clock or stands before the row above it; returns the last clock.
    ///
    /// # Errors
    /// `Findings` for a missing clock, `Damage` for the order.
    pub(crate) fn check_order(&self, column: usize, last: i64) -> Result<i64> {
        let clocks = &self.memory.values(column)[..self.rows];
        if self.memory.nulls(column) > 0 {
            let name = &self.memory.columns[column].name;
            return Err(findings(format!("{} rows have no {name}; use the other clock", self.memory.nulls(column))));
        }
        let Some((first, end)) = clocks.first().zip(clocks.last()) else { return Ok(last) };
        if *first < last || !clocks.is_sorted() {
            return Err(Error::damage("order", "rows in the order of their clock", "a row before its predecessor"));
        }
        Ok(*end)
    }

    fn read_column(&mut self, reader: &TableReader, column: usize) -> Result<()> {
        let memory = &mut *self.memory;
        let (stride, words) = (memory.stride, memory.stride / 64);
        let values = &mut memory.values[column * stride..(column + 1) * stride];
        let validity = &mut memory.validity[column * words..(column + 1) * words];
        let Some(index) = memory.index[column] else {
            values.fill(0);
            validity.fill(0);
            memory.nulls[column] = self.rows;
            memory.bound[column] = 0;
            return Ok(());
        };
        memory.nulls[column] = reader.read_i64(self.block, index, &mut memory.scratch, values, validity)?;
        if memory.columns[column].group == Group::Plain {
            return Ok(());
        }
        let entry = reader.entry(self.block, index);
        let magnitude = (entry.min as i64).unsigned_abs().max((entry.max as i64).unsigned_abs());
        let factor = memory.factor[column];
        let bound = magnitude.checked_mul(factor.unsigned_abs()).filter(|b| *b <= MANTISSA_MAX.unsigned_abs());
        let Some(bound) = bound else {
            return Err(findings(format!(
                "column {} holds a mantissa of {magnitude}, which is beyond 2^60 at the {} decimals that its table needs; \
                 exact comparisons would overflow",
                memory.columns[column].name,
                self.scales.of(memory.columns[column].group),
            )));
        };
        memory.bound[column] = bound;
        if factor != 1 {
            values[..self.rows].iter_mut().for_each(|v| *v = v.wrapping_mul(factor));
        }
        Ok(())
    }
}

/// The name of a clock's column.
pub(crate) fn clock_column(clock: Clock) -> &'static str {
    match clock {
        Clock::Event => "ts_event",
        Clock::Recv => "ts_recv",
    }
}

/// The smallest scale a group that is exact for all its columns in all segments.
fn common_scales(segments: &[TableReader], columns: &[ColumnSpec]) -> Scales {
    let mut scales = Scales::default();
    for reader in segments {
        for column in reader.header().schema.columns.iter().filter(|c| c.logical_type == LogicalType::Decimal) {
            match columns.iter().find(|spec| spec.name == column.name).map(|spec| spec.group) {
                Some(Group::Price) => scales.price = scales.price.max(column.scale),
                Some(Group::Size) => scales.size = scales.size.max(column.scale),
                Some(Group::Plain) | None => {}
            }
        }
    }
    scales
}

pub(crate) fn findings(what: String) -> Error {
    Error::new(ErrorKind::Findings { what })
}
