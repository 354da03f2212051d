//! One table on its way out: blocks in, sealed files in every wanted format out.

use std::io::Write;

use super::{DirectFile, Format, Role, Stage};
use crate::codec::ColumnValues;
use crate::error::Result;
use crate::format::{FileHeader, SealedFile};
use crate::read::TableReader;
use crate::write::{Provenance, TableWriter};

/// A table that is being written.
#[derive(Debug)]
pub struct TableSink<F: Write> {
    /// For the formats that are made from the sealed table, and `hftc` itself.
    staged: Option<TableWriter<F>>,
    direct: Vec<Direct<F>>,
    formats: Vec<&'static dyn Format>,
    rows: u64,
}

/// A file that is written while the table comes.
#[derive(Debug)]
struct Direct<F> {
    extension: &'static str,
    file: F,
    writer: Box<dyn DirectFile>,
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
        let fresh = || stage.scratch();
        let scratch = || stage.pool().map_or_else(fresh, |pool| pool.take(&fresh));
        let mut direct = Vec::new();
        let (mut is_kept, mut is_read) = (false, false);
        for format in formats.iter().filter(|format| format.role() != Role::Nothing) {
            match format.begin(&header, &scratch)? {
                Some(writer) => direct.push(Direct { extension: format.name(), file: stage.create()?, writer }),
                None => (is_kept, is_read) = (true, is_read || format.role() == Role::Export),
            }
        }
        // A table that other formats are made from is read back at once.
        let create = || if is_read { stage.create() } else { stage.create_long() };
        let staged = if is_kept { Some(TableWriter::new(create()?, header)?) } else { None };
        Ok(Self { staged, direct, formats: formats.to_vec(), rows: 0 })
    }

    /// Appends one block: the columns in schema order, each `rows` long; every block but the last is full.
    ///
    /// # Errors
    /// `Io`.
    pub fn push(&mut self, rows: usize, columns: &[ColumnValues<'_>]) -> Result<()> {
        self.rows += rows as u64;
        for direct in &mut self.direct {
            direct.writer.push(rows, columns, &mut direct.file)?;
        }
        match &mut self.staged {
            Some(staged) => staged.push(rows, columns),
            None => Ok(()),
        }
    }

    /// Rows so far.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Seals the table and makes the other formats from it. `hftc` comes first, then the files that were written as blocks came, then the
    /// others, each in the order of the formats asked for.
    ///
    /// # Errors
    /// `Io`; `Damage` if what was written does not read back as it should.
    pub fn finish(self, provenance: Provenance, stage: &impl Stage<File = F>) -> Result<Vec<SinkOutput<F>>> {
        let mut outputs = Vec::new();
        for Direct { extension, mut file, mut writer } in self.direct {
            let sealed = writer.finish(&provenance, &mut file)?;
            writer.check(stage.reopen(&file)?, &sealed)?;
            outputs.push(SinkOutput { extension, sealed, file });
        }
        let Some(staged) = self.staged else { return Ok(outputs) };
        let (file, sealed) = staged.finish(provenance)?;
        let is_made = |format: &&&'static dyn Format| {
            format.role() == Role::Export && !outputs.iter().any(|o| o.extension == format.name())
        };
        let exports: Vec<&'static dyn Format> = self.formats.iter().filter(is_made).copied().collect();
        if !exports.is_empty() {
            let table = TableReader::open(stage.reopen(&file)?)?;
            for format in exports {
                outputs.push(export_sealed(format, &table, &sealed, stage)?);
            }
        }
        match self.formats.iter().any(|format| format.role() == Role::Staged) {
            true => outputs.insert(0, SinkOutput { extension: "hftc", sealed, file }),
            false => stage.discard(file)?,
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
