//! Statistics of a block's values: least, greatest, sum. Vectorised passes over slices; nulls were replaced before.

use multiversion::multiversion;

use crate::format::constants::F64_NULL;

/// Least and greatest value, in signed order after `flip` (`1 << 63` gives unsigned order); `flip` is taken back.
/// An empty slice gives the empty range.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2", "aarch64+neon"))]
pub fn min_max(values: &[i64], flip: i64) -> (i64, i64) {
    let (mut low, mut high) = ([i64::MAX; 16], [i64::MIN; 16]);
    let (chunks, rest) = values.as_chunks::<16>();
    for chunk in chunks {
        for lane in 0..16 {
            let v = chunk[lane] ^ flip;
            low[lane] = low[lane].min(v);
            high[lane] = high[lane].max(v);
        }
    }
    let low = low.iter().copied().chain(rest.iter().map(|v| v ^ flip)).fold(i64::MAX, i64::min);
    let high = high.iter().copied().chain(rest.iter().map(|v| v ^ flip)).fold(i64::MIN, i64::max);
    (low ^ flip, high ^ flip)
}

/// Exact sum; `unsigned` takes the bits as u64. At most 2^32 values.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2", "aarch64+neon"))]
pub fn sum(values: &[i64], unsigned: bool) -> i128 {
    // Halves are summed apart: neither can overflow, and both stay in 64-bit lanes.
    let (mut low, mut high, mut negative) = (0_u64, 0_u64, 0_u64);
    for v in values {
        let bits = v.cast_unsigned();
        low = low.wrapping_add(bits & 0xFFFF_FFFF);
        high = high.wrapping_add(bits >> 32);
        negative = negative.wrapping_add(bits >> 63);
    }
    let whole = i128::from(high) << 32;
    let sum = whole + i128::from(low);
    if unsigned { sum } else { sum - (i128::from(negative) << 64) }
}

/// What a pass over f64 finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FloatStats {
    /// NaNs.
    pub nulls: usize,
    /// Bits of the least number in total order (-0 before +0); 0 when all are NaN.
    pub min: u64,
    /// Bits of the greatest.
    pub max: u64,
}

/// Copies f64 to `out` as bits with every NaN made the one NaN, and gathers statistics.
pub fn canonical(values: &[f64], out: &mut [i64]) -> FloatStats {
    let (nulls, low, high) = canonical_kernel(values, out);
    if nulls == values.len() {
        return FloatStats { nulls, min: 0, max: 0 };
    }
    FloatStats { nulls, min: from_key(low), max: from_key(high) }
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2", "aarch64+neon"))]
fn canonical_kernel(values: &[f64], out: &mut [i64]) -> (usize, i64, i64) {
    let (mut nulls, mut low, mut high) = (0_u64, i64::MAX, i64::MIN);
    for (v, out) in values.iter().zip(out) {
        let null = v.is_nan();
        let bits = if null { F64_NULL } else { v.to_bits() }.cast_signed();
        *out = bits;
        nulls = nulls.wrapping_add(u64::from(null));
        let key = to_key(bits);
        low = low.min(if null { i64::MAX } else { key });
        high = high.max(if null { i64::MIN } else { key });
    }
    (usize::try_from(nulls).unwrap_or(usize::MAX), low, high)
}

/// Bits of an f64 as an integer in total order.
#[inline(always)]
fn to_key(bits: i64) -> i64 {
    bits ^ ((bits >> 63).cast_unsigned() >> 1).cast_signed()
}

fn from_key(key: i64) -> u64 {
    to_key(key).cast_unsigned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_at_the_edges() {
        let values = [i64::MIN, i64::MIN, -1, 5, i64::MAX];
        assert_eq!(sum(&values, false), values.iter().map(|v| i128::from(*v)).sum::<i128>());
        assert_eq!(sum(&values, true), values.iter().map(|v| i128::from(v.cast_unsigned())).sum::<i128>());
    }

    #[test]
    fn unsigned_order() {
        let values: Vec<i64> = (0..40).map(|i| i * 3 - 20).collect();
        assert_eq!(min_max(&values, 0), (-20, 97));
        assert_eq!(min_max(&values, i64::MIN), (1, -2));
    }

    #[test]
    fn floats_in_total_order() {
        let mut out = [0; 5];
        let stats = canonical(&[0.0, -0.0, f64::from_bits(0x7FF0_0000_0000_0001), -2.5, 1e300], &mut out);
        assert_eq!(stats, FloatStats { nulls: 1, min: (-2.5_f64).to_bits(), max: 1e300_f64.to_bits() });
        assert_eq!(out[2].cast_unsigned(), F64_NULL);
        let stats = canonical(&[0.0, -0.0], &mut out);
        assert_eq!((stats.min, stats.max), ((-0.0_f64).to_bits(), 0));
    }
}
