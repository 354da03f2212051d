//! Block bytes to values. Every length is checked before it is used; nothing is allocated once the scratch has grown.

use super::decimal::Conversion;
use super::delta::Delta;
use super::packed::Packed;
use super::repeat::{Repeat, SLACK};
use super::zstd::Inflater;
use super::{TextBlock, bits, dict, plain};
use crate::error::{Error, Result};
use crate::format::constants::F64_NULL;
use crate::format::{BlockEntry, Encoding, rules};
use crate::schema::{Column, LogicalType};

/// Reused memory of block decoding.
#[derive(Debug, Default)]
pub struct DecodeScratch {
    inflater: Inflater,
    raw: Vec<u8>,
    pub(super) values: Vec<i64>,
}

/// A block's bytes, cut into validity bitmap and part.
#[derive(Clone, Copy, Debug)]
pub(super) struct Body<'a> {
    /// Words of the bitmap; empty when the block has none.
    validity: &'a [[u8; 8]],
    /// The encoded part.
    pub(super) part: &'a [u8],
}

/// Cuts a block's bytes and checks the bitmap. f64 has none: its nulls are NaN.
pub(super) fn body<'a>(logical_type: LogicalType, entry: &BlockEntry, bytes: &'a [u8]) -> Result<Body<'a>> {
    if entry.nulls == 0 || logical_type == LogicalType::F64 {
        return Ok(Body { validity: &[], part: bytes });
    }
    let rows = entry.rows as usize;
    let Some((bitmap, part)) = bytes.split_at_checked(bits::words(rows) * 8) else {
        return Err(Error::damage(rules::VALIDITY, "a validity bitmap", format!("{} bytes", bytes.len())));
    };
    let (validity, _) = bitmap.as_chunks::<8>();
    let (mut ones, mut beyond) = (0, 0);
    for (w, word) in validity.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        ones += word.count_ones();
        beyond |= word & !bits::mask(w, rows);
    }
    if beyond != 0 || u64::from(ones) + u64::from(entry.nulls) != u64::from(entry.rows) {
        let expected = format!("{rows} bits but {}", entry.nulls);
        return Err(Error::damage(rules::VALIDITY, expected, format!("{ones} bits, {beyond:#x} beyond")));
    }
    Ok(Body { validity, part })
}

impl Body<'_> {
    /// Writes the bitmap, or ones, to `out`.
    fn validity_to(&self, rows: usize, out: &mut [u64]) {
        if self.validity.is_empty() {
            bits::fill_ones(out, rows);
        }
        for (out, word) in out.iter_mut().zip(self.validity) {
            *out = u64::from_le_bytes(*word);
        }
    }

    /// Makes doubles of null rows NaN.
    fn nulls_to_nan(&self, out: &mut [i64]) {
        const NULL: i64 = F64_NULL.cast_signed();
        for (word, out) in self.validity.iter().zip(out.chunks_mut(64)) {
            let word = u64::from_le_bytes(*word);
            if word == u64::MAX {
                continue;
            }
            for (row, out) in out.iter_mut().enumerate() {
                *out = if word >> row & 1 == 1 { *out } else { NULL };
            }
        }
    }
}

/// The encoding and bytes of a part once zstd is taken off.
fn unwrapped<'a>(
    encoding: Encoding,
    logical_type: LogicalType,
    part: &'a [u8],
    inflater: &mut Inflater,
    raw: &'a mut Vec<u8>,
) -> Result<(Encoding, &'a [u8])> {
    if encoding != Encoding::Zstd {
        return Ok((encoding, part));
    }
    let inner = inflater.inflate(part, raw)?;
    if !inner.allowed_for(logical_type) {
        let expected = format!("an encoding of {}", logical_type.name());
        return Err(Error::damage(rules::ZSTD_FRAME, expected, inner.name()));
    }
    Ok((inner, raw))
}

