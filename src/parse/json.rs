//! A pull reader of one JSON text: the caller walks the keys that matter and skips the rest.
//!
//! Numbers and strings are handed out as their source bytes, so a price never passes through f64. What is skipped is checked as strictly
//! as what is read. Depth is counted from the text's first bracket, to [`JSON_DEPTH`] levels: nothing recurses. An object has at most
//! [`JSON_KEYS`] keys, whether it is read or skipped.

use std::borrow::Cow;
use std::fmt;

use super::fields::first_key_beyond;
use super::scan;
use crate::limits::{JSON_DEPTH, JSON_KEYS};
use crate::units::Decimal;

/// A value: a scalar in full, or the bracket that opens a container, whose members come next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number's text, of JSON's grammar.
    Number(&'a [u8]),
    /// A string.
    Text(Text<'a>),
    /// `[` was read: [`Reader::element`] comes next.
    Array,
    /// `{` was read: [`Reader::key`] comes next.
    Object,
}

/// A string as it stands between its quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text<'a> {
    /// The bytes, escapes as written.
    pub raw: &'a [u8],
    /// True if there is an escape in it.
    pub escaped: bool,
}

impl<'a> Text<'a> {
    /// The string's bytes with escapes resolved; a lone surrogate becomes U+FFFD.
    #[must_use]
    pub fn bytes(self) -> Cow<'a, [u8]> {
        if self.escaped { Cow::Owned(unescape(self.raw)) } else { Cow::Borrowed(self.raw) }
    }
}

/// Where the text stops being JSON and what was expected there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonFault {
    /// Offset in the text.
    pub at: usize,
    /// What should stand there.
    pub expected: &'static str,
}

impl fmt::Display for JsonFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JSON with {} at byte {} of the record", self.expected, self.at)
    }
}

/// Reads one JSON text from front to back.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    /// Containers that are open.
    depth: usize,
    /// Keys read, of all objects together, since it was last asked whether one of them has too many.
    keys: u16,
    /// Where the first key stands that is one too many for its object; the text's end if none does, 0 while nobody asked.
    wide_at: usize,
}

type Result<T> = std::result::Result<T, JsonFault>;

