//! The log from which the CSV is made: `<capture ms> <kind> <JSON>`, one event a line.
//!
//! `order_created`, `order_changed` and `order_deleted` are rows of orders, `trade` is one of trades (no side is told), `order_book` is a
//! snapshot. Orders and trades stand in the order of the capture's clock; an order's `datetime` is when it was placed, in seconds.

use super::VOLUME_DECIMALS;
use crate::error::Result;
use crate::normalize::{
    ChunkBuilder, Fault, INT_NULL, ParsedChunk, SCALE_NULL, TS_NULL, Times, keep_existing_levels, put_decimal,
};
use crate::parse::DecimalFault;
use crate::parse::json::{Reader, Text, Value};
use crate::parse::noise::rounded;
use crate::parse::timestamp::epoch;
use crate::schema::RawTable;
use crate::units::Side;
use crate::vendor::ccxt_levels::LevelSink;
use crate::vendor::delimited::Frame;
use crate::vendor::header;
use crate::vendor::new_row::{Cell, NewRow};
use crate::vendor::{Chunk, ChunkParser, Framing, TableFacts};

const ORDERS: usize = 0;
const TRADES: usize = 1;
const BOOK: usize = 2;
/// The note of values that were rounded.
const ROUNDED: &str = "values with float noise, rounded to 8 decimals";
/// Digits between a millisecond and a nanosecond, and between a second and one.
const MILLIS: u32 = 6;
const SECONDS: u32 = 9;

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// With the action in `orders`.
    Order(i64),
    Trade,
    Book,
}

fn kind(word: &[u8]) -> Option<Kind> {
    Some(match word {
        b"order_created" => Kind::Order(1),
        b"order_changed" => Kind::Order(8),
        b"order_deleted" => Kind::Order(3),
        b"trade" => Kind::Trade,
        b"order_book" => Kind::Book,
        _ => return None,
    })
}

/// Time, kind and JSON of a line.
fn parts(line: &[u8]) -> Option<(&[u8], Kind, &[u8])> {
    let mut words = line.splitn(3, |b| *b == b' ');
    let (time, word, json) = (words.next()?, words.next()?, words.next()?);
    let is_time = time.len() == 13 && time.iter().all(u8::is_ascii_digit);
    (is_time && json.starts_with(b"{")).then_some((time, kind(word)?, json))
}

/// True if most lines of a head are such events.
pub(super) fn is_log(head: &[u8]) -> bool {
    let lines = || header::whole_lines(head).filter(|line| !header::is_blank(line)).take(64);
    lines().filter(|line| parts(line).is_some()).count() * 2 > lines().count()
}

/// The scalars of an event, as they stand.
#[derive(Clone, Copy, Debug, Default)]
struct Event<'a> {
    price: &'a [u8],
    amount: &'a [u8],
    datetime: &'a [u8],
    id: &'a [u8],
    order_type: &'a [u8],
}

/// The parser.
#[derive(Debug)]
pub(super) struct LogParser {
    pub frame: Frame,
    pub levels: u16,
}

/// A price or an amount; trades have them as floats, whose noise is rounded off and counted.
fn cell(name: &'static str, text: &[u8], noisy: &mut u64) -> Result<Cell, Fault> {
    let mut cell = (0, SCALE_NULL);
    let (number, was_noisy) = rounded(text, VOLUME_DECIMALS).map_err(|e| match e {
        DecimalFault::TooFine => Fault::got(name, format_args!("at most {VOLUME_DECIMALS} decimals"), text),
        e => Fault::got(name, e, text),
    })?;
    put_decimal(Ok(number), false, &mut cell.0, &mut cell.1).map_err(|e| Fault::got(name, e, text))?;
    *noisy += u64::from(was_noisy);
    if cell.1 == SCALE_NULL { Err(Fault::new(name, "a number")) } else { Ok(cell) }
}

fn time(name: &'static str, text: &[u8], digits: u32) -> Result<i64, Fault> {
    epoch(text, digits).map_err(|e| Fault::got(name, e, text))
}

fn side(text: &[u8]) -> Result<i64, Fault> {
    match text {
        b"0" => Ok(Side::Buy.code()),
        b"1" => Ok(Side::Sell.code()),
        _ => Err(Fault::got("order_type", "0 for buy or 1 for sell", text)),
    }
}

/// Levels of the deepest row, and levels cut.
#[derive(Clone, Copy, Debug, Default)]
struct Depth {
    deepest: usize,
    cut: u64,
}

