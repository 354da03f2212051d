//! A sealed block as open rows again: a section that was put aside gets more rows.

use super::index::BlockIndex;
use super::open::{CLOCK, OpenRows, SUB};
use super::run::CellReader;
use super::seal::{Sealed, number_of};
use super::spill::Spill;
use crate::error::Result;
use crate::normalize::SCALE_NULL;
use crate::partition::row::RowOrder;
use crate::partition::schema::Role;

/// Fills an empty buffer of the section's table with the rows of a block.
///
/// # Errors
/// `Damage`, `Io` of the scratch file.
pub(super) fn reopen(
    block: &Sealed,
    floor: Option<RowOrder>,
    cells: &mut CellReader,
    spill: &Spill,
    open: &mut OpenRows,
) -> Result<()> {
    let mut buffer = Vec::new();
    let bytes = spill.read(&block.place, &mut buffer)?;
    let index = BlockIndex::parse(bytes)?;
    let table = open.table;
    for cell in &index.cells {
        if let Role::Decimal(k) = cell.role {
            open.scales[k] = cell.scale;
        }
    }
    let numbers: Vec<usize> =
        [CLOCK, SUB].into_iter().chain(index.cells.iter().map(|cell| number_of(table, cell.role))).collect();
    open.refill(block.rows, floor, |number, column| {
        column.fill(super::open::NULL);
        match numbers.iter().position(|n| *n == number).and_then(|at| index.all().nth(at)) {
            Some(cell) => cells.read(table, cell, bytes, column),
            None => Ok(()),
        }
    })?;
    debug_assert!(open.scales.iter().all(|scale| *scale == SCALE_NULL || *scale <= crate::limits::DECIMAL_SCALE));
    Ok(())
}
