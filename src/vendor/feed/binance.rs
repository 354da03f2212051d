//! Binance: spot, USD-M and COIN-M. Websocket messages bare or in `{"stream":...,"data":...}`, and REST depth snapshots.
//!
//! Times are ms: `E` of the event orders depth and quotes, `T` of the trade orders trades. `u` is the sequence of depth and quotes. `m`
//! says that the buyer is the maker, so the aggressor sells. `pu`, or for spot the number before `U`, is the `u` of the message before. A
//! size of 0 deletes a level. Spot quotes have no time of the venue.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::values::{need, parameter, sequence, text, time};
use super::{ACK, Envelope, Fate, Head, Message, OPEN_CANDLE, OTHER, Protocol, Rows, each_message};
use crate::normalize::{Fault, TS_NULL};
use crate::parse::TimeFormat::Millis;
use crate::parse::tape::Node;
use crate::schema::{Clock, RawTable};
use crate::units::Side;

/// One of the venue's three order books.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::vendor) enum Market {
    Spot,
    UsdM,
    CoinM,
}

impl Market {
    /// The venue's name in a store: each market has securities of its own.
    pub(in crate::vendor) fn venue(self) -> &'static str {
        match self {
            Self::Spot => "binance",
            Self::UsdM => "binance-futures",
            Self::CoinM => "binance-delivery",
        }
    }
}

/// What the head of a source says of the rest.
#[derive(Debug)]
pub(in crate::vendor) struct Binance {
    market: Market,
    quotes: Clock,
    /// A trade comes twice where both streams were captured: then the aggregated ones are left out.
    has_trades: bool,
    has_aggregates: bool,
    /// Securities that messages of the head name.
    securities: BTreeSet<Vec<u8>>,
}

/// The keys of a message's body that matter.
struct Body<'n> {
    kind: Option<Node<'n>>,
    event: Option<Node<'n>>,
    traded: Option<Node<'n>>,
    symbol: Option<Node<'n>>,
    update: Option<Node<'n>>,
    b: Option<Node<'n>>,
    bid_size: Option<Node<'n>>,
    a: Option<Node<'n>>,
    ask_size: Option<Node<'n>>,
    price: Option<Node<'n>>,
    qty: Option<Node<'n>>,
    maker: Option<Node<'n>>,
    id: Option<Node<'n>>,
    candle: Option<Node<'n>>,
    last_update: Option<Node<'n>>,
    bids: Option<Node<'n>>,
    asks: Option<Node<'n>>,
    pair: Option<Node<'n>>,
}

impl<'n> Body<'n> {
    fn of(node: Node<'n>) -> Option<Self> {
        let [kind, event, traded, symbol, name, update, b, bid_size, a, ask_size] =
            node.fields(["e", "E", "T", "s", "symbol", "u", "b", "B", "a", "A"])?;
        let [price, qty, maker, id, candle, last_update, bids, asks, pair] =
            node.fields(["p", "q", "m", "t", "k", "lastUpdateId", "bids", "asks", "ps"])?;
        let symbol = symbol.or(name);
        Some(Self {
            kind,
            event,
            traded,
            symbol,
            update,
            b,
            bid_size,
            a,
            ask_size,
            price,
            qty,
            maker,
            id,
            candle,
            last_update,
            bids,
            asks,
            pair,
        })
    }

    fn is(&self, kind: &str) -> bool {
        self.kind.is_some_and(|k| k.is(kind))
    }

    fn is_quote(&self) -> bool {
        let all = [self.update, self.symbol, self.b, self.bid_size, self.a, self.ask_size];
        self.is("bookTicker") || (self.kind.is_none() && all.iter().all(Option::is_some))
    }

    fn is_snapshot(&self) -> bool {
        self.kind.is_none() && [self.last_update, self.bids, self.asks].iter().all(Option::is_some)
    }
}

/// The stream's name and the body of a message.
fn unwrapped<'n>(root: Node<'n>) -> Option<(Cow<'n, [u8]>, Node<'n>)> {
    let [stream, data] = root.fields(["stream", "data"])?;
    match (stream, data) {
        (Some(stream), Some(data)) if data.is_object() => Some((stream.text()?, data)),
        _ => Some((Cow::Borrowed(b""), root)),
    }
}