impl LogParser {
    fn record(&self, line: &[u8], out: &mut ChunkBuilder<'_>, depth: &mut Depth) -> Result<(), Fault> {
        let (at, kind, json) =
            parts(line).ok_or_else(|| Fault::new("", "milliseconds, a known kind of event and a JSON object"))?;
        let recv = time("timestamp", at, MILLIS)?;
        let mut reader = Reader::new(json);
        reader.value()?;
        let mut sink = LevelSink::new(out.batch(BOOK), self.levels, depth.deepest);
        let event = Event::read(&mut reader, (kind == Kind::Book).then_some(&mut sink))?;
        let (deepest, cut) = sink.finish();
        reader.end()?;
        let row = NewRow { recv, id: event.id, ..NewRow::default() };
        let mut noisy = 0;
        match kind {
            Kind::Order(action) => {
                let ints = [action, side(event.order_type)?];
                let decimals = [cell("price", event.price, &mut noisy)?, cell("amount", event.amount, &mut noisy)?];
                let placed = time("datetime", event.datetime, SECONDS)?;
                NewRow { event: placed, ints: &ints, decimals: &decimals, ..row }.push(out, ORDERS)?;
            }
            Kind::Trade => {
                let decimals = [cell("price", event.price, &mut noisy)?, cell("amount", event.amount, &mut noisy)?];
                NewRow { ints: &[INT_NULL], decimals: &decimals, ..row }.push(out, TRADES)?;
            }
            Kind::Book => {
                let batch = out.batch(BOOK);
                let base = batch.decimal_ends.last().map_or(0, |end| *end as usize);
                keep_existing_levels(&mut batch.decimals[base..], &mut batch.scales[base..]);
                out.push_row(BOOK, Times { event: TS_NULL, recv }, None, (b"", b""), &[])?;
                *depth = Depth { deepest: depth.deepest.max(deepest), cut: depth.cut + cut };
            }
        }
        out.note(ROUNDED, noisy);
        Ok(())
    }
}

impl<'a> Event<'a> {
    fn read(reader: &mut Reader<'a>, mut levels: Option<&mut LevelSink<'_>>) -> Result<Self, Fault> {
        let mut event = Self::default();
        let mut first = true;
        let mut sides = [false; 2];
        while let Some(key) = reader.key(&mut first)? {
            let name = key.bytes();
            let value = reader.value()?;
            let slot = match &*name {
                b"price" => &mut event.price,
                b"amount" => &mut event.amount,
                b"datetime" => &mut event.datetime,
                b"id" => &mut event.id,
                b"order_type" => &mut event.order_type,
                b"bids" | b"asks" => {
                    let is_ask = &*name == b"asks";
                    match (&mut levels, value) {
                        (Some(sink), Value::Array) if !sides[usize::from(is_ask)] => sink.side(reader, is_ask)?,
                        _ => return Err(Fault::got("", "levels in an order book only, each side once", &name)),
                    }
                    sides[usize::from(is_ask)] = true;
                    continue;
                }
                _ => {
                    reader.skip(value)?;
                    continue;
                }
            };
            let (Value::Number(raw) | Value::Text(Text { raw, .. })) = value else {
                return Err(Fault::got("", "a number or a text behind this key", &name));
            };
            if !std::mem::replace(slot, raw).is_empty() {
                return Err(Fault::got("", "each key once", &name));
            }
        }
        if levels.is_some() && sides != [true; 2] {
            return Err(Fault::new("bids", "bids and asks, each once"));
        }
        Ok(event)
    }
}

impl ChunkParser for LogParser {
    fn framing(&self) -> Framing {
        Framing::Lines { quoted: false }
    }

    fn parse(&self, chunk: Chunk<'_>) -> Result<ParsedChunk> {
        let mut out = ChunkBuilder::new(chunk.place(), &self.frame.names, &self.frame.date_tz);
        out.add_table(RawTable::Orders, 1, self.frame.clock);
        out.add_table(RawTable::Trades, 1, self.frame.clock);
        out.add_table(RawTable::Book, 0, self.frame.clock);
        let mut depth = Depth::default();
        let mut offset = 0;
        for index in 0.. {
            let rest = &chunk.bytes[offset..];
            if rest.is_empty() {
                break;
            }
            let (length, next) = crate::parse::record_end(rest, false).unwrap_or((rest.len(), rest.len()));
            let line = &rest[..length];
            out.begin(index);
            match out.admit(index).and_then(|()| self.record(line, &mut out, &mut depth)) {
                Ok(()) => out.store(),
                Err(_) if header::is_blank(line) => out.skip("blank line"),
                Err(fault) => out.reject(offset, line, &fault),
            }
            offset += next;
        }
        out.batch(BOOK).levels = depth.deepest.min(usize::from(u16::MAX)) as u16;
        out.note("levels beyond --levels, left out", depth.cut);
        Ok(out.finish())
    }

    fn record_rule(&self) -> &'static str {
        "one record is one row of orders, trades or book"
    }

    fn table_facts(&self, table: RawTable) -> TableFacts {
        let channel = match table {
            RawTable::Orders => "order_events",
            RawTable::Trades => "live_trades",
            _ => "order_book",
        };
        self.frame.facts(channel.to_owned())
    }
}