impl<'a> Reader<'a> {
    /// At the start of a text.
    #[must_use]
    pub fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0, depth: 0, keys: 0, wide_at: 0 }
    }

    /// The offset that comes next.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.at
    }

    /// Containers that are open there.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Goes on at another offset, one that [`Reader::offset`] gave at this depth.
    pub fn seek(&mut self, offset: usize, depth: usize) {
        (self.at, self.depth) = (offset, depth);
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    #[cold]
    fn fault<T>(&self, expected: &'static str) -> Result<T> {
        Err(JsonFault { at: self.at, expected })
    }

    #[inline]
    fn skip_blanks(&mut self) {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.peek() {
            self.at += 1;
        }
    }

    /// The next value.
    ///
    /// # Errors
    /// Where it is no JSON, or opens more than [`JSON_DEPTH`] containers in each other.
    #[inline]
    pub fn value(&mut self) -> Result<Value<'a>> {
        self.skip_blanks();
        match self.peek() {
            Some(b'"') => self.string().map(Value::Text),
            Some(b'-' | b'0'..=b'9') => self.number().map(Value::Number),
            Some(b'{') => self.open(Value::Object),
            Some(b'[') => self.open(Value::Array),
            Some(b't') => self.word(b"true", Value::Bool(true)),
            Some(b'f') => self.word(b"false", Value::Bool(false)),
            Some(b'n') => self.word(b"null", Value::Null),
            _ => self.fault("a value"),
        }
    }

    #[inline]
    fn open(&mut self, container: Value<'a>) -> Result<Value<'a>> {
        if self.depth == JSON_DEPTH {
            return self.fault("at most 64 levels");
        }
        self.depth += 1;
        self.at += 1;
        Ok(container)
    }

    fn word(&mut self, word: &[u8], value: Value<'a>) -> Result<Value<'a>> {
        if !self.text[self.at..].starts_with(word) {
            return self.fault("a value");
        }
        self.at += word.len();
        Ok(value)
    }

    /// The next element of an opened array if it is an array of exactly two plain numbers, such as `[61837.63,1.5]`; `None`,
    /// with nothing read, for the end and for any other form. What it takes, the general way takes with the same result.
    #[inline(always)]
    pub fn plain_pair(&mut self, first: &mut bool) -> Option<[Decimal; 2]> {
        let mut at = self.at;
        if !*first {
            if self.text.get(at) != Some(&b',') {
                return None;
            }
            at += 1;
            at += usize::from(self.text.get(at) == Some(&b' '));
        }
        if self.text.get(at) != Some(&b'[') {
            return None;
        }
        let (price, comma) = scan::json_number_at(self.text, at + 1)?;
        if self.text.get(comma) != Some(&b',') {
            return None;
        }
        let start = comma + 1 + usize::from(self.text.get(comma + 1) == Some(&b' '));
        let (size, end) = scan::json_number_at(self.text, start)?;
        if self.text.get(end) != Some(&b']') {
            return None;
        }
        self.at = end + 1;
        *first = false;
        Some([price, size])
    }

    /// The next key of an object that was opened, up to and including its colon; `None` at the closing brace. `first` is true
    /// before the first call and false from then on.
    ///
    /// # Errors
    /// Where it is no JSON, or the object has more than [`JSON_KEYS`] keys.
    #[inline]
    pub fn key(&mut self, first: &mut bool) -> Result<Option<Text<'a>>> {
        if !self.member(b'}', first)? {
            return Ok(None);
        }
        self.skip_blanks();
        if self.peek() != Some(b'"') {
            return self.fault("a key");
        }
        let key = self.string()?;
        self.skip_blanks();
        if self.peek() != Some(b':') {
            return self.fault("a colon");
        }
        self.at += 1;
        self.keys += 1;
        if self.keys > JSON_KEYS {
            self.check_keys()?;
        }
        Ok(Some(key))
    }

    /// So many keys were read that one object may have too many of them: the whole text is looked at, once.
    #[cold]
    fn check_keys(&mut self) -> Result<()> {
        if self.wide_at == 0 {
            self.wide_at = first_key_beyond(self.text);
        }
        if self.at >= self.wide_at {
            self.at = self.wide_at;
            return self.fault("at most 1,024 keys in an object");
        }
        // If one stands further on, every key on the way there is compared with its place.
        self.keys = if self.wide_at == self.text.len() { 0 } else { JSON_KEYS };
        Ok(())
    }

    /// True if an opened array has a next element, which [`Reader::value`] then reads; false at the closing bracket.
    ///
    /// # Errors
    /// Where it is no JSON.
    #[inline]
    pub fn element(&mut self, first: &mut bool) -> Result<bool> {
        self.member(b']', first)
    }

    #[inline]
    fn member(&mut self, close: u8, first: &mut bool) -> Result<bool> {
        self.skip_blanks();
        let is_first = std::mem::take(first);
        match self.peek() {
            Some(byte) if byte == close => {
                self.at += 1;
                self.depth = self.depth.saturating_sub(1);
                Ok(false)
            }
            Some(b',') if !is_first => {
                self.at += 1;
                // No comma before the closing bracket.
                self.skip_blanks();
                if self.peek() == Some(close) { self.fault("another member") } else { Ok(true) }
            }
            Some(_) if is_first => Ok(true),
            _ => self.fault("a comma or the closing bracket"),
        }
    }

    /// Reads past the rest of a value whose start was read: all members of a container, nothing of a scalar.
    ///
    /// # Errors
    /// Where it is no JSON, or deeper than [`JSON_DEPTH`], or an object in it has more than [`JSON_KEYS`] keys.
    pub fn skip(&mut self, value: Value<'a>) -> Result<()> {
        const { assert!(JSON_DEPTH <= 64) };
        let mut is_object = 0_u64;
        let mut depth = 0_usize;
        let mut value = value;
        let mut first = true;
        loop {
            if matches!(value, Value::Array | Value::Object) {
                // The reader counts all that are open: these are no more.
                is_object = (is_object << 1) | u64::from(value == Value::Object);
                depth += 1;
                first = true;
            }
            // Closes containers until one has another member.
            loop {
                if depth == 0 {
                    return Ok(());
                }
                let more = if is_object & 1 == 1 { self.key(&mut first)?.is_some() } else { self.element(&mut first)? };
                if more {
                    break;
                }
                is_object >>= 1;
                depth -= 1;
            }
            value = self.value()?;
        }
    }

    /// The end of the text: only blanks may follow.
    ///
    /// # Errors
    /// If anything else does.
    pub fn end(&mut self) -> Result<()> {
        self.skip_blanks();
        if self.at == self.text.len() { Ok(()) } else { self.fault("nothing behind the value") }
    }

    #[inline]
    fn string(&mut self) -> Result<Text<'a>> {
        let start = self.at + 1;
        let mut escaped = false;
        let mut at = start;
        loop {
            match self.text.get(at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.at = at;
                    at += self.escape(&self.text[at + 1..])?;
                }
                Some(0x20..) => at += 1,
                _ => {
                    self.at = at;
                    return self.fault("a closing quote");
                }
            }
        }
        self.at = at + 1;
        Ok(Text { raw: &self.text[start..at], escaped })
    }

    /// Bytes of the escape whose backslash is at `self.at`.
    fn escape(&self, rest: &[u8]) -> Result<usize> {
        match rest.first() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(2),
            Some(b'u') if rest.get(1..5).is_some_and(|h| h.iter().all(u8::is_ascii_hexdigit)) => Ok(6),
            _ => self.fault("an escape"),
        }
    }

    /// `-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?`
    #[inline]
    fn number(&mut self) -> Result<&'a [u8]> {
        let start = self.at;
        self.at += usize::from(self.peek() == Some(b'-'));
        let leading_zero = self.peek() == Some(b'0');
        let whole = self.digits()?;
        if leading_zero && whole > 1 {
            self.at -= whole - 1;
            return self.fault("no digit behind a leading zero");
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            self.digits()?;
        }
        Ok(&self.text[start..self.at])
    }

    #[inline]
    fn digits(&mut self) -> Result<usize> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start { self.fault("a digit") } else { Ok(self.at - start) }
    }
}

/// Resolves escapes that [`Reader`] has checked.
fn unescape(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let Some((&kind, tail)) = rest.split_first() else {
            break;
        };
        rest = tail;
        match kind {
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'u' => {
                let c = unicode(&mut rest);
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
            other => out.push(other),
        }
    }
    out
}

/// The character of `XXXX`, with the second half of a surrogate pair if it follows.
fn unicode(rest: &mut &[u8]) -> char {
    let Some(high) = hex4(rest) else {
        return char::REPLACEMENT_CHARACTER;
    };
    *rest = &rest[4..];
    if !(0xD800..0xDC00).contains(&high) {
        return char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER);
    }
    let low = rest.strip_prefix(b"\\u").and_then(hex4).filter(|l| (0xDC00..0xE000).contains(l));
    let Some(low) = low else {
        return char::REPLACEMENT_CHARACTER;
    };
    *rest = &rest[6..];
    char::from_u32(0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00)).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn hex4(text: &[u8]) -> Option<u32> {
    let digits = text.get(..4)?;
    digits.iter().try_fold(0, |n, b| char::from(*b).to_digit(16).map(|d| n * 16 + d))
}
