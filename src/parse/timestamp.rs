//! Time text to nanoseconds: epochs of four units, ISO dates and times, seconds after midnight.
//!
//! Digits beyond a nanosecond are rounded to nearest, half away from zero (features.md G2); everything else is exact. A time
//! outside i64 nanoseconds (1677-09-21 to 2262-04-11) is refused.

use std::fmt;

use super::scan;
use crate::units::{Date, NANOS_PER_SECOND, POW10, SECONDS_PER_DAY};

/// How a column writes time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TimeFormat {
    /// Seconds since 1970-01-01T00:00:00Z, whole or with a fraction.
    Seconds,
    /// Milliseconds since then.
    Millis,
    /// Microseconds since then.
    Micros,
    /// Nanoseconds since then.
    Nanos,
    /// ISO 8601 date and time, with `Z`, with an offset or zone-less.
    Iso,
}

impl TimeFormat {
    /// Decimal digits between the unit of an epoch and a nanosecond; `None` for text forms.
    #[must_use]
    pub fn digits(self) -> Option<u32> {
        match self {
            Self::Seconds => Some(9),
            Self::Millis => Some(6),
            Self::Micros => Some(3),
            Self::Nanos => Some(0),
            Self::Iso => None,
        }
    }

    /// The word of mapping files and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Seconds => "s",
            Self::Millis => "ms",
            Self::Micros => "us",
            Self::Nanos => "ns",
            Self::Iso => "iso",
        }
    }

    /// The format of a mapping file's word.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Seconds, Self::Millis, Self::Micros, Self::Nanos, Self::Iso].into_iter().find(|f| f.name() == name)
    }

    /// The unit in which an epoch of this size lies between 2001-09-09 and 2128-06-11: the four ranges do not touch.
    #[must_use]
    pub fn of_epoch(text: &[u8]) -> Option<Self> {
        let whole = text.split(|b| *b == b'.').next().unwrap_or(text);
        if whole.first() == Some(&b'0') || !whole.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let (format, extra) = match whole.len() {
            10 => (Self::Seconds, 0),
            13 => (Self::Millis, 3),
            16 => (Self::Micros, 6),
            19 => (Self::Nanos, 9),
            _ => return None,
        };
        let seconds = whole[..whole.len() - extra].iter().fold(0_u64, |n, b| n * 10 + u64::from(b - b'0'));
        (seconds < 5_000_000_000).then_some(format)
    }
}

/// Why time text is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeFault {
    /// Not a number.
    NotANumber,
    /// Not a date and time.
    NotATime,
    /// Outside 1677-09-21 to 2262-04-11.
    OutOfRange,
}

impl fmt::Display for TimeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotANumber => "a time as a number",
            Self::NotATime => "a date and time such as 2024-08-08T23:54:15.342Z",
            Self::OutOfRange => "a time from 1677-09-21 to 2262-04-11",
        })
    }
}

/// An epoch in units of `10^-(9 - digits)` seconds, whole or decimal, to nanoseconds.
///
/// # Errors
/// Why the text is not taken.
#[inline]
pub fn epoch(text: &[u8], digits: u32) -> Result<i64, TimeFault> {
    match scan::short_whole(text) {
        Some(whole) => {
            let unit = POW10[digits.min(18) as usize];
            i64::try_from(whole).ok().and_then(|w| w.checked_mul(unit)).ok_or(TimeFault::OutOfRange)
        }
        None => scaled(text, digits),
    }
}

/// A number times `10^digits`, rounded to nearest, half away from zero.
///
/// # Errors
/// `NotANumber`; `OutOfRange` if it does not fit or is the number that means missing.
pub fn scaled(text: &[u8], digits: u32) -> Result<i64, TimeFault> {
    let text = text.trim_ascii();
    let (negative, body) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, text),
    };
    let (number, exponent) = match body.iter().position(|b| matches!(b, b'e' | b'E')) {
        Some(at) => (&body[..at], whole_exponent(&body[at + 1..])?),
        None => (body, 0),
    };
    let point = number.iter().position(|b| *b == b'.').unwrap_or(number.len());
    let (whole, behind) = (&number[..point], number.get(point + 1..).unwrap_or(&[]));
    if whole.len() + behind.len() == 0 || !whole.iter().chain(behind).all(u8::is_ascii_digit) {
        return Err(TimeFault::NotANumber);
    }
    // How many digits of `whole` and `behind` together stand before the point of the result.
    let kept =
        i64::try_from(whole.len()).unwrap_or(i64::MAX).saturating_add(i64::from(digits)).saturating_add(exponent);
    let mut digits = whole.iter().chain(behind).map(|b| i128::from(b - b'0'));
    let mut value = 0_i128;
    let mut taken = 0_i64;
    while taken < kept {
        // Past the last digit only zeros follow: they need not be counted for a zero.
        let digit = digits.next();
        if digit.is_none() && value == 0 {
            break;
        }
        value = value * 10 + digit.unwrap_or(0);
        if value > i128::from(i64::MAX) + 1 {
            return Err(TimeFault::OutOfRange);
        }
        taken += 1;
    }
    let rounds_up = kept >= 0 && digits.next().is_some_and(|d| d >= 5);
    value += i128::from(rounds_up);
    let value = i64::try_from(if negative { -value } else { value }).map_err(|_| TimeFault::OutOfRange)?;
    if value == i64::MIN { Err(TimeFault::OutOfRange) } else { Ok(value) }
}

fn whole_exponent(text: &[u8]) -> Result<i64, TimeFault> {
    let (negative, digits) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(TimeFault::NotANumber);
    }
    let size = digits.iter().fold(0_i64, |n, b| n.saturating_mul(10).saturating_add(i64::from(b - b'0')));
    Ok(if negative { -size } else { size })
}

