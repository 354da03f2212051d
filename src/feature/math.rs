//! exp and ln from our own polynomials: one source for scalar and vector, so every machine gives the same bits (decision 25).
//!
//! Both stay within 1 ulp of the true value (tests against values of 80 digits). The coefficients interpolate the
//! function at Chebyshev nodes, computed to 80 digits and rounded once. No branch, so a loop over a slice vectorises.

/// 2^52 + 2^51: adding it rounds to an integer and leaves that integer in the low bits.
const ROUND: f64 = 6_755_399_441_055_744.0;
const LOG2_E: f64 = std::f64::consts::LOG2_E;
/// ln 2 in two parts: the high one has 17 zero bits at its end, so a small integer times it is exact.
const LN2_HIGH: f64 = 0.693_147_180_558_298_7;
const LN2_LOW: f64 = 1.646_594_958_289_708_2e-12;

/// (e^r - 1 - r) / r^2 for |r| <= ln 2 / 2, lowest power first; error 2^-56 of e^r.
const EXP: [f64; 10] = [
    0.500_000_000_000_000_1,
    0.166_666_666_666_666_69,
    0.041_666_666_666_624_04,
    0.008_333_333_333_330_055,
    0.001_388_888_891_725_875_9,
    0.000_198_412_698_630_882_55,
    2.480_152_122_598_643_2e-5,
    2.755_726_840_619_079_5e-6,
    2.762_012_171_738_193_3e-7,
    2.510_041_108_201_49e-8,
];

/// 2 (atanh(s) / s - 1) / s^2 in s^2, for |s| <= (sqrt 2 - 1) / (sqrt 2 + 1); error 2^-57 of ln.
const LN: [f64; 7] = [
    0.666_666_666_666_667,
    0.399_999_999_998_988_9,
    0.285_714_286_262_538_36,
    0.222_222_110_893_794_96,
    0.181_828_924_325_368_7,
    0.153_316_117_220_550_08,
    0.146_178_071_534_173_25,
];

/// e^x; 0 below the smallest subnormal, infinity above the largest number, NaN for NaN.
#[inline(always)]
pub(crate) fn exp(x: f64) -> f64 {
    let x = if x < -746.0 { -746.0 } else { x };
    let x = if x > 710.0 { 710.0 } else { x };
    let n = (x * LOG2_E + ROUND) - ROUND;
    let r = (x - n * LN2_HIGH) - n * LN2_LOW;
    let value = exp_near(r);
    // 2^n in two factors, for results below the normal range.
    let half = (n * 0.5 + ROUND) - ROUND;
    value * power_of_two(half) * power_of_two(n - half)
}

/// Up to this magnitude [`exp_near`] is [`exp`]: x is reduced by nothing.
pub(crate) const EXP_NEAR: f64 = 0.34;

/// e^r for |r| <= ln 2 / 2.
#[inline(always)]
pub(crate) fn exp_near(r: f64) -> f64 {
    let mut p = EXP[9];
    let mut i = 9;
    while i > 0 {
        i -= 1;
        p = p * r + EXP[i];
    }
    (r + r * r * p) + 1.0
}

/// 2^n for an integer |n| < 1023.
#[inline(always)]
fn power_of_two(n: f64) -> f64 {
    f64::from_bits(((n + ROUND).to_bits() << 52).wrapping_add(1023 << 52))
}

