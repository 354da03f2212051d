//! One block of one column as Parquet wants it: the values that are there, and a level a row that says which are.

use parquet::data_type::{
    ByteArray, ByteArrayType, DataType, DoubleType, FixedLenByteArray, FixedLenByteArrayType, Int32Type, Int64Type,
};

use crate::codec::TextBlock;
use crate::error::Result;
use crate::read::{BlockScratch, TableReader};

/// Reused memory of the conversion.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    block: BlockScratch,
    numbers: Vec<i64>,
    floats: Vec<f64>,
    text: TextBlock,
    validity: Vec<u64>,
}

/// A block's values without its nulls, and its definition levels: 1 where a value is, 0 where none.
#[derive(Debug)]
pub(super) struct Cells<T> {
    pub(super) values: Vec<T>,
    pub(super) levels: Vec<i16>,
}

impl<T> Default for Cells<T> {
    fn default() -> Self {
        Self { values: Vec::new(), levels: Vec::new() }
    }
}

/// A Parquet type that a column of ours is written as.
pub(super) trait CellType: DataType {
    /// Replaces `cells` by block `block` of column `column`. The block is verified as it is read.
    fn load(
        table: &TableReader,
        block: usize,
        column: usize,
        scratch: &mut Scratch,
        cells: &mut Cells<Self::T>,
    ) -> Result<()>;

    /// Bitwise equality of as many values: -0 is not 0.
    fn same_all(a: &[Self::T], b: &[Self::T]) -> bool {
        a == b
    }
}

impl Scratch {
    /// Reads a numeric block and hands every row's value, or `None`, to `keep`.
    fn numbers<T>(
        &mut self,
        table: &TableReader,
        block: usize,
        column: usize,
        cells: &mut Cells<T>,
        keep: impl Fn(i64) -> T,
    ) -> Result<()> {
        let rows = table.block_rows(block);
        self.numbers.resize(rows, 0);
        self.validity.resize(rows.div_ceil(64), 0);
        let nulls = table.read_i64(block, column, &mut self.block, &mut self.numbers, &mut self.validity)?;
        cells.levels.clear();
        cells.values.clear();
        if nulls == 0 {
            cells.levels.resize(rows, 1);
            cells.values.extend(self.numbers.iter().map(|v| keep(*v)));
            return Ok(());
        }
        for (row, value) in self.numbers.iter().enumerate() {
            let valid = is_valid(&self.validity, row);
            cells.levels.push(i16::from(valid));
            if valid {
                cells.values.push(keep(*value));
            }
        }
        Ok(())
    }
}

fn is_valid(validity: &[u64], row: usize) -> bool {
    validity.get(row / 64).is_some_and(|word| word >> (row % 64) & 1 == 1)
}

impl CellType for Int64Type {
    fn load(
        table: &TableReader,
        block: usize,
        column: usize,
        scratch: &mut Scratch,
        cells: &mut Cells<i64>,
    ) -> Result<()> {
        scratch.numbers(table, block, column, cells, |v| v)
    }
}

impl CellType for Int32Type {
    fn load(
        table: &TableReader,
        block: usize,
        column: usize,
        scratch: &mut Scratch,
        cells: &mut Cells<i32>,
    ) -> Result<()> {
        // Values of the small types fit by the format's rules; the comparison would show one that does not.
        scratch.numbers(table, block, column, cells, |v| i32::try_from(v).unwrap_or(i32::MIN))
    }
}

impl CellType for FixedLenByteArrayType {
    fn load(
        table: &TableReader,
        block: usize,
        column: usize,
        scratch: &mut Scratch,
        cells: &mut Cells<FixedLenByteArray>,
    ) -> Result<()> {
        // Parquet wants the two's complement of a wide decimal, big end first.
        scratch.numbers(table, block, column, cells, |v| FixedLenByteArray::from(i128::from(v).to_be_bytes().to_vec()))
    }
}

impl CellType for DoubleType {
    fn load(
        table: &TableReader,
        block: usize,
        column: usize,
        scratch: &mut Scratch,
        cells: &mut Cells<f64>,
    ) -> Result<()> {
        let rows = table.block_rows(block);
        if table.entry(block, column).nulls == 0 {
            cells.values.resize(rows, 0.0);
            cells.levels.clear();
            cells.levels.resize(rows, 1);
            return table.read_f64(block, column, &mut scratch.block, &mut cells.values);
        }
        scratch.floats.resize(rows, 0.0);
        table.read_f64(block, column, &mut scratch.block, &mut scratch.floats)?;
        cells.levels.clear();
        cells.values.clear();
        cells.levels.extend(scratch.floats.iter().map(|v| i16::from(!v.is_nan())));
        cells.values.extend(scratch.floats.iter().filter(|v| !v.is_nan()));
        Ok(())
    }

    fn same_all(a: &[f64], b: &[f64]) -> bool {
        bytemuck::cast_slice::<f64, u64>(a) == bytemuck::cast_slice::<f64, u64>(b)
    }
}

impl CellType for ByteArrayType {
    fn load(
        table: &TableReader,
        block: usize,
        column: usize,
        scratch: &mut Scratch,
        cells: &mut Cells<ByteArray>,
    ) -> Result<()> {
        let rows = table.block_rows(block);
        scratch.validity.resize(rows.div_ceil(64), 0);
        table.read_text(block, column, &mut scratch.block, &mut scratch.text, &mut scratch.validity)?;
        cells.levels.clear();
        cells.values.clear();
        let mut start = 0;
        for (row, end) in scratch.text.ends.iter().enumerate() {
            let end = *end as usize;
            let valid = is_valid(&scratch.validity, row);
            cells.levels.push(i16::from(valid));
            if valid {
                cells.values.push(ByteArray::from(&scratch.text.bytes[start..end]));
            }
            start = end;
        }
        Ok(())
    }
}
