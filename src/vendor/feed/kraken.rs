//! Kraken, version 1: `[channel id, values, "book-1000", "XBT/USD"]`. Times are seconds with six decimals in strings.
//!
//! `as` and `bs` are a snapshot, whose levels have the times of their last change: it stands at its capture time. `a` and `b` set
//! levels, each at its own time; a size of 0 deletes one. The side of a trade is the aggressor's. A ticker has no time.

use super::values::{need, side, time};
use super::{ACK, Fate, HEARTBEAT, Head, Message, OTHER, Protocol, Rows};
use crate::normalize::{Fault, TS_NULL};
use crate::parse::TimeFormat::Seconds;
use crate::parse::tape::Node;
use crate::schema::{Clock, RawTable};
use crate::units::{NANOS_PER_SECOND, Side};

/// The protocol.
#[derive(Debug)]
pub(in crate::vendor) struct Kraken;

/// Values of a message at most: id, two halves of a book, channel, pair.
const ITEMS: usize = 8;

impl Protocol for Kraken {
    fn message(&self, message: &Message<'_>, rows: &mut Rows<'_>) -> Fate {
        if let Some([Some(event)]) = message.root.fields(["event"]) {
            return Ok(Some(if event.is("heartbeat") { HEARTBEAT } else { ACK }));
        }
        let expected = || Fault::new("", "a message of Kraken: channel id, values, channel, pair");
        let items: Vec<_> = message.root.items().take(ITEMS).collect();
        let [_, values @ .., channel, pair] = &items[..] else {
            return Err(expected());
        };
        let (Some(channel), Some(security)) = (channel.text(), pair.text()) else {
            return Err(expected());
        };
        let head = Head { security: &security, event: TS_NULL, sequence: None };
        let name = channel.split(|b| *b == b'-').next().unwrap_or_default();
        let first = *values.first().ok_or_else(expected)?;
        match name {
            b"book" => values.iter().try_for_each(|half| book(*half, &head, rows))?,
            b"trade" => {
                for trade in first.items() {
                    let [price, size, at, word] = need(trade.array(), "trade")?;
                    let head = Head { event: time(Some(at), "time", Seconds)?, ..head };
                    rows.trade(&head, side(Some(word)), None, [price, size])?;
                }
            }
            b"ticker" => {
                let [ask, bid] = need(first.fields(["a", "b"]), "ticker")?;
                let [ask, _, ask_size] = need(ask.and_then(Node::array), "a")?;
                let [bid, _, bid_size] = need(bid.and_then(Node::array), "b")?;
                rows.quote(&head, false, [Some(bid), Some(bid_size), Some(ask), Some(ask_size)])?;
            }
            b"spread" => {
                let [bid, ask, at, bid_size, ask_size] = need(first.array(), "spread")?;
                let head = Head { event: time(Some(at), "time", Seconds)?, ..head };
                rows.quote(&head, false, [Some(bid), Some(bid_size), Some(ask), Some(ask_size)])?;
            }
            b"ohlc" => candle(first, &channel, &head, rows)?,
            _ => return Ok(Some(OTHER)),
        }
        Ok(None)
    }

    fn clock(&self, table: RawTable) -> Clock {
        if table == RawTable::Quotes { Clock::Recv } else { Clock::Event }
    }

    fn channel(&self, table: RawTable) -> &'static str {
        match table {
            RawTable::Trades => "trade",
            RawTable::Quotes => "ticker",
            RawTable::Ohlcv => "ohlc",
            RawTable::Deltas | RawTable::Book | RawTable::Orders => "book",
        }
    }
}

fn book(half: Node<'_>, head: &Head<'_>, rows: &mut Rows<'_>) -> Result<(), Fault> {
    let [all_asks, all_bids, asks, bids] = need(half.fields(["as", "bs", "a", "b"]), "book")?;
    if all_asks.or(all_bids).is_some() {
        let head = rows.snapshot(*head);
        for (side, list) in [(Side::Buy, all_bids), (Side::Sell, all_asks)] {
            if list.is_some() {
                rows.deltas(&head, true, side, list)?;
            }
        }
    }
    for (side, list) in [(Side::Buy, bids), (Side::Sell, asks)] {
        for level in list.iter().flat_map(|list| list.items()) {
            let [price, size, at] = need(level.array(), "level")?;
            let head = Head { event: time(Some(at), "time", Seconds)?, ..*head };
            rows.delta(&head, false, side, [price, size])?;
        }
    }
    Ok(())
}

/// A candle that is told again and again until its interval is over, without a mark: each state of it is a row.
fn candle(values: Node<'_>, channel: &[u8], head: &Head<'_>, rows: &mut Rows<'_>) -> Result<(), Fault> {
    let [_, end, open, high, low, close, _, volume] = need(values.array(), "ohlc")?;
    let minutes = channel.strip_prefix(b"ohlc-").and_then(|m| std::str::from_utf8(m).ok()?.parse::<i64>().ok());
    let length = minutes.and_then(|m| m.checked_mul(60 * NANOS_PER_SECOND)).filter(|ns| *ns > 0);
    let length = length.ok_or_else(|| Fault::got("channel", "ohlc with its minutes", channel))?;
    let event = time(Some(end), "etime", Seconds)?.saturating_sub(length);
    let values = [open, high, low, close, volume].map(Some);
    rows.candle(&Head { event, ..*head }, Some(length), values)
}
