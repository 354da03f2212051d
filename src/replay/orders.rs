//! Messages about orders, and the trades beside them that name orders, in the order in which a book takes them.

use super::{Row, Rows, Scales};
use crate::error::Result;
use crate::read::TableReader;
use crate::units::TS_NULL;

/// True if trades of this file name the orders that met.
pub(crate) fn names_orders(reader: &TableReader) -> bool {
    ["bid_order_id", "ask_order_id"].iter().any(|name| reader.header().schema.index_of(name).is_some())
}

/// Rows of `orders` and of `trades` by their time and number, messages before trades.
#[derive(Debug)]
pub(crate) struct OrderFeed<'a> {
    messages: Rows<'a>,
    trades: Rows<'a>,
    message: Option<Row>,
    trade: Option<Row>,
}

impl<'a> OrderFeed<'a> {
    /// `trades` are those that name orders; none where they name none.
    ///
    /// # Errors
    /// As [`Rows::next`].
    pub(crate) fn new(
        orders: &'a [TableReader],
        trades: &'a [TableReader],
        scales: Scales,
        ids_as_text: bool,
    ) -> Result<Self> {
        let mut messages = Rows::new(orders, scales, ids_as_text);
        let mut trades = Rows::new(trades, scales, ids_as_text);
        let (message, trade) = (messages.next()?, trades.next()?);
        Ok(Self { messages, trades, message, trade })
    }

    /// The next row, and whether it is a trade.
    ///
    /// # Errors
    /// As [`Rows::next`].
    pub(crate) fn next(&mut self) -> Result<Option<(Row, bool)>> {
        let is_trade = match (&self.message, &self.trade) {
            (None, None) => return Ok(None),
            (Some(message), Some(trade)) => place(trade) < place(message),
            (None, Some(_)) => true,
            (Some(_), None) => false,
        };
        let (rows, next) =
            if is_trade { (&mut self.trades, &mut self.trade) } else { (&mut self.messages, &mut self.message) };
        let row = std::mem::replace(next, rows.next()?);
        Ok(row.map(|row| (row, is_trade)))
    }
}

/// The place of a message or trade among those of its partition.
fn place(row: &Row) -> (i64, u64) {
    let clock = if row.ts_event == TS_NULL { row.ts_recv } else { row.ts_event };
    (clock, row.sequence.unwrap_or(0))
}
