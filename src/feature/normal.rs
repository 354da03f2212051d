//! The normal distribution function from our own polynomial, so that every machine gives the same bits (decision 25).
//!
//! The ratio of upper tail and density is smooth in u = (x - 4) / (x + 4); its Chebyshev coefficients on 0 <= x <= 39 were computed
//! to 100 digits and rounded once. Beyond 39 the tail is 0 in f64.

use crate::feature::math::exp;

/// Chebyshev coefficients of tail / density in w, u scaled to -1..1; error 1e-18.
const RATIO: [f64; 25] = [
    0.451_978_164_078_205_1,
    -0.570_015_363_251_791_1,
    0.180_124_087_817_194_55,
    -0.043_106_696_101_783_7,
    0.007_373_989_554_193_96,
    -0.000_735_553_002_008_143,
    -6.193_805_652_572_715e-6,
    1.285_707_167_337_637_3e-5,
    -9.068_306_165_206_38e-7,
    -2.176_659_760_882_961_7e-7,
    2.899_657_067_039_668_4e-8,
    4.820_807_082_177_966e-9,
    -7.822_920_363_343_56e-10,
    -1.448_919_400_465_273_2e-10,
    1.935_431_791_578_410_3e-11,
    5.263_972_797_568_23e-12,
    -3.555_293_119_092_874_3e-13,
    -2.002_724_740_683_151e-13,
    -2.407_395_959_198_502_3e-15,
    7.057_358_171_349_541e-15,
    7.555_776_460_635_934e-16,
    -1.938_323_415_089_283_7e-16,
    -5.174_666_523_862_902e-17,
    1.633_828_401_298_916_7e-18,
    2.369_399_817_681_925_3e-18,
];
/// u at x = 39.
const U_MAX: f64 = 35.0 / 43.0;
/// 1 / sqrt(2 pi).
const DENSITY: f64 = 0.398_942_280_401_432_7;

/// Phi(z): the share of a standard normal variable at or below z; NaN for NaN.
pub(crate) fn phi(z: f64) -> f64 {
    let x = z.abs().min(39.0);
    let w = ((x - 4.0) / (x + 4.0) + 1.0) * 2.0 / (U_MAX + 1.0) - 1.0;
    // Clenshaw's recurrence.
    let (mut now, mut before) = (0.0, 0.0);
    for c in RATIO[1..].iter().rev() {
        (now, before) = (2.0 * w * now - before + c, now);
    }
    let ratio = w * now - before + RATIO[0];
    let tail = exp(-x * x / 2.0) * DENSITY * ratio;
    if z.is_nan() {
        z
    } else if z < 0.0 {
        tail
    } else {
        1.0 - tail
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_twenty_digits() {
        for (z, value) in [
            (0.0, 0.5),
            (0.001, 0.500_398_942_213_911),
            (0.1, 0.539_827_837_277_029),
            (-0.5, 0.308_537_538_725_986_9),
            (1.0, 0.841_344_746_068_542_9),
            (2.5, 0.993_790_334_674_223_8),
            (-3.0, 0.001_349_898_031_630_094_5),
            (5.0, 0.999_999_713_348_428_1),
            (-10.0, 7.619_853_024_160_526e-24),
            (-37.5, 4.605_353_009_581_955e-308),
            (f64::INFINITY, 1.0),
        ] {
            let got = phi(z);
            assert!((got - value).abs() <= 1e-14 * value, "phi({z}) = {got} instead of {value}");
        }
        assert!(phi(f64::NAN).is_nan() && phi(f64::NEG_INFINITY) < 1e-300);
    }
}
