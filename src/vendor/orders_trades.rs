//! Order events and trades of an exchange's own record: the column names of orders with `changereason` and of trades with
//! `matchgroupid`. Any order of columns; columns that are not known are left out. Times are nanoseconds UTC.
//!
//! An order's row is its state behind the event, so `orders` gets `add`, `replace` with the quantity left, or `delete`: the quantity of
//! a fill stands in the trades. A match has two rows of trades with one `matchgroupid`: the aggressor's becomes the trade, the
//! other is skipped by rule.

use std::borrow::Cow;

use super::delimited::{Columns, Delimited, Frame, Row, RowReader};
use super::header::{self, Header};
use super::new_row::NewRow;
use super::{ChunkParser, Dialect, Probe, Recognition, SourceOptions};
use crate::error::{Error, Result};
use crate::normalize::{ChunkBuilder, Fault, SCALE_NULL, ZoneCache};
use crate::parse::TimeFormat;
use crate::schema::RawTable;
use crate::units::Side;

/// The dialect.
#[derive(Debug)]
pub(super) struct OrdersTrades;

/// Columns of orders, numbered by the constants below.
const ORDERS: [&str; 10] = [
    "order_id",
    "timestamp",
    "security_code",
    "price",
    "side",
    "changereason",
    "quantity",
    "leavesquantity",
    "exchange",
    "sequence",
];
const ORDER_ID: usize = 0;
const TIMESTAMP: usize = 1;
const SECURITY_CODE: usize = 2;
const PRICE: usize = 3;
const SIDE: usize = 4;
const REASON: usize = 5;
const LEAVES: usize = 7;
const EXCHANGE: usize = 8;
const SEQUENCE: usize = 9;
/// The first so many must be there.
const ORDERS_NEEDED: usize = 8;

/// Columns of trades.
const TRADES: [&str; 9] = [
    "tradetime",
    "securitycode",
    "matchgroupid",
    "tradeprice",
    "quantity",
    "side",
    "passiveaggressive",
    "EXCHANGE",
    "sequence",
];
const TRADE_TIME: usize = 0;
const TRADE_SECURITY: usize = 1;
const MATCH: usize = 2;
const TRADE_PRICE: usize = 3;
const TRADE_QTY: usize = 4;
const TRADE_SIDE: usize = 5;
const AGGRESSIVE: usize = 6;
const TRADE_EXCHANGE: usize = 7;
const TRADE_SEQUENCE: usize = 8;
const TRADES_NEEDED: usize = 7;

const ADD: i64 = 1;
const DELETE: i64 = 3;
const REPLACE: i64 = 8;
/// `changereason` of a new order.
const NEW: u64 = 6;
/// `changereason`s after which an order is gone, whatever quantity it had left.
const GONE: [u64; 15] = [1, 9, 10, 20, 23, 24, 25, 26, 27, 34, 35, 41, 42, 43, 51];

/// What a header names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Orders,
    Trades,
}

fn columns(header: &Header, names: &'static [&'static str]) -> Columns {
    Columns::find(header, names.iter().map(|name| Cow::Borrowed(*name)))
}

fn kind(header: &Header) -> Option<(Kind, Columns)> {
    let orders = columns(header, &ORDERS);
    if (0..ORDERS_NEEDED).all(|at| orders.has(at)) {
        return Some((Kind::Orders, orders));
    }
    let trades = columns(header, &TRADES);
    (0..TRADES_NEEDED).all(|at| trades.has(at)).then_some((Kind::Trades, trades))
}

impl Kind {
    fn table(self) -> RawTable {
        match self {
            Self::Orders => RawTable::Orders,
            Self::Trades => RawTable::Trades,
        }
    }
}

/// The parser's way from a record to its row.
#[derive(Debug)]
struct Reader {
    kind: Kind,
    table: [(RawTable, u16); 1],
}

/// 1 buys, 2 sells.
fn side(row: &Row<'_>, column: usize) -> Result<i64, Fault> {
    match row.text(column) {
        b"1" => Ok(Side::Buy.code()),
        b"2" => Ok(Side::Sell.code()),
        b"" => Ok(Side::Unknown.code()),
        _ => Err(row.fault(column, "1 for buy or 2 for sell")),
    }
}

