//! Rows to columns: one block of a table is filled row by row and handed to the writer.

use std::io::Write;

use super::facts::canonical_u64;
use super::merge::MergedRow;
use super::row::Cells;
use super::run::corrupt;
use super::schema::{Role, TableShape};
use crate::codec::{ColumnValues, TextBlock};
use crate::error::Result;
use crate::limits::BLOCK_ROWS;
use crate::normalize::{SCALE_NULL, TS_NULL};
use crate::schema::LogicalType;
use crate::units::{Decimal, POW10};
use crate::write::TableWriter;

/// Bytes of a block of all columns at most: wide tables get shorter blocks.
const BLOCK_BYTES: usize = 8 << 20;
/// Marks a cell without a column.
const NOWHERE: usize = usize::MAX;

/// Why a row cannot be stored in its table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The column.
    pub column: String,
    /// The reason, with the value and what to do.
    pub reason: String,
}

/// Where a cell goes.
#[derive(Clone, Copy, Debug)]
struct Slot {
    column: usize,
    scale: u8,
    text: bool,
}

impl Slot {
    const NOWHERE: Self = Self { column: NOWHERE, scale: 0, text: false };
}

/// Fills blocks.
#[derive(Debug)]
pub struct BlockBuilder {
    shape: TableShape,
    capacity: usize,
    rows: usize,
    values: Vec<i64>,
    validity: Vec<u64>,
    nulls: Vec<usize>,
    texts: Vec<TextBlock>,
    fixed: [Slot; 5],
    ints: Vec<Slot>,
    decimals: Vec<Slot>,
    ids: Vec<Slot>,
    kept: Vec<Slot>,
}

impl BlockBuilder {
    /// Rows of a block of a table with so many columns: a power of two, the same whatever the memory budget.
    #[must_use]
    pub fn block_rows(columns: usize) -> u32 {
        let mut rows = BLOCK_ROWS;
        while rows > 64 && columns * 8 * rows as usize > BLOCK_BYTES {
            rows /= 2;
        }
        rows
    }

    /// A builder for the tables of a shape.
    #[must_use]
    pub fn new(shape: TableShape) -> Self {
        let mut builder = Self {
            capacity: 0,
            rows: 0,
            values: Vec::new(),
            validity: Vec::new(),
            nulls: Vec::new(),
            texts: Vec::new(),
            fixed: [Slot::NOWHERE; 5],
            ints: Vec::new(),
            decimals: Vec::new(),
            ids: Vec::new(),
            kept: Vec::new(),
            shape,
        };
        builder.describe();
        builder
    }

    /// Makes the builder that of another table, its memory kept; rows that were not flushed are gone.
    pub fn reset(&mut self, shape: TableShape) {
        self.shape = shape;
        self.describe();
    }

    fn describe(&mut self) {
        let columns = self.shape.roles.len();
        (self.capacity, self.rows) = (Self::block_rows(columns) as usize, 0);
        // What is in them does not matter: a row writes each of its cells.
        self.values.resize(columns * self.capacity, 0);
        self.validity.resize(columns * (self.capacity / 64), 0);
        self.nulls.resize(columns, 0);
        self.texts.resize_with(columns, TextBlock::default);
        self.texts.iter_mut().for_each(clear_text);
        self.fixed = [Slot::NOWHERE; 5];
        let slots = [
            (&mut self.ints, self.shape.table.ints().len()),
            (&mut self.decimals, 0),
            (&mut self.ids, self.shape.table.ids().len()),
            (&mut self.kept, self.shape.kept.len()),
        ];
        for (slots, count) in slots {
            slots.clear();
            slots.resize(count, Slot::NOWHERE);
        }
        for (column, (role, described)) in self.shape.roles.iter().zip(&self.shape.schema.columns).enumerate() {
            let slot = Slot { column, scale: described.scale, text: described.logical_type == LogicalType::Text };
            match *role {
                Role::Event => self.fixed[0] = slot,
                Role::Recv => self.fixed[1] = slot,
                Role::Sequence => self.fixed[2] = slot,
                Role::Source => self.fixed[3] = slot,
                Role::Record => self.fixed[4] = slot,
                Role::Int(k) => self.ints[k] = slot,
                Role::Id(k) => self.ids[k] = slot,
                Role::Kept(k) => self.kept[k] = slot,
                Role::Decimal(k) => {
                    self.decimals.resize(self.decimals.len().max(k + 1), Slot::NOWHERE);
                    self.decimals[k] = slot;
                }
            }
        }
    }

    /// The shape.
    #[must_use]
    pub fn shape(&self) -> &TableShape {
        &self.shape
    }

