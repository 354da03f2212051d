//! Which columns, and which rows by their clock.

use super::cells::{BlockCells, Cell};
use crate::error::{Error, Result};
use crate::read::TableReader;

/// Columns by name, and a range of clocks. The default is everything.
#[derive(Clone, Debug, Default)]
pub struct RowSelection {
    columns: Vec<String>,
    first: Option<i64>,
    end: Option<i64>,
}

impl RowSelection {
    /// These columns in this order, all if there are none; rows whose clock is at least `first` and below `end`, in
    /// nanoseconds since the epoch.
    #[must_use]
    pub fn new(columns: &[String], first: Option<i64>, end: Option<i64>) -> Self {
        Self { columns: columns.to_vec(), first, end }
    }

    /// True if every row of every table is wanted whole.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.columns.is_empty() && self.first.is_none() && self.end.is_none()
    }

    /// The numbers of the chosen columns in a table, in the order asked for.
    ///
    /// # Errors
    /// `Usage` naming a column that the table does not have.
    pub fn columns(&self, table: &TableReader) -> Result<Vec<usize>> {
        let schema = &table.header().schema;
        if self.columns.is_empty() {
            return Ok((0..schema.columns.len()).collect());
        }
        let found = self.columns.iter().map(|name| {
            schema.index_of(name).ok_or_else(|| {
                let all: Vec<&str> = schema.columns.iter().map(|c| c.name.as_str()).collect();
                let of = &table.header().table;
                Error::usage(format!("table {of} has no column {name}"), format!("it has {}", all.join(", ")))
            })
        });
        found.collect()
    }

    /// Calls `each` with the chosen columns' cells and the row of each wanted row until it returns false. Returns false
    /// if it did. Blocks whose clocks lie outside by the index are not read.
    ///
    /// # Errors
    /// `Damage`, `Io`, `Usage` for a column or a clock that the table does not have, and what `each` returns.
    pub fn visit(
        &self,
        table: &TableReader,
        cells: &mut BlockCells,
        each: &mut dyn FnMut(&BlockCells, usize) -> Result<bool>,
    ) -> Result<bool> {
        let mut columns = self.columns(table)?;
        let clock = self.clock(table)?;
        // The clock is read behind the columns asked for.
        columns.extend(clock);
        let clock_at = columns.len() - 1;
        for block in 0..table.block_count() {
            if clock.is_some_and(|clock| self.is_outside(table, block, clock)) {
                continue;
            }
            cells.read(table, block, &columns)?;
            for row in 0..cells.rows() {
                let wanted = clock.is_none() || self.is_wanted(cells.cell(clock_at, row));
                if wanted && !each(cells, row)? {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// The column that the range is about, if one was given.
    fn clock(&self, table: &TableReader) -> Result<Option<usize>> {
        if self.first.is_none() && self.end.is_none() {
            return Ok(None);
        }
        let schema = &table.header().schema;
        let name = format!("ts_{}", table.header().clock.name());
        let found = schema.index_of(&name).or_else(|| schema.index_of("ts_open"));
        found
            .map(Some)
            .ok_or_else(|| Error::usage("the table has no clock", "leave --from and --to out, or give dates"))
    }

    fn is_outside(&self, table: &TableReader, block: usize, clock: usize) -> bool {
        let entry = table.entry(block, clock);
        entry.nulls == 0
            && (self.first.is_some_and(|first| entry.max.cast_signed() < first)
                || self.end.is_some_and(|end| entry.min.cast_signed() >= end))
    }

    fn is_wanted(&self, clock: Cell<'_>) -> bool {
        let Cell::Time(at) = clock else { return false };
        self.first.is_none_or(|first| at >= first) && self.end.is_none_or(|end| at < end)
    }
}
