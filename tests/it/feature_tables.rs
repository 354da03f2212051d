//! From a market in memory to table files in memory, and through `run_book` back to columns.

use std::collections::BTreeMap;
use std::sync::Arc;

use hftcol::codec::ColumnValues;
use hftcol::error::{Error, Result};
use hftcol::feature::{
    Arena, ChangeInputs, FeatureConfig, PartitionInputs, PartitionReport, Plan, PriorVolume, Simd, WindowScratch,
    run_book,
};
use hftcol::format::FileHeader;
use hftcol::read::TableReader;
use hftcol::schema::{Clock, Column, LogicalType, PartitionKey, Schema, book_level_columns};
use hftcol::storage::MemoryFile;
use hftcol::units::Date;
use hftcol::write::{Provenance, TableWriter};

use crate::oracle::{Cell, Market};

/// How the tables are laid out; values do not depend on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    pub(crate) block_rows: u32,
    /// Rows of each segment but the last.
    pub(crate) segment_rows: usize,
    /// The clock that the header names.
    pub(crate) clock: Clock,
}

impl Default for Layout {
    fn default() -> Self {
        Self { block_rows: 4_096, segment_rows: usize::MAX, clock: Clock::Event }
    }
}

/// A column of mantissas with holes.
pub(crate) struct Ints {
    pub(crate) column: Column,
    pub(crate) values: Vec<Option<i64>>,
}

/// Decimals at the smallest scale that holds them all.
fn decimals(name: &str, cells: Vec<Option<Cell>>, mut scale: u8) -> Ints {
    let mut values: Vec<Option<i64>> = cells.into_iter().map(|cell| cell.map(|c| c.0)).collect();
    while scale > 0 && values.iter().flatten().all(|v| v % 10 == 0) {
        values.iter_mut().flatten().for_each(|v| *v /= 10);
        scale -= 1;
    }
    Ints { column: Column::nullable(name, LogicalType::Decimal).with_scale(scale), values }
}

fn book_columns(market: &Market) -> Vec<Ints> {
    let clock = market.book.iter().map(|s| Some(s.clock)).collect();
    let mut columns = vec![Ints { column: Column::nullable("ts_event", LogicalType::Ts), values: clock }];
    for (i, name) in book_level_columns(market.levels as u16).iter().enumerate() {
        let cell = |s: &crate::oracle::Snapshot| {
            let level = if i % 4 < 2 { s.bids[i / 4] } else { s.asks[i / 4] };
            if i % 2 == 0 { level.price } else { level.size }
        };
        let scale = if i % 2 == 0 { market.price_scale } else { market.size_scale };
        columns.push(decimals(name, market.book.iter().map(cell).collect(), scale));
    }
    columns
}

fn trade_columns(market: &Market) -> Vec<Ints> {
    let of = |f: fn(&crate::oracle::Trade) -> Option<i64>| market.trades.iter().map(f).collect::<Vec<_>>();
    vec![
        Ints { column: Column::nullable("ts_event", LogicalType::Ts), values: of(|t| Some(t.clock)) },
        Ints { column: Column::nullable("side", LogicalType::Side), values: of(|t| t.side) },
        decimals("price", market.trades.iter().map(|t| Some(t.price)).collect(), market.price_scale),
        decimals("qty", market.trades.iter().map(|t| Some(t.qty)).collect(), market.size_scale),
    ]
}

/// Writes the segments of a table.
pub(crate) fn table(name: &str, columns: &[Ints], layout: Layout) -> Vec<TableReader> {
    let rows = columns[0].values.len();
    let mut segments = Vec::new();
    let mut first = 0;
    while first < rows || segments.is_empty() {
        let end = first.saturating_add(layout.segment_rows).min(rows);
        segments.push(segment(name, columns, first..end, segments.len() as u32, layout));
        first = end;
    }
    segments
}

fn segment(name: &str, columns: &[Ints], rows: std::ops::Range<usize>, number: u32, layout: Layout) -> TableReader {
    // As import does: a column without a value in this file is left out.
    let kept: Vec<&Ints> = columns
        .iter()
        .filter(|c| c.values[rows.clone()].iter().any(Option::is_some) || c.column.name == "ts_event")
        .collect();
    let header = FileHeader {
        table: name.to_owned(),
        key: PartitionKey { venue: "test".to_owned(), security: "X".to_owned(), date: Date(0) },
        channel: String::new(),
        generation: 1,
        segment: number,
        first_row: rows.start as u64,
        clock: layout.clock,
        tz: "UTC".to_owned(),
        date_tz: "UTC".to_owned(),
        block_rows: layout.block_rows,
        group_blocks: 1,
        schema: Schema { columns: kept.iter().map(|c| c.column.clone()).collect() },
    };
    let mut writer = TableWriter::new(Vec::new(), header).unwrap();
    let mut at = rows.start;
    while at < rows.end {
        let end = (at + layout.block_rows as usize).min(rows.end);
        let block: Vec<(Vec<i64>, Vec<u64>)> = kept.iter().map(|c| block(&c.values[at..end])).collect();
        let values: Vec<ColumnValues<'_>> =
            block.iter().map(|(values, validity)| ColumnValues::I64 { values, validity: Some(validity) }).collect();
        writer.push(end - at, &values).unwrap();
        at = end;
    }
    let (bytes, _) = writer.finish(Provenance::default()).unwrap();
    TableReader::open(Arc::new(MemoryFile(bytes))).unwrap()
}

