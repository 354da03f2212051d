//! One file a source dialect. The place to add a vendor: implement [`Dialect`], add a line to [`DIALECTS`].
//!
//! In: the head of an input and what the user said. Out: a [`ChunkParser`] that turns chunks of whole records into
//! [`ParsedChunk`]s, stateless between chunks. [`select`] finds the dialect; it refuses rather than guesses (decision 36).

mod apart;
mod binance_csv;
mod bitflyer;
mod bitstamp_l3;
mod bounded;
mod bybit_csv;
mod capture;
mod ccxt;
mod ccxt_keys;
mod ccxt_levels;
mod ccxt_record;
mod ccxt_shape;
mod cells;
mod china_l2;
mod coinbase_csv;
mod columns;
mod cryptofeed;
mod databento;
mod delimited;
mod feed;
mod generic;
mod header;
pub(crate) mod keep;
mod lobster;
mod new_row;
mod ohlcv;
mod orders_trades;
mod row_head;
mod select;
mod tardis;

pub use keep::SourceColumns;
pub use select::{DIALECTS, Selected, Selection, by_name, open_cutter, parse_chunk, select};

use std::path::Path;
use std::sync::Arc;

use crate::error::Result;
use crate::input::Ends;
use crate::input::Grouping;
use crate::normalize::{Fault, ParsedChunk, Place};
use crate::parse::fields::FieldForm;
use crate::schema::{Clock, RawTable};

/// What the user said about the inputs; every dialect reads what concerns it.
#[derive(Clone, Debug, Default)]
pub struct SourceOptions {
    /// `--venue`, when the data does not say.
    pub venue: Option<String>,
    /// `--security`.
    pub security: Option<String>,
    /// `--date` (YYYY-MM-DD), for sources whose times have none.
    pub date: Option<crate::units::Date>,
    /// `--tz`: zone of zone-less times.
    pub tz: Option<String>,
    /// `--date-tz`: zone of the partition date.
    pub date_tz: Option<String>,
    /// `--clock`.
    pub clock: Option<Clock>,
    /// `--table`.
    pub table: Option<RawTable>,
    /// `--levels`: levels kept; 0 for the default.
    pub levels: u16,
    /// The mapping file's text, for `generic`.
    pub mapping: Option<Arc<str>>,
    /// `--max-line` in bytes; 0 for the default that goes with the memory budget.
    pub line_bytes: usize,
    /// `--max-field` in bytes; 0 for no other limit than the record's.
    pub field_bytes: usize,
    /// Values of a JSON message at most; 0 for [`crate::limits::JSON_VALUES`].
    pub json_values: usize,
    /// `--keep`: source columns that no rule of the dialect reads, kept beside the rows.
    pub keep: Vec<String>,
}

/// The start of an input, decompressed and decoded to UTF-8, for recognition and header reading.
#[derive(Clone, Debug)]
pub struct Probe<'a> {
    /// The path as given (`-` for stdin).
    pub path: &'a Path,
    /// The first bytes (at most 256 KiB, may end inside a record).
    pub head: &'a [u8],
    /// Paths of the run's other inputs, so that a pair can find its partner.
    pub siblings: &'a [std::path::PathBuf],
}

/// How a source's bytes are cut into records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Lines; a quote may hold a newline when `quoted` is set.
    Lines {
        /// True if quoted fields may hold newlines.
        quoted: bool,
    },
    /// The objects of one JSON list; its closing bracket is a record that is skipped.
    Objects,
}

impl Framing {
    /// Where such records end.
    #[must_use]
    pub fn ends(self) -> Ends {
        match self {
            Self::Lines { quoted } => quoted.into(),
            Self::Objects => Ends::Objects,
        }
    }
}

/// One chunk of whole records.
#[derive(Clone, Copy, Debug)]
pub struct Chunk<'a> {
    /// The records' bytes.
    pub bytes: &'a [u8],
    /// For a pair (LOBSTER): the partner's records, as many as here; else empty.
    pub partner: &'a [u8],
    /// Ordinal of the source in the run.
    pub source: u32,
    /// Number of the first record in the source, from 0. Every line is a record; a header or blank line is a record skipped by rule.
    pub first_record: u64,
    /// Offset of the chunk in the decompressed source.
    pub byte_offset: u64,
    /// Records that are refused whatever they hold, by their number in the chunk, in order.
    pub refused: &'a [(u64, Fault)],
}

impl<'a> Chunk<'a> {
    /// All of a small source at once.
    #[must_use]
    pub fn of(bytes: &'a [u8]) -> Self {
        Self { bytes, partner: &[], source: 0, first_record: 0, byte_offset: 0, refused: &[] }
    }

    /// Where its rows stand.
    fn place(&self) -> Place<'a> {
        let Self { source, first_record, byte_offset, refused, .. } = *self;
        Place { source, first_record, byte_offset, refused }
    }
}

/// A source that a dialect has opened: header read, columns mapped. Stateless between chunks, so chunks parse in parallel.
pub trait ChunkParser: Send + Sync + std::fmt::Debug {
    /// How records end.
    fn framing(&self) -> Framing;
    /// Which records must stay in one chunk, if any must.
    fn grouping(&self) -> Option<Arc<dyn Grouping>> {
        None
    }
    /// Parses a chunk. Bad records become rejects; only what ends the source is an error.
    ///
    /// # Errors
    /// `Input`.
    fn parse(&self, chunk: Chunk<'_>) -> Result<ParsedChunk>;
    /// One line for the summary: how records become rows.
    fn record_rule(&self) -> &'static str;
    /// Facts for partitions of this source: (clock, tz, date_tz) of a table.
    fn table_facts(&self, table: RawTable) -> TableFacts;
    /// The columns of a delimited source; `None` for messages and for sources without names.
    fn columns(&self) -> Option<SourceColumns<'_>> {
        None
    }
    /// How the fields of a record are told apart.
    fn field_form(&self) -> FieldForm {
        self.columns().map_or(FieldForm::Json, |columns| FieldForm::Delimited(columns.delimiter))
    }
    /// For a pair: how many records the partner has more in front of its first pair (1 if only it has a header, -1 if only the
    /// main file has one).
    fn partner_extra(&self) -> i64 {
        0
    }
}

/// What a dialect decides once per source and table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableFacts {
    /// The clock (decision 10).
    pub clock: Clock,
    /// Zone of zone-less times.
    pub tz: String,
    /// Zone of the partition date.
    pub date_tz: String,
    /// Channel of the identity.
    pub channel: String,
}

/// How sure a dialect is of a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recognition {
    /// Not this dialect.
    No,
    /// This dialect, with the reason that is printed.
    Yes(String),
    /// This dialect, and this input is the second half of the pair begun by the given path: it is read with that one.
    PartnerOf(std::path::PathBuf),
}

/// A source dialect.
pub trait Dialect: Send + Sync + std::fmt::Debug {
    /// The word for `--format`.
    fn name(&self) -> &'static str;
    /// Recognises an input from its name and first bytes.
    fn recognise(&self, probe: &Probe<'_>) -> Recognition;
    /// The partner file that must be read in step with this one, if there is one.
    ///
    /// # Errors
    /// `Input` if a partner is needed and absent (decision 22).
    fn partner(&self, _probe: &Probe<'_>) -> Result<Option<std::path::PathBuf>> {
        Ok(None)
    }
    /// Reads the header and maps the columns.
    ///
    /// # Errors
    /// `Input` naming what is missing, `Usage` naming the option that would say it.
    fn open(&self, probe: &Probe<'_>, options: &SourceOptions) -> Result<Box<dyn ChunkParser>>;
}
