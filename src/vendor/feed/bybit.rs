//! Bybit, version 5: `{"topic":"orderbook.500.XRPUSDT","type":...,"ts":...,"data":...}`, live and as its order-book files. Times are ms.
//!
//! A snapshot replaces the book, a delta sets levels, size 0 deletes one; `u` is the sequence. The side of a trade is the aggressor's. A
//! delta of `tickers` holds only what changed, so tickers are left out.

use super::values::{need, sequence, side, text, time};
use super::{ACK, Fate, Head, Message, OPEN_CANDLE, OTHER, Protocol, Rows};
use crate::normalize::{Fault, TS_NULL};
use crate::parse::TimeFormat::Millis;
use crate::parse::tape::Node;
use crate::schema::RawTable;
use crate::units::Side;

/// The protocol.
#[derive(Debug)]
pub(in crate::vendor) struct Bybit;

impl Protocol for Bybit {
    fn message(&self, message: &Message<'_>, rows: &mut Rows<'_>) -> Fate {
        let expected = || Fault::new("", "a message of Bybit, each key once");
        let keys = ["topic", "type", "ts", "data", "op", "success"];
        let [topic, kind, at, data, op, success] = message.root.fields(keys).ok_or_else(expected)?;
        let (Some(topic), Some(data)) = (topic, data) else {
            return if op.is_some() && success.is_some() { Ok(Some(ACK)) } else { Err(expected()) };
        };
        let topic = text(Some(topic));
        match topic.split(|b| *b == b'.').next().unwrap_or_default() {
            b"orderbook" => {
                let [security, bids, asks, update] = need(data.fields(["s", "b", "a", "u"]), "data")?;
                let is_snapshot = match kind {
                    Some(kind) if kind.is("snapshot") => true,
                    Some(kind) if kind.is("delta") => false,
                    _ => return Err(Fault::got("type", "snapshot or delta", &text(kind))),
                };
                let security = text(need(security, "s")?.into());
                let sequence = sequence(update, "u")?;
                let head = Head { security: &security, event: time(at, "ts", Millis)?, sequence };
                // Numbers of changes go up by one.
                rows.follows(sequence.filter(|_| !is_snapshot).and_then(|update| update.checked_sub(1)));
                rows.deltas(&head, is_snapshot, Side::Buy, bids)?;
                rows.deltas(&head, is_snapshot, Side::Sell, asks)?;
                Ok(None)
            }
            b"publicTrade" => {
                for trade in data.items() {
                    let keys = ["s", "T", "S", "i", "p", "v"];
                    let [security, at, word, id, price, size] = need(trade.fields(keys), "data")?;
                    let security = text(need(security, "s")?.into());
                    let head = Head { security: &security, event: time(at, "T", Millis)?, sequence: None };
                    rows.trade(&head, side(word), id, [need(price, "p")?, need(size, "v")?])?;
                }
                Ok(None)
            }
            b"kline" => candles(&topic, data, rows),
            b"tickers" | b"liquidation" | b"allLiquidation" | b"kline_lt" | b"tickers_lt" => Ok(Some(OTHER)),
            _ => Err(Fault::got("topic", "a topic of Bybit", &topic)),
        }
    }

    fn channel(&self, table: RawTable) -> &'static str {
        match table {
            RawTable::Trades => "publicTrade",
            RawTable::Ohlcv => "kline",
            RawTable::Deltas | RawTable::Book | RawTable::Orders | RawTable::Quotes => "orderbook",
        }
    }
}

fn candles(topic: &[u8], data: Node<'_>, rows: &mut Rows<'_>) -> Fate {
    let security = topic.rsplit(|b| *b == b'.').next().unwrap_or_default();
    let mut over = false;
    for candle in data.items() {
        let keys = ["confirm", "start", "end", "open", "high", "low", "close", "volume"];
        let [confirm, start, end, open, high, low, close, volume] = need(candle.fields(keys), "data")?;
        if !need(confirm.and_then(Node::flag), "confirm")? {
            continue;
        }
        over = true;
        let (start, end) = (time(start, "start", Millis)?, time(end, "end", Millis)?);
        // The end is the last millisecond of the interval.
        let length = (start != TS_NULL && end != TS_NULL).then(|| end.saturating_sub(start).saturating_add(1_000_000));
        rows.candle(&Head { security, event: start, sequence: None }, length, [open, high, low, close, volume])?;
    }
    Ok(if over { None } else { Some(OPEN_CANDLE) })
}
