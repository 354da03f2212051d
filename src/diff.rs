//! The diff wiring: two tables, column by column, row by row.
//!
//! In come the segments of two tables and a [`Tolerance`]; out comes a [`TableDiff`] that says of every column whether
//! it is in both, of one type, and how many rows differ, the first of them with its values. Rows are matched by their
//! position. Decimals are compared as exact numbers whatever their scale, doubles by their bits or within the
//! tolerance. Memory: a block of one column of each side.

mod cursor;

use crate::error::Result;
use crate::read::TableReader;
use crate::schema::{Column, LogicalType};
use crate::sink::rows::Cell;
use cursor::ColumnCursor;

/// How far apart numbers may be and still count as equal: `|a - b| <= absolute + relative * max(|a|, |b|)`. The default
/// takes only the same value; of doubles, only the same bits.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tolerance {
    /// In the column's unit.
    pub absolute: f64,
    /// A share.
    pub relative: f64,
}

impl Tolerance {
    fn is_exact(self) -> bool {
        self.absolute == 0.0 && self.relative == 0.0
    }
}

/// What was found of a column.
#[derive(Clone, Debug, PartialEq)]
pub enum ColumnState {
    /// The same in every row that both tables have.
    Same,
    /// Some rows differ.
    Different {
        /// How many.
        rows: u64,
        /// The first of them, from 0.
        first_row: u64,
        /// Its two cells; `None` is missing.
        cells: (Option<String>, Option<String>),
        /// Largest absolute difference of numbers, rounded to a double.
        largest: f64,
    },
    /// Only the first table has it.
    OnlyInA,
    /// Only the second table has it.
    OnlyInB,
    /// The types differ; values are not compared.
    Types(LogicalType, LogicalType),
}

/// A column with what was found.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnDiff {
    /// Its name.
    pub name: String,
    /// What was found.
    pub state: ColumnState,
}

/// Two tables compared.
#[derive(Clone, Debug, PartialEq)]
pub struct TableDiff {
    /// Rows of both.
    pub rows: (u64, u64),
    /// Every column of either, those of the first table first.
    pub columns: Vec<ColumnDiff>,
}

impl TableDiff {
    /// True if nothing differs.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.rows.0 == self.rows.1 && self.columns.iter().all(|column| column.state == ColumnState::Same)
    }
}

/// Compares two tables, each given by its segments in row order. With `wanted`, only these columns.
///
/// # Errors
/// `Damage`, `Io`.
pub fn compare(a: &[TableReader], b: &[TableReader], tolerance: Tolerance, wanted: &[String]) -> Result<TableDiff> {
    let schema = |files: &[TableReader]| -> Vec<Column> {
        let columns = files.last().map(|file| file.header().schema.columns.clone()).unwrap_or_default();
        columns.into_iter().filter(|c| wanted.is_empty() || wanted.contains(&c.name)).collect()
    };
    let rows = |files: &[TableReader]| files.iter().map(TableReader::rows).sum::<u64>();
    let (in_a, in_b) = (schema(a), schema(b));
    let mut columns = Vec::new();
    for column in &in_a {
        let state = match in_b.iter().find(|c| c.name == column.name) {
            None => ColumnState::OnlyInA,
            Some(other) if other.logical_type != column.logical_type => {
                ColumnState::Types(column.logical_type, other.logical_type)
            }
            Some(_) => compare_column(a, b, &column.name, tolerance)?,
        };
        columns.push(ColumnDiff { name: column.name.clone(), state });
    }
    for column in in_b.iter().filter(|c| !in_a.iter().any(|known| known.name == c.name)) {
        columns.push(ColumnDiff { name: column.name.clone(), state: ColumnState::OnlyInB });
    }
    Ok(TableDiff { rows: (rows(a), rows(b)), columns })
}

/// Compares one column over the rows that both have.
fn compare_column(a: &[TableReader], b: &[TableReader], name: &str, tolerance: Tolerance) -> Result<ColumnState> {
    let (mut left, mut right) = (ColumnCursor::new(a, name), ColumnCursor::new(b, name));
    let mut found: Option<ColumnState> = None;
    let mut row = 0_u64;
    while left.load()? && right.load()? {
        for _ in 0..left.ready().min(right.ready()) {
            let (x, y) = (left.take(), right.take());
            let apart = distance(x, y, tolerance);
            if let Some(apart) = apart {
                match &mut found {
                    Some(ColumnState::Different { rows, largest, .. }) => {
                        *rows += 1;
                        *largest = largest.max(apart);
                    }
                    _ => {
                        let cells = (text(x), text(y));
                        found = Some(ColumnState::Different { rows: 1, first_row: row, cells, largest: apart });
                    }
                }
            }
            row += 1;
        }
    }
    Ok(found.unwrap_or(ColumnState::Same))
}

