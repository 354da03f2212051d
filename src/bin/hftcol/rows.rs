//! Rows of a table as text cells: exact decimals, shortest doubles, empty for what is missing.

use hftcol::codec::TextBlock;
use hftcol::error::{Error, Result};
use hftcol::read::{BlockScratch, TableReader};
use hftcol::schema::{Column, LogicalType};
use hftcol::units::Decimal;

use crate::words::show_time;

/// How timestamps are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Times {
    /// Nanoseconds since the epoch.
    Nanos,
    /// ISO 8601 in UTC.
    Iso,
}

/// Reads the chosen columns of table files block by block.
#[derive(Debug)]
pub(crate) struct Rows {
    wanted: Vec<String>,
    clocks: (Option<i64>, Option<i64>),
    times: Times,
    scratch: BlockScratch,
}

/// One column of one block.
#[derive(Debug)]
enum Cells {
    Ints(Vec<i64>, Vec<u64>),
    Floats(Vec<f64>),
    Texts(TextBlock, Vec<u64>),
}

impl Rows {
    /// `wanted` columns, all if empty; rows whose clock is in `clocks` (first, end).
    pub(crate) fn new(wanted: &[String], clocks: (Option<i64>, Option<i64>), times: Times) -> Self {
        Self { wanted: wanted.to_vec(), clocks, times, scratch: BlockScratch::default() }
    }

    /// The chosen columns of a file, in the order asked for.
    ///
    /// # Errors
    /// `Usage` naming a column that the table does not have.
    pub(crate) fn columns(&self, reader: &TableReader) -> Result<Vec<usize>> {
        let schema = &reader.header().schema;
        if self.wanted.is_empty() {
            return Ok((0..schema.columns.len()).collect());
        }
        let found = self.wanted.iter().map(|name| {
            schema.index_of(name).ok_or_else(|| {
                let all: Vec<&str> = schema.columns.iter().map(|c| c.name.as_str()).collect();
                let table = &reader.header().table;
                Error::usage(format!("table {table} has no column {name}"), format!("it has {}", all.join(", ")))
            })
        });
        found.collect()
    }

    /// Calls `each` with the cells of every wanted row until it returns false. Returns false if it did.
    ///
    /// # Errors
    /// `Damage`, `Io`, and what `each` returns.
    pub(crate) fn visit(
        &mut self,
        reader: &TableReader,
        each: &mut dyn FnMut(&[Option<String>]) -> Result<bool>,
    ) -> Result<bool> {
        let columns = self.columns(reader)?;
        let clock = self.clock_column(reader)?;
        let mut row = Vec::with_capacity(columns.len());
        for block in 0..reader.block_count() {
            if clock.is_some_and(|column| self.is_outside(reader, block, column)) {
                continue;
            }
            let clocks = clock.map(|column| self.read(reader, block, column)).transpose()?;
            let cells: Vec<Cells> =
                columns.iter().map(|column| self.read(reader, block, *column)).collect::<Result<_>>()?;
            for at in 0..reader.block_rows(block) {
                if clocks.as_ref().is_some_and(|clocks| !self.is_wanted(clocks, at)) {
                    continue;
                }
                row.clear();
                let schema = &reader.header().schema.columns;
                row.extend(columns.iter().zip(&cells).map(|(column, cells)| self.text(&schema[*column], cells, at)));
                if !each(&row)? {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// The column that a time range is about, if one was given.
    fn clock_column(&self, reader: &TableReader) -> Result<Option<usize>> {
        if self.clocks == (None, None) {
            return Ok(None);
        }
        let schema = &reader.header().schema;
        let name = format!("ts_{}", reader.header().clock.name());
        let found = schema.index_of(&name).or_else(|| schema.index_of("ts_open"));
        found
            .map(Some)
            .ok_or_else(|| Error::usage("the table has no clock", "leave --from and --to out, or give dates"))
    }

    fn is_outside(&self, reader: &TableReader, block: usize, column: usize) -> bool {
        let entry = reader.entry(block, column);
        let (from, to) = self.clocks;
        entry.nulls == 0
            && (from.is_some_and(|from| entry.max.cast_signed() < from)
                || to.is_some_and(|to| entry.min.cast_signed() >= to))
    }

    fn is_wanted(&self, clocks: &Cells, row: usize) -> bool {
        let Cells::Ints(values, validity) = clocks else { return true };
        let (from, to) = self.clocks;
        is_valid(validity, row) && from.is_none_or(|from| values[row] >= from) && to.is_none_or(|to| values[row] < to)
    }

    fn read(&mut self, reader: &TableReader, block: usize, column: usize) -> Result<Cells> {
        let rows = reader.block_rows(block);
        let mut validity = vec![0; rows.div_ceil(64)];
        match reader.header().schema.columns[column].logical_type {
            LogicalType::F64 => {
                let mut values = vec![0.0; rows];
                reader.read_f64(block, column, &mut self.scratch, &mut values)?;
                Ok(Cells::Floats(values))
            }
            LogicalType::Text => {
                let mut values = TextBlock::default();
                reader.read_text(block, column, &mut self.scratch, &mut values, &mut validity)?;
                Ok(Cells::Texts(values, validity))
            }
            _ => {
                let mut values = vec![0; rows];
                reader.read_i64(block, column, &mut self.scratch, &mut values, &mut validity)?;
                Ok(Cells::Ints(values, validity))
            }
        }
    }

    /// A cell's text; `None` is missing.
    fn text(&self, column: &Column, cells: &Cells, row: usize) -> Option<String> {
        match cells {
            Cells::Floats(values) => (!values[row].is_nan()).then(|| shortest(values[row])),
            Cells::Texts(values, validity) => {
                is_valid(validity, row).then(|| String::from_utf8_lossy(values.value(row)).into_owned())
            }
            Cells::Ints(values, validity) => is_valid(validity, row).then(|| self.int_text(column, values[row])),
        }
    }

    fn int_text(&self, column: &Column, value: i64) -> String {
        match column.logical_type {
            LogicalType::Decimal => Decimal { mantissa: value, scale: column.scale }.to_string(),
            LogicalType::U64 => value.cast_unsigned().to_string(),
            LogicalType::Ts if self.times == Times::Iso => show_time(value),
            _ => value.to_string(),
        }
    }
}

/// The shortest text that reads back to the same bits: plain digits, or an exponent where they would be long.
fn shortest(value: f64) -> String {
    let plain = value == 0.0 || (1e-5..1e17).contains(&value.abs());
    if plain { format!("{value}") } else { format!("{value:e}") }
}

fn is_valid(validity: &[u64], row: usize) -> bool {
    validity[row / 64] >> (row % 64) & 1 == 1
}
