//! Hyperliquid: `{"channel":...,"data":...}`. Times are ms.
//!
//! `l2Book` is a whole snapshot, bids then asks, its levels objects with `px`, `sz` and a count of orders. The side of a trade is the
//! aggressor's: `B` buys, `A` sells.

use super::values::{need, side, text, time};
use super::{ACK, Fate, HEARTBEAT, Head, Message, OTHER, Protocol, Rows};
use crate::normalize::{Fault, TS_NULL};
use crate::parse::TimeFormat::Millis;
use crate::parse::tape::Node;
use crate::schema::RawTable;

/// The protocol.
#[derive(Debug)]
pub(in crate::vendor) struct Hyperliquid;

/// Channels that make no row.
const OTHERS: [&str; 8] =
    ["allMids", "notification", "webData2", "orderUpdates", "userEvents", "userFills", "activeAssetCtx", "error"];

impl Protocol for Hyperliquid {
    fn message(&self, message: &Message<'_>, rows: &mut Rows<'_>) -> Fate {
        let expected = || Fault::new("", "a message of Hyperliquid, each key once");
        let [channel, data] = message.root.fields(["channel", "data"]).ok_or_else(expected)?;
        let channel = channel.ok_or_else(expected)?;
        match (&*text(Some(channel)), data) {
            (b"l2Book", Some(data)) => {
                let [coin, at, levels] = need(data.fields(["coin", "time", "levels"]), "data")?;
                let security = text(need(coin, "coin")?.into());
                let head = Head { security: &security, event: time(at, "time", Millis)?, sequence: None };
                let [bids, asks] = need(levels.and_then(Node::array), "levels")?;
                rows.book(&head, [Some(bids), Some(asks)], level)?;
                Ok(None)
            }
            (b"trades", Some(data)) if data.is_array() => {
                for trade in data.items() {
                    self::trade(trade, rows)?;
                }
                Ok(None)
            }
            (b"bbo", Some(data)) => {
                let [coin, at, best] = need(data.fields(["coin", "time", "bbo"]), "data")?;
                let security = text(need(coin, "coin")?.into());
                let head = Head { security: &security, event: time(at, "time", Millis)?, sequence: None };
                let [bid, ask] = need(best.and_then(Node::array), "bbo")?.map(pair);
                rows.quote(&head, false, [bid[0], bid[1], ask[0], ask[1]])?;
                Ok(None)
            }
            (b"candle", Some(data)) => candle(data, rows),
            (b"subscriptionResponse", _) => Ok(Some(ACK)),
            (b"pong", _) => Ok(Some(HEARTBEAT)),
            _ if OTHERS.iter().any(|c| channel.is(c)) => Ok(Some(OTHER)),
            _ => Err(expected()),
        }
    }

    fn channel(&self, table: RawTable) -> &'static str {
        match table {
            RawTable::Trades => "trades",
            RawTable::Quotes => "bbo",
            RawTable::Ohlcv => "candle",
            RawTable::Deltas | RawTable::Book | RawTable::Orders => "l2Book",
        }
    }
}

fn level(node: Node<'_>) -> Option<[Node<'_>; 2]> {
    let [price, size] = pair(node);
    Some([price?, size?])
}

/// Price and size of a level; a side without one is `null`.
fn pair(node: Node<'_>) -> [Option<Node<'_>>; 2] {
    node.fields(["px", "sz"]).unwrap_or_default()
}

fn trade(node: Node<'_>, rows: &mut Rows<'_>) -> Result<(), Fault> {
    let [coin, at, word, price, size, id] = need(node.fields(["coin", "time", "side", "px", "sz", "tid"]), "data")?;
    let security = text(need(coin, "coin")?.into());
    let head = Head { security: &security, event: time(at, "time", Millis)?, sequence: None };
    rows.trade(&head, side(word), id, [need(price, "px")?, need(size, "sz")?])
}

/// A candle; it is told again and again until its interval is over, without a mark, so each state of it is a row.
fn candle(data: Node<'_>, rows: &mut Rows<'_>) -> Fate {
    let keys = ["s", "t", "T", "o", "h", "l", "c", "v"];
    let [coin, start, end, open, high, low, close, volume] = need(data.fields(keys), "data")?;
    let (start, end) = (time(start, "t", Millis)?, time(end, "T", Millis)?);
    // The end is the last millisecond of the interval.
    let duration = (start != TS_NULL && end != TS_NULL).then(|| end.saturating_sub(start).saturating_add(1_000_000));
    let head = Head { security: &text(need(coin, "s")?.into()), event: start, sequence: None };
    rows.candle(&head, duration, [open, high, low, close, volume])?;
    Ok(None)
}
