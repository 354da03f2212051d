//! A table whose rows are encoded already: its blocks go into the file as they are, but for columns that turned out to
//! need another scale or other source ordinals, which are encoded again.

use super::plan::{Action, Mixing, TablePlan};
use crate::codec::ColumnValues;
use crate::codec::Encoded;
use crate::error::Result;
use crate::exec::Interrupt;
use crate::format::BlockEntry;
use crate::limits::BLOCK_ROWS;
use crate::partition::{BlockBuilder, BlockIndex, Cell, CellReader, ColumnRun, Facts, Role, Run, Section, cell_bytes};
use crate::schema::{Column, LogicalType};
use crate::storage::WriteFile;
use crate::units::POW10;
use crate::write::{Piece, TableWriter};

/// The encoded section that is all a table gets, if it can be taken over.
pub(crate) fn takeover<'p>(plan: &'p TablePlan<'_>) -> Option<(&'p ColumnRun, &'p Section)> {
    let [part] = plan.parts.as_slice() else { return None };
    let Run::Columns(run) = part.run else { return None };
    let section = &part.section;
    let mut facts = Facts::default();
    for (source, theirs) in &section.facts {
        plan.ordinals.get(*source as usize).copied().flatten()?;
        facts.merge(theirs);
    }
    let columns = &plan.shape.schema.columns;
    let whole = !matches!(plan.action, Action::Rewrite(_))
        && plan.mixing == Mixing::Both
        && section.id.sequenced == plan.sequenced
        && plan.shape.fits(&facts, section.id.sequenced)
        && BlockBuilder::block_rows(columns.len()) == BLOCK_ROWS
        && columns.iter().all(|column| column.logical_type != LogicalType::Text);
    whole.then_some((run, section))
}

/// Writes the blocks of a section that [`takeover`] gave.
///
/// # Errors
/// `Io`, `Damage` of the scratch file, `Interrupted`.
pub(crate) fn write_blocks(
    (run, section): (&ColumnRun, &Section),
    plan: &TablePlan<'_>,
    first_row: u64,
    interrupt: &Interrupt,
    writer: &mut TableWriter<&mut Box<dyn WriteFile>>,
) -> Result<u64> {
    let ordinal = |source: u32| plan.ordinals.get(source as usize).copied().flatten();
    let mut taker = Taker {
        plan,
        renumbered: section.facts.iter().any(|(source, _)| ordinal(*source) != Some(*source)),
        moved: first_row != 0,
        cells: CellReader::default(),
        columns: vec![Again::default(); plan.shape.roles.len()],
    };
    let mut buffer = Vec::new();
    let mut duplicates = 0;
    for block in run.blocks(section) {
        interrupt.check()?;
        let (index, bytes) = run.read(block, &mut buffer)?;
        taker.take((block.rows, &index), bytes, writer)?;
        duplicates += block.duplicates;
    }
    Ok(duplicates)
}

/// A column's values, when they are encoded again.
#[derive(Clone, Debug, Default)]
struct Again {
    values: Vec<i64>,
    validity: Vec<u64>,
    nulls: bool,
}

struct Taker<'p> {
    plan: &'p TablePlan<'p>,
    /// Ordinals in the partition are others than in the import.
    renumbered: bool,
    /// Rows have other numbers than the digests were made for.
    moved: bool,
    cells: CellReader,
    columns: Vec<Again>,
}

impl Taker<'_> {
    fn take(
        &mut self,
        (rows, index): (usize, &BlockIndex),
        bytes: &[u8],
        writer: &mut TableWriter<&mut Box<dyn WriteFile>>,
    ) -> Result<()> {
        let shape = &self.plan.shape;
        let mut found: Vec<Option<&Cell>> = Vec::with_capacity(shape.roles.len());
        let mut left = index.cells.iter().peekable();
        for (number, (role, column)) in shape.roles.iter().zip(&shape.schema.columns).enumerate() {
            // Both stand in column order; the block may lack columns that others have.
            let cell = left.next_if(|cell| cell.role == *role);
            if cell.is_some_and(|cell| self.stays(cell, column)) {
                found.push(cell);
            } else {
                self.again(number, rows, cell, bytes)?;
                found.push(None);
            }
        }
        let mut pieces = Vec::with_capacity(found.len());
        for (cell, again) in found.into_iter().zip(&self.columns) {
            pieces.push(match cell {
                Some(cell) => Piece::Encoded {
                    encoded: Encoded { entry: BlockEntry { offset: 0, ..cell.entry }, digest: cell.digest },
                    bytes: cell_bytes(cell, bytes)?,
                },
                None => Piece::Values(ColumnValues::I64 {
                    values: &again.values,
                    validity: again.nulls.then_some(again.validity.as_slice()),
                }),
            });
        }
        writer.push_pieces(rows, pieces.into_iter())
    }

    /// Whether a cell's bytes are the column's bytes.
    fn stays(&self, cell: &Cell, column: &Column) -> bool {
        let scale = column.logical_type != LogicalType::Decimal || column.scale == cell.scale;
        scale && !self.moved && !(self.renumbered && cell.role == Role::Source)
    }

    /// Decodes a cell, or makes a column without values, at the column's scale and with the partition's ordinals.
    fn again(&mut self, number: usize, rows: usize, cell: Option<&Cell>, bytes: &[u8]) -> Result<()> {
        let again = &mut self.columns[number];
        again.values.clear();
        again.values.resize(rows, 0);
        again.validity.clear();
        again.validity.resize(rows.div_ceil(64), 0);
        again.nulls = true;
        let Some(cell) = cell else { return Ok(()) };
        self.cells.read_raw(self.plan.table, cell, bytes, &mut again.values, &mut again.validity)?;
        again.nulls = cell.entry.nulls > 0;
        let scale = self.plan.shape.schema.columns[number].scale;
        match cell.role {
            Role::Decimal(_) if scale > cell.scale => {
                // The facts say that every value fits.
                let factor = POW10[usize::from(scale - cell.scale)];
                again.values.iter_mut().for_each(|v| *v = v.wrapping_mul(factor));
            }
            Role::Source => {
                let ordinals = &self.plan.ordinals;
                let ordinal = |source: i64| ordinals.get(source as usize).copied().flatten().unwrap_or(u32::MAX);
                again.values.iter_mut().for_each(|v| *v = i64::from(ordinal(*v)));
            }
            _ => {}
        }
        Ok(())
    }
}
