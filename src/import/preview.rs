//! `--dry-run`: what an import would do, from the first chunk of each source. Nothing is written, no store is touched.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::budget::Budget;
use super::options::{Event, ImportOptions};
use super::sources;
use crate::error::Result;
use crate::input::RawChunk;
use crate::normalize::{INT_NULL, RowBatch, SCALE_NULL, TS_NULL};
use crate::partition::{Facts, Role, TableShape, decimals_of, id_of};
use crate::schema::{LogicalType, PartitionKey, RawTable};
use crate::units::Decimal;
use crate::vendor;

/// Rows shown of each table.
const ROWS: usize = 5;

/// What a source would become, judged by its first chunk.
#[derive(Clone, Debug)]
pub struct Preview {
    /// The input.
    pub path: PathBuf,
    /// The dialect.
    pub dialect: String,
    /// Why it was chosen.
    pub reason: String,
    /// How records become rows.
    pub record_rule: &'static str,
    /// Records of the first chunk.
    pub records: u64,
    /// Rejected ones among them, with the first reason.
    pub rejected: (u64, Option<String>),
    /// Tables of the first chunk.
    pub tables: Vec<PreviewTable>,
}

/// A table of the first chunk.
#[derive(Clone, Debug)]
pub struct PreviewTable {
    /// The table.
    pub table: RawTable,
    /// Columns with a value, and their types.
    pub columns: Vec<(String, String)>,
    /// Partitions with their rows.
    pub partitions: BTreeMap<PartitionKey, u64>,
    /// The first rows, cell by cell, empty where missing.
    pub rows: Vec<Vec<String>>,
}

/// Looks at the first chunk of each source.
///
/// # Errors
/// As [`super::run`] before it reads.
pub fn preview(options: &ImportOptions, on_event: &mut dyn FnMut(Event<'_>)) -> Result<Vec<Preview>> {
    let budget = Budget::new(options)?;
    let limits = sources::limits(&budget);
    let mut previews = Vec::new();
    let (sources, kept) = sources::open(options, &budget, on_event)?;
    for source in sources {
        let mut preview = Preview {
            path: source.path.clone(),
            dialect: source.dialect.to_owned(),
            reason: source.reason.clone(),
            record_rule: source.parser.record_rule(),
            records: 0,
            rejected: (0, None),
            tables: Vec::new(),
        };
        let parser = Arc::clone(&source.parser);
        let mut cutter = source.cutter(&limits, &Arc::default())?;
        let mut chunk = RawChunk::default();
        if cutter.next(&mut chunk)? {
            let parsed = vendor::parse_chunk(&*parser, &chunk, 0)?;
            preview.records = parsed.records;
            preview.rejected = (parsed.rejects.len() as u64, parsed.rejects.first().map(|r| r.reason.clone()));
            preview.tables = parsed.batches.iter().filter_map(|batch| table(batch, &kept)).collect();
        }
        previews.push(preview);
    }
    Ok(previews)
}

fn table(batch: &RowBatch, kept: &Arc<[String]>) -> Option<PreviewTable> {
    let mut facts = Facts::default();
    let mut partitions = BTreeMap::new();
    for (i, key) in batch.keys.iter().enumerate() {
        facts.add(batch, i)?;
        let (venue, security) = batch.securities.get(key.security as usize)?.clone();
        *partitions.entry(PartitionKey { venue, security, date: key.date }).or_default() += 1;
    }
    let has_sequence = batch.keys.iter().any(|key| key.sequence.is_some());
    let shape = TableShape::of(batch.table, &facts, has_sequence, Arc::clone(kept));
    let kind = |column: &crate::schema::Column| match column.logical_type {
        LogicalType::Decimal => format!("decimal, {} decimals", column.scale),
        other => other.name().to_owned(),
    };
    let columns = shape.schema.columns.iter().map(|c| (c.name.clone(), kind(c))).collect();
    let rows = (0..batch.keys.len().min(ROWS)).map(|i| cells(batch, &shape, i)).collect::<Option<_>>()?;
    Some(PreviewTable { table: batch.table, columns, partitions, rows })
}

/// The cells of a row in the order of the shape's columns.
fn cells(batch: &RowBatch, shape: &TableShape, i: usize) -> Option<Vec<String>> {
    let key = batch.keys.get(i)?;
    let ts = |ts: i64| if ts == TS_NULL { String::new() } else { ts.to_string() };
    let (mantissas, scales) = decimals_of(batch, i)?;
    let cell = |role: &Role| match *role {
        Role::Event => Some(ts(key.ts_event)),
        Role::Recv => Some(ts(key.ts_recv)),
        Role::Sequence => Some(key.sequence.map(|s| s.to_string()).unwrap_or_default()),
        Role::Source => Some(batch.source.to_string()),
        Role::Record => Some(key.record.to_string()),
        Role::Int(k) => {
            let value = *batch.ints.get(i * batch.table.ints().len() + k)?;
            Some(if value == INT_NULL { String::new() } else { value.to_string() })
        }
        Role::Kept(k) => Some(String::from_utf8_lossy(batch.kept.get(i, k)).into_owned()),
        Role::Id(k) => Some(String::from_utf8_lossy(id_of(batch, i, k)?).into_owned()),
        Role::Decimal(k) => Some(match (mantissas.get(k), scales.get(k)) {
            (Some(&mantissa), Some(&scale)) if scale != SCALE_NULL => Decimal { mantissa, scale }.to_string(),
            _ => String::new(),
        }),
    };
    shape.roles.iter().map(cell).collect()
}
