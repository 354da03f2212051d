//! Bybit's public CSV files of trades: `BTCUSDT2024-01-01.csv`. One record is one trade.
//!
//! Times are seconds with decimals, in newer files more of them; `side` is the aggressor's; `size` is in the contract's unit.

use super::columns::{ColumnParser, ColumnPlan, Role};
use super::header::{self, Header};
use super::{ChunkParser, Probe, SourceOptions};
use crate::error::{Error, Result};
use crate::normalize::{NameRule, Zone};
use crate::parse::TimeFormat;
use crate::schema::{Clock, RawTable};

const COLUMNS: [(&str, Role); 6] = [
    ("timestamp", Role::Event(TimeFormat::Seconds)),
    ("symbol", Role::Security),
    ("side", Role::Side(0)),
    ("size", Role::Decimal(1)),
    ("price", Role::Decimal(0)),
    ("trdMatchID", Role::Id),
];
/// Columns that no other venue's trades have beside the six.
const OWN: [&str; 4] = ["tickDirection", "grossValue", "homeNotional", "foreignNotional"];

fn is_trades(header: &Header) -> bool {
    COLUMNS.iter().map(|(name, _)| name).chain(&OWN).all(|name| header.find(name).is_some())
}

/// Why a file is one of these.
pub(super) fn recognise(probe: &Probe<'_>) -> Option<String> {
    is_trades(&header::read(probe.head)?).then(|| "the header names the columns of Bybit's trades".to_owned())
}

/// Opens a file.
///
/// # Errors
/// `Input` if it is none.
pub(super) fn open(probe: &Probe<'_>, options: &SourceOptions) -> Result<Box<dyn ChunkParser>> {
    let header = header::need(probe.path, probe.head)?;
    if !is_trades(&header) {
        return Err(Error::refused(
            probe.path,
            "messages of Bybit, or its CSV of trades",
            "give the file with its header",
        ));
    }
    let role = |name: &String| COLUMNS.iter().find(|(n, _)| n == name).map_or(Role::Skip, |(_, role)| *role);
    let plan = ColumnPlan {
        table: RawTable::Trades,
        levels: 1,
        levels_cut: 0,
        delimiter: header.delimiter,
        quoted: false,
        columns: header.names.iter().map(|name| (name.clone(), role(name))).collect(),
        header: Some(header.line),
        names: NameRule {
            venue: Some(options.venue.clone().unwrap_or_else(|| "bybit".to_owned())),
            security: options.security.clone(),
        },
        clock: options.clock.unwrap_or(Clock::Event),
        tz: Zone::utc(),
        date_tz: Zone::named(options.date_tz.as_deref().unwrap_or("UTC"), "--date-tz")?,
        channel: "publicTrade".to_owned(),
        record_rule: "one record is one row",
        cells: None,
    };
    Ok(Box::new(ColumnParser::new(plan)))
}
