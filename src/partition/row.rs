//! One row as bytes: what run buffers hold, runs store and the merge compares.
//!
//! ```text
//! length u32 | clock i64 | flags u8 | source, record, sub | content
//! content := [ts_event - clock] [ts_recv - clock] [sequence] integers, decimal count, decimals, ids, kept values
//! ```
//!
//! Numbers are varints, differences and integers zigzag. A decimal is a tag (scale in the high nibble, bytes of the
//! zigzag mantissa in the low one) and its bytes; missing decimals at the end are left out, so equal rows have equal
//! content. Decoding checks every length and returns `None` for bytes that are no row.

use crate::limits::DECIMAL_SCALE;
use crate::normalize::{INT_NULL, RowBatch, SCALE_NULL, TS_NULL};
use crate::units::Decimal;

const HAS_EVENT: u8 = 1;
const HAS_RECV: u8 = 2;
const HAS_SEQUENCE: u8 = 4;
/// Tag of a missing integer or decimal.
const MISSING: u8 = 0xFF;
/// Bytes before the flags: length and clock.
const FIXED: usize = 12;
/// Keeps the low `n` bytes of a word.
const KEEP: [u64; 9] = [0, 0xFF, 0xFFFF, 0xFF_FFFF, 0xFFFF_FFFF, 0xFF_FFFF_FFFF, 0xFFFF_FFFF_FFFF, !0 >> 8, !0];

/// What orders a row, decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RowOrder {
    /// The clock.
    pub(crate) clock: i64,
    /// Sequence number where it counts, else 0.
    pub(crate) sequence: u64,
    /// Ordinal of the source.
    pub(crate) source: u32,
    /// Record in the source.
    pub(crate) record: u64,
    /// Row in the record.
    pub(crate) sub: u32,
}

/// A row's head, decoded: its order, its two clocks and where its content starts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowHead {
    pub(crate) order: RowOrder,
    pub(crate) ts_event: i64,
    pub(crate) ts_recv: i64,
    pub(crate) sequence: Option<u64>,
    /// Which of the optional fields are there: equal rows have equal flags.
    pub(crate) flags: u8,
    /// Start of the content, the bytes that equal rows share.
    pub(crate) content: usize,
    /// Start of the cells within the content.
    pub(crate) cells: usize,
    /// End of the row.
    pub(crate) end: usize,
}

/// Appends row `i` of a batch. `None` if the batch's columns do not fit its keys.
pub(crate) fn encode(out: &mut Vec<u8>, batch: &RowBatch, i: usize) -> Option<()> {
    let start = out.len();
    let key = batch.keys.get(i)?;
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&key.clock.to_le_bytes());
    let flag = |present: bool, bit: u8| if present { bit } else { 0 };
    out.push(
        flag(key.ts_event != TS_NULL, HAS_EVENT)
            | flag(key.ts_recv != TS_NULL, HAS_RECV)
            | flag(key.sequence.is_some(), HAS_SEQUENCE),
    );
    put(out, u64::from(batch.source));
    put(out, key.record);
    put(out, u64::from(key.sub));
    for ts in [key.ts_event, key.ts_recv].into_iter().filter(|&ts| ts != TS_NULL) {
        put(out, zigzag(ts.wrapping_sub(key.clock)));
    }
    if let Some(sequence) = key.sequence {
        put(out, sequence);
    }
    let ints = batch.table.ints().len();
    for &value in batch.ints.get(i * ints..(i + 1) * ints)? {
        if value == INT_NULL { out.push(MISSING) } else { put_tagged(out, value, 0) }
    }
    put_decimals(out, batch, i)?;
    for k in 0..batch.table.ids().len() {
        let text = id(batch, i, k)?;
        put(out, text.len() as u64);
        out.extend_from_slice(text);
    }
    put_kept(out, batch, i);
    let length = u32::try_from(out.len() - start).ok()?;
    out.get_mut(start..start + 4)?.copy_from_slice(&length.to_le_bytes());
    Some(())
}

