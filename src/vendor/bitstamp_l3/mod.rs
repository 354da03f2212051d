//! Bitstamp order events as CSV, `id,timestamp,exchange.timestamp,price,volume,action,direction`, and as the [`log`] they were made from.
//!
//! Volume is a whole number of 1e-8: what the order has left behind the event. So `created` adds, `changed` replaces, `deleted` deletes.
//! `timestamp` is the capture's clock and orders the table: `exchange.timestamp` is in whole seconds, and with a deletion it is the time
//! at which the order was placed. Both are milliseconds. No column names the security.

mod log;

use super::cells::Cells;
use super::columns::{ColumnParser, ColumnPlan, Role};
use super::delimited::Frame;
use super::header::{self, Header};
use super::{ChunkParser, Dialect, Probe, Recognition, SourceOptions};
use crate::error::{Error, Result};
use crate::limits;
use crate::parse::TimeFormat;
use crate::schema::{Clock, RawTable};

/// The dialect.
#[derive(Debug)]
pub(super) struct BitstampL3;

const COLUMNS: [(&str, Role); 7] = [
    ("id", Role::Id),
    ("timestamp", Role::Recv(TimeFormat::Millis)),
    ("exchange.timestamp", Role::Event(TimeFormat::Millis)),
    ("price", Role::Decimal(0)),
    ("volume", Role::Decimal(1)),
    ("action", Role::Action(0)),
    ("direction", Role::Side(1)),
];
/// Words of `action` with their codes in `orders`.
const ACTIONS: [(&str, i64); 3] = [("created", 1), ("changed", 8), ("deleted", 3)];
/// Volume is written in units of 10 to the minus this.
const VOLUME_DECIMALS: u8 = 8;

fn is_ours(header: &Header) -> bool {
    COLUMNS.iter().all(|(name, _)| header.find(name).is_some())
}

fn cells() -> Cells {
    Cells {
        actions: ACTIONS.iter().map(|(word, code)| (word.as_bytes().to_vec(), *code)).collect(),
        decimals: [0, VOLUME_DECIMALS],
        ..Cells::default()
    }
}

impl Dialect for BitstampL3 {
    fn name(&self) -> &'static str {
        "bitstamp-l3"
    }

    fn recognise(&self, probe: &Probe<'_>) -> Recognition {
        if header::read(probe.head).is_some_and(|header| is_ours(&header)) {
            Recognition::Yes("the header names order events with exchange.timestamp, action and direction".to_owned())
        } else if log::is_log(probe.head) {
            Recognition::Yes("lines of milliseconds, an order_, trade or order_book event and its JSON".to_owned())
        } else {
            Recognition::No
        }
    }

    fn open(&self, probe: &Probe<'_>, options: &SourceOptions) -> Result<Box<dyn ChunkParser>> {
        let mut frame = Frame::new(options, Some("bitstamp"), None)?;
        frame.clock = options.clock.unwrap_or(Clock::Recv);
        if frame.names.security.is_none() {
            return Err(Error::usage(
                format!("{}: nothing in it names the security", probe.path.display()),
                "name it with --security, such as BTCUSD",
            ));
        }
        if log::is_log(probe.head) {
            let levels = if options.levels == 0 { limits::LEVELS_DEFAULT } else { options.levels.min(limits::LEVELS) };
            return Ok(Box::new(log::LogParser { frame, levels }));
        }
        let header = header::need(probe.path, probe.head)?;
        if !is_ours(&header) {
            return Err(Error::refused(
                probe.path,
                "the header id,timestamp,exchange.timestamp,price,volume,action,direction, or lines of the event log",
                "give the file with its header, or describe its columns in a mapping file",
            ));
        }
        let role = |name: &String| COLUMNS.iter().find(|(n, _)| n == name).map_or(Role::Skip, |(_, role)| *role);
        Ok(Box::new(ColumnParser::new(ColumnPlan {
            table: RawTable::Orders,
            levels: 1,
            levels_cut: 0,
            delimiter: header.delimiter,
            quoted: false,
            columns: header.names.iter().map(|name| (name.clone(), role(name))).collect(),
            header: Some(header.line),
            names: frame.names,
            clock: frame.clock,
            tz: frame.tz,
            date_tz: frame.date_tz,
            channel: "order_events".to_owned(),
            record_rule: "one record is one row",
            cells: Some(Box::new(cells())),
        })))
    }
}