    /// True when the block must be flushed before the next row.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.rows == self.capacity
    }

    /// Takes a row, unless a decimal of it is not exact at its column's scale.
    ///
    /// # Errors
    /// `Damage` for a row that cannot be read.
    pub fn push(&mut self, row: &MergedRow<'_>) -> Result<Option<Refused>> {
        let broken = || corrupt("a row whose cells cannot be read");
        let mut cells = Cells::new(row.bytes, &row.head);
        for k in 0..self.ints.len() {
            let (value, scale) = cells.number().ok_or_else(broken)?;
            self.set(self.ints[k].column, (scale != SCALE_NULL).then_some(value));
        }
        let count = cells.count().ok_or_else(broken)?;
        for k in 0..count.max(self.decimals.len()) {
            let (mantissa, scale) = if k < count { cells.number().ok_or_else(broken)? } else { (0, SCALE_NULL) };
            let slot = self.decimals.get(k).copied().unwrap_or(Slot::NOWHERE);
            if scale == SCALE_NULL {
                self.set(slot.column, None);
                continue;
            }
            let Some(value) = rescale(mantissa, scale, slot.scale) else {
                return Ok(Some(self.refuse(slot, Decimal { mantissa, scale })));
            };
            self.set(slot.column, Some(value));
        }
        let ts = |ts: i64| (ts != TS_NULL).then_some(ts);
        self.set(self.fixed[0].column, ts(row.head.ts_event));
        self.set(self.fixed[1].column, ts(row.head.ts_recv));
        self.set(self.fixed[2].column, row.head.sequence.map(|s| s as i64));
        self.set(self.fixed[3].column, Some(i64::from(row.head.order.source)));
        self.set(self.fixed[4].column, Some(row.head.order.record as i64));
        for k in 0..self.ids.len() {
            let text = cells.id().ok_or_else(broken)?;
            self.set_id(self.ids[k], text)?;
        }
        self.set_kept(&mut cells)?;
        self.rows += 1;
        Ok(None)
    }

    /// Writes a cell of the row that is being taken; a row that is refused half-way is written over by the next.
    #[inline]
    fn set(&mut self, column: usize, value: Option<i64>) {
        if column == NOWHERE {
            return;
        }
        self.values[column * self.capacity + self.rows] = value.unwrap_or(0);
        let word = &mut self.validity[column * (self.capacity / 64) + self.rows / 64];
        let bit = 1_u64 << (self.rows % 64);
        if value.is_some() { *word |= bit } else { *word &= !bit }
    }

    /// The kept values, which stand in the order of their columns; those that are not there are missing.
    fn set_kept(&mut self, cells: &mut Cells<'_>) -> Result<()> {
        let broken = || corrupt("a row whose kept values cannot be read");
        let mut from = 0;
        while cells.has_kept() {
            let (column, text) = cells.kept().ok_or_else(broken)?;
            if column < from || column >= self.kept.len() {
                return Err(broken());
            }
            for missing in from..column {
                self.set_id(self.kept[missing], b"")?;
            }
            self.set_id(self.kept[column], text)?;
            from = column + 1;
        }
        (from..self.kept.len()).try_for_each(|missing| self.set_id(self.kept[missing], b""))
    }

    fn set_id(&mut self, slot: Slot, text: &[u8]) -> Result<()> {
        if !slot.text {
            // The facts say that every id of the column is one.
            self.set(slot.column, canonical_u64(text).map(|id| id as i64));
            return Ok(());
        }
        self.set(slot.column, (!text.is_empty()).then_some(0));
        let block = &mut self.texts[slot.column];
        block.bytes.extend_from_slice(text);
        block.ends.push(u32::try_from(block.bytes.len()).map_err(|_| corrupt("a block of text over 4 GiB"))?);
        Ok(())
    }

    fn refuse(&self, slot: Slot, value: Decimal) -> Refused {
        let column = self.shape.schema.columns.get(slot.column);
        let reason = format!(
            "{value} is not exact with the {} decimals that the column can have beside its largest values; import it \
             apart, or correct the value that is too large",
            slot.scale
        );
        Refused { column: column.map(|c| c.name.clone()).unwrap_or_default(), reason }
    }

    /// Hands the block to the writer and empties it.
    ///
    /// # Errors
    /// `Io` from the writer.
    pub fn flush<W: Write>(&mut self, writer: &mut TableWriter<W>) -> Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let words = self.rows.div_ceil(64);
        let stride = self.capacity / 64;
        for (column, nulls) in self.nulls.iter_mut().enumerate() {
            let bits = &mut self.validity[column * stride..column * stride + words];
            // A refused row may have left its bits behind the last row.
            if !self.rows.is_multiple_of(64) {
                bits[words - 1] &= (1 << (self.rows % 64)) - 1;
            }
            *nulls = self.rows - bits.iter().map(|w| w.count_ones() as usize).sum::<usize>();
        }
        let columns: Vec<ColumnValues<'_>> = (0..self.nulls.len())
            .map(|column| {
                let bits = &self.validity[column * stride..column * stride + words];
                let validity = (self.nulls[column] > 0).then_some(bits);
                if self.shape.schema.columns[column].logical_type == LogicalType::Text {
                    return ColumnValues::Text { values: &self.texts[column], validity };
                }
                let start = column * self.capacity;
                ColumnValues::I64 { values: &self.values[start..start + self.rows], validity }
            })
            .collect();
        writer.push(self.rows, &columns)?;
        self.texts.iter_mut().for_each(clear_text);
        self.rows = 0;
        Ok(())
    }
}

fn clear_text(text: &mut TextBlock) {
    text.bytes.clear();
    text.ends.clear();
}

/// A mantissa at another scale, if it is exact there and fits.
#[inline]
fn rescale(mantissa: i64, from: u8, to: u8) -> Option<i64> {
    if from == to {
        return Some(mantissa);
    }
    if from < to {
        return mantissa.checked_mul(*POW10.get(usize::from(to - from))?);
    }
    Decimal { mantissa, scale: from }.mantissa_at(to)
}
