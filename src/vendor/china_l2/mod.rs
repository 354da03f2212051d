//! Level-2 records of the Shanghai and Shenzhen exchanges as CSV: order messages, trades, snapshots of ten levels.
//!
//! Date and time stand in two columns (`MDDate`, `MDTime`) or in one, in China's time. A code's suffix `.SH` or `.SZ` names the venue; files are
//! grouped by stock. Prices printed from floats (15.929999999999999) are rounded to [`PRICE_DECIMALS`], counted, and refused where the
//! difference is more than a float's noise.

mod kind;
mod rows;
mod snapshot;

use self::kind::{Kind, MARKET};
use self::rows::Reader;
use super::delimited::{Columns, Delimited, Frame};
use super::header::{self, Header};
use super::{ChunkParser, Dialect, Probe, Recognition, SourceOptions};
use crate::error::{Error, Result};
use crate::limits;
use crate::parse::csv::Splitter;
use crate::schema::RawTable;

/// The dialect.
#[derive(Debug)]
pub(super) struct ChinaL2;

/// The exchanges' own feeds have prices of three (Shanghai) or four (Shenzhen) decimals.
const PRICE_DECIMALS: u8 = 4;
const ZONE: &str = "Asia/Shanghai";

/// True if the records of the head name a Chinese market.
fn names_market(probe: &Probe<'_>, header: &Header, columns: &Columns) -> bool {
    let (mut seen, mut odd) = (false, false);
    Splitter::new(header.delimiter, false).split(header::whole(probe.head), |record| {
        let market = record.fields.filter(|_| record.raw != header.line).map(|fields| columns.text(&fields, MARKET));
        match market {
            Some(b"XSHG" | b"XSHE") => seen = true,
            Some(text) if !text.is_empty() => odd = true,
            _ => {}
        }
    });
    seen && !odd
}

impl Dialect for ChinaL2 {
    fn name(&self) -> &'static str {
        "china-l2"
    }

    fn recognise(&self, probe: &Probe<'_>) -> Recognition {
        let Some(header) = header::read(probe.head) else {
            return Recognition::No;
        };
        match Kind::of(&header) {
            Some((Kind::Plain, _)) | None => Recognition::No,
            Some((Kind::MarketTrades, columns)) if !names_market(probe, &header, &columns) => Recognition::No,
            Some((kind, _)) => Recognition::Yes(format!("the header names {} of a Chinese level-2 feed", kind.words())),
        }
    }

    fn open(&self, probe: &Probe<'_>, options: &SourceOptions) -> Result<Box<dyn ChunkParser>> {
        let header = header::need(probe.path, probe.head)?;
        let (kind, columns) = Kind::of(&header).ok_or_else(|| {
            Error::refused(
                probe.path,
                "the header of orders (OrderPrice, OrderBSFlag), trades (TradePrice, TradeQty) or snapshots (BuyPrice1 to SellOrderQty10)",
                "give the file with the vendor's column names, or describe its columns in a mapping file",
            )
        })?;
        let wanted = if options.levels == 0 { limits::LEVELS_DEFAULT } else { options.levels.min(limits::LEVELS) };
        let levels = kind.levels().min(wanted);
        let table = (kind.table(), if kind.table() == RawTable::Book { levels } else { 1 });
        let frame = Frame::new(options, None, Some(ZONE))?;
        let levels_cut = kind.levels().saturating_sub(levels);
        let reader = Reader { kind, table: [table] };
        Ok(Box::new(Delimited { header, columns, frame, levels_cut, reader }))
    }
}