/// The security of a stream's name, `btcusdt@depth20@100ms`, and its channel.
fn stream_parts(stream: &[u8]) -> (Vec<u8>, &[u8]) {
    let at = stream.iter().position(|b| *b == b'@').unwrap_or(stream.len());
    (stream[..at].to_ascii_uppercase(), stream.get(at + 1..).unwrap_or(b""))
}

/// `depth5`, `depth10`, `depth20`: the best levels whole, in messages that else look like level changes.
fn is_partial(channel: &[u8]) -> bool {
    channel.strip_prefix(b"depth").and_then(<[u8]>::first).is_some_and(u8::is_ascii_digit)
}

impl Binance {
    /// What the messages of a head say.
    pub(in crate::vendor) fn learn(head: &[u8], envelope: Envelope) -> Self {
        let (mut market, mut timed_quote) = (None, None);
        let (mut has_trades, mut has_aggregates) = (false, false);
        let mut securities = BTreeSet::new();
        each_message(head, envelope, false, |message| {
            let Some((_, node)) = unwrapped(message.root) else { return };
            let Some(body) = Body::of(node) else { return };
            has_trades |= body.is("trade");
            has_aggregates |= body.is("aggTrade");
            if body.is_quote() && timed_quote.is_none() {
                timed_quote = Some(body.event.or(body.traded).is_some());
            }
            if body.kind.is_some() || body.is_quote() {
                securities.insert(text(body.symbol).into_owned());
                market = market.or_else(|| market_of(node, &body));
            }
        });
        let market = market.unwrap_or(Market::Spot);
        let timed = timed_quote.unwrap_or(market != Market::Spot);
        let quotes = if timed { Clock::Event } else { Clock::Recv };
        Self { market, quotes, has_trades, has_aggregates, securities }
    }

    /// The market of the source.
    pub(in crate::vendor) fn market(&self) -> Market {
        self.market
    }

    /// The one security of the head, for messages that name none.
    pub(in crate::vendor) fn only_security(&self) -> Option<String> {
        let mut names = self.securities.iter();
        let name = names.next().filter(|_| names.next().is_none())?;
        String::from_utf8(name.clone()).ok().filter(|name| !name.is_empty())
    }

    fn head<'m>(body: &Body<'_>, symbol: &'m [u8], of_trade: bool) -> Result<Head<'m>, Fault> {
        let (first, second) = if of_trade { (body.traded, body.event) } else { (body.event, body.traded) };
        let event = match first {
            Some(_) => time(first, if of_trade { "T" } else { "E" }, Millis)?,
            None => time(second, if of_trade { "E" } else { "T" }, Millis)?,
        };
        Ok(Head { security: symbol, event, sequence: None })
    }

    fn trade(&self, node: Node<'_>, body: &Body<'_>, symbol: &[u8], rows: &mut Rows<'_>) -> Fate {
        let is_aggregate = body.is("aggTrade");
        if is_aggregate && self.has_trades {
            return Ok(Some("aggregated trade beside the trades"));
        }
        // An entry for the insurance fund and the like, at a price of 0.
        if let Some([Some(market)]) = node.fields(["X"])
            && market.is("NA")
        {
            return Ok(Some("entry that is no trade"));
        }
        let maker = need(body.maker.and_then(Node::flag), "m")?;
        let side = if maker { Side::Sell } else { Side::Buy };
        let id = if is_aggregate { body.a } else { body.id };
        let level = [need(body.price, "p")?, need(body.qty, "q")?];
        rows.trade(&Self::head(body, symbol, true)?, side, id, level)?;
        Ok(None)
    }

    fn snapshot(body: &Body<'_>, message: &Message<'_>, symbol: &[u8], is_partial: bool, rows: &mut Rows<'_>) -> Fate {
        let asked = parameter(message.url, "symbol").unwrap_or(b"");
        let mut head = Self::head(body, if symbol.is_empty() { asked } else { symbol }, false)?;
        head.sequence = sequence(body.last_update, "lastUpdateId")?;
        let head = rows.snapshot(head);
        if is_partial {
            rows.book(&head, [body.bids, body.asks], Node::array)?;
        } else {
            rows.deltas(&head, true, Side::Buy, body.bids)?;
            rows.deltas(&head, true, Side::Sell, body.asks)?;
        }
        Ok(None)
    }

