//! `null`: features are computed and dropped, to measure or to check a store.

use std::io::Write;
use std::sync::Arc;

use super::{Format, Role, WrittenFile};
use crate::error::Result;
use crate::read::TableReader;
use crate::storage::ReadAt;

/// The format `null`.
#[derive(Debug)]
pub(super) struct Null;

impl Format for Null {
    fn name(&self) -> &'static str {
        "null"
    }

    fn about(&self) -> &'static str {
        "results are dropped"
    }

    fn role(&self) -> Role {
        Role::Nothing
    }

    fn export(&self, _table: &TableReader, _out: &mut (dyn Write + Send)) -> Result<WrittenFile> {
        Ok(WrittenFile { length: 0, file_hash: 0 })
    }

    fn check(&self, _table: &TableReader, _file: Arc<dyn ReadAt>, _written: WrittenFile) -> Result<()> {
        Ok(())
    }

    fn fingerprint(&self, _file: Arc<dyn ReadAt>) -> Result<Option<u128>> {
        Ok(None)
    }
}
