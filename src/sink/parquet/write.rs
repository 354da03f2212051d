//! The writing half: row groups, column chunks, pages, and the hash of all bytes as they go out.

use std::io::{self, Write};
use std::ops::Range;
use std::sync::Arc;

use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::column::writer::{ColumnWriter, ColumnWriterImpl};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::ColumnPath;
use xxhash_rust::xxh3::Xxh3Default;

use super::cells::{CellType, Cells, Scratch};
use super::form::{Form, Trial};
use super::{parquet_error, row_groups, schema};
use crate::error::Result;
use crate::read::TableReader;
use crate::schema::LogicalType;
use crate::sink::WrittenFile;

/// Bytes of a page before compression: large enough for zstd, small enough for a cache.
const PAGE_BYTES: usize = 1 << 20;

/// Writes a table as one Parquet file to `out`. The caller syncs, and checks the file with [`super::compare`].
///
/// # Errors
/// `Damage` from the table, `Io` from `out`.
pub fn write(table: &TableReader, out: &mut (dyn Write + Send)) -> Result<WrittenFile> {
    let told = |e| parquet_error(table, "write", e);
    let message = schema::message(table).map_err(told)?;
    let hashing = Hashing { out, hash: Xxh3Default::new(), length: 0, failed: None };
    let mut scratch = Scratch::default();
    let properties = Arc::new(properties(table, &mut scratch)?);
    let mut writer = SerializedFileWriter::new(hashing, message, properties).map_err(told)?;
    for blocks in row_groups(table) {
        let mut group = writer.next_row_group().map_err(told)?;
        let mut column = 0;
        while let Some(chunk) = group.next_column().map_err(told)? {
            write_chunk(table, blocks.clone(), column, chunk, &mut scratch)?;
            column += 1;
        }
        group.close().map_err(told)?;
    }
    writer.finish().map_err(told)?;
    let hashing = writer.inner();
    Ok(WrittenFile { length: hashing.length, file_hash: hashing.hash.digest128() })
}

fn write_chunk(
    table: &TableReader,
    blocks: Range<usize>,
    column: usize,
    mut chunk: SerializedColumnWriter<'_>,
    scratch: &mut Scratch,
) -> Result<()> {
    match chunk.untyped() {
        ColumnWriter::Int32ColumnWriter(w) => write_cells(table, blocks, column, w, scratch)?,
        ColumnWriter::Int64ColumnWriter(w) => write_cells(table, blocks, column, w, scratch)?,
        ColumnWriter::DoubleColumnWriter(w) => write_cells(table, blocks, column, w, scratch)?,
        ColumnWriter::ByteArrayColumnWriter(w) => write_cells(table, blocks, column, w, scratch)?,
        ColumnWriter::FixedLenByteArrayColumnWriter(w) => write_cells(table, blocks, column, w, scratch)?,
        _ => {
            let error = ParquetError::General("a column type that we never write".to_owned());
            return Err(parquet_error(table, "write", error));
        }
    }
    chunk.close().map_err(|e| parquet_error(table, "write", e))
}

fn write_cells<T: CellType>(
    table: &TableReader,
    blocks: Range<usize>,
    column: usize,
    chunk: &mut ColumnWriterImpl<'_, T>,
    scratch: &mut Scratch,
) -> Result<()> {
    let mut cells = Cells::default();
    for block in blocks {
        T::load(table, block, column, scratch, &mut cells)?;
        // A required column has no levels; the writer ignores them there.
        let written = chunk.write_batch(&cells.values, Some(&cells.levels), None);
        written.map_err(|e| parquet_error(table, "write", e))?;
    }
    Ok(())
}

/// No dictionary (features are noise to it, zstd finds what repeats), f64 in the [`Form`] that suits a column, statistics only where a reader would
/// prune by them, and nothing that changes from run to run.
fn properties(table: &TableReader, scratch: &mut Scratch) -> Result<WriterProperties> {
    let mut builder = WriterProperties::builder()
        .set_created_by("hftcol".to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_offset_index_disabled(true)
        .set_data_page_size_limit(PAGE_BYTES)
        .set_data_page_row_count_limit(super::GROUP_ROWS)
        .set_write_batch_size(super::GROUP_ROWS)
        .set_max_row_group_row_count(None)
        .set_key_value_metadata(Some(facts(table)));
    let mut trial = Trial::new()?;
    for (number, column) in table.header().schema.columns.iter().enumerate() {
        let path = ColumnPath::from(column.name.as_str());
        builder = match column.logical_type {
            LogicalType::F64 => match trial.form(table, number, scratch)? {
                Form::Repeats => builder,
                Form::Split => builder.set_column_encoding(path, Encoding::BYTE_STREAM_SPLIT),
                Form::Noise => builder.set_column_compression(path, Compression::UNCOMPRESSED),
            },
            LogicalType::Text => builder.set_column_dictionary_enabled(path, true),
            _ => builder.set_column_statistics_enabled(path, EnabledStatistics::Chunk),
        };
    }
    Ok(builder.build())
}

/// Who the table is and what it was made from, so that the file names the hashes of its inputs by itself.
fn facts(table: &TableReader) -> Vec<KeyValue> {
    let (header, footer) = (table.header(), table.footer());
    let inputs: Vec<String> = footer.inputs.iter().map(|hash| format!("{hash:032x}")).collect();
    let pairs = [
        ("hftcol.table", header.table.clone()),
        ("hftcol.venue", header.key.venue.clone()),
        ("hftcol.security", header.key.security.clone()),
        ("hftcol.date", header.key.date.to_string()),
        ("hftcol.clock", header.clock.name().to_owned()),
        ("hftcol.date_tz", header.date_tz.clone()),
        ("hftcol.identity", format!("{:032x}", footer.identity)),
        ("hftcol.content_digest", format!("{:032x}", footer.content_digest)),
        (super::FINGERPRINT, format!("{:032x}", footer.fingerprint)),
        ("hftcol.inputs", inputs.join(",")),
    ];
    pairs.into_iter().map(|(key, value)| KeyValue::new(key.to_owned(), value)).collect()
}

/// Counts and hashes what passes.
struct Hashing<'a> {
    out: &'a mut (dyn Write + Send),
    hash: Xxh3Default,
    length: u64,
    failed: Option<io::ErrorKind>,
}

impl Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(kind) = self.failed {
            // After a failed write the hash no longer tells what is in the file.
            return Err(io::Error::new(kind, "an earlier write failed"));
        }
        self.out.write_all(bytes).inspect_err(|e| self.failed = Some(e.kind()))?;
        self.hash.update(bytes);
        self.length += bytes.len() as u64;
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
