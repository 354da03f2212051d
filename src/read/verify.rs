//! Verification: every byte of a file against every rule, beyond what a read checks.

use super::{BlockScratch, TableReader};
use crate::codec::{TextBlock, bits, check};
use crate::error::{Error, Result};
use crate::format::constants::ALIGN;
use crate::format::{digest, rules};
use crate::schema::{BOOK_BUILT, Clock, LogicalType, RawTable};

/// Memory of a verification.
#[derive(Default)]
struct Work {
    scratch: BlockScratch,
    values: Vec<i64>,
    validity: Vec<u64>,
    text: TextBlock,
    gap: Vec<u8>,
}

impl TableReader {
    /// Checks every byte of the file against every rule, statistics and digest included.
    ///
    /// One pass over the file in the order of its bytes; memory of a few blocks.
    ///
    /// # Errors
    /// `Damage` with the first broken rule, `Io`.
    pub fn verify(&self) -> Result<()> {
        let mut work = Work::default();
        let mut sum = 0;
        let clock = self.clock_column();
        let mut last = i64::MIN;
        for (number, entry) in self.meta.footer.blocks.iter().enumerate() {
            let (block, column) = self.meta.shape.place(number);
            let at = |e: Error| e.at_block(number as u64, entry.offset);
            sum = digest::add(sum, self.verify_block(block, column, &mut work).map_err(at)?);
            self.verify_gap(number, &mut work.gap).map_err(at)?;
            if clock == Some(column) {
                last = rising(entry.nulls, last, &work.values[..entry.rows as usize]).map_err(at)?;
            }
        }
        let stored = self.meta.footer.content_digest;
        if sum != stored {
            return Err(Error::damage(rules::CONTENT_DIGEST, format!("{sum:032x}"), format!("{stored:032x}")));
        }
        Ok(())
    }

    /// Checks one block and returns its digest; leaves the words of a number column in `work.values`.
    fn verify_block(&self, block: usize, column: usize, work: &mut Work) -> Result<u128> {
        let at = self.locate(block, column, usize::MAX)?;
        let rows = at.entry.rows as usize;
        let first_row = self.meta.header.first_row.wrapping_add(block as u64 * u64::from(self.meta.shape.block_rows));
        work.values.resize(rows, 0);
        work.validity.resize(bits::words(rows), 0);
        let BlockScratch { bytes, decode } = &mut work.scratch;
        let bytes = self.fetch(at, bytes)?;
        let place = check::Place { column: at.column, entry: at.entry, first_row };
        if at.column.logical_type == LogicalType::Text {
            return check::text(place, bytes, decode, &mut work.text, &mut work.validity);
        }
        check::numbers(place, bytes, decode, &mut work.values, &mut work.validity)
    }

    /// Checks that the bytes from the end of a block to the next multiple of 64 are zero.
    fn verify_gap(&self, number: usize, gap: &mut Vec<u8>) -> Result<()> {
        let entry = &self.meta.footer.blocks[number];
        let end = entry.offset + u64::from(entry.length);
        let length = usize::try_from(end.next_multiple_of(ALIGN as u64) - end).unwrap_or(ALIGN);
        gap.resize(length, 0);
        self.source.read_at(end, gap)?;
        match gap.iter().position(|b| *b != 0) {
            None => Ok(()),
            Some(at) => Err(Error::damage(rules::GAP_ZERO, "zeros after the block", format!("byte {at} is not"))),
        }
    }

    /// The column that orders the rows, in a raw table that has it.
    fn clock_column(&self) -> Option<usize> {
        let header = &self.meta.header;
        if header.table != BOOK_BUILT {
            RawTable::from_name(&header.table)?;
        }
        let name = match header.clock {
            Clock::Event => "ts_event",
            Clock::Recv => "ts_recv",
        };
        let column = header.schema.index_of(name)?;
        (header.schema.columns[column].logical_type == LogicalType::Ts).then_some(column)
    }
}

/// Checks that a clock goes on from `last` without nulls and without falling; returns where it ends.
fn rising(nulls: u32, last: i64, values: &[i64]) -> Result<i64> {
    let first = values.first().copied().unwrap_or(last);
    if nulls == 0 && first >= last && values.is_sorted() {
        return Ok(values.last().copied().unwrap_or(last));
    }
    Err(Error::damage(rules::ROW_ORDER, "a clock without nulls that never falls", format!("{nulls} nulls, or a fall")))
}
