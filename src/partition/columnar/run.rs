//! Sections as encoded blocks: a run that the writer can take over block by block, or the merge row by row.

use std::sync::Arc;

use super::encoding::Finished;
use super::index::BlockIndex;
use super::open::{ID_COLUMNS, NULL};
use super::seal::{Cell, Sealed, levels_of};
use super::spill::Spill;
use crate::codec::{DecodeScratch, decode};
use crate::error::Result;
use crate::format::checksum;
use crate::normalize::{INT_NULL, RowBatch, RowKey, SCALE_NULL, TS_NULL};
use crate::partition::row;
use crate::partition::run::corrupt;
use crate::partition::schema::{Role, all_columns};
use crate::partition::section::{Section, SectionId};
use crate::schema::{Column, RawTable};
use crate::units::Date;

/// Sections in the order of their ids, each sorted.
#[derive(Debug)]
pub struct ColumnRun {
    /// `start` is the section's number.
    pub(super) sections: Vec<Section>,
    pub(super) blocks: Vec<Vec<Sealed>>,
    pub(super) spill: Arc<Spill>,
}

impl ColumnRun {
    /// The run of finished sections, given by number; `None` without blocks.
    ///
    /// # Errors
    /// `Damage` when a block was lost between the threads: a defect.
    pub(super) fn of(
        finished: Vec<Finished>,
        id: impl Fn(u32) -> Option<SectionId>,
        spill: &Arc<Spill>,
    ) -> Result<Option<Self>> {
        let mut found = Vec::new();
        for (number, Finished { mut blocks, mut facts }) in (0_u32..).zip(finished) {
            if blocks.is_empty() {
                continue;
            }
            blocks.sort_by_key(|block| block.first_row);
            facts.sort_by_key(|(source, _)| *source);
            let mut rows = 0;
            for block in &blocks {
                if block.first_row != rows {
                    return Err(corrupt("a block was lost between the threads"));
                }
                rows += block.rows as u64;
            }
            let id = id(number).ok_or_else(|| corrupt("a block of no section"))?;
            found.push((Section { id, facts, start: 0, end: 0 }, blocks));
        }
        found.sort_by(|a, b| a.0.id.cmp(&b.0.id));
        let numbered = (0_u64..).zip(found);
        let (sections, blocks): (Vec<_>, Vec<_>) = numbered
            .map(|(number, (section, blocks))| (Section { start: number, end: number + 1, ..section }, blocks))
            .unzip();
        Ok((!sections.is_empty()).then(|| Self { sections, blocks, spill: Arc::clone(spill) }))
    }

    pub(crate) fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// The blocks of a section.
    pub(crate) fn blocks(&self, section: &Section) -> &[Sealed] {
        usize::try_from(section.start).ok().and_then(|at| self.blocks.get(at)).map_or(&[], Vec::as_slice)
    }

    /// Bytes in the scratch file.
    pub(crate) fn file_bytes(&self) -> u64 {
        self.spill.file_bytes()
    }

    /// A block's index and bytes, every checksum compared.
    pub(crate) fn read<'a>(&self, block: &'a Sealed, buffer: &'a mut Vec<u8>) -> Result<(BlockIndex, &'a [u8])> {
        let bytes = self.spill.read(&block.place, buffer)?;
        let index = BlockIndex::parse(bytes)?;
        for cell in index.all() {
            if checksum::crc(cell_bytes(cell, bytes)?) != cell.entry.crc {
                return Err(corrupt("a block whose checksum is wrong"));
            }
        }
        Ok((index, bytes))
    }
}

/// A cell's part of its block's bytes.
pub(crate) fn cell_bytes<'a>(cell: &Cell, bytes: &'a [u8]) -> Result<&'a [u8]> {
    let start = usize::try_from(cell.entry.offset).unwrap_or(usize::MAX);
    start
        .checked_add(cell.entry.length as usize)
        .and_then(|end| bytes.get(start..end))
        .ok_or_else(|| corrupt("a cell outside its block"))
}

/// Decodes cells; missing values become [`NULL`].
#[derive(Debug, Default)]
pub(crate) struct CellReader {
    scratch: DecodeScratch,
    validity: Vec<u64>,
    columns: Vec<(Column, Role)>,
    described: Option<RawTable>,
}

impl CellReader {
    /// The values of a cell into `out`, which has a place for each row.
    ///
    /// # Errors
    /// `Damage`.
    pub(crate) fn read(&mut self, table: RawTable, cell: &Cell, bytes: &[u8], out: &mut [i64]) -> Result<()> {
        let mut validity = std::mem::take(&mut self.validity);
        validity.clear();
        validity.resize(out.len().div_ceil(64), 0);
        let read = self.read_raw(table, cell, bytes, out, &mut validity);
        if cell.entry.nulls > 0 {
            for (row, value) in out.iter_mut().enumerate() {
                if validity[row / 64] >> (row % 64) & 1 == 0 {
                    *value = NULL;
                }
            }
        }
        self.validity = validity;
        read
    }

