//! Cursors over the blocks of one table: in, its segments; out, block after block in the order of the run's clock.
//!
//! A column that a segment lacks is null there. A table that is stored by the other clock is put in order on the way
//! ([`Reorder`]). Memory is the caller's and fixed: what does not fit is refused by name.

use xxhash_rust::xxh3::xxh3_64;

use crate::error::{Error, Result};
use crate::merge::block::{APART, BlockMemory, ColumnSpec, Group, ORDER, clock_column, findings};
use crate::merge::faults::RowFaults;
use crate::merge::reorder::Reorder;
use crate::read::TableReader;
use crate::schema::{Clock, LogicalType};
use crate::trace;
use crate::units::POW10;

/// Mantissas stay below this, so that `b0 + a0 - 2 p` and twice a sum of two fit in an i64; 18 digits do (decision 13).
const MANTISSA_MAX: u64 = 1 << 60;

/// The common scales of a table's decimals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scales {
    pub(crate) price: u8,
    pub(crate) size: u8,
}

impl Scales {
    /// The larger of both, group by group.
    pub(crate) fn at_least(self, floor: Self) -> Self {
        Self { price: self.price.max(floor.price), size: self.size.max(floor.size) }
    }

    fn of(self, group: Group) -> u8 {
        match group {
            Group::Plain => 0,
            Group::Price => self.price,
            Group::Size => self.size,
        }
    }
}

/// Reads the blocks of a table's segments in order.
///
/// After the end it stays at the end, and after an error it must not be used.
#[derive(Debug)]
pub(crate) struct Cursor<'a> {
    segments: &'a [TableReader],
    pub(crate) memory: &'a mut BlockMemory,
    reorder: &'a mut Reorder,
    reordering: bool,
    clock: Clock,
    scales: Scales,
    segment: usize,
    block: usize,
    rows: usize,
    wanted: usize,
    /// Columns of [`ORDER`] that are read.
    keys: [bool; ORDER.len()],
    last_clock: Option<i64>,
}

impl<'a> Cursor<'a> {
    /// A cursor before the first block, over the first `wanted` columns of `memory`, of which the columns of [`ORDER`] only
    /// where `keys` says so, or all of them where the memory's watch was started to look at rows.
    ///
    /// # Errors
    /// `Findings` when a block does not fit in `memory`.
    pub(crate) fn new(
        segments: &'a [TableReader],
        (memory, reorder): (&'a mut BlockMemory, &'a mut Reorder),
        wanted: usize,
        clock: Clock,
        mut keys: [bool; ORDER.len()],
    ) -> Result<Self> {
        let largest = segments.iter().map(|s| s.header().block_rows as usize).max().unwrap_or(64);
        let stride = largest.next_multiple_of(64);
        if (stride + APART) * wanted > memory.values.len() || stride / 64 * wanted > memory.validity.len() {
            return Err(findings(format!(
                "blocks of {largest} rows of {wanted} columns need more than the worker's arena of {} bytes; \
                 use fewer levels, or write the table with smaller blocks",
                memory.bytes()
            )));
        }
        memory.stride = stride;
        let reordering = segments.iter().any(|s| s.header().clock != clock);
        if reordering {
            keys = [true; ORDER.len()];
            reorder.start(segments, stride, wanted)?;
        }
        keys[clock as usize] = true;
        if memory.watch.is_on {
            keys = [true; ORDER.len()];
        }
        let scales = common_scales(segments, &memory.columns[..wanted]);
        let mut cursor = Self {
            segments,
            memory,
            reorder,
            reordering,
            clock,
            scales,
            segment: 0,
            block: 0,
            rows: 0,
            wanted,
            keys,
            last_clock: None,
        };
        cursor.open_segment();
        Ok(cursor)
    }

    /// The common scales.
    pub(crate) fn scales(&self) -> Scales {
        self.scales
    }

