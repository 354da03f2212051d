//! The bytes of a file from front to back: magic, column chunks, footer; counted and hashed as they go out.

use std::io::Write;
use std::sync::Arc;

use parquet::basic::{Compression, Encoding, Type as Physical, ZstdLevel};
use parquet::data_type::{ByteArray, FixedLenByteArray};
use parquet::errors::Result as ParquetResult;
use parquet::file::metadata::{
    ColumnChunkMetaData, FileMetaData, KeyValue, ParquetMetaData, ParquetMetaDataWriter, RowGroupMetaData,
};
use parquet::file::statistics::Statistics;
use parquet::schema::types::{ColumnDescriptor, SchemaDescPtr, SchemaDescriptor};
use xxhash_rust::xxh3::Xxh3;

use super::column::ChunkFacts;
use super::page::{LEVEL, PageEncoding};
use super::{FINGERPRINT, parquet_error, schema};
use crate::error::{Error, Result};
use crate::format::FileHeader;
use crate::sink::WrittenFile;
use crate::write::Provenance;

const MAGIC: &[u8] = b"PAR1";
/// The version of the format that readers are told.
const VERSION: i32 = 1;
const CREATED_BY: &str = "hftcol";

/// What has been written of a file, without the file itself.
pub(super) struct FileBytes {
    table: String,
    schema: SchemaDescPtr,
    hash: Box<Xxh3>,
    position: u64,
    groups: Vec<RowGroupMetaData>,
    /// Chunks of the open row group.
    chunks: Vec<ColumnChunkMetaData>,
}

impl std::fmt::Debug for FileBytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FileBytes at {}", self.position)
    }
}

impl FileBytes {
    /// # Errors
    /// `Io` for a schema that Parquet cannot hold.
    pub(super) fn new(header: &FileHeader, wide: &[bool]) -> Result<Self> {
        let told = |e| parquet_error(&header.table, "write", e);
        let message = schema::message(&header.schema, wide).map_err(told)?;
        Ok(Self {
            table: header.table.clone(),
            schema: Arc::new(SchemaDescriptor::new(message)),
            hash: Box::default(),
            position: 0,
            groups: Vec::new(),
            chunks: Vec::new(),
        })
    }

    /// Appends bytes; a failure is final for this file.
    fn put(&mut self, bytes: &[u8], out: &mut dyn Write) -> Result<()> {
        out.write_all(bytes).map_err(|e| Error::io("write", format!("{}.parquet", self.table), e))?;
        self.hash.update(bytes);
        self.position += bytes.len() as u64;
        Ok(())
    }

    /// Appends the next column's chunk: its dictionary, if it has one, then its pages.
    ///
    /// # Errors
    /// `Io`.
    pub(super) fn chunk(
        &mut self,
        facts: &ChunkFacts,
        (dictionary, pages): (&[u8], &[u8]),
        out: &mut dyn Write,
    ) -> Result<()> {
        if self.position == 0 {
            self.put(MAGIC, out)?;
        }
        let start = self.position;
        self.put(dictionary, out)?;
        let data_at = self.position;
        self.put(pages, out)?;
        let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let column = self.schema.column(self.chunks.len());
        let statistics = facts.range.map(|range| statistics(&column, range, facts.nulls as u64));
        let zstd = ZstdLevel::try_new(LEVEL).map(Compression::ZSTD);
        let compression = if facts.is_compressed { zstd } else { Ok(Compression::UNCOMPRESSED) };
        let built = compression.and_then(|compression| {
            let mut builder = ColumnChunkMetaData::builder(column)
                .set_encodings(encodings(facts))
                .set_compression(compression)
                .set_num_values(number(facts.rows as u64))
                .set_total_compressed_size(number(facts.length as u64))
                .set_total_uncompressed_size(number(facts.raw_len as u64))
                .set_data_page_offset(number(data_at))
                .set_dictionary_page_offset((data_at > start).then_some(number(start)));
            if let Some(statistics) = statistics {
                builder = builder.set_statistics(statistics);
            }
            builder.build()
        });
        self.chunks.push(built.map_err(|e| parquet_error(&self.table, "write", e))?);
        Ok(())
    }

    /// Ends the row group whose chunks were appended.
    ///
    /// # Errors
    /// `Io` if there is not a chunk of each column.
    pub(super) fn end_group(&mut self) -> Result<()> {
        let built = self.group();
        self.groups.push(built.map_err(|e| parquet_error(&self.table, "write", e))?);
        Ok(())
    }

