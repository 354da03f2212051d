//! The total order of a partition (G3): in, the segments of its tables; out, batches of snapshots in order, each with the
//! sums of the trades that belong to it (A9).

mod aligned;
mod batch;
mod block;
mod carry;
mod cursor;
mod faults;
mod flags;
mod levels;
mod quotes;
mod reorder;
mod simd;
mod stream;
mod tape;
mod trades;

pub(crate) use aligned::Aligned;
pub(crate) use batch::FlowLevel;
pub use batch::{BATCH, Batch, BookSide, TradeSums};
pub(crate) use carry::{MergeState, Snapshot, rescaled};
pub(crate) use cursor::Scales;
pub use faults::RowFaults;
pub use flags::{AFTER_GAP, CROSSED, EQUAL_CLOCK, FIRST, LOCKED, ONE_SIDED};
pub(crate) use levels::small_to_f64;
pub(crate) use quotes::{Quote, QuoteMemory, QuoteTape, first_clock, last_clock};
pub use simd::Simd;
pub(crate) use simd::simd_kernel;
pub use stream::{Merge, MergeConfig, MergeMemory};
pub(crate) use tape::{TapeMemory, TradeRow, TradeTape, TradeTotals, trade_totals, volume_read};

/// What the merge of one partition saw. Where no selected table needs the book, only the trades are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MergeReport {
    /// True if a selected table needed the snapshots, or the trades beside them: else nothing of these was counted.
    pub was_read: bool,
    /// Snapshots merged: `two_sided + one_sided`, and with those of `book_faults.skipped` all that are stored.
    pub book_rows: u64,
    /// Snapshots with a best bid and a best ask.
    pub two_sided: u64,
    /// Snapshots without one of them.
    pub one_sided: u64,
    /// Two-sided snapshots with b0 = a0.
    pub locked: u64,
    /// Two-sided snapshots with b0 > a0.
    pub crossed: u64,
    /// Snapshots with the clock of the row before.
    pub equal_clocks: u64,
    /// Two-sided snapshots later than the one before by more than `max_gap`.
    pub gaps: u64,
    /// Trades stored: `trades_used + trades_after_last + trade_faults.skipped` where the book was read, too.
    pub trade_rows: u64,
    /// Trades that belong to a snapshot.
    pub trades_used: u64,
    /// Trades after the last two-sided snapshot.
    pub trades_after_last: u64,
    /// Clock of the first snapshot.
    pub first_clock: Option<i64>,
    /// Clock of the last snapshot.
    pub last_clock: Option<i64>,
    /// Duplicate and late snapshots.
    pub book_faults: RowFaults,
    /// Duplicate and late trades.
    pub trade_faults: RowFaults,
}
