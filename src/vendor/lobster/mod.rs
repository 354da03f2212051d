//! LOBSTER: a file of messages and a file of the order book after each, read in step.
//!
//! In: one message line and one book line a record. Out: a row of `orders`, a row of `book`, and for types 4 and 5 a row of
//! `trades` whose side is the aggressor's, the opposite of the resting order's. Without the book: orders and trades. Without the
//! messages: refused (decision 22), since only they have times. Times are seconds after the midnight of the day that the file name
//! or `--date` says, in `--tz` or New York; prices are units of 10^-4; an empty level is +-9999999999 with size 0.
//! A halt (type 7) keeps its row, its -1, 0 or 1 in the unit of prices: -0.0001, 0, 0.0001.

mod book;
mod message;
mod name;
mod pair;
mod rows;
mod shape;

use std::path::PathBuf;

use self::book::Book;
use self::name::{FileName, Half};
use self::pair::{Part, part};
use self::rows::PairParser;
use self::shape::Shape;
use super::{ChunkParser, Dialect, Probe, Recognition, SourceOptions};
use crate::error::{Error, InputFault, Result};
use crate::input::{InputLimits, head};
use crate::limits;
use crate::normalize::{NameRule, Zone};
use crate::schema::Clock;
use crate::units::Date;

/// The dialect.
#[derive(Debug)]
pub(super) struct Lobster;

const ZONE: &str = "America/New_York";
const VENUE: &str = "nasdaq";

impl Dialect for Lobster {
    fn name(&self) -> &'static str {
        "lobster"
    }

    fn recognise(&self, probe: &Probe<'_>) -> Recognition {
        match part(probe) {
            Part::Other => Recognition::No,
            Part::Messages { reason, .. } => Recognition::Yes(reason),
            Part::BookOf(messages) => Recognition::PartnerOf(messages),
            // Ours, and open() says why it cannot be read.
            Part::Refused(expected, _) => Recognition::Yes(format!("LOBSTER, but expected {expected}")),
        }
    }

    fn partner(&self, probe: &Probe<'_>) -> Result<Option<PathBuf>> {
        match part(probe) {
            Part::Messages { book, .. } => Ok(book),
            Part::Refused(expected, advice) => Err(Error::refused(probe.path, expected, advice)),
            Part::BookOf(_) | Part::Other => Ok(None),
        }
    }

    fn open(&self, probe: &Probe<'_>, options: &SourceOptions) -> Result<Box<dyn ChunkParser>> {
        let name = FileName::of(probe.path).filter(|n| n.half == Half::Message);
        let book = match part(probe) {
            Part::Messages { book, .. } => book,
            Part::Refused(expected, advice) => return Err(Error::refused(probe.path, expected, advice)),
            Part::BookOf(messages) => {
                return Err(Error::refused(
                    probe.path,
                    "a file of messages",
                    format!("this order book is read in step with {}", messages.display()),
                ));
            }
            Part::Other => return Err(not_messages(probe)),
        };
        if options.clock == Some(Clock::Recv) {
            return Err(Error::usage("--clock recv: LOBSTER files have no capture time", "leave --clock away"));
        }
        let said = name.as_ref().map(|name| name.levels);
        let (security, date) = security_and_date(probe, name, options)?;
        let tz = Zone::named(options.tz.as_deref().unwrap_or(ZONE), "--tz")?;
        let date_tz = match &options.date_tz {
            Some(name) => Zone::named(name, "--date-tz")?,
            None => tz.clone(),
        };
        let midnight = tz.midnight(date).map_err(|_| {
            Error::usage(format!("{date} is outside what 64-bit nanoseconds hold"), "use a date from 1678 to 2261")
        })?;
        let shape = Shape::of(probe.head);
        let book = book.map(|path| open_book(path, options.levels)).transpose()?;
        Ok(Box::new(PairParser {
            levels: said.or_else(|| book.as_ref().map(|book| book.levels)),
            lead: shape.lead,
            delimiter: shape.delimiter,
            header: shape.header,
            midnight,
            book,
            names: NameRule {
                venue: Some(options.venue.clone().unwrap_or_else(|| VENUE.to_owned())),
                security: Some(security),
            },
            tz,
            date_tz,
        }))
    }
}

/// Both from the file name, else from the options.
fn security_and_date(probe: &Probe<'_>, name: Option<FileName>, options: &SourceOptions) -> Result<(String, Date)> {
    let path = probe.path.display();
    let (ticker, day) = name.map_or((None, None), |n| (Some(n.ticker), Some(n.date)));
    let security = ticker.or_else(|| options.security.clone()).ok_or_else(|| {
        Error::usage(format!("{path}: the file name does not say the security"), "name it with --security")
    })?;
    let date = day.or(options.date).ok_or_else(|| {
        Error::usage(
            format!("{path}: LOBSTER times have no date and the file name does not say it"),
            "name the trading day with --date YYYY-MM-DD",
        )
    })?;
    Ok((security, date))
}

/// The look of the order book: its levels are a quarter of its columns.
fn open_book(path: PathBuf, levels: u16) -> Result<Book> {
    let shape = Shape::of(&head(&path, &InputLimits::default())?);
    let columns = if shape.is_empty() { 4 } else { shape.columns };
    let found = u16::try_from(columns / 4).ok().filter(|l| *l > 0 && *l <= limits::LEVELS && columns.is_multiple_of(4));
    let Some(found) = found else {
        return Err(Error::refused(
            &path,
            format!(
                "ask price, ask size, bid price, bid size for each of 1 to {} levels, not {columns} columns",
                limits::LEVELS
            ),
            "give the order book as LOBSTER writes it",
        ));
    };
    let wanted = if levels == 0 { limits::LEVELS_DEFAULT } else { levels.min(limits::LEVELS) };
    Ok(Book {
        path,
        lead: shape.lead,
        delimiter: shape.delimiter,
        header: shape.header,
        levels: found,
        kept: found.min(wanted),
    })
}

fn not_messages(probe: &Probe<'_>) -> Error {
    let line = super::header::first_line(probe.head).unwrap_or(b"");
    Error::input(InputFault {
        path: probe.path.to_owned(),
        line: Some(1),
        expected:
            "messages of six columns: seconds after midnight, type 1 to 7, order id, size, price, direction 1 or -1"
                .to_owned(),
        got: line[..line.len().min(200)].to_vec(),
        advice: "describe other columns in a mapping file".to_owned(),
        ..InputFault::default()
    })
}
