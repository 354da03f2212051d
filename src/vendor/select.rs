//! Which dialect reads an input, and the way from a path to parsed chunks.

use std::path::PathBuf;

use super::bitflyer::Bitflyer;
use super::bitstamp_l3::BitstampL3;
use super::bounded::Bounded;
use super::capture::{BINANCE, BYBIT, COINBASE, HYPERLIQUID};
use super::ccxt::Ccxt;
use super::china_l2::ChinaL2;
use super::cryptofeed::Cryptofeed;
use super::databento::Databento;
use super::generic::Generic;
use super::lobster::Lobster;
use super::ohlcv::Ohlcv;
use super::orders_trades::OrdersTrades;
use super::tardis::Tardis;
use super::{Chunk, ChunkParser, Dialect, Probe, Recognition, SourceOptions};
use crate::error::{Error, Result};
use crate::input::{Cutter, InputLimits, RawChunk, Source};
use crate::limits::QUARANTINE_RECORD_BYTES;
use crate::normalize::{ParsedChunk, Reject};

/// All dialects, in the order in which they are asked.
pub static DIALECTS: &[&dyn Dialect] = &[
    &Lobster,
    &Tardis,
    &Ccxt,
    &BINANCE,
    &COINBASE,
    &HYPERLIQUID,
    &BYBIT,
    &Cryptofeed,
    &Bitflyer,
    &BitstampL3,
    &ChinaL2,
    &Databento,
    &Ohlcv,
    &OrdersTrades,
    &Generic,
];

/// The dialect of a name.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static dyn Dialect> {
    DIALECTS.iter().copied().find(|d| d.name() == name)
}

/// An input with its dialect, ready to be cut and parsed.
#[derive(Debug)]
pub struct Selected {
    /// The dialect.
    pub dialect: &'static dyn Dialect,
    /// Why this one: printed with it.
    pub reason: String,
    /// The file to read in step.
    pub partner: Option<PathBuf>,
    /// The opened parser.
    pub parser: Box<dyn ChunkParser>,
}

/// What to do with an input.
#[derive(Debug)]
pub enum Selection {
    /// Read it.
    Source(Box<Selected>),
    /// Leave it: it is read as the partner of this path.
    ReadWith(PathBuf),
}

/// Finds the dialect of an input and opens it. `format` is `auto`, or the name of a dialect; a mapping in `options` means `generic`.
///
/// # Errors
/// `Input` if no dialect is sure, listing what was asked, or if more than one is; what [`Dialect::partner`] and
/// [`Dialect::open`] say; `Usage` for a name that is no dialect.
pub fn select(format: &str, probe: &Probe<'_>, options: &SourceOptions) -> Result<Selection> {
    let (dialect, reason) = match format {
        _ if options.mapping.is_some() => (named("generic")?, "a mapping file was given".to_owned()),
        "auto" => match recognise(probe)? {
            (_, Recognition::PartnerOf(first)) => return Ok(Selection::ReadWith(first)),
            (dialect, Recognition::Yes(reason)) => (dialect, reason),
            (_, Recognition::No) => return Err(unknown(probe)),
        },
        name => {
            let dialect = named(name)?;
            if let Recognition::PartnerOf(first) = dialect.recognise(probe) {
                return Ok(Selection::ReadWith(first));
            }
            (dialect, format!("--format {name}"))
        }
    };
    let partner = dialect.partner(probe)?;
    let mut parser = dialect.open(probe, options)?;
    if options.field_bytes > 0 {
        parser = Box::new(Bounded::new(parser, options.field_bytes));
    }
    Ok(Selection::Source(Box::new(Selected { dialect, reason, partner, parser })))
}

fn named(name: &str) -> Result<&'static dyn Dialect> {
    by_name(name).ok_or_else(|| {
        let names: Vec<_> = DIALECTS.iter().map(|d| d.name()).collect();
        Error::usage(format!("--format {name}: no such dialect"), format!("use auto or one of {}", names.join(", ")))
    })
}

