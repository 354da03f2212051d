//! The keys of a ccxt object, collected in one pass; levels go to a sink as they come.

use super::ccxt_levels::LevelSink;
use crate::normalize::Fault;
use crate::parse::json::{Reader, Text, Value};

/// The keys of one object that matter.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Keys<'a> {
    seen: u32,
    pub kind: Option<Text<'a>>,
    pub exchange: Option<Text<'a>>,
    pub symbol: Option<Text<'a>>,
    pub id: Option<Text<'a>>,
    pub side: Option<Text<'a>>,
    pub ts: Option<&'a [u8]>,
    pub timestamp: Option<&'a [u8]>,
    pub collected_at: Option<&'a [u8]>,
    pub nonce: Option<&'a [u8]>,
    pub price: Option<&'a [u8]>,
    pub amount: Option<&'a [u8]>,
    /// Where a list of records in `data` begins, behind its bracket.
    pub list: Option<usize>,
    /// True if a key shows that another system wrote this.
    pub is_foreign: bool,
}

pub(super) const TYPE: usize = 0;
const PRICE: usize = 10;
pub(super) const BIDS: usize = 12;
pub(super) const ASKS: usize = 13;
pub(super) const DATA: usize = 14;
/// Containers that are open in a list of records there: the record and the list.
pub(super) const IN_DATA: usize = 2;

/// Keys of raw captures that also carry `bids`, `price` or `data`: those are other dialects.
const FOREIGN: [&[u8]; 7] = [b"topic", b"channel", b"arg", b"stream", b"e", b"product_id", b"lastUpdateId"];

/// The number of a key that matters.
#[inline]
pub(super) fn number_of(key: &[u8]) -> Option<usize> {
    Some(match key {
        b"type" => TYPE,
        b"exchange" => 1,
        b"symbol" => 2,
        b"id" | b"trade_id" => 3,
        b"side" => 5,
        b"ts" => 6,
        b"timestamp" => 7,
        b"collected_at" => 8,
        b"nonce" => 9,
        b"price" => PRICE,
        b"amount" => 11,
        b"bids" => BIDS,
        b"asks" => ASKS,
        b"data" => DATA,
        _ => return None,
    })
}

/// The text of a scalar: of a number, or of a string as it stands; missing for anything else.
#[inline]
pub(super) fn scalar(value: Value<'_>) -> Option<Text<'_>> {
    match value {
        Value::Number(raw) => Some(Text { raw, escaped: false }),
        Value::Text(text) => Some(text),
        _ => None,
    }
}

impl<'a> Keys<'a> {
    /// The keys of a record for recognition: its own over those of the wrapper around `data`; levels are not looked at.
    ///
    /// # Errors
    /// If it is not a JSON object.
    pub(super) fn of(line: &'a [u8]) -> Result<Self, Fault> {
        let mut reader = Reader::new(line);
        if reader.value()? != Value::Object {
            return Err(Fault::new("", "a JSON object"));
        }
        let (mut outer, mut inner) = (Self::default(), Self::default());
        outer.collect(&mut reader, Some(&mut inner), None)?;
        reader.end()?;
        if let Some(list) = outer.list {
            reader.seek(list, IN_DATA);
            if reader.element(&mut true)? && reader.value()? == Value::Object {
                inner.collect(&mut reader, None, None)?;
            }
        }
        Ok(inner.over(&outer))
    }

    /// Collects an object whose brace was read. An object in `data` goes to `inner`, where one may stand.
    ///
    /// # Errors
    /// Where it is no JSON, a key stands twice, or a level is malformed.
    pub(super) fn collect(
        &mut self,
        reader: &mut Reader<'a>,
        mut inner: Option<&mut Self>,
        mut levels: Option<&mut LevelSink<'_>>,
    ) -> Result<(), Fault> {
        let mut first = true;
        while let Some(key) = reader.key(&mut first)? {
            let name = key.bytes();
            let value = reader.value()?;
            let Some(number) = number_of(&name) else {
                self.is_foreign |= FOREIGN.contains(&&*name);
                reader.skip(value)?;
                continue;
            };
            if self.seen & (1 << number) != 0 {
                return Err(Fault::got("", "each key once", &name));
            }
            self.seen |= 1 << number;
            match (number, value, &mut levels, &mut inner) {
                (BIDS | ASKS, Value::Array, Some(sink), _) => sink.side(reader, number == ASKS)?,
                (DATA, Value::Object, _, Some(inner)) => inner.collect(reader, None, levels.as_deref_mut())?,
                (DATA, Value::Array, ..) => {
                    self.list = Some(reader.offset());
                    reader.skip(value)?;
                }
                _ => {
                    self.set(number, value);
                    reader.skip(value)?;
                }
            }
        }
        Ok(())
    }

    /// Without any value, of an object with the keys of these bits.
    pub(super) fn with(seen: u32) -> Self {
        Self { seen, ..Self::default() }
    }

    #[inline]
    pub(super) fn set(&mut self, number: usize, value: Value<'a>) {
        let text = scalar(value);
        let raw = text.map(|t| t.raw);
        match number {
            TYPE => self.kind = text,
            1 => self.exchange = text,
            2 => self.symbol = text,
            3 => self.id = text,
            5 => self.side = text,
            6 => self.ts = raw,
            7 => self.timestamp = raw,
            8 => self.collected_at = raw,
            9 => self.nonce = raw,
            PRICE => self.price = raw,
            11 => self.amount = raw,
            _ => {}
        }
    }

    /// True if the object has one of the two sides of a book.
    pub(super) fn has_levels(&self) -> bool {
        self.seen & (1 << BIDS | 1 << ASKS) != 0
    }

    /// True if the object has the key `price`, whatever its value.
    pub(super) fn has_price(&self) -> bool {
        self.seen & (1 << PRICE) != 0
    }

    /// True for a book with a name and a time.
    pub(super) fn is_book(&self) -> bool {
        let both = 1 << BIDS | 1 << ASKS;
        self.seen & both == both && self.symbol.is_some() && self.has_time()
    }

    /// True for a trade with a name and a time.
    pub(super) fn is_trade(&self) -> bool {
        let whole = self.price.is_some() && self.amount.is_some() && self.side.is_some();
        !self.has_levels() && whole && self.symbol.is_some() && self.has_time()
    }

    /// True for a typed message of another kind.
    pub(super) fn is_wrapper(&self) -> bool {
        self.kind.is_some() && self.symbol.is_some()
    }

    fn has_time(&self) -> bool {
        self.ts.or(self.timestamp).or(self.collected_at).is_some()
    }

    /// These keys, and the wrapper's where these are missing; the type is the wrapper's.
    pub(super) fn over(&self, wrapper: &Self) -> Self {
        Self {
            seen: self.seen | wrapper.seen,
            kind: wrapper.kind,
            exchange: self.exchange.or(wrapper.exchange),
            symbol: self.symbol.or(wrapper.symbol),
            id: self.id.or(wrapper.id),
            side: self.side.or(wrapper.side),
            ts: self.ts.or(wrapper.ts),
            timestamp: self.timestamp.or(wrapper.timestamp),
            collected_at: self.collected_at.or(wrapper.collected_at),
            nonce: self.nonce.or(wrapper.nonce),
            price: self.price.or(wrapper.price),
            amount: self.amount.or(wrapper.amount),
            list: None,
            is_foreign: self.is_foreign || wrapper.is_foreign,
        }
    }
}