    /// The values of a cell and the bitmap of those that are there.
    ///
    /// # Errors
    /// `Damage`.
    pub(crate) fn read_raw(
        &mut self,
        table: RawTable,
        cell: &Cell,
        bytes: &[u8],
        out: &mut [i64],
        validity: &mut [u64],
    ) -> Result<()> {
        let wanted = match cell.role {
            Role::Decimal(k) => levels_of(k + 1),
            _ => 1,
        };
        let known = self.columns.iter().any(|(_, role)| *role == cell.role);
        if self.described != Some(table) || !known {
            self.columns = all_columns(table, wanted.max(1));
            self.described = Some(table);
        }
        let (column, _) = self
            .columns
            .iter()
            .find(|(_, role)| *role == cell.role)
            .ok_or_else(|| corrupt("a cell of an unknown column"))?;
        decode::i64s(column, &cell.entry, cell_bytes(cell, bytes)?, &mut self.scratch, out, validity)?;
        Ok(())
    }
}

/// The rows of a section as bytes, a block at a time.
#[derive(Debug)]
pub(crate) struct RowFeed<'r> {
    run: &'r ColumnRun,
    section: Section,
    next_block: usize,
    cells: CellReader,
    buffer: Vec<u8>,
    columns: Vec<Vec<i64>>,
    /// The rows, then eight zero bytes, so that decoding can always read whole words.
    rows: Vec<u8>,
    length: usize,
}

impl<'r> RowFeed<'r> {
    pub(crate) fn new(run: &'r ColumnRun, section: &Section) -> Self {
        Self {
            run,
            section: section.clone(),
            next_block: 0,
            cells: CellReader::default(),
            buffer: Vec::new(),
            columns: Vec::new(),
            rows: Vec::new(),
            length: 0,
        }
    }

    /// The rows of the current block with eight zero bytes, and their length without them.
    pub(crate) fn frame(&self) -> (&[u8], usize) {
        (&self.rows, self.length)
    }

    /// Decodes the next block; false at the end.
    pub(crate) fn next_block(&mut self) -> Result<bool> {
        let Some(block) = self.run.blocks(&self.section).get(self.next_block) else { return Ok(false) };
        self.next_block += 1;
        let table = self.section.id.table;
        let (index, bytes) = self.run.read(block, &mut self.buffer)?;
        self.columns.resize(self.columns.len().max(index.cells.len() + 2), Vec::new());
        for (cell, values) in index.all().zip(&mut self.columns) {
            values.clear();
            values.resize(block.rows, NULL);
            self.cells.read(table, cell, bytes, values)?;
        }
        self.rows.clear();
        let mut batch = RowBatch::new(table, 0, 0);
        for row in 0..block.rows {
            fill(&mut batch, &index, &self.columns, row);
            row::encode(&mut self.rows, &batch, 0).ok_or_else(|| corrupt("a block that is no batch"))?;
        }
        self.length = self.rows.len();
        self.rows.extend_from_slice(&[0; 8]);
        Ok(true)
    }
}

/// Makes the batch that of one row of a block.
fn fill(batch: &mut RowBatch, index: &BlockIndex, columns: &[Vec<i64>], row: usize) {
    let (ints, ids) = (batch.table.ints().len(), batch.table.ids().len());
    let mut key = RowKey {
        security: 0,
        date: Date(0),
        clock: columns[0][row],
        ts_event: TS_NULL,
        ts_recv: TS_NULL,
        sequence: None,
        record: 0,
        sub: columns[1][row] as u32,
    };
    batch.ints.clear();
    batch.ints.resize(ints, INT_NULL);
    let mut id_numbers = [NULL; ID_COLUMNS];
    batch.decimals.clear();
    batch.scales.clear();
    for (cell, values) in index.cells.iter().zip(&columns[2..]) {
        let value = values[row];
        match cell.role {
            Role::Event => key.ts_event = value,
            Role::Recv => key.ts_recv = value,
            Role::Sequence => key.sequence = (value != NULL).then_some(value as u64),
            Role::Source => batch.source = value as u32,
            Role::Record => key.record = value as u64,
            // Rows that keep columns take the general way.
            Role::Kept(_) => {}
            Role::Int(k) => batch.ints[k] = value,
            Role::Id(k) => id_numbers[k] = value,
            Role::Decimal(k) => {
                batch.decimals.resize(k, 0);
                batch.scales.resize(k, SCALE_NULL);
                batch.decimals.push(if value == NULL { 0 } else { value });
                batch.scales.push(if value == NULL { SCALE_NULL } else { cell.scale });
            }
        }
    }
    batch.decimal_ends.clear();
    batch.decimal_ends.push(batch.decimals.len() as u32);
    batch.id_bytes.clear();
    batch.id_ends.clear();
    for number in id_numbers.iter().take(ids) {
        if *number != NULL {
            batch.id_bytes.extend_from_slice((*number as u64).to_string().as_bytes());
        }
        batch.id_ends.push(batch.id_bytes.len() as u32);
    }
    batch.keys.clear();
    batch.keys.push(key);
}
