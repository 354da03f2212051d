//! The checking half: what the finished file says, opened as any reader would.

use std::sync::Arc;

use parquet::basic::Type as Physical;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArrayType, DataType, DoubleType, FixedLenByteArrayType, Int32Type, Int64Type};
use parquet::file::reader::FileReader;
use parquet::file::serialized_reader::SerializedFileReader;

use super::content::{Content, table_digest, text_word};
use super::schema::is_optional;
use super::source::Source;
use super::{differs, parquet_error, table};
use crate::error::Result;
use crate::format::FileHeader;
use crate::format::constants::F64_NULL;
use crate::format::digest::column_seed;
use crate::read::TableReader;
use crate::schema::LogicalType;
use crate::storage::ReadAt;

/// Rows that are decoded at a time.
const STEP: usize = 4_096;

/// Reads `file` and compares names, row counts and every value, bit by bit, with `table`.
///
/// # Errors
/// `Damage` naming the column if they differ, `Io` if the file cannot be read.
pub(super) fn compare(table: &TableReader, file: Arc<dyn ReadAt>) -> Result<()> {
    let (header, footer) = (table.header(), table.footer());
    let found = Found::read(header, table.rows(), file)?;
    let columns = header.schema.columns.iter().map(|column| column.name.as_str());
    let digest = table_digest(columns.zip(found.columns.iter().copied()));
    for (number, (column, content)) in header.schema.columns.iter().zip(&found.columns).enumerate() {
        let nulls: u64 = (0..table.block_count()).map(|block| u64::from(table.entry(block, number).nulls)).sum();
        // The table's digest is over most columns. The others are read, and all of them to say which one differs.
        let is_read = digest != footer.content_digest || column_seed(&column.name).is_none();
        if nulls != content.nulls || (is_read && table::content(table, number)? != *content) {
            return Err(differs(&header.table, format!("column `{}` as in the table", column.name), "other values"));
        }
    }
    if digest == footer.content_digest {
        return Ok(());
    }
    let text = |digest: u128| format!("content digest {digest:032x}");
    Err(differs(&header.table, text(footer.content_digest), &text(digest)))
}

/// What a file says.
#[derive(Debug)]
pub(super) struct Found {
    /// By column.
    pub(super) columns: Vec<Content>,
}

impl Found {
    /// Reads a file of a table with this header and as many rows.
    ///
    /// # Errors
    /// `Damage` for other names, types or rows, `Io` if the file cannot be read.
    pub(super) fn read(header: &FileHeader, rows: u64, file: Arc<dyn ReadAt>) -> Result<Self> {
        let told = |e| parquet_error(&header.table, "read", e);
        let reader = SerializedFileReader::new(Source(file)).map_err(told)?;
        let metadata = reader.metadata().file_metadata();
        let found_rows = u64::try_from(metadata.num_rows()).unwrap_or(0);
        if found_rows != rows {
            return Err(differs(&header.table, format!("{rows} rows"), &format!("{found_rows} rows")));
        }
        let columns = &header.schema.columns;
        let found = metadata.schema_descr().columns();
        let same = found.len() == columns.len()
            && found.iter().zip(columns).all(|(a, b)| a.name() == b.name && is_type(a.physical_type(), b.logical_type));
        if !same {
            let expected = format!("{} columns in order", columns.len());
            return Err(differs(&header.table, expected, &format!("{} columns", found.len())));
        }
        let mut contents: Vec<Content> = columns.iter().map(|c| Content::new(&c.name, header.first_row)).collect();
        let mut cells = Cells::default();
        let mut left = rows;
        for group in 0..reader.num_row_groups() {
            let chunks = reader.get_row_group(group).map_err(told)?;
            let group_rows = usize::try_from(chunks.metadata().num_rows()).unwrap_or(0);
            left = left.wrapping_sub(group_rows as u64);
            for (number, column) in columns.iter().enumerate() {
                let chunk = chunks.get_column_reader(number).map_err(told)?;
                let decoded = cells.decode(chunk, (group_rows, is_optional(column)), &mut contents[number]);
                if !decoded.map_err(told)? {
                    let expected = format!("{group_rows} values of column `{}` in row group {group}", column.name);
                    return Err(differs(&header.table, expected, "others"));
                }
            }
        }
        if left != 0 {
            return Err(differs(&header.table, format!("{rows} rows in all row groups"), "others"));
        }
        Ok(Self { columns: contents })
    }
}

