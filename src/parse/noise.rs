//! Decimals that were printed from a float: 15.929999999999999 for 15.93.
//!
//! A source that says how many decimals its values have is read through [`rounded`]; what is off by more than a float's noise is
//! refused, not rounded.

use super::decimal::decimal;
use super::{DecimalFault, Number};
use crate::units::{Decimal, POW10};

/// A float keeps so many significant digits of any decimal.
const FLOAT_DIGITS: usize = 15;
/// Digits behind the last decimal and within [`FLOAT_DIGITS`] that must be there to tell noise from a value.
const NOISE_DIGITS: usize = 2;
/// Exponents beyond this are no prices and no sizes.
const EXPONENT: i32 = 30;

/// Reads a value of at most `decimals` decimals. The flag is true if float noise was rounded off.
///
/// # Errors
/// `TooFine` for a value that is finer and no noise; else as [`decimal`].
pub fn rounded(text: &[u8], decimals: u8) -> Result<(Number, bool), DecimalFault> {
    let read = decimal(text);
    match read {
        Ok(Number::Value(value)) if value.scale > decimals => {}
        Ok(number) => return Ok((number, false)),
        Err(DecimalFault::NotANumber) => return Err(DecimalFault::NotANumber),
        Err(_) => {}
    }
    let value = without_noise(text.trim_ascii(), usize::from(decimals));
    value.map(|value| (Number::Value(value), true)).ok_or(DecimalFault::TooFine)
}

/// `None` if the text has no more digits than a float keeps, or those behind the decimals are not all 0 or all 9 as far as it keeps
/// them.
fn without_noise(text: &[u8], decimals: usize) -> Option<Decimal> {
    let plain;
    let text = match text.iter().position(|b| matches!(b, b'e' | b'E')) {
        Some(at) => {
            plain = without_exponent(&text[..at], &text[at + 1..])?;
            &plain[..]
        }
        None => text,
    };
    let (kept, behind) = text.split_at_checked(memchr::memchr(b'.', text)? + 1 + decimals)?;
    if !behind.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let significant = kept.iter().skip_while(|b| !matches!(b, b'1'..=b'9')).filter(|b| b.is_ascii_digit()).count();
    let known = FLOAT_DIGITS.checked_sub(significant).filter(|known| significant > 0 && *known >= NOISE_DIGITS)?;
    let noise = behind.get(..known).filter(|_| behind.len() > known)?;
    let up = match noise[0] {
        b'9' => 1,
        b'0' => 0,
        _ => return None,
    };
    if noise.iter().any(|b| *b != noise[0]) {
        return None;
    }
    let Ok(Number::Value(value)) = decimal(kept) else {
        return None;
    };
    let up = if text.starts_with(b"-") { -up } else { up };
    let unit = *POW10.get(decimals.checked_sub(usize::from(value.scale))?)?;
    let mantissa = value.mantissa.checked_mul(unit)?.checked_add(up)?;
    Some(Decimal { mantissa, scale: u8::try_from(decimals).ok()? }.normal())
}

/// `9.5` and `-07` as `0.00000095`.
fn without_exponent(number: &[u8], exponent: &[u8]) -> Option<Vec<u8>> {
    let exponent: i32 = std::str::from_utf8(exponent).ok()?.parse().ok()?;
    if exponent.abs() > EXPONENT {
        return None;
    }
    let (sign, number) = number.split_at(usize::from(number.starts_with(b"-")));
    let whole = memchr::memchr(b'.', number).unwrap_or(number.len());
    let mut digits: Vec<u8> = number.iter().copied().filter(|b| *b != b'.').collect();
    let mut point = i32::try_from(whole).ok()?.checked_add(exponent)?;
    while point < 1 {
        digits.insert(0, b'0');
        point += 1;
    }
    let point = usize::try_from(point).ok()?;
    digits.resize(digits.len().max(point), b'0');
    digits.insert(point, b'.');
    Some([sign, &digits].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_goes_and_values_stay() {
        for (text, mantissa, scale, noisy) in [
            ("15.929999999999999", 1_593, 2, true),
            ("21.420000000000001", 2_142, 2, true),
            ("14.92", 1_492, 2, false),
            ("14", 14, 0, false),
            ("8.17995", 817_995, 5, false),
            ("0.99999999999999989", 1, 0, true),
            ("-0.99999999999999989", -1, 0, true),
            ("9.99999999999999999999999", 10, 0, true),
            ("12345.678900000001", 123_456_789, 4, true),
            ("0.30000000000000004", 3, 1, true),
            ("1.5929999999999999e1", 1_593, 2, true),
            ("100.0", 100, 0, false),
        ] {
            let decimals = if text == "8.17995" { 5 } else { 4 };
            let value = Number::Value(Decimal { mantissa, scale });
            assert_eq!(rounded(text.as_bytes(), decimals), Ok((value, noisy)), "{text}");
        }
        let micro = Number::Value(Decimal { mantissa: 1, scale: 6 });
        assert_eq!(rounded(b"9.9999999999999995e-07", 8), Ok((micro, true)));
        assert_eq!(rounded(b"1e-06", 8), Ok((micro, false)));
        assert_eq!(rounded(b"", 4), Ok((Number::Missing, false)));
    }

    #[test]
    fn what_is_no_noise_is_refused() {
        for text in [
            "15.92951",
            "15.929990",
            "15.929900009",
            "1e-5",
            "15.92999999999999x",
            "15.929999999999999e99",
            "15.929999998999999",
            "15.999912999999999",
            "0.00000000000000012",
            "1234567890123.10001",
        ] {
            assert!(rounded(text.as_bytes(), 4).is_err(), "{text}");
        }
        assert_eq!(rounded(b"x", 4), Err(DecimalFault::NotANumber));
    }
}
