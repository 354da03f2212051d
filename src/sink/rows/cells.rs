//! The cells of one block of chosen columns, each as what it means.

use crate::codec::TextBlock;
use crate::error::Result;
use crate::read::{BlockScratch, TableReader};
use crate::schema::LogicalType;
use crate::units::Decimal;

/// One cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'a> {
    /// No value; NaN of an f64 column is one.
    Missing,
    /// Of the types i64, i8, side and flags.
    Integer(i64),
    /// Of the type u64.
    Unsigned(u64),
    /// An exact decimal at its column's scale.
    Decimal(Decimal),
    /// Nanoseconds since the epoch.
    Time(i64),
    /// A double that is not NaN.
    Float(f64),
    /// UTF-8.
    Text(&'a [u8]),
}

/// One column of the block.
#[derive(Debug)]
struct Column {
    logical_type: LogicalType,
    scale: u8,
    numbers: Vec<i64>,
    floats: Vec<f64>,
    text: TextBlock,
    validity: Vec<u64>,
}

/// The block that was read last, in reused memory.
#[derive(Debug, Default)]
pub struct BlockCells {
    scratch: BlockScratch,
    columns: Vec<Column>,
    rows: usize,
}

impl BlockCells {
    /// Replaces what is held by block `block` of the columns with these numbers.
    ///
    /// # Errors
    /// `Damage`, `Io`.
    pub fn read(&mut self, table: &TableReader, block: usize, columns: &[usize]) -> Result<()> {
        self.rows = table.block_rows(block);
        let words = self.rows.div_ceil(64);
        let new = || Column {
            logical_type: LogicalType::I64,
            scale: 0,
            numbers: Vec::new(),
            floats: Vec::new(),
            text: TextBlock::default(),
            validity: Vec::new(),
        };
        self.columns.resize_with(columns.len(), new);
        for (held, number) in self.columns.iter_mut().zip(columns) {
            let described = &table.header().schema.columns[*number];
            (held.logical_type, held.scale) = (described.logical_type, described.scale);
            held.validity.clear();
            held.validity.resize(words, 0);
            match described.logical_type {
                LogicalType::F64 => {
                    held.floats.resize(self.rows, 0.0);
                    table.read_f64(block, *number, &mut self.scratch, &mut held.floats)?;
                }
                LogicalType::Text => {
                    table.read_text(block, *number, &mut self.scratch, &mut held.text, &mut held.validity)?;
                }
                _ => {
                    held.numbers.resize(self.rows, 0);
                    let (numbers, validity) = (&mut held.numbers, &mut held.validity);
                    table.read_i64(block, *number, &mut self.scratch, numbers, validity)?;
                }
            }
        }
        Ok(())
    }

    /// Rows of the block.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Columns that were read.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns.len()
    }

    /// A cell: `column` counts through the columns asked for. Outside of the block every cell is missing.
    #[must_use]
    #[inline]
    pub fn cell(&self, column: usize, row: usize) -> Cell<'_> {
        let Some(held) = self.columns.get(column).filter(|_| row < self.rows) else { return Cell::Missing };
        if held.logical_type == LogicalType::F64 {
            let value = held.floats[row];
            return if value.is_nan() { Cell::Missing } else { Cell::Float(value) };
        }
        if held.validity[row / 64] >> (row % 64) & 1 == 0 {
            return Cell::Missing;
        }
        match held.logical_type {
            LogicalType::Text => Cell::Text(held.text.value(row)),
            LogicalType::U64 => Cell::Unsigned(held.numbers[row].cast_unsigned()),
            LogicalType::Decimal => Cell::Decimal(Decimal { mantissa: held.numbers[row], scale: held.scale }),
            LogicalType::Ts => Cell::Time(held.numbers[row]),
            _ => Cell::Integer(held.numbers[row]),
        }
    }
}
