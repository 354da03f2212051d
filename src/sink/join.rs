//! The rows of some table files, one file after the other, cut anew into full blocks: for a table of several segments
//! that shall become one, or of which only some rows or columns are wanted.

use super::rows::{BlockCells, Cell, RowSelection};
use crate::codec::{ColumnValues, TextBlock};
use crate::error::{Error, Result};
use crate::read::TableReader;
use crate::schema::{LogicalType, Schema};

/// One column of the block that is being filled.
#[derive(Debug)]
struct Gathered {
    logical_type: LogicalType,
    numbers: Vec<i64>,
    floats: Vec<f64>,
    text: TextBlock,
    validity: Vec<u64>,
    nulls: usize,
}

impl Gathered {
    fn new(logical_type: LogicalType) -> Self {
        let (numbers, floats, text, validity) = (Vec::new(), Vec::new(), TextBlock::default(), Vec::new());
        Self { logical_type, numbers, floats, text, validity, nulls: 0 }
    }

    fn push(&mut self, row: usize, cell: Cell<'_>) {
        if row.is_multiple_of(64) {
            self.validity.push(0);
        }
        match cell {
            Cell::Missing => self.nulls += 1,
            _ => self.validity[row / 64] |= 1 << (row % 64),
        }
        match self.logical_type {
            LogicalType::F64 => self.floats.push(if let Cell::Float(value) = cell { value } else { f64::NAN }),
            LogicalType::Text => {
                if let Cell::Text(text) = cell {
                    self.text.bytes.extend_from_slice(text);
                }
                self.text.ends.push(u32::try_from(self.text.bytes.len()).unwrap_or(u32::MAX));
            }
            _ => self.numbers.push(match cell {
                Cell::Integer(value) | Cell::Time(value) => value,
                Cell::Unsigned(value) => value.cast_signed(),
                Cell::Decimal(value) => value.mantissa,
                Cell::Missing | Cell::Float(_) | Cell::Text(_) => 0,
            }),
        }
    }

    fn values(&self) -> ColumnValues<'_> {
        let validity = (self.nulls > 0).then_some(&self.validity[..]);
        match self.logical_type {
            LogicalType::F64 => ColumnValues::F64(&self.floats),
            LogicalType::Text => ColumnValues::Text { values: &self.text, validity },
            _ => ColumnValues::I64 { values: &self.numbers, validity },
        }
    }

    fn clear(&mut self) {
        self.numbers.clear();
        self.floats.clear();
        self.text.bytes.clear();
        self.text.ends.clear();
        self.validity.clear();
        self.nulls = 0;
    }
}

/// Hands the wanted rows of files with the same columns to `push`, in blocks of `block_rows` rows, the last one shorter.
/// Returns how many there were. Memory: a block of every file column, and one of the result.
///
/// # Errors
/// `Damage`, `Io`; `Usage` for a column that a file does not have, `Damage` for files whose columns differ; what `push`
/// returns.
pub fn join(
    files: &[TableReader],
    selection: &RowSelection,
    block_rows: u32,
    push: &mut dyn FnMut(usize, &[ColumnValues<'_>]) -> Result<()>,
) -> Result<u64> {
    let full = (block_rows as usize).max(1);
    let (mut rows, mut filled) = (0_u64, 0_usize);
    let mut gathered: Vec<Gathered> = Vec::new();
    let mut schema: Option<Schema> = None;
    let mut cells = BlockCells::default();
    for file in files {
        let own = chosen_schema(file, selection)?;
        let first = schema.get_or_insert_with(|| own.clone());
        if *first != own {
            let what = format!("the columns of the table's first segment in segment {}", file.header().segment);
            return Err(Error::damage("join", what, "other columns").in_file(&file.header().table));
        }
        gathered.resize_with(own.columns.len(), || Gathered::new(LogicalType::I64));
        for (column, described) in gathered.iter_mut().zip(&own.columns) {
            column.logical_type = described.logical_type;
        }
        selection.visit(file, &mut cells, &mut |cells, row| {
            for (number, column) in gathered.iter_mut().enumerate() {
                column.push(filled, cells.cell(number, row));
            }
            filled += 1;
            rows += 1;
            if filled == full {
                flush(&mut gathered, &mut filled, push)?;
            }
            Ok(true)
        })?;
    }
    flush(&mut gathered, &mut filled, push)?;
    Ok(rows)
}

/// The columns that a selection takes of a file.
///
/// # Errors
/// `Usage` for a column that it does not have.
pub fn chosen_schema(file: &TableReader, selection: &RowSelection) -> Result<Schema> {
    let columns = &file.header().schema.columns;
    Ok(Schema { columns: selection.columns(file)?.into_iter().map(|c| columns[c].clone()).collect() })
}

fn flush(
    gathered: &mut [Gathered],
    filled: &mut usize,
    push: &mut dyn FnMut(usize, &[ColumnValues<'_>]) -> Result<()>,
) -> Result<()> {
    if *filled == 0 {
        return Ok(());
    }
    let values: Vec<ColumnValues<'_>> = gathered.iter().map(Gathered::values).collect();
    push(*filled, &values)?;
    drop(values);
    gathered.iter_mut().for_each(Gathered::clear);
    *filled = 0;
    Ok(())
}
