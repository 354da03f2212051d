//! Stored changes told again: in, the segments of `deltas`, `orders` and `trades`; out, their rows one after the other, and the
//! books that they make.
//!
//! One order of messages for all who replay them: `build` writes the books down, `feature` counts what became of the orders.

mod arrivals;
mod cells;
mod changes;
mod orders;
mod row;
mod rows;

pub(crate) use changes::follow;
pub(crate) use orders::{OrderFeed, names_orders};
pub(crate) use row::{Row, Scales, has_text_ids, is_one_message, is_whole};
pub(crate) use rows::Rows;
