//! Numbers of 106 bits for twins of windows: two halves, renewed after every operation.

use std::ops::{Add, Div, Mul, Sub};

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wide {
    high: f64,
    low: f64,
}

fn two_sum(a: f64, b: f64) -> Wide {
    let high = a + b;
    let b_part = high - a;
    Wide { high, low: (a - (high - b_part)) + (b - b_part) }
}

impl Wide {
    pub(crate) fn of(x: f64) -> Self {
        Self { high: x, low: 0.0 }
    }

    pub(crate) fn value(self) -> f64 {
        self.high + self.low
    }

    pub(crate) fn abs(self) -> Self {
        if self.value() < 0.0 { Self { high: -self.high, low: -self.low } } else { self }
    }

    pub(crate) fn sum(numbers: impl IntoIterator<Item = Self>) -> Self {
        numbers.into_iter().fold(Self::default(), Add::add)
    }
}

impl Add for Wide {
    type Output = Self;
    fn add(self, o: Self) -> Self {
        let sum = two_sum(self.high, o.high);
        two_sum(sum.high, sum.low + (self.low + o.low))
    }
}

impl Sub for Wide {
    type Output = Self;
    fn sub(self, o: Self) -> Self {
        self + Self { high: -o.high, low: -o.low }
    }
}

impl Mul for Wide {
    type Output = Self;
    fn mul(self, o: Self) -> Self {
        let high = self.high * o.high;
        let error = self.high.mul_add(o.high, -high);
        two_sum(high, error + (self.high * o.low + self.low * o.high))
    }
}

impl Div for Wide {
    type Output = Self;
    fn div(self, o: Self) -> Self {
        let first = Self::of(self.high / o.high);
        let rest = self - first * o;
        first + Self::of(rest.value() / o.high)
    }
}
