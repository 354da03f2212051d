//! Books from changes: in, level changes or messages about single orders, one after the other as the venue sent them; out, the
//! book after each, and what is wrong with it.
//!
//! Everything here is a state machine without I/O: prices and sizes are mantissas at one scale for the whole book, ids and
//! numbers are the venue's. [`LevelBook`] and [`OrderBook`] hold the levels; [`DeltaBook`] applies the venue's rule for
//! numbers and snapshots to a stream of level changes. Nothing is lost silently: what a book cannot follow is counted.

mod backlog;
mod deltas;
mod ladder;
mod levels;
mod message;
mod order_changes;
mod order_counts;
mod orders;
mod queue;
mod rules;
mod top;

pub use deltas::{DeltaBook, DeltaCounts, DeltaEvent};
pub use levels::LevelBook;
pub use message::{Action, OrderMessage};
pub use order_counts::OrderCounts;
pub use orders::{OrderBook, Standing};
pub use rules::{Crossing, Numbers, OrderRules, Rules, Snapshots};
pub use top::Top;

/// The depth of a change that is not in the book.
pub const BEYOND: usize = usize::MAX;

/// A number of the venue is missing since the last snapshot: levels may be stale.
pub const AFTER_GAP: u8 = 1;
/// No snapshot so far: levels that did not change yet are missing.
pub const BEFORE_SNAPSHOT: u8 = 2;
/// Best bid equal to the best ask.
pub const LOCKED: u8 = 4;
/// Best bid above the best ask.
pub const CROSSED: u8 = 8;
/// The row of a snapshot that replaced an earlier book.
pub const RESYNCED: u8 = 16;
/// Trading is halted, or orders gather for an auction: a crossed book is no fault.
pub const HALTED: u8 = 32;

/// [`LOCKED`] or [`CROSSED`] for these best prices.
#[must_use]
pub fn touch_flags([bid, ask]: [Option<i64>; 2]) -> u8 {
    match (bid, ask) {
        (Some(bid), Some(ask)) if bid > ask => CROSSED,
        (Some(bid), Some(ask)) if bid == ask => LOCKED,
        _ => 0,
    }
}
