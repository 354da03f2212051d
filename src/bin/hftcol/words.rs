//! Words of the command line that become numbers: sizes, dates, times, clocks.

use hftcol::error::Result;
use hftcol::feature::Names;
use hftcol::schema::{Clock, RawTable};
use hftcol::storage::IoMode;
use hftcol::units::{Date, NANOS_PER_SECOND, SECONDS_PER_DAY};

/// `256MiB`, `1GiB`, `64KiB`, `1000000`, also `256M` and `256MB`: always powers of two.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let shift = match unit.trim_start().trim_end_matches(['B', 'b']).trim_end_matches('i') {
        "" => 0,
        "K" | "k" => 10,
        "M" | "m" => 20,
        "G" | "g" => 30,
        "T" | "t" => 40,
        _ => return Err("write a size such as 256MiB".to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| "write a size such as 256MiB".to_owned())?;
    number.checked_mul(1 << shift).ok_or_else(|| "too large".to_owned())
}

/// The same number for people.
pub(crate) fn show_bytes(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if value < 1024.0 {
            return if unit == "B" { format!("{bytes} B") } else { format!("{value:.1} {unit}") };
        }
        value /= 1024.0;
    }
    format!("{value:.1} TiB")
}

pub(crate) fn date(text: &str) -> Result<Date, String> {
    Date::parse(text).ok_or_else(|| "write a date as YYYY-MM-DD".to_owned())
}

pub(crate) fn clock(text: &str) -> Result<Clock, String> {
    match text {
        "event" => Ok(Clock::Event),
        "recv" => Ok(Clock::Recv),
        _ => Err("write event or recv".to_owned()),
    }
}

pub(crate) fn io(text: &str) -> Result<IoMode, String> {
    match text {
        "mmap" => Ok(IoMode::Mmap),
        "pread" => Ok(IoMode::Pread),
        _ => Err("write mmap or pread".to_owned()),
    }
}

pub(crate) fn names(text: &str) -> Result<Names, String> {
    match text {
        "contract" => Ok(Names::Contract),
        "seed" => Ok(Names::Seed),
        _ => Err("write contract or seed".to_owned()),
    }
}

pub(crate) fn raw_table(text: &str) -> Result<RawTable, String> {
    RawTable::from_name(text).ok_or_else(|| {
        let names: Vec<&str> = RawTable::ALL.into_iter().map(RawTable::name).collect();
        format!("write one of {}", names.join(", "))
    })
}

/// One end of a range: a date, or an instant in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// A local date of the partition.
    Date(Date),
    /// Nanoseconds since the epoch.
    Instant(i64),
}

/// `2024-08-08`, `2024-08-08T12:00:00Z`, or nanoseconds since the epoch.
pub(crate) fn moment(text: &str) -> Result<Moment, String> {
    if let Some(date) = Date::parse(text) {
        return Ok(Moment::Date(date));
    }
    if let Ok(ns) = text.parse() {
        return Ok(Moment::Instant(ns));
    }
    let parsed: Result<jiff::Timestamp, _> = text.parse();
    let instant = parsed.ok().and_then(|t| i64::try_from(t.as_nanosecond()).ok());
    instant.map(Moment::Instant).ok_or_else(|| {
        "write a date (2024-08-08), a time with zone (2024-08-08T12:00:00Z) or nanoseconds since 1970".to_owned()
    })
}

/// A time for people: UTC with the digits that are needed.
pub(crate) fn show_time(ns: i64) -> String {
    let seconds = ns.div_euclid(NANOS_PER_SECOND);
    let date = Date(i32::try_from(seconds.div_euclid(SECONDS_PER_DAY)).unwrap_or(0));
    let second = seconds.rem_euclid(SECONDS_PER_DAY);
    let fraction = ns.rem_euclid(NANOS_PER_SECOND);
    let fraction = match fraction {
        0 => String::new(),
        f if f % 1_000_000 == 0 => format!(".{:03}", f / 1_000_000),
        f if f % 1_000 == 0 => format!(".{:06}", f / 1_000),
        f => format!(".{f:09}"),
    };
    format!("{date}T{:02}:{:02}:{:02}{fraction}Z", second / 3600, second / 60 % 60, second % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for text in ["256MiB", "256MB", "256M", "256m", "268435456"] {
            assert_eq!(bytes(text), Ok(256 << 20), "{text}");
        }
        for text in ["", "MiB", "-1", "1.5GiB", "1XiB", "99999999999999999999", "18446744073709551615GiB"] {
            assert!(bytes(text).is_err(), "{text}");
        }
        assert_eq!(show_bytes(1536), "1.5 KiB");
    }

    #[test]
    fn times_are_shown_and_read_again() {
        for ns in [0, -1, 1_723_075_200_123_456_789, 1_723_075_200_000_000_000, i64::MAX, i64::MIN] {
            assert_eq!(moment(&show_time(ns)), Ok(Moment::Instant(ns)), "{}", show_time(ns));
        }
        assert_eq!(moment("2024-08-08"), Ok(Moment::Date(Date(19_943))));
        assert!(moment("yesterday").is_err());
    }
}
