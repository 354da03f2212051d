//! The checking half: the finished file, opened as any reader would, against the table it was made from.

use std::ops::Range;
use std::sync::Arc;

use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::file::reader::FileReader;
use parquet::file::serialized_reader::SerializedFileReader;

use super::cells::{CellType, Cells, Scratch};
use super::source::Source;
use super::{parquet_error, row_groups};
use crate::error::{Error, Result};
use crate::read::TableReader;
use crate::storage::ReadAt;

/// Reads `file` and compares names, row counts and every value, bit by bit, with `table`.
///
/// # Errors
/// `Damage` naming column and row group if they differ, `Io` if the file cannot be read.
pub fn compare(table: &TableReader, file: Arc<dyn ReadAt>) -> Result<()> {
    let told = |e| parquet_error(table, "read", e);
    let reader = SerializedFileReader::new(Source(file)).map_err(told)?;
    let metadata = reader.metadata().file_metadata();
    let rows = u64::try_from(metadata.num_rows()).unwrap_or(0);
    if rows != table.rows() {
        return Err(differs(table, format!("{} rows", table.rows()), format!("{rows} rows")));
    }
    let columns = &table.header().schema.columns;
    let found = metadata.schema_descr().columns();
    let names_agree = found.len() == columns.len() && found.iter().zip(columns).all(|(a, b)| a.name() == b.name);
    if !names_agree {
        return Err(differs(table, format!("{} columns in order", columns.len()), format!("{} columns", found.len())));
    }
    let mut scratch = Scratch::default();
    for (group, blocks) in row_groups(table).into_iter().enumerate() {
        let chunks = reader.get_row_group(group).map_err(told)?;
        for column in 0..columns.len() {
            let chunk = chunks.get_column_reader(column).map_err(told)?;
            compare_chunk(table, blocks.clone(), column, chunk, &mut scratch)?;
        }
    }
    Ok(())
}

fn compare_chunk(
    table: &TableReader,
    blocks: Range<usize>,
    column: usize,
    chunk: ColumnReader,
    scratch: &mut Scratch,
) -> Result<()> {
    match chunk {
        ColumnReader::Int32ColumnReader(c) => compare_cells(table, blocks, column, c, scratch),
        ColumnReader::Int64ColumnReader(c) => compare_cells(table, blocks, column, c, scratch),
        ColumnReader::DoubleColumnReader(c) => compare_cells(table, blocks, column, c, scratch),
        ColumnReader::ByteArrayColumnReader(c) => compare_cells(table, blocks, column, c, scratch),
        ColumnReader::FixedLenByteArrayColumnReader(c) => compare_cells(table, blocks, column, c, scratch),
        _ => Err(differs(table, "a type that we write".to_owned(), "another".to_owned())),
    }
}

fn compare_cells<T: CellType>(
    table: &TableReader,
    blocks: Range<usize>,
    column: usize,
    mut chunk: ColumnReaderImpl<T>,
    scratch: &mut Scratch,
) -> Result<()> {
    let told = |e| parquet_error(table, "read", e);
    let schema = &table.header().schema.columns[column];
    let optional = schema.nullable || schema.logical_type == crate::schema::LogicalType::F64;
    let (mut expected, mut found) = (Cells::default(), Cells::default());
    for block in blocks {
        T::load(table, block, column, scratch, &mut expected)?;
        found.values.clear();
        found.levels.clear();
        let rows = table.block_rows(block);
        let mut read = 0;
        while read < rows {
            let levels = optional.then_some(&mut found.levels);
            let (records, _, _) = chunk.read_records(rows - read, levels, None, &mut found.values).map_err(told)?;
            if records == 0 {
                break;
            }
            read += records;
        }
        let same_values = expected.values.len() == found.values.len() && T::same_all(&expected.values, &found.values);
        if read != rows || !same_values || (optional && expected.levels != found.levels) {
            let place = format!("column `{}`, rows of block {block}, as in the table", schema.name);
            return Err(differs(table, place, "other values".to_owned()));
        }
    }
    Ok(())
}

fn differs(table: &TableReader, expected: String, got: String) -> Error {
    Error::damage("re-read", expected, got).in_file(format!("{}.parquet", table.header().table))
}
