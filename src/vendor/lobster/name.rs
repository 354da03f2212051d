//! The file-name rule: `TICKER_DATE_START_END_message_LEVEL.csv` and `TICKER_DATE_orderbook_LEVEL.csv`.
//!
//! In: a path. Out: what its name says, or nothing. Endings such as `.csv.gz` do not matter; a ticker may hold points and
//! underscores, since the name is read from its end.

use std::path::Path;

use crate::input::file_name;
use crate::units::Date;

/// Which half of a pair a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Half {
    /// The messages.
    Message,
    /// The order book after each message.
    Orderbook,
}

/// What a file name says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileName {
    /// The ticker as written.
    pub ticker: String,
    /// The trading day.
    pub date: Date,
    /// Start and end in milliseconds after midnight, as written; empty in the short form.
    pub hours: String,
    /// Which half.
    pub half: Half,
    /// Levels asked for: the messages of another number of levels are others.
    pub levels: u16,
}

const ENDINGS: [&str; 8] = [".csv", ".txt", ".gz", ".zst", ".zstd", ".gzip", ".bz2", ".xz"];

impl FileName {
    /// Reads a path's last part.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let mut name = file_name(path)?;
        while let Some(ending) = ENDINGS.iter().find(|e| name.len() > e.len() && has_ending(name, e)) {
            name = name.get(..name.len() - ending.len())?;
        }
        let (rest, levels) = name.rsplit_once('_')?;
        let (rest, half) = rest.rsplit_once('_')?;
        let half = match half {
            _ if half.eq_ignore_ascii_case("message") => Half::Message,
            _ if half.eq_ignore_ascii_case("orderbook") => Half::Orderbook,
            _ => return None,
        };
        let levels = levels.parse().ok().filter(|l| *l > 0)?;
        let (rest, hours) = take_hours(rest);
        let (ticker, date) = rest.rsplit_once('_')?;
        let date = Date::parse(date)?;
        (!ticker.is_empty()).then(|| Self { ticker: ticker.to_owned(), date, hours: hours.to_owned(), half, levels })
    }

    /// True if the two are the halves of one pair.
    pub(super) fn pairs_with(&self, other: &Self) -> bool {
        self.half != other.half && Self { half: self.half, ..other.clone() } == *self
    }
}

fn has_ending(name: &str, ending: &str) -> bool {
    name.len().checked_sub(ending.len()).and_then(|at| name.get(at..)).is_some_and(|e| e.eq_ignore_ascii_case(ending))
}

/// `START_END` of digits off the end.
fn take_hours(text: &str) -> (&str, &str) {
    let is_number = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    let split = text.rsplit_once('_').filter(|(_, end)| is_number(end));
    match split.and_then(|(rest, _)| rest.rsplit_once('_')).filter(|(_, start)| is_number(start)) {
        Some((rest, _)) => (rest, &text[rest.len() + 1..]),
        None => (text, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str) -> Option<FileName> {
        FileName::of(Path::new(name))
    }

    #[test]
    fn both_forms_of_the_name() {
        let long = of("some/folder/AMZN_2012-06-21_34200000_57600000_message_1.csv.gz").unwrap();
        assert_eq!((long.ticker.as_str(), long.date.to_string().as_str()), ("AMZN", "2012-06-21"));
        assert_eq!((long.hours.as_str(), long.half, long.levels), ("34200000_57600000", Half::Message, 1));
        let short = of("BRK.B_2012-06-21_orderbook_50.csv").unwrap();
        assert_eq!((short.ticker.as_str(), short.half, short.levels), ("BRK.B", Half::Orderbook, 50));
        assert_eq!(short.hours, "");
    }

    #[test]
    fn halves_pair_only_with_their_own() {
        let message = of("AMZN_2012-06-21_message_1.csv").unwrap();
        assert!(message.pairs_with(&of("AMZN_2012-06-21_orderbook_1.csv.zst").unwrap()));
        for other in [
            "AMZN_2012-06-21_message_1.csv",
            "AMZN_2012-06-21_orderbook_10.csv",
            "AMZN_2012-06-22_orderbook_1.csv",
            "AAPL_2012-06-21_orderbook_1.csv",
            "AMZN_2012-06-21_34200000_57600000_orderbook_1.csv",
        ] {
            assert!(!message.pairs_with(&of(other).unwrap()), "{other}");
        }
    }

    #[test]
    fn other_names_say_nothing() {
        for name in [
            "",
            "message_1.csv",
            "_2012-06-21_message_1.csv",
            "A_2012-06-31_message_1",
            "A_2012-06-21_trades_1",
            "A_2012-06-21_message_x.csv",
            ".csv.gz",
        ] {
            assert_eq!(of(name), None, "{name}");
        }
    }
}