    fn group(&mut self) -> ParquetResult<RowGroupMetaData> {
        let chunks = std::mem::take(&mut self.chunks);
        let first =
            chunks.first().map(|c| (c.num_values(), c.dictionary_page_offset().unwrap_or(c.data_page_offset())));
        let (rows, offset) = first.unwrap_or_default();
        RowGroupMetaData::builder(Arc::clone(&self.schema))
            .set_num_rows(rows)
            .set_total_byte_size(chunks.iter().map(ColumnChunkMetaData::uncompressed_size).sum())
            .set_file_offset(offset)
            .set_ordinal(i32::try_from(self.groups.len()).unwrap_or(i32::MAX))
            .set_column_metadata(chunks)
            .build()
    }

    /// Appends the footer and flushes.
    ///
    /// # Errors
    /// `Io`.
    pub(super) fn finish(&mut self, facts: Vec<KeyValue>, out: &mut dyn Write) -> Result<WrittenFile> {
        if self.position == 0 {
            self.put(MAGIC, out)?;
        }
        let rows = self.groups.iter().map(RowGroupMetaData::num_rows).sum();
        let created_by = Some(CREATED_BY.to_owned());
        let file = FileMetaData::new(VERSION, rows, created_by, Some(facts), Arc::clone(&self.schema), None);
        let metadata = ParquetMetaData::new(file, std::mem::take(&mut self.groups));
        let mut footer = Vec::new();
        let written = ParquetMetaDataWriter::new(&mut footer, &metadata).finish();
        written.map_err(|e| parquet_error(&self.table, "write", e))?;
        self.put(&footer, out)?;
        out.flush().map_err(|e| Error::io("write", format!("{}.parquet", self.table), e))?;
        Ok(WrittenFile { length: self.position, file_hash: self.hash.digest128() })
    }
}

fn encodings(facts: &ChunkFacts) -> Vec<Encoding> {
    let of = |encoding: &PageEncoding| match encoding {
        PageEncoding::Plain => Encoding::PLAIN,
        PageEncoding::Dictionary => Encoding::RLE_DICTIONARY,
        PageEncoding::Split => Encoding::BYTE_STREAM_SPLIT,
    };
    let dictionary = facts.encodings.contains(&PageEncoding::Dictionary).then_some(Encoding::PLAIN);
    facts.encodings.iter().map(of).chain(dictionary).chain([Encoding::RLE]).collect()
}

/// Least and greatest value as the column's physical type; a reader prunes by them.
fn statistics(column: &ColumnDescriptor, (low, high): (i64, i64), nulls: u64) -> Statistics {
    let nulls = Some(nulls);
    match column.physical_type() {
        Physical::INT32 => Statistics::int32(Some(low as i32), Some(high as i32), None, nulls, false),
        Physical::FIXED_LEN_BYTE_ARRAY => {
            let wide =
                |value: i64| Some(FixedLenByteArray::from(ByteArray::from(i128::from(value).to_be_bytes().to_vec())));
            Statistics::fixed_len_byte_array(wide(low), wide(high), None, nulls, false)
        }
        _ => Statistics::int64(Some(low), Some(high), None, nulls, false),
    }
}

/// Who the table is and what it was made from, so that the file names the hashes of its inputs by itself.
pub(super) fn facts(header: &FileHeader, (identity, content_digest): (u128, u128), of: &Provenance) -> Vec<KeyValue> {
    let inputs: Vec<String> = of.inputs.iter().map(|hash| format!("{hash:032x}")).collect();
    let pairs = [
        ("hftcol.table", header.table.clone()),
        ("hftcol.venue", header.key.venue.clone()),
        ("hftcol.security", header.key.security.clone()),
        ("hftcol.date", header.key.date.to_string()),
        ("hftcol.clock", header.clock.name().to_owned()),
        ("hftcol.date_tz", header.date_tz.clone()),
        ("hftcol.identity", format!("{identity:032x}")),
        ("hftcol.content_digest", format!("{content_digest:032x}")),
        (FINGERPRINT, format!("{:032x}", of.fingerprint)),
        ("hftcol.inputs", inputs.join(",")),
    ];
    pairs.into_iter().map(|(key, value)| KeyValue::new(key.to_owned(), value)).collect()
}
