//! Bitstamp: `{"channel":"diff_order_book_ethusd","event":"data","data":...}` and REST snapshots. Times are us in `microtimestamp`.
//!
//! `diff_order_book` sets levels, size 0 deletes one; `order_book` is the best 100 levels whole. `type` of a trade says the aggressor: 0
//! buys, 1 sells. `live_orders` tells each order.

use super::values::{need, text, time};
use super::{ACK, Fate, HEARTBEAT, Head, Message, OTHER, Protocol, Rows};
use crate::normalize::Fault;
use crate::parse::TimeFormat::Micros;
use crate::parse::tape::Node;
use crate::schema::RawTable;
use crate::units::Side;

/// The protocol.
#[derive(Debug)]
pub(in crate::vendor) struct Bitstamp;

impl Protocol for Bitstamp {
    fn message(&self, message: &Message<'_>, rows: &mut Rows<'_>) -> Fate {
        let expected = || Fault::new("", "a message of Bitstamp, each key once");
        let [channel, event, data] = message.root.fields(["channel", "event", "data"]).ok_or_else(expected)?;
        if !message.url.is_empty() {
            let asked = message.url.trim_ascii_end().rsplit(|b| *b == b'/').find(|part| !part.is_empty());
            return levels(message.root, asked.unwrap_or_default(), Levels::Snapshot, rows);
        }
        let event = text(Some(event.ok_or_else(expected)?));
        match &*event {
            b"bts:heartbeat" => return Ok(Some(HEARTBEAT)),
            word if word.starts_with(b"bts:") => return Ok(Some(ACK)),
            _ => {}
        }
        let data = need(data, "data")?;
        let channel = text(Some(need(channel, "channel")?));
        let behind = |prefix: &str| channel.strip_prefix(prefix.as_bytes());
        if let Some(security) = behind("diff_order_book_") {
            return levels(data, security, Levels::Changes, rows);
        }
        if let Some(security) = behind("order_book_") {
            return levels(data, security, Levels::Best, rows);
        }
        if let Some(security) = behind("live_trades_") {
            return trade(data, security, rows);
        }
        if let Some(security) = behind("live_orders_") {
            return order(data, &event, security, rows);
        }
        if behind("detail_order_book_").is_some() { Ok(Some(OTHER)) } else { Err(expected()) }
    }

    fn channel(&self, table: RawTable) -> &'static str {
        match table {
            RawTable::Trades => "live_trades",
            RawTable::Orders => "live_orders",
            RawTable::Book => "order_book",
            RawTable::Deltas | RawTable::Quotes | RawTable::Ohlcv => "diff_order_book",
        }
    }
}

/// What a list of levels is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Levels {
    Snapshot,
    Changes,
    Best,
}

fn levels(node: Node<'_>, security: &[u8], what: Levels, rows: &mut Rows<'_>) -> Fate {
    let [at, bids, asks] = need(node.fields(["microtimestamp", "bids", "asks"]), "data")?;
    let head = Head { security, event: time(at, "microtimestamp", Micros)?, sequence: None };
    if what == Levels::Best {
        rows.book(&head, [bids, asks], Node::array)?;
        return Ok(None);
    }
    let is_snapshot = what == Levels::Snapshot;
    let head = if is_snapshot { rows.snapshot(head) } else { head };
    rows.deltas(&head, is_snapshot, Side::Buy, bids)?;
    rows.deltas(&head, is_snapshot, Side::Sell, asks)?;
    Ok(None)
}

/// `0` buys, `1` sells.
fn side_of(code: Option<Node<'_>>) -> Side {
    match code.and_then(Node::whole) {
        Some(0) => Side::Buy,
        Some(1) => Side::Sell,
        _ => Side::Unknown,
    }
}

fn trade(data: Node<'_>, security: &[u8], rows: &mut Rows<'_>) -> Fate {
    let keys = ["microtimestamp", "id", "type", "price_str", "amount_str", "price", "amount"];
    let [at, id, code, price_text, amount_text, price, amount] = need(data.fields(keys), "data")?;
    let head = Head { security, event: time(at, "microtimestamp", Micros)?, sequence: None };
    let level = [need(price_text.or(price), "price")?, need(amount_text.or(amount), "amount")?];
    rows.trade(&head, side_of(code), id, level)?;
    Ok(None)
}

fn order(data: Node<'_>, event: &[u8], security: &[u8], rows: &mut Rows<'_>) -> Fate {
    let action = match event {
        b"order_created" => 1,
        b"order_changed" => 8,
        b"order_deleted" => 3,
        other => return Err(Fault::got("event", "order_created, order_changed or order_deleted", other)),
    };
    let keys = ["microtimestamp", "id", "order_type", "price_str", "amount_str", "price", "amount"];
    let [at, id, code, price_text, amount_text, price, amount] = need(data.fields(keys), "data")?;
    let head = Head { security, event: time(at, "microtimestamp", Micros)?, sequence: None };
    let id = need(id.and_then(Node::scalar), "id")?;
    rows.order(&head, action, side_of(code), &id, [price_text.or(price), amount_text.or(amount)])?;
    Ok(None)
}
