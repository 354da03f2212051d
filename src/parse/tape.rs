//! One JSON text as a flat list of values, for messages whose fields are looked up by name.
//!
//! simd-json finds the structure in a copy of the text. It keeps a number as an integer or as f64 and forgets its digits, so a text
//! with any other number than an integer of 64 bits is read again by the pull reader of [`super::json`], which hands out the
//! digits: a price never passes through f64. What simd-json refuses goes the same way, so the fault names its place. All buffers
//! are used again from text to text.

use std::borrow::Cow;

use simd_json::{Buffers, Node as SimdNode, StaticNode, Tape};

use super::decimal::{Number, decimal};
use super::json::{JsonFault, Reader, Text, Value};
use super::{DecimalFault, TimeFault, TimeFormat, timestamp};
use crate::limits::{JSON_DEPTH, JSON_KEYS, JSON_VALUES};
use crate::units::{Decimal, POW10};

/// Longer texts go to the pull reader, whose memory has a bound; simd-json's grows with the text.
const SIMD_BYTES: usize = 1 << 20;

/// A value; a container is followed by its members, which take so many cells.
#[derive(Clone, Copy, Debug)]
enum Cell<'t> {
    Null,
    Bool(bool),
    Whole { negative: bool, size: u64 },
    Number(&'t [u8]),
    Text(Text<'t>),
    Array(usize),
    Object(usize),
}

/// Which reader took the texts so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TapeShare {
    /// Texts taken from simd-json.
    pub simd: u64,
    /// Texts read by the pull reader.
    pub exact: u64,
}

/// Reads texts, one at a time, and keeps its buffers.
pub struct TapeReader {
    line: Vec<u8>,
    buffers: Buffers,
    tape: Tape<'static>,
    cells: Vec<Cell<'static>>,
    exact: bool,
    /// Values of a text at most.
    most: usize,
    /// Texts by reader.
    pub share: TapeShare,
}

impl TapeReader {
    /// With `exact`, every text goes to the pull reader at once: for sources whose prices are numbers.
    #[must_use]
    pub fn new(exact: bool) -> Self {
        Self {
            line: Vec::new(),
            buffers: Buffers::with_max_depth(0, JSON_DEPTH),
            tape: Tape(Vec::new()),
            cells: Vec::new(),
            exact,
            most: JSON_VALUES,
            share: TapeShare::default(),
        }
    }

    /// Takes texts of so many values at most; [`JSON_VALUES`] by default.
    #[must_use]
    pub fn with_most(mut self, values: usize) -> Self {
        self.most = values;
        self
    }

    /// Reads a text and shows its value to `visit`.
    ///
    /// # Errors
    /// Where it is no JSON, or deeper than [`JSON_DEPTH`], or of more values than it may have or an object of more than
    /// [`JSON_KEYS`] keys.
    pub fn read<R>(&mut self, text: &[u8], visit: impl FnOnce(Node<'_>) -> R) -> Result<R, JsonFault> {
        let mut cells = emptied(std::mem::take(&mut self.cells));
        let mut tape = std::mem::replace(&mut self.tape, Tape(Vec::new())).reset();
        let mut is_simd = false;
        // A value takes two bytes, so no such text has too many of them.
        if !self.exact && text.len() <= SIMD_BYTES.min(self.most) {
            self.line.clear();
            self.line.extend_from_slice(text);
            is_simd = simd_json::fill_tape(&mut self.line, &mut self.buffers, &mut tape).is_ok()
                && take_cells(&tape.0, &mut cells);
        }
        let read = if is_simd { Ok(()) } else { read_exactly(text, self.most, &mut cells) };
        self.share.simd += u64::from(is_simd);
        self.share.exact += u64::from(!is_simd);
        let outcome = read.map(|()| visit(Node(&cells)));
        self.tape = tape.reset();
        // What one huge text took is not held for all that follow.
        self.cells = if cells.capacity() > SIMD_BYTES / 8 { Vec::new() } else { emptied(cells) };
        outcome
    }
}

impl std::fmt::Debug for TapeReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TapeReader").field("exact", &self.exact).field("share", &self.share).finish_non_exhaustive()
    }
}

/// The same allocation for cells of another lifetime.
fn emptied<'b>(mut cells: Vec<Cell<'_>>) -> Vec<Cell<'b>> {
    cells.clear();
    cells.into_iter().map(|_| Cell::Null).collect()
}

