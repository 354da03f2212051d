//! Partitions of a seeded walk: ten levels and half as many trades, published straight into a store.

use std::path::Path;

use hftcol::codec::ColumnValues;
use hftcol::error::Result;
use hftcol::format::FileHeader;
use hftcol::limits::BLOCK_ROWS;
use hftcol::schema::{Clock, Column, LogicalType, PartitionKey, Schema, book_level_columns};
use hftcol::store::{Manifest, Publication, Publisher, Segment, Store, Tree};
use hftcol::units::Date;
use hftcol::write::{Provenance, TableWriter, group_blocks};

const LEVELS: u16 = 10;
/// 2024-08-08.
const DATE: Date = Date(19_943);
const DAY_NS: i64 = 86_400_000_000_000;

/// How many partitions of how many snapshots.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) partitions: usize,
    pub(super) rows: usize,
    /// Time between two snapshots; what a window holds follows from it.
    pub(super) spacing_ns: i64,
}

pub(super) fn publish(root: &Path, shape: Shape) -> Result<()> {
    let store = Store::create_or_open(root)?;
    let mut run = store.begin(Tree::Raw)?;
    for number in 0..shape.partitions {
        let publication = partition(&run, number, shape)?;
        run.publish(vec![publication])?;
    }
    run.finish()
}

fn partition(run: &Publisher, number: usize, shape: Shape) -> Result<Publication> {
    let key = PartitionKey { venue: "walk".to_owned(), security: format!("S{number}"), date: DATE };
    let (mut segments, mut staged) = (Vec::new(), Vec::new());
    for table in ["book", "trades"] {
        let columns = columns(table);
        let header = FileHeader {
            table: table.to_owned(),
            key: key.clone(),
            channel: String::new(),
            generation: 1,
            segment: 0,
            first_row: 0,
            clock: Clock::Event,
            tz: "UTC".to_owned(),
            date_tz: "UTC".to_owned(),
            block_rows: BLOCK_ROWS,
            group_blocks: group_blocks(columns.len(), BLOCK_ROWS),
            schema: Schema { columns },
        };
        let mut writer = TableWriter::new(run.stage()?, header)?;
        let mut walk = Walk::new(number as u64, shape);
        let rows = if table == "book" { shape.rows } else { shape.rows / 2 };
        let mut first = 0;
        while first < rows {
            let count = (rows - first).min(BLOCK_ROWS as usize);
            let block = walk.block(table, first, count);
            let values: Vec<ColumnValues<'_>> =
                block.iter().map(|values| ColumnValues::I64 { values, validity: None }).collect();
            writer.push(count, &values)?;
            first += count;
        }
        let (file, sealed) = writer.finish(Provenance::default())?;
        segments.push(Segment { table: table.into(), generation: 1, segment: 0, extension: "hftc".into(), sealed });
        staged.push(file);
    }
    let (fingerprint, sources) = (number as u128, Vec::new());
    let manifest = Manifest { key, generation: 1, date_tz: "UTC".to_owned(), fingerprint, sources, segments };
    Ok(Publication { manifest, staged })
}

fn columns(table: &str) -> Vec<Column> {
    let decimal = |name: &str, scale: u8| Column::nullable(name.to_owned(), LogicalType::Decimal).with_scale(scale);
    let mut columns = vec![Column::nullable("ts_event", LogicalType::Ts)];
    if table == "book" {
        let names = book_level_columns(LEVELS);
        columns.extend(names.iter().enumerate().map(|(i, name)| decimal(name, if i % 2 == 0 { 2 } else { 3 })));
    } else {
        columns.push(Column::nullable("side", LogicalType::Side));
        columns.extend([decimal("price", 2), decimal("qty", 3)]);
    }
    columns.extend(["source", "record"].map(|name| Column::required(name, LogicalType::U64)));
    columns
}

/// The state between blocks.
struct Walk {
    random: fastrand::Rng,
    mid: i64,
    sizes: [i64; 2 * LEVELS as usize],
    shape: Shape,
}

impl Walk {
    fn new(seed: u64, shape: Shape) -> Self {
        Self { random: fastrand::Rng::with_seed(seed), mid: 5_000_000, sizes: [1_500; 2 * LEVELS as usize], shape }
    }

    /// The next rows, column by column.
    fn block(&mut self, table: &str, first: usize, count: usize) -> Vec<Vec<i64>> {
        let mut values = vec![Vec::with_capacity(count); columns(table).len()];
        let start = i64::from(DATE.0) * DAY_NS;
        let last = values.len() - 1;
        for row in first..first + count {
            // Most snapshots repeat most of the one before.
            if self.random.u8(..4) == 0 {
                self.mid += self.random.i64(-3..=3);
            }
            let row_number = i64::try_from(row).unwrap_or(0);
            if table == "book" {
                values[0].push(start + row_number * self.shape.spacing_ns);
                let touched = self.random.usize(..self.sizes.len());
                self.sizes[touched] = self.random.i64(1..9_000);
                for level in 0..i64::from(LEVELS) {
                    let at = 4 * level as usize;
                    values[at + 1].push(self.mid - 1 - level);
                    values[at + 2].push(self.sizes[2 * level as usize]);
                    values[at + 3].push(self.mid + 1 + level);
                    values[at + 4].push(self.sizes[2 * level as usize + 1]);
                }
            } else {
                values[0].push(start + row_number * 2 * self.shape.spacing_ns + 1);
                let side = if self.random.bool() { 1 } else { -1 };
                values[1].push(side);
                values[2].push(self.mid + side);
                values[3].push(self.random.i64(1..5_000));
            }
            values[last - 1].push(0);
            values[last].push(row_number);
        }
        values
    }
}
