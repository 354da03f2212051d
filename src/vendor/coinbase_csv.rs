//! Messages of Coinbase as tables: exports of a database with one message a line and its lists as text in a field, files of matches,
//! and files of level changes.
//!
//! A message of an export goes through the protocol of the feed. A snapshot in it has no time; where its `_id` is an ObjectId, the
//! second in which that was made is the capture time. Files of level changes have too few columns to be recognised.

use super::cells::Cells;
use super::columns::{ColumnParser, ColumnPlan, Role};
use super::feed::{Envelope, FeedParser, Letter, coinbase::Coinbase};
use super::header::{self, Header};
use super::{Chunk, ChunkParser, Framing, Probe, SourceOptions, TableFacts};
use crate::error::{Error, Result};
use crate::normalize::{Fault, NameRule, ParsedChunk, TS_NULL, Zone};
use crate::parse::TimeFormat;
use crate::parse::csv::{Fields, Record, Splitter};
use crate::parse::fields::FieldForm;
use crate::schema::{Clock, RawTable};
use crate::units::NANOS_PER_SECOND;

const VENUE: &str = "coinbase";

/// Columns of a match.
const MATCH: [(&str, Role); 7] = [
    ("product_id", Role::Security),
    ("time", Role::Event(TimeFormat::Iso)),
    ("sequence", Role::Sequence),
    ("trade_id", Role::Id),
    ("side", Role::Side(0)),
    ("price", Role::Decimal(0)),
    ("size", Role::Decimal(1)),
];

/// Columns of a level change.
const CHANGE: [(&str, Role); 4] = [
    ("time", Role::Event(TimeFormat::Iso)),
    ("side", Role::Side(1)),
    ("price", Role::Decimal(0)),
    ("size", Role::Decimal(1)),
];

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Export,
    Matches,
    Changes,
}

fn kind(header: &Header) -> Option<Kind> {
    let has = |names: &[&str]| names.iter().all(|name| header.find(name).is_some());
    if has(&["type", "product_id", "time", "maker_order_id", "taker_order_id", "trade_id", "side", "price", "size"]) {
        return Some(if has(&["changes", "bids", "asks"]) { Kind::Export } else { Kind::Matches });
    }
    (header.names.len() == 4 && has(&["side", "price", "size", "time"])).then_some(Kind::Changes)
}

/// Why a file is one of these.
pub(super) fn recognise(probe: &Probe<'_>) -> Option<String> {
    match kind(&header::read(probe.head)?)? {
        Kind::Export => Some("the header names the fields of Coinbase messages".to_owned()),
        Kind::Matches => Some("the header names the fields of Coinbase matches".to_owned()),
        Kind::Changes => None,
    }
}

/// Opens a file.
///
/// # Errors
/// `Input` if it is none, `Usage` if nothing names the security.
pub(super) fn open(probe: &Probe<'_>, options: &SourceOptions) -> Result<Box<dyn ChunkParser>> {
    let header = header::need(probe.path, probe.head)?;
    let kind = kind(&header).ok_or_else(|| {
        Error::refused(
            probe.path,
            "messages of Coinbase, an export of them, or a table of matches or level changes with their times",
            "give the file with its header; a snapshot needs a time",
        )
    })?;
    let (table, roles, channel): (_, &[(&str, Role)], _) = match kind {
        Kind::Export => {
            let feed = FeedParser::new(Envelope::Bare, Box::new(Coinbase), VENUE, [None, None], options)?;
            return Ok(Box::new(Export { header, feed }));
        }
        Kind::Matches => (RawTable::Trades, &MATCH, "matches"),
        Kind::Changes => (RawTable::Deltas, &CHANGE, "level2"),
    };
    if kind == Kind::Changes && options.security.is_none() {
        return Err(Error::usage(
            format!("{}: no column names the security", probe.path.display()),
            "name it with --security",
        ));
    }
    let role = |name: &String| roles.iter().find(|(n, _)| n == name).map_or(Role::Skip, |(_, role)| *role);
    // A match names the maker's side, a level change its own.
    let cells = Cells { side_is_maker: table == RawTable::Trades, ..Cells::default() };
    let plan = ColumnPlan {
        table,
        levels: 1,
        levels_cut: 0,
        delimiter: header.delimiter,
        quoted: false,
        columns: header.names.iter().map(|name| (name.clone(), role(name))).collect(),
        header: Some(header.line),
        names: NameRule {
            venue: Some(options.venue.clone().unwrap_or_else(|| VENUE.to_owned())),
            security: options.security.clone(),
        },
        clock: options.clock.unwrap_or(Clock::Event),
        tz: Zone::named(options.tz.as_deref().unwrap_or("UTC"), "--tz")?,
        date_tz: Zone::named(options.date_tz.as_deref().unwrap_or("UTC"), "--date-tz")?,
        channel: channel.to_owned(),
        record_rule: "one record is one row",
        cells: Some(Box::new(cells)),
    };
    Ok(Box::new(ColumnParser::new(plan)))
}

