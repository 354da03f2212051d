//! Decimal text to an exact mantissa and scale (decision 13).
//!
//! Accepted: an optional sign, digits with an optional point, an optional exponent, blanks around it. The value must have at most
//! [`DECIMAL_DIGITS`] significant digits and [`DECIMAL_SCALE`] decimals and fit in an i64; leading and trailing zeros do not count.
//! What is not exact is refused with the reason, never rounded.

use std::fmt;

use super::scan;
use crate::limits::{DECIMAL_DIGITS, DECIMAL_SCALE};
use crate::units::{Decimal, POW10};

/// What decimal text says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// A value, at its smallest scale.
    Value(Decimal),
    /// Empty, or a word for nothing: `null`, `none`, `na`, `n/a`.
    Missing,
    /// `nan`.
    NaN,
    /// `inf`, `infinity`, with a sign or without.
    Infinite,
}

/// Why decimal text is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecimalFault {
    /// Not a number.
    NotANumber,
    /// More significant digits than [`DECIMAL_DIGITS`], or a value beyond i64.
    TooLong,
    /// More decimals than [`DECIMAL_SCALE`].
    TooFine,
}

impl fmt::Display for DecimalFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotANumber => write!(f, "a decimal number"),
            Self::TooLong => write!(f, "at most {DECIMAL_DIGITS} significant digits"),
            Self::TooFine => write!(f, "at most {DECIMAL_SCALE} decimals"),
        }
    }
}

/// Reads a decimal. The common form (sign, up to 16 characters of digits and one point) takes one pass without a branch per
/// digit; everything else takes [`decimal_general`], with the same result.
///
/// # Errors
/// Why the text is not taken.
#[inline]
pub fn decimal(text: &[u8]) -> Result<Number, DecimalFault> {
    match scan::short_decimal(text) {
        Some(value) => Ok(Number::Value(value.normal())),
        None => decimal_general(text),
    }
}

/// The same at the scale it is written with, where it has the common form: `1.50` is 150 at scale 2.
///
/// Taking zeros off costs a division a digit and a branch that no one can foretell; a column has one scale anyway.
///
/// # Errors
/// Why the text is not taken.
#[inline]
pub fn decimal_as_written(text: &[u8]) -> Result<Number, DecimalFault> {
    match scan::short_decimal(text) {
        Some(value) => Ok(Number::Value(value)),
        None => decimal_general(text),
    }
}

/// A decimal of the common form at `text[start..end]`, at the scale it is written with; `None` leaves it to
/// [`decimal_as_written`]. Twice as fast, because it may read what stands before the field.
#[inline]
#[must_use]
pub fn decimal_at(text: &[u8], start: usize, end: usize) -> Option<Decimal> {
    scan::decimal_at(text, start, end)
}

/// The same for any form, digit by digit.
///
/// # Errors
/// Why the text is not taken.
pub fn decimal_general(text: &[u8]) -> Result<Number, DecimalFault> {
    let text = text.trim_ascii();
    let (negative, digits) = match text.first() {
        None => return Ok(Number::Missing),
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        Some(_) => (false, text),
    };
    if !digits.first().is_some_and(|b| b.is_ascii_digit() || *b == b'.') {
        return word(text, digits);
    }
    let mut digits_seen = Digits::default();
    let mut at = 0;
    let mut point = None;
    while let Some(&byte) = digits.get(at) {
        match byte {
            b'0'..=b'9' => digits_seen.push(byte - b'0')?,
            b'.' if point.is_none() => point = Some(at),
            _ => break,
        }
        at += 1;
    }
    let decimals = point.map_or(0, |p| at - p - 1);
    if at == usize::from(point.is_some()) {
        return Err(DecimalFault::NotANumber);
    }
    let exponent = exponent(&digits[at..])?;
    let scale = i64::try_from(decimals).unwrap_or(i64::MAX).saturating_sub(exponent);
    digits_seen.finish(negative, scale).map(Number::Value)
}

fn word(text: &[u8], unsigned: &[u8]) -> Result<Number, DecimalFault> {
    let is = |word: &str, candidate: &[u8]| candidate.eq_ignore_ascii_case(word.as_bytes());
    if ["inf", "infinity"].iter().any(|w| is(w, unsigned)) {
        return Ok(Number::Infinite);
    }
    if is("nan", unsigned) {
        return Ok(Number::NaN);
    }
    if ["null", "none", "na", "n/a"].iter().any(|w| is(w, text)) {
        return Ok(Number::Missing);
    }
    Err(DecimalFault::NotANumber)
}

/// `e` or `E`, a sign, digits; saturating, since a value so far off is refused or zero.
fn exponent(text: &[u8]) -> Result<i64, DecimalFault> {
    let Some((first, rest)) = text.split_first() else {
        return Ok(0);
    };
    let (negative, digits) = match rest.first() {
        Some(b'-') => (true, &rest[1..]),
        Some(b'+') => (false, &rest[1..]),
        _ => (false, rest),
    };
    if !matches!(first, b'e' | b'E') || digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(DecimalFault::NotANumber);
    }
    let size = digits.iter().fold(0_i64, |sum, b| sum.saturating_mul(10).saturating_add(i64::from(b - b'0')));
    Ok(if negative { -size } else { size })
}

/// Significant digits as they come: zeros are held back until a digit follows them.
#[derive(Default)]
struct Digits {
    value: u64,
    count: u32,
    zeros: u64,
}

impl Digits {
    fn push(&mut self, digit: u8) -> Result<(), DecimalFault> {
        if digit == 0 {
            // Leading zeros say nothing; trailing ones only move the scale.
            self.zeros += u64::from(self.count > 0);
            return Ok(());
        }
        let add = u32::try_from(self.zeros + 1).unwrap_or(u32::MAX);
        if self.count.saturating_add(add) > DECIMAL_DIGITS {
            return Err(DecimalFault::TooLong);
        }
        // At most 18 digits so far: neither the product nor the sum leaves u64.
        self.value = self.value * POW10[add as usize].unsigned_abs() + u64::from(digit);
        self.count += add;
        self.zeros = 0;
        Ok(())
    }

    fn finish(self, negative: bool, scale: i64) -> Result<Decimal, DecimalFault> {
        if self.count == 0 {
            return Ok(Decimal { mantissa: 0, scale: 0 });
        }
        let scale = scale.saturating_sub(i64::try_from(self.zeros).unwrap_or(i64::MAX));
        let mantissa = i64::try_from(self.value).map_err(|_| DecimalFault::TooLong)?;
        let mantissa = if negative { -mantissa } else { mantissa };
        if scale > i64::from(DECIMAL_SCALE) {
            return Err(DecimalFault::TooFine);
        }
        if scale >= 0 {
            return Ok(Decimal { mantissa, scale: u8::try_from(scale).map_err(|_| DecimalFault::TooFine)? });
        }
        let power = usize::try_from(scale.unsigned_abs()).ok().and_then(|p| POW10.get(p));
        let whole = power.and_then(|p| mantissa.checked_mul(*p)).ok_or(DecimalFault::TooLong)?;
        Ok(Decimal { mantissa: whole, scale: 0 })
    }
}
