//! Deribit: `{"method":"subscription","params":{"channel":"book.BTC-PERPETUAL.raw","data":...}}`. Prices are JSON numbers, times ms.
//!
//! A level of `book` is `[new | change | delete, price, amount]`; `change_id` is the sequence. Books of a fixed depth are whole snapshots.
//! `direction` of a trade is the aggressor's; amounts are in the units of the contract.

use super::values::{need, sequence, side, text, time};
use super::{ACK, Fate, HEARTBEAT, Head, Level, Message, OTHER, Protocol, Qty, Rows};
use crate::normalize::Fault;
use crate::parse::TimeFormat::Millis;
use crate::parse::tape::Node;
use crate::schema::RawTable;
use crate::units::Side;

/// The protocol.
#[derive(Debug)]
pub(in crate::vendor) struct Deribit;

impl Protocol for Deribit {
    fn message(&self, message: &Message<'_>, rows: &mut Rows<'_>) -> Fate {
        let expected = || Fault::new("", "a message of Deribit, each key once");
        let keys = ["method", "params", "result", "error", "jsonrpc"];
        let [method, params, result, error, version] = message.root.fields(keys).ok_or_else(expected)?;
        version.ok_or_else(expected)?;
        if result.or(error).is_some() {
            return Ok(Some(ACK));
        }
        if method.is_some_and(|m| m.is("heartbeat")) {
            return Ok(Some(HEARTBEAT));
        }
        let [channel, data] = need(params.and_then(|p| p.fields(["channel", "data"])), "params")?;
        let data = need(data, "data")?;
        let channel = text(channel);
        match channel.split(|b| *b == b'.').next().unwrap_or_default() {
            b"book" => book(data, rows),
            b"trades" => {
                for trade in data.items() {
                    self::trade(trade, rows)?;
                }
                Ok(None)
            }
            b"ticker" | b"incremental_ticker" | b"quote" => {
                let keys = [
                    "instrument_name",
                    "timestamp",
                    "best_bid_price",
                    "best_bid_amount",
                    "best_ask_price",
                    "best_ask_amount",
                ];
                let [name, at, bid, bid_size, ask, ask_size] = need(data.fields(keys), "data")?;
                let security = text(need(name, "instrument_name")?.into());
                let head = Head { security: &security, event: time(at, "timestamp", Millis)?, sequence: None };
                rows.quote(&head, false, [bid, bid_size, ask, ask_size])?;
                Ok(None)
            }
            b"" => Err(expected()),
            _ => Ok(Some(OTHER)),
        }
    }

    fn channel(&self, table: RawTable) -> &'static str {
        match table {
            RawTable::Trades => "trades",
            RawTable::Quotes => "ticker",
            RawTable::Deltas | RawTable::Book | RawTable::Orders | RawTable::Ohlcv => "book",
        }
    }

    fn exact(&self) -> bool {
        true
    }
}

fn book(data: Node<'_>, rows: &mut Rows<'_>) -> Fate {
    let keys = ["instrument_name", "timestamp", "change_id", "prev_change_id", "type", "bids", "asks"];
    let [name, at, change, before, kind, bids, asks] = need(data.fields(keys), "data")?;
    let security = text(need(name, "instrument_name")?.into());
    let event = time(at, "timestamp", Millis)?;
    let head = Head { security: &security, event, sequence: sequence(change, "change_id")? };
    let Some(kind) = kind else {
        rows.book(&head, [bids, asks], Node::array)?;
        return Ok(None);
    };
    let is_snapshot = kind.is("snapshot");
    rows.follows(before.and_then(Node::whole));
    for (side, list) in [(Side::Buy, bids), (Side::Sell, asks)] {
        for level in need(list, "bids and asks")?.items() {
            let [word, price, amount] = need(level.array(), "level")?;
            let qty = if word.is("delete") { Qty::Zero } else { Qty::Of(amount) };
            rows.delta(&head, is_snapshot, side, Level::new(price, qty))?;
        }
    }
    Ok(None)
}

fn trade(node: Node<'_>, rows: &mut Rows<'_>) -> Result<(), Fault> {
    let keys = ["instrument_name", "timestamp", "direction", "trade_id", "price", "amount"];
    let [name, at, word, id, price, amount] = need(node.fields(keys), "data")?;
    let security = text(need(name, "instrument_name")?.into());
    let head = Head { security: &security, event: time(at, "timestamp", Millis)?, sequence: None };
    rows.trade(&head, side(word), id, [need(price, "price")?, need(amount, "amount")?])
}
