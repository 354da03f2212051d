//! Roles from column names, for files of no known vendor: only names that mean one thing.
//!
//! A name is split into words at punctuation, at changes of case and between letters and digits; every word must be understood,
//! or the name is not. So `bid_px_00`, `bids[0].price`, `bidPrice1`, `ts_ns` and `localTimestamp` are, and `maker_side` is not.

use crate::parse::TimeFormat;
use crate::vendor::columns::Role;

/// What a name says; units and the order of levels are settled when all columns are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Time of the venue's clock or the capture's, with the unit if the name has one.
    Time { recv: bool, unit: Option<TimeFormat> },
    /// Price or size of a level: 0 bid price, 1 bid size, 2 ask price, 3 ask size; the level's number if there is one.
    Level { part: u16, number: Option<u16> },
    /// A role that needs nothing more. Decimals are those of a trade; the side is the aggressor's.
    Plain(Role),
}

const SECURITY: [&str; 7] = ["symbol", "security", "ticker", "instrument", "sym", "pair", "contract"];
const VENUE: [&str; 3] = ["venue", "exchange", "exch"];
const PRICE: [&str; 5] = ["price", "px", "prc", "p", "prices"];
const SIZE: [&str; 11] = ["qty", "quantity", "size", "sz", "amount", "amt", "volume", "vol", "q", "sizes", "v"];
const BID: [&str; 2] = ["bid", "bids"];
const ASK: [&str; 4] = ["ask", "asks", "offer", "offers"];
const SEQUENCE: [&str; 4] = ["sequence", "seq", "nonce", "seqnum"];
const TIME: [&str; 4] = ["ts", "timestamp", "time", "datetime"];
const EVENT_CLOCK: [&str; 4] = ["event", "exchange", "venue", "transaction"];
const RECV_CLOCK: [&str; 9] =
    ["recv", "received", "receive", "local", "capture", "captured", "collected", "rcv", "arrival"];
const UNITS: [(&[&str], TimeFormat); 4] = [
    (&["ns", "nanos", "nanoseconds"], TimeFormat::Nanos),
    (&["us", "micros", "microseconds"], TimeFormat::Micros),
    (&["ms", "millis", "milliseconds"], TimeFormat::Millis),
    (&["s", "sec", "secs", "seconds"], TimeFormat::Seconds),
];

/// The words of a name, lower case.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut before = ' ';
    for c in name.chars() {
        let starts = !before.is_alphanumeric()
            || (before.is_lowercase() && c.is_uppercase())
            || before.is_ascii_digit() != c.is_ascii_digit();
        if c.is_alphanumeric() {
            let lower = c.to_lowercase();
            match words.last_mut().filter(|_| !starts) {
                Some(word) => word.extend(lower),
                None => words.push(lower.collect()),
            }
        }
        before = c;
    }
    words
}

fn one_of(word: &str, list: &[&str]) -> bool {
    list.contains(&word)
}

/// What a column's name says; `None` if it is not understood in full.
pub(super) fn meaning(name: &str) -> Option<Meaning> {
    let words = words(name);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    time(&words).or_else(|| level(&words)).or_else(|| plain(&words).map(Meaning::Plain))
}

fn time(words: &[&str]) -> Option<Meaning> {
    let (mut is_time, mut recv, mut event, mut unit) = (false, false, false, None);
    for word in words {
        if (one_of(word, &TIME) && !is_time) || (*word == "at" && recv) {
            is_time = true;
        } else if one_of(word, &RECV_CLOCK) && !recv {
            recv = true;
        } else if one_of(word, &EVENT_CLOCK) && !event {
            event = true;
        } else {
            let named = UNITS.iter().find(|(names, _)| one_of(word, names)).filter(|_| unit.is_none())?;
            unit = Some(named.1);
        }
    }
    (is_time && !(recv && event)).then_some(Meaning::Time { recv, unit })
}

fn level(words: &[&str]) -> Option<Meaning> {
    let (mut side, mut size, mut number) = (None, None, None);
    for word in words {
        let is_side = if one_of(word, &BID) { Some(0) } else { one_of(word, &ASK).then_some(2) };
        if is_side.is_some() && side.is_none() {
            side = is_side;
        } else if one_of(word, &PRICE) && size.is_none() {
            size = Some(0);
        } else if one_of(word, &SIZE) && size.is_none() {
            size = Some(1);
        } else if word.bytes().all(|b| b.is_ascii_digit()) && number.is_none() {
            number = Some(word.parse().ok()?);
        } else if !matches!(*word, "best" | "level" | "l") {
            return None;
        }
    }
    // `bid` alone is the bid price.
    Some(Meaning::Level { part: side? + size.unwrap_or(0), number })
}

fn plain(words: &[&str]) -> Option<Role> {
    match words {
        [w] if one_of(w, &SECURITY) => Some(Role::Security),
        [w] if one_of(w, &VENUE) => Some(Role::Venue),
        [w] | ["trade", w] if one_of(w, &PRICE) => Some(Role::Decimal(0)),
        [w] | ["trade", w] if one_of(w, &SIZE) => Some(Role::Decimal(1)),
        ["side"] | ["aggressor" | "taker", "side"] | ["trade", "side"] => Some(Role::Side(0)),
        ["id"] | ["trade", "id"] | ["tid"] => Some(Role::Id),
        [w] if one_of(w, &SEQUENCE) => Some(Role::Sequence),
        ["sequence" | "seq", "number" | "num" | "id"] => Some(Role::Sequence),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_many_houses_mean_one_thing() {
        let level = |part, number| Some(Meaning::Level { part, number });
        for (name, expected) in [
            ("bid_px_0", level(0, Some(0))),
            ("ask_qty_09", level(3, Some(9))),
            ("bids[12].price", level(0, Some(12))),
            ("askSize1", level(3, Some(1))),
            ("bid", level(0, None)),
            ("BestAskVolume", level(3, None)),
            ("ts_ns", Some(Meaning::Time { recv: false, unit: Some(TimeFormat::Nanos) })),
            ("localTimestamp", Some(Meaning::Time { recv: true, unit: None })),
            ("collected_at", Some(Meaning::Time { recv: true, unit: None })),
            ("exchange", Some(Meaning::Plain(Role::Venue))),
            ("Symbol", Some(Meaning::Plain(Role::Security))),
            ("qty", Some(Meaning::Plain(Role::Decimal(1)))),
            ("taker_side", Some(Meaning::Plain(Role::Side(0)))),
        ] {
            assert_eq!(meaning(name), expected, "{name}");
        }
        for name in
            ["maker_side", "open", "bid_count_0", "", "price_usd", "date", "5859400", "funding_rate", "bid_bid_px"]
        {
            assert_eq!(meaning(name), None, "{name}");
        }
    }
}
