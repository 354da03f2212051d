//! One row on its way into a batch, for dialects that make rows of several tables from a record.

use crate::normalize::{ChunkBuilder, Fault, TS_NULL, Times, keep_existing_levels, price_and_qty};
use crate::schema::RawTable;

/// A decimal: mantissa and scale, or [`crate::normalize::SCALE_NULL`].
pub(super) type Cell = (i64, u8);

/// A row's values in the order of its table's columns.
#[derive(Clone, Copy, Debug)]
pub(super) struct NewRow<'a> {
    pub event: i64,
    pub recv: i64,
    pub sequence: Option<u64>,
    pub venue: &'a [u8],
    pub security: &'a [u8],
    pub ints: &'a [i64],
    pub id: &'a [u8],
    /// Of a trade: the orders of buyer and seller.
    pub order_ids: [&'a [u8]; 2],
    pub decimals: &'a [Cell],
}

impl Default for NewRow<'_> {
    fn default() -> Self {
        Self {
            event: TS_NULL,
            recv: TS_NULL,
            sequence: None,
            venue: b"",
            security: b"",
            ints: &[],
            id: b"",
            order_ids: [b""; 2],
            decimals: &[],
        }
    }
}

impl NewRow<'_> {
    /// Puts the row into the table of a handle, by the rules of that table.
    ///
    /// # Errors
    /// A trade or level change without price or size; a missing clock or name.
    pub(super) fn push(&self, out: &mut ChunkBuilder<'_>, handle: usize) -> Result<(), Fault> {
        let batch = out.batch(handle);
        let table = batch.table;
        let base = batch.decimals.len();
        batch.decimals.extend(self.decimals.iter().map(|cell| cell.0));
        batch.scales.extend(self.decimals.iter().map(|cell| cell.1));
        batch.ints.extend_from_slice(self.ints);
        let (values, scales) = (&mut batch.decimals[base..], &mut batch.scales[base..]);
        match table {
            RawTable::Book | RawTable::Quotes => keep_existing_levels(values, scales),
            RawTable::Trades | RawTable::Deltas => price_and_qty(values, scales)?,
            RawTable::Orders | RawTable::Ohlcv => {}
        }
        let ids = [self.id, self.order_ids[0], self.order_ids[1]];
        let times = Times { event: self.event, recv: self.recv };
        out.push_row(handle, times, self.sequence, (self.venue, self.security), &ids[..table.ids().len()])
    }
}
