//! Parquet: blocks of rows as pages, zstd, the same bytes for the same table.
//!
//! A table comes in block by block while it is computed ([`direct`]) or, sealed, column by column ([`table`]): both make the same pages and
//! the same file. A column of few different values is numbers of a dictionary, one of f64 is split into its bytes where that suits it, or
//! stays as it is where nothing shrinks it. Keys are `timestamp[ns, UTC]`, decimals are decimals, NaN is a real null. The finished file is
//! read once more by the Parquet library and its content, value by value and in order, held against that of the rows that came in.

mod column;
mod compare;
mod content;
mod dictionary;
mod direct;
mod file;
mod form;
mod gather;
mod held;
mod page;
mod schema;
mod source;
mod table;

use std::io::Write;
use std::sync::Arc;

use super::reread::check_hash;
use super::{DirectFile, Format, Role, WrittenFile};
use crate::error::{Error, Result};
use crate::format::FileHeader;
use crate::read::TableReader;
use crate::schema::LogicalType;
use crate::storage::{ReadAt, ScratchFile};

/// The format `parquet`.
#[derive(Debug)]
pub(super) struct Parquet;

impl Format for Parquet {
    fn name(&self) -> &'static str {
        "parquet"
    }

    fn about(&self) -> &'static str {
        "Parquet, zstd, for Polars, DuckDB and pyarrow"
    }

    fn role(&self) -> Role {
        Role::Export
    }

    fn begin(
        &self,
        header: &FileHeader,
        scratch: &dyn Fn() -> Result<Box<dyn ScratchFile>>,
    ) -> Result<Option<Box<dyn DirectFile>>> {
        // Parquet's type of a decimal depends on the largest, which is known at the end.
        if header.schema.columns.iter().any(|column| column.logical_type == LogicalType::Decimal) {
            return Ok(None);
        }
        Ok(Some(Box::new(direct::Direct::new(header, scratch()?)?)))
    }

    fn export(&self, table: &TableReader, out: &mut (dyn Write + Send)) -> Result<WrittenFile> {
        table::write(table, out)
    }

    fn check(&self, table: &TableReader, file: Arc<dyn ReadAt>, written: WrittenFile) -> Result<()> {
        // The Parquet library may panic on bytes that no writer makes: it sees the file only if its hash is right.
        check_hash(&table.header().table, self.name(), &*file, written)?;
        compare::compare(table, file)
    }

    fn fingerprint(&self, file: Arc<dyn ReadAt>) -> Result<Option<u128>> {
        source::fingerprint(&*file)
    }
}

/// Rows of a row group: a column chunk of f64 is 2 MiB, a good unit of parallel reading.
const GROUP_ROWS: usize = 262_144;
/// Rows of a page at most: 1 MiB of f64, large enough for zstd, small enough for a cache.
const PAGE_ROWS: usize = 131_072;
/// Bytes of the values of all columns from which they become pages, where a block is not larger.
const PAGES_BYTES: usize = 6 << 20;
/// Bytes of a value that is held.
const VALUE_BYTES: usize = 8;
/// The key of the fingerprint in the file's metadata.
const FINGERPRINT: &str = "hftcol.fingerprint";

/// Where pages and row groups of a table end: nothing else has a say in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cut {
    page_rows: usize,
    group_rows: usize,
}

impl Cut {
    /// Of a table of so many columns, whose blocks have so many rows.
    fn new(columns: usize, block_rows: u32) -> Self {
        let block = (block_rows as usize).max(1);
        let fits = PAGES_BYTES / (VALUE_BYTES * columns.max(1));
        let whole = 1 << fits.max(1).ilog2();
        Self { page_rows: whole.clamp(block, PAGE_ROWS.max(block)), group_rows: (GROUP_ROWS / block).max(1) * block }
    }
}

/// The finished file does not say what it should.
fn differs(table: &str, expected: String, got: &str) -> Error {
    Error::damage("re-read", expected, got).in_file(format!("{table}.parquet"))
}

/// An error of the Parquet library, in our terms: an operating-system error as it is, the rest with its text.
fn parquet_error(table: &str, op: &'static str, error: parquet::errors::ParquetError) -> Error {
    let source = match error {
        parquet::errors::ParquetError::External(inner) => match inner.downcast::<std::io::Error>() {
            Ok(io) => *io,
            Err(other) => std::io::Error::other(other.to_string()),
        },
        other => std::io::Error::other(other.to_string()),
    };
    Error::io(op, format!("{table}.parquet"), source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_whole_blocks_and_as_long_as_memory_allows() {
        let cut = |columns, block_rows| {
            let cut = Cut::new(columns, block_rows);
            (cut.page_rows, cut.group_rows)
        };
        assert_eq!(cut(1, 4_096), (PAGE_ROWS, GROUP_ROWS));
        assert_eq!(cut(86, 4_096), (8_192, GROUP_ROWS));
        assert_eq!(cut(600, 4_096), (4_096, GROUP_ROWS));
        assert_eq!(cut(4_000, 64), (128, GROUP_ROWS));
    }
}
