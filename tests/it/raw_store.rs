//! Small raw partitions for the tests of compute: books and trades of a seeded walk, published as an import would.

use hftcol::codec::ColumnValues;
use hftcol::format::{FileHeader, SealedFile};
use hftcol::schema::{Clock, Column, LogicalType, PartitionKey, Schema, book_level_columns};
use hftcol::store::{Manifest, Publication, Publisher, Segment, Staged, Store, Tree};
use hftcol::units::Date;
use hftcol::write::{Provenance, TableWriter, group_blocks};

const BLOCK: usize = 256;
const SECOND: i64 = 1_000_000_000;
const LEVELS: u16 = 5;

/// A raw partition to be.
#[derive(Clone, Debug)]
pub(crate) struct Raw {
    pub(crate) key: PartitionKey,
    pub(crate) rows: usize,
    pub(crate) seed: u64,
    /// Name of the table that holds the book: `book`, `book_built` or `quotes`; none without one.
    pub(crate) book: Option<&'static str>,
}

/// A partition of `rows` snapshots on 2024-08-08.
pub(crate) fn raw(venue: &str, security: &str, rows: usize, seed: u64) -> Raw {
    let key = PartitionKey { venue: venue.into(), security: security.into(), date: Date(19_943) };
    Raw { key, rows, seed, book: Some("book") }
}

/// Publishes partitions in one batch; those that are there get their next generation.
pub(crate) fn publish(store: &Store, partitions: &[Raw]) {
    let mut run = store.begin(Tree::Raw).unwrap();
    let batch = partitions.iter().map(|raw| publication(&run, raw)).collect();
    run.publish(batch).unwrap();
    run.finish().unwrap();
}

fn publication(run: &Publisher, raw: &Raw) -> Publication {
    let generation = run.store().manifest(&Tree::Raw, &raw.key).unwrap().map_or(1, |m| m.generation + 1);
    let mut tables: Vec<(&str, Vec<Column>, Vec<Vec<i64>>)> = vec![trades(raw)];
    if let Some(name) = raw.book {
        tables.insert(0, book(raw, name));
    }
    tables.sort_by_key(|t| t.0);
    let (mut segments, mut staged) = (Vec::new(), Vec::new());
    for (table, columns, values) in tables {
        let (file, sealed) = write(run, raw, generation, table, columns, &values);
        segments.push(Segment { table: table.into(), generation, segment: 0, extension: "hftc".into(), sealed });
        staged.push(file);
    }
    let manifest = Manifest {
        key: raw.key.clone(),
        generation,
        date_tz: "UTC".into(),
        fingerprint: u128::from(raw.seed),
        sources: Vec::new(),
        segments,
    };
    Publication { manifest, staged }
}

fn write(
    run: &Publisher,
    raw: &Raw,
    generation: u32,
    table: &str,
    columns: Vec<Column>,
    values: &[Vec<i64>],
) -> (Staged, SealedFile) {
    let header = FileHeader {
        table: table.to_owned(),
        key: raw.key.clone(),
        channel: String::new(),
        generation,
        segment: 0,
        first_row: 0,
        clock: Clock::Event,
        tz: "UTC".into(),
        date_tz: "UTC".into(),
        block_rows: BLOCK as u32,
        group_blocks: group_blocks(columns.len(), BLOCK as u32),
        schema: Schema { columns },
    };
    let mut writer = TableWriter::new(run.stage().unwrap(), header).unwrap();
    let rows = values[0].len();
    for first in (0..rows).step_by(BLOCK) {
        let end = rows.min(first + BLOCK);
        let block: Vec<ColumnValues<'_>> =
            values.iter().map(|v| ColumnValues::I64 { values: &v[first..end], validity: None }).collect();
        writer.push(end - first, &block).unwrap();
    }
    writer.finish(Provenance::default()).unwrap()
}

fn random(state: &mut u64) -> i64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) as i64
}

fn keys() -> Vec<Column> {
    vec![Column::nullable("ts_event", LogicalType::Ts), Column::nullable("sequence", LogicalType::U64)]
}

fn finish(mut columns: Vec<Column>, rows: usize, values: &mut Vec<Vec<i64>>) -> Vec<Column> {
    columns.push(Column::required("source", LogicalType::U64));
    columns.push(Column::required("record", LogicalType::U64));
    values.push(vec![0; rows]);
    values.push((0..rows as i64).collect());
    columns
}

fn midnight(raw: &Raw) -> i64 {
    i64::from(raw.key.date.0) * 86_400 * SECOND
}

fn book<'a>(raw: &Raw, name: &'a str) -> (&'a str, Vec<Column>, Vec<Vec<i64>>) {
    let levels = if name == "quotes" { 1 } else { LEVELS };
    let mut columns = keys();
    columns.extend(
        book_level_columns(levels).into_iter().map(|c| Column::nullable(c, LogicalType::Decimal).with_scale(2)),
    );
    let mut values = vec![Vec::new(); columns.len()];
    let mut state = raw.seed;
    let mut mid = 1_000_000;
    for row in 0..raw.rows as i64 {
        mid += random(&mut state) % 21 - 10;
        let spread = 1 + random(&mut state) % 3;
        values[0].push(midnight(raw) + row * SECOND / 4);
        values[1].push(row + 1);
        for level in 0..i64::from(levels) {
            let at = 2 + 4 * level as usize;
            values[at].push(mid - level * 10);
            values[at + 1].push(100 + random(&mut state) % 5_000);
            values[at + 2].push(mid + spread + level * 10);
            values[at + 3].push(100 + random(&mut state) % 5_000);
        }
    }
    let columns = finish(columns, raw.rows, &mut values);
    (name, columns, values)
}

fn trades(raw: &Raw) -> (&'static str, Vec<Column>, Vec<Vec<i64>>) {
    let rows = raw.rows / 2 + 1;
    let mut columns = keys();
    columns.push(Column::nullable("side", LogicalType::Side));
    columns.push(Column::nullable("price", LogicalType::Decimal).with_scale(2));
    columns.push(Column::nullable("qty", LogicalType::Decimal).with_scale(3));
    let mut state = raw.seed ^ 0x55;
    let mut values = vec![Vec::new(); columns.len()];
    for row in 0..rows as i64 {
        values[0].push(midnight(raw) + row * SECOND / 2 + 7);
        values[1].push(row + 1);
        values[2].push(random(&mut state) % 3 - 1);
        values[3].push(1_000_000 + random(&mut state) % 50);
        values[4].push(1 + random(&mut state) % 10_000);
    }
    let columns = finish(columns, rows, &mut values);
    ("trades", columns, values)
}
