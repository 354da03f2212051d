//! Bars: `open`, `high`, `low`, `close`, `volume` and a column with the time of the bar, whatever else stands beside them.
//!
//! Only the order of the names is free, not the names: a header without one of the five, or with two columns that may be the time, is
//! not this dialect. Columns that are not known are left out.

use super::columns::{ColumnParser, ColumnPlan, Role};
use super::header::{self, Header};
use super::{ChunkParser, Dialect, Probe, Recognition, SourceOptions};
use crate::error::{Error, Result};
use crate::normalize::{NameRule, Zone};
use crate::parse::TimeFormat;
use crate::parse::csv::Splitter;
use crate::parse::timestamp::civil;
use crate::schema::{Clock, RawTable};
use crate::vendor::apart::Part;

/// The dialect.
#[derive(Debug)]
pub(super) struct Ohlcv;

const VALUES: [&[&str]; 5] = [&["open"], &["high"], &["low"], &["close"], &["volume", "vol"]];
/// A column with the bar's end is none of these: where the begin is known it says nothing more.
const TIMES: [&str; 10] =
    ["timestamp", "time", "datetime", "date", "ts", "ts_event", "open_time", "opentime", "start", "unix"];
const SECURITY: [&str; 6] = ["symbol", "security", "ticker", "instrument", "code", "pair"];
const VENUE: [&str; 3] = ["venue", "exchange", "exch"];
/// Columns that only other dialects have: what `hftcol cat` prints, and Databento's bars.
const FOREIGN: [&str; 2] = ["record", "publisher_id"];

/// The column of a header that has one of some names; `None` for none, or for two.
fn only(header: &Header, names: &[&str]) -> Option<usize> {
    let mut found =
        (0..header.names.len()).filter(|at| names.iter().any(|name| header.names[*at].eq_ignore_ascii_case(name)));
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

/// Where the time stands: one column, or a date and a time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TimeAt {
    One(usize, TimeFormat),
    Apart { date: usize, clock: usize },
}

/// What a header says of bars.
struct Bars {
    values: [usize; 5],
    time: TimeAt,
}

fn bars(probe: &Probe<'_>, header: &Header) -> std::result::Result<Bars, String> {
    if FOREIGN.iter().any(|name| header.find(name).is_some()) || super::binance_csv::is_bar(&header.names) {
        return Err("the columns of bars alone".to_owned());
    }
    let mut values = [0; 5];
    for (at, names) in values.iter_mut().zip(VALUES) {
        *at = only(header, names).ok_or_else(|| format!("one column `{}`", names[0]))?;
    }
    let one = only(header, &TIMES).and_then(|at| Some(TimeAt::One(at, unit(probe, header, at)?)));
    let apart = || {
        let (date, clock) = (only(header, &["date"])?, only(header, &["time"])?);
        let is_date = |text: &[u8]| civil(text).is_ok_and(|t| t.nanos == 0 && t.offset.is_none());
        let is_clock = |text: &[u8]| crate::parse::daytime::clock(text).is_ok();
        (all(probe, header, date, is_date) && all(probe, header, clock, is_clock))
            .then_some(TimeAt::Apart { date, clock })
    };
    let time = one.or_else(apart).ok_or("one column with the bar's time, as an epoch or a date and time")?;
    Ok(Bars { values, time })
}

/// True if there is a cell and all cells of a column in the head pass.
fn all(probe: &Probe<'_>, header: &Header, column: usize, is: impl Fn(&[u8]) -> bool) -> bool {
    let (mut seen, mut odd) = (false, false);
    Splitter::new(header.delimiter, false).split(header::whole(probe.head), |record| {
        let text = record.fields.filter(|_| record.raw != header.line).map_or(&b""[..], |f| f.get(column));
        if !text.is_empty() {
            seen = true;
            odd |= !is(text);
        }
    });
    seen && !odd
}

/// The form of a time column, if all its cells in the head have the same.
fn unit(probe: &Probe<'_>, header: &Header, column: usize) -> Option<TimeFormat> {
    [TimeFormat::Seconds, TimeFormat::Millis, TimeFormat::Micros, TimeFormat::Nanos]
        .into_iter()
        .find(|format| all(probe, header, column, |text| TimeFormat::of_epoch(text) == Some(*format)))
        .or_else(|| {
            let is_iso = |text: &[u8]| TimeFormat::of_epoch(text).is_none() && civil(text).is_ok();
            all(probe, header, column, is_iso).then_some(TimeFormat::Iso)
        })
}

fn role(at: usize, bars: &Bars, header: &Header) -> Role {
    if let Some(slot) = bars.values.iter().position(|v| *v == at) {
        return Role::Decimal(slot as u16);
    }
    match bars.time {
        TimeAt::One(time, format) if time == at => return Role::Event(format),
        TimeAt::Apart { date, .. } if date == at => return Role::Part { part: Part::Date, recv: false },
        TimeAt::Apart { clock, .. } if clock == at => return Role::Part { part: Part::Clock, recv: false },
        _ => {}
    }
    match at {
        at if only(header, &SECURITY) == Some(at) => Role::Security,
        at if only(header, &VENUE) == Some(at) => Role::Venue,
        _ => Role::Skip,
    }
}

impl Dialect for Ohlcv {
    fn name(&self) -> &'static str {
        "ohlcv"
    }

    fn recognise(&self, probe: &Probe<'_>) -> Recognition {
        let Some(header) = header::read(probe.head) else {
            return Recognition::No;
        };
        match bars(probe, &header) {
            Ok(bars) => {
                let left = (0..header.names.len()).filter(|at| role(*at, &bars, &header) == Role::Skip).count();
                let left = if left == 0 { String::new() } else { format!("; {left} other columns are left out") };
                Recognition::Yes(format!("the header names open, high, low, close, volume and a time{left}"))
            }
            Err(_) => Recognition::No,
        }
    }

    fn open(&self, probe: &Probe<'_>, options: &SourceOptions) -> Result<Box<dyn ChunkParser>> {
        let header = header::need(probe.path, probe.head)?;
        let bars = bars(probe, &header).map_err(|expected| {
            Error::refused(probe.path, expected, "rename the columns: open, high, low, close, volume and timestamp")
        })?;
        let names = NameRule { venue: options.venue.clone(), security: options.security.clone() };
        if names.security.is_none() && only(&header, &SECURITY).is_none() {
            return Err(Error::usage(
                format!("{}: no column names the security", probe.path.display()),
                "name it with --security",
            ));
        }
        let roles = (0..header.names.len()).map(|at| role(at, &bars, &header));
        let plan = ColumnPlan {
            table: RawTable::Ohlcv,
            levels: 1,
            levels_cut: 0,
            delimiter: header.delimiter,
            quoted: false,
            columns: header.names.iter().cloned().zip(roles).collect(),
            header: Some(header.line),
            names,
            clock: options.clock.unwrap_or(Clock::Event),
            tz: Zone::named(options.tz.as_deref().unwrap_or("UTC"), "--tz")?,
            date_tz: Zone::named(options.date_tz.as_deref().or(options.tz.as_deref()).unwrap_or("UTC"), "--date-tz")?,
            channel: RawTable::Ohlcv.name().to_owned(),
            record_rule: "one record is one row",
            cells: None,
        };
        Ok(Box::new(ColumnParser::new(plan)))
    }
}
