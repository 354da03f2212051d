//! Times that do not stand whole in one epoch or ISO column: date and time of day apart, seconds after midnight, digits alone.

use crate::normalize::{TS_NULL, ZoneCache};
use crate::parse::timestamp::{CivilTime, civil, scaled};
use crate::parse::{TimeFault, daytime};
use crate::units::Date;

/// What a column holds of a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// A date: `2023-07-11`, `2023.07.11`, `20230711`.
    Date,
    /// `09:30:00.280`.
    Clock,
    /// `093000280`.
    Digits,
    /// Units of 10^-(9 - n) seconds after the local midnight.
    Elapsed(u32),
    /// Date and time in digits: `20200101 170000065`.
    Stamp,
}

/// The parts of a record's two times, as they are found: event, then recv.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Parts([Found; 2]);

#[derive(Clone, Copy, Debug, Default)]
struct Found {
    date: Option<Date>,
    /// Nanoseconds of the day by the clock on the wall.
    wall: Option<i64>,
    /// Nanoseconds since midnight as they pass.
    elapsed: Option<i64>,
}

impl Parts {
    /// Takes one column's text; an empty one says nothing.
    ///
    /// # Errors
    /// Why the text is not taken.
    pub(super) fn take(&mut self, part: Part, recv: bool, text: &[u8]) -> Result<(), TimeFault> {
        let found = &mut self.0[usize::from(recv)];
        if text.is_empty() {
            return Ok(());
        }
        match part {
            Part::Date => {
                let day = civil(text)?;
                if day.nanos != 0 || day.offset.is_some() {
                    return Err(TimeFault::NotATime);
                }
                found.date = Some(day.date);
            }
            Part::Clock => found.wall = Some(daytime::clock(text)?),
            Part::Digits => found.wall = Some(daytime::digits(text)?),
            Part::Elapsed(digits) => found.elapsed = Some(scaled(text, digits)?),
            Part::Stamp => {
                let stamp = daytime::stamp(text)?;
                (found.date, found.wall) = (Some(stamp.date), Some(stamp.nanos));
            }
        }
        Ok(())
    }

    /// The time, missing if a part is; `date` stands in where no column has one.
    ///
    /// # Errors
    /// `OutOfRange`.
    pub(super) fn finish(&self, recv: bool, date: Option<Date>, zone: &mut ZoneCache) -> Result<i64, TimeFault> {
        let found = self.0[usize::from(recv)];
        let Some(date) = found.date.or(date) else {
            return Ok(TS_NULL);
        };
        match (found.wall, found.elapsed) {
            (Some(nanos), _) => zone.instant(CivilTime { date, nanos, offset: None }),
            (None, Some(elapsed)) => {
                let midnight = zone.instant(CivilTime { date, nanos: 0, offset: None })?;
                midnight.checked_add(elapsed).filter(|t| *t != TS_NULL).ok_or(TimeFault::OutOfRange)
            }
            (None, None) => Ok(TS_NULL),
        }
    }
}
