//! Coinbase: messages of the exchange feed (`{"type":"l2update",...}`) and of Advanced Trade (`{"channel":"l2_data","events":[...]}`).
//!
//! Times are ISO. In both feeds the side of a trade is the maker's, so the aggressor's is the other one. A size of 0 deletes a level. The
//! snapshot of the older feed has no time; tickers of the older feed have no sizes.

use super::values::{iso, need, opposite, sequence, side, text};
use super::{ACK, Fate, HEARTBEAT, Head, Message, OTHER, Protocol, Rows};
use crate::normalize::Fault;
use crate::parse::TimeFormat::Seconds;
use crate::parse::tape::Node;
use crate::schema::RawTable;
use crate::units::{NANOS_PER_SECOND, Side};

/// The protocol.
#[derive(Debug)]
pub(in crate::vendor) struct Coinbase;

/// The channel `candles` has one interval.
const CANDLE_NS: i64 = 300 * NANOS_PER_SECOND;

/// Messages of the exchange feed about single orders, and others that make no row.
const OTHERS: [&str; 8] = ["received", "open", "done", "change", "activate", "status", "auction", "rfq_match"];

impl Protocol for Coinbase {
    fn message(&self, message: &Message<'_>, rows: &mut Rows<'_>) -> Fate {
        let expected = || Fault::new("", "a message of Coinbase, each key once");
        let [kind, channel, events] = message.root.fields(["type", "channel", "events"]).ok_or_else(expected)?;
        if let (Some(channel), Some(events)) = (channel, events) {
            return advanced(message.root, channel, events, rows);
        }
        let kind = kind.ok_or_else(expected)?;
        if [&"l2update", &"snapshot"].iter().any(|k| kind.is(k)) {
            return levels(message.root, rows);
        }
        if kind.is("match") || kind.is("last_match") {
            return trade(message.root, rows);
        }
        if kind.is("ticker") {
            return ticker(message.root, rows);
        }
        match kind {
            _ if kind.is("heartbeat") => Ok(Some(HEARTBEAT)),
            _ if kind.is("subscriptions") || kind.is("error") => Ok(Some(ACK)),
            _ if OTHERS.iter().any(|k| kind.is(k)) => Ok(Some(OTHER)),
            _ => Err(expected()),
        }
    }

    fn channel(&self, table: RawTable) -> &'static str {
        match table {
            RawTable::Trades => "matches",
            RawTable::Quotes => "ticker",
            RawTable::Ohlcv => "candles",
            RawTable::Deltas | RawTable::Book | RawTable::Orders => "level2",
        }
    }
}

fn levels(root: Node<'_>, rows: &mut Rows<'_>) -> Fate {
    let fields = root.fields(["product_id", "time", "changes", "bids", "asks"]);
    let [product, time, changes, bids, asks] = need(fields, "")?;
    let security = text(need(product, "product_id")?.into());
    let mut head = Head { security: &security, event: iso(time, "time")?, sequence: None };
    let Some(changes) = changes else {
        head = rows.snapshot(head);
        rows.deltas(&head, true, Side::Buy, bids)?;
        rows.deltas(&head, true, Side::Sell, asks)?;
        return Ok(None);
    };
    for change in changes.items() {
        let [word, price, size] = need(change.array(), "changes")?;
        rows.delta(&head, false, known(side(Some(word)), word)?, [price, size])?;
    }
    Ok(None)
}

/// A side that a level must have.
fn known(side: Side, word: Node<'_>) -> Result<Side, Fault> {
    match side {
        Side::Unknown => Err(Fault::got("side", "buy or sell", &word.scalar().unwrap_or_default())),
        side => Ok(side),
    }
}

fn trade(root: Node<'_>, rows: &mut Rows<'_>) -> Fate {
    let keys = ["product_id", "time", "sequence", "sequence_num", "side", "price", "size", "trade_id"];
    let [product, time, number, _, maker, price, size, id] = need(root.fields(keys), "")?;
    let security = text(need(product, "product_id")?.into());
    let sequence = sequence(number, "sequence")?;
    let head = Head { security: &security, event: iso(time, "time")?, sequence };
    rows.trade(&head, opposite(side(maker)), id, [need(price, "price")?, need(size, "size")?])?;
    Ok(None)
}

