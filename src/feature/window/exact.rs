//! Sums in two halves (double-double): the rounding error of every step is kept beside the sum, 106 bits in all, so
//! that differences of running sums lose nothing that a window could show, however long the partition.
//!
//! `mul_add` here only takes the error of a product, which it gives exactly; nothing is fused for speed, and every SIMD
//! level gives the same bits.

/// Sums that stand side by side: one vector.
pub(crate) const LANES: usize = 4;

/// The two halves of [`LANES`] sums.
pub(crate) type Pair = [f64; 2 * LANES];

/// `sum + term` in every lane; `high` and `low` are the halves of the term.
#[inline(always)]
pub(crate) fn add(sum: &Pair, high: &[f64; LANES], low: &[f64; LANES]) -> Pair {
    let mut out = [0.0; 2 * LANES];
    for l in 0..LANES {
        let (before, c) = (sum[l], high[l]);
        let s = before + c;
        let b = s - before;
        let error = (before - (s - b)) + (c - b);
        let rest = (sum[LANES + l] + low[l]) + error;
        let total = s + rest;
        out[l] = total;
        out[LANES + l] = rest - (total - s);
    }
    out
}

/// `a - b` in every lane, the halves not brought together: the first is the rounded difference of the first halves.
#[inline(always)]
pub(crate) fn difference(a: &[u64], b: &[u64], high: &mut [f64; LANES], low: &mut [f64; LANES]) {
    for l in 0..LANES {
        high[l] = f64::from_bits(a[l]) - f64::from_bits(b[l]);
    }
    for l in 0..LANES {
        let (x, y, s) = (f64::from_bits(a[l]), f64::from_bits(b[l]), high[l]);
        let v = s - x;
        let error = (x - (s - v)) - (y + v);
        low[l] = error + (f64::from_bits(a[LANES + l]) - f64::from_bits(b[LANES + l]));
    }
}

/// `a - b` in every lane, rounded, for sums that need no second half.
#[inline(always)]
pub(crate) fn rounded_difference(a: &[u64], b: &[u64]) -> [f64; LANES] {
    let mut out = [0.0; LANES];
    for l in 0..LANES {
        out[l] = (f64::from_bits(a[l]) - f64::from_bits(b[l]))
            + (f64::from_bits(a[LANES + l]) - f64::from_bits(b[LANES + l]));
    }
    out
}

/// A product and its rounding error.
#[inline(always)]
pub(crate) fn product(a: f64, b: f64) -> (f64, f64) {
    let p = a * b;
    (p, a.mul_add(b, -p))
}

/// The sum of squared distances from the mean, of `n` contributions with sum `s` and sum of squares `ss`.
///
/// With any q near the mean it is ss - q (s + (s - n q)), but for n (q - mean)^2, which is below 2^-104 of ss.
#[inline(always)]
pub(crate) fn centred(n: f64, s: (f64, f64), ss: (f64, f64)) -> f64 {
    let q = (s.0 + s.1) / n;
    let (p, p_error) = product(n, q);
    let rest = ((s.0 - p) - p_error) + s.1;
    let (a, a_error) = product(q, s.0);
    let low = a_error + q * (s.1 + rest);
    (ss.0 - a) + (ss.1 - low)
}

/// The sum of products of distances from both means: sxy - qy sx - qx (sy - n qy).
#[inline(always)]
pub(crate) fn centred_product(n: f64, x: (f64, f64), y: (f64, f64), xy: (f64, f64)) -> f64 {
    let (qx, qy) = ((x.0 + x.1) / n, (y.0 + y.1) / n);
    let (p, p_error) = product(n, qy);
    let rest = ((y.0 - p) - p_error) + y.1;
    let (a, a_error) = product(qy, x.0);
    let low = a_error + (qy * x.1 + qx * rest);
    (xy.0 - a) + (xy.1 - low)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits(pair: Pair) -> [u64; 2 * LANES] {
        pair.map(f64::to_bits)
    }

    #[test]
    fn nothing_is_lost_between_large_sums() {
        let mut sum = [0.0; 2 * LANES];
        for _ in 0..1_000 {
            sum = add(&sum, &[1e16, 1e300, 0.1, 0.0], &[0.0; 4]);
        }
        let before = bits(sum);
        for _ in 0..3 {
            sum = add(&sum, &[1e-9, 0.0, 0.1, -0.0], &[0.0; 4]);
        }
        let d = rounded_difference(&bits(sum), &before);
        assert!((d[0] - 3e-9).abs() < 1e-20, "{}", d[0]);
        assert_eq!((d[1], d[3]), (0.0, 0.0));
        assert!((d[2] - 0.3).abs() < 1e-16, "{}", d[2]);
        let (mut high, mut low) = ([0.0; LANES], [0.0; LANES]);
        difference(&bits(sum), &before, &mut high, &mut low);
        assert_eq!(high[0] + low[0], d[0]);
    }

    #[test]
    fn near_constants_keep_their_variance() {
        // 1e8, 1e8 + 1, 1e8 + 2: centred squares 2.
        let (mut s, mut ss) = ([0.0; 8], [0.0; 8]);
        for x in [1e8, 1e8 + 1.0, 1e8 + 2.0] {
            let (p, e) = product(x, x);
            s = add(&s, &[x, 0.0, 0.0, 0.0], &[0.0; 4]);
            ss = add(&ss, &[p, 0.0, 0.0, 0.0], &[e, 0.0, 0.0, 0.0]);
        }
        assert!((centred(3.0, (s[0], s[4]), (ss[0], ss[4])) - 2.0).abs() < 1e-12);
        assert!((centred_product(3.0, (s[0], s[4]), (s[0], s[4]), (ss[0], ss[4])) - 2.0).abs() < 1e-12);
    }
}
