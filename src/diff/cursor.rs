//! One column of a table's segments, cell by cell, a block in memory at a time.

use crate::error::{Error, Result};
use crate::read::TableReader;
use crate::sink::rows::{BlockCells, Cell};

/// Walks a column. Usage: [`ColumnCursor::load`], then [`ColumnCursor::take`] as often as [`ColumnCursor::ready`] says.
#[derive(Debug)]
pub(super) struct ColumnCursor<'a> {
    files: &'a [TableReader],
    name: &'a str,
    file: usize,
    block: usize,
    cells: BlockCells,
    row: usize,
}

impl<'a> ColumnCursor<'a> {
    pub(super) fn new(files: &'a [TableReader], name: &'a str) -> Self {
        Self { files, name, file: 0, block: 0, cells: BlockCells::default(), row: 0 }
    }

    /// Cells that can be taken.
    pub(super) fn ready(&self) -> usize {
        self.cells.rows() - self.row
    }

    /// Reads the next block if nothing is ready; false at the end.
    pub(super) fn load(&mut self) -> Result<bool> {
        while self.ready() == 0 {
            let Some(file) = self.files.get(self.file) else { return Ok(false) };
            if self.block == file.block_count() {
                (self.file, self.block) = (self.file + 1, 0);
                continue;
            }
            let column = file.header().schema.index_of(self.name).ok_or_else(|| {
                let expected = format!("the column `{}` in every segment", self.name);
                Error::damage("diff", expected, "a segment without it").in_file(&file.header().table)
            })?;
            self.cells.read(file, self.block, &[column])?;
            (self.block, self.row) = (self.block + 1, 0);
        }
        Ok(true)
    }

    /// The next cell, of those that are ready.
    pub(super) fn take(&mut self) -> Cell<'_> {
        self.row += 1;
        self.cells.cell(0, self.row - 1)
    }
}