fn ticker(root: Node<'_>, rows: &mut Rows<'_>) -> Fate {
    let keys = ["product_id", "time", "sequence", "best_bid", "best_bid_size", "best_ask", "best_ask_size"];
    let [product, time, number, bid, bid_size, ask, ask_size] = need(root.fields(keys), "")?;
    let security = text(need(product, "product_id")?.into());
    let head = Head { security: &security, event: iso(time, "time")?, sequence: sequence(number, "sequence")? };
    let prices_only = bid_size.is_none() && ask_size.is_none();
    rows.quote(&head, prices_only, [bid, bid_size, ask, ask_size])?;
    Ok(None)
}

fn advanced(root: Node<'_>, channel: Node<'_>, events: Node<'_>, rows: &mut Rows<'_>) -> Fate {
    let [timestamp, number] = need(root.fields(["timestamp", "sequence_num"]), "")?;
    let head = Head { security: b"", event: iso(timestamp, "timestamp")?, sequence: sequence(number, "sequence_num")? };
    let list = match &*text(Some(channel)) {
        b"l2_data" => "updates",
        b"market_trades" => "trades",
        b"ticker" | b"ticker_batch" => "tickers",
        b"candles" => "candles",
        b"heartbeats" => return Ok(Some(HEARTBEAT)),
        b"subscriptions" => return Ok(Some(ACK)),
        b"status" | b"user" => return Ok(Some(OTHER)),
        other => return Err(Fault::got("channel", "a channel of Coinbase", other)),
    };
    for event in events.items() {
        let [kind, product, items] = need(event.fields(["type", "product_id", list]), "events")?;
        let security = text(product);
        let head = Head { security: &security, ..head };
        let is_snapshot = kind.is_some_and(|k| k.is("snapshot"));
        for item in need(items, list)?.items() {
            match list {
                "updates" => update(item, &head, is_snapshot, rows)?,
                "trades" => {
                    let [product, time, maker, price, size, id] =
                        need(item.fields(["product_id", "time", "side", "price", "size", "trade_id"]), list)?;
                    let head = Head { security: &text(product), event: iso(time, "time")?, ..head };
                    rows.trade(&head, opposite(side(maker)), id, [need(price, "price")?, need(size, "size")?])?;
                }
                "tickers" => {
                    let keys = ["product_id", "best_bid", "best_bid_quantity", "best_ask", "best_ask_quantity"];
                    let [product, bid, bid_size, ask, ask_size] = need(item.fields(keys), list)?;
                    rows.quote(&Head { security: &text(product), ..head }, false, [bid, bid_size, ask, ask_size])?;
                }
                _ => candle(item, &head, rows)?,
            }
        }
    }
    Ok(None)
}

fn update(item: Node<'_>, head: &Head<'_>, is_snapshot: bool, rows: &mut Rows<'_>) -> Result<(), Fault> {
    let keys = ["side", "event_time", "price_level", "new_quantity"];
    let [word, time, price, size] = need(item.fields(keys), "updates")?;
    let word = need(word, "side")?;
    let side = if word.is("offer") { Side::Sell } else { known(side(Some(word)), word)? };
    let event = if time.is_some() { iso(time, "event_time")? } else { head.event };
    let level = [need(price, "price_level")?, need(size, "new_quantity")?];
    rows.delta(&Head { event, ..*head }, is_snapshot, side, level)
}

fn candle(item: Node<'_>, head: &Head<'_>, rows: &mut Rows<'_>) -> Result<(), Fault> {
    let keys = ["product_id", "start", "open", "high", "low", "close", "volume"];
    let [product, start, open, high, low, close, volume] = need(item.fields(keys), "candles")?;
    let event = super::values::time(start, "start", Seconds)?;
    let head = Head { security: &text(product), event, ..*head };
    rows.candle(&head, Some(CANDLE_NS), [open, high, low, close, volume])
}