/// Takes over what simd-json found; false if it holds a number whose digits are lost, or an object with too many keys.
fn take_cells<'t>(nodes: &[SimdNode<'t>], cells: &mut Vec<Cell<'t>>) -> bool {
    cells.reserve(nodes.len());
    for node in nodes {
        cells.push(match *node {
            SimdNode::String(text) => Cell::Text(Text { raw: text.as_bytes(), escaped: false }),
            SimdNode::Object { len, count } if len <= usize::from(JSON_KEYS) => Cell::Object(count),
            SimdNode::Array { count, .. } => Cell::Array(count),
            SimdNode::Static(StaticNode::Null) => Cell::Null,
            SimdNode::Static(StaticNode::Bool(flag)) => Cell::Bool(flag),
            SimdNode::Static(StaticNode::U64(size)) => Cell::Whole { negative: false, size },
            SimdNode::Static(StaticNode::I64(value)) => Cell::Whole { negative: value < 0, size: value.unsigned_abs() },
            SimdNode::Object { .. } | SimdNode::Static(_) => {
                cells.clear();
                return false;
            }
        });
    }
    true
}

/// The same from the pull reader, numbers with their digits.
fn read_exactly<'t>(text: &'t [u8], most: usize, cells: &mut Vec<Cell<'t>>) -> Result<(), JsonFault> {
    let mut reader = Reader::new(text);
    let mut open: Vec<usize> = Vec::new();
    cells.clear();
    loop {
        let value = reader.value()?;
        let mut first = true;
        if cells.len() >= most {
            return Err(JsonFault {
                at: reader.offset(),
                expected: "at most 1,048,576 values (4,096 a MiB of --memory)",
            });
        }
        cells.push(match value {
            Value::Null => Cell::Null,
            Value::Bool(flag) => Cell::Bool(flag),
            Value::Number(digits) => Cell::Number(digits),
            Value::Text(text) => Cell::Text(text),
            Value::Array => Cell::Array(0),
            Value::Object => Cell::Object(0),
        });
        if matches!(value, Value::Array | Value::Object) {
            open.push(cells.len() - 1);
        } else {
            first = false;
        }
        loop {
            let Some(&at) = open.last() else {
                return reader.end();
            };
            let is_object = matches!(cells[at], Cell::Object(_));
            let key = if is_object { reader.key(&mut first)? } else { None };
            if key.is_some() || (!is_object && reader.element(&mut first)?) {
                cells.extend(key.map(Cell::Text));
                break;
            }
            let below = cells.len() - at - 1;
            cells[at] = if is_object { Cell::Object(below) } else { Cell::Array(below) };
            open.pop();
        }
    }
}

