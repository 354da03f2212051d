//! A file made from a sealed table: column by column, for a table can be read in any order.

use std::io::Write;

use super::column::{ColumnPages, Tools};
use super::content::Content;
use super::file::{FileBytes, facts};
use super::gather::Gathered;
use super::page::Page;
use super::{Cut, schema};
use crate::codec::{ColumnValues, TextBlock};
use crate::error::Result;
use crate::read::{BlockScratch, TableReader};
use crate::schema::LogicalType;
use crate::sink::WrittenFile;
use crate::write::Provenance;

/// Writes a table as one Parquet file to `out`: the same bytes as [`super::direct`] writes of its blocks. The caller syncs and checks.
///
/// # Errors
/// `Damage` from the table, `Io` from `out`.
pub(super) fn write(table: &TableReader, out: &mut dyn Write) -> Result<WrittenFile> {
    let (header, footer) = (table.header(), table.footer());
    let wide = schema::wide_columns(table);
    let mut bytes = FileBytes::new(header, &wide)?;
    let cut = Cut::new(header.schema.columns.len(), header.block_rows);
    let columns = header.schema.columns.iter().zip(&wide);
    let mut columns: Vec<ColumnPages> =
        columns.map(|(column, wide)| ColumnPages::new(column, *wide, header.first_row)).collect();
    let (mut tools, mut page, mut block) = (Tools::default(), Page::default(), Block::default());
    let mut chunk = Vec::new();
    let step = (cut.group_rows / header.block_rows as usize).max(1);
    for first in (0..table.block_count()).step_by(step) {
        tools.begin_group();
        let last = (first + step).min(table.block_count());
        for (number, column) in columns.iter_mut().enumerate() {
            chunk.clear();
            let mut page_rows = 0;
            for index in first..last {
                let rows = block.read(table, index, number)?;
                column.push(rows, block.values(header.schema.columns[number].logical_type))?;
                page_rows += rows;
                if page_rows >= cut.page_rows || index + 1 == last {
                    column.page(&mut tools, &mut page)?;
                    chunk.extend_from_slice(&page.header);
                    chunk.extend_from_slice(&page.data);
                    page_rows = 0;
                }
            }
            let (facts, has_dictionary) = column.end_chunk(&mut tools, &mut page)?;
            let dictionary = if has_dictionary { [&page.header[..], &page.data].concat() } else { Vec::new() };
            bytes.chunk(&facts, (&dictionary, &chunk), out)?;
        }
        bytes.end_group()?;
    }
    let provenance = Provenance { inputs: footer.inputs.clone(), fingerprint: footer.fingerprint, notes: Vec::new() };
    bytes.finish(facts(header, (footer.identity, footer.content_digest), &provenance), out)
}

/// What a column of a table says, by its blocks.
///
/// # Errors
/// `Damage`, `Io`.
pub(super) fn content(table: &TableReader, column: usize) -> Result<Content> {
    let header = table.header();
    let described = &header.schema.columns[column];
    let mut gathered = Gathered::new(described, header.first_row);
    let mut block = Block::default();
    for index in 0..table.block_count() {
        let rows = block.read(table, index, column)?;
        gathered.push(rows, block.values(described.logical_type))?;
        gathered.clear();
    }
    Ok(gathered.content)
}

/// One block of one column, in reused memory.
#[derive(Default)]
struct Block {
    scratch: BlockScratch,
    numbers: Vec<i64>,
    floats: Vec<f64>,
    text: TextBlock,
    validity: Vec<u64>,
}

impl Block {
    /// Reads and verifies a block; returns its rows.
    fn read(&mut self, table: &TableReader, index: usize, column: usize) -> Result<usize> {
        let rows = table.block_rows(index);
        self.validity.resize(rows.div_ceil(64), 0);
        match table.header().schema.columns[column].logical_type {
            LogicalType::F64 => {
                self.floats.resize(rows, 0.0);
                table.read_f64(index, column, &mut self.scratch, &mut self.floats)?;
            }
            LogicalType::Text => {
                table.read_text(index, column, &mut self.scratch, &mut self.text, &mut self.validity)?;
            }
            _ => {
                self.numbers.resize(rows, 0);
                table.read_i64(index, column, &mut self.scratch, &mut self.numbers, &mut self.validity)?;
            }
        }
        Ok(rows)
    }

    fn values(&self, of: LogicalType) -> ColumnValues<'_> {
        let validity = Some(&self.validity[..]);
        match of {
            LogicalType::F64 => ColumnValues::F64(&self.floats),
            LogicalType::Text => ColumnValues::Text { values: &self.text, validity },
            _ => ColumnValues::I64 { values: &self.numbers, validity },
        }
    }
}
