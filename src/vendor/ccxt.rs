//! ccxt NDJSON: order books and trades as the ccxt library gives them, one object a line, mixed or apart, bare or in
//! `{type, exchange, symbol, collected_at, data}` wrappers.
//!
//! An object with `bids` is a book, else a trade; levels are `[price, amount]` or objects; numbers may be strings. `side` is the taker's.
//! Times are milliseconds unless the first records show another unit; event time falls back to `collected_at` (features.md G3).

use super::ccxt_keys::Keys;
use super::ccxt_record::RecordReader;
use super::header;
use super::{Chunk, ChunkParser, Dialect, Framing, Probe, Recognition, SourceOptions, TableFacts};
use crate::error::{Error, Result};
use crate::limits;
use crate::normalize::{ChunkBuilder, NameRule, ParsedChunk, Zone};
use crate::parse::TimeFormat;
use crate::parse::timestamp::civil;
use crate::schema::{Clock, RawTable};

/// The dialect.
#[derive(Debug)]
pub(super) struct Ccxt;

/// Records of the head that are looked at.
const LOOK: usize = 64;

/// Units of the three time keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Units {
    pub ts: TimeFormat,
    pub timestamp: TimeFormat,
    pub collected_at: TimeFormat,
}

/// The parser.
#[derive(Debug)]
struct CcxtParser {
    units: Units,
    levels: u16,
    names: NameRule,
    clock: Clock,
    tz: Zone,
    date_tz: Zone,
}

/// The units that the head shows; an error if records disagree.
fn units(head: &[u8]) -> std::result::Result<Units, String> {
    let mut seen = [None; 3];
    for line in header::whole_lines(head).filter(|l| !header::is_blank(l)).take(LOOK) {
        let Ok(keys) = Keys::of(line) else { continue };
        for (seen, text) in seen.iter_mut().zip([keys.ts, keys.timestamp, keys.collected_at]) {
            let Some(unit) = text.and_then(unit_of) else { continue };
            if *seen.get_or_insert(unit) != unit {
                return Err("times of one unit in the first records".to_owned());
            }
        }
    }
    let [ts, timestamp, collected_at] = seen.map(|unit| unit.unwrap_or(TimeFormat::Millis));
    Ok(Units { ts, timestamp, collected_at })
}

/// The unit of a number by its size, or ISO.
fn unit_of(text: &[u8]) -> Option<TimeFormat> {
    TimeFormat::of_epoch(text).or_else(|| civil(text).is_ok().then_some(TimeFormat::Iso))
}

impl Dialect for Ccxt {
    fn name(&self) -> &'static str {
        "ccxt"
    }

    fn recognise(&self, probe: &Probe<'_>) -> Recognition {
        let lines = header::whole_lines(probe.head).filter(|l| !header::is_blank(l)).take(LOOK);
        let (mut books, mut trades, mut others, mut broken) = (0, 0, 0, 0);
        for line in lines {
            match Keys::of(line) {
                Ok(keys) if keys.is_foreign => return Recognition::No,
                Ok(keys) if keys.is_book() => books += 1,
                Ok(keys) if keys.is_trade() => trades += 1,
                Ok(keys) if keys.is_wrapper() => others += 1,
                Ok(_) => return Recognition::No,
                Err(_) => broken += 1,
            }
        }
        // A damaged line among good ones becomes a reject; it does not hide the dialect.
        if books + trades <= broken || units(probe.head).is_err() {
            return Recognition::No;
        }
        let other = if others > 0 { format!(", {others} of other types") } else { String::new() };
        Recognition::Yes(format!(
            "JSON objects as ccxt makes them: {books} books, {trades} trades{other} in the first records"
        ))
    }

    fn open(&self, probe: &Probe<'_>, options: &SourceOptions) -> Result<Box<dyn ChunkParser>> {
        let units = units(probe.head)
            .map_err(|expected| Error::refused(probe.path, expected, "import the parts of each unit by themselves"))?;
        let levels = if options.levels == 0 { limits::LEVELS_DEFAULT } else { options.levels.min(limits::LEVELS) };
        Ok(Box::new(CcxtParser {
            units,
            levels,
            names: NameRule { venue: options.venue.clone(), security: options.security.clone() },
            clock: options.clock.unwrap_or(Clock::Event),
            tz: Zone::named(options.tz.as_deref().unwrap_or("UTC"), "--tz")?,
            date_tz: Zone::named(options.date_tz.as_deref().unwrap_or("UTC"), "--date-tz")?,
        }))
    }
}

impl ChunkParser for CcxtParser {
    fn framing(&self) -> Framing {
        Framing::Lines { quoted: false }
    }

    fn parse(&self, chunk: Chunk<'_>) -> Result<ParsedChunk> {
        let mut builder = ChunkBuilder::new(chunk.place(), &self.names, &self.date_tz);
        let book = builder.add_table(RawTable::Book, 0, self.clock);
        let trades = builder.add_table(RawTable::Trades, 1, self.clock);
        let mut reader = RecordReader::new(self.units, self.levels, &self.tz, book, trades);
        let mut offset = 0;
        for index in 0.. {
            let rest = &chunk.bytes[offset..];
            if rest.is_empty() {
                break;
            }
            let (length, next) = crate::parse::record_end(rest, false).unwrap_or((rest.len(), rest.len()));
            let line = &rest[..length];
            builder.begin(index);
            match builder.admit(index).and_then(|()| reader.record(line, &mut builder)) {
                Ok(None) => builder.store(),
                Ok(Some(rule)) => builder.skip(rule),
                Err(_) if header::is_blank(line) => builder.skip("blank line"),
                Err(fault) => builder.reject(offset, line, &fault),
            }
            offset += next;
        }
        builder.batch(book).levels = reader.most_levels();
        builder.note("levels beyond --levels, left out", reader.levels_cut());
        Ok(builder.finish())
    }

    fn record_rule(&self) -> &'static str {
        "one record is one row of book or trades; a list of trades in `data` is one row each"
    }

    fn table_facts(&self, table: RawTable) -> TableFacts {
        TableFacts {
            clock: self.clock,
            tz: self.tz.name().to_owned(),
            date_tz: self.date_tz.name().to_owned(),
            channel: if table == RawTable::Book { "orderbook" } else { "trades" }.to_owned(),
        }
    }
}
