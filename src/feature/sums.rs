//! Sums that keep what a plain f64 sum would round away.

/// A sum to which values are only added: Neumaier's, off by about one rounding however many they are.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Sum {
    sum: f64,
    lost: f64,
}

impl Sum {
    pub(crate) fn add(&mut self, x: f64) {
        let sum = self.sum + x;
        self.lost += if self.sum.abs() >= x.abs() { (self.sum - sum) + x } else { (x - sum) + self.sum };
        self.sum = sum;
    }

    /// Adds what another sum holds.
    pub(crate) fn absorb(&mut self, other: Self) {
        self.add(other.sum);
        self.lost += other.lost;
    }

    pub(crate) fn value(self) -> f64 {
        self.sum + self.lost
    }
}

/// A sum in double the digits, from which values are taken off again. It is exactly 0 when nothing but zeros is left (A6).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Wide {
    high: f64,
    low: f64,
    /// Values other than 0 in the sum.
    held: u64,
}

impl Wide {
    pub(crate) fn add(&mut self, x: f64) {
        if x != 0.0 {
            self.held += 1;
            self.shift(x);
        }
    }

    /// Takes off a value that was added before.
    pub(crate) fn remove(&mut self, x: f64) {
        if x == 0.0 {
            return;
        }
        self.held = self.held.saturating_sub(1);
        self.shift(-x);
        if self.held == 0 {
            (self.high, self.low) = (0.0, 0.0);
        }
    }

    /// Both halves, and the values other than 0 in the sum.
    pub(crate) fn parts(self) -> ([f64; 2], u64) {
        ([self.high, self.low], self.held)
    }

    /// The sum of these [`Wide::parts`].
    pub(crate) fn of_parts([high, low]: [f64; 2], held: u64) -> Self {
        Self { high, low, held }
    }

    fn shift(&mut self, x: f64) {
        let sum = self.high + x;
        let part = sum - self.high;
        let low = self.low + ((self.high - (sum - part)) + (x - part));
        self.high = sum + low;
        self.low = low - (self.high - sum);
    }

    pub(crate) fn value(self) -> f64 {
        self.high + self.low
    }
}

/// What a whole number of 10^-scale is divided by; scales of a price times a quantity fit.
pub(crate) fn unit(scale: u32) -> f64 {
    10_u128.pow(scale.min(38)) as f64
}

/// The f64 of a whole number divided by [`unit`]: two roundings.
#[inline]
pub(crate) fn scaled(mantissa: i128, unit: f64) -> f64 {
    match i64::try_from(mantissa) {
        Ok(small) => small as f64 / unit,
        Err(_) => mantissa as f64 / unit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_can_be_taken_off() {
        let mut sum = Wide::default();
        for i in 0..100_000_u32 {
            sum.add(1e9 / f64::from(i + 1));
            sum.add(1e-9);
        }
        for i in 0..100_000_u32 {
            sum.remove(1e9 / f64::from(i + 1));
        }
        assert!((sum.value() - 1e-4).abs() < 1e-13, "{}", sum.value());
        (0..100_000).for_each(|_| sum.remove(1e-9));
        assert_eq!(sum.value(), 0.0);
    }

    #[test]
    fn small_values_are_not_lost() {
        let mut sum = Sum::default();
        sum.add(1e16);
        (0..1_000).for_each(|_| sum.add(0.25));
        sum.add(-1e16);
        assert_eq!(sum.value(), 250.0);
    }
}