fn is_type(found: Physical, logical_type: LogicalType) -> bool {
    match logical_type {
        LogicalType::Decimal => matches!(found, Physical::INT64 | Physical::FIXED_LEN_BYTE_ARRAY),
        LogicalType::Ts | LogicalType::U64 | LogicalType::I64 => found == Physical::INT64,
        LogicalType::Side | LogicalType::Flags | LogicalType::I8 => found == Physical::INT32,
        LogicalType::F64 => found == Physical::DOUBLE,
        LogicalType::Text => found == Physical::BYTE_ARRAY,
    }
}

/// Reused memory of decoding.
#[derive(Default)]
struct Cells {
    levels: Vec<i16>,
    floats: Vec<f64>,
    words: Vec<i64>,
}

impl Cells {
    /// Adds a chunk's rows to `content`. False if they are not as many as there should be, or no values of ours.
    fn decode(
        &mut self,
        chunk: ColumnReader,
        shape: (usize, bool),
        content: &mut Content,
    ) -> parquet::errors::Result<bool> {
        match chunk {
            ColumnReader::DoubleColumnReader(chunk) => self.floats(chunk, shape, content),
            ColumnReader::Int64ColumnReader(chunk) => self.words::<Int64Type>(chunk, shape, content, |v| Some(*v)),
            ColumnReader::Int32ColumnReader(chunk) => {
                self.words::<Int32Type>(chunk, shape, content, |v| Some(i64::from(*v)))
            }
            ColumnReader::ByteArrayColumnReader(chunk) => {
                self.words::<ByteArrayType>(chunk, shape, content, |v| Some(text_word(v.data())))
            }
            ColumnReader::FixedLenByteArrayColumnReader(chunk) => {
                self.words::<FixedLenByteArrayType>(chunk, shape, content, |v| {
                    let bytes = <[u8; 16]>::try_from(v.data()).ok()?;
                    i64::try_from(i128::from_be_bytes(bytes)).ok()
                })
            }
            _ => Ok(false),
        }
    }

    /// Reads the next rows of a chunk, at most `most`; returns how many there were.
    fn read<T: DataType>(
        &mut self,
        chunk: &mut ColumnReaderImpl<T>,
        (most, optional): (usize, bool),
        values: &mut Vec<T::T>,
    ) -> parquet::errors::Result<usize> {
        self.levels.clear();
        values.clear();
        let levels = optional.then_some(&mut self.levels);
        let (rows, ..) = chunk.read_records(most.min(STEP), levels, None, values)?;
        Ok(rows)
    }

    fn floats(
        &mut self,
        mut chunk: ColumnReaderImpl<DoubleType>,
        (rows, optional): (usize, bool),
        content: &mut Content,
    ) -> parquet::errors::Result<bool> {
        let mut values = std::mem::take(&mut self.floats);
        let mut left = rows;
        while left > 0 {
            let got = self.read(&mut chunk, (left, optional), &mut values)?;
            let nulls = got.saturating_sub(values.len());
            // A NaN would be a null too many in the digest, and one too few in the count.
            if nulls == 0 && got > 0 {
                content.add_floats(bytemuck::cast_slice(&values), 0);
            } else {
                let mut present = values.iter();
                let bits = |level: &i16| match level {
                    0 => Some(F64_NULL.cast_signed()),
                    _ => present.next().map(|value| value.to_bits().cast_signed()),
                };
                self.words.clear();
                self.words.extend(self.levels.iter().map_while(bits));
                if got == 0 || self.words.len() != got {
                    return Ok(false);
                }
                content.add_floats(&self.words, nulls);
            }
            left -= got;
        }
        self.floats = values;
        Ok(true)
    }

    fn words<T: DataType>(
        &mut self,
        mut chunk: ColumnReaderImpl<T>,
        (rows, optional): (usize, bool),
        content: &mut Content,
        word: impl Fn(&T::T) -> Option<i64>,
    ) -> parquet::errors::Result<bool> {
        let mut values = Vec::new();
        let mut left = rows;
        while left > 0 {
            let got = self.read(&mut chunk, (left, optional), &mut values)?;
            let nulls = got.saturating_sub(values.len());
            self.words.clear();
            if nulls == 0 {
                self.words.extend(values.iter().map_while(&word));
            } else {
                let (mut present, null) = (values.iter(), content.null_word());
                let of = |level: &i16| if *level == 0 { Some(null) } else { present.next().and_then(&word) };
                self.words.extend(self.levels.iter().map_while(of));
            }
            if got == 0 || self.words.len() != got {
                return Ok(false);
            }
            content.add(&self.words, nulls);
            left -= got;
        }
        Ok(true)
    }
}
