//! Reading little-endian fields from untrusted bytes: every step is checked, and a step past the end breaks a named rule.

use super::rules::Rule;
use crate::error::{Error, Result};

/// A position in bytes that are being parsed.
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn take(&mut self, count: usize, rule: Rule) -> Result<&'a [u8]> {
        let part = self.at.checked_add(count).and_then(|end| self.bytes.get(self.at..end));
        let Some(part) = part else {
            let left = self.bytes.len().saturating_sub(self.at);
            return Err(Error::damage(rule, format!("{count} bytes at {}", self.at), format!("{left} bytes")));
        };
        self.at += count;
        Ok(part)
    }

    pub(crate) fn array<const N: usize>(&mut self, rule: Rule) -> Result<[u8; N]> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N, rule)?);
        Ok(out)
    }

    pub(crate) fn u32(&mut self, rule: Rule) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array(rule)?))
    }

    pub(crate) fn u64(&mut self, rule: Rule) -> Result<u64> {
        Ok(u64::from_le_bytes(self.array(rule)?))
    }

    pub(crate) fn u128(&mut self, rule: Rule) -> Result<u128> {
        Ok(u128::from_le_bytes(self.array(rule)?))
    }

    /// A u32 length and that many bytes of UTF-8, at most `limit`.
    pub(crate) fn string(&mut self, limit: usize, rule: Rule) -> Result<&'a str> {
        let length = self.u32(rule)? as usize;
        if length > limit {
            return Err(Error::damage(rule, format!("at most {limit} bytes of text"), format!("{length}")));
        }
        let bytes = self.take(length, rule)?;
        std::str::from_utf8(bytes).map_err(|e| Error::damage(rule, "UTF-8", e.to_string()))
    }

    /// Refuses bytes up to `end` that are not zero.
    pub(crate) fn zeros_to(&mut self, end: usize, rule: Rule) -> Result<()> {
        let count = end.saturating_sub(self.at);
        let part = self.take(count, rule)?;
        require_zero(part, rule)
    }
}

/// Refuses bytes that are not all zero.
pub(crate) fn require_zero(bytes: &[u8], rule: Rule) -> Result<()> {
    match bytes.iter().position(|b| *b != 0) {
        None => Ok(()),
        Some(at) => Err(Error::damage(rule, "zero bytes", format!("0x{:02x} at {at} of {}", bytes[at], bytes.len()))),
    }
}

/// Appends a u32 length and the text.
pub(crate) fn put_string(out: &mut Vec<u8>, text: &str) {
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

/// Appends zeros up to the next multiple of `align`.
pub(crate) fn pad_to(out: &mut Vec<u8>, align: usize) {
    out.resize(out.len().next_multiple_of(align), 0);
}