/// A value of the text that was read.
#[derive(Clone, Copy, Debug)]
pub struct Node<'t>(&'t [Cell<'t>]);

impl<'t> Node<'t> {
    #[inline]
    fn cell(self) -> Cell<'t> {
        self.0.first().copied().unwrap_or(Cell::Null)
    }

    /// This value and what stands behind it.
    #[inline]
    fn split(self) -> (Self, Self) {
        let below = match self.cell() {
            Cell::Array(below) | Cell::Object(below) => below,
            _ => 0,
        };
        let (value, rest) = self.0.split_at((1 + below).min(self.0.len()));
        (Self(value), Self(rest))
    }

    /// True for an object.
    #[must_use]
    pub fn is_object(self) -> bool {
        matches!(self.cell(), Cell::Object(_))
    }

    /// True for an array.
    #[must_use]
    pub fn is_array(self) -> bool {
        matches!(self.cell(), Cell::Array(_))
    }

    /// True for a string of these bytes.
    #[inline]
    #[must_use]
    pub fn is(self, word: &str) -> bool {
        matches!(self.cell(), Cell::Text(text) if *text.bytes() == *word.as_bytes())
    }

    /// The bytes of a string.
    #[inline]
    #[must_use]
    pub fn text(self) -> Option<Cow<'t, [u8]>> {
        match self.cell() {
            Cell::Text(text) => Some(text.bytes()),
            _ => None,
        }
    }

    /// The bytes of a string, or the digits of a number: ids are either.
    #[must_use]
    pub fn scalar(self) -> Option<Cow<'t, [u8]>> {
        match self.cell() {
            Cell::Text(text) => Some(text.bytes()),
            Cell::Number(digits) => Some(Cow::Borrowed(digits)),
            Cell::Whole { negative, size } => {
                let sign = if negative { "-" } else { "" };
                Some(Cow::Owned(format!("{sign}{size}").into_bytes()))
            }
            _ => None,
        }
    }

    /// `true` or `false`.
    #[must_use]
    pub fn flag(self) -> Option<bool> {
        match self.cell() {
            Cell::Bool(flag) => Some(flag),
            _ => None,
        }
    }

    /// A whole number below 2^64, as a number or in a string.
    #[inline]
    #[must_use]
    pub fn whole(self) -> Option<u64> {
        match self.cell() {
            Cell::Whole { negative: false, size } => Some(size),
            Cell::Number(digits) => std::str::from_utf8(digits).ok()?.parse().ok(),
            Cell::Text(text) => std::str::from_utf8(&text.bytes()).ok()?.parse().ok(),
            _ => None,
        }
    }

    /// A decimal, as a number or in a string; missing for `null`.
    ///
    /// # Errors
    /// Why it is not taken.
    #[inline]
    pub fn decimal(self) -> Result<Number, DecimalFault> {
        const SHORT: u64 = POW10[18].unsigned_abs();
        match self.cell() {
            Cell::Text(text) => decimal(&text.bytes()),
            Cell::Number(digits) => decimal(digits),
            Cell::Whole { negative, size } if size < SHORT => {
                let mantissa = size as i64;
                Ok(Number::Value(Decimal { mantissa: if negative { -mantissa } else { mantissa }, scale: 0 }))
            }
            Cell::Whole { .. } => self.scalar().map_or(Err(DecimalFault::NotANumber), |text| decimal(&text)),
            Cell::Null => Ok(Number::Missing),
            Cell::Bool(_) | Cell::Array(_) | Cell::Object(_) => Err(DecimalFault::NotANumber),
        }
    }

    /// Nanoseconds since the epoch of a number, or of digits in a string; not of ISO text.
    ///
    /// # Errors
    /// Why it is not taken.
    #[inline]
    pub fn epoch(self, unit: TimeFormat) -> Result<i64, TimeFault> {
        let digits = unit.digits().ok_or(TimeFault::NotANumber)?;
        match self.cell() {
            Cell::Text(text) => timestamp::epoch(&text.bytes(), digits),
            Cell::Number(text) => timestamp::epoch(text, digits),
            Cell::Whole { negative: false, size } => {
                let unit = POW10[digits.min(18) as usize];
                i64::try_from(size).ok().and_then(|s| s.checked_mul(unit)).ok_or(TimeFault::OutOfRange)
            }
            _ => Err(TimeFault::NotANumber),
        }
    }

    /// The elements of an array; none of anything else.
    #[inline]
    #[must_use]
    pub fn items(self) -> Items<'t> {
        match self.cell() {
            Cell::Array(below) => Items(Self(&self.0[1..=below])),
            _ => Items(Self(&[])),
        }
    }

    /// The first N elements of an array.
    #[inline]
    #[must_use]
    pub fn array<const N: usize>(self) -> Option<[Self; N]> {
        let mut items = self.items();
        let mut found = [Self(&[]); N];
        for slot in &mut found {
            *slot = items.next()?;
        }
        Some(found)
    }

    /// The values of an object's keys, where they stand and are not `null`; nothing if this is no object, or one of the keys
    /// stands twice.
    #[inline]
    #[must_use]
    pub fn fields<const N: usize>(self, keys: [&str; N]) -> Option<[Option<Self>; N]> {
        let Cell::Object(below) = self.cell() else {
            return None;
        };
        let mut found = [None; N];
        let mut seen = [false; N];
        let mut rest = Self(&self.0[1..=below]);
        while let Cell::Text(key) = rest.cell() {
            if rest.0.is_empty() {
                break;
            }
            let (value, behind) = Self(&rest.0[1..]).split();
            rest = behind;
            let key = key.bytes();
            let Some(at) = keys.iter().position(|k| *k.as_bytes() == *key) else {
                continue;
            };
            if std::mem::replace(&mut seen[at], true) {
                return None;
            }
            found[at] = Some(value).filter(|v| !matches!(v.cell(), Cell::Null));
        }
        Some(found)
    }
}

/// The elements of an array, in order.
#[derive(Clone, Debug)]
pub struct Items<'t>(Node<'t>);

impl<'t> Iterator for Items<'t> {
    type Item = Node<'t>;

    #[inline]
    fn next(&mut self) -> Option<Node<'t>> {
        if self.0.0.is_empty() {
            return None;
        }
        let (item, rest) = self.0.split();
        self.0 = rest;
        Some(item)
    }
}
