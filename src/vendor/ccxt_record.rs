//! One ccxt record to rows.

use std::borrow::Cow;

use super::ccxt::Units;
use super::ccxt_keys::{IN_DATA, Keys};
use super::ccxt_levels::LevelSink;
use super::ccxt_shape::Shape;
use super::row_head::read_time;
use crate::normalize::{
    ChunkBuilder, Fault, INT_NULL, SCALE_NULL, TS_NULL, Times, Zone, ZoneCache, keep_existing_levels, price_and_qty,
    put_decimal, side_word,
};
use crate::parse::TimeFormat;
use crate::parse::decimal::decimal_as_written;
use crate::parse::json::{Reader, Text, Value};

/// Words of `type` in a wrapper; in a bare trade it is the type of the order, or nothing.
const BOOK_WORDS: [&[u8]; 6] = [b"orderbook", b"order_book", b"book", b"snapshot", b"l2", b"depth"];
const TRADE_WORDS: [&[u8]; 2] = [b"trade", b"trades"];
const ORDER_WORDS: [&[u8]; 3] = [b"limit", b"market", b""];

/// The years in which a number's size tells its unit: 2001-09-09 to 2128-06-11.
const LIKELY_NS: std::ops::Range<i64> = 1_000_000_000_000_000_000..5_000_000_000_000_000_000;

/// Reads records of one chunk.
pub(super) struct RecordReader {
    units: Units,
    kept: u16,
    book: usize,
    trades: usize,
    zone: ZoneCache,
    most_levels: usize,
    levels_cut: u64,
    shapes: Shapes,
}

/// The shapes of a chunk's records: a book's and a trade's, mostly.
#[derive(Default)]
struct Shapes {
    known: [Option<Shape>; 2],
    /// The one that fitted last.
    last: usize,
    /// Records that fitted none.
    missed: u64,
}

impl Shapes {
    #[inline]
    fn keys<'a>(&mut self, line: &'a [u8], sink: &mut LevelSink<'_>) -> Option<Keys<'a>> {
        for at in [self.last, 1 - self.last] {
            let Some(shape) = &self.known[at] else { continue };
            if let Some(keys) = shape.keys(line, sink) {
                self.last = at;
                return Some(keys);
            }
            sink.reset();
        }
        None
    }

    /// Learns a record that fitted none: the more have missed, the more seldom.
    fn learn(&mut self, line: &[u8]) {
        self.missed += 1;
        if self.missed.is_power_of_two()
            && let Some(shape) = Shape::of(line)
        {
            self.last = 1 - self.last;
            self.known[self.last] = Some(shape);
        }
    }
}

/// Deepest side and levels cut of a row.
#[derive(Clone, Copy, Default)]
struct Depth {
    deepest: usize,
    cut: u64,
}

impl RecordReader {
    pub(super) fn new(units: Units, kept: u16, tz: &Zone, book: usize, trades: usize) -> Self {
        Self {
            units,
            kept,
            book,
            trades,
            zone: ZoneCache::new(tz.clone()),
            most_levels: 0,
            levels_cut: 0,
            shapes: Shapes::default(),
        }
    }

    /// Levels of the deepest row so far.
    pub(super) fn most_levels(&self) -> u16 {
        self.most_levels.min(usize::from(u16::MAX)) as u16
    }

    /// Levels beyond those kept, in rows that were stored.
    pub(super) fn levels_cut(&self) -> u64 {
        self.levels_cut
    }

