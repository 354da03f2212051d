//! Gate.io spot, version 4: `{"time":...,"channel":"spot.order_book_update","event":"update","result":...}` and REST snapshots.
//!
//! Level changes have ms and the sequence `u`; trades ms with a fraction; the ticker only the second of its message, and no sizes. The
//! side of a trade is the aggressor's. A candle is told again and again; where it has a mark, only the last state is kept.

use super::values::{need, parameter, sequence, side, text, time};
use super::{ACK, Fate, HEARTBEAT, Head, Message, OPEN_CANDLE, OTHER, Protocol, Rows};
use crate::normalize::{Fault, TS_NULL};
use crate::parse::TimeFormat::{Millis, Seconds};
use crate::parse::tape::Node;
use crate::schema::RawTable;
use crate::units::{NANOS_PER_SECOND, Side};

/// The protocol.
#[derive(Debug)]
pub(in crate::vendor) struct Gateio;

impl Protocol for Gateio {
    fn message(&self, message: &Message<'_>, rows: &mut Rows<'_>) -> Fate {
        if !message.url.is_empty() {
            return snapshot(message, rows);
        }
        let expected = || Fault::new("", "a message of Gate.io, each key once");
        let keys = ["channel", "event", "result", "time", "time_ms"];
        let [channel, event, result, at, at_ms] = message.root.fields(keys).ok_or_else(expected)?;
        let (channel, event) = (text(Some(channel.ok_or_else(expected)?)), text(event));
        if &*channel == b"spot.pong" {
            return Ok(Some(HEARTBEAT));
        }
        if matches!(&*event, b"subscribe" | b"unsubscribe") {
            return Ok(Some(ACK));
        }
        let result = need(result, "result")?;
        match &*channel {
            b"spot.order_book_update" => changes(result, rows),
            b"spot.order_book" => best(result, rows),
            b"spot.trades" => trade(result, rows),
            b"spot.candlesticks" => candle(result, rows),
            b"spot.tickers" => {
                let [pair, bid, ask] = need(result.fields(["currency_pair", "highest_bid", "lowest_ask"]), "result")?;
                let event = if at_ms.is_some() { time(at_ms, "time_ms", Millis)? } else { time(at, "time", Seconds)? };
                let head = Head { security: &text(pair), event, sequence: None };
                rows.quote(&head, true, [bid, None, ask, None])?;
                Ok(None)
            }
            b"spot.book_ticker" => {
                let keys = ["s", "t", "u", "b", "B", "a", "A"];
                let [pair, at, update, bid, bid_size, ask, ask_size] = need(result.fields(keys), "result")?;
                let (event, sequence) = (time(at, "t", Millis)?, sequence(update, "u")?);
                rows.quote(&Head { security: &text(pair), event, sequence }, false, [bid, bid_size, ask, ask_size])?;
                Ok(None)
            }
            other if other.starts_with(b"spot.") => Ok(Some(OTHER)),
            _ => Err(expected()),
        }
    }

    fn channel(&self, table: RawTable) -> &'static str {
        match table {
            RawTable::Trades => "spot.trades",
            RawTable::Quotes => "spot.tickers",
            RawTable::Ohlcv => "spot.candlesticks",
            RawTable::Book => "spot.order_book",
            RawTable::Deltas | RawTable::Orders => "spot.order_book_update",
        }
    }
}

fn snapshot(message: &Message<'_>, rows: &mut Rows<'_>) -> Fate {
    let [id, at, bids, asks] = need(message.root.fields(["id", "update", "bids", "asks"]), "data")?;
    let security = need(parameter(message.url, "currency_pair"), "currency_pair")?;
    let head = Head { security, event: time(at, "update", Millis)?, sequence: sequence(id, "id")? };
    let head = rows.snapshot(head);
    rows.deltas(&head, true, Side::Buy, bids)?;
    rows.deltas(&head, true, Side::Sell, asks)?;
    Ok(None)
}

fn changes(result: Node<'_>, rows: &mut Rows<'_>) -> Fate {
    let [pair, at, first, update, bids, asks] = need(result.fields(["s", "t", "U", "u", "b", "a"]), "result")?;
    let security = text(pair);
    let head = Head { security: &security, event: time(at, "t", Millis)?, sequence: sequence(update, "u")? };
    rows.follows(first.and_then(|first| first.whole()?.checked_sub(1)));
    rows.deltas(&head, false, Side::Buy, bids)?;
    rows.deltas(&head, false, Side::Sell, asks)?;
    Ok(None)
}

fn best(result: Node<'_>, rows: &mut Rows<'_>) -> Fate {
    let [pair, at, update, bids, asks] = need(result.fields(["s", "t", "lastUpdateId", "bids", "asks"]), "result")?;
    let security = text(pair);
    let sequence = sequence(update, "lastUpdateId")?;
    rows.book(&Head { security: &security, event: time(at, "t", Millis)?, sequence }, [bids, asks], Node::array)?;
    Ok(None)
}

fn trade(result: Node<'_>, rows: &mut Rows<'_>) -> Fate {
    let keys = ["currency_pair", "create_time_ms", "side", "id", "price", "amount"];
    let [pair, at, word, id, price, amount] = need(result.fields(keys), "result")?;
    let security = text(pair);
    let head = Head { security: &security, event: time(at, "create_time_ms", Millis)?, sequence: None };
    rows.trade(&head, side(word), id, [need(price, "price")?, need(amount, "amount")?])?;
    Ok(None)
}

fn candle(result: Node<'_>, rows: &mut Rows<'_>) -> Fate {
    let keys = ["n", "t", "w", "o", "h", "l", "c", "v"];
    let [name, start, over, open, high, low, close, volume] = need(result.fields(keys), "result")?;
    if over.and_then(Node::flag) == Some(false) {
        return Ok(Some(OPEN_CANDLE));
    }
    let name = text(name);
    let bar = name.iter().position(|b| *b == b'_').unwrap_or(name.len());
    let (interval, security) = (&name[..bar], name.get(bar + 1..).unwrap_or_default());
    let event = time(start, "t", Seconds)?;
    if event == TS_NULL {
        return Err(Fault::new("t", "the start of the candle"));
    }
    let head = Head { security, event, sequence: None };
    rows.candle(&head, length(interval), [open, high, low, close, volume])?;
    Ok(None)
}

/// `10s`, `1m`, `4h`, `7d`.
fn length(interval: &[u8]) -> Option<i64> {
    let (unit, digits) = interval.split_last()?;
    let seconds = match unit {
        b's' => 1,
        b'm' => 60,
        b'h' => 3_600,
        b'd' => 86_400,
        _ => return None,
    };
    let count: i64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    count.checked_mul(seconds * NANOS_PER_SECOND)
}