/// An export of a database.
#[derive(Debug)]
struct Export {
    header: Header,
    feed: FeedParser,
}

impl Export {
    /// The message of a record as JSON, and its capture time.
    fn message(&self, record: &Record<'_>) -> std::result::Result<(Vec<u8>, i64), Fault> {
        let names = &self.header.names;
        let fields = match record.fields {
            Some(fields) if fields.len() == names.len() => fields,
            Some(fields) => {
                return Err(Fault::new("", format_args!("{} fields, got {}", names.len(), fields.len())));
            }
            None => return Err(Fault::new("", "quotes around whole fields, closed on the same record")),
        };
        let mut json = vec![b'{'];
        for (at, name) in names.iter().enumerate() {
            let cell = fields.get(at);
            if cell.is_empty() || name.is_empty() {
                continue;
            }
            if json.len() > 1 {
                json.push(b',');
            }
            string(&mut json, name.as_bytes());
            json.push(b':');
            match name.as_str() {
                // Lists as Python writes them: the same with other quotes.
                "changes" | "bids" | "asks" => json.extend(cell.iter().map(|b| if *b == b'\'' { b'"' } else { *b })),
                // Whole numbers that went through a table with empty cells.
                "sequence" | "trade_id" => string(&mut json, cell.strip_suffix(b".0").unwrap_or(cell)),
                _ => string(&mut json, cell),
            }
        }
        json.push(b'}');
        Ok((json, self.made(&fields)))
    }

    /// The second of an ObjectId, where the message itself has no time.
    fn made(&self, fields: &Fields<'_>) -> i64 {
        let cell = |name| self.header.find(name).map_or(&b""[..], |at| fields.get(at));
        let id = cell("_id");
        if !cell("time").is_empty() || id.len() != 24 {
            return TS_NULL;
        }
        let seconds = std::str::from_utf8(&id[..8]).ok().and_then(|hex| i64::from_str_radix(hex, 16).ok());
        seconds.map_or(TS_NULL, |s| s.saturating_mul(NANOS_PER_SECOND))
    }
}

/// Writes a JSON string.
fn string(json: &mut Vec<u8>, text: &[u8]) {
    json.push(b'"');
    for byte in text {
        match byte {
            b'"' | b'\\' => json.extend([b'\\', *byte]),
            0..0x20 => json.extend(format!("\\u{byte:04x}").into_bytes()),
            _ => json.push(*byte),
        }
    }
    json.push(b'"');
}

impl ChunkParser for Export {
    fn framing(&self) -> Framing {
        Framing::Lines { quoted: false }
    }

    fn parse(&self, chunk: Chunk<'_>) -> Result<ParsedChunk> {
        let (mut rows, mut tape) = self.feed.begin(&chunk);
        Splitter::new(self.header.delimiter, false).split(chunk.bytes, |record| {
            rows.settle(record.index, record.offset, record.raw, |rows| {
                if record.raw == self.header.line {
                    return Ok(Some("header"));
                }
                let (json, recv) = self.message(&record)?;
                let nothing = || (&b""[..]).into();
                let letter = Letter { recv, payload: json.into(), connection: nothing(), url: nothing() };
                self.feed.letter(&letter, &mut tape, rows)
            });
        });
        Ok(rows.finish())
    }

    fn record_rule(&self) -> &'static str {
        self.feed.record_rule()
    }

    fn table_facts(&self, table: RawTable) -> TableFacts {
        self.feed.table_facts(table)
    }

    fn field_form(&self) -> FieldForm {
        FieldForm::Delimited(self.header.delimiter)
    }
}