fn block(values: &[Option<i64>]) -> (Vec<i64>, Vec<u64>) {
    let mut validity = vec![0_u64; values.len().div_ceil(64)];
    for (i, v) in values.iter().enumerate() {
        validity[i / 64] |= u64::from(v.is_some()) << (i % 64);
    }
    (values.iter().map(|v| v.unwrap_or(0)).collect(), validity)
}

/// What `run_book` gave: f64 columns as they are, integers as f64.
#[derive(Clone, Debug)]
pub(crate) struct Computed {
    pub(crate) columns: BTreeMap<String, Vec<f64>>,
    pub(crate) report: PartitionReport,
    /// Sizes of the emitted blocks.
    pub(crate) blocks: Vec<usize>,
    /// Blocks of windows that did not fit in memory, by stream.
    pub(crate) spilled: BTreeMap<u32, usize>,
}

impl Computed {
    /// Bits of every value, with one NaN.
    pub(crate) fn bits(&self) -> Vec<(String, Vec<u64>)> {
        let bits = |x: &f64| if x.is_nan() { f64::NAN.to_bits() } else { x.to_bits() };
        self.columns.iter().map(|(name, values)| (name.clone(), values.iter().map(bits).collect())).collect()
    }
}

/// The readers of a market's tables: book, trades.
pub(crate) fn readers(market: &Market, layout: Layout) -> (Vec<TableReader>, Vec<TableReader>) {
    let book = table("book", &book_columns(market), layout);
    let trades = if market.trades.is_empty() { Vec::new() } else { table("trades", &trade_columns(market), layout) };
    (book, trades)
}

/// Writes the market's tables and computes the table `book` of it.
pub(crate) fn compute(market: &Market, config: &FeatureConfig, layout: Layout, simd: Simd) -> Computed {
    let mut arena = Arena::new(config).unwrap();
    arena.set_simd(simd);
    compute_in(market, config, layout, &mut arena)
}

/// The same in an arena that may have been used before.
pub(crate) fn compute_in(market: &Market, config: &FeatureConfig, layout: Layout, arena: &mut Arena) -> Computed {
    let (book, trades) = readers(market, layout);
    let inputs = PartitionInputs {
        book: &book,
        trades: &trades,
        changes: ChangeInputs::default(),
        clock: Clock::Event,
        date_tz: market.date_tz,
        prior: PriorVolume::default(),
    };
    let plan = Plan::new(config, &inputs.shape()).unwrap();
    let mut columns: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    let mut blocks = Vec::new();
    let mut scratch = HeapScratch::default();
    let report = run_book(&inputs, &plan, arena, &mut scratch, &mut |rows, values| {
        blocks.push(rows);
        assert_eq!(values.len(), plan.schema().columns.len());
        for (column, values) in plan.schema().columns.iter().zip(values) {
            let out = columns.entry(column.name.clone()).or_default();
            match values {
                ColumnValues::F64(values) => out.extend_from_slice(values),
                ColumnValues::I64 { values, validity } => {
                    let known = |row: usize| validity.is_none_or(|bits| bits[row / 64] >> (row % 64) & 1 == 1);
                    out.extend(values.iter().enumerate().map(|(i, v)| if known(i) { *v as f64 } else { f64::NAN }));
                }
                ColumnValues::Text { .. } => panic!("no feature is text"),
            }
            assert_eq!(out.len(), blocks.iter().sum::<usize>(), "{}", column.name);
        }
        Ok(())
    })
    .unwrap();
    Computed { columns, report, blocks, spilled: scratch.written }
}

/// Scratch of windows on the heap; strict about what may be read.
#[derive(Debug, Default)]
pub(crate) struct HeapScratch {
    blocks: BTreeMap<(u32, u64), Vec<u64>>,
    written: BTreeMap<u32, usize>,
}

impl WindowScratch for HeapScratch {
    fn clear(&mut self) -> Result<()> {
        self.blocks.clear();
        Ok(())
    }

    fn write(&mut self, stream: u32, block: u64, words: &[u64]) -> Result<()> {
        *self.written.entry(stream).or_default() += 1;
        self.blocks.insert((stream, block), words.to_vec());
        Ok(())
    }

    fn read(&mut self, stream: u32, block: u64, words: &mut [u64]) -> Result<()> {
        let found = self.blocks.get(&(stream, block));
        words.copy_from_slice(found.ok_or_else(|| Error::damage("scratch", "a block", format!("{stream} {block}")))?);
        Ok(())
    }

    fn release(&mut self, stream: u32, below: u64) {
        self.blocks.retain(|(of, block), _| *of != stream || *block >= below);
    }
}