    /// Pushes the rows of a record, or names the rule by which it is skipped.
    ///
    /// # Errors
    /// Why the record is refused; the caller takes its rows back.
    pub(super) fn record(
        &mut self,
        line: &[u8],
        builder: &mut ChunkBuilder<'_>,
    ) -> Result<Option<&'static str>, Fault> {
        let counted = (self.most_levels, self.levels_cut);
        let outcome = self.rows(line, builder);
        if !matches!(outcome, Ok(None)) {
            // A record is stored in whole or not at all: what its first rows counted goes with them.
            (self.most_levels, self.levels_cut) = counted;
        }
        outcome
    }

    fn rows(&mut self, line: &[u8], builder: &mut ChunkBuilder<'_>) -> Result<Option<&'static str>, Fault> {
        let mut sink = LevelSink::new(builder.batch(self.book), self.kept, self.most_levels);
        if let Some(keys) = self.shapes.keys(line, &mut sink) {
            let (deepest, cut) = sink.finish();
            return self.row(&keys, Depth { deepest, cut }, builder);
        }
        let mut reader = Reader::new(line);
        if reader.value()? != Value::Object {
            return Err(Fault::new("", "a JSON object"));
        }
        let (mut outer, mut inner) = (Keys::default(), Keys::default());
        outer.collect(&mut reader, Some(&mut inner), Some(&mut sink))?;
        let (deepest, cut) = sink.finish();
        let depth = Depth { deepest, cut };
        reader.end()?;
        self.shapes.learn(line);
        match outer.list {
            None => self.row(&inner.over(&outer), depth, builder),
            Some(list) => {
                reader.seek(list, IN_DATA);
                self.list(&mut reader, &outer, builder)
            }
        }
    }

    /// The rows of a list in `data`.
    fn list<'a>(
        &mut self,
        reader: &mut Reader<'a>,
        outer: &Keys<'a>,
        builder: &mut ChunkBuilder<'_>,
    ) -> Result<Option<&'static str>, Fault> {
        let mut first = true;
        while reader.element(&mut first)? {
            if reader.value()? != Value::Object {
                return Err(Fault::new("data", "a list of objects"));
            }
            let mut keys = Keys::default();
            let mut sink = LevelSink::new(builder.batch(self.book), self.kept, self.most_levels);
            keys.collect(reader, None, Some(&mut sink))?;
            let (deepest, cut) = sink.finish();
            let depth = Depth { deepest, cut };
            if let Some(rule) = self.row(&keys.over(outer), depth, builder)? {
                return Ok(Some(rule));
            }
        }
        Ok(None)
    }

    fn row(
        &mut self,
        keys: &Keys<'_>,
        depth: Depth,
        builder: &mut ChunkBuilder<'_>,
    ) -> Result<Option<&'static str>, Fault> {
        let kind = keys.kind.map_or(Cow::Borrowed(&b""[..]), Text::bytes);
        let is = |words: &[&[u8]]| words.iter().any(|w| kind.eq_ignore_ascii_case(w));
        let is_book = keys.has_levels();
        if is(&BOOK_WORDS) && !is_book {
            return Err(Fault::new("bids", "the bids and asks of a book"));
        }
        if is(&TRADE_WORDS) && is_book {
            return Err(Fault::new("bids", "no levels in a trade"));
        }
        if !is_book && !keys.has_price() && !is(&TRADE_WORDS) && !is(&ORDER_WORDS) {
            return Ok(Some("message of another type"));
        }
        let times = self.times(keys)?;
        if is_book {
            self.book_row(keys, times, depth, builder)?;
        } else {
            self.trade_row(keys, times, builder)?;
        }
        Ok(None)
    }

    fn book_row(
        &mut self,
        keys: &Keys<'_>,
        times: Times,
        depth: Depth,
        builder: &mut ChunkBuilder<'_>,
    ) -> Result<(), Fault> {
        let sequence = sequence(keys.nonce)?;
        let batch = builder.batch(self.book);
        let base = batch.decimal_ends.last().map_or(0, |end| *end as usize);
        keep_existing_levels(&mut batch.decimals[base..], &mut batch.scales[base..]);
        let (venue, security) = (bytes(keys.exchange), bytes(keys.symbol));
        builder.push_row(self.book, times, sequence, (&venue, &security), &[])?;
        self.most_levels = self.most_levels.max(depth.deepest);
        self.levels_cut += depth.cut;
        Ok(())
    }

    fn trade_row(&mut self, keys: &Keys<'_>, times: Times, builder: &mut ChunkBuilder<'_>) -> Result<(), Fault> {
        let batch = builder.batch(self.trades);
        let (mut values, mut scales) = ([0; 2], [SCALE_NULL; 2]);
        for (at, (name, text)) in [("price", keys.price), ("amount", keys.amount)].into_iter().enumerate() {
            let text = text.unwrap_or(b"");
            put_decimal(decimal_as_written(text), false, &mut values[at], &mut scales[at])
                .map_err(|expected| Fault::got(name, expected, text))?;
        }
        price_and_qty(&values, &scales)?;
        batch.decimals.extend_from_slice(&values);
        batch.scales.extend_from_slice(&scales);
        batch.ints.push(keys.side.map_or(INT_NULL, |side| side_word(&side.bytes()).code()));
        let (venue, security, id) = (bytes(keys.exchange), bytes(keys.symbol), bytes(keys.id));
        builder.push_row(self.trades, times, None, (&venue, &security), &[&id])
    }

    fn times(&mut self, keys: &Keys<'_>) -> Result<Times, Fault> {
        let recv = self.time("collected_at", keys.collected_at, self.units.collected_at)?;
        let mut event = self.time("timestamp", keys.timestamp, self.units.timestamp)?;
        if event == TS_NULL {
            event = self.time("ts", keys.ts, self.units.ts)?;
        }
        Ok(Times { event: if event == TS_NULL { recv } else { event }, recv })
    }

    fn time(&mut self, name: &'static str, text: Option<&[u8]>, unit: TimeFormat) -> Result<i64, Fault> {
        let Some(text) = text else {
            return Ok(TS_NULL);
        };
        let read = read_time(text, unit, &mut self.zone);
        if let Ok(time) = read
            && LIKELY_NS.contains(&time)
        {
            // No epoch of another unit reads as a time of these years.
            return Ok(time);
        }
        if let Some(other) = TimeFormat::of_epoch(text).filter(|u| *u != unit) {
            let expected = format!("a time in {} as in the first records, not in {}", unit.name(), other.name());
            return Err(Fault::got(name, expected, text));
        }
        read.map_err(|fault| Fault::got(name, fault, text))
    }
}

fn bytes(text: Option<Text<'_>>) -> Cow<'_, [u8]> {
    text.map_or(Cow::Borrowed(b""), Text::bytes)
}

fn sequence(text: Option<&[u8]>) -> Result<Option<u64>, Fault> {
    let Some(text) = text else {
        return Ok(None);
    };
    let number = std::str::from_utf8(text).ok().and_then(|t| t.parse().ok());
    number.map(Some).ok_or_else(|| Fault::got("nonce", "a whole number below 2^64", text))
}
