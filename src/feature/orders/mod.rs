//! Order metrics (section 5.1 of the contract): what happened to the orders of a partition in each bucket of time, and the order
//! flow imbalance of every change of the best quotes.
//!
//! In: the stored messages and changes, replayed through a book under the venue's rules. Out: rows of `orders_{d}s`, labelled and
//! closed as the time bars, and [`TouchFlow`] for the bars. What becomes of an order after its bucket still counts there, so rows
//! are written at the end; until then a bucket is a few hundred bytes.

mod columns;
mod effects;
mod lives;
mod pass;
mod tally;
mod touch;
mod waits;

pub(crate) use columns::{COUNTS, EVENTS, LIVES, OrderBar};
pub(crate) use pass::{ChangeRules, run_changes};
pub(crate) use tally::Tally;
pub(crate) use touch::TouchFlow;
