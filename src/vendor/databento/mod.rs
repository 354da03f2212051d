//! Databento: `mbo`, `mbp-10`, `mbp-1` (and `tbbo`), `trades` and `ohlcv`, as CSV, as JSON lines, and as DBN, which comes here as CSV.
//!
//! Prices are whole numbers of 1e-9 or written with a point, one form a file; times are nanoseconds or ISO. A fill is the cancel beside it:
//! `F` is skipped by rule. Without a symbol the security is the instrument's number; the venue is the publisher's. Other schemas are
//! refused (decision 22).

mod csv;
mod json;
mod message;
mod schema;

use self::json::{JsonParser, Keys};
use self::message::{BOOK, Naming, Prices, TABLES};
use self::schema::{RecordType, Schema};
use super::delimited::{Delimited, Frame};
use super::header::{self, Header};
use super::{ChunkParser, Dialect, Probe, Recognition, SourceOptions};
use crate::error::{Error, Result};
use crate::limits;

/// The dialect.
#[derive(Debug)]
pub(super) struct Databento;

/// Records of the head that are looked at.
const LOOK: usize = 64;
const RECORD_RULE: &str = "one record is one row: mbo of orders or, for T, of trades; mbp-1 of quotes and mbp-10 of book, and for T one of trades";

fn is_csv(header: &Header) -> bool {
    ["rtype", "publisher_id", "instrument_id"].iter().all(|name| header.find(name).is_some())
}

/// The messages of the head.
fn messages<'a>(probe: &Probe<'a>) -> impl Iterator<Item = Keys<'a>> {
    let lines = header::whole_lines(probe.head).filter(|line| !header::is_blank(line)).take(LOOK);
    lines.filter_map(|line| Keys::of(line).ok()).filter(Keys::is_ours)
}

/// True if most lines of the head are messages.
fn is_json(probe: &Probe<'_>) -> bool {
    let lines = header::whole_lines(probe.head).filter(|line| !header::is_blank(line)).take(LOOK).count();
    messages(probe).count() * 2 > lines
}

fn refuse(probe: &Probe<'_>, got: &str) -> Error {
    Error::refused(
        probe.path,
        format!("mbo, mbp-10, mbp-1, tbbo, trades or ohlcv records, not {got}"),
        "other schemas are no tables of ours: download one of these",
    )
}

/// The first schema of JSON lines; none of them may be no table of ours.
fn json_schema(probe: &Probe<'_>) -> Result<Schema> {
    let mut found = None;
    for keys in messages(probe) {
        match keys.record_type() {
            Some(RecordType::Schema(schema)) => found = found.or(Some(schema)),
            Some(RecordType::Stream) => {}
            _ => return Err(refuse(probe, "records of another type")),
        }
    }
    found.ok_or_else(|| refuse(probe, "messages about the stream alone"))
}

impl Dialect for Databento {
    fn name(&self) -> &'static str {
        "databento"
    }

    fn recognise(&self, probe: &Probe<'_>) -> Recognition {
        if let Some(header) = header::read(probe.head).filter(is_csv) {
            let schema = Schema::of_header(&header).map_or_else(|| "another schema".to_owned(), Schema::name);
            return Recognition::Yes(format!("the header names Databento columns of {schema}"));
        }
        if is_json(probe) {
            return Recognition::Yes("JSON objects with a Databento record header".to_owned());
        }
        Recognition::No
    }

    fn open(&self, probe: &Probe<'_>, options: &SourceOptions) -> Result<Box<dyn ChunkParser>> {
        let frame = Frame::new(options, None, None)?;
        let naming = Naming { venue_said: options.venue.is_some(), security_said: options.security.is_some() };
        let wanted = if options.levels == 0 { limits::LEVELS_DEFAULT } else { options.levels.min(limits::LEVELS) };
        let header = header::read(probe.head).filter(is_csv);
        let Some(header) = header else {
            let schema = json_schema(probe)?;
            let texts: Vec<_> = messages(probe).flat_map(|keys| keys.prices().collect::<Vec<_>>()).collect();
            let prices = Prices::of(texts.into_iter());
            return Ok(Box::new(JsonParser { frame, prices, naming, kept: wanted, schema }));
        };
        let schema = Schema::of_header(&header).ok_or_else(|| refuse(probe, "the columns of another schema"))?;
        let levels = if let Schema::Mbp { levels } = schema { levels } else { 0 };
        let kept = levels.min(wanted);
        let columns = csv::columns(&header, schema);
        let prices = csv::prices(probe, &header, &columns, schema);
        let mut tables = TABLES.map(|table| (table, 1));
        tables[BOOK].1 = kept;
        let reader = csv::Reader { schema, prices, naming, kept, tables };
        Ok(Box::new(Delimited { header, columns, frame, levels_cut: levels - kept, reader }))
    }
}
