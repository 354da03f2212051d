//! Records that are written like an earlier one: the same keys in the same order, only the values differ.
//!
//! One program writes a capture, so nearly all of its records have one of two shapes, a book's and a trade's. What stands between
//! the values is compared as it is; no key is looked up. A record of another shape goes the general way, which gives the same
//! keys for what is taken here.

use super::ccxt_keys::{ASKS, BIDS, DATA, Keys, TYPE, number_of};
use super::ccxt_levels::LevelSink;
use crate::parse::json::{Reader, Text, Value};

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    /// The inside of a string without escapes: of this key, or of none that matters.
    Text(Option<usize>),
    /// A number, in the same way.
    Number(Option<usize>),
    /// The levels of a side, behind the bracket.
    Levels { is_ask: bool, depth: usize },
}

/// A value and what stands in front of it.
#[derive(Clone, Debug)]
struct Part {
    literal: Vec<u8>,
    what: What,
}

/// A record without its values.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    parts: Vec<Part>,
    tail: Vec<u8>,
    /// The last bytes of the record: most records of another shape differ in them.
    ending: [u8; 2],
    seen: u32,
}

/// A value of the record that is learned.
struct Found {
    start: usize,
    end: usize,
    what: What,
    is_inner: bool,
}

impl Shape {
    /// The shape of a record that the general way has taken; `None` for lists of records, and for one with the levels of a side
    /// twice or with an escape in a value that matters.
    pub(super) fn of(line: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(line);
        let mut found = Vec::new();
        let mut seen = 0;
        if reader.value().ok()? != Value::Object {
            return None;
        }
        walk(&mut reader, false, &mut found, &mut seen)?;
        reader.end().ok()?;
        hide_doubles(&mut found)?;
        let mut at = 0;
        let mut parts = Vec::with_capacity(found.len());
        for value in &found {
            parts.push(Part { literal: line.get(at..value.start)?.to_vec(), what: value.what });
            at = value.end;
        }
        let tail = line.get(at..)?.to_vec();
        Some(Self { parts, tail, ending: *line.last_chunk()?, seen })
    }

    /// The keys of a record of this shape, its levels in the sink; `None`, with the sink to be reset, for any other.
    pub(super) fn keys<'a>(&self, line: &'a [u8], sink: &mut LevelSink<'_>) -> Option<Keys<'a>> {
        if line.last_chunk() != Some(&self.ending) {
            return None;
        }
        let mut keys = Keys::with(self.seen);
        let mut reader = Reader::new(line);
        let mut at = 0;
        for part in &self.parts {
            if !begins(line.get(at..)?, &part.literal) {
                return None;
            }
            at += part.literal.len();
            match part.what {
                What::Text(key) => {
                    let rest = line.get(at..)?;
                    let length = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))?;
                    if let Some(number) = key {
                        keys.set(number, Value::Text(Text { raw: &rest[..length], escaped: false }));
                    }
                    // A backslash here is no start of the next literal, which is a quote.
                    at += length;
                }
                What::Number(key) => {
                    reader.seek(at, 0);
                    let value = reader.value().ok()?;
                    if !matches!(value, Value::Number(_)) {
                        return None;
                    }
                    if let Some(number) = key {
                        keys.set(number, value);
                    }
                    at = reader.offset();
                }
                What::Levels { is_ask, depth } => {
                    reader.seek(at, depth);
                    sink.side(&mut reader, is_ask).ok()?;
                    at = reader.offset();
                }
            }
        }
        (line.get(at..)? == self.tail).then_some(keys)
    }
}

/// Whether a text begins with a literal: those of up to 16 bytes without a call.
#[inline(always)]
fn begins(text: &[u8], literal: &[u8]) -> bool {
    let word = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
    match (text.get(..literal.len()), literal.first_chunk(), literal.last_chunk()) {
        (Some(text), Some(first), Some(last)) if literal.len() <= 16 => {
            text.first_chunk().map(word) == Some(word(first)) && text.last_chunk().map(word) == Some(word(last))
        }
        (Some(text), None, _) => text.iter().zip(literal).all(|(a, b)| a == b),
        (text, ..) => text == Some(literal),
    }
}

/// Finds the values of an object whose brace was read, and of one in its `data`.
fn walk(reader: &mut Reader<'_>, is_inner: bool, found: &mut Vec<Found>, seen: &mut u32) -> Option<()> {
    let mut first = true;
    while let Some(key) = reader.key(&mut first).ok()? {
        let number = number_of(&key.bytes());
        let value = reader.value().ok()?;
        let end = reader.offset();
        *seen |= number.map_or(0, |number| 1 << number);
        let mut add = |start, end, what| found.push(Found { start, end, what, is_inner });
        match (number, value) {
            (Some(BIDS | ASKS), Value::Array) => {
                let depth = reader.depth();
                reader.skip(value).ok()?;
                add(end, reader.offset(), What::Levels { is_ask: number == Some(ASKS), depth });
            }
            (Some(DATA), Value::Object) if !is_inner => walk(reader, true, found, seen)?,
            (Some(DATA), Value::Array) => return None,
            (_, Value::Text(text)) if !text.escaped => add(end - 1 - text.raw.len(), end - 1, What::Text(number)),
            // As a literal it would be no value of its key.
            (Some(_), Value::Text(_)) => return None,
            (_, Value::Number(raw)) => add(end - raw.len(), end, What::Number(number)),
            _ => reader.skip(value).ok()?,
        }
    }
    Some(())
}

