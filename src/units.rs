//! The numbers of the field, each with its unit in its type: time, date, exact decimal, side.

use std::fmt;

/// Nanoseconds since 1970-01-01T00:00:00Z, signed; 1677-09-21 to 2262-04-11.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TsNanos(pub i64);

/// A missing timestamp where rows have one all the same.
pub const TS_NULL: i64 = i64::MIN;
/// Nanoseconds in a second.
pub const NANOS_PER_SECOND: i64 = 1_000_000_000;
/// Seconds in a day without a leap second, as UNIX time counts.
pub const SECONDS_PER_DAY: i64 = 86_400;

/// A calendar date as days since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Date(pub i32);

impl Date {
    /// The date of civil year, month and day, or `None` if there is no such day.
    #[must_use]
    pub fn from_civil(year: i16, month: i8, day: i8) -> Option<Self> {
        let date = jiff::civil::Date::new(year, month, day).ok()?;
        Some(Self::of(date))
    }

    /// The date of a `jiff` civil date.
    #[must_use]
    pub fn of(date: jiff::civil::Date) -> Self {
        let epoch = jiff::civil::date(1970, 1, 1);
        let days = date.since(epoch).map_or(0, |span| span.get_days());
        Self(days)
    }

    /// Parses `YYYY-MM-DD`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
            return None;
        }
        Self::from_civil(text[..4].parse().ok()?, text[5..7].parse().ok()?, text[8..].parse().ok()?)
    }

    /// The civil date, or `None` outside years -9999 to 9999.
    #[must_use]
    pub fn civil(self) -> Option<jiff::civil::Date> {
        let span = jiff::Span::new().try_days(self.0).ok()?;
        jiff::civil::date(1970, 1, 1).checked_add(span).ok()
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.civil() {
            Some(date) => write!(f, "{:04}-{:02}-{:02}", date.year(), date.month(), date.day()),
            None => write!(f, "day{}", self.0),
        }
    }
}

/// An exact decimal: `mantissa / 10^scale`.
///
/// A value that was accepted has at most [`crate::limits::DECIMAL_DIGITS`] significant digits and
/// [`crate::limits::DECIMAL_SCALE`] decimals (decision 13).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Decimal {
    /// The digits, signed.
    pub mantissa: i64,
    /// How many of them stand after the point.
    pub scale: u8,
}

/// Powers of ten that fit in an i64.
pub const POW10: [i64; 19] = {
    let mut table = [1_i64; 19];
    let mut i = 1;
    while i < table.len() {
        table[i] = table[i - 1] * 10;
        i += 1;
    }
    table
};

impl Decimal {
    /// The mantissa of the same value at another scale, or `None` if it is not exact there or does not fit.
    #[must_use]
    pub fn mantissa_at(self, scale: u8) -> Option<i64> {
        let up = usize::from(scale.saturating_sub(self.scale));
        let down = usize::from(self.scale.saturating_sub(scale));
        let factor = *POW10.get(down)?;
        if self.mantissa % factor != 0 {
            return None;
        }
        (self.mantissa / factor).checked_mul(*POW10.get(up)?)
    }

    /// The same value at its smallest scale.
    #[must_use]
    pub fn normal(mut self) -> Self {
        while self.scale > 0 && self.mantissa % 10 == 0 {
            self.mantissa /= 10;
            self.scale -= 1;
        }
        self
    }

    /// The nearest f64: correctly rounded whatever the mantissa.
    ///
    /// Division of two exact f64 rounds once, so up to 2^53 it is right by itself. Beyond, the quotient is taken to at least 57
    /// bits with the remainder in the last one, so that the conversion to f64 is again the only rounding.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        const EXACT: u64 = 1 << 53;
        const DOWN: f64 = 1.0 / (1_u128 << 64) as f64;
        let magnitude = self.mantissa.unsigned_abs();
        let unit = POW10[usize::from(self.scale).min(18)];
        if magnitude <= EXACT {
            return self.mantissa as f64 / unit as f64;
        }
        let (wide, unit) = (u128::from(magnitude) << 64, u128::from(unit.unsigned_abs()));
        let quotient = (wide / unit) | u128::from(wide % unit != 0);
        let value = quotient as f64 * DOWN;
        if self.mantissa < 0 { -value } else { value }
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.mantissa.unsigned_abs();
        let sign = if self.mantissa < 0 { "-" } else { "" };
        if self.scale == 0 {
            return write!(f, "{sign}{digits}");
        }
        let unit = POW10[usize::from(self.scale).min(18)].unsigned_abs();
        write!(f, "{sign}{}.{:0width$}", digits / unit, digits % unit, width = usize::from(self.scale))
    }
}

/// Who started a trade, or which side of the book: 1 buy or bid, -1 sell or ask, 0 unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i8)]
pub enum Side {
    /// Seller-initiated; the ask side.
    Sell = -1,
    /// Not given.
    Unknown = 0,
    /// Buyer-initiated; the bid side.
    Buy = 1,
}

impl Side {
    /// The stored number.
    #[must_use]
    pub fn code(self) -> i64 {
        self as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_before_and_after_the_epoch() {
        assert_eq!(Date::parse("1970-01-01"), Some(Date(0)));
        assert_eq!(Date::parse("1969-12-31"), Some(Date(-1)));
        assert_eq!(Date(19_943).to_string(), "2024-08-08");
        assert_eq!(Date::parse("2024-08-08"), Some(Date(19_943)));
        assert_eq!(Date::parse("2023-02-29"), None);
        assert_eq!(Date::parse("2023-2-9"), None);
        assert_eq!(Date::parse("20\u{e9}3-02-9"), None);
    }

    #[test]
    fn decimals_print_and_rescale_exactly() {
        let d = Decimal { mantissa: -105, scale: 2 };
        assert_eq!(d.to_string(), "-1.05");
        assert_eq!(d.mantissa_at(4), Some(-10_500));
        assert_eq!(d.mantissa_at(1), None);
        assert_eq!(Decimal { mantissa: 1_500, scale: 3 }.normal(), Decimal { mantissa: 15, scale: 1 });
        assert_eq!(Decimal { mantissa: i64::MIN, scale: 18 }.to_string(), "-9.223372036854775808");
    }

    #[test]
    fn large_mantissas_round_once() {
        let d = Decimal { mantissa: 9_007_199_254_740_993, scale: 1 };
        assert_eq!(d.to_f64(), 900_719_925_474_099.3);
        let mut mantissa = 1_i64 << 53;
        for i in 0..20_000_i64 {
            mantissa = (mantissa ^ (mantissa << 7) ^ i.wrapping_mul(0x9E37_79B9)) & i64::MAX | 1 << 53;
            let d = Decimal { mantissa: if i % 2 == 0 { mantissa } else { -mantissa }, scale: (i % 19) as u8 };
            assert_eq!(d.to_f64(), d.to_string().parse::<f64>().unwrap(), "{d}");
        }
    }
}
