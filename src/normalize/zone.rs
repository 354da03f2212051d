//! Time zones: zone-less times to UTC, and the local date of a clock, each with the last answer kept.

use jiff::tz::TimeZone;

use crate::error::{Error, Result};
use crate::parse::TimeFault;
use crate::parse::timestamp::CivilTime;
use crate::units::{Date, NANOS_PER_SECOND, SECONDS_PER_DAY};

const NANOS_PER_DAY: i64 = SECONDS_PER_DAY * NANOS_PER_SECOND;
/// Zone rules change at whole quarter hours in the years that markets have data for.
const QUARTER: i64 = 900 * NANOS_PER_SECOND;

/// A named zone of the bundled tz database, or a fixed offset.
#[derive(Clone, Debug)]
pub struct Zone {
    name: String,
    zone: TimeZone,
    utc: bool,
}

impl Zone {
    /// UTC.
    #[must_use]
    pub fn utc() -> Self {
        Self { name: "UTC".to_owned(), zone: TimeZone::UTC, utc: true }
    }

    /// The zone of an IANA name; `option` is what the user would change.
    ///
    /// # Errors
    /// `Usage` for a name that is not in the tz database.
    pub fn named(name: &str, option: &str) -> Result<Self> {
        if name.eq_ignore_ascii_case("utc") || name == "Z" {
            return Ok(Self::utc());
        }
        let zone = TimeZone::get(name).map_err(|_| {
            Error::usage(format!("{option} {name}: no such time zone"), "use an IANA name such as America/New_York")
        })?;
        Ok(Self { name: zone.iana_name().unwrap_or(name).to_owned(), zone, utc: false })
    }

    /// The zone's IANA name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Nanoseconds since the epoch of a local midnight.
    ///
    /// # Errors
    /// `OutOfRange`.
    pub fn midnight(&self, date: Date) -> Result<i64, TimeFault> {
        ZoneCache::new(self.clone()).instant(CivilTime { date, nanos: 0, offset: None })
    }
}

/// A zone with its last answers; one for each chunk.
#[derive(Clone, Debug)]
pub struct ZoneCache {
    zone: Zone,
    /// Clock range of the last date: `start <= clock < end`.
    day: Option<(i64, i64, Date)>,
    /// Offset in seconds of the last quarter hour: (date, quarter, offset).
    quarter: Option<(Date, i64, i32)>,
}

impl ZoneCache {
    /// Nothing known yet.
    #[must_use]
    pub fn new(zone: Zone) -> Self {
        Self { zone, day: None, quarter: None }
    }

    /// The local date of an instant.
    #[inline]
    pub fn date(&mut self, clock: i64) -> Date {
        if let Some((start, end, date)) = self.day
            && start <= clock
            && clock < end
        {
            return date;
        }
        self.find_date(clock)
    }

    fn find_date(&mut self, clock: i64) -> Date {
        let offset = if self.zone.utc { 0 } else { self.offset_at(clock) };
        let local = i128::from(clock) + i128::from(offset) * i128::from(NANOS_PER_SECOND);
        let date = Date(local.div_euclid(i128::from(NANOS_PER_DAY)) as i32);
        // Within the same date and the same quarter hour of the offset change, so a range inside a day that has a change of
        // offset is never taken too wide: it is cut to where the offset is known to hold.
        let start =
            local - local.rem_euclid(i128::from(NANOS_PER_DAY)) - i128::from(offset) * i128::from(NANOS_PER_SECOND);
        let clamp = |x: i128| i64::try_from(x).unwrap_or(if x < 0 { i64::MIN } else { i64::MAX });
        let (start, end) = (clamp(start), clamp(start + i128::from(NANOS_PER_DAY)));
        let steady =
            self.zone.utc || (self.offset_at(start) == offset && self.offset_at(end.saturating_sub(1)) == offset);
        self.day = steady.then_some((start, end, date));
        date
    }

    fn offset_at(&self, clock: i64) -> i32 {
        jiff::Timestamp::from_nanosecond(i128::from(clock)).map_or(0, |at| self.zone.zone.to_offset(at).seconds())
    }

    /// The instant of a date and time as written: with its own offset, else in this zone. A time that a zone skips means the
    /// instant after the gap by as much; one that it has twice means the first.
    ///
    /// # Errors
    /// `OutOfRange`.
    #[inline]
    pub fn instant(&mut self, time: CivilTime) -> Result<i64, TimeFault> {
        match time.offset {
            Some(offset) => time.at_offset(offset),
            None if self.zone.utc => time.at_offset(0),
            None => {
                let offset = self.local_offset(time)?;
                time.at_offset(offset)
            }
        }
    }

    fn local_offset(&mut self, time: CivilTime) -> Result<i32, TimeFault> {
        let quarter = time.nanos / QUARTER;
        if let Some((date, known, offset)) = self.quarter
            && date == time.date
            && known == quarter
        {
            return Ok(offset);
        }
        let civil = time.date.civil().ok_or(TimeFault::OutOfRange)?;
        let minute = quarter * 15;
        let (hour, minute) = (i8::try_from(minute / 60).unwrap_or(0), i8::try_from(minute % 60).unwrap_or(0));
        let ambiguous = self.zone.zone.to_ambiguous_timestamp(civil.at(hour, minute, 0, 0));
        let offset = match ambiguous.offset() {
            jiff::tz::AmbiguousOffset::Unambiguous { offset } => offset,
            jiff::tz::AmbiguousOffset::Gap { before, .. } | jiff::tz::AmbiguousOffset::Fold { before, .. } => before,
        };
        self.quarter = Some((time.date, quarter, offset.seconds()));
        Ok(offset.seconds())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::timestamp::civil;

    #[test]
    fn dates_follow_the_zone_through_its_changes() {
        let new_york = Zone::named("America/New_York", "--tz").unwrap();
        let mut cache = ZoneCache::new(new_york.clone());
        // 2012-11-04 has 25 hours in New York; walk over three days quarter by quarter.
        let start = new_york.midnight(Date::parse("2012-11-03").unwrap()).unwrap();
        let mut hours = [0; 3];
        for quarter in 0..(24 + 25 + 24) * 4 {
            let date = cache.date(start + quarter * QUARTER);
            hours[usize::try_from(date.0 - Date::parse("2012-11-03").unwrap().0).unwrap()] += 1;
        }
        assert_eq!(hours, [96, 100, 96]);
    }

    #[test]
    fn local_times_become_instants() {
        let mut tokyo = ZoneCache::new(Zone::named("Asia/Tokyo", "--tz").unwrap());
        let at = tokyo.instant(civil(b"2018-01-27 09:00:00").unwrap()).unwrap();
        assert_eq!(at, 1_517_011_200 * NANOS_PER_SECOND);
        let zoned = tokyo.instant(civil(b"2018-01-27T00:00:00Z").unwrap()).unwrap();
        assert_eq!(zoned, at);
        assert_eq!(tokyo.date(at - 1), Date::parse("2018-01-27").unwrap());
        let midnight = Zone::named("America/New_York", "--tz").unwrap().midnight(Date::parse("2012-06-21").unwrap());
        assert_eq!(midnight.unwrap(), 1_340_251_200 * NANOS_PER_SECOND);
        assert_eq!(Zone::named("Mars/Base", "--tz").unwrap_err().exit_code(), 2);
    }
}