/// The one dialect that says yes; `generic` is asked only when none of the vendors' dialects does.
fn recognise(probe: &Probe<'_>) -> Result<(&'static dyn Dialect, Recognition)> {
    let (generic, vendors): (Vec<_>, Vec<_>) = DIALECTS.iter().copied().partition(|d| d.name() == "generic");
    for group in [vendors, generic] {
        let mut sure: Vec<_> =
            group.into_iter().map(|d| (d, d.recognise(probe))).filter(|(_, r)| *r != Recognition::No).collect();
        if sure.len() > 1 {
            let names: Vec<_> = sure.iter().map(|(d, _)| d.name()).collect();
            return Err(Error::refused(
                probe.path,
                format!("one dialect, not {}", names.join(" and ")),
                "name the right one with --format",
            ));
        }
        if let Some(found) = sure.pop() {
            return Ok(found);
        }
    }
    Err(unknown(probe))
}

fn unknown(probe: &Probe<'_>) -> Error {
    let names: Vec<_> = DIALECTS.iter().map(|d| d.name()).collect();
    let line = super::header::first_line(probe.head).unwrap_or(b"");
    Error::input(crate::error::InputFault {
        path: probe.path.to_owned(),
        line: Some(1),
        expected: format!("an input that one of {} is sure of", names.join(", ")),
        got: line[..line.len().min(200)].to_vec(),
        advice: "name the dialect with --format, or describe the columns in a mapping file".to_owned(),
        ..crate::error::InputFault::default()
    })
}

/// The cutter of a selected source, with its partner opened.
///
/// # Errors
/// What [`Source::open`] says of the partner.
pub fn open_cutter(source: Source, selected: &Selected, limits: &InputLimits) -> Result<Cutter> {
    let cutter = Cutter::new(source, selected.parser.framing().ends(), limits).grouped(selected.parser.grouping());
    match &selected.partner {
        None => Ok(cutter),
        Some(path) => Ok(cutter.with_partner(Source::open(path, limits)?, selected.parser.partner_extra())),
    }
}

/// Parses a chunk as the cutter gives it: a record that was too long becomes its one reject.
///
/// # Errors
/// What [`ChunkParser::parse`] says.
pub fn parse_chunk(parser: &dyn ChunkParser, chunk: &RawChunk, source: u32) -> Result<ParsedChunk> {
    if let Some(limit) = chunk.group_too_large {
        return Ok(refuse_group(chunk, limit));
    }
    let Some(refused) = &chunk.refused else {
        return parser.parse(Chunk {
            bytes: &chunk.bytes,
            partner: &chunk.partner,
            source,
            first_record: chunk.first_record,
            byte_offset: chunk.byte_offset,
            refused: &[],
        });
    };
    let reject = Reject {
        record: chunk.first_record,
        line: chunk.first_record + 1,
        byte_offset: chunk.byte_offset,
        length: refused.length,
        column: String::new(),
        reason: too_long(refused.limit),
        head: refused.head.clone(),
    };
    Ok(ParsedChunk { records: 1, rejects: vec![reject], ..ParsedChunk::default() })
}

fn too_long(limit: usize) -> String {
    format!("expected a record of at most {limit} bytes; --max-line raises the limit")
}

/// Every record of a group that is too large becomes a reject; one that is too long by itself is told as such.
fn refuse_group(chunk: &RawChunk, limit: usize) -> ParsedChunk {
    let mut parsed = ParsedChunk { records: chunk.records, ..ParsedChunk::default() };
    let mut offset = 0;
    for (record, line) in (chunk.first_record..).zip(chunk.bytes.split_inclusive(|b| *b == b'\n')) {
        let raw = line.strip_suffix(b"\n").unwrap_or(line);
        let (raw, reason) = if raw.len() > limit {
            (raw, too_long(limit))
        } else {
            let reason = "expected a snapshot of at most as many bytes as a record; --max-line raises the limit";
            (raw.strip_suffix(b"\r").unwrap_or(raw), reason.to_owned())
        };
        parsed.rejects.push(Reject {
            record,
            line: record + 1,
            byte_offset: chunk.byte_offset + offset,
            length: raw.len() as u64,
            column: String::new(),
            reason,
            head: raw[..raw.len().min(QUARANTINE_RECORD_BYTES)].to_vec(),
        });
        offset += line.len() as u64;
    }
    parsed
}