/// ln x; NaN unless x is positive and finite.
#[inline(always)]
pub(crate) fn ln(x: f64) -> f64 {
    const HALF_SQRT: u64 = 0x3FE6_A09E_667F_3BCD;
    let small = x < f64::MIN_POSITIVE;
    let bits = if small { x * (1_u64 << 54) as f64 } else { x }.to_bits();
    // x = 2^k (1 + f), 1 + f from sqrt(1/2) to sqrt(2).
    let exponent = (bits.wrapping_sub(HALF_SQRT) as i64) >> 52;
    let f = f64::from_bits(bits.wrapping_sub((exponent as u64) << 52)) - 1.0;
    let k = crate::merge::small_to_f64(exponent) - if small { 54.0 } else { 0.0 };
    // ln(1 + f) = 2 atanh(s), s = f / (2 + f); f - f^2/2 are taken out, so that no digit of a small f is lost.
    let s = f / (2.0 + f);
    let z = s * s;
    let mut p = LN[6];
    let mut i = 6;
    while i > 0 {
        i -= 1;
        p = p * z + LN[i];
    }
    let square = 0.5 * f * f;
    let value = k * LN2_HIGH - ((square - (s * (square + z * p) + k * LN2_LOW)) - f);
    if x > 0.0 && x < f64::INFINITY { value } else { f64::NAN }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Distance in units of the last place.
    fn ulps(a: f64, b: f64) -> u64 {
        (a.to_bits() as i64).abs_diff(b.to_bits() as i64)
    }

    /// Correctly rounded, from 80 digits.
    const EXP_VALUES: &[(f64, f64)] = &[
        (0.0, 1.0),
        (-0.0, 1.0),
        (1e-300, 1.0),
        (-1e-17, 1.0),
        (0.3465, 1.4141094938303624),
        (-0.3466, 0.7070881069410189),
        (1.0, std::f64::consts::E),
        (-1.0, 0.36787944117144233),
        (-0.05, 0.951229424500714),
        (-7.25, 0.000710174388842549),
        (-100.5, 2.256340135917036e-44),
        (-700.1, 8.921404266525102e-305),
        (-709.5, 7.38014831401258e-309),
        (-720.3, 1.5055136071e-313),
        (-744.4, 5e-324),
        (-745.2, 0.0),
        (709.78, 1.7928227943945155e308),
        (88.8, 3.6757840844711625e38),
    ];

    #[expect(clippy::approx_constant, reason = "arguments around the point where the reduction changes")]
    const LN_VALUES: &[(f64, f64)] = &[
        (1.0, 0.0),
        (1.0000000000000002, 2.2204460492503128e-16),
        (0.9999999999999999, -1.1102230246251565e-16),
        (1.00005, 4.999875004177061e-05),
        (0.99995, -5.000125004166272e-05),
        (2.0, std::f64::consts::LN_2),
        (0.5, -std::f64::consts::LN_2),
        (1.4142135623730951, 0.3465735902799727),
        (1.414213562373095, 0.3465735902799726),
        (0.7071067811865475, -0.34657359027997275),
        (0.7071067811865476, -0.3465735902799726),
        (10.0, std::f64::consts::LN_10),
        (1e-30, -69.07755278982137),
        (1e30, 69.07755278982137),
        (5e-324, -744.4400719213812),
        (f64::MAX, 709.782712893384),
        (1.00000001, 9.999999889225291e-09),
        (0.70710678, -0.3465735919580042),
    ];

    #[test]
    fn values_of_eighty_digits() {
        for (x, y) in EXP_VALUES {
            assert!(ulps(exp(*x), *y) <= 1, "exp({x}) = {} instead of {y}", exp(*x));
        }
        for (x, y) in LN_VALUES {
            assert!(ulps(ln(*x), *y) <= 1, "ln({x}) = {} instead of {y}", ln(*x));
        }
    }

    #[test]
    fn close_to_the_platform_everywhere() {
        let mut seed = 0x2545_F491_4F6C_DD1D_u64;
        let mut unit = || {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            (seed >> 11) as f64 / (1_u64 << 53) as f64
        };
        for i in 0..200_000 {
            let x = -700.0 * unit() / f64::from(1_u32 << (i % 16));
            assert!(ulps(exp(x), x.exp()) <= 2, "exp({x}): {} {}", exp(x), x.exp());
            let y = if i % 2 == 0 { 0.5 + unit() } else { (unit() * 200.0 - 100.0).exp() };
            assert!(ulps(ln(y), y.ln()) <= 2, "ln({y}): {} {}", ln(y), y.ln());
        }
    }

    #[test]
    fn near_zero_both_paths_give_the_same_bits() {
        for i in -10_000..=10_000 {
            let x = f64::from(i) / 10_000.0 * EXP_NEAR;
            assert_eq!(exp(x).to_bits(), exp_near(x).to_bits(), "{x}");
        }
    }

    #[test]
    fn edges() {
        assert_eq!(exp(f64::NEG_INFINITY), 0.0);
        assert!(exp(f64::NAN).is_nan());
        for x in [0.0, -0.0, -1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(ln(x).is_nan(), "{x}");
        }
        assert_eq!(ln(1.0), 0.0);
    }
}
