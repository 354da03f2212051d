//! Tardis CSV: `book_snapshot_N` of any N, `trades`, `quotes`, `incremental_book_L2`.
//!
//! A file has a header that begins with `exchange,symbol,timestamp,local_timestamp`; the other names tell the kind. Both times are
//! microseconds; side is the aggressor's (`buy`, `sell`, `unknown`), in level changes `bid` or `ask`; an amount of 0 deletes a level.

use super::columns::{ColumnParser, ColumnPlan, Role};
use super::header::{self, Header};
use super::{ChunkParser, Dialect, Probe, Recognition, SourceOptions};
use crate::error::{Error, Result};
use crate::input::file_name;
use crate::limits;
use crate::normalize::{NameRule, Zone};
use crate::parse::TimeFormat;
use crate::schema::{Clock, RawTable};

/// The dialect.
#[derive(Debug)]
pub(super) struct Tardis;

const KEYS: [(&str, Role); 4] = [
    ("exchange", Role::Venue),
    ("symbol", Role::Security),
    ("timestamp", Role::Event(TimeFormat::Micros)),
    ("local_timestamp", Role::Recv(TimeFormat::Micros)),
];
const TRADES: [(&str, Role); 4] =
    [("id", Role::Id), ("side", Role::Side(0)), ("price", Role::Decimal(0)), ("amount", Role::Decimal(1))];
const DELTAS: [(&str, Role); 4] = [
    ("is_snapshot", Role::Flag(0)),
    ("side", Role::Side(1)),
    ("price", Role::Decimal(0)),
    ("amount", Role::Decimal(1)),
];
const QUOTES: [(&str, Role); 4] = [
    ("bid_price", Role::Decimal(0)),
    ("bid_amount", Role::Decimal(1)),
    ("ask_price", Role::Decimal(2)),
    ("ask_amount", Role::Decimal(3)),
];

/// What a header says: the table, and for a book its levels.
fn kind(header: &Header) -> Option<(RawTable, u16)> {
    let has = |names: &[(&str, Role)]| names.iter().all(|(name, _)| header.find(name).is_some());
    if !has(&KEYS) {
        return None;
    }
    let others = header.names.len() - KEYS.len();
    if others == 4 {
        let flat = [(RawTable::Trades, &TRADES), (RawTable::Deltas, &DELTAS), (RawTable::Quotes, &QUOTES)];
        if let Some((table, _)) = flat.into_iter().find(|(_, names)| has(&names[..])) {
            return Some((table, 1));
        }
    }
    let levels = u16::try_from(others / 4).ok().filter(|l| *l > 0 && others.is_multiple_of(4))?;
    (0..levels)
        .all(|level| {
            ["asks", "bids"].iter().all(|side| {
                ["price", "amount"].iter().all(|part| header.find(&format!("{side}[{level}].{part}")).is_some())
            })
        })
        .then_some((RawTable::Book, levels))
}

fn channel(table: RawTable, levels: u16) -> String {
    match table {
        RawTable::Book => format!("book_snapshot_{levels}"),
        RawTable::Deltas => "incremental_book_L2".to_owned(),
        table => table.name().to_owned(),
    }
}

fn role(name: &str, table: RawTable, kept: u16) -> Role {
    let flat: &[(&str, Role)] = match table {
        RawTable::Trades => &TRADES,
        RawTable::Deltas => &DELTAS,
        RawTable::Quotes => &QUOTES,
        _ => &[],
    };
    if let Some((_, role)) = KEYS.iter().chain(flat).find(|(n, _)| *n == name) {
        return *role;
    }
    let level = |rest: &str| -> Option<(u16, bool)> {
        let (number, part) = rest.split_once("].")?;
        Some((number.parse().ok().filter(|l| *l < kept)?, part == "amount"))
    };
    let (rest, side) = match (name.strip_prefix("bids["), name.strip_prefix("asks[")) {
        (Some(rest), _) => (rest, 0),
        (_, Some(rest)) => (rest, 2),
        _ => return Role::Skip,
    };
    level(rest).map_or(Role::Skip, |(level, is_size)| Role::Decimal(4 * level + side + u16::from(is_size)))
}

/// Tardis liquidations have the columns of trades and are none.
fn is_other_kind(probe: &Probe<'_>) -> bool {
    file_name(probe.path).is_some_and(|name| name.contains("liquidations"))
}

impl Dialect for Tardis {
    fn name(&self) -> &'static str {
        "tardis"
    }

    fn recognise(&self, probe: &Probe<'_>) -> Recognition {
        let Some((table, levels)) = header::read(probe.head).as_ref().and_then(kind) else {
            return Recognition::No;
        };
        if is_other_kind(probe) {
            return Recognition::No;
        }
        Recognition::Yes(format!("the header names Tardis {}", channel(table, levels)))
    }

    fn open(&self, probe: &Probe<'_>, options: &SourceOptions) -> Result<Box<dyn ChunkParser>> {
        let header = header::need(probe.path, probe.head)?;
        let (table, levels) = kind(&header).ok_or_else(|| {
            Error::refused(
                probe.path,
                "the header of Tardis trades, quotes, incremental_book_L2 or book_snapshot_N",
                "download the file with its header, or describe its columns in a mapping file",
            )
        })?;
        let wanted = if options.levels == 0 { limits::LEVELS_DEFAULT } else { options.levels.min(limits::LEVELS) };
        let kept = if table == RawTable::Book { levels.min(wanted) } else { 1 };
        let plan = ColumnPlan {
            table,
            levels: kept,
            levels_cut: if table == RawTable::Book { levels - kept } else { 0 },
            delimiter: header.delimiter,
            // A newline inside quotes does not occur: a quote left open must not swallow the lines behind it.
            quoted: false,
            columns: header.names.iter().map(|n| (n.clone(), role(n, table, kept))).collect(),
            header: Some(header.line),
            names: NameRule { venue: options.venue.clone(), security: options.security.clone() },
            clock: options.clock.unwrap_or(Clock::Event),
            tz: Zone::named(options.tz.as_deref().unwrap_or("UTC"), "--tz")?,
            date_tz: Zone::named(options.date_tz.as_deref().unwrap_or("UTC"), "--date-tz")?,
            channel: channel(table, levels),
            record_rule: "one record is one row",
            cells: None,
        };
        Ok(Box::new(ColumnParser::new(plan)))
    }
}
