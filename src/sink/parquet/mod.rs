//! Parquet: a whole table from its sealed, verified `hftc` file, one column chunk at a time.
//!
//! In comes a [`TableReader`], whose every block is checked as it is read; out go the bytes of one Parquet file, zstd,
//! which are the same for the same table; a column of f64 is split into its bytes where that suits it, or stays as it is where
//! nothing shrinks it. Keys are `timestamp[ns, UTC]`, decimals are decimals, NaN is a real null. [`compare`] reads the finished
//! file once more and holds it against the table, value by value. Memory: a block of one column and a page, whatever the table's size.

mod cells;
mod compare;
mod form;
mod schema;
mod source;
mod write;

pub use compare::compare;
pub use write::write;

use std::io::Write;
use std::sync::Arc;

use super::reread::check_hash;
use super::{Format, Role, WrittenFile};
use crate::error::{Error, Result};
use crate::read::TableReader;
use crate::storage::ReadAt;

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

    fn export(&self, table: &TableReader, out: &mut (dyn Write + Send)) -> Result<WrittenFile> {
        write(table, out)
    }

    fn check(&self, table: &TableReader, file: Arc<dyn ReadAt>, written: WrittenFile) -> Result<()> {
        // The Parquet library may panic on bytes that no writer makes: it sees the file only if its hash is right.
        check_hash(table, self.name(), &*file, written)?;
        compare(table, file)
    }

    fn fingerprint(&self, file: Arc<dyn ReadAt>) -> Result<Option<u128>> {
        source::fingerprint(&*file)
    }
}

/// Rows of a row group: a column chunk of f64 is 2 MiB, a good unit of parallel reading.
const GROUP_ROWS: usize = 262_144;
/// The key of the fingerprint in the file's metadata.
const FINGERPRINT: &str = "hftcol.fingerprint";

/// The row blocks of each row group, in order.
fn row_groups(table: &TableReader) -> Vec<std::ops::Range<usize>> {
    let block_rows = (table.header().block_rows as usize).max(1);
    let step = (GROUP_ROWS / block_rows).max(1);
    let blocks = table.block_count();
    (0..blocks).step_by(step).map(|first| first..(first + step).min(blocks)).collect()
}

/// An error of the Parquet library, in our terms: an operating-system error as it is, the rest with its text.
fn parquet_error(table: &TableReader, op: &'static str, error: parquet::errors::ParquetError) -> Error {
    let name = format!("{}.parquet", table.header().table);
    let source = match error {
        parquet::errors::ParquetError::External(inner) => match inner.downcast::<std::io::Error>() {
            Ok(io) => *io,
            Err(other) => std::io::Error::other(other.to_string()),
        },
        other => std::io::Error::other(other.to_string()),
    };
    Error::io(op, name, source)
}