fn order(row: &Row<'_>, out: &mut ChunkBuilder<'_>, zone: &mut ZoneCache) -> Result<Option<&'static str>, Fault> {
    row.whole(ORDER_ID)?.ok_or_else(|| row.fault(ORDER_ID, "an order id"))?;
    let reason = row.whole(REASON)?.ok_or_else(|| row.fault(REASON, "the reason of the change, a whole number"))?;
    let leaves = row.decimal(LEAVES)?;
    if leaves.1 == SCALE_NULL || leaves.0 < 0 {
        return Err(row.fault(LEAVES, "the quantity left, zero or more"));
    }
    let action = match reason {
        NEW => ADD,
        reason if leaves.0 == 0 || GONE.contains(&reason) => DELETE,
        _ => REPLACE,
    };
    let new = NewRow {
        event: row.time(TIMESTAMP, TimeFormat::Nanos, zone)?,
        sequence: row.whole(SEQUENCE)?,
        venue: row.text(EXCHANGE),
        security: row.text(SECURITY_CODE),
        ints: &[action, side(row, SIDE)?],
        id: row.text(ORDER_ID),
        decimals: &[row.decimal(PRICE)?, leaves],
        ..NewRow::default()
    };
    new.push(out, 0)?;
    Ok(None)
}

fn trade(row: &Row<'_>, out: &mut ChunkBuilder<'_>, zone: &mut ZoneCache) -> Result<Option<&'static str>, Fault> {
    match row.text(AGGRESSIVE) {
        b"1" => {}
        b"0" => return Ok(Some("passive half of a match")),
        _ => return Err(row.fault(AGGRESSIVE, "0 for the passive or 1 for the aggressive half of a match")),
    }
    let new = NewRow {
        event: row.time(TRADE_TIME, TimeFormat::Nanos, zone)?,
        sequence: row.whole(TRADE_SEQUENCE)?,
        venue: row.text(TRADE_EXCHANGE),
        security: row.text(TRADE_SECURITY),
        ints: &[side(row, TRADE_SIDE)?],
        id: row.text(MATCH),
        decimals: &[row.decimal(TRADE_PRICE)?, row.decimal(TRADE_QTY)?],
        ..NewRow::default()
    };
    new.push(out, 0)?;
    Ok(None)
}

impl RowReader for Reader {
    fn tables(&self) -> &[(RawTable, u16)] {
        &self.table
    }

    fn rows(
        &self,
        row: &Row<'_>,
        out: &mut ChunkBuilder<'_>,
        zone: &mut ZoneCache,
    ) -> Result<Option<&'static str>, Fault> {
        match self.kind {
            Kind::Orders => order(row, out, zone),
            Kind::Trades => trade(row, out, zone),
        }
    }

    fn record_rule(&self) -> &'static str {
        match self.kind {
            Kind::Orders => "one record is one row",
            Kind::Trades => "the aggressive record of a match is one row, the passive one is skipped",
        }
    }
}

impl Dialect for OrdersTrades {
    fn name(&self) -> &'static str {
        "orders-trades"
    }

    fn recognise(&self, probe: &Probe<'_>) -> Recognition {
        match header::read(probe.head).as_ref().and_then(kind) {
            Some((Kind::Orders, _)) => {
                Recognition::Yes("the header names order events with changereason and leavesquantity".to_owned())
            }
            Some((Kind::Trades, _)) => {
                Recognition::Yes("the header names trades with matchgroupid and passiveaggressive".to_owned())
            }
            None => Recognition::No,
        }
    }

    fn open(&self, probe: &Probe<'_>, options: &SourceOptions) -> Result<Box<dyn ChunkParser>> {
        let header = header::need(probe.path, probe.head)?;
        let (kind, columns) = kind(&header).ok_or_else(|| {
            let orders = ORDERS[..ORDERS_NEEDED].join(", ");
            let trades = TRADES[..TRADES_NEEDED].join(", ");
            Error::refused(
                probe.path,
                format!("a header with {orders}; or with {trades}"),
                "rename the columns, or describe them in a mapping file",
            )
        })?;
        let frame = Frame::new(options, None, None)?;
        let reader = Reader { kind, table: [(kind.table(), 1)] };
        Ok(Box::new(Delimited { header, columns, frame, levels_cut: 0, reader }))
    }
}