/// A date and time as written: days since 1970-01-01, nanoseconds of the day, and the offset if one was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CivilTime {
    /// The date.
    pub date: Date,
    /// Nanoseconds since its midnight.
    pub nanos: i64,
    /// Seconds east of UTC; `None` for a zone-less time.
    pub offset: Option<i32>,
}

impl CivilTime {
    /// Nanoseconds since the epoch at an offset east of UTC in seconds.
    ///
    /// # Errors
    /// `OutOfRange`.
    pub fn at_offset(self, offset: i32) -> Result<i64, TimeFault> {
        let seconds = i64::from(self.date.0) * SECONDS_PER_DAY - i64::from(offset);
        let nanos = i128::from(seconds) * i128::from(NANOS_PER_SECOND) + i128::from(self.nanos);
        let nanos = i64::try_from(nanos).map_err(|_| TimeFault::OutOfRange)?;
        if nanos == i64::MIN { Err(TimeFault::OutOfRange) } else { Ok(nanos) }
    }
}

/// `YYYY-MM-DD` (also `YYYY.MM.DD`, `YYYY/MM/DD`, `YYYYMMDD`), then `T`, `D` or a blank, then `HH:MM[:SS[.fraction]]`, then nothing,
/// `Z`, `+HH`, `+HHMM` or `+HH:MM`. A date alone is its midnight.
///
/// # Errors
/// `NotATime`, also for days, hours and seconds that do not exist.
pub fn civil(text: &[u8]) -> Result<CivilTime, TimeFault> {
    let mut rest = text.trim_ascii();
    let date = take_date(&mut rest)?;
    if rest.is_empty() {
        return Ok(CivilTime { date, nanos: 0, offset: None });
    }
    if !matches!(rest[0], b'T' | b't' | b'D' | b' ') {
        return Err(TimeFault::NotATime);
    }
    rest = &rest[1..];
    let nanos = take_time(&mut rest)?;
    Ok(CivilTime { date, nanos, offset: take_offset(rest)? })
}

fn take_date(rest: &mut &[u8]) -> Result<Date, TimeFault> {
    let year = take_number(rest, 4)?;
    let separator = rest.first().copied().filter(|b| matches!(b, b'-' | b'.' | b'/'));
    take_byte(rest, separator)?;
    let month = take_number(rest, 2)?;
    take_byte(rest, separator)?;
    let day = take_number(rest, 2)?;
    let (year, month, day) = (i16::try_from(year), i8::try_from(month), i8::try_from(day));
    match (year, month, day) {
        (Ok(y), Ok(m), Ok(d)) => Date::from_civil(y, m, d).ok_or(TimeFault::NotATime),
        _ => Err(TimeFault::NotATime),
    }
}

fn take_time(rest: &mut &[u8]) -> Result<i64, TimeFault> {
    let hour = take_number(rest, 2)?;
    take_byte(rest, Some(b':'))?;
    let minute = take_number(rest, 2)?;
    let mut second = 0;
    let mut fraction = 0;
    if rest.first() == Some(&b':') {
        *rest = &rest[1..];
        second = take_number(rest, 2)?;
        if matches!(rest.first(), Some(b'.' | b',')) {
            let digits = rest[1..].iter().take_while(|b| b.is_ascii_digit()).count();
            if digits == 0 {
                return Err(TimeFault::NotATime);
            }
            fraction = fraction_nanos(&rest[1..=digits]);
            *rest = &rest[1 + digits..];
        }
    }
    if hour > 23 || minute > 59 || second > 59 {
        return Err(TimeFault::NotATime);
    }
    Ok((hour * 3_600 + minute * 60 + second) * NANOS_PER_SECOND + fraction)
}

/// Digits behind the point of a second, rounded half up at a nanosecond.
fn fraction_nanos(digits: &[u8]) -> i64 {
    let mut nanos = 0;
    for place in 0..9 {
        nanos = nanos * 10 + digits.get(place).map_or(0, |b| i64::from(b - b'0'));
    }
    nanos + i64::from(digits.get(9).is_some_and(|b| *b >= b'5'))
}

fn take_offset(rest: &[u8]) -> Result<Option<i32>, TimeFault> {
    let (sign, mut rest) = match rest.split_first() {
        None => return Ok(None),
        Some((b'Z' | b'z', [])) => return Ok(Some(0)),
        Some((b'+', rest)) => (1, rest),
        Some((b'-', rest)) => (-1, rest),
        Some(_) => return Err(TimeFault::NotATime),
    };
    let hours = take_number(&mut rest, 2)?;
    if rest.first() == Some(&b':') {
        rest = &rest[1..];
    }
    let minutes = if rest.is_empty() { 0 } else { take_number(&mut rest, 2)? };
    if !rest.is_empty() || hours > 25 || minutes > 59 {
        return Err(TimeFault::NotATime);
    }
    let seconds = i32::try_from(hours * 3_600 + minutes * 60).map_err(|_| TimeFault::NotATime)?;
    Ok(Some(sign * seconds))
}

fn take_number(rest: &mut &[u8], digits: usize) -> Result<i64, TimeFault> {
    let (number, tail) = rest.split_at_checked(digits).ok_or(TimeFault::NotATime)?;
    if !number.iter().all(u8::is_ascii_digit) {
        return Err(TimeFault::NotATime);
    }
    *rest = tail;
    Ok(number.iter().fold(0, |n, b| n * 10 + i64::from(b - b'0')))
}

fn take_byte(rest: &mut &[u8], expected: Option<u8>) -> Result<(), TimeFault> {
    match expected {
        None => Ok(()),
        Some(byte) if rest.first() == Some(&byte) => {
            *rest = &rest[1..];
            Ok(())
        }
        Some(_) => Err(TimeFault::NotATime),
    }
}
