//! Mantissas to correctly rounded f64, in place.
//!
//! Up to 2^53 a mantissa and its power of ten are exact doubles, so their quotient is rounded once: right. Up to 2^51 the
//! mantissa becomes a double by integer addition alone, which every vector unit has; beyond it the scalar twin goes on.

use multiversion::multiversion;

use crate::units::POW10;

/// 2^52 + 2^51: adding it to |m| < 2^51 puts m into the mantissa bits of a double of this size.
const MAGIC: f64 = 6_755_399_441_055_744.0;
/// Mantissas whose absolute value is below this take the vector path.
const FAST: i64 = 1 << 51;
/// Mantissas up to this are exact doubles.
const EXACT: u64 = 1 << 53;

/// How stored words become doubles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conversion {
    /// Decimals.
    pub scale: u8,
    /// Words are u64.
    pub unsigned: bool,
}

impl Conversion {
    /// Turns words into the bits of doubles. `bounds` is a range that holds all words, if one is known.
    pub fn apply(self, words: &mut [i64], bounds: Option<(i128, i128)>) {
        let divisor = power(self.scale);
        let limit = i128::from(FAST);
        let known = bounds.is_some_and(|(low, high)| low > -limit && high < limit);
        if self.unsigned || !(known || all_fast(words)) {
            self.apply_scalar(words);
        } else if self.scale == 0 {
            convert_whole(words);
        } else {
            convert(words, divisor as f64);
        }
    }

    /// The scalar twin: any word.
    pub fn apply_scalar(self, words: &mut [i64]) {
        for word in words {
            *word = if self.unsigned { word.cast_unsigned() as f64 } else { to_f64(*word, self.scale) }
                .to_bits()
                .cast_signed();
        }
    }
}

fn power(scale: u8) -> i64 {
    POW10.get(usize::from(scale)).copied().unwrap_or(1)
}

/// The nearest double to `mantissa / 10^scale`, ties to even, without allocation.
#[must_use]
pub fn to_f64(mantissa: i64, scale: u8) -> f64 {
    let divisor = power(scale);
    let digits = mantissa.unsigned_abs();
    if digits <= EXACT || divisor == 1 {
        return mantissa as f64 / divisor as f64;
    }
    // 64 more bits of the quotient, and one that says whether anything is left: enough to round once, in the cast.
    let whole = u128::from(digits) << 64;
    let divisor = u128::from(divisor.unsigned_abs());
    let quotient = (whole / divisor) | u128::from(whole % divisor != 0);
    let value = quotient as f64 / 18_446_744_073_709_551_616.0;
    if mantissa < 0 { -value } else { value }
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2", "aarch64+neon"))]
fn all_fast(words: &[i64]) -> bool {
    let mut seen = 0_u64;
    for word in words {
        seen |= word.wrapping_add(FAST).cast_unsigned();
    }
    seen < 1 << 52
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2", "aarch64+neon"))]
fn convert(words: &mut [i64], divisor: f64) {
    for word in words {
        *word = (double(*word) / divisor).to_bits().cast_signed();
    }
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2", "aarch64+neon"))]
fn convert_whole(words: &mut [i64]) {
    for word in words {
        *word = double(*word).to_bits().cast_signed();
    }
}

/// The double of a word of less than 51 bits.
#[inline(always)]
fn double(word: i64) -> f64 {
    f64::from_bits(word.wrapping_add(MAGIC.to_bits().cast_signed()).cast_unsigned()) - MAGIC
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Decimal;

    #[test]
    fn large_mantissas_equal_the_text() {
        let mut seed = 0x1234_5678_9ABC_DEF1_u64;
        for i in 0..20_000 {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            let mantissa = seed.cast_signed() >> (i % 20);
            for scale in [0, 1, 2, 8, 12, 18] {
                let text = Decimal { mantissa, scale }.to_string().parse::<f64>().expect("a number");
                assert_eq!(to_f64(mantissa, scale).to_bits(), text.to_bits(), "{mantissa} / 10^{scale}");
            }
        }
        assert_eq!(to_f64(i64::MIN, 0), -9_223_372_036_854_775_808.0);
    }

    #[test]
    fn vector_path_equals_scalar() {
        for limit in [1_i64 << 20, FAST - 1, FAST, FAST + 1, 1 << 53, i64::MAX] {
            let words: Vec<i64> = (0..200).map(|i| if i % 2 == 0 { limit - i } else { -limit + i }).collect();
            for scale in [0, 2, 12] {
                let conversion = Conversion { scale, unsigned: false };
                let (mut a, mut b) = (words.clone(), words.clone());
                conversion.apply(&mut a, None);
                conversion.apply_scalar(&mut b);
                assert_eq!(a, b, "limit {limit} scale {scale}");
            }
        }
    }
}
