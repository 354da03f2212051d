//! The repeat part: one bit a row says that the value differs from the row before; the changed values follow, packed.
//!
//! Most cells of a book repeat the row before, so this is both the smallest and the fastest form of most columns.

use multiversion::multiversion;

use super::bits;
use super::packed::Packed;
use crate::error::{Error, Result};
use crate::format::rules;

/// Values past the last one that [`Repeat::expand`] may touch: a window of rows is read without bounds checks.
pub const SLACK: usize = 128;

/// Rows whose value differs from the row before; the first row counts.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2", "aarch64+neon"))]
pub fn count_changes(values: &[i64]) -> usize {
    if values.is_empty() {
        return 0;
    }
    let mut changes = 1_u64;
    for (a, b) in values[1..].iter().zip(values) {
        changes = changes.wrapping_add(u64::from(a != b));
    }
    changes as usize
}

/// Appends the bitmap of changes and collects the changed values, of which there are `count`.
pub fn put_bitmap(values: &[i64], count: usize, out: &mut Vec<u8>, changed: &mut Vec<i64>) {
    changed.clear();
    // One more: each row writes its value at the end and only a change moves the end.
    changed.resize(count + 1, 0);
    let mut before = values.first().map_or(0, |v| !v);
    let mut end = 0;
    for chunk in values.chunks(64) {
        let mut word = 0_u64;
        for (bit, v) in chunk.iter().enumerate() {
            let change = u64::from(*v != before);
            word |= change << bit;
            changed[end] = *v;
            end += change as usize;
            before = *v;
        }
        out.extend_from_slice(&word.to_le_bytes());
    }
    changed.truncate(count);
}

/// A repeat part whose bitmap and packed part were checked.
#[derive(Clone, Copy, Debug)]
pub struct Repeat<'a> {
    bitmap: &'a [[u8; 8]],
    /// Number of changed values.
    pub count: usize,
    /// The changed values.
    pub packed: Packed<'a>,
}

impl<'a> Repeat<'a> {
    /// Takes the repeat part of `rows` rows (at least 1), which is all of `bytes`.
    ///
    /// # Errors
    /// `Damage`.
    pub fn parse(bytes: &'a [u8], rows: usize) -> Result<Self> {
        let length = bits::words(rows) * 8;
        let Some((bitmap, rest)) = bytes.split_at_checked(length) else {
            let got = format!("{} bytes", bytes.len());
            return Err(Error::damage(rules::PART_LENGTH, format!("{length} bytes of bitmap"), got));
        };
        let (bitmap, _) = bitmap.as_chunks::<8>();
        let word = |w: usize| u64::from_le_bytes(bitmap[w]);
        let last = bitmap.len() - 1;
        if word(0) & 1 == 0 || word(last) & !bits::mask(last, rows) != 0 {
            let got = format!("{:#x} ... {:#x}", word(0), word(last));
            return Err(Error::damage(rules::REPEAT_BITMAP, format!("bit 0 set and {rows} bits at most"), got));
        }
        let count = (0..bitmap.len()).map(|w| word(w).count_ones() as usize).sum();
        Ok(Self { bitmap, count, packed: Packed::parse(rest, count)? })
    }

    /// Whether a row's bit is set.
    #[must_use]
    pub fn changed(&self, row: usize) -> bool {
        u64::from_le_bytes(self.bitmap[row / 64]) >> (row % 64) & 1 == 1
    }

    /// Spreads the changed values over the rows of `out`. They stand in `values[1..=count]`, and `values` goes on for
    /// [`SLACK`] more.
    pub fn expand(&self, values: &[i64], out: &mut [i64]) {
        let mut at = 0;
        for (word, out) in self.bitmap.iter().zip(out.chunks_mut(64)) {
            let word = u64::from_le_bytes(*word);
            let ones = word.count_ones() as usize;
            let Some(window) = values[at..].first_chunk::<SLACK>() else { return };
            match ones {
                0 => out.fill(window[0]),
                64 => out.copy_from_slice(&window[1..=out.len()]),
                _ => spread(word, window, out),
            }
            at += ones;
        }
    }
}

/// Rows of one bitmap word: the k-th set bit moves on to `window[k]`.
#[inline(always)]
fn spread(word: u64, window: &[i64; SLACK], out: &mut [i64]) {
    let mut k = 0;
    if let Some(out) = out.first_chunk_mut::<64>() {
        for (row, out) in out.iter_mut().enumerate() {
            k += (word >> row & 1) as usize;
            *out = window[k & (SLACK - 1)];
        }
        return;
    }
    for (row, out) in out.iter_mut().enumerate() {
        k += (word >> row & 1) as usize;
        *out = window[k & (SLACK - 1)];
    }
}
