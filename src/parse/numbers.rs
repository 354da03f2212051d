//! The short fields of a block as decimals, all at once: the same arithmetic as in [`super::scan`], but without a branch, so
//! that the compiler does several fields in one instruction.

use std::ops::Range;

use multiversion::multiversion;

use crate::units::Decimal;

/// The scale of a field that is no decimal of the common form with up to eight characters.
const NONE: u8 = 0xFF;
const ZEROS: u64 = 0x3030_3030_3030_3030;
const POINTS: u64 = 0x1E1E_1E1E_1E1E_1E1E;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// Decimals by number of the field in the block; keeps its memory from block to block.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    values: Vec<u64>,
    scales: Vec<u8>,
}

impl Numbers {
    /// Reads the fields that end at `ends`, each of which begins one byte behind the end before it.
    pub(super) fn read(&mut self, block: &[u8], ends: &[u32]) {
        self.values.resize(ends.len(), 0);
        self.scales.resize(ends.len(), 0);
        load(block, ends, &mut self.values);
        convert(&mut self.values, &mut self.scales);
    }

    /// Field `number` of the block.
    #[inline(always)]
    pub(super) fn get(&self, number: usize) -> Option<Decimal> {
        let (scale, value) = (*self.scales.get(number)?, *self.values.get(number)?);
        (scale != NONE).then_some(Decimal { mantissa: value as i64, scale })
    }
}

impl Numbers {
    /// Appends the decimals of a record, whose fields are `fields`, by their numbers in it; the scale of one that is none
    /// is [`NONE`]. False, with nothing appended, if there are no such fields.
    #[inline]
    pub(super) fn gather(
        &self,
        fields: Range<usize>,
        columns: &[u32],
        values: &mut Vec<i64>,
        scales: &mut Vec<u8>,
    ) -> bool {
        let (Some(all), Some(all_scales)) = (self.values.get(fields.clone()), self.scales.get(fields)) else {
            return false;
        };
        scales.extend(columns.iter().map(|column| all_scales.get(*column as usize).copied().unwrap_or(NONE)));
        values.extend(columns.iter().map(|column| all.get(*column as usize).map_or(0, |value| *value as i64)));
        true
    }
}

/// The digit values of the fields that end at `ends`.
#[multiversion(targets("x86_64+avx2+bmi1+bmi2+lzcnt+popcnt"))]
fn load(block: &[u8], ends: &[u32], words: &mut [u64]) {
    let mut start = 0;
    for (word, &end) in words.iter_mut().zip(ends) {
        let end = end as usize;
        *word = digits_of(block, start, end);
        start = end + 1;
    }
}

/// The digit values of a field of 1 to 8 characters, right-aligned, zeros before them; all ones for any other field.
#[inline(always)]
fn digits_of(block: &[u8], start: usize, end: usize) -> u64 {
    let length = end.wrapping_sub(start);
    let Some(word) = block.get(..end).and_then(|before| before.last_chunk::<8>()) else { return u64::MAX };
    // The shift is below 64 for the lengths that count.
    let keep = u64::MAX.wrapping_shl(64_usize.wrapping_sub(length.wrapping_mul(8)) as u32);
    let x = (u64::from_le_bytes(*word) ^ ZEROS) & keep;
    // A lone point has no digit.
    let short = length.wrapping_sub(1) < 8 && (length > 1 || x >> 56 < 10);
    if short { x } else { u64::MAX }
}

/// Digit values with at most one point, in place, to mantissas and scales.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2", "aarch64+neon"))]
fn convert(words: &mut [u64], scales: &mut [u8]) {
    for (word, scale) in words.iter_mut().zip(scales) {
        let x = *word;
        // High bit of every byte that is no digit; the lowest of them, and all of its byte.
        let odd = ((x & !HIGH).wrapping_add(0x7676_7676_7676_7676) | x) & HIGH;
        let lowest = odd & odd.wrapping_neg();
        let byte = (lowest << 1).wrapping_sub(lowest >> 7);
        let is_plain = odd == 0;
        let is_point = odd == lowest && (x ^ POINTS) & byte == 0;
        // What stands before the point moves up into its place; without a point that is all.
        let front = (lowest >> 7).wrapping_sub(1);
        let behind = !(front | byte);
        let before = x & front;
        let compact = (x & behind) | if is_plain { before } else { before << 8 };
        let pairs = compact.wrapping_mul(10).wrapping_add(compact >> 8) & 0x00FF_00FF_00FF_00FF;
        let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_FFFF_0000_FFFF;
        *word = fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xFFFF_FFFF;
        let ones = behind & 0x0101_0101_0101_0101;
        let ones = ones.wrapping_add(ones >> 32);
        let ones = ones.wrapping_add(ones >> 16);
        let count = ones.wrapping_add(ones >> 8) as u8 & 15;
        *scale = if is_plain {
            0
        } else if is_point {
            count
        } else {
            NONE
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::scan::short_decimal;
    use proptest::prelude::*;

    fn check(fields: &[&[u8]]) {
        let mut block = b"0123456,".to_vec();
        let mut ends = vec![7_u32];
        for field in fields {
            block.extend_from_slice(field);
            ends.push(block.len() as u32);
            block.push(b',');
        }
        let mut numbers = Numbers::default();
        numbers.read(&block, &ends);
        for (at, field) in fields.iter().enumerate() {
            let wanted = short_decimal(field).filter(|_| field.len() <= 8 && !field.starts_with(b"-"));
            assert_eq!(numbers.get(at + 1), wanted, "{}", String::from_utf8_lossy(field));
        }
    }

    #[test]
    fn forms() {
        let fields = ["1", "12.5", "0.001", ".5", "5.", ".", "", "1.2.3", "12345678", "123456789", "1234.678", "-1"];
        let more =
            ["/", ":", "1/", "9:", "a", "99999999", "0000.000", "1e5", "\u{e9}", "1,", "........", "\u{1e}", "7.\u{0}"];
        let all: Vec<&[u8]> = fields.iter().chain(&more).map(|f| f.as_bytes()).collect();
        check(&all);
    }

    proptest! {
        #[test]
        fn any_bytes(fields in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..10), 0..40)) {
            check(&fields.iter().map(Vec::as_slice).collect::<Vec<_>>());
        }

        #[test]
        fn digits_and_points(fields in proptest::collection::vec("[0-9]{0,5}[.]?[0-9]{0,5}", 0..40)) {
            check(&fields.iter().map(|f| f.as_bytes()).collect::<Vec<_>>());
        }
    }
}
