//! The encoding of an input and its way to UTF-8, which is what everything behind it reads.
//!
//! UTF-16 is known by its mark, or without one by its zeros: every second byte of the first characters is zero. Latin-1 could
//! be any text that is not UTF-8, so it is read only when it is asked for.

use std::io::{self, Read};

/// How the text of an input is encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, or UTF-16 where the first bytes show it.
    #[default]
    Auto,
    /// UTF-8, whatever the first bytes are.
    Utf8,
    /// UTF-16, by its mark or its zeros; little-endian where neither tells.
    Utf16,
    /// ISO 8859-1: every byte is the character of its number.
    Latin1,
}

/// Bytes that are looked at to tell an encoding.
pub(super) const LOOK_BYTES: usize = 64;
/// Bytes decoded at a time.
const STEP_BYTES: usize = 64 << 10;
const LITTLE_MARK: &[u8] = &[0xFF, 0xFE];
const BIG_MARK: &[u8] = &[0xFE, 0xFF];

/// What is done to the bytes of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Text {
    /// Nothing: they are UTF-8, or are to be.
    AsIs,
    /// UTF-16, with the high byte first if `big`.
    Utf16 { big: bool },
    /// ISO 8859-1.
    Latin1,
}

impl Encoding {
    /// The encoding of a word, as `--encoding` has it.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "auto" => Some(Self::Auto),
            "utf-8" | "utf8" => Some(Self::Utf8),
            "utf-16" | "utf16" => Some(Self::Utf16),
            "latin-1" | "latin1" | "iso-8859-1" => Some(Self::Latin1),
            _ => None,
        }
    }

    /// What the first bytes ask for.
    pub(super) fn of(self, first: &[u8]) -> Text {
        let seen = if first.starts_with(LITTLE_MARK) {
            Some(false)
        } else if first.starts_with(BIG_MARK) {
            Some(true)
        } else {
            zeros(first)
        };
        match (self, seen) {
            (Self::Latin1, _) => Text::Latin1,
            (Self::Utf16, big) => Text::Utf16 { big: big.unwrap_or(false) },
            (Self::Auto, Some(big)) => Text::Utf16 { big },
            (Self::Auto | Self::Utf8, _) => Text::AsIs,
        }
    }
}

/// Where the zeros stand if every first character is of ASCII in two bytes: before (`true`) or behind it.
fn zeros(first: &[u8]) -> Option<bool> {
    let (pairs, _) = first.as_chunks::<2>();
    let is_text = |b: u8| matches!(b, b'\t' | b'\n' | b'\r' | b' '..=b'~');
    if pairs.len() < 4 {
        return None;
    }
    [false, true].into_iter().find(|big| {
        let (zero, text) = if *big { (0, 1) } else { (1, 0) };
        pairs.iter().all(|pair| pair[zero] == 0 && is_text(pair[text]))
    })
}

/// A stream of UTF-8 over one that is not.
pub(super) struct Decoded {
    inner: Box<dyn Read + Send>,
    text: Text,
    raw: Vec<u8>,
    ready: Vec<u8>,
    /// Bytes of `ready` that were handed out.
    taken: usize,
    /// The first half of a pair of UTF-16.
    high: Option<u16>,
    failed: Option<io::Error>,
    is_ended: bool,
}

impl Decoded {
    pub(super) fn new(inner: Box<dyn Read + Send>, text: Text) -> Self {
        Self { inner, text, raw: Vec::new(), ready: Vec::new(), taken: 0, high: None, failed: None, is_ended: false }
    }

    /// Decodes the next bytes into `ready`.
    ///
    /// # Errors
    /// What the stream says, once all bytes before the failure are handed out.
    fn step(&mut self) -> io::Result<()> {
        self.ready.clear();
        self.taken = 0;
        if let Some(cause) = self.failed.take() {
            self.is_ended = true;
            return Err(cause);
        }
        let most = (STEP_BYTES - self.raw.len()) as u64;
        match self.inner.by_ref().take(most).read_to_end(&mut self.raw) {
            Ok(count) => self.is_ended = count == 0,
            Err(cause) => self.failed = Some(cause),
        }
        match self.text {
            Text::AsIs => self.ready.append(&mut self.raw),
            Text::Latin1 => {
                for byte in self.raw.drain(..) {
                    self.ready.extend_from_slice(char::from(byte).encode_utf8(&mut [0; 2]).as_bytes());
                }
            }
            Text::Utf16 { big } => self.units(big)?,
        }
        Ok(())
    }

    fn units(&mut self, big: bool) -> io::Result<()> {
        let (pairs, rest) = self.raw.as_chunks::<2>();
        let odd = rest.first().copied();
        for pair in pairs {
            let unit = if big { u16::from_be_bytes(*pair) } else { u16::from_le_bytes(*pair) };
            put_unit(unit, &mut self.high, &mut self.ready);
        }
        self.raw.clear();
        self.raw.extend(odd);
        if self.is_ended {
            if let Some(high) = self.high.take() {
                put_lone(high, &mut self.ready);
            }
            if odd.is_some() {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "half of a UTF-16 character at the end"));
            }
        }
        Ok(())
    }
}

fn put_unit(unit: u16, high: &mut Option<u16>, out: &mut Vec<u8>) {
    if let Some(first) = high.take() {
        if (0xDC00..0xE000).contains(&unit) {
            let code = 0x1_0000 + ((u32::from(first) - 0xD800) << 10) + (u32::from(unit) - 0xDC00);
            if let Some(c) = char::from_u32(code) {
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
            return;
        }
        put_lone(first, out);
    }
    match unit {
        0xD800..0xDC00 => *high = Some(unit),
        _ => match char::from_u32(u32::from(unit)) {
            Some(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            None => put_lone(unit, out),
        },
    }
}

/// Half a pair stands for no character: three bytes that are no UTF-8, so that a name with it is refused as one.
fn put_lone(unit: u16, out: &mut Vec<u8>) {
    let low = |shift: u16| (unit >> shift & 0x3F) as u8 | 0x80;
    out.extend_from_slice(&[0xE0 | (unit >> 12) as u8, low(6), low(0)]);
}

impl Read for Decoded {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.ready.len() {
            if self.is_ended || out.is_empty() {
                return Ok(0);
            }
            self.step()?;
        }
        let count = out.len().min(self.ready.len() - self.taken);
        out[..count].copy_from_slice(&self.ready[self.taken..self.taken + count]);
        self.taken += count;
        Ok(count)
    }
}

/// The first bytes of a stream, looked at and then read again in their place, the failure behind them too.
pub(super) struct Peeked {
    first: Vec<u8>,
    taken: usize,
    failed: Option<io::Error>,
    inner: Box<dyn Read + Send>,
}

impl Peeked {
    pub(super) fn new(mut inner: Box<dyn Read + Send>, bytes: usize) -> Self {
        let mut first = Vec::with_capacity(bytes);
        let failed = inner.by_ref().take(bytes as u64).read_to_end(&mut first).err();
        Self { first, taken: 0, failed, inner }
    }

    pub(super) fn first(&self) -> &[u8] {
        &self.first
    }
}

impl Read for Peeked {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.taken < self.first.len() {
            let count = out.len().min(self.first.len() - self.taken);
            out[..count].copy_from_slice(&self.first[self.taken..self.taken + count]);
            self.taken += count;
            return Ok(count);
        }
        match self.failed.take() {
            Some(cause) => Err(cause),
            None => self.inner.read(out),
        }
    }
}
