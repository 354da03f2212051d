//! Arrow IPC, the file format: uncompressed record batches, to be mapped and used without a copy.
//!
//! In comes a [`TableReader`], whose every block is checked as it is read; out go the bytes of one file, which are the
//! same for the same table. Memory: one record batch of at most [`BATCH_BYTES`], whatever the table's size. The
//! finished file is read once more by the Arrow library and held against the table, batch by batch.

mod batch;
mod schema;

use std::io::{BufWriter, Write};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_ipc::reader::FileReader;
use arrow_ipc::writer::FileWriter;
use arrow_schema::ArrowError;

use super::reread::{Cursor, check_hash};
use super::{Format, Role, WrittenFile};
use crate::error::{Error, Result};
use crate::read::TableReader;
use crate::storage::ReadAt;
use crate::store::Hashed;
use batch::Batches;

/// Bytes of a record batch, where more than one block fits.
const BATCH_BYTES: usize = 16 << 20;
/// Bytes that are written at once.
const BUFFER: usize = 1 << 18;
/// The key of the fingerprint in the schema's metadata.
const FINGERPRINT: &str = "hftcol.fingerprint";
/// The last bytes of a file: length of the footer, magic.
const TAIL: u64 = 10;
const MAGIC: &[u8] = b"ARROW1";
/// Bytes of a footer that are looked at.
const FOOTER: u64 = 64 << 20;

/// The format `arrow`.
#[derive(Debug)]
pub(super) struct ArrowIpc;

impl Format for ArrowIpc {
    fn name(&self) -> &'static str {
        "arrow"
    }

    fn about(&self) -> &'static str {
        "Arrow IPC file (Feather v2), uncompressed, to be mapped"
    }

    fn role(&self) -> Role {
        Role::Export
    }

    fn export(&self, table: &TableReader, out: &mut (dyn Write + Send)) -> Result<WrittenFile> {
        let told = |e| arrow_error(table, "write", e);
        let mut batches = Batches::new(table)?;
        let out = BufWriter::with_capacity(BUFFER, Hashed::new(out));
        let mut writer = FileWriter::try_new(out, batches.schema()).map_err(told)?;
        while let Some(batch) = batches.next()? {
            writer.write(&batch).map_err(told)?;
        }
        let out = writer.into_inner().map_err(told)?.into_inner().map_err(|e| told(e.into_error().into()))?;
        let (_, length, file_hash) = out.finish();
        Ok(WrittenFile { length, file_hash })
    }

    fn check(&self, table: &TableReader, file: Arc<dyn ReadAt>, written: WrittenFile) -> Result<()> {
        // The library may panic on bytes that no writer makes: it sees the file only if its hash is right.
        check_hash(&table.header().table, self.name(), &*file, written)?;
        let told = |e| arrow_error(table, "read", e);
        let mut found = FileReader::try_new(Cursor::new(file, 0), None).map_err(told)?;
        let mut batches = Batches::new(table)?;
        let mut number = 0;
        while let Some(expected) = batches.next()? {
            let batch = found.next().transpose().map_err(told)?;
            compare(table, number, &expected, batch.as_ref())?;
            number += 1;
        }
        match found.next() {
            None => Ok(()),
            Some(_) => Err(differs(table, format!("{number} record batches"), "more".to_owned())),
        }
    }

    fn fingerprint(&self, file: Arc<dyn ReadAt>) -> Result<Option<u128>> {
        let Some(tail_at) = file.len().checked_sub(TAIL) else { return Ok(None) };
        let mut tail = [0; TAIL as usize];
        file.read_at(tail_at, &mut tail)?;
        let length = u64::from(u32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]));
        let Some(start) = tail_at.checked_sub(length).filter(|_| &tail[4..] == MAGIC && length <= FOOTER) else {
            return Ok(None);
        };
        let mut footer = vec![0; usize::try_from(length).unwrap_or(0)];
        file.read_at(start, &mut footer)?;
        // Verified before it is looked at: a file that somebody else put there cannot do harm.
        let Ok(footer) = arrow_ipc::root_as_footer(&footer) else { return Ok(None) };
        let pairs = footer.schema().and_then(|schema| schema.custom_metadata());
        let found = pairs.and_then(|pairs| pairs.iter().find(|pair| pair.key() == Some(FINGERPRINT)));
        Ok(found.and_then(|pair| pair.value()).and_then(|hex| u128::from_str_radix(hex, 16).ok()))
    }
}

fn compare(table: &TableReader, number: usize, expected: &RecordBatch, found: Option<&RecordBatch>) -> Result<()> {
    let Some(found) = found else {
        return Err(differs(table, format!("record batch {number}"), "the end of the file".to_owned()));
    };
    if expected.schema() != found.schema() || expected.num_rows() != found.num_rows() {
        return Err(differs(table, format!("schema and rows of batch {number}"), "others".to_owned()));
    }
    for (column, (a, b)) in expected.columns().iter().zip(found.columns()).enumerate() {
        if a != b {
            let name = &table.header().schema.columns[column].name;
            let place = format!("column `{name}` of record batch {number}, as in the table");
            return Err(differs(table, place, "other values".to_owned()));
        }
    }
    Ok(())
}

fn differs(table: &TableReader, expected: String, got: String) -> Error {
    Error::damage("re-read", expected, got).in_file(format!("{}.arrow", table.header().table))
}

/// An error of the Arrow library, in our terms: an operating-system error as it is, the rest with its text.
fn arrow_error(table: &TableReader, op: &'static str, error: ArrowError) -> Error {
    let source = match error {
        ArrowError::IoError(_, source) => source,
        other => std::io::Error::other(other.to_string()),
    };
    Error::io(op, format!("{}.arrow", table.header().table), source)
}
