//! Record batches of a table, one after the other: some blocks, all columns.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use arrow_array::builder::{
    Decimal128Builder, Float64Builder, Int8Builder, Int64Builder, StringBuilder, TimestampNanosecondBuilder,
    UInt8Builder, UInt64Builder,
};
use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, DictionaryArray, Int32Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Schema, SchemaRef};

use super::{BATCH_BYTES, arrow_error, schema};
use crate::error::Result;
use crate::read::TableReader;
use crate::schema::LogicalType;
use crate::sink::rows::{BlockCells, Cell};

/// Different values of a text column, and bytes of them, up to which it is a dictionary: the file format wants one for
/// the whole file, and it is held in memory.
const DICTIONARY_VALUES: usize = 1 << 16;
const DICTIONARY_BYTES: usize = 4 << 20;

/// The different values of a text column, in the order in which they come.
#[derive(Debug)]
struct Words {
    codes: HashMap<Vec<u8>, i32>,
    values: ArrayRef,
}

/// Reads a table as record batches.
#[derive(Debug)]
pub(super) struct Batches<'a> {
    table: &'a TableReader,
    schema: SchemaRef,
    /// By column; none for one that is no dictionary.
    words: Vec<Option<Words>>,
    /// Blocks of a batch.
    step: usize,
    next: usize,
    cells: BlockCells,
}

impl<'a> Batches<'a> {
    /// Finds the dictionaries; text columns are read once for it.
    ///
    /// # Errors
    /// `Damage`, `Io`.
    pub(super) fn new(table: &'a TableReader) -> Result<Self> {
        let columns = &table.header().schema.columns;
        let mut cells = BlockCells::default();
        let mut words = Vec::with_capacity(columns.len());
        for (number, column) in columns.iter().enumerate() {
            let is_text = column.logical_type == LogicalType::Text;
            words.push(if is_text { find_words(table, number, &mut cells)? } else { None });
        }
        let schema = Arc::new(schema::schema(table, |number| words[number].is_some()));
        let block_bytes = 16 * columns.len().max(1) * (table.header().block_rows as usize).max(1);
        let step = (BATCH_BYTES / block_bytes).max(1);
        Ok(Self { table, schema, words, step, next: 0, cells })
    }

    pub(super) fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The next batch.
    ///
    /// # Errors
    /// `Damage`, `Io`.
    pub(super) fn next(&mut self) -> Result<Option<RecordBatch>> {
        let blocks = self.next..(self.next + self.step).min(self.table.block_count());
        if blocks.is_empty() {
            return Ok(None);
        }
        self.next = blocks.end;
        let mut arrays = Vec::with_capacity(self.words.len());
        for column in 0..self.words.len() {
            arrays.push(self.array(column, blocks.clone())?);
        }
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), arrays);
        batch.map(Some).map_err(|e| arrow_error(self.table, "write", e))
    }

    fn array(&mut self, column: usize, blocks: Range<usize>) -> Result<ArrayRef> {
        let data_type = self.schema.field(column).data_type().clone();
        macro_rules! gather {
            ($builder:expr, $cell:pat => $value:expr) => {{
                let mut builder = $builder;
                self.each(column, blocks, &mut |cell| match cell {
                    $cell => builder.append_value($value),
                    _ => builder.append_null(),
                })?;
                Arc::new(builder.finish()) as ArrayRef
            }};
        }
        Ok(match data_type {
            DataType::Timestamp(..) => {
                gather!(TimestampNanosecondBuilder::new().with_timezone("UTC"), Cell::Time(at) => at)
            }
            DataType::Decimal128(..) => {
                gather!(Decimal128Builder::new().with_data_type(data_type), Cell::Decimal(d) => i128::from(d.mantissa))
            }
            DataType::UInt64 => gather!(UInt64Builder::new(), Cell::Unsigned(value) => value),
            DataType::Int64 => gather!(Int64Builder::new(), Cell::Integer(value) => value),
            // Values of the small types fit by the format's rules.
            DataType::Int8 => gather!(Int8Builder::new(), Cell::Integer(value) => value as i8),
            DataType::UInt8 => gather!(UInt8Builder::new(), Cell::Integer(value) => value as u8),
            DataType::Float64 => gather!(Float64Builder::new(), Cell::Float(value) => value),
            DataType::Dictionary(..) => self.codes(column, blocks)?,
            _ => gather!(StringBuilder::new(), Cell::Text(text) => String::from_utf8_lossy(text)),
        })
    }

    fn codes(&mut self, column: usize, blocks: Range<usize>) -> Result<ArrayRef> {
        let Some(words) = self.words.get_mut(column).and_then(Option::take) else {
            return Ok(Arc::new(StringArray::from(Vec::<Option<String>>::new())));
        };
        let mut codes = Vec::new();
        let read = self.each(column, blocks, &mut |cell| {
            codes.push(if let Cell::Text(text) = cell { words.codes.get(text).copied() } else { None });
        });
        let array = DictionaryArray::<Int32Type>::try_new(Int32Array::from(codes), Arc::clone(&words.values));
        self.words[column] = Some(words);
        read?;
        array.map(|array| Arc::new(array) as ArrayRef).map_err(|e| arrow_error(self.table, "write", e))
    }

    fn each(&mut self, column: usize, blocks: Range<usize>, take: &mut dyn FnMut(Cell<'_>)) -> Result<()> {
        for block in blocks {
            self.cells.read(self.table, block, &[column])?;
            for row in 0..self.cells.rows() {
                take(self.cells.cell(0, row));
            }
        }
        Ok(())
    }
}

/// The dictionary of a text column, or `None` if it would be too large.
fn find_words(table: &TableReader, column: usize, cells: &mut BlockCells) -> Result<Option<Words>> {
    let mut codes: HashMap<Vec<u8>, i32> = HashMap::new();
    let mut in_order: Vec<String> = Vec::new();
    let mut bytes = 0;
    for block in 0..table.block_count() {
        cells.read(table, block, &[column])?;
        for row in 0..cells.rows() {
            let Cell::Text(text) = cells.cell(0, row) else { continue };
            if !codes.contains_key(text) {
                bytes += text.len();
                if in_order.len() == DICTIONARY_VALUES || bytes > DICTIONARY_BYTES {
                    return Ok(None);
                }
                codes.insert(text.to_vec(), in_order.len() as i32);
                in_order.push(String::from_utf8_lossy(text).into_owned());
            }
        }
    }
    Ok(Some(Words { codes, values: Arc::new(StringArray::from(in_order)) }))
}
