//! Hour, minute and weekday of the clock in the partition's zone.
//!
//! The zone's offset is looked up once for each stretch between two of its changes, not for each row.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::error::{Error, Result};
use crate::feature::registry::{Definition, Family, Kernel};
use crate::schema::LogicalType;
use crate::units::{Date, NANOS_PER_SECOND, SECONDS_PER_DAY};

const fn whole(name: &'static str, unit: &'static str, formula: &'static str) -> Definition {
    Definition::new(name, unit, formula).dtype(LogicalType::I8).null("never").reads("clock", "date_tz of the partition")
}

pub(crate) const FAMILY: Family = Family {
    name: "calendar",
    table: "book",
    about: "local time of the clock",
    columns: &[
        whole("hour", "h", "hour of the day, 0-23").alias("hour_of_day"),
        whole("day_of_week", "day", "Monday = 0"),
        whole("minute", "min", "minute of the hour, 0-59").alias("minute_of_hour"),
        whole("is_weekend", "1", "1 when day_of_week is 5 or 6, else 0"),
    ],
    needs: &[],
    kernel: Kernel::Calendar,
};

/// The first instant of a date in a zone.
///
/// # Errors
/// `Usage` for a zone that the tz database does not know, or a date outside of its range.
pub(crate) fn midnight(zone: &str, date: Date) -> Result<i64> {
    let zone = zone_named(zone)?;
    let start = date.civil().and_then(|civil| civil.to_zoned(zone).ok()).and_then(|day| day.start_of_day().ok());
    let nanos = start.and_then(|start| i64::try_from(start.timestamp().as_nanosecond()).ok());
    nanos.ok_or_else(|| {
        Error::usage(format!("{date} has no midnight in 64-bit nanoseconds"), "use dates of 1678 to 2261")
    })
}

fn zone_named(zone: &str) -> Result<TimeZone> {
    if zone == "UTC" {
        return Ok(TimeZone::UTC);
    }
    TimeZone::get(zone)
        .map_err(|_| Error::usage(format!("unknown time zone {zone}"), "give an IANA name such as Asia/Seoul"))
}

/// A zone with the stretch of its current offset.
#[derive(Debug)]
pub(crate) struct Calendar {
    zone: TimeZone,
    /// Seconds since the epoch: the offset holds from the first up to before the second.
    from: i64,
    until: i64,
    offset: i64,
}

impl Calendar {
    /// # Errors
    /// `Usage` for a zone that the tz database does not know.
    pub(crate) fn new(zone: &str) -> Result<Self> {
        Ok(Self { zone: zone_named(zone)?, from: 0, until: 0, offset: 0 })
    }

    /// Finds the stretch that holds `second`.
    #[cold]
    fn seek(&mut self, second: i64) {
        let Ok(at) = Timestamp::from_second(second) else { return };
        self.offset = i64::from(self.zone.to_offset(at).seconds());
        self.from = second;
        // `following` is strictly after `at`: up to there the offset cannot change.
        self.until = self.zone.following(at).next().map_or(i64::MAX, |t| t.timestamp().as_second());
    }

    /// Writes hour, day of week, minute and weekend flag of each clock.
    pub(crate) fn write(&mut self, clocks: &[i64], out: [&mut [i64]; 4]) {
        let [hours, days, minutes, weekends] = out;
        // Most rows are of the minute of the row before: seconds from which and up to which they are.
        let (mut from, mut until) = (1, 0);
        for (i, clock) in clocks.iter().enumerate() {
            let second = clock.div_euclid(NANOS_PER_SECOND);
            if second >= from && second < until {
                (hours[i], days[i], minutes[i], weekends[i]) =
                    (hours[i - 1], days[i - 1], minutes[i - 1], weekends[i - 1]);
                continue;
            }
            if second < self.from || second >= self.until {
                self.seek(second);
            }
            let local = second + self.offset;
            from = self.from.max(second - local.rem_euclid(60));
            until = self.until.min(second - local.rem_euclid(60) + 60);
            let (day, of_day) = (local.div_euclid(SECONDS_PER_DAY), local.rem_euclid(SECONDS_PER_DAY));
            // 1970-01-01 was a Thursday.
            let weekday = (day + 3).rem_euclid(7);
            hours[i] = of_day / 3_600;
            minutes[i] = of_day % 3_600 / 60;
            days[i] = weekday;
            weekends[i] = i64::from(weekday >= 5);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(zone: &str, clocks: &[i64]) -> Vec<[i64; 4]> {
        let mut columns = [const { Vec::new() }; 4].map(|_: Vec<i64>| vec![0; clocks.len()]);
        let [a, b, c, d] = &mut columns;
        Calendar::new(zone).unwrap().write(clocks, [a, b, c, d]);
        (0..clocks.len()).map(|i| std::array::from_fn(|c| columns[c][i])).collect()
    }

    #[test]
    fn before_the_epoch_and_at_its_ends() {
        assert_eq!(one("UTC", &[-1]), [[23, 2, 59, 0]]);
        assert_eq!(one("UTC", &[0]), [[0, 3, 0, 0]]);
        assert_eq!(one("UTC", &[i64::MAX]), [[23, 4, 47, 0]]);
        assert_eq!(one("America/New_York", &[i64::MIN, i64::MAX]).len(), 2);
    }

    #[test]
    fn offset_changes_inside_a_batch() {
        // 2024-03-10: New York goes from UTC-5 to UTC-4 at 07:00 UTC, a Sunday; back on 2024-11-03 at 06:00 UTC.
        let change = 1_710_054_000 * NANOS_PER_SECOND;
        let back = 1_730_613_600 * NANOS_PER_SECOND;
        let got = one("America/New_York", &[change - 1, change, back - 1, back, change]);
        assert_eq!(got, [[1, 6, 59, 1], [3, 6, 0, 1], [1, 6, 59, 1], [1, 6, 0, 1], [3, 6, 0, 1]]);
    }

    #[test]
    fn an_unknown_zone_is_refused() {
        assert!(Calendar::new("Mars/Olympus").is_err());
    }
}
