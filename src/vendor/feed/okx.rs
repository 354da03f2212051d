//! OKX, version 5: `{"arg":{"channel":"books","instId":...},"action":...,"data":[...]}`. Times are ms in strings.
//!
//! `books` and its tick-by-tick forms are a snapshot and then level changes, size 0 deletes one; `books5` is whole, `bbo-tbt` the best level.
//! The side of a trade is the aggressor's; sizes are in contracts, or in the base currency for spot.

use super::values::{need, sequence, side, text, time};
use super::{ACK, Fate, Head, Message, OTHER, Protocol, Rows};
use crate::normalize::Fault;
use crate::parse::TimeFormat::Millis;
use crate::parse::tape::Node;
use crate::schema::RawTable;
use crate::units::Side;

/// The protocol.
#[derive(Debug)]
pub(in crate::vendor) struct Okx;

impl Protocol for Okx {
    fn message(&self, message: &Message<'_>, rows: &mut Rows<'_>) -> Fate {
        let expected = || Fault::new("", "a message of OKX, each key once");
        let [arg, action, data, event] =
            message.root.fields(["arg", "action", "data", "event"]).ok_or_else(expected)?;
        if event.is_some() {
            return Ok(Some(ACK));
        }
        let (Some(arg), Some(data)) = (arg, data) else {
            return Err(expected());
        };
        let [channel, security] = need(arg.fields(["channel", "instId"]), "arg")?;
        let (channel, security) = (text(Some(channel.ok_or_else(expected)?)), text(security));
        for item in data.items() {
            match &*channel {
                b"books" | b"books-l2-tbt" | b"books50-l2-tbt" => changes(item, action, &security, rows)?,
                b"books5" | b"bbo-tbt" => best(item, &channel, &security, rows)?,
                b"trades" | b"trades-all" => {
                    let keys = ["instId", "ts", "side", "tradeId", "px", "sz"];
                    let [name, at, word, id, price, size] = need(item.fields(keys), "data")?;
                    let head = Head { security: &text(name), event: time(at, "ts", Millis)?, sequence: None };
                    rows.trade(&head, side(word), id, [need(price, "px")?, need(size, "sz")?])?;
                }
                b"tickers" => {
                    let keys = ["instId", "ts", "bidPx", "bidSz", "askPx", "askSz"];
                    let [name, at, bid, bid_size, ask, ask_size] = need(item.fields(keys), "data")?;
                    let head = Head { security: &text(name), event: time(at, "ts", Millis)?, sequence: None };
                    rows.quote(&head, false, [bid, bid_size, ask, ask_size])?;
                }
                _ => return Ok(Some(OTHER)),
            }
        }
        Ok(None)
    }

    fn channel(&self, table: RawTable) -> &'static str {
        match table {
            RawTable::Trades => "trades",
            RawTable::Quotes => "tickers",
            RawTable::Book => "books5",
            RawTable::Deltas | RawTable::Orders | RawTable::Ohlcv => "books",
        }
    }
}

fn changes(item: Node<'_>, action: Option<Node<'_>>, security: &[u8], rows: &mut Rows<'_>) -> Result<(), Fault> {
    let is_snapshot = match action {
        Some(action) if action.is("snapshot") => true,
        Some(action) if action.is("update") => false,
        _ => return Err(Fault::got("action", "snapshot or update", &text(action))),
    };
    let keys = ["ts", "seqId", "prevSeqId", "bids", "asks"];
    let [at, number, before, bids, asks] = need(item.fields(keys), "data")?;
    let head = Head { security, event: time(at, "ts", Millis)?, sequence: sequence(number, "seqId")? };
    // A snapshot follows nothing, which is written -1.
    rows.follows(before.and_then(Node::whole));
    rows.deltas(&head, is_snapshot, Side::Buy, bids)?;
    rows.deltas(&head, is_snapshot, Side::Sell, asks)
}

fn best(item: Node<'_>, channel: &[u8], security: &[u8], rows: &mut Rows<'_>) -> Result<(), Fault> {
    let [at, number, bids, asks] = need(item.fields(["ts", "seqId", "bids", "asks"]), "data")?;
    let head = Head { security, event: time(at, "ts", Millis)?, sequence: sequence(number, "seqId")? };
    if channel == b"books5" {
        return rows.book(&head, [bids, asks], Node::array);
    }
    let ([bid, bid_size], [ask, ask_size]) = (first(bids), first(asks));
    rows.quote(&head, false, [bid, bid_size, ask, ask_size])
}

/// The first level of a side; an empty side has none.
fn first(list: Option<Node<'_>>) -> [Option<Node<'_>>; 2] {
    let level = list.and_then(|l| l.items().next()).and_then(Node::array::<2>);
    level.map_or([None; 2], |l| l.map(Some))
}