/// The kept values of row `i` that are there: column, length, text.
fn put_kept(out: &mut Vec<u8>, batch: &RowBatch, i: usize) {
    for column in 0..batch.kept.columns() {
        let text = batch.kept.get(i, column);
        if !text.is_empty() {
            put(out, column as u64);
            put(out, text.len() as u64);
            out.extend_from_slice(text);
        }
    }
}

/// The decimals of row `i`: mantissas and scales.
pub(crate) fn decimals(batch: &RowBatch, i: usize) -> Option<(&[i64], &[u8])> {
    let end = *batch.decimal_ends.get(i)? as usize;
    let start = if i == 0 { 0 } else { *batch.decimal_ends.get(i - 1)? as usize };
    Some((batch.decimals.get(start..end)?, batch.scales.get(start..end)?))
}

/// Id `k` of row `i`; empty if missing.
pub(crate) fn id(batch: &RowBatch, i: usize, k: usize) -> Option<&[u8]> {
    let n = i * batch.table.ids().len() + k;
    let end = *batch.id_ends.get(n)? as usize;
    let start = if n == 0 { 0 } else { *batch.id_ends.get(n - 1)? as usize };
    batch.id_bytes.get(start..end)
}

fn put_decimals(out: &mut Vec<u8>, batch: &RowBatch, i: usize) -> Option<()> {
    let (mantissas, scales) = decimals(batch, i)?;
    let count = scales.iter().rposition(|&s| s != SCALE_NULL).map_or(0, |last| last + 1);
    put(out, count as u64);
    // Room for the widest form first: the loop then writes whole words and moves on by what counts.
    let mut at = out.len();
    out.resize(at + 9 * count, 0);
    for (&mantissa, &scale) in mantissas.get(..count)?.iter().zip(scales) {
        if scale == SCALE_NULL {
            *out.get_mut(at)? = MISSING;
            at += 1;
            continue;
        }
        if scale > DECIMAL_SCALE {
            return None;
        }
        // A batch has values as they were written; equal values are equal bytes here.
        let Decimal { mantissa, scale } = Decimal { mantissa, scale }.normal();
        let word = zigzag(mantissa);
        let length = byte_length(word);
        *out.get_mut(at)? = (scale << 4) | length as u8;
        out.get_mut(at + 1..at + 9)?.copy_from_slice(&word.to_le_bytes());
        at += 1 + length;
    }
    out.truncate(at);
    Some(())
}

/// Decodes the head of the row at the start of `bytes`, which may go on behind the row.
pub(crate) fn head(bytes: &[u8], sequenced: bool) -> Option<RowHead> {
    let length = u32::from_le_bytes(bytes.get(..4)?.try_into().ok()?) as usize;
    let clock = i64::from_le_bytes(bytes.get(4..FIXED)?.try_into().ok()?);
    let flags = *bytes.get(FIXED)?;
    let mut at = FIXED + 1;
    let source = u32::try_from(get(bytes, &mut at)?).ok()?;
    let record = get(bytes, &mut at)?;
    let sub = u32::try_from(get(bytes, &mut at)?).ok()?;
    let content = at;
    let mut ts = |bit: u8| {
        if flags & bit == 0 {
            return Some(TS_NULL);
        }
        Some(clock.wrapping_add(unzigzag(get(bytes, &mut at)?)))
    };
    let (ts_event, ts_recv) = (ts(HAS_EVENT)?, ts(HAS_RECV)?);
    let sequence = if flags & HAS_SEQUENCE == 0 { None } else { Some(get(bytes, &mut at)?) };
    if at > length || bytes.len() < length {
        return None;
    }
    let key = if sequenced { sequence.unwrap_or(0) } else { 0 };
    let order = RowOrder { clock, sequence: key, source, record, sub };
    Some(RowHead { order, ts_event, ts_recv, sequence, flags, content, cells: at, end: length })
}

