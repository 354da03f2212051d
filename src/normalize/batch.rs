//! A batch of typed rows of one table, row-major: what every dialect writes and the partition router reads.

use std::collections::BTreeMap;

use super::KeptValues;
use crate::schema::RawTable;
use crate::units::Date;

pub use crate::units::TS_NULL;

/// A missing small integer.
pub const INT_NULL: i64 = i64::MIN;
/// The scale byte of a missing decimal.
pub const SCALE_NULL: u8 = 0xFF;

/// What orders and places a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowKey {
    /// Index into [`RowBatch::securities`].
    pub security: u32,
    /// Local date of the clock in `date_tz`.
    pub date: Date,
    /// The clock that orders the row: one of the two below.
    pub clock: i64,
    /// Venue time, [`TS_NULL`] if missing.
    pub ts_event: i64,
    /// Capture time, [`TS_NULL`] if missing.
    pub ts_recv: i64,
    /// Sequence number if the source has one.
    pub sequence: Option<u64>,
    /// Number of the record in its source, from 0.
    pub record: u64,
    /// Number of the row within its record and table, from 0.
    pub sub: u32,
}

/// Rows of one table from one chunk of one source.
///
/// Row i's decimals are `decimals[decimal_ends[i-1]..decimal_ends[i]]` in the order of [`RawTable::decimals`], each with
/// its scale in `scales`, at most [`crate::limits::DECIMAL_SCALE`] and as written: trailing zeros may stand; [`SCALE_NULL`]
/// marks a missing value. A book row may end early: missing levels at its end need not be written.
/// `ints` has `table.ints().len()` values a row. `ids` has `table.ids().len()` values a row; `id_ends` are ends in `id_bytes`,
/// an empty id is missing.
#[derive(Clone, Debug)]
pub struct RowBatch {
    /// The table.
    pub table: RawTable,
    /// Ordinal of the source in this run.
    pub source: u32,
    /// Levels of the source's schema: wide sources fix it, nested ones give the most seen in the batch.
    pub levels: u16,
    /// (venue, security) pairs that keys point at.
    pub securities: Vec<(String, String)>,
    /// One a row.
    pub keys: Vec<RowKey>,
    /// Mantissas.
    pub decimals: Vec<i64>,
    /// Scale of each mantissa.
    pub scales: Vec<u8>,
    /// End of each row in `decimals`.
    pub decimal_ends: Vec<u32>,
    /// Small integers.
    pub ints: Vec<i64>,
    /// Id text.
    pub id_bytes: Vec<u8>,
    /// Ends in `id_bytes`.
    pub id_ends: Vec<u32>,
    /// Values of the source columns that the run keeps, none of them as a rule.
    pub kept: KeptValues,
}

impl RowBatch {
    /// A batch without rows and names.
    #[must_use]
    pub fn new(table: RawTable, source: u32, levels: u16) -> Self {
        Self {
            table,
            source,
            levels,
            securities: Vec::new(),
            keys: Vec::new(),
            decimals: Vec::new(),
            scales: Vec::new(),
            decimal_ends: Vec::new(),
            ints: Vec::new(),
            id_bytes: Vec::new(),
            id_ends: Vec::new(),
            kept: KeptValues::default(),
        }
    }
}

/// A record that was not stored, with the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    /// Record number in the source, from 0.
    pub record: u64,
    /// Line of the record, from 1.
    pub line: u64,
    /// Offset of the record in the decompressed source.
    pub byte_offset: u64,
    /// Bytes of the record.
    pub length: u64,
    /// Column at fault, empty if the record as a whole.
    pub column: String,
    /// What was expected and what stood there.
    pub reason: String,
    /// The first bytes of the record, raw ([`crate::limits::QUARANTINE_RECORD_BYTES`]).
    pub head: Vec<u8>,
}

/// All that a parser makes of one chunk. `records = stored + rejects + sum(skipped)`.
#[derive(Clone, Debug, Default)]
pub struct ParsedChunk {
    /// Records seen.
    pub records: u64,
    /// Records of which at least one row was stored.
    pub stored: u64,
    /// Rows by table.
    pub batches: Vec<RowBatch>,
    /// Records refused.
    pub rejects: Vec<Reject>,
    /// Records skipped by a named rule (header, blank line, unsupported message kind...).
    pub skipped: BTreeMap<&'static str, u64>,
    /// Facts to report: levels cut, noise rounded.
    pub notes: BTreeMap<&'static str, u64>,
}
