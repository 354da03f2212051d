//! `hftc`: the staged file itself, f64 columns plain and aligned, ready to be mapped.

use std::io::{self, Write};
use std::sync::Arc;

use super::{Format, Role, WrittenFile};
use crate::error::{Error, Result};
use crate::read::TableReader;
use crate::storage::ReadAt;

/// The format `hftc`.
#[derive(Debug)]
pub(super) struct Hftc;

impl Format for Hftc {
    fn name(&self) -> &'static str {
        "hftc"
    }

    fn about(&self) -> &'static str {
        "hftcol's own columnar file"
    }

    fn role(&self) -> Role {
        Role::Staged
    }

    fn export(&self, _table: &TableReader, _out: &mut (dyn Write + Send)) -> Result<WrittenFile> {
        Err(Error::io("export", "hftc", io::ErrorKind::Unsupported.into()))
    }

    fn check(&self, table: &TableReader, _file: Arc<dyn ReadAt>, _written: WrittenFile) -> Result<()> {
        table.verify()
    }

    fn fingerprint(&self, file: Arc<dyn ReadAt>) -> Result<Option<u128>> {
        Ok(Some(TableReader::open(file)?.footer().fingerprint))
    }
}
