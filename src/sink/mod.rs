//! Where the rows of a table go: `hftc` files, Parquet, Arrow, CSV, NDJSON, nowhere.
//!
//! A [`TableSink`] takes a table block by block into a staged `hftc` file, seals it, and makes every other [`Format`]
//! that was asked for from that sealed file, read back and verified. So all formats hold the same rows, and a format
//! is one file here and one line in [`FORMATS`].

#[cfg(feature = "arrow")]
mod arrow;
mod folder;
mod hftc;
mod join;
mod null;
#[cfg(feature = "parquet")]
pub mod parquet;
mod reread;
pub mod rows;
mod stage;
mod table;
mod text;

use std::fmt;
use std::io::Write;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::read::TableReader;
use crate::storage::ReadAt;

pub use folder::{Folder, FolderFile, hive_path};
pub use join::{chosen_schema, join};
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
