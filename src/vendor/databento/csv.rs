//! CSV as the vendor writes it: one schema a file, columns by name.

use std::borrow::Cow;

use super::message::{Message, Naming, Prices, TABLES, size, time};
use super::schema::{RecordType, Schema, level_names, of_rtype};
use crate::normalize::{ChunkBuilder, Fault, ZoneCache};
use crate::parse::csv::Splitter;
use crate::schema::RawTable;
use crate::vendor::Probe;
use crate::vendor::delimited::{Columns, Row, RowReader};
use crate::vendor::header::{self, Header};
use crate::vendor::new_row::{Cell, NewRow};

const NAMES: [&str; 11] = [
    "ts_recv",
    "ts_event",
    "rtype",
    "publisher_id",
    "instrument_id",
    "action",
    "side",
    "price",
    "size",
    "order_id",
    "sequence",
];
const TS_RECV: usize = 0;
const TS_EVENT: usize = 1;
const RTYPE: usize = 2;
const PUBLISHER: usize = 3;
const INSTRUMENT: usize = 4;
const ACTION: usize = 5;
const SIDE: usize = 6;
const PRICE: usize = 7;
const SIZE: usize = 8;
const ORDER_ID: usize = 9;
const SEQUENCE: usize = 10;
const SYMBOL: usize = 11;
/// The first column of levels or of a bar's values.
const CELLS: usize = 12;
const BAR: [&str; 5] = ["open", "high", "low", "close", "volume"];

/// The columns of a schema.
pub(super) fn columns(header: &Header, schema: Schema) -> Columns {
    let cells: Vec<Cow<'static, str>> = match schema {
        Schema::Mbp { levels } => (0..levels).flat_map(level_names).map(Cow::Owned).collect(),
        Schema::Ohlcv { .. } => BAR.into_iter().map(Cow::Borrowed).collect(),
        Schema::Mbo | Schema::Trades => Vec::new(),
    };
    Columns::find(header, NAMES.into_iter().chain(["symbol"]).map(Cow::Borrowed).chain(cells))
}

/// True if a column holds a price.
fn is_price(schema: Schema, column: usize) -> bool {
    match schema {
        Schema::Ohlcv { .. } => (CELLS..CELLS + 4).contains(&column),
        _ => column == PRICE || (column >= CELLS && (column - CELLS).is_multiple_of(2)),
    }
}

/// How the head of a file writes its prices.
pub(super) fn prices(probe: &Probe<'_>, header: &Header, columns: &Columns, schema: Schema) -> Prices {
    let last = CELLS + cells(schema);
    let mut has_point = false;
    Splitter::new(header.delimiter, false).split(header::whole(probe.head), |record| {
        if let Some(fields) = record.fields.filter(|_| record.raw != header.line) {
            let mut prices = (PRICE..last).filter(|column| is_price(schema, *column));
            has_point |= prices.any(|column| columns.text(&fields, column).contains(&b'.'));
        }
    });
    if has_point { Prices::Decimal } else { Prices::Nano }
}

/// How many columns levels or a bar have.
fn cells(schema: Schema) -> usize {
    match schema {
        Schema::Mbp { levels } => usize::from(levels) * 4,
        Schema::Ohlcv { .. } => BAR.len(),
        Schema::Mbo | Schema::Trades => 0,
    }
}

/// The parser's way from a record to its rows.
#[derive(Debug)]
pub(super) struct Reader {
    pub schema: Schema,
    pub prices: Prices,
    pub naming: Naming,
    /// Levels kept.
    pub kept: u16,
    pub tables: [(RawTable, u16); TABLES.len()],
}

impl Reader {
    fn cell(&self, row: &Row<'_>, column: usize) -> Result<Cell, Fault> {
        let text = row.text(column);
        let read = if is_price(self.schema, column) { self.prices.read(text) } else { size(text) };
        read.map_err(|expected| row.fault(column, expected))
    }

    /// The schema of a record, which tells a bar's duration.
    fn schema(&self, row: &Row<'_>) -> Result<Schema, Fault> {
        let rtype = row.whole(RTYPE)?.map(of_rtype);
        match rtype {
            Some(RecordType::Schema(found)) if self.schema.covers(found) => Ok(found),
            _ => Err(row.fault(RTYPE, format_args!("the record type of {}", self.schema.name()))),
        }
    }
}

impl RowReader for Reader {
    fn tables(&self) -> &[(RawTable, u16)] {
        &self.tables
    }

    fn rows(
        &self,
        row: &Row<'_>,
        out: &mut ChunkBuilder<'_>,
        zone: &mut ZoneCache,
    ) -> Result<Option<&'static str>, Fault> {
        let schema = self.schema(row)?;
        let kept = match schema {
            Schema::Mbp { .. } => usize::from(self.kept) * 4,
            _ => cells(schema),
        };
        let values = (CELLS..).take(kept).map(|column| self.cell(row, column)).collect::<Result<Vec<_>, _>>()?;
        let venue = self.naming.venue(row.text(PUBLISHER));
        let mut at = |column| time(row.text(column), zone).map_err(|expected| row.fault(column, expected));
        let message = Message {
            schema,
            row: NewRow {
                event: at(TS_EVENT)?,
                recv: at(TS_RECV)?,
                sequence: row.whole(SEQUENCE)?,
                venue: &venue,
                security: self.naming.security(row.text(SYMBOL), row.text(INSTRUMENT)),
                ints: &[],
                id: row.text(ORDER_ID),
                order_ids: [b""; 2],
                decimals: &values,
            },
            action: row.text(ACTION),
            side: row.text(SIDE),
            price: self.cell(row, PRICE)?,
            size: self.cell(row, SIZE)?,
        };
        message.push(out)
    }

    fn record_rule(&self) -> &'static str {
        super::RECORD_RULE
    }

    fn channel(&self, _table: RawTable) -> String {
        self.schema.name()
    }
}
