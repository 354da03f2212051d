//! f64 with a bound of its rounding error: each operation adds half a unit of its own to what its operands bring.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// A computed number and how far the true one may lie away.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Num {
    pub(crate) v: f64,
    pub(crate) e: f64,
}

const HALF_ULP: f64 = f64::EPSILON / 2.0;

impl Num {
    pub(crate) fn exact(v: f64) -> Self {
        // The decimal was rounded once.
        Self { v, e: v.abs() * HALF_ULP }
    }

    pub(crate) fn count(n: usize) -> Self {
        Self { v: n as f64, e: 0.0 }
    }

    fn round(v: f64, e: f64) -> Self {
        Self { v, e: e + v.abs() * HALF_ULP + f64::MIN_POSITIVE }
    }

    pub(crate) fn abs(self) -> Self {
        Self { v: self.v.abs(), e: self.e }
    }

    /// `a / b`, null where `b` is 0.
    pub(crate) fn over(self, below: Self) -> Option<Self> {
        (below.v != 0.0).then(|| self / below)
    }

    pub(crate) fn exp(self) -> Self {
        let v = self.v.exp();
        // Two units for the function itself, here and there.
        Self { v, e: v * (self.e.min(1.0) * 2.0 + 4.0 * HALF_ULP) + f64::MIN_POSITIVE }
    }

    pub(crate) fn ln(self) -> Self {
        let v = self.v.ln();
        Self { v, e: self.e / self.v + 4.0 * v.abs() * HALF_ULP }
    }

    pub(crate) fn sqrt(self) -> Self {
        let v = self.v.max(0.0).sqrt();
        Self::round(v, if v > 0.0 { self.e / v } else { self.e.sqrt() })
    }

    /// Whether `got` may be the same number.
    pub(crate) fn agrees(self, got: f64) -> bool {
        (got - self.v).abs() <= 2.0 * self.e
    }

    pub(crate) fn sum(numbers: impl IntoIterator<Item = Self>) -> Self {
        numbers.into_iter().fold(Self { v: 0.0, e: 0.0 }, Add::add)
    }
}

impl Add for Num {
    type Output = Self;
    fn add(self, o: Self) -> Self {
        Self::round(self.v + o.v, self.e + o.e)
    }
}

impl Sub for Num {
    type Output = Self;
    fn sub(self, o: Self) -> Self {
        Self::round(self.v - o.v, self.e + o.e)
    }
}

impl Mul for Num {
    type Output = Self;
    fn mul(self, o: Self) -> Self {
        Self::round(self.v * o.v, self.v.abs() * o.e + o.v.abs() * self.e + self.e * o.e)
    }
}

impl Div for Num {
    type Output = Self;
    fn div(self, o: Self) -> Self {
        let below = (o.v.abs() - o.e).max(f64::MIN_POSITIVE);
        Self::round(self.v / o.v, (self.e + (self.v / o.v).abs() * o.e) / below)
    }
}

impl Neg for Num {
    type Output = Self;
    fn neg(self) -> Self {
        Self { v: -self.v, e: self.e }
    }
}
