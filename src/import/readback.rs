//! Rows of a stored table as row batches again, for a table that is rewritten with new rows among them.

use crate::codec::TextBlock;
use crate::error::Result;
use crate::limits::{DECIMAL_SCALE, LEVELS};
use crate::normalize::{INT_NULL, KeptValues, RowBatch, RowKey, SCALE_NULL, TS_NULL};
use crate::partition::{Role, TableShape};
use crate::read::{BlockScratch, TableReader};
use crate::schema::{Clock, LogicalType, PartitionKey};
use crate::units::Decimal;

/// A column of a block.
#[derive(Debug, Default)]
struct Column {
    values: Vec<i64>,
    validity: Vec<u64>,
    text: TextBlock,
}

/// Reads the blocks of one file.
#[derive(Debug)]
pub(crate) struct BlockReader<'a> {
    reader: &'a TableReader,
    shape: TableShape,
    scratch: BlockScratch,
    columns: Vec<Column>,
    /// Columns of `ts_event`, `ts_recv`, `sequence`, `source`, `record`.
    fixed: [Option<usize>; 5],
    ints: Vec<Option<usize>>,
    ids: Vec<Option<usize>>,
    /// By number in the shape's list.
    kept: Vec<Option<usize>>,
    row_number: u64,
}

impl<'a> BlockReader<'a> {
    /// A reader of a file whose first row is row `row_number` of its table.
    pub(crate) fn new(reader: &'a TableReader, shape: TableShape, row_number: u64) -> Self {
        let place = |role: Role| shape.roles.iter().position(|r| *r == role);
        Self {
            reader,
            scratch: BlockScratch::default(),
            columns: shape.roles.iter().map(|_| Column::default()).collect(),
            fixed: [Role::Event, Role::Recv, Role::Sequence, Role::Source, Role::Record].map(place),
            ints: (0..shape.table.ints().len()).map(|k| place(Role::Int(k))).collect(),
            ids: (0..shape.table.ids().len()).map(|k| place(Role::Id(k))).collect(),
            kept: (0..shape.kept.len()).map(|k| place(Role::Kept(k))).collect(),
            shape,
            row_number,
        }
    }

    /// Reads a block; consecutive rows of one source make one batch. Blocks are read in order.
    ///
    /// # Errors
    /// `Damage`, `Io`.
    pub(crate) fn read(&mut self, key: &PartitionKey, block: usize) -> Result<Vec<RowBatch>> {
        let rows = self.reader.block_rows(block);
        for (number, described) in self.shape.schema.columns.iter().enumerate() {
            let column = &mut self.columns[number];
            column.validity.clear();
            column.validity.resize(rows.div_ceil(64), 0);
            if described.logical_type == LogicalType::Text {
                let (text, validity) = (&mut column.text, &mut column.validity);
                self.reader.read_text(block, number, &mut self.scratch, text, validity)?;
            } else {
                column.values.clear();
                column.values.resize(rows, 0);
                let (values, validity) = (&mut column.values, &mut column.validity);
                self.reader.read_i64(block, number, &mut self.scratch, values, validity)?;
            }
        }
        let mut batches: Vec<RowBatch> = Vec::new();
        for row in 0..rows {
            let source = u32::try_from(self.cell(self.fixed[3], row).unwrap_or(0)).unwrap_or(u32::MAX);
            if batches.last().is_none_or(|batch| batch.source != source) {
                batches.push(self.empty_batch(key, source));
            }
            if let Some(batch) = batches.last_mut() {
                self.copy_row(key, row, batch);
            }
            self.row_number += 1;
        }
        Ok(batches)
    }

    fn empty_batch(&self, key: &PartitionKey, source: u32) -> RowBatch {
        let mut batch = RowBatch::new(self.shape.table, source, LEVELS);
        batch.securities.push((key.venue.clone(), key.security.clone()));
        batch.kept = KeptValues::new(self.kept.len());
        batch
    }

    /// The value in a column that may be absent, in a row where it may be missing.
    fn cell(&self, column: Option<usize>, row: usize) -> Option<i64> {
        let column = self.columns.get(column?)?;
        let valid = column.validity.get(row / 64)? >> (row % 64) & 1 != 0;
        if valid { column.values.get(row).copied() } else { None }
    }

    fn copy_row(&self, key: &PartitionKey, row: usize, batch: &mut RowBatch) {
        let [event, recv, sequence, _, record] = self.fixed.map(|column| self.cell(column, row));
        let clock = if self.reader.header().clock == Clock::Event { event } else { recv };
        batch.keys.push(RowKey {
            security: 0,
            date: key.date,
            clock: clock.unwrap_or(TS_NULL),
            ts_event: event.unwrap_or(TS_NULL),
            ts_recv: recv.unwrap_or(TS_NULL),
            sequence: sequence.map(|s| s as u64),
            record: record.unwrap_or(0) as u64,
            // Rows of one record stay in their order: their places in the table say it.
            sub: self.row_number as u32,
        });
        batch.ints.extend(self.ints.iter().map(|&column| self.cell(column, row).unwrap_or(INT_NULL)));
        let first = batch.decimals.len();
        for (column, role) in self.shape.roles.iter().enumerate() {
            let Role::Decimal(k) = *role else { continue };
            batch.decimals.resize(first + k, 0);
            batch.scales.resize(first + k, SCALE_NULL);
            let scale = self.shape.schema.columns[column].scale.min(DECIMAL_SCALE);
            let value = self.cell(Some(column), row).map(|mantissa| Decimal { mantissa, scale }.normal());
            batch.decimals.push(value.map_or(0, |v| v.mantissa));
            batch.scales.push(value.map_or(SCALE_NULL, |v| v.scale));
        }
        batch.decimal_ends.push(batch.decimals.len() as u32);
        for &column in &self.ids {
            self.copy_id(column, row, &mut batch.id_bytes);
            batch.id_ends.push(batch.id_bytes.len() as u32);
        }
        let mut text = Vec::new();
        for &column in &self.kept {
            text.clear();
            self.copy_id(column, row, &mut text);
            batch.kept.push(&text);
        }
    }

    fn copy_id(&self, column: Option<usize>, row: usize, out: &mut Vec<u8>) {
        let Some(column) = column.and_then(|number| self.columns.get(number)) else { return };
        if !column.text.ends.is_empty() {
            let start = if row == 0 { 0 } else { column.text.ends[row - 1] as usize };
            out.extend_from_slice(&column.text.bytes[start..column.text.ends[row] as usize]);
        } else if column.validity.get(row / 64).is_some_and(|word| word >> (row % 64) & 1 != 0) {
            let id = column.values.get(row).copied().unwrap_or(0) as u64;
            out.extend_from_slice(id.to_string().as_bytes());
        }
    }
}
