//! The rows of a stored table of changes, one after the other: in, its segments; out, [`Row`]s at common scales.
//!
//! Blocks are decoded one at a time. [`Arrivals`] puts rows in the order of their capture where that is not the stored one.

use xxhash_rust::xxh3::xxh3_128;

use crate::codec::TextBlock;
use crate::error::{Error, ErrorKind, Result};
use crate::normalize::TS_NULL;
use crate::read::{BlockScratch, TableReader};
use crate::schema::LogicalType;
use crate::units::{POW10, Side};

/// One change, message or trade.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    /// [`TS_NULL`] if missing.
    pub(super) ts_event: i64,
    /// [`TS_NULL`] if missing.
    pub(super) ts_recv: i64,
    pub(super) sequence: Option<u64>,
    pub(super) prev_sequence: Option<u64>,
    pub(super) source: u64,
    pub(super) record: u64,
    /// `is_snapshot` or `action`, 0 if missing.
    pub(super) kind: i64,
    pub(super) side: Side,
    /// The order, or those of a trade's buyer and seller: a number, or the hash of a text.
    pub(super) ids: [Option<u128>; 2],
    pub(super) price: Option<i64>,
    pub(super) qty: Option<i64>,
}

/// Decimals of prices and sizes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Scales {
    pub(super) price: u8,
    pub(super) qty: u8,
}

impl Scales {
    /// The smallest scales that are exact for all these files.
    pub(super) fn of<'a>(readers: impl Iterator<Item = &'a TableReader>) -> Self {
        let mut scales = Self::default();
        for column in readers.flat_map(|reader| &reader.header().schema.columns) {
            match column.name.as_str() {
                "price" => scales.price = scales.price.max(column.scale),
                "qty" => scales.qty = scales.qty.max(column.scale),
                _ => {}
            }
        }
        scales
    }
}

/// Columns that are read as numbers, and their places.
const NUMBERS: [&str; 11] = [
    "ts_event",
    "ts_recv",
    "sequence",
    "source",
    "record",
    "price",
    "qty",
    "side",
    "prev_sequence",
    "is_snapshot",
    "action",
];
/// Columns of ids, each with the id of a row that it is.
const IDS: [(&str, usize); 3] = [("order_id", 0), ("bid_order_id", 0), ("ask_order_id", 1)];

/// One decoded column of the current block.
#[derive(Debug, Default)]
struct Cells {
    /// Its place in the file, if it is there.
    column: Option<usize>,
    is_text: bool,
    values: Vec<i64>,
    validity: Vec<u64>,
    nulls: usize,
    texts: TextBlock,
}

impl Cells {
    fn open(&mut self, reader: &TableReader, name: &str) {
        let schema = &reader.header().schema;
        self.column = schema.index_of(name);
        self.is_text = self.column.is_some_and(|c| schema.columns[c].logical_type == LogicalType::Text);
        let rows = (reader.header().block_rows as usize).next_multiple_of(64);
        self.values.resize(rows, 0);
        self.validity.resize(rows / 64, 0);
    }

    fn read(&mut self, reader: &TableReader, block: usize, scratch: &mut BlockScratch) -> Result<()> {
        let Some(column) = self.column else { return Ok(()) };
        self.nulls = if self.is_text {
            reader.read_text(block, column, scratch, &mut self.texts, &mut self.validity)?
        } else {
            reader.read_i64(block, column, scratch, &mut self.values, &mut self.validity)?
        };
        Ok(())
    }

    #[inline]
    fn is_valid(&self, row: usize) -> bool {
        self.column.is_some() && (self.nulls == 0 || self.validity[row / 64] >> (row % 64) & 1 == 1)
    }

    #[inline]
    fn get(&self, row: usize) -> Option<i64> {
        self.is_valid(row).then(|| self.values[row])
    }

    /// An id as a number, or as the hash of its text; a number is hashed too where other ids are texts.
    #[inline]
    fn id(&self, row: usize, as_text: bool) -> Option<u128> {
        if !self.is_valid(row) {
            return None;
        }
        if self.is_text {
            let start = if row == 0 { 0 } else { self.texts.ends[row - 1] as usize };
            return self.texts.bytes.get(start..self.texts.ends[row] as usize).map(xxh3_128);
        }
        let number = self.values[row].cast_unsigned();
        Some(if as_text { xxh3_128(number.to_string().as_bytes()) } else { u128::from(number) })
    }
}

/// True if some id of these files is a text.
pub(super) fn has_text_ids<'a>(readers: impl Iterator<Item = &'a TableReader>) -> bool {
    let mut columns = readers.flat_map(|reader| &reader.header().schema.columns);
    columns.any(|c| c.logical_type == LogicalType::Text && IDS.iter().any(|(name, _)| *name == c.name))
}

/// Reads the rows of a table's segments in their stored order.
#[derive(Debug)]
pub(super) struct Rows<'a> {
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
    pub(super) fn new(segments: &'a [TableReader], scales: Scales, ids_as_text: bool) -> Self {
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
    pub(super) fn next(&mut self) -> Result<Option<Row>> {
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

/// Rows held back at most to find the order of their capture.
const POOL: usize = 1 << 17;

/// Rows in the order of their capture: what stands at most half the pool from its place finds it.
#[derive(Debug)]
pub(super) struct Arrivals<'a> {
    rows: Rows<'a>,
    pool: Vec<(Key, Row)>,
    /// Rows of the pool that are next, from `at` on.
    ready: usize,
    at: usize,
    read: u64,
    has_ended: bool,
    last: Option<Key>,
}

/// Capture time, source, record, and place in the stored order.
type Key = (i64, u64, u64, u64);

impl<'a> Arrivals<'a> {
    pub(super) fn new(rows: Rows<'a>) -> Self {
        Self { rows, pool: Vec::new(), ready: 0, at: 0, read: 0, has_ended: false, last: None }
    }

    /// The next row.
    ///
    /// # Errors
    /// As [`Rows::next`]; `Findings` when a row lies too far from its place.
    pub(super) fn next(&mut self) -> Result<Option<Row>> {
        if self.at == self.ready {
            self.refill()?;
        }
        let Some((key, row)) = self.pool.get(self.at).copied().filter(|_| self.at < self.ready) else {
            return Ok(None);
        };
        if self.last.is_some_and(|last| key < last) {
            return Err(findings(format!(
                "rows lie more than {} rows from their place by ts_recv; import them with --clock recv",
                POOL / 2
            )));
        }
        self.last = Some(key);
        self.at += 1;
        Ok(Some(row))
    }

    fn refill(&mut self) -> Result<()> {
        self.pool.drain(..self.ready);
        self.at = 0;
        while !self.has_ended && self.pool.len() < POOL {
            match self.rows.next()? {
                Some(row) => {
                    self.pool.push(((row.ts_recv, row.source, row.record, self.read), row));
                    self.read += 1;
                }
                None => self.has_ended = true,
            }
        }
        self.pool.sort_unstable_by_key(|(key, _)| *key);
        self.ready = if self.has_ended { self.pool.len() } else { POOL / 2 };
        Ok(())
    }
}