/// Of a key that stands in the wrapper and in its `data`, `data` counts; of `type`, the wrapper.
fn hide_doubles(found: &mut [Found]) -> Option<()> {
    let key = |what: What| match what {
        What::Text(key) | What::Number(key) => key,
        What::Levels { is_ask, .. } => Some(if is_ask { ASKS } else { BIDS }),
    };
    for at in 0..found.len() {
        let Some(number) = key(found[at].what) else { continue };
        let is_double = found.iter().any(|f| key(f.what) == Some(number) && f.is_inner != found[at].is_inner);
        let is_hidden = if number == TYPE { found[at].is_inner } else { is_double && !found[at].is_inner };
        match &mut found[at].what {
            What::Levels { .. } if is_double => return None,
            What::Text(key) | What::Number(key) if is_hidden => *key = None,
            _ => {}
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalize::{ChunkBuilder, NameRule, Place, Zone};
    use crate::schema::{Clock, RawTable};

    /// What a record of the first one's shape says: the keys' texts and the levels.
    fn read(first: &str, line: &str) -> Option<(String, Vec<i64>)> {
        let (rule, zone) = (NameRule::default(), Zone::utc());
        let mut builder = ChunkBuilder::new(Place::default(), &rule, &zone);
        let table = builder.add_table(RawTable::Book, 0, Clock::Event);
        let mut sink = LevelSink::new(builder.batch(table), 10, 0);
        let shape = Shape::of(first.as_bytes())?;
        let keys = shape.keys(line.as_bytes(), &mut sink)?;
        sink.finish();
        let text = |text: Option<Text<'_>>| text.map_or("-", |t| std::str::from_utf8(t.raw).unwrap()).to_owned();
        let raw = |raw: Option<&[u8]>| raw.map_or("-", |raw| std::str::from_utf8(raw).unwrap()).to_owned();
        let said = [text(keys.kind), text(keys.symbol), raw(keys.ts), raw(keys.timestamp), raw(keys.nonce)];
        Some((said.join(" "), builder.batch(table).decimals.clone()))
    }

    #[test]
    fn values_may_differ_and_nothing_else() {
        let first = r#"{"type":"orderbook","ts":17,"note":"x","symbol":"A","bids":[[1,2]],"asks":[[3,4]]}"#;
        let line = r#"{"type":"book","ts":1.5e3,"note":"","symbol":"BTC/EUR","bids":[],"asks":[[5,6],[7,8]]}"#;
        let wanted = ("book BTC/EUR 1.5e3 - -".to_owned(), vec![0, 0, 5, 6, 0, 0, 7, 8]);
        assert_eq!(read(first, line), Some(wanted));
        for bad in [
            r#"{"type":"book","ts":18,"note":"x","symbol":"A","bids":[[1,2]],"asks":[[3,4]] }"#,
            r#"{"type":"book","ts":018,"note":"x","symbol":"A","bids":[[1,2]],"asks":[[3,4]]}"#,
            r#"{"type":"book","ts":"18","note":"x","symbol":"A","bids":[[1,2]],"asks":[[3,4]]}"#,
            r#"{"type":"book","ts":18,"note":"\n","symbol":"A","bids":[[1,2]],"asks":[[3,4]]}"#,
            r#"{"type":"book","ts":18,"note":"x","symbol":"A","bids":[[1]],"asks":[[3,4]]}"#,
            r#"{"type":"book","ts":18,"note":"x","symbol":"A","bids":[[1,2]],"asks":[[3,4]],"a":1}"#,
            r#"{"type":"book","ts":18,"symbol":"A","note":"x","bids":[[1,2]],"asks":[[3,4]]}"#,
        ] {
            assert_eq!(read(first, bad), None, "{bad}");
        }
    }

    #[test]
    fn data_counts_over_its_wrapper_and_the_type_is_the_wrappers() {
        let first =
            r#"{"type":"orderbook","symbol":"A","data":{"type":"x","symbol":"B","nonce":1,"bids":[],"asks":[]}}"#;
        let line = r#"{"type":"book","symbol":"C","data":{"type":"y","symbol":"D","nonce":2,"bids":[],"asks":[]}}"#;
        assert_eq!(read(first, line), Some(("book D - - 2".to_owned(), vec![])));
        assert!(Shape::of(br#"{"type":"trades","data":[{"price":1}]}"#).is_none());
        assert!(Shape::of(br#"{"bids":[],"data":{"bids":[]}}"#).is_none());
    }
}
