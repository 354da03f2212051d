//! The stored tables of one partition, and what a plan must know of them.

use crate::feature::Stored;
use crate::feature::plan::{KeyShape, PartitionShape};
use crate::feature::vpin::PriorVolume;
use crate::read::TableReader;
use crate::schema::{Clock, book_level_columns};
use crate::units::Date;

/// The stored tables of one partition.
#[derive(Clone, Copy, Debug)]
pub struct PartitionInputs<'a> {
    /// Segments in order of the table that serves as the book: `book`, `book_built`, or `quotes` (B6, decision 11).
    pub book: &'a [TableReader],
    /// Segments in order of `trades`; empty if the partition has none.
    pub trades: &'a [TableReader],
    /// Stored changes.
    pub changes: ChangeInputs<'a>,
    /// The run's clock; see [`PartitionInputs::common_clock`].
    pub clock: Clock,
    /// IANA name of the partition's zone, for the calendar columns.
    pub date_tz: &'a str,
    /// Volume of earlier dates, for `vpin.bucket_volume = "prior/n"`.
    pub prior: PriorVolume,
}

/// The stored changes of one partition: what order metrics and the event flow are made of.
#[derive(Clone, Copy, Debug, Default)]
pub struct ChangeInputs<'a> {
    /// Segments in order of `orders`; empty if the partition has none or none are wanted.
    pub orders: &'a [TableReader],
    /// Segments in order of `deltas`.
    pub deltas: &'a [TableReader],
    /// `deltas` of the earlier dates that the book begins with, the oldest first.
    pub before: &'a [Vec<TableReader>],
}

/// What the output's columns depend on, over all tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TableShape {
    /// The book's.
    pub book: PartitionShape,
    /// Which inputs there are.
    pub stored: Stored,
    /// `ts_event` and `ts_recv` of the trades.
    pub trade_keys: [KeyShape; 2],
}

impl TableShape {
    /// The shape with the most columns.
    pub(crate) fn largest(levels: u16) -> Self {
        let (ts_event, ts_recv, sequence) = (KeyShape::Present, KeyShape::Present, KeyShape::Present);
        let book = PartitionShape { levels, ts_event, ts_recv, sequence };
        Self { book, stored: Stored::ALL, trade_keys: [KeyShape::Present; 2] }
    }
}

impl PartitionInputs<'_> {
    /// The shape that the plan needs.
    #[must_use]
    pub fn shape(&self) -> PartitionShape {
        let levels = self.book.iter().map(stored_levels).max().unwrap_or(0);
        let key = |name| key_shape(self.book, name);
        PartitionShape { levels, ts_event: key("ts_event"), ts_recv: key("ts_recv"), sequence: key("sequence") }
    }

    /// The shape that a plan of all tables needs.
    #[must_use]
    pub fn table_shape(&self) -> TableShape {
        TableShape {
            book: self.shape(),
            stored: Stored {
                book: !self.book.is_empty(),
                trades: !self.trades.is_empty(),
                orders: !self.changes.orders.is_empty(),
                deltas: !self.changes.deltas.is_empty(),
            },
            trade_keys: [key_shape(self.trades, "ts_event"), key_shape(self.trades, "ts_recv")],
        }
    }

    /// The partition's date.
    pub(crate) fn date(&self) -> Date {
        self.readers().next().map_or(Date(0), |reader| reader.header().key.date)
    }

    /// All its files: book, trades, changes.
    pub(crate) fn readers(&self) -> impl Iterator<Item = &TableReader> {
        self.book.iter().chain(self.trades).chain(self.changes.orders).chain(self.changes.deltas)
    }

    /// Trades of the partition.
    pub(crate) fn trade_rows(&self) -> u64 {
        self.trades.iter().map(TableReader::rows).sum()
    }

    /// The clock of a partition when the user names none: event if every table has it in every row, else recv (B4,
    /// decision 10).
    #[must_use]
    pub fn common_clock(book: &[TableReader], trades: &[TableReader]) -> Clock {
        let event = book.iter().chain(trades).all(|reader| nulls(reader, "ts_event") == 0);
        if event { Clock::Event } else { Clock::Recv }
    }
}

/// Whether a key column is stored in a table.
fn key_shape(segments: &[TableReader], name: &str) -> KeyShape {
    let present = |reader: &TableReader| nulls(reader, name) == 0;
    let stored = |reader: &TableReader| reader.header().schema.index_of(name).is_some();
    match (segments.iter().all(present), segments.iter().any(stored)) {
        (true, true) => KeyShape::Present,
        (false, true) => KeyShape::Nullable,
        (_, false) => KeyShape::Absent,
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
