//! Levels of a JSON book, `[price, size, ...]` or objects, straight into a batch.

use super::ccxt_keys::scalar;
use crate::normalize::{Fault, RowBatch, SCALE_NULL, put_decimal};
use crate::parse::decimal::decimal_as_written;
use crate::parse::json::{Reader, Text, Value};

/// Takes the levels of one row.
pub(super) struct LevelSink<'a> {
    batch: &'a mut RowBatch,
    /// Where the row's decimals begin.
    base: usize,
    kept: usize,
    /// Levels that the row will probably have.
    expected: usize,
    /// Levels of the deeper side that were kept.
    deepest: usize,
    /// Levels beyond those kept.
    cut: u64,
}

impl<'a> LevelSink<'a> {
    /// A row that begins at the end of the batch, keeps so many levels and probably has `expected`.
    pub(super) fn new(batch: &'a mut RowBatch, kept: u16, expected: usize) -> Self {
        let base = batch.decimals.len();
        Self { batch, base, kept: usize::from(kept), expected, deepest: 0, cut: 0 }
    }

    /// The levels of one side; the opening bracket was read.
    ///
    /// # Errors
    /// Where it is no JSON, or a level is none.
    pub(super) fn side(&mut self, reader: &mut Reader<'_>, is_ask: bool) -> Result<(), Fault> {
        let name = if is_ask { "asks" } else { "bids" };
        let mut first = true;
        let mut level = 0;
        self.make_room();
        while level < self.kept {
            let Some([price, size]) = reader.plain_pair(&mut first) else { break };
            let at = self.place(level, is_ask);
            let values = self.batch.decimals.get_mut(at..).and_then(|values| values.first_chunk_mut());
            let scales = self.batch.scales.get_mut(at..).and_then(|scales| scales.first_chunk_mut());
            if let (Some(values), Some(scales)) = (values, scales) {
                *values = [price.mantissa, size.mantissa];
                *scales = [price.scale, size.scale];
            }
            level += 1;
        }
        while reader.element(&mut first)? {
            let value = reader.value()?;
            if level >= self.kept {
                reader.skip(value)?;
                self.cut += 1;
                continue;
            }
            let pair = match value {
                Value::Array => array_level(reader, name)?,
                Value::Object => object_level(reader, name)?,
                _ => return Err(Fault::new(name, "a level with price and size")),
            };
            let at = self.place(level, is_ask);
            for (at, text) in (at..).zip(pair) {
                let text = text.map_or(&b""[..], |t| t.raw);
                put_decimal(decimal_as_written(text), true, &mut self.batch.decimals[at], &mut self.batch.scales[at])
                    .map_err(|expected| Fault::got(name, expected, text))?;
            }
            level += 1;
        }
        self.deepest = self.deepest.max(level);
        Ok(())
    }

    /// Room for as many levels as the row before had.
    fn make_room(&mut self) {
        let end = self.base + 4 * self.expected.min(self.kept);
        if self.batch.decimals.len() < end {
            self.batch.decimals.resize(end, 0);
            self.batch.scales.resize(end, SCALE_NULL);
        }
    }

    /// Forgets the levels of the row.
    pub(super) fn reset(&mut self) {
        self.batch.decimals.truncate(self.base);
        self.batch.scales.truncate(self.base);
        (self.deepest, self.cut) = (0, 0);
    }

    /// Ends the row: levels that it did not have go.
    pub(super) fn finish(self) -> (usize, u64) {
        let end = (self.base + 4 * self.deepest).min(self.batch.decimals.len());
        self.batch.decimals.truncate(end);
        self.batch.scales.truncate(end);
        (self.deepest, self.cut)
    }

    /// Where a level's price goes; its size comes next.
    #[inline]
    fn place(&mut self, level: usize, is_ask: bool) -> usize {
        let at = self.base + 4 * level;
        if self.batch.decimals.len() < at + 4 {
            self.batch.decimals.resize(at + 4, 0);
            self.batch.scales.resize(at + 4, SCALE_NULL);
        }
        at + 2 * usize::from(is_ask)
    }
}

type Pair<'a> = [Option<Text<'a>>; 2];

/// `price, size` and whatever follows, such as a count or a time.
#[inline]
fn array_level<'a>(reader: &mut Reader<'a>, name: &'static str) -> Result<Pair<'a>, Fault> {
    let mut pair = [None; 2];
    let (mut first, mut count) = (true, 0);
    while reader.element(&mut first)? {
        let value = reader.value()?;
        match pair.get_mut(count) {
            Some(slot) if !matches!(value, Value::Array | Value::Object | Value::Bool(_)) => *slot = scalar(value),
            Some(_) => return Err(Fault::new(name, "price and size as numbers")),
            None => reader.skip(value)?,
        }
        count += 1;
    }
    if count < 2 { Err(Fault::new(name, "price and size in each level")) } else { Ok(pair) }
}

/// `{"price": ..., "size": ...}`, with `amount` or `qty` for the size too.
fn object_level<'a>(reader: &mut Reader<'a>, name: &'static str) -> Result<Pair<'a>, Fault> {
    let mut pair = [None; 2];
    let mut seen = [false; 2];
    let mut first = true;
    while let Some(key) = reader.key(&mut first)? {
        let slot = match &*key.bytes() {
            b"price" => 0,
            b"size" | b"amount" | b"qty" => 1,
            _ => {
                let value = reader.value()?;
                reader.skip(value)?;
                continue;
            }
        };
        let value = reader.value()?;
        if matches!(value, Value::Array | Value::Object | Value::Bool(_)) || seen[slot] {
            return Err(Fault::new(name, "one price and one size as numbers"));
        }
        (pair[slot], seen[slot]) = (scalar(value), true);
    }
    if seen == [true; 2] { Ok(pair) } else { Err(Fault::new(name, "price and size in each level")) }
}
