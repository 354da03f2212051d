//! Kernels of the content digest (`format-spec`, Content digest): two sums of mixed values, the same whatever the block.

use multiversion::multiversion;

use crate::format::constants::{DIGEST_MUL_HI, DIGEST_MUL_LO, DIGEST_NULL, DIGEST_ROW, F64_NULL};

/// The word of a missing value in a column of seed `seed`.
#[must_use]
pub fn null_word(seed: u64) -> u64 {
    DIGEST_NULL ^ seed
}

/// Digest of words in rows `first_row`, `first_row + 1`, ... of a column of seed `seed`.
pub fn words(values: &[i64], seed: u64, first_row: u64) -> u128 {
    join(words_kernel(values, seed, first_row))
}

/// Digest of f64 bits, in which the one NaN is a missing value.
pub fn floats(bits: &[i64], seed: u64, first_row: u64) -> u128 {
    join(floats_kernel(bits, seed, first_row))
}

fn join((low, high): (u64, u64)) -> u128 {
    u128::from(low) | u128::from(high) << 64
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2", "aarch64+neon"))]
fn words_kernel(values: &[i64], seed: u64, first_row: u64) -> (u64, u64) {
    let mut key = first_row.wrapping_mul(DIGEST_ROW).wrapping_add(seed);
    let (mut low, mut high) = (0_u64, 0_u64);
    for v in values {
        let (a, b) = mix(v.cast_unsigned() ^ key);
        low = low.wrapping_add(a);
        high = high.wrapping_add(b);
        key = key.wrapping_add(DIGEST_ROW);
    }
    (low, high)
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2", "aarch64+neon"))]
fn floats_kernel(bits: &[i64], seed: u64, first_row: u64) -> (u64, u64) {
    let null = null_word(seed);
    let mut key = first_row.wrapping_mul(DIGEST_ROW).wrapping_add(seed);
    let (mut low, mut high) = (0_u64, 0_u64);
    for v in bits {
        let v = v.cast_unsigned();
        let (a, b) = mix(if v == F64_NULL { null } else { v } ^ key);
        low = low.wrapping_add(a);
        high = high.wrapping_add(b);
        key = key.wrapping_add(DIGEST_ROW);
    }
    (low, high)
}

/// Two mixes of a word: multiply, fold the high half down, twice.
#[inline(always)]
fn mix(x: u64) -> (u64, u64) {
    let a = x.wrapping_mul(DIGEST_MUL_LO);
    let a = a ^ (a >> 32);
    let b = a.wrapping_mul(DIGEST_MUL_HI);
    (a, b ^ (b >> 29))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::digest::add;

    #[test]
    fn parts_add_up_and_order_counts() {
        let values: Vec<i64> = (0..100).map(|i| i * i - 7).collect();
        let whole = words(&values, 11, 1_000);
        let parts = add(words(&values[..37], 11, 1_000), words(&values[37..], 11, 1_037));
        assert_eq!(whole, parts);
        let mut swapped = values.clone();
        swapped.swap(3, 4);
        assert_ne!(whole, words(&swapped, 11, 1_000));
        assert_ne!(whole, words(&values, 12, 1_000));
    }

    #[test]
    fn zero_rows_still_count() {
        assert_ne!(words(&[0], 1, 0), words(&[0, 0], 1, 0));
        assert_ne!(floats(&[F64_NULL.cast_signed()], 1, 0), words(&[F64_NULL.cast_signed()], 1, 0));
    }
}