    fn candle(body: &Body<'_>, symbol: &[u8], rows: &mut Rows<'_>) -> Fate {
        let keys = ["t", "T", "x", "o", "h", "l", "c", "v"];
        let fields = body.candle.and_then(|k| k.fields(keys));
        let [start, end, over, open, high, low, close, volume] = need(fields, "k")?;
        if !need(over.and_then(Node::flag), "x")? {
            return Ok(Some(OPEN_CANDLE));
        }
        let (start, end) = (time(start, "t", Millis)?, time(end, "T", Millis)?);
        // The end is the last millisecond of the interval.
        let duration =
            (start != TS_NULL && end != TS_NULL).then(|| end.saturating_sub(start).saturating_add(1_000_000));
        let head = Head { security: symbol, event: start, sequence: None };
        rows.candle(&head, duration, [open, high, low, close, volume])?;
        Ok(None)
    }
}

/// The `u` of the message before: futures say it, spot begins with the number behind it.
fn previous(node: Node<'_>) -> Option<u64> {
    let [previous, first] = node.fields(["pu", "U"])?;
    let before_first = || first?.whole()?.checked_sub(1);
    previous.and_then(Node::whole).or_else(before_first)
}

fn market_of(node: Node<'_>, body: &Body<'_>) -> Option<Market> {
    let [previous, order_type, best_match] = node.fields(["pu", "X", "M"])?;
    let symbol = text(body.symbol);
    if body.pair.is_some() || symbol.windows(4).any(|w| w == b"USD_") {
        return Some(Market::CoinM);
    }
    if previous.or(order_type).is_some() || body.is("bookTicker") {
        return Some(Market::UsdM);
    }
    if body.is("trade") || body.is("aggTrade") {
        return Some(if best_match.is_some() { Market::Spot } else { Market::UsdM });
    }
    let is_spot = body.is_quote() || (body.is("depthUpdate") && body.traded.is_none());
    is_spot.then_some(Market::Spot)
}

impl Protocol for Binance {
    fn message(&self, message: &Message<'_>, rows: &mut Rows<'_>) -> Fate {
        let expected = || Fault::new("", "a message of Binance, each key once");
        let (stream, node) = unwrapped(message.root).ok_or_else(expected)?;
        let body = Body::of(node).ok_or_else(expected)?;
        let (named, channel) = stream_parts(&stream);
        let symbol = body.symbol.and_then(Node::text).unwrap_or(Cow::Owned(named));
        if body.is("depthUpdate") {
            let mut head = Self::head(&body, &symbol, false)?;
            head.sequence = sequence(body.update, "u")?;
            if is_partial(channel) {
                rows.book(&head, [body.b, body.a], Node::array)?;
            } else {
                rows.follows(previous(node));
                rows.deltas(&head, false, Side::Buy, body.b)?;
                rows.deltas(&head, false, Side::Sell, body.a)?;
            }
            return Ok(None);
        }
        if body.is("trade") || body.is("aggTrade") {
            return self.trade(node, &body, &symbol, rows);
        }
        if body.is_quote() {
            let mut head = Self::head(&body, &symbol, false)?;
            head.sequence = sequence(body.update, "u")?;
            rows.quote(&head, false, [body.b, body.bid_size, body.a, body.ask_size])?;
            return Ok(None);
        }
        if body.is("kline") {
            return Self::candle(&body, &symbol, rows);
        }
        if body.is_snapshot() {
            return Self::snapshot(&body, message, &symbol, is_partial(channel), rows);
        }
        let answers = node.fields(["id", "result", "error", "code"]).unwrap_or_default();
        match body.kind {
            Some(_) => Ok(Some(OTHER)),
            None if answers[0].is_some() || (answers[2].or(answers[3]).is_some()) => Ok(Some(ACK)),
            None if !message.url.is_empty() => Ok(Some(ACK)),
            None => Err(expected()),
        }
    }

    fn clock(&self, table: RawTable) -> Clock {
        if table == RawTable::Quotes { self.quotes } else { Clock::Event }
    }

    fn channel(&self, table: RawTable) -> &'static str {
        match table {
            RawTable::Quotes => "bookTicker",
            RawTable::Trades if self.has_aggregates && !self.has_trades => "aggTrade",
            RawTable::Trades => "trade",
            RawTable::Ohlcv => "kline",
            RawTable::Deltas | RawTable::Book | RawTable::Orders => "depth",
        }
    }
}
