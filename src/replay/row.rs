//! One stored row of changes, messages or trades, at the scales of its partition.

use super::cells::IDS;
use crate::read::TableReader;
use crate::schema::LogicalType;
use crate::units::{Side, TS_NULL};

/// One change, message or trade.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    /// [`TS_NULL`] if missing.
    pub(crate) ts_event: i64,
    /// [`TS_NULL`] if missing.
    pub(crate) ts_recv: i64,
    pub(crate) sequence: Option<u64>,
    pub(crate) prev_sequence: Option<u64>,
    pub(crate) source: u64,
    pub(crate) record: u64,
    /// `is_snapshot` or `action`, 0 if missing.
    pub(crate) kind: i64,
    pub(crate) side: Side,
    /// The order, or those of a trade's buyer and seller: a number, or the hash of a text.
    pub(crate) ids: [Option<u128>; 2],
    pub(crate) price: Option<i64>,
    pub(crate) qty: Option<i64>,
}

/// Decimals of prices and sizes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scales {
    pub(crate) price: u8,
    pub(crate) qty: u8,
}

impl Scales {
    /// The smallest scales that are exact for all these files.
    pub(crate) fn of<'a>(readers: impl Iterator<Item = &'a TableReader>) -> Self {
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

/// True if some id of these files is a text.
pub(crate) fn has_text_ids<'a>(readers: impl Iterator<Item = &'a TableReader>) -> bool {
    let mut columns = readers.flat_map(|reader| &reader.header().schema.columns);
    columns.any(|c| c.logical_type == LogicalType::Text && IDS.iter().any(|(name, _)| *name == c.name))
}

/// True if every row of a file has a value in a column.
pub(crate) fn is_whole(reader: &TableReader, name: &str) -> bool {
    let column = reader.header().schema.index_of(name);
    column.is_some_and(|column| (0..reader.block_count()).all(|block| reader.entry(block, column).nulls == 0))
}

/// True if two rows, one behind the other, come from one message of the venue: from one record; or, where a record is one
/// change, with both times and the number equal.
pub(crate) fn is_one_message(a: &Row, b: &Row) -> bool {
    let is_one_record = (a.source, a.record) == (b.source, b.record);
    let is_timed = a.ts_event != TS_NULL && a.ts_recv != TS_NULL;
    let is_one_time = (a.ts_event, a.ts_recv, a.sequence) == (b.ts_event, b.ts_recv, b.sequence);
    is_one_record || (is_timed && is_one_time && a.source == b.source)
}
