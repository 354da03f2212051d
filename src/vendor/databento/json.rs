//! JSON lines as the vendor writes them: a header object `hd` in each message, levels as objects, one schema or several a file.

use super::message::{BOOK, Message, Naming, Prices, TABLES, size, time};
use super::schema::{RecordType, Schema, of_rtype};
use crate::error::Result;
use crate::normalize::{ChunkBuilder, Fault, ParsedChunk, ZoneCache};
use crate::parse::json::{Reader, Text, Value};
use crate::schema::RawTable;
use crate::vendor::delimited::Frame;
use crate::vendor::header;
use crate::vendor::new_row::{Cell, NewRow};
use crate::vendor::{Chunk, ChunkParser, Framing, TableFacts};

/// Keys that matter, of the message and of its `hd`.
const KEYS: [&str; 17] = [
    "ts_recv",
    "ts_event",
    "rtype",
    "publisher_id",
    "instrument_id",
    "action",
    "side",
    "price",
    "size",
    "order_id",
    "sequence",
    "symbol",
    "open",
    "high",
    "low",
    "close",
    "volume",
];
const TS_RECV: usize = 0;
const TS_EVENT: usize = 1;
const RTYPE: usize = 2;
const PUBLISHER: usize = 3;
const INSTRUMENT: usize = 4;
const ACTION: usize = 5;
const SIDE: usize = 6;
const PRICE: usize = 7;
const SIZE: usize = 8;
const ORDER_ID: usize = 9;
const SEQUENCE: usize = 10;
const SYMBOL: usize = 11;
const OPEN: usize = 12;
const VOLUME: usize = 16;
const LEVEL_KEYS: [&[u8]; 4] = [b"bid_px", b"bid_sz", b"ask_px", b"ask_sz"];

/// A message's scalars, and the texts of its levels in the order of our columns.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys<'a> {
    values: [Option<Text<'a>>; KEYS.len()],
    levels: Vec<&'a [u8]>,
}

impl<'a> Keys<'a> {
    /// The keys of a line.
    ///
    /// # Errors
    /// If it is no JSON object, or a key stands twice.
    pub(super) fn of(line: &'a [u8]) -> Result<Self, Fault> {
        let mut reader = Reader::new(line);
        if reader.value()? != Value::Object {
            return Err(Fault::new("", "a JSON object"));
        }
        let mut keys = Self::default();
        keys.object(&mut reader, true)?;
        reader.end()?;
        Ok(keys)
    }

    fn object(&mut self, reader: &mut Reader<'a>, is_outer: bool) -> Result<(), Fault> {
        let mut first = true;
        while let Some(key) = reader.key(&mut first)? {
            let name = key.bytes();
            let value = reader.value()?;
            match (&*name, value) {
                (b"hd", Value::Object) if is_outer => self.object(reader, false)?,
                (b"levels", Value::Array) if is_outer && self.levels.is_empty() => self.levels(reader)?,
                (name, value) => {
                    if let Some(at) = KEYS.iter().position(|known| known.as_bytes() == name) {
                        let text = match value {
                            Value::Number(raw) => Some(Text { raw, escaped: false }),
                            Value::Text(text) => Some(text),
                            _ => None,
                        };
                        if text.is_some_and(|text| self.values[at].replace(text).is_some()) {
                            return Err(Fault::got("", "each key once", name));
                        }
                    }
                    reader.skip(value)?;
                }
            }
        }
        Ok(())
    }

    fn levels(&mut self, reader: &mut Reader<'a>) -> Result<(), Fault> {
        let mut first = true;
        while reader.element(&mut first)? {
            if reader.value()? != Value::Object {
                return Err(Fault::new("levels", "a list of objects"));
            }
            let mut level: [&[u8]; 4] = [b""; 4];
            let mut first = true;
            while let Some(key) = reader.key(&mut first)? {
                let value = reader.value()?;
                let slot = LEVEL_KEYS.iter().position(|known| *known == &*key.bytes());
                match (slot, value) {
                    (Some(slot), Value::Number(raw) | Value::Text(Text { raw, .. })) => level[slot] = raw,
                    _ => reader.skip(value)?,
                }
            }
            self.levels.extend(level);
        }
        Ok(())
    }

    /// A scalar's text as it stands; empty for `null` and for what is not there.
    fn raw(&self, key: usize) -> &'a [u8] {
        self.values[key].map_or(b"", |text| text.raw)
    }

    /// True for what only this vendor writes.
    pub(super) fn is_ours(&self) -> bool {
        !self.raw(RTYPE).is_empty() && !self.raw(PUBLISHER).is_empty()
    }

    /// What the record's type says; `None` if there is no number.
    pub(super) fn record_type(&self) -> Option<RecordType> {
        std::str::from_utf8(self.raw(RTYPE)).ok()?.parse().ok().map(of_rtype)
    }

    /// The texts of its prices.
    pub(super) fn prices(&self) -> impl Iterator<Item = &'a [u8]> {
        let plain = [PRICE, OPEN, OPEN + 1, OPEN + 2, OPEN + 3].map(|key| self.raw(key));
        plain.into_iter().chain(self.levels.iter().step_by(2).copied().collect::<Vec<_>>())
    }
}