/// Decodes the stored words of a part into `out`, converting each distinct run once.
fn words(
    column: &Column,
    entry: &BlockEntry,
    part: &[u8],
    scratch: &mut DecodeScratch,
    conversion: Option<Conversion>,
    out: &mut [i64],
) -> Result<()> {
    let DecodeScratch { inflater, raw, values } = scratch;
    let (encoding, part) = unwrapped(entry.encoding, column.logical_type, part, inflater, raw)?;
    if !encoding.allowed_for(column.logical_type) || out.len() != entry.rows as usize {
        let expected = format!("{} values of {}", out.len(), column.logical_type.name());
        return Err(Error::damage(rules::ENTRY_ENCODING, expected, encoding.name()));
    }
    match encoding {
        Encoding::Plain => {
            plain::read(part, column.logical_type, out)?;
            if let Some(conversion) = conversion {
                conversion.apply(out, None);
            }
        }
        Encoding::Packed => {
            let packed = Packed::parse(part, out.len())?;
            packed.unpack(out);
            if let Some(conversion) = conversion {
                conversion.apply(out, Some(packed.bounds()));
            }
        }
        Encoding::Repeat => {
            let repeat = Repeat::parse(part, out.len())?;
            let needed = repeat.count + 1 + SLACK;
            if values.len() < needed {
                values.resize(needed, 0);
            }
            let changed = &mut values[1..=repeat.count];
            repeat.packed.unpack(changed);
            if let Some(conversion) = conversion {
                conversion.apply(changed, Some(repeat.packed.bounds()));
            }
            repeat.expand(values, out);
        }
        Encoding::Delta => {
            Delta::parse(part, out.len())?.unpack(out);
            if let Some(conversion) = conversion {
                conversion.apply(out, None);
            }
        }
        Encoding::Dict | Encoding::Zstd => {
            return Err(Error::damage(rules::ENTRY_ENCODING, "an encoding of numbers", encoding.name()));
        }
    }
    Ok(())
}

/// Decodes a block of any type but text and f64: i64, u64 as its bits, small types widened. A null row holds a value of
/// the column that means nothing. Returns the number of nulls; `validity` gets all ones when there is none.
///
/// `out` has the block's rows, `validity` at least their words.
///
/// # Errors
/// `Damage` naming the rule.
pub fn i64s(
    column: &Column,
    entry: &BlockEntry,
    bytes: &[u8],
    scratch: &mut DecodeScratch,
    out: &mut [i64],
    validity: &mut [u64],
) -> Result<usize> {
    let body = body(column.logical_type, entry, bytes)?;
    words(column, entry, body.part, scratch, None, out)?;
    body.validity_to(out.len(), validity);
    Ok(entry.nulls as usize)
}

/// Decodes a block of any type but text to doubles: decimals correctly rounded, integers rounded to nearest, null as NaN.
///
/// # Errors
/// `Damage` naming the rule.
pub fn f64s(
    column: &Column,
    entry: &BlockEntry,
    bytes: &[u8],
    scratch: &mut DecodeScratch,
    out: &mut [f64],
) -> Result<()> {
    let body = body(column.logical_type, entry, bytes)?;
    let conversion = match column.logical_type {
        LogicalType::F64 => None,
        logical_type => Some(Conversion { scale: column.scale, unsigned: logical_type == LogicalType::U64 }),
    };
    let out = bytemuck::cast_slice_mut::<f64, i64>(out);
    words(column, entry, body.part, scratch, conversion, out)?;
    body.nulls_to_nan(out);
    Ok(())
}

/// Decodes a text block; null rows are empty. Returns the number of nulls.
///
/// # Errors
/// `Damage` naming the rule.
pub fn text(
    entry: &BlockEntry,
    bytes: &[u8],
    scratch: &mut DecodeScratch,
    out: &mut TextBlock,
    validity: &mut [u64],
) -> Result<usize> {
    let body = body(LogicalType::Text, entry, bytes)?;
    let rows = entry.rows as usize;
    body.validity_to(rows, validity);
    let DecodeScratch { inflater, raw, values } = scratch;
    let (_, part) = unwrapped(entry.encoding, LogicalType::Text, body.part, inflater, raw)?;
    let dictionary = dict::Dictionary::parse(part, rows, entry.nulls == entry.rows)?;
    dictionary.expand(rows, &validity[..bits::words(rows)], values, out)?;
    Ok(entry.nulls as usize)
}

/// What a verifier sees of a block besides its values: the packed part and, for `repeat`, which rows changed.
///
/// # Errors
/// `Damage` naming the rule.
pub(super) fn with_part<T>(
    column: &Column,
    entry: &BlockEntry,
    bytes: &[u8],
    scratch: &mut DecodeScratch,
    see: impl FnOnce(Encoding, &[u8]) -> Result<T>,
) -> Result<T> {
    let body = body(column.logical_type, entry, bytes)?;
    let DecodeScratch { inflater, raw, .. } = scratch;
    let (encoding, part) = unwrapped(entry.encoding, column.logical_type, body.part, inflater, raw)?;
    see(encoding, part)
}
