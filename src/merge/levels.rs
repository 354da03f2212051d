//! From mantissas to the two forms that kernels read: exact integers at a common scale, and correctly rounded f64.
//!
//! A missing level (B1) is 0 in all four arrays: `size > 0` says that it exists, and sums over levels need no mask.

use crate::merge::simd::simd_kernel;
use crate::units::{Decimal, POW10};

/// Below this magnitude the shifted-exponent conversion of i64 to f64 is exact.
const FAST: u64 = 1 << 51;
/// 2^52 + 2^51 as f64: its bits plus a small signed integer are the bits of the sum.
const SHIFT: f64 = 6_755_399_441_055_744.0;

/// Mantissas of one level of one side, rows of one batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LevelIn<'a> {
    pub(crate) price: &'a [i64],
    pub(crate) size: &'a [i64],
    /// `10^scale` of prices and of sizes.
    pub(crate) price_unit: f64,
    pub(crate) size_unit: f64,
}

/// The four arrays of one level of one side.
#[derive(Debug)]
pub(crate) struct LevelOut<'a> {
    pub(crate) price: &'a mut [f64],
    pub(crate) size: &'a mut [f64],
    pub(crate) price_m: &'a mut [i64],
    pub(crate) size_m: &'a mut [i64],
}

simd_kernel! {
    /// Converts a level whose mantissas are all below 2^51.
    fn convert_fast(level: LevelIn<'_>, out: LevelOut<'_>) = convert_fast_body;
}

#[inline(always)]
fn convert_fast_body(level: LevelIn<'_>, out: LevelOut<'_>) {
    let n = out.price.len();
    let (price, size) = (&level.price[..n], &level.size[..n]);
    let (price_f, size_f) = (&mut out.price[..n], &mut out.size[..n]);
    let (price_m, size_m) = (&mut out.price_m[..n], &mut out.size_m[..n]);
    for i in 0..n {
        let keep = -i64::from(size[i] > 0);
        let (p, s) = (price[i] & keep, size[i] & keep);
        price_m[i] = p;
        size_m[i] = s;
    }
    divide(price_m, level.price_unit, price_f);
    divide(size_m, level.size_unit, size_f);
}

/// Values of small mantissas: whole numbers need no division.
#[inline(always)]
fn divide(mantissas: &[i64], unit: f64, out: &mut [f64]) {
    let n = out.len();
    let mantissas = &mantissas[..n];
    if unit == 1.0 {
        for i in 0..n {
            out[i] = small_to_f64(mantissas[i]);
        }
    } else {
        for i in 0..n {
            out[i] = small_to_f64(mantissas[i]) / unit;
        }
    }
}

/// i64 to f64 for |x| < 2^51: exact, and two vector operations where AVX2 has none for it.
#[inline(always)]
pub(crate) fn small_to_f64(x: i64) -> f64 {
    f64::from_bits(x.wrapping_add(SHIFT.to_bits() as i64) as u64) - SHIFT
}

/// Converts a level; `bounds` are the largest magnitudes of price and size, `scales` their decimals.
pub(crate) fn convert(
    simd: crate::merge::Simd,
    level: LevelIn<'_>,
    bounds: (u64, u64),
    scales: (u8, u8),
    out: LevelOut<'_>,
) {
    if bounds.0 < FAST && bounds.1 < FAST {
        convert_fast(simd, level, out);
        return;
    }
    for i in 0..out.price.len() {
        let exists = level.size[i] > 0;
        let (p, s) = if exists { (level.price[i], level.size[i]) } else { (0, 0) };
        out.price_m[i] = p;
        out.size_m[i] = s;
        out.price[i] = Decimal { mantissa: p, scale: scales.0 }.to_f64();
        out.size[i] = Decimal { mantissa: s, scale: scales.1 }.to_f64();
    }
}

simd_kernel! {
    fn to_f64_fast(mantissas: &[i64], unit: f64, out: &mut [f64]) = to_f64_fast_body;
}

#[inline(always)]
fn to_f64_fast_body(mantissas: &[i64], unit: f64, out: &mut [f64]) {
    for (x, m) in out.iter_mut().zip(mantissas) {
        *x = small_to_f64(*m) / unit;
    }
}

/// Correctly rounded values of mantissas that are at most `bound` in magnitude.
pub(crate) fn to_f64(simd: crate::merge::Simd, mantissas: &[i64], bound: u64, scale: u8, out: &mut [f64]) {
    if bound < FAST {
        to_f64_fast(simd, mantissas, unit(scale), out);
        return;
    }
    for (x, m) in out.iter_mut().zip(mantissas) {
        *x = Decimal { mantissa: *m, scale }.to_f64();
    }
}

/// The divisor of a scale.
pub(crate) fn unit(scale: u8) -> f64 {
    POW10[usize::from(scale).min(18)] as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merge::Simd;

    fn run(simd: Simd, price: &[i64], size: &[i64], bounds: (u64, u64)) -> (Vec<u64>, Vec<u64>, Vec<i64>, Vec<i64>) {
        let n = price.len();
        let (mut pf, mut sf, mut pm, mut sm) = (vec![0.0; n], vec![0.0; n], vec![0; n], vec![0; n]);
        let level = LevelIn { price, size, price_unit: unit(2), size_unit: unit(3) };
        let out = LevelOut { price: &mut pf, size: &mut sf, price_m: &mut pm, size_m: &mut sm };
        convert(simd, level, bounds, (2, 3), out);
        let bits = |v: Vec<f64>| v.into_iter().map(f64::to_bits).collect();
        (bits(pf), bits(sf), pm, sm)
    }

    #[test]
    fn fast_and_slow_agree_and_missing_levels_are_zero() {
        let price = [10_001, -5, 0, 7, (1 << 51) - 1, -(1 << 51) + 1, 9];
        let size = [1, 2, 3, 0, 5, (1 << 51) - 1, -4];
        let slow = run(Simd::Best, &price, &size, (u64::MAX, 0));
        for simd in [Simd::Best, Simd::Baseline] {
            assert_eq!(run(simd, &price, &size, (0, 0)), slow);
        }
        assert_eq!(slow.0[0], 100.01_f64.to_bits());
        assert_eq!((slow.0[3], slow.1[3], slow.2[3]), (0, 0, 0));
        assert_eq!(slow.3[6], 0);
    }

    #[test]
    fn mantissas_beyond_2_to_the_53_round_once() {
        let (price, ..) = run(Simd::Best, &[900_719_925_474_099_301], &[1], (u64::MAX, 0));
        assert_eq!(price[0], 9_007_199_254_740_993.01_f64.to_bits());
    }
}
