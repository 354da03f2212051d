//! BitMEX: `{"table":...,"action":...,"data":[...]}`. Prices are JSON numbers, times ISO.
//!
//! A level of `orderBookL2` has an id, and its updates and deletions name the id and no price: they are stored as `orders` whose id is the
//! level's (partial and insert 1, update 8, delete 3; 9 before a partial, which is the whole book), in the order of their capture. The
//! side of a trade is the aggressor's.

use super::values::{iso, need, side, text};
use super::{ACK, Fate, Head, Message, OTHER, Protocol, Rows};
use crate::normalize::{Fault, TS_NULL};
use crate::parse::tape::Node;
use crate::schema::{Clock, RawTable};
use crate::units::Side;

/// The protocol.
#[derive(Debug)]
pub(in crate::vendor) struct Bitmex;

impl Protocol for Bitmex {
    fn message(&self, message: &Message<'_>, rows: &mut Rows<'_>) -> Fate {
        let expected = || Fault::new("", "a message of BitMEX, each key once");
        let keys = ["table", "action", "data", "info", "success", "subscribe", "error"];
        let [table, action, data, info, success, subscribe, error] = message.root.fields(keys).ok_or_else(expected)?;
        let (Some(table), Some(action), Some(data)) = (table, action, data) else {
            let is_answer = [info, success, subscribe, error].iter().any(Option::is_some);
            return if is_answer { Ok(Some(ACK)) } else { Err(expected()) };
        };
        let each: fn(Node<'_>, i64, &mut Rows<'_>) -> Result<(), Fault> = match &*text(Some(table)) {
            b"orderBookL2" | b"orderBookL2_25" => level,
            b"trade" => trade,
            b"quote" => quote,
            _ => return Ok(Some(OTHER)),
        };
        let is_whole = action.is("partial");
        let action = match &*text(Some(action)) {
            b"partial" | b"insert" => 1,
            b"update" => 8,
            b"delete" => 3,
            other => return Err(Fault::got("action", "partial, insert, update or delete", other)),
        };
        let is_book = text(Some(table)).starts_with(b"orderBookL2");
        if let Some(first) = data.items().next().filter(|_| is_whole && is_book) {
            clear(first, rows)?;
        }
        for row in data.items() {
            each(row, action, rows)?;
        }
        Ok(None)
    }

    fn clock(&self, table: RawTable) -> Clock {
        if table == RawTable::Orders { Clock::Recv } else { Clock::Event }
    }

    fn channel(&self, table: RawTable) -> &'static str {
        match table {
            RawTable::Trades => "trade",
            RawTable::Quotes => "quote",
            RawTable::Deltas | RawTable::Book | RawTable::Orders | RawTable::Ohlcv => "orderBookL2",
        }
    }

    fn exact(&self) -> bool {
        true
    }
}

/// A partial is the whole book of a symbol: what stood before it goes.
fn clear(first: Node<'_>, rows: &mut Rows<'_>) -> Result<(), Fault> {
    let [symbol] = need(first.fields(["symbol"]), "data")?;
    let security = text(need(symbol, "symbol")?.into());
    rows.order(&Head { security: &security, event: TS_NULL, sequence: None }, 9, Side::Unknown, b"", [None, None])
}

fn level(row: Node<'_>, action: i64, rows: &mut Rows<'_>) -> Result<(), Fault> {
    let keys = ["symbol", "id", "side", "size", "price", "timestamp"];
    let [symbol, id, word, size, price, at] = need(row.fields(keys), "data")?;
    let security = text(need(symbol, "symbol")?.into());
    let id = need(id.filter(|id| id.whole().is_some()).and_then(Node::scalar), "id")?;
    let event = if at.is_some() { iso(at, "timestamp")? } else { TS_NULL };
    if action == 1 {
        need(price.and(size), "price")?;
    }
    rows.order(&Head { security: &security, event, sequence: None }, action, side(word), &id, [price, size])
}

fn trade(row: Node<'_>, _action: i64, rows: &mut Rows<'_>) -> Result<(), Fault> {
    let keys = ["symbol", "timestamp", "side", "size", "price", "trdMatchID"];
    let [symbol, at, word, size, price, id] = need(row.fields(keys), "data")?;
    let security = text(need(symbol, "symbol")?.into());
    let head = Head { security: &security, event: iso(at, "timestamp")?, sequence: None };
    rows.trade(&head, side(word), id, [need(price, "price")?, need(size, "size")?])
}

fn quote(row: Node<'_>, _action: i64, rows: &mut Rows<'_>) -> Result<(), Fault> {
    let keys = ["symbol", "timestamp", "bidPrice", "bidSize", "askPrice", "askSize"];
    let [symbol, at, bid, bid_size, ask, ask_size] = need(row.fields(keys), "data")?;
    let security = text(need(symbol, "symbol")?.into());
    let head = Head { security: &security, event: iso(at, "timestamp")?, sequence: None };
    rows.quote(&head, false, [bid, bid_size, ask, ask_size])
}
