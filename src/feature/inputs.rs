//! The stored tables of one partition, and what a plan must know of them.

use crate::feature::plan::{KeyShape, PartitionShape};
use crate::read::TableReader;
use crate::schema::{Clock, book_level_columns};

/// The stored tables of one partition.
#[derive(Clone, Copy, Debug)]
pub struct PartitionInputs<'a> {
    /// Segments in order of the table that serves as the book: `book`, `book_built`, or `quotes` (B6, decision 11).
    pub book: &'a [TableReader],
    /// Segments in order of `trades`; empty if the partition has none.
    pub trades: &'a [TableReader],
    /// The run's clock; see [`PartitionInputs::common_clock`].
    pub clock: Clock,
    /// IANA name of the partition's zone, for the calendar columns.
    pub date_tz: &'a str,
}

impl PartitionInputs<'_> {
    /// The shape that the plan needs.
    #[must_use]
    pub fn shape(&self) -> PartitionShape {
        let levels = self.book.iter().map(stored_levels).max().unwrap_or(0);
        let key = |name| {
            let present = |reader: &TableReader| nulls(reader, name) == 0;
            let stored = |reader: &TableReader| reader.header().schema.index_of(name).is_some();
            match (self.book.iter().all(present), self.book.iter().any(stored)) {
                (true, true) => KeyShape::Present,
                (false, true) => KeyShape::Nullable,
                (_, false) => KeyShape::Absent,
            }
        };
        PartitionShape { levels, ts_event: key("ts_event"), ts_recv: key("ts_recv"), sequence: key("sequence") }
    }

    /// The clock of a partition when the user names none: event if every table has it in every row, else recv (B4,
    /// decision 10).
    #[must_use]
    pub fn common_clock(book: &[TableReader], trades: &[TableReader]) -> Clock {
        let event = book.iter().chain(trades).all(|reader| nulls(reader, "ts_event") == 0);
        if event { Clock::Event } else { Clock::Recv }
    }
}

/// Rows of a file without a value in a column.
fn nulls(reader: &TableReader, column: &str) -> u64 {
    match reader.header().schema.index_of(column) {
        Some(index) => (0..reader.block_count()).map(|block| u64::from(reader.entry(block, index).nulls)).sum(),
        None => reader.rows(),
    }
}

/// Levels of which any column is stored.
fn stored_levels(reader: &TableReader) -> u16 {
    let columns = &reader.header().schema.columns;
    let count = u16::try_from(columns.len()).unwrap_or(u16::MAX);
    let mut levels = 0;
    for (level, names) in (0..count).zip(book_level_columns(count).chunks(4)) {
        if columns.iter().any(|column| names.contains(&column.name)) {
            levels = level + 1;
        }
    }
    levels
}