/// The parser.
#[derive(Debug)]
pub(super) struct JsonParser {
    pub frame: Frame,
    pub prices: Prices,
    pub naming: Naming,
    /// Levels kept.
    pub kept: u16,
    /// Of the first record: the channel.
    pub schema: Schema,
}

impl JsonParser {
    fn record(
        &self,
        line: &[u8],
        out: &mut ChunkBuilder<'_>,
        zone: &mut ZoneCache,
    ) -> Result<Option<&'static str>, Fault> {
        let keys = Keys::of(line)?;
        let schema = match keys.record_type() {
            Some(RecordType::Schema(schema)) => schema,
            Some(RecordType::Stream) => return Ok(Some("message about the stream")),
            _ => return Err(Fault::got("rtype", "a record type that is a table of ours", keys.raw(RTYPE))),
        };
        let fault = |key: usize, expected: String| Fault::got(KEYS[key], expected, keys.raw(key));
        let price = |key: usize| self.prices.read(keys.raw(key)).map_err(|expected| fault(key, expected));
        let qty = |key: usize| size(keys.raw(key)).map_err(|expected| fault(key, expected));
        let mut at = |key: usize| time(keys.raw(key), zone).map_err(|expected| fault(key, expected));
        let cells = match schema {
            Schema::Ohlcv { .. } => {
                vec![price(OPEN)?, price(OPEN + 1)?, price(OPEN + 2)?, price(OPEN + 3)?, qty(VOLUME)?]
            }
            Schema::Mbp { levels } => self.levels(&keys, levels)?,
            Schema::Mbo | Schema::Trades => Vec::new(),
        };
        let sequence = match keys.raw(SEQUENCE) {
            b"" => None,
            text => Some(whole(text).ok_or_else(|| Fault::got("sequence", "a whole number below 2^64", text))?),
        };
        let venue = self.naming.venue(keys.raw(PUBLISHER));
        let symbol = keys.values[SYMBOL].map(Text::bytes).unwrap_or_default();
        let message = Message {
            schema,
            row: NewRow {
                event: at(TS_EVENT)?,
                recv: at(TS_RECV)?,
                sequence,
                venue: &venue,
                security: self.naming.security(&symbol, keys.raw(INSTRUMENT)),
                ints: &[],
                id: keys.raw(ORDER_ID),
                order_ids: [b""; 2],
                decimals: &cells,
            },
            action: keys.raw(ACTION),
            side: keys.raw(SIDE),
            price: price(PRICE)?,
            size: qty(SIZE)?,
        };
        let skipped = message.push(out)?;
        if let Schema::Mbp { levels } = schema {
            out.note("levels beyond --levels, left out", u64::from(levels.saturating_sub(self.kept)));
        }
        Ok(skipped)
    }

    fn levels(&self, keys: &Keys<'_>, expected: u16) -> Result<Vec<Cell>, Fault> {
        if keys.levels.len() != usize::from(expected) * LEVEL_KEYS.len() {
            let found = keys.levels.len() / LEVEL_KEYS.len();
            return Err(Fault::new("levels", format_args!("{expected} levels, got {found}")));
        }
        let kept = usize::from(self.kept.min(expected)) * LEVEL_KEYS.len();
        let texts = keys.levels.iter().take(kept).enumerate();
        let cells = texts.map(|(at, text)| {
            let read = if at.is_multiple_of(2) { self.prices.read(text) } else { size(text) };
            read.map_err(|expected| Fault::got("levels", expected, text))
        });
        cells.collect()
    }
}

fn whole(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

impl ChunkParser for JsonParser {
    fn framing(&self) -> Framing {
        Framing::Lines { quoted: false }
    }

    fn parse(&self, chunk: Chunk<'_>) -> Result<ParsedChunk> {
        let mut out = ChunkBuilder::new(chunk.place(), &self.frame.names, &self.frame.date_tz);
        for (handle, table) in TABLES.into_iter().enumerate() {
            out.add_table(table, if handle == BOOK { self.kept.min(10) } else { 1 }, self.frame.clock);
        }
        let mut zone = ZoneCache::new(self.frame.tz.clone());
        let mut offset = 0;
        for index in 0.. {
            let rest = &chunk.bytes[offset..];
            if rest.is_empty() {
                break;
            }
            let (length, next) = crate::parse::record_end(rest, false).unwrap_or((rest.len(), rest.len()));
            let line = &rest[..length];
            out.begin(index);
            match out.admit(index).and_then(|()| self.record(line, &mut out, &mut zone)) {
                Ok(None) => out.store(),
                Ok(Some(rule)) => out.skip(rule),
                Err(_) if header::is_blank(line) => out.skip("blank line"),
                Err(fault) => out.reject(offset, line, &fault),
            }
            offset += next;
        }
        Ok(out.finish())
    }

    fn record_rule(&self) -> &'static str {
        super::RECORD_RULE
    }

    fn table_facts(&self, _table: RawTable) -> TableFacts {
        self.frame.facts(self.schema.name())
    }
}
