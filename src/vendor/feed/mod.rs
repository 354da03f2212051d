//! Captured messages of venues' feeds, one JSON text a record: what their dialects share.
//!
//! An [`Envelope`] says what stands around a message, a [`Protocol`] what a venue's message means, [`Rows`] take the values. A record
//! is stored in whole, skipped by a named rule or rejected; order books are not built here.

mod envelope;
mod rows;
mod trial;
mod values;

pub(in crate::vendor) mod binance;
pub(in crate::vendor) mod bitfinex;
pub(in crate::vendor) mod bitmex;
pub(in crate::vendor) mod bitstamp;
pub(in crate::vendor) mod bybit;
pub(in crate::vendor) mod coinbase;
pub(in crate::vendor) mod deribit;
pub(in crate::vendor) mod gateio;
pub(in crate::vendor) mod hyperliquid;
pub(in crate::vendor) mod kraken;
pub(in crate::vendor) mod okx;

pub(super) use envelope::{Envelope, Letter, Opened};
pub(super) use rows::{Head, Level, Qty, Rows};
pub(super) use trial::{Trial, each_message};

use super::{Chunk, ChunkParser, Framing, SourceOptions, TableFacts};
use crate::error::Result;
use crate::input::object_end;
use crate::limits;
use crate::normalize::{ChunkBuilder, Fault, NameRule, ParsedChunk, Zone};
use crate::parse::tape::{Node, TapeReader};
use crate::schema::{Clock, RawTable};

/// A message as a protocol sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message<'m> {
    /// Its value.
    pub root: Node<'m>,
    /// The connection it came from; empty if unknown.
    pub connection: &'m [u8],
    /// The request that it answers; empty if none.
    pub url: &'m [u8],
}

/// What became of a message: its rows are pushed, or it is skipped by this rule.
pub(super) type Fate = std::result::Result<Option<&'static str>, Fault>;

/// The rule for kinds of messages that make no row of a table of ours.
pub(super) const OTHER: &str = "message of another type";
/// The rule for answers to subscriptions and the like.
pub(super) const ACK: &str = "answer to a request";
/// The rule for signs of life.
pub(super) const HEARTBEAT: &str = "heartbeat";
/// The rule for candles whose interval goes on.
pub(super) const OPEN_CANDLE: &str = "candle of an interval that is not over";

/// What a venue's messages mean.
pub(super) trait Protocol: Send + Sync + std::fmt::Debug {
    /// Pushes the rows of a message, or names the rule by which it is skipped.
    ///
    /// # Errors
    /// Why it is refused, also if it is no message of this venue; the caller takes its rows back.
    fn message(&self, message: &Message<'_>, rows: &mut Rows<'_>) -> Fate;
    /// The clock of a table.
    fn clock(&self, _table: RawTable) -> Clock {
        Clock::Event
    }
    /// The venue's name for the channel of a table.
    fn channel(&self, table: RawTable) -> &'static str;
    /// True if prices are JSON numbers, which only the pull reader keeps.
    fn exact(&self) -> bool {
        false
    }
}

/// The parser of a source of messages.
#[derive(Debug)]
pub(super) struct FeedParser {
    pub envelope: Envelope,
    pub protocol: Box<dyn Protocol>,
    names: NameRule,
    clock: Option<Clock>,
    levels: u16,
    /// Values of a message at most.
    values: usize,
    date_tz: Zone,
}

impl FeedParser {
    /// For a venue; for messages that name no security, the one of the data and the one of the file's name.
    ///
    /// # Errors
    /// `Usage` for a zone that is none.
    pub(super) fn new(
        envelope: Envelope,
        protocol: Box<dyn Protocol>,
        venue: &str,
        [security, named]: [Option<String>; 2],
        options: &SourceOptions,
    ) -> Result<Self> {
        let venue = Some(options.venue.clone().unwrap_or_else(|| venue.to_owned()));
        Ok(Self {
            envelope,
            protocol,
            names: NameRule { venue, security: security.or_else(|| options.security.clone()).or(named) },
            clock: options.clock,
            levels: if options.levels == 0 { limits::LEVELS_DEFAULT } else { options.levels.min(limits::LEVELS) },
            date_tz: Zone::named(options.date_tz.as_deref().unwrap_or("UTC"), "--date-tz")?,
            values: if options.json_values == 0 { limits::JSON_VALUES } else { options.json_values },
        })
    }

    fn clock(&self, table: RawTable) -> Clock {
        self.clock.unwrap_or_else(|| self.protocol.clock(table))
    }

    fn record(&self, record: &[u8], tape: &mut TapeReader, rows: &mut Rows<'_>) -> Fate {
        match self.envelope.open(record)? {
            Opened::Skip(rule) => Ok(Some(rule)),
            Opened::Message(letter) => self.letter(&letter, tape, rows),
        }
    }

    /// Takes a message out of its letter.
    pub(super) fn letter(&self, letter: &Letter<'_>, tape: &mut TapeReader, rows: &mut Rows<'_>) -> Fate {
        if [&b"ping"[..], b"pong"].contains(&&*letter.payload) {
            return Ok(Some(HEARTBEAT));
        }
        rows.recv = letter.recv;
        tape.read(&letter.payload, |root| {
            let message = Message { root, connection: &letter.connection, url: &letter.url };
            self.protocol.message(&message, rows)
        })?
    }

    /// Empty rows for a chunk, and a reader of its messages.
    pub(super) fn begin<'a>(&'a self, chunk: &Chunk<'a>) -> (Rows<'a>, TapeReader) {
        let builder = ChunkBuilder::new(chunk.place(), &self.names, &self.date_tz);
        let rows = Rows::new(builder, self.levels, &RawTable::ALL.map(|table| self.clock(table)));
        (rows, TapeReader::new(self.protocol.exact()).with_most(self.values))
    }
}

impl ChunkParser for FeedParser {
    fn framing(&self) -> Framing {
        if self.envelope == Envelope::List { Framing::Objects } else { Framing::Lines { quoted: false } }
    }

    fn parse(&self, chunk: Chunk<'_>) -> Result<ParsedChunk> {
        let (mut rows, mut tape) = self.begin(&chunk);
        let mut offset = 0;
        for index in 0.. {
            let rest = &chunk.bytes[offset..];
            if rest.is_empty() {
                break;
            }
            let end = match self.framing() {
                Framing::Lines { quoted } => crate::parse::record_end(rest, quoted),
                Framing::Objects => object_end(rest).map(|end| (end, end)),
            };
            let (length, next) = end.unwrap_or((rest.len(), rest.len()));
            let record = &rest[..length];
            rows.settle(index, offset, record, |rows| self.record(record, &mut tape, rows));
            offset += next;
        }
        Ok(rows.finish())
    }

    fn record_rule(&self) -> &'static str {
        "one record is one message: a row for each level change, trade or candle in it, one row of quotes or book"
    }

    fn table_facts(&self, table: RawTable) -> TableFacts {
        TableFacts {
            clock: self.clock(table),
            tz: "UTC".to_owned(),
            date_tz: self.date_tz.name().to_owned(),
            channel: self.protocol.channel(table).to_owned(),
        }
    }
}
