//! The rows of a stored table of changes, one after the other: in, its segments; out, [`Row`]s at common scales.
//!
//! Blocks are decoded one at a time.

use super::cells::{Cells, IDS, NUMBERS};
use super::{Row, Scales};
use crate::error::{Error, ErrorKind, Result};
use crate::read::{BlockScratch, TableReader};
use crate::units::{POW10, Side, TS_NULL};

/// Reads the rows of a table's segments in their stored order.
#[derive(Debug)]
pub(crate) struct Rows<'a> {
    segments: &'a [TableReader],
    scales: Scales,
    ids_as_text: bool,
    segment: usize,
    block: usize,
    row: usize,
    rows: usize,
    numbers: [Cells; NUMBERS.len()],
    ids: [Cells; IDS.len()],
    price_factor: i64,
    qty_factor: i64,
    scratch: BlockScratch,
}

impl<'a> Rows<'a> {
    pub(crate) fn new(segments: &'a [TableReader], scales: Scales, ids_as_text: bool) -> Self {
        let mut rows = Self {
            segments,
            scales,
            ids_as_text,
            segment: 0,
            block: 0,
            row: 0,
            rows: 0,
            numbers: std::array::from_fn(|_| Cells::default()),
            ids: std::array::from_fn(|_| Cells::default()),
            price_factor: 1,
            qty_factor: 1,
            scratch: BlockScratch::default(),
        };
        rows.open_segment();
        rows
    }

    fn open_segment(&mut self) {
        let Some(reader) = self.segments.get(self.segment) else { return };
        for (cells, name) in self.numbers.iter_mut().zip(NUMBERS) {
            cells.open(reader, name);
        }
        for (cells, (name, _)) in self.ids.iter_mut().zip(IDS) {
            cells.open(reader, name);
        }
        let schema = &reader.header().schema;
        let factor = |name: &str, scale: u8| {
            let stored = schema.index_of(name).map_or(scale, |c| schema.columns[c].scale);
            POW10[usize::from(scale.saturating_sub(stored)).min(18)]
        };
        self.price_factor = factor("price", self.scales.price);
        self.qty_factor = factor("qty", self.scales.qty);
    }

    /// Decodes the next block; false at the end.
    fn fill(&mut self) -> Result<bool> {
        while let Some(reader) = self.segments.get(self.segment) {
            if self.block < reader.block_count() {
                for cells in self.numbers.iter_mut().chain(&mut self.ids) {
                    cells.read(reader, self.block, &mut self.scratch)?;
                }
                (self.row, self.rows) = (0, reader.block_rows(self.block));
                self.block += 1;
                return Ok(true);
            }
            self.segment += 1;
            self.block = 0;
            self.open_segment();
        }
        Ok(false)
    }

    /// The next row.
    ///
    /// # Errors
    /// `Damage`, `Io`; `Findings` for a value that does not fit at the common scale.
    pub(crate) fn next(&mut self) -> Result<Option<Row>> {
        while self.row >= self.rows {
            if !self.fill()? {
                return Ok(None);
            }
        }
        let row = self.row;
        self.row += 1;
        let [event, recv, sequence, source, record, price, qty, side, prev, is_snapshot, action] = &self.numbers;
        let mut ids = [None; 2];
        for (cells, (_, place)) in self.ids.iter().zip(IDS) {
            if let Some(id) = cells.id(row, self.ids_as_text) {
                ids[place] = Some(id);
            }
        }
        Ok(Some(Row {
            ts_event: event.get(row).unwrap_or(TS_NULL),
            ts_recv: recv.get(row).unwrap_or(TS_NULL),
            sequence: sequence.get(row).map(i64::cast_unsigned),
            prev_sequence: prev.get(row).map(i64::cast_unsigned),
            source: source.get(row).unwrap_or(0).cast_unsigned(),
            record: record.get(row).unwrap_or(0).cast_unsigned(),
            kind: is_snapshot.get(row).or_else(|| action.get(row)).unwrap_or(0),
            side: match side.get(row) {
                Some(1) => Side::Buy,
                Some(-1) => Side::Sell,
                _ => Side::Unknown,
            },
            ids,
            price: scaled(price.get(row), self.price_factor)?,
            qty: scaled(qty.get(row), self.qty_factor)?,
        }))
    }
}

#[inline]
fn scaled(value: Option<i64>, factor: i64) -> Result<Option<i64>> {
    let Some(value) = value else { return Ok(None) };
    match value.checked_mul(factor) {
        Some(value) => Ok(Some(value)),
        None => Err(findings("a price or size of the partition does not fit in 64 bits at the scale of the others")),
    }
}

pub(super) fn findings(what: impl Into<String>) -> Error {
    Error::new(ErrorKind::Findings { what: what.into() })
}
