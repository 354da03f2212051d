//! Times of day, and dates and times in digits alone: what stands beside a date in a column of its own.
//!
//! Digits beyond a nanosecond are rounded to nearest, half up. What does not exist (25 o'clock, February 30) is refused.

use super::TimeFault;
use super::timestamp::{CivilTime, civil};
use crate::units::NANOS_PER_SECOND;

/// `HH:MM[:SS[.fraction]]` to nanoseconds since midnight.
///
/// # Errors
/// `NotATime`.
pub fn clock(text: &[u8]) -> Result<i64, TimeFault> {
    let text = text.trim_ascii();
    let (hour, rest) = number(text, 2)?;
    let (minute, rest) = number(rest.strip_prefix(b":").ok_or(TimeFault::NotATime)?, 2)?;
    match rest.split_first() {
        None => nanos(hour, minute, 0, b""),
        Some((b':', rest)) => {
            let (second, rest) = number(rest, 2)?;
            nanos(hour, minute, second, point(rest)?)
        }
        Some(_) => Err(TimeFault::NotATime),
    }
}

/// `HHMMSS` and digits of a fraction behind it, with a point between them or without, to nanoseconds since midnight.
///
/// # Errors
/// `NotATime`.
pub fn digits(text: &[u8]) -> Result<i64, TimeFault> {
    let (hour, rest) = number(text.trim_ascii(), 2)?;
    let (minute, rest) = number(rest, 2)?;
    let (second, rest) = number(rest, 2)?;
    let fraction = if rest.first() == Some(&b'.') { point(rest)? } else { rest };
    nanos(hour, minute, second, fraction)
}

/// `YYYYMMDD`, then `T`, `-`, `_`, a blank or nothing, then [`digits`].
///
/// # Errors
/// `NotATime`.
pub fn stamp(text: &[u8]) -> Result<CivilTime, TimeFault> {
    let (date, rest) = text.trim_ascii().split_at_checked(8).ok_or(TimeFault::NotATime)?;
    let rest = match rest.split_first() {
        Some((b'T' | b'-' | b'_' | b' ', rest)) => rest,
        _ => rest,
    };
    let day = civil(date)?;
    Ok(CivilTime { nanos: digits(rest)?, ..day })
}

fn number(text: &[u8], count: usize) -> Result<(i64, &[u8]), TimeFault> {
    let (head, rest) = text.split_at_checked(count).ok_or(TimeFault::NotATime)?;
    if !head.iter().all(u8::is_ascii_digit) {
        return Err(TimeFault::NotATime);
    }
    Ok((head.iter().fold(0, |n, b| n * 10 + i64::from(b - b'0')), rest))
}

/// The digits behind a point; nothing for nothing.
fn point(text: &[u8]) -> Result<&[u8], TimeFault> {
    match text.split_first() {
        None => Ok(b""),
        Some((b'.' | b',', rest)) if !rest.is_empty() => Ok(rest),
        Some(_) => Err(TimeFault::NotATime),
    }
}

fn nanos(hour: i64, minute: i64, second: i64, fraction: &[u8]) -> Result<i64, TimeFault> {
    if hour > 23 || minute > 59 || second > 59 || !fraction.iter().all(u8::is_ascii_digit) {
        return Err(TimeFault::NotATime);
    }
    let digit = |place: usize| fraction.get(place).map_or(0, |b| i64::from(b - b'0'));
    let part = (0..9).fold(0, |n, place| n * 10 + digit(place)) + i64::from(digit(9) >= 5);
    Ok((hour * 3_600 + minute * 60 + second) * NANOS_PER_SECOND + part)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF_PAST_NINE: i64 = 34_200 * NANOS_PER_SECOND;

    #[test]
    fn clocks_and_digits_say_the_same() {
        for text in ["09:30", "09:30:00", "09:30:00.000", " 09:30:00,0 "] {
            assert_eq!(clock(text.as_bytes()), Ok(HALF_PAST_NINE), "{text}");
        }
        assert_eq!(clock(b"09:30:00.0000000005"), Ok(HALF_PAST_NINE + 1));
        for (text, part) in
            [("093000", 0), ("09300012", 120_000_000), ("093000065", 65_000_000), ("093000.5", 500_000_000)]
        {
            assert_eq!(digits(text.as_bytes()), Ok(HALF_PAST_NINE + part), "{text}");
        }
        for text in ["", "9:30", "24:00", "09:60", "09:30:60", "09:30:00.", "09:30:0a", "09-30", "09:30:00Z", "0930"] {
            assert_eq!(clock(text.as_bytes()), Err(TimeFault::NotATime), "{text}");
            assert_eq!(digits(text.as_bytes()), Err(TimeFault::NotATime), "{text}");
        }
    }

    #[test]
    fn stamps_in_digits() {
        let expected = civil(b"2020-01-01T17:00:00.065").unwrap();
        for text in ["20200101 170000065", "20200101170000065", "20200101T170000.065", "20200101-170000065"] {
            assert_eq!(stamp(text.as_bytes()), Ok(expected), "{text}");
        }
        for text in ["", "20200101", "20200230 170000", "2020-01-01 170000", "20200101 1700", "20200101x170000"] {
            assert_eq!(stamp(text.as_bytes()), Err(TimeFault::NotATime), "{text}");
        }
    }
}
