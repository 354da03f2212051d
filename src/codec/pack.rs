//! Choosing how integers are packed: base, common factor, width.
//!
//! A packed value is `base + factor * u` with u of 0, 1, 2, 4 or 8 bytes. The factor (a tick, a lot) is looked for only
//! where it can make the width smaller.

use multiversion::multiversion;

use super::stats;

/// base, factor and width of a packed part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packing {
    /// The least value in the type's order.
    pub base: i64,
    /// Common factor of the differences to it, at least 1.
    pub factor: u64,
    /// Bytes of each u.
    pub width: u8,
}

/// Bytes that hold numbers up to `most`.
#[must_use]
pub fn width_of(most: u64) -> u8 {
    match most {
        0 => 0,
        1..=0xFF => 1,
        0x100..=0xFFFF => 2,
        0x1_0000..=0xFFFF_FFFF => 4,
        _ => 8,
    }
}

/// The smallest packing of values; `flip` is `1 << 63` for unsigned order, else 0.
#[must_use]
pub fn plan(values: &[i64], flip: i64) -> Packing {
    if values.is_empty() {
        return Packing { base: 0, factor: 1, width: 0 };
    }
    let (base, most) = stats::min_max(values, flip);
    plan_range(values, base, most)
}

/// The same when least and greatest value are known.
#[must_use]
pub fn plan_range(values: &[i64], base: i64, most: i64) -> Packing {
    let range = most.wrapping_sub(base).cast_unsigned();
    let width = width_of(range);
    let below = match width {
        8 => 0xFFFF_FFFF,
        4 => 0xFFFF,
        2 => 0xFF,
        _ => return Packing { base, factor: 1, width },
    };
    // A factor under this one would leave the width as it is.
    let useful = range.div_ceil(below);
    let factor = common_factor(values, base, range, useful);
    if factor < useful {
        return Packing { base, factor: 1, width };
    }
    Packing { base, factor, width: width_of(range / factor) }
}

/// The greatest common divisor of all differences to `base`, or a number under `useful` once it falls below that.
fn common_factor(values: &[i64], base: i64, range: u64, useful: u64) -> u64 {
    let mut factor = range;
    let mut at = 0;
    while factor >= useful {
        let Some(found) = first_indivisible(&values[at..], base, Divisor::new(factor)) else { break };
        at += found;
        factor = gcd(factor, values[at].wrapping_sub(base).cast_unsigned());
    }
    factor
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// A divisor with the inverse of its odd part modulo 2^64: dividing a multiple of it is one multiplication and a rotation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Divisor {
    inverse: u64,
    shift: u32,
    most: u64,
}

impl Divisor {
    /// For a divisor of at least 1.
    pub(crate) fn new(divisor: u64) -> Self {
        let shift = divisor.trailing_zeros();
        let odd = divisor >> shift;
        // Newton: each step doubles the right bits, 3 to begin with.
        let mut inverse = odd;
        for _ in 0..5 {
            inverse = inverse.wrapping_mul(2_u64.wrapping_sub(odd.wrapping_mul(inverse)));
        }
        Self { inverse, shift, most: u64::MAX / divisor }
    }

    /// The quotient of a multiple; of any other number a value over `most`.
    #[inline(always)]
    pub(crate) fn quotient(self, u: u64) -> u64 {
        u.wrapping_mul(self.inverse).rotate_right(self.shift)
    }
}

/// Index of the first value whose difference to `base` is not a multiple.
fn first_indivisible(values: &[i64], base: i64, divisor: Divisor) -> Option<usize> {
    let mut at = 0;
    for chunk in values.chunks(256) {
        if any_indivisible(chunk, base, divisor) {
            let inside = chunk.iter().position(|v| {
                let u = v.wrapping_sub(base).cast_unsigned();
                divisor.quotient(u) > divisor.most
            });
            return inside.map(|i| at + i);
        }
        at += chunk.len();
    }
    None
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2", "aarch64+neon"))]
fn any_indivisible(values: &[i64], base: i64, divisor: Divisor) -> bool {
    let mut bad = 0_u64;
    for v in values {
        let u = v.wrapping_sub(base).cast_unsigned();
        bad |= u64::from(divisor.quotient(u) > divisor.most);
    }
    bad != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn divisors_divide() {
        for divisor in [1_u64, 2, 3, 5, 100, 1_000, 4_096, 12_345, 1 << 40, u64::MAX] {
            let d = Divisor::new(divisor);
            for k in [0_u64, 1, 2, 77, 4_000] {
                let Some(u) = divisor.checked_mul(k) else { continue };
                assert_eq!(d.quotient(u), k, "{u} / {divisor}");
                if divisor > 1 && u < u64::MAX {
                    assert!(d.quotient(u + 1) > d.most, "{u} + 1 / {divisor}");
                }
            }
        }
    }

    #[test]
    fn plans() {
        let plan = |values: &[i64]| {
            let p = plan(values, 0);
            (p.base, p.factor, p.width)
        };
        assert_eq!(plan(&[]), (0, 1, 0));
        assert_eq!(plan(&[7, 7]), (7, 1, 0));
        assert_eq!(plan(&[0, 255]), (0, 1, 1));
        assert_eq!(plan(&[0, 25_500, 100]), (0, 100, 1));
        assert_eq!(plan(&[0, 25_501, 100]), (0, 1, 2));
        assert_eq!(plan(&[i64::MIN, i64::MAX]), (i64::MIN, u64::MAX, 1));
        assert_eq!(plan(&[-5, 1 << 40]), (-5, (1 << 40) + 5, 1));
    }
}