/// How far apart two cells are that differ; `None` for cells that count as equal. Cells that are no numbers are 0 apart.
fn distance(a: Cell<'_>, b: Cell<'_>, tolerance: Tolerance) -> Option<f64> {
    if let (Cell::Float(x), Cell::Float(y)) = (a, b) {
        if x.to_bits() == y.to_bits() {
            return None;
        }
        return within(x - y, x, y, tolerance);
    }
    let (Some((x, x_scale)), Some((y, y_scale))) = (exact(a), exact(b)) else {
        return if a == b { None } else { Some(0.0) };
    };
    let scale = x_scale.max(y_scale);
    let at = |value: i128, own: u32| value * 10_i128.pow(scale - own);
    let (x, y) = (at(x, x_scale), at(y, y_scale));
    if x == y {
        return None;
    }
    let unit = 10_f64.powi(scale.cast_signed());
    within((x - y) as f64 / unit, x as f64 / unit, y as f64 / unit, tolerance)
}

fn within(apart: f64, x: f64, y: f64, tolerance: Tolerance) -> Option<f64> {
    let room = tolerance.absolute + tolerance.relative * x.abs().max(y.abs());
    // Nothing is near infinity, whatever the share of it.
    let is_near = !tolerance.is_exact() && apart.is_finite() && apart.abs() <= room;
    (!is_near).then_some(apart.abs())
}

/// A number as a whole number and its decimals; mantissas of 63 bits leave room for 18 more digits.
fn exact(cell: Cell<'_>) -> Option<(i128, u32)> {
    match cell {
        Cell::Integer(value) | Cell::Time(value) => Some((i128::from(value), 0)),
        Cell::Unsigned(value) => Some((i128::from(value), 0)),
        Cell::Decimal(value) => Some((i128::from(value.mantissa), u32::from(value.scale.min(18)))),
        Cell::Missing | Cell::Float(_) | Cell::Text(_) => None,
    }
}

fn text(cell: Cell<'_>) -> Option<String> {
    match cell {
        Cell::Missing => None,
        Cell::Integer(value) | Cell::Time(value) => Some(value.to_string()),
        Cell::Unsigned(value) => Some(value.to_string()),
        Cell::Decimal(value) => Some(value.to_string()),
        Cell::Float(value) => Some(format!("{value:?}")),
        Cell::Text(text) => Some(String::from_utf8_lossy(text).into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Decimal;

    fn decimal(mantissa: i64, scale: u8) -> Cell<'static> {
        Cell::Decimal(Decimal { mantissa, scale })
    }

    #[test]
    fn numbers_are_compared_exactly_or_within_the_tolerance() {
        let none = Tolerance::default();
        let near = Tolerance { absolute: 0.01, relative: 0.0 };
        let share = Tolerance { absolute: 0.0, relative: 0.1 };
        assert_eq!(distance(decimal(15, 1), decimal(1500, 3), none), None);
        assert_eq!(distance(decimal(15, 1), decimal(1501, 3), none), Some(0.001));
        assert_eq!(distance(decimal(15, 1), decimal(1501, 3), near), None);
        assert_eq!(distance(decimal(i64::MAX, 0), decimal(i64::MAX - 1, 0), none), Some(1.0));
        assert_eq!(distance(Cell::Unsigned(u64::MAX), Cell::Unsigned(u64::MAX), none), None);
        assert_eq!(distance(Cell::Float(0.0), Cell::Float(-0.0), none), Some(0.0));
        assert_eq!(distance(Cell::Float(0.0), Cell::Float(-0.0), near), None);
        assert_eq!(distance(Cell::Float(100.0), Cell::Float(109.0), share), None);
        assert_eq!(distance(Cell::Float(100.0), Cell::Float(112.0), share), Some(12.0));
        assert_eq!(distance(Cell::Missing, Cell::Missing, near), None);
        assert_eq!(distance(Cell::Missing, decimal(0, 0), near), Some(0.0));
        assert_eq!(distance(Cell::Text(b"a"), Cell::Text(b"b"), near), Some(0.0));
        assert_eq!(distance(Cell::Float(f64::INFINITY), Cell::Float(1.0), share), Some(f64::INFINITY));
    }
}