/// Bytes of the row at the start of `bytes`.
pub(crate) fn length(bytes: &[u8]) -> Option<usize> {
    Some(u32::from_le_bytes(bytes.get(..4)?.try_into().ok()?) as usize)
}

/// Reads the cells of a row one after the other: integers, then decimals, then ids, then kept values.
#[derive(Debug)]
pub(crate) struct Cells<'a> {
    bytes: &'a [u8],
    at: usize,
    end: usize,
}

impl<'a> Cells<'a> {
    pub(crate) fn new(bytes: &'a [u8], head: &RowHead) -> Self {
        Self { bytes, at: head.cells, end: head.end }
    }

    /// The next integer or decimal: its mantissa and scale, the scale [`SCALE_NULL`] when missing.
    #[inline]
    pub(crate) fn number(&mut self) -> Option<(i64, u8)> {
        let tag = *self.bytes.get(self.at)?;
        if tag == MISSING {
            self.at += 1;
            return Some((0, SCALE_NULL));
        }
        let length = usize::from(tag & 15);
        let word = word_at(self.bytes, self.at + 1, length)?;
        self.at += 1 + length;
        Some((unzigzag(word), tag >> 4))
    }

    /// How many decimals follow.
    pub(crate) fn count(&mut self) -> Option<usize> {
        usize::try_from(get(self.bytes, &mut self.at)?).ok()
    }

    /// The next id; empty if missing.
    pub(crate) fn id(&mut self) -> Option<&'a [u8]> {
        let length = self.count()?;
        let text = self.bytes.get(self.at..self.at.checked_add(length)?)?;
        self.at += length;
        Some(text)
    }

    /// Whether a kept value follows.
    pub(crate) fn has_kept(&self) -> bool {
        self.at < self.end
    }

    /// The next kept value: its column and its text.
    pub(crate) fn kept(&mut self) -> Option<(usize, &'a [u8])> {
        Some((self.count()?, self.id()?))
    }
}

/// `length` bytes at `at` as a number; reads a whole word where the buffer has one.
#[inline]
fn word_at(bytes: &[u8], at: usize, length: usize) -> Option<u64> {
    let keep = *KEEP.get(length)?;
    if let Some(word) = bytes.get(at..at + 8) {
        return Some(u64::from_le_bytes(word.try_into().ok()?) & keep);
    }
    let mut word = [0_u8; 8];
    word.get_mut(..length)?.copy_from_slice(bytes.get(at..at + length)?);
    Some(u64::from_le_bytes(word))
}

fn put_tagged(out: &mut Vec<u8>, value: i64, scale: u8) {
    let word = zigzag(value);
    let length = byte_length(word);
    out.push((scale << 4) | length as u8);
    out.extend_from_slice(&word.to_le_bytes()[..length]);
}

fn byte_length(word: u64) -> usize {
    (64 - word.leading_zeros() as usize).div_ceil(8)
}

fn zigzag(value: i64) -> u64 {
    (value.wrapping_shl(1) ^ (value >> 63)) as u64
}

fn unzigzag(word: u64) -> i64 {
    (word >> 1) as i64 ^ -((word & 1) as i64)
}

/// Appends a varint: seven bits a byte, low ones first.
pub(crate) fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value as u8) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Reads a varint and moves `at` behind it.
#[inline]
pub(crate) fn get(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut value = 0_u64;
    let mut shift = 0_u32;
    loop {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= u64::from(byte & 0x7F).checked_shl(shift)?;
        if byte < 0x80 {
            return Some(value);
        }
        shift += 7;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_round_trip(value in any::<i64>(), word in any::<u64>()) {
            prop_assert_eq!(unzigzag(zigzag(value)), value);
            let mut out = Vec::new();
            put(&mut out, word);
            let mut at = 0;
            prop_assert_eq!(get(&out, &mut at), Some(word));
            prop_assert_eq!(at, out.len());
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Some(head) = head(&bytes, true) {
                let mut cells = Cells::new(&bytes, &head);
                while cells.number().is_some() {}
                let _ = cells.id();
            }
        }
    }
}
