//! bitFlyer as it was polled into CSV: executions and tickers, every cell in quotes, times with their offset, newest first.
//!
//! Executions are trades: `exec_date` is the venue's time, `loaded` the capture's, the side is the aggressor's and may be empty.
//! Tickers are quotes. A record without its venue time is rejected (decision 10); ids that were polled twice stay twice.

use super::columns::{ColumnParser, ColumnPlan, Role};
use super::delimited::Frame;
use super::header::{self, Header};
use super::{ChunkParser, Dialect, Probe, Recognition, SourceOptions};
use crate::error::{Error, Result};
use crate::parse::TimeFormat;
use crate::schema::RawTable;

/// The dialect.
#[derive(Debug)]
pub(super) struct Bitflyer;

/// Columns of a kind of file with their roles.
type Names = [(&'static str, Role)];

const EXECUTIONS: [(&str, Role); 8] = [
    ("domain", Role::Venue),
    ("product_code", Role::Security),
    ("loaded", Role::Recv(TimeFormat::Iso)),
    ("id", Role::Id),
    ("exec_date", Role::Event(TimeFormat::Iso)),
    ("side", Role::Side(0)),
    ("price", Role::Decimal(0)),
    ("size", Role::Decimal(1)),
];
const TICKERS: [(&str, Role); 9] = [
    ("domain", Role::Venue),
    ("product_code", Role::Security),
    ("loaded", Role::Recv(TimeFormat::Iso)),
    ("timestamp", Role::Event(TimeFormat::Iso)),
    ("tick_id", Role::Sequence),
    ("best_bid", Role::Decimal(0)),
    ("best_bid_size", Role::Decimal(1)),
    ("best_ask", Role::Decimal(2)),
    ("best_ask_size", Role::Decimal(3)),
];
/// Kind of file, channel, columns.
const KINDS: [(RawTable, &str, &Names); 2] =
    [(RawTable::Trades, "executions", &EXECUTIONS), (RawTable::Quotes, "ticker", &TICKERS)];

fn kind(header: &Header) -> Option<(RawTable, &'static str, &'static Names)> {
    KINDS.into_iter().find(|(_, _, names)| names.iter().all(|(name, _)| header.find(name).is_some()))
}

impl Dialect for Bitflyer {
    fn name(&self) -> &'static str {
        "bitflyer"
    }

    fn recognise(&self, probe: &Probe<'_>) -> Recognition {
        match header::read(probe.head).as_ref().and_then(kind) {
            Some((_, channel, _)) => Recognition::Yes(format!("the header names bitFlyer {channel}")),
            None => Recognition::No,
        }
    }

    fn open(&self, probe: &Probe<'_>, options: &SourceOptions) -> Result<Box<dyn ChunkParser>> {
        let header = header::need(probe.path, probe.head)?;
        let (table, channel, names) = kind(&header).ok_or_else(|| {
            Error::refused(
                probe.path,
                "the header of bitFlyer executions (exec_date, product_code) or tickers (tick_id, best_bid)",
                "give the file with its header, or describe its columns in a mapping file",
            )
        })?;
        let role = |name: &String| names.iter().find(|(n, _)| n == name).map_or(Role::Skip, |(_, role)| *role);
        let frame = Frame::new(options, None, None)?;
        Ok(Box::new(ColumnParser::new(ColumnPlan {
            table,
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
            channel: channel.to_owned(),
            record_rule: "one record is one row",
            cells: None,
        })))
    }
}
