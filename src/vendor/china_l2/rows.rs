//! A record to its row.

use super::kind::{
    BUYER, DATE, FLAG, ID, ID_SOURCE, Kind, MARKET, PRICE, QTY, RECEIVED, SECURITY, SELLER, SEQUENCE, TIME, TYPE,
};
use super::{PRICE_DECIMALS, snapshot};
use crate::normalize::{ChunkBuilder, Fault, INT_NULL, SCALE_NULL, TS_NULL, ZoneCache, put_decimal};
use crate::parse::noise::rounded;
use crate::parse::timestamp::{CivilTime, civil};
use crate::parse::{TimeFormat, daytime};
use crate::schema::RawTable;
use crate::units::Side;
use crate::vendor::delimited::{Row, RowReader};
use crate::vendor::new_row::{Cell, NewRow};

/// The note of prices that were rounded.
const ROUNDED: &str = "prices with float noise, rounded to 4 decimals";

/// The parser's way from a record to its row.
#[derive(Debug)]
pub(super) struct Reader {
    pub kind: Kind,
    pub table: [(RawTable, u16); 1],
}

/// A price; float noise is rounded off and counted in `noisy`.
///
/// # Errors
/// Why it is not taken.
pub(super) fn price(row: &Row<'_>, column: usize, noisy: &mut u64) -> Result<Cell, Fault> {
    let mut cell = (0, SCALE_NULL);
    let (number, was_noisy) = rounded(row.text(column), PRICE_DECIMALS)
        .map_err(|_| row.fault(column, format_args!("a price of at most {PRICE_DECIMALS} decimals")))?;
    put_decimal(Ok(number), false, &mut cell.0, &mut cell.1).map_err(|expected| row.fault(column, expected))?;
    *noisy += u64::from(was_noisy);
    Ok(cell)
}

/// The time from a date and a time of day, or from one column.
fn time(row: &Row<'_>, zone: &mut ZoneCache) -> Result<i64, Fault> {
    let date = row.text(DATE);
    if date.is_empty() {
        return row.time(TIME, TimeFormat::Iso, zone);
    }
    let clock = row.text(TIME);
    if clock.is_empty() {
        return Ok(TS_NULL);
    }
    let day = civil(date).ok().filter(|day| day.nanos == 0 && day.offset.is_none());
    let day = day.ok_or_else(|| row.fault(DATE, "a date such as 2023.07.11"))?;
    let nanos = daytime::clock(clock)
        .or_else(|_| daytime::digits(clock))
        .map_err(|_| row.fault(TIME, "a time of day such as 09:15:00.280"))?;
    zone.instant(CivilTime { date: day.date, nanos, offset: None }).map_err(|fault| row.fault(DATE, fault))
}

/// The market's name by its column, by the code's suffix, or by the number of who gives out the code.
fn venue<'a>(row: &Row<'a>) -> &'a [u8] {
    let market = row.text(MARKET);
    if !market.is_empty() {
        return market;
    }
    let code = row.text(SECURITY);
    match row.text(ID_SOURCE) {
        _ if code.ends_with(b".SH") => b"XSHG",
        _ if code.ends_with(b".SZ") => b"XSHE",
        b"101" => b"XSHG",
        b"102" => b"XSHE",
        _ => b"",
    }
}

/// 1 buys, 2 sells; 0 is a trade of an auction.
fn side(row: &Row<'_>) -> Result<i64, Fault> {
    match row.text(FLAG) {
        b"1" | b"B" => Ok(Side::Buy.code()),
        b"2" | b"S" => Ok(Side::Sell.code()),
        b"" | b"0" | b"N" => Ok(Side::Unknown.code()),
        _ => Err(row.fault(FLAG, "1 for buy, 2 for sell or 0 for an auction")),
    }
}

/// `orders.action` of an order's type.
fn action(row: &Row<'_>) -> Result<i64, Fault> {
    match row.text(TYPE) {
        b"2" | b"A" => Ok(1),
        b"10" | b"D" => Ok(3),
        _ => Err(row.fault(TYPE, "2 for a new order or 10 for a deleted one")),
    }
}

/// The number of an order; 0 is none.
fn some_order(text: &[u8]) -> &[u8] {
    if text == b"0" { b"" } else { text }
}

impl Reader {
    /// An order's number is what trades name it by; where there is none it is the sequence number.
    fn id<'a>(&self, row: &Row<'a>) -> &'a [u8] {
        match (self.kind, row.text(ID)) {
            (Kind::Orders, b"" | b"0") => row.text(SEQUENCE),
            (_, id) => id,
        }
    }

    /// The order's side, or the aggressor's of a fill; missing where the feed has no flag.
    fn side(&self, row: &Row<'_>) -> Result<i64, Fault> {
        match (self.kind, row.text(TYPE)) {
            (Kind::MarketTrades | Kind::Plain, _) => Ok(INT_NULL),
            (Kind::Orders, _) | (_, b"" | b"0" | b"F") => side(row),
            _ => Err(row.fault(TYPE, "0 for a fill")),
        }
    }
}

impl RowReader for Reader {
    fn tables(&self) -> &[(RawTable, u16)] {
        &self.table
    }

    fn rows(
        &self,
        row: &Row<'_>,
        out: &mut ChunkBuilder<'_>,
        zone: &mut ZoneCache,
    ) -> Result<Option<&'static str>, Fault> {
        let base = NewRow {
            event: time(row, zone)?,
            recv: row.time(RECEIVED, TimeFormat::Iso, zone)?,
            sequence: row.whole(SEQUENCE)?,
            venue: venue(row),
            security: row.text(SECURITY),
            ..NewRow::default()
        };
        let mut noisy = 0;
        if let Kind::Snapshots(_) = self.kind {
            let cells = snapshot::cells(row, self.table[0].1, &mut noisy)?;
            NewRow { decimals: &cells, ..base }.push(out, 0)?;
        } else {
            let cells = [price(row, PRICE, &mut noisy)?, row.decimal(QTY)?];
            let side = self.side(row)?;
            let order = [if self.kind == Kind::Orders { action(row)? } else { INT_NULL }, side];
            let ints = if self.kind == Kind::Orders { &order[..] } else { &order[1..] };
            let order_ids = [BUYER, SELLER].map(|column| some_order(row.text(column)));
            NewRow { ints, id: self.id(row), order_ids, decimals: &cells, ..base }.push(out, 0)?;
        }
        out.note(ROUNDED, noisy);
        Ok(None)
    }

    fn record_rule(&self) -> &'static str {
        "one record is one row"
    }
}
