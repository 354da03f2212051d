//! Which file belongs to which: the pair of messages and order book.
//!
//! In: a probe. Out: the input's part. The file-name rule decides first. Files that were renamed are known by their content, and
//! make a pair only when exactly one file of messages and one order book without a LOBSTER name stand among the inputs; their
//! equal lengths are checked while they are read. Anything else is refused with the reason.

use std::path::{Path, PathBuf};

use super::name::{FileName, Half};
use super::shape::Shape;
use crate::input::{InputLimits, STDIN, head};
use crate::vendor::Probe;

/// Inputs without a LOBSTER name that are opened to find a partner.
const UNNAMED: usize = 16;

/// What an input is to this dialect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// None of its files.
    Other,
    /// Messages, with their order book if there is one.
    Messages {
        /// The order book's path.
        book: Option<PathBuf>,
        /// Why we think so.
        reason: String,
    },
    /// The order book of these messages.
    BookOf(PathBuf),
    /// One of its files that cannot be read: what was expected, and what to do.
    Refused(String, &'static str),
}

/// Finds an input's part.
pub(super) fn part(probe: &Probe<'_>) -> Part {
    let shape = Shape::of(probe.head);
    match FileName::of(probe.path) {
        Some(name) => named(probe, &name, &shape),
        None if shape.surely_messages() => unnamed(probe, Half::Message),
        None if shape.surely_book() => unnamed(probe, Half::Orderbook),
        None => Part::Other,
    }
}

fn named(probe: &Probe<'_>, name: &FileName, shape: &Shape) -> Part {
    let fits = match name.half {
        Half::Message => shape.mostly_messages(),
        Half::Orderbook => shape.mostly_book(),
    };
    if !fits {
        return Part::Other;
    }
    let mut partners = others(probe).filter(|p| FileName::of(p).is_some_and(|n| n.pairs_with(name)));
    let partner = partners.next().cloned();
    if partners.next().is_some() {
        return Part::Refused(
            format!("one partner for {} {}", name.ticker, name.date),
            "more than one input has the partner's name: give one of them",
        );
    }
    match (name.half, partner) {
        (Half::Message, Some(book)) => {
            Part::Messages { reason: format!("LOBSTER by its name, with {}", book.display()), book: Some(book) }
        }
        (Half::Message, None) => Part::Messages {
            book: None,
            reason: "LOBSTER by its name; its order book is not among the inputs: orders and trades only".to_owned(),
        },
        (Half::Orderbook, Some(messages)) => Part::BookOf(messages),
        (Half::Orderbook, None) => Part::Refused(
            format!(
                "the messages of {} {} with {} levels beside their order book",
                name.ticker, name.date, name.levels
            ),
            "a LOBSTER order book has no times of its own: give its message file too",
        ),
    }
}

fn others<'a>(probe: &Probe<'a>) -> impl Iterator<Item = &'a PathBuf> {
    let own = probe.path.to_owned();
    probe.siblings.iter().filter(move |p| **p != own)
}

fn unnamed(probe: &Probe<'_>, half: Half) -> Part {
    let beside: Vec<_> = others(probe).filter(|p| FileName::of(p).is_none() && p.as_os_str() != STDIN).collect();
    if beside.len() > UNNAMED {
        return Part::Refused(
            format!("at most {} inputs without a LOBSTER name, not {}", UNNAMED + 1, beside.len() + 1),
            "name the files TICKER_DATE_START_END_message_LEVEL.csv and TICKER_DATE_START_END_orderbook_LEVEL.csv",
        );
    }
    let halves: Vec<_> = beside.iter().filter_map(|p| Some((p.as_path(), half_of(p)?))).collect();
    let of = |wanted: Half| halves.iter().filter(move |(_, h)| *h == wanted).map(|(p, _)| *p);
    let messages = of(Half::Message).count() + usize::from(half == Half::Message);
    let books = of(Half::Orderbook).count() + usize::from(half == Half::Orderbook);
    match (half, messages, books) {
        (Half::Message, _, 0) => Part::Messages {
            book: None,
            reason: "LOBSTER messages by their six columns; no order book is among the inputs: orders and trades only"
                .to_owned(),
        },
        (Half::Message, 1, 1) => {
            let book = of(Half::Orderbook).next().map(Path::to_owned);
            Part::Messages {
                reason: "LOBSTER messages by their six columns, and one order book beside them".to_owned(),
                book,
            }
        }
        (Half::Orderbook, 1, 1) => of(Half::Message).next().map_or(Part::Other, |p| Part::BookOf(p.to_owned())),
        (Half::Orderbook, 0, _) => Part::Refused(
            "the messages beside a LOBSTER order book (whole numbers in fours)".to_owned(),
            "a LOBSTER order book has no times of its own: give its message file too",
        ),
        _ => Part::Refused(
            format!("one file of messages and one order book, not {messages} and {books}"),
            "without the names of LOBSTER nobody can tell which belong together: give one pair, or restore the names",
        ),
    }
}

/// The half of a file without a LOBSTER name.
fn half_of(path: &Path) -> Option<Half> {
    let shape = Shape::of(&head(path, &InputLimits::default()).ok()?);
    match shape {
        shape if shape.surely_messages() => Some(Half::Message),
        shape if shape.surely_book() => Some(Half::Orderbook),
        _ => None,
    }
}
