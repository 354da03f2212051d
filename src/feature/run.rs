//! One partition through merge and kernels: in, its tables; out, blocks of the feature table and a report.

use crate::codec::ColumnValues;
use crate::error::Result;
use crate::feature::{Arena, PartitionShape, Plan};
use crate::merge::MergeReport;
use crate::read::TableReader;
use crate::schema::Clock;

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
        todo!()
    }

    /// The clock of a partition when the user names none: event if every table has it in every row, else recv (B4, decision 10).
    #[must_use]
    pub fn common_clock(_book: &[TableReader], _trades: &[TableReader]) -> Clock {
        todo!()
    }
}

/// What a run of one partition saw and wrote. `book_rows = two_sided + one_sided`; `trade_rows = trades_used +
/// trades_after_last`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PartitionReport {
    /// Rows read, in total order.
    pub merge: MergeReport,
    /// Rows emitted.
    pub rows_out: u64,
}

/// Computes the table `book` of one partition.
///
/// `emit` gets blocks of [`Plan::block_rows`] rows (the last may be shorter), the columns in the order of [`Plan::schema`];
/// an error of it ends the run and is returned. Nothing is allocated per block. The same input gives the same values for
/// every SIMD level, and for every block size of the files.
///
/// # Errors
/// `Damage` and `Io` of the readers; `Findings` where the partition's numbers are beyond exact 64-bit arithmetic.
pub fn run_book(
    _inputs: &PartitionInputs<'_>,
    _plan: &Plan,
    _arena: &mut Arena,
    _emit: &mut dyn FnMut(usize, &[ColumnValues<'_>]) -> Result<()>,
) -> Result<PartitionReport> {
    todo!()
}
