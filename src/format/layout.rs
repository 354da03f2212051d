//! Where blocks lie: group by group, in each group column by column, in each column block by block, without gap or overlap.

use super::constants::ALIGN;
use super::{FileHeader, Footer, rules};
use crate::error::{Error, Result};
use crate::limits;

/// The shape of a file: how rows fall into blocks and blocks into the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Rows of the file.
    pub rows: u64,
    /// Rows of a block.
    pub block_rows: u32,
    /// Blocks of a group.
    pub group_blocks: u32,
    /// Columns.
    pub columns: usize,
}

impl Shape {
    /// The shape of a header with a row count.
    #[must_use]
    pub fn of(header: &FileHeader, rows: u64) -> Self {
        Self {
            rows,
            block_rows: header.block_rows,
            group_blocks: header.group_blocks,
            columns: header.schema.columns.len(),
        }
    }

    /// Row blocks of the file.
    #[must_use]
    pub fn row_blocks(&self) -> usize {
        usize::try_from(self.rows.div_ceil(u64::from(self.block_rows))).unwrap_or(usize::MAX)
    }

    /// Rows of a row block: `block_rows`, for the last one what is left, beyond it 0.
    #[must_use]
    pub fn rows_of(&self, block: usize) -> usize {
        let before = (block as u64).saturating_mul(u64::from(self.block_rows));
        let left = self.rows.saturating_sub(before).min(u64::from(self.block_rows));
        usize::try_from(left).unwrap_or(0)
    }

    /// Position in the index of a block of a column.
    #[must_use]
    pub fn index(&self, block: usize, column: usize) -> usize {
        let group_blocks = self.group_blocks as usize;
        let first = block - block % group_blocks;
        let in_group = (self.row_blocks() - first).min(group_blocks);
        first * self.columns + column * in_group + (block - first)
    }

    /// Row block and column of a position in the index.
    #[must_use]
    pub fn place(&self, index: usize) -> (usize, usize) {
        let per_group = self.group_blocks as usize * self.columns;
        let first = index / per_group * self.group_blocks as usize;
        let in_group = (self.row_blocks() - first).min(self.group_blocks as usize);
        let inside = index % per_group;
        (first + inside % in_group, inside / in_group)
    }
}

/// Checks every index entry against header and footer: nothing is read from a block before this.
///
/// # Errors
/// `Damage` with the rule and the block.
pub fn check(header: &FileHeader, footer: &Footer, header_len: u64, footer_offset: u64) -> Result<()> {
    let shape = Shape::of(header, footer.rows);
    let mut next = header_len;
    for (number, entry) in footer.blocks.iter().enumerate() {
        let at = |e: Error| e.at_block(number as u64, entry.offset);
        let (block, column) = shape.place(number);
        if entry.offset != next {
            let got = entry.offset.to_string();
            return Err(at(Error::damage(rules::BLOCK_OFFSET, format!("offset {next}"), got)));
        }
        let end = next.checked_add(u64::from(entry.length)).filter(|end| *end <= footer_offset);
        let (Some(end), 1..=limits::BLOCK_BYTES) = (end, entry.length) else {
            let expected = format!("1 to {} bytes before {footer_offset}", limits::BLOCK_BYTES);
            return Err(at(Error::damage(rules::BLOCK_LENGTH, expected, entry.length.to_string())));
        };
        let rows = shape.rows_of(block);
        if entry.rows as usize != rows {
            return Err(at(Error::damage(rules::BLOCK_ROW_COUNT, format!("{rows} rows"), entry.rows.to_string())));
        }
        entry.check_values(&header.schema.columns[column]).map_err(at)?;
        next = end.next_multiple_of(ALIGN as u64);
    }
    if next != footer_offset {
        return Err(Error::damage(rules::BLOCK_OFFSET, format!("the footer at {next}"), footer_offset.to_string()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn index_and_place_are_inverse() {
        for rows in [1_u64, 64, 65, 640, 641, 1_000] {
            let shape = Shape { rows, block_rows: 64, group_blocks: 4, columns: 3 };
            let mut seen = vec![false; shape.row_blocks() * 3];
            for block in 0..shape.row_blocks() {
                for column in 0..3 {
                    let index = shape.index(block, column);
                    assert_eq!(shape.place(index), (block, column), "{rows} rows");
                    assert!(!std::mem::replace(&mut seen[index], true));
                }
            }
            assert!(seen.iter().all(|s| *s));
        }
    }

    #[test]
    fn rows_of_the_last_block() {
        let shape = Shape { rows: 130, block_rows: 64, group_blocks: 1, columns: 1 };
        assert_eq!([0, 1, 2, 3].map(|b| shape.rows_of(b)), [64, 64, 2, 0]);
    }
}
