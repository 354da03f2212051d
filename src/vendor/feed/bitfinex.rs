//! Bitfinex, version 2: `[channel id, values, sequence]`, where the id means what a `subscribed` message of its connection said.
//!
//! Prices are JSON numbers. Level changes are `[price, count, amount]`: a negative amount is an ask, a count of 0 deletes the level; they
//! have no time. A negative amount of a trade means that the seller is the aggressor. Sizes in a ticker are sums of 25 levels, so its
//! quotes have prices only.

use std::collections::HashMap;

use super::values::{need, text, time};
use super::{ACK, Envelope, Fate, HEARTBEAT, Head, Level, Message, OTHER, Protocol, Qty, Rows, each_message};
use crate::normalize::Fault;
use crate::parse::TimeFormat::Millis;
use crate::parse::tape::Node;
use crate::schema::{Clock, RawTable};
use crate::units::Side;

/// What a channel id means.
#[derive(Clone, Debug)]
struct Channel {
    kind: Kind,
    security: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Book,
    Trades,
    Ticker,
    Other,
}

/// The subscriptions of a source's head, by connection and id.
#[derive(Debug)]
pub(in crate::vendor) struct Bitfinex {
    channels: HashMap<(Vec<u8>, u64), Channel>,
}

impl Bitfinex {
    /// Reads the subscriptions of a head.
    pub(in crate::vendor) fn learn(head: &[u8], envelope: Envelope) -> Self {
        let mut channels = HashMap::new();
        each_message(head, envelope, false, |message| {
            let keys = ["event", "channel", "chanId", "symbol", "pair", "prec"];
            let Some([Some(event), channel, Some(id), symbol, pair, precision]) = message.root.fields(keys) else {
                return;
            };
            let Some(id) = id.whole().filter(|_| event.is("subscribed")) else { return };
            let symbol = text(symbol);
            let is_funding = symbol.starts_with(b"f");
            let kind = match &*text(channel) {
                _ if is_funding => Kind::Other,
                b"book" if precision.is_some_and(|p| p.is("R0")) => Kind::Other,
                b"book" => Kind::Book,
                b"trades" => Kind::Trades,
                b"ticker" => Kind::Ticker,
                _ => Kind::Other,
            };
            let security = pair.map_or(symbol.to_vec(), |pair| text(Some(pair)).into_owned());
            channels.insert((message.connection.to_vec(), id), Channel { kind, security });
        });
        Self { channels }
    }
}

impl Protocol for Bitfinex {
    fn message(&self, message: &Message<'_>, rows: &mut Rows<'_>) -> Fate {
        if let Some([Some(event)]) = message.root.fields(["event"]) {
            let _ = need(event.text(), "event")?;
            return Ok(Some(ACK));
        }
        let expected = || Fault::new("", "a message of Bitfinex: a channel id and values");
        let mut items = message.root.items();
        let id = items.next().and_then(Node::whole).ok_or_else(expected)?;
        let values = items.next().ok_or_else(expected)?;
        if values.is("hb") {
            return Ok(Some(HEARTBEAT));
        }
        let channel = self.channels.get(&(message.connection.to_vec(), id));
        let channel = channel.ok_or_else(|| {
            let name = "a channel that a subscription at the head of the source names";
            Fault::got("channel", name, id.to_string().as_bytes())
        })?;
        let word = values.text();
        let values = match word.as_deref() {
            None => values,
            Some(b"te") => items.next().ok_or_else(expected)?,
            Some(b"tu") => return Ok(Some("a trade told again")),
            Some(_) => return Ok(Some(OTHER)),
        };
        let sequence = items.next().and_then(Node::whole);
        let head = Head { security: &channel.security, event: crate::normalize::TS_NULL, sequence };
        let is_list = values.items().next().is_some_and(Node::is_array);
        match channel.kind {
            Kind::Book if is_list => values.items().try_for_each(|level| delta(level, &head, true, rows))?,
            Kind::Book => delta(values, &head, false, rows)?,
            Kind::Trades if is_list => values.items().try_for_each(|t| trade(t, &head, rows))?,
            Kind::Trades => trade(values, &head, rows)?,
            Kind::Ticker => {
                let [bid, _, ask] = need(values.array(), "ticker")?;
                rows.quote(&head, true, [Some(bid), None, Some(ask), None])?;
            }
            Kind::Other => return Ok(Some(OTHER)),
        }
        Ok(None)
    }

    fn clock(&self, table: RawTable) -> Clock {
        if table == RawTable::Trades { Clock::Event } else { Clock::Recv }
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

fn is_negative(amount: Node<'_>) -> bool {
    amount.scalar().is_some_and(|digits| digits.starts_with(b"-"))
}

fn delta(level: Node<'_>, head: &Head<'_>, is_snapshot: bool, rows: &mut Rows<'_>) -> Result<(), Fault> {
    let [price, count, amount] = need(level.array(), "book")?;
    let side = if is_negative(amount) { Side::Sell } else { Side::Buy };
    let is_gone = need(count.whole(), "count")? == 0;
    let qty = if is_gone { Qty::Zero } else { Qty::Signed(amount) };
    rows.delta(head, is_snapshot, side, Level::new(price, qty))
}

fn trade(values: Node<'_>, head: &Head<'_>, rows: &mut Rows<'_>) -> Result<(), Fault> {
    let [id, at, amount, price] = need(values.array(), "trades")?;
    let side = if is_negative(amount) { Side::Sell } else { Side::Buy };
    let head = Head { event: time(Some(at), "time", Millis)?, ..*head };
    rows.trade(&head, side, Some(id), Level::new(price, Qty::Signed(amount)))
}
