//! Where the rows of a table go: `hftc` files, Parquet, Arrow, CSV, NDJSON, nowhere.
//!
//! A [`TableSink`] takes a table block by block. A [`Format`] that can writes its file as the blocks come ([`DirectFile`]); for the others
//! they go into a staged `hftc` file, which is sealed, read back and verified, and made into what was asked for. Either way the finished
//! file is read once more and held against the rows. A format is one file here and one line in [`FORMATS`].

#[cfg(feature = "arrow")]
mod arrow;
mod folder;
mod hftc;
mod join;
mod null;
#[cfg(feature = "parquet")]
mod parquet;
mod reread;
pub mod rows;
mod scratch;
mod stage;
mod table;
mod text;

use std::fmt;
use std::io::Write;
use std::sync::Arc;

use crate::codec::ColumnValues;
use crate::error::{Error, Result};
use crate::format::{FileHeader, SealedFile};
use crate::read::TableReader;
use crate::storage::{ReadAt, ScratchFile};
use crate::write::Provenance;

pub use folder::{Folder, FolderFile, hive_path};
pub use join::{chosen_schema, join};
pub use scratch::ScratchPool;
pub use stage::{Stage, StagedWrite};
pub use table::{SinkOutput, TableSink, export_sealed};

/// What a format wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrittenFile {
    /// Bytes of the file.
    pub length: u64,
    /// XXH3-128 of them.
    pub file_hash: u128,
}

/// What a format does with a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The staged file itself is the output.
    Staged,
    /// The output is made from the staged file.
    Export,
    /// Nothing is kept.
    Nothing,
}

/// An output format.
pub trait Format: fmt::Debug + Sync {
    /// The word for `--output`.
    fn name(&self) -> &'static str;
    /// What it is, in one line of `--help`.
    fn about(&self) -> &'static str;
    /// What happens to a table.
    fn role(&self) -> Role;
    /// Begins a file of the table with this header, to be written as its blocks come; `None` where the sealed table is needed. A nameless
    /// file is there for what does not fit in memory.
    ///
    /// # Errors
    /// `Io`.
    fn begin(
        &self,
        _header: &FileHeader,
        _scratch: &dyn Fn() -> Result<Box<dyn ScratchFile>>,
    ) -> Result<Option<Box<dyn DirectFile>>> {
        Ok(None)
    }
    /// Writes a verified table as one file ([`Role::Export`] only). Same table, same bytes.
    ///
    /// # Errors
    /// `Damage` from the table, `Io` from `out`.
    fn export(&self, table: &TableReader, out: &mut (dyn Write + Send)) -> Result<WrittenFile>;
    /// Reads the written file once and compares it with its hash, then with the table ([`Role::Export`] only).
    ///
    /// # Errors
    /// `Damage` if they differ, `Io`.
    fn check(&self, table: &TableReader, file: Arc<dyn ReadAt>, written: WrittenFile) -> Result<()>;
    /// The fingerprint that a file of this format carries, if it carries one.
    ///
    /// # Errors
    /// `Damage`, `Io` if the file cannot be read.
    fn fingerprint(&self, file: Arc<dyn ReadAt>) -> Result<Option<u128>>;
}

/// A file of some format that is written while its table comes. The same blocks and provenance give the same bytes, which are those that
/// [`Format::export`] makes of the sealed table.
pub trait DirectFile: fmt::Debug + Send {
    /// Takes one block and writes to `out` what is ready: the columns in schema order, each `rows` long; every block but the last is full.
    ///
    /// # Errors
    /// `Usage` for values that do not fit the schema, `Io`. After an error the file is lost.
    fn push(&mut self, rows: usize, columns: &[ColumnValues<'_>], out: &mut (dyn Write + Send)) -> Result<()>;
    /// Writes what is left. The facts are those of the table, and length and hash of the file.
    ///
    /// # Errors
    /// `Io`; `Damage` if what was put aside does not come back.
    fn finish(&mut self, provenance: &Provenance, out: &mut (dyn Write + Send)) -> Result<SealedFile>;
    /// Reads the finished file once and compares it with its hash, then with the rows that came in.
    ///
    /// # Errors
    /// `Damage` if they differ, `Io`.
    fn check(self: Box<Self>, file: Arc<dyn ReadAt>, sealed: &SealedFile) -> Result<()>;
}

/// Every format. The place to add one.
pub static FORMATS: &[&dyn Format] = &[
    &hftc::Hftc,
    #[cfg(feature = "parquet")]
    &parquet::Parquet,
    #[cfg(feature = "arrow")]
    &arrow::ArrowIpc,
    &text::Text(rows::TextFormat::Csv),
    &text::Text(rows::TextFormat::Ndjson),
    &null::Null,
];

/// The format of a name.
///
/// # Errors
/// `Usage` naming the formats there are.
pub fn format_named(name: &str) -> Result<&'static dyn Format> {
    FORMATS.iter().copied().find(|format| format.name() == name).ok_or_else(|| {
        let names: Vec<&str> = FORMATS.iter().map(|format| format.name()).collect();
        Error::usage(format!("there is no output format `{name}`"), format!("write one of {}", names.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_found_by_name() {
        for format in FORMATS {
            assert_eq!(format_named(format.name()).unwrap().name(), format.name());
        }
        let error = format_named("feather").unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("hftc"), "{error}");
    }
}
