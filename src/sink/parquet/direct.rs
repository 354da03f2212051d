//! A file that is written while its table comes: blocks become pages at once, pages become chunks when their row group ends.
//!
//! Memory: [`PAGES_BYTES`] of values at most, where a table's blocks fit into that; some pages; a column chunk while a row group is ended.

use std::io::Write;
use std::sync::Arc;

use super::column::{ColumnPages, Tools};
use super::compare::Found;
use super::content::{Content, table_digest};
use super::file::{FileBytes, facts};
use super::held::HeldPages;
use super::page::Page;
use super::{Cut, differs};
use crate::codec::ColumnValues;
use crate::error::{Error, Result};
use crate::format::{FileHeader, SealedFile};
use crate::sink::reread::check_hash;
use crate::sink::{DirectFile, WrittenFile};
use crate::storage::{ReadAt, ScratchFile};
use crate::write::Provenance;

/// A Parquet file on its way.
#[derive(Debug)]
pub(super) struct Direct {
    header: FileHeader,
    cut: Cut,
    columns: Vec<ColumnPages>,
    tools: Tools,
    page: Page,
    held: HeldPages,
    bytes: FileBytes,
    /// Rows in all, of the open row group, and of the open page.
    rows: u64,
    group_rows: usize,
    page_rows: usize,
}

impl Direct {
    /// Begins a file of a table without decimals: how wide they are is known only at its end.
    ///
    /// # Errors
    /// `Io`.
    pub(super) fn new(header: &FileHeader, scratch: Box<dyn ScratchFile>) -> Result<Self> {
        let columns = &header.schema.columns;
        Ok(Self {
            cut: Cut::new(header.schema.columns.len(), header.block_rows),
            columns: columns.iter().map(|column| ColumnPages::new(column, false, header.first_row)).collect(),
            tools: Tools::default(),
            page: Page::default(),
            held: HeldPages::new(scratch, columns.len()),
            bytes: FileBytes::new(header, &[])?,
            header: header.clone(),
            rows: 0,
            group_rows: 0,
            page_rows: 0,
        })
    }

    fn end_pages(&mut self) -> Result<()> {
        if self.page_rows > 0 {
            for (number, column) in self.columns.iter_mut().enumerate() {
                column.page(&mut self.tools, &mut self.page)?;
                self.held.keep(number, &self.page)?;
            }
        }
        self.page_rows = 0;
        Ok(())
    }

    fn end_group(&mut self, out: &mut dyn Write) -> Result<()> {
        self.end_pages()?;
        if self.group_rows == 0 {
            return Ok(());
        }
        let (mut dictionary, mut chunk) = (Vec::new(), Vec::new());
        for (number, column) in self.columns.iter_mut().enumerate() {
            let (facts, has_dictionary) = column.end_chunk(&mut self.tools, &mut self.page)?;
            dictionary.clear();
            chunk.clear();
            if has_dictionary {
                dictionary.extend_from_slice(&self.page.header);
                dictionary.extend_from_slice(&self.page.data);
            }
            self.held.gather(number, &mut chunk)?;
            self.bytes.chunk(&facts, (&dictionary, &chunk), out)?;
        }
        self.bytes.end_group()?;
        self.held.clear();
        self.tools.begin_group();
        self.group_rows = 0;
        Ok(())
    }

    fn named_contents(&self) -> impl Iterator<Item = (&str, Content)> {
        self.header
            .schema
            .columns
            .iter()
            .map(|column| column.name.as_str())
            .zip(self.columns.iter().map(ColumnPages::content))
    }
}

impl DirectFile for Direct {
    fn push(&mut self, rows: usize, columns: &[ColumnValues<'_>], out: &mut (dyn Write + Send)) -> Result<()> {
        let full = self.header.block_rows as usize;
        let ended = !self.rows.is_multiple_of((full as u64).max(1));
        if columns.len() != self.columns.len() || rows > full || ended {
            let what = format!("{rows} rows of {} columns after {} rows", columns.len(), self.rows);
            return Err(Error::usage(
                format!("a Parquet file cannot take {what}"),
                "push full blocks, but for the last",
            ));
        }
        for (column, values) in self.columns.iter_mut().zip(columns) {
            column.push(rows, *values)?;
        }
        self.rows += rows as u64;
        self.page_rows += rows;
        self.group_rows += rows;
        if self.page_rows >= self.cut.page_rows {
            self.end_pages()?;
        }
        if self.group_rows >= self.cut.group_rows { self.end_group(out) } else { Ok(()) }
    }

    fn finish(&mut self, provenance: &Provenance, out: &mut (dyn Write + Send)) -> Result<SealedFile> {
        self.end_group(out)?;
        let identity = self.header.identity(self.rows);
        let content_digest = table_digest(self.named_contents());
        let facts = facts(&self.header, (identity, content_digest), provenance);
        let WrittenFile { length, file_hash } = self.bytes.finish(facts, out)?;
        let schema_hash = self.header.schema.hash();
        Ok(SealedFile { rows: self.rows, length, file_hash, identity, content_digest, schema_hash })
    }

    fn check(self: Box<Self>, file: Arc<dyn ReadAt>, sealed: &SealedFile) -> Result<()> {
        let Self { header, rows, columns, tools, held, .. } = *self;
        let expected: Vec<Content> = columns.iter().map(ColumnPages::content).collect();
        // The memory of pages is given back before chunks are read.
        drop((columns, tools, held));
        let written = WrittenFile { length: sealed.length, file_hash: sealed.file_hash };
        check_hash(&header.table, "parquet", &*file, written)?;
        let found = Found::read(&header, rows, file)?;
        let mut columns = header.schema.columns.iter().zip(expected.iter().zip(&found.columns));
        match columns.find(|(_, (expected, found))| expected != found) {
            None => Ok(()),
            Some((column, _)) => {
                let expected = format!("column `{}` as it was computed", column.name);
                Err(differs(&header.table, expected, "other values"))
            }
        }
    }
}
