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
    changed.reserve(count);
    let start = out.len();
    out.resize(start + bits::words(values.len()) * 8, 0);
    let (words, _) = out[start..].as_chunks_mut::<8>();
    let mut before = values.first().map_or(0, |v| !v);
    for (word, values) in words.iter_mut().zip(values.chunks(64)) {
        let mut changes = change_bits(values, before);
        *word = changes.to_le_bytes();
        while changes != 0 {
            changed.push(values[changes.trailing_zeros() as usize & 63]);
            changes &= changes - 1;
        }
        before = values[values.len() - 1];
    }
}

/// Bit i is set where value i differs from the one before it; there are at most 64.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2", "aarch64+neon"))]
fn change_bits(values: &[i64], before: i64) -> u64 {
    let mut differs = [0_u8; 64];
    let first = values.first().is_some_and(|v| *v != before);
    differs[0] = u8::from(first);
    for (differs, (a, b)) in differs[1..].iter_mut().zip(values[1..].iter().zip(values)) {
        *differs = u8::from(a != b);
    }
    // A multiplication gathers the low bits of eight bytes into one.
    let mut word = 0;
    for (i, eight) in differs.as_chunks::<8>().0.iter().enumerate() {
        let byte = u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        word |= byte << (8 * i);
    }
    word
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
            let ones = u64::from_le_bytes(*word).count_ones() as usize;
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

/// Rows of one bitmap word: the k-th set bit moves on to `window[k]`. Eight rows at a time, their places from a table.
#[inline(always)]
fn spread(word: &[u8; 8], window: &[i64; SLACK], out: &mut [i64]) {
    let mut at = 0;
    let (eights, rest) = out.as_chunks_mut::<8>();
    for (out, byte) in eights.iter_mut().zip(word) {
        let places = &PLACES[usize::from(*byte)];
        let Some(near) = window[at & 63..].first_chunk::<16>() else { return };
        if *byte == 0 {
            *out = [near[0]; 8];
            continue;
        }
        *out = std::array::from_fn(|row| near[usize::from(places[row]) & 15]);
        at += usize::from(places[7]);
    }
    let places = &PLACES[usize::from(word[eights.len() & 7])];
    for (out, place) in rest.iter_mut().zip(places) {
        *out = window[(at + usize::from(*place)) & (SLACK - 1)];
    }
}

/// For each byte of a bitmap: how many bits are set up to and including each.
const PLACES: [[u8; 8]; 256] = {
    let mut table = [[0; 8]; 256];
    let mut byte = 0;
    while byte < 256 {
        let (mut row, mut ones) = (0, 0);
        while row < 8 {
            ones += (byte >> row & 1) as u8;
            table[byte][row] = ones;
            row += 1;
        }
        byte += 1;
    }
    table
};
