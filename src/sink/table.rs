//! One table on its way out: blocks in, sealed files in every wanted format out.

use std::io::Write;

use super::{Format, Role, Stage};
use crate::codec::ColumnValues;
use crate::error::Result;
use crate::format::{FileHeader, SealedFile};
use crate::read::TableReader;
use crate::write::{Provenance, TableWriter};

/// A table that is being written.
#[derive(Debug)]
pub struct TableSink<F: Write> {
    writer: Option<TableWriter<F>>,
    formats: Vec<&'static dyn Format>,
    rows: u64,
}

/// A finished file in staging.
#[derive(Debug)]
pub struct SinkOutput<F> {
    /// The format's name, which is its extension.
    pub extension: &'static str,
    /// Facts for the manifest: identity and content digest are those of the table in every format.
    pub sealed: SealedFile,
    /// The file: written, not yet synced.
    pub file: F,
}

impl<F: super::StagedWrite> TableSink<F> {
    /// Begins a table in these formats; nothing is staged when no format keeps anything.
    ///
    /// # Errors
    /// `Io` from the stage, `Usage` for a schema over the limits.
    pub fn new(formats: &[&'static dyn Format], header: FileHeader, stage: &impl Stage<File = F>) -> Result<Self> {
        let keeps = formats.iter().any(|format| format.role() != Role::Nothing);
        // A table that other formats are made from is read back at once.
        let is_read = formats.iter().any(|format| format.role() == Role::Export);
        let create = || if is_read { stage.create() } else { stage.create_long() };
        let writer = if keeps { Some(TableWriter::new(create()?, header)?) } else { None };
        Ok(Self { writer, formats: formats.to_vec(), rows: 0 })
    }

    /// Appends one block: the columns in schema order, each `rows` long; every block but the last is full.
    ///
    /// # Errors
    /// `Io`.
    pub fn push(&mut self, rows: usize, columns: &[ColumnValues<'_>]) -> Result<()> {
        self.rows += rows as u64;
        match &mut self.writer {
            Some(writer) => writer.push(rows, columns),
            None => Ok(()),
        }
    }

    /// Rows so far.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Seals the table and makes the other formats from it. The files come in the order of the formats asked for.
    ///
    /// # Errors
    /// `Io`; `Damage` if what was written does not read back as it should.
    pub fn finish(self, provenance: Provenance, stage: &impl Stage<File = F>) -> Result<Vec<SinkOutput<F>>> {
        let Some(writer) = self.writer else { return Ok(Vec::new()) };
        let (file, sealed) = writer.finish(provenance)?;
        let mut outputs = Vec::new();
        if self.formats.iter().any(|format| format.role() == Role::Export) {
            let table = TableReader::open(stage.reopen(&file)?)?;
            for format in self.formats.iter().filter(|format| format.role() == Role::Export) {
                outputs.push(export_sealed(*format, &table, &sealed, stage)?);
            }
        }
        match self.formats.iter().position(|format| format.role() == Role::Staged) {
            Some(_) => outputs.insert(0, SinkOutput { extension: "hftc", sealed, file }),
            None => stage.discard(file)?,
        }
        Ok(outputs)
    }
}

/// Writes one more format from a sealed table and holds the result against it.
///
/// # Errors
/// `Damage` of the table, or if what was written does not read back as it should; `Io`.
pub fn export_sealed<F: super::StagedWrite>(
    format: &'static dyn Format,
    table: &TableReader,
    sealed: &SealedFile,
    stage: &impl Stage<File = F>,
) -> Result<SinkOutput<F>> {
    let mut file = stage.create()?;
    let written = format.export(table, &mut file)?;
    format.check(table, stage.reopen(&file)?, written)?;
    let sealed = SealedFile { length: written.length, file_hash: written.file_hash, ..sealed.clone() };
    Ok(SinkOutput { extension: format.name(), sealed, file })
}
