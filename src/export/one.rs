//! One table of one partition: from its segments to a published file in each format.

use super::open_table;
use crate::error::{Error, ErrorKind, Result};
use crate::exec::Interrupt;
use crate::format::FileHeader;
use crate::read::TableReader;
use crate::schema::PartitionKey;
use crate::sink::rows::RowSelection;
use crate::sink::{Folder, FolderFile, Format, SinkOutput, TableSink, chosen_schema, export_sealed, hive_path, join};
use crate::store::{Store, Tree};
use crate::write::{Provenance, group_blocks};

/// What all tables of an export share.
pub(super) struct Job<'a> {
    pub(super) store: &'a Store,
    pub(super) tree: &'a Tree,
    pub(super) selection: &'a RowSelection,
    pub(super) folder: &'a Folder,
    pub(super) formats: &'a [&'static dyn Format],
    pub(super) interrupt: &'a Interrupt,
}

/// An exported table.
pub(super) struct Done {
    pub(super) rows: u64,
    pub(super) bytes: u64,
}

/// True for an error that the other tables need not meet.
pub(super) fn is_of_the_table(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::Damage(_) | ErrorKind::Findings { .. } => true,
        ErrorKind::Io { source, .. } => source.kind() == std::io::ErrorKind::NotFound,
        _ => false,
    }
}

impl Job<'_> {
    /// Exports a table and publishes its files; `None` if none of its rows is wanted.
    pub(super) fn export(&self, key: &PartitionKey, table: &str) -> Result<Option<Done>> {
        let segments = open_table(self.store, self.tree, key, table)?;
        let (rows, outputs) = match &segments[..] {
            [] => {
                let what = format!("{table} is stored in other formats only; compute it with --output hftc");
                return Err(Error::new(ErrorKind::Findings { what }));
            }
            [whole] if self.selection.is_everything() => (whole.rows(), self.as_it_is(whole)?),
            _ => self.joined(&segments)?,
        };
        if rows == 0 {
            outputs.into_iter().try_for_each(|output| crate::sink::Stage::discard(self.folder, output.file))?;
            return Ok(None);
        }
        let bytes = outputs.iter().map(|output| output.sealed.length).sum();
        let place = |output: SinkOutput<FolderFile>| (hive_path(table, key, output.extension), output.file);
        self.folder.publish(outputs.into_iter().map(place).collect())?;
        Ok(Some(Done { rows, bytes }))
    }

    /// From the stored file itself.
    fn as_it_is(&self, whole: &TableReader) -> Result<Vec<SinkOutput<FolderFile>>> {
        let (footer, header) = (whole.footer(), whole.header());
        let sealed = crate::format::SealedFile {
            rows: footer.rows,
            length: 0,
            file_hash: 0,
            identity: footer.identity,
            content_digest: footer.content_digest,
            schema_hash: header.schema.hash(),
        };
        self.formats.iter().map(|format| export_sealed(*format, whole, &sealed, self.folder)).collect()
    }

    /// From a staged file that holds what is wanted of all segments.
    fn joined(&self, segments: &[TableReader]) -> Result<(u64, Vec<SinkOutput<FolderFile>>)> {
        let first = &segments[0];
        let schema = chosen_schema(first, self.selection)?;
        let block_rows = first.header().block_rows;
        let header = FileHeader {
            segment: 0,
            first_row: 0,
            group_blocks: group_blocks(schema.columns.len(), block_rows),
            schema,
            ..first.header().clone()
        };
        let mut sink = TableSink::new(self.formats, header, self.folder)?;
        let rows = join(segments, self.selection, block_rows, &mut |rows, columns| {
            self.interrupt.check()?;
            sink.push(rows, columns)
        })?;
        // A part of a table is not what its fingerprint says.
        let whole = segments.last().filter(|_| self.selection.is_everything());
        let provenance = Provenance {
            inputs: segments.last().map(|s| s.footer().inputs.clone()).unwrap_or_default(),
            fingerprint: whole.map_or(0, |s| s.footer().fingerprint),
            notes: Vec::new(),
        };
        Ok((rows, sink.finish(provenance, self.folder)?))
    }
}