    /// Makes the common scales at least these; only before the first block.
    pub(crate) fn raise(&mut self, floor: Scales) {
        self.scales = self.scales.at_least(floor);
        self.open_segment();
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

    /// Reads the next block in the order of the clock; false at the end.
    ///
    /// # Errors
    /// `Damage`, `Io`; `Findings` when a column does not fit in 64 bits at the common scale, a row has no clock, or rows
    /// stored by another clock lie too far from their place.
    pub(crate) fn next_block(&mut self) -> Result<bool> {
        let _stage = trace::enter(trace::Stage::Decode);
        loop {
            if !self.next_in_order()? {
                return Ok(false);
            }
            if !self.memory.watch.is_on {
                return Ok(true);
            }
            let mut watch = std::mem::take(&mut self.memory.watch);
            self.rows = watch.see(self.memory, self.rows, self.wanted, self.clock);
            self.memory.watch = watch;
            if self.rows > 0 {
                return Ok(true);
            }
        }
    }

    /// What was found in the rows read so far, where the memory watches them.
    pub(crate) fn faults(&self) -> RowFaults {
        self.memory.watch.faults
    }

    /// Reads the next block, with all its rows.
    fn next_in_order(&mut self) -> Result<bool> {
        if !self.reordering {
            let more = self.next_stored()?;
            return if more { self.check_clock().map(|()| true) } else { Ok(false) };
        }
        while self.reorder.wants_rows() && self.next_stored()? {
            self.check_nulls()?;
            self.reorder.take(self.memory, self.rows, self.clock);
        }
        self.rows = self.reorder.give(self.memory, self.clock)?;
        Ok(self.rows > 0)
    }

    /// Reads the next block as it is stored.
    fn next_stored(&mut self) -> Result<bool> {
        while let Some(reader) = self.segments.get(self.segment) {
            if self.block < reader.block_count() {
                self.rows = reader.block_rows(self.block);
                for column in 0..self.wanted {
                    if self.keys.get(column).copied().unwrap_or(true) {
                        self.read_column(reader, column)?;
                    }
                }
                self.block += 1;
                return Ok(true);
            }
            self.segment += 1;
            self.block = 0;
            self.open_segment();
        }
        self.rows = 0;
        if self.reordering {
            self.reorder.end();
        }
        Ok(false)
    }

    fn check_nulls(&self) -> Result<()> {
        match self.memory.nulls(self.clock as usize) {
            0 => Ok(()),
            n => Err(findings(format!("{n} rows have no {}; use the other clock", clock_column(self.clock)))),
        }
    }

    /// Checks that no row of the block lacks the clock or stands before the row above it.
    fn check_clock(&mut self) -> Result<()> {
        self.check_nulls()?;
        let clocks = &self.memory.values(self.clock as usize)[..self.rows];
        let Some((first, last)) = clocks.first().zip(clocks.last()) else { return Ok(()) };
        if self.last_clock.is_some_and(|before| *first < before) || !clocks.is_sorted() {
            return Err(Error::damage("order", "rows in the order of their clock", "a row before its predecessor"));
        }
        self.last_clock = Some(*last);
        Ok(())
    }

    fn read_column(&mut self, reader: &TableReader, column: usize) -> Result<()> {
        let memory = &mut *self.memory;
        let (stride, words) = (memory.stride, memory.stride / 64);
        let values = &mut memory.values[column * (stride + APART)..][..stride];
        let validity = &mut memory.validity[column * words..(column + 1) * words];
        let Some(index) = memory.index[column] else {
            values.fill(0);
            validity.fill(0);
            memory.nulls[column] = self.rows;
            memory.bound[column] = 0;
            return Ok(());
        };
        if reader.header().schema.columns[index].logical_type == LogicalType::Text {
            let (scratch, texts) = (&mut memory.scratch, &mut memory.texts);
            memory.nulls[column] = reader.read_text(self.block, index, scratch, texts, validity)?;
            // Only ids are texts here, and they are only compared.
            let mut start = 0;
            for (value, end) in values.iter_mut().zip(&texts.ends) {
                let end = *end as usize;
                *value = xxh3_64(texts.bytes.get(start..end).unwrap_or_default()).cast_signed();
                start = end;
            }
            return Ok(());
        }
        memory.nulls[column] = reader.read_i64(self.block, index, &mut memory.scratch, values, validity)?;
        if memory.columns[column].group == Group::Plain {
            return Ok(());
        }
        let entry = reader.entry(self.block, index);
        let magnitude = entry.min.cast_signed().unsigned_abs().max(entry.max.cast_signed().unsigned_abs());
        let factor = memory.factor[column];
        let bound = magnitude.checked_mul(factor.unsigned_abs()).filter(|b| *b <= MANTISSA_MAX);
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
