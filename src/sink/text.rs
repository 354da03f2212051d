//! `csv` and `ndjson`: every cell exact, written from the verified table.

use std::io::Write;
use std::sync::Arc;

use super::reread::check_hash;
use super::rows::{BlockCells, RowSelection, TextFormat, TextRows};
use super::{Format, Role, WrittenFile};
use crate::error::{Error, Result};
use crate::read::TableReader;
use crate::storage::ReadAt;
use crate::store::Hashed;

/// Bytes of lines that are gathered before they are written.
const BUFFER: usize = 1 << 18;

/// The formats `csv` and `ndjson`.
#[derive(Debug)]
pub(super) struct Text(pub(super) TextFormat);

impl Format for Text {
    fn name(&self) -> &'static str {
        match self.0 {
            TextFormat::Csv => "csv",
            TextFormat::Ndjson => "ndjson",
        }
    }

    fn about(&self) -> &'static str {
        match self.0 {
            TextFormat::Csv => "CSV: exact decimals, times in ns, missing cells empty; it can be imported again",
            TextFormat::Ndjson => "one JSON object a line: exact numbers, times in ns, missing cells null",
        }
    }

    fn role(&self) -> Role {
        Role::Export
    }

    fn export(&self, table: &TableReader, out: &mut (dyn Write + Send)) -> Result<WrittenFile> {
        let failed = |e| Error::io("write", format!("{}.{}", table.header().table, self.name()), e);
        let all = RowSelection::default();
        let text = TextRows::new(self.0, table, &all.columns(table)?);
        let mut out = Hashed::new(out);
        let mut lines = Vec::with_capacity(BUFFER + (BUFFER >> 2));
        text.header(&mut lines);
        all.visit(table, &mut BlockCells::default(), &mut |cells, row| {
            text.row(cells, row, &mut lines);
            if lines.len() >= BUFFER {
                out.write_all(&lines).map_err(failed)?;
                lines.clear();
            }
            Ok(true)
        })?;
        out.write_all(&lines).and_then(|()| out.flush()).map_err(failed)?;
        let (_, length, file_hash) = out.finish();
        Ok(WrittenFile { length, file_hash })
    }

    /// What was written is a function of the table alone, so the bytes on disk are right if their hash is.
    fn check(&self, table: &TableReader, file: Arc<dyn ReadAt>, written: WrittenFile) -> Result<()> {
        check_hash(&table.header().table, self.name(), &*file, written)
    }

    fn fingerprint(&self, _file: Arc<dyn ReadAt>) -> Result<Option<u128>> {
        // Text has no room for it: such a file is always written anew.
        Ok(None)
    }
}
