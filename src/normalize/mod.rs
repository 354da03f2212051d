//! Typed rows on their way from a parser to a partition: the row batch, clocks and dates, levels, sides, rejects.
//!
//! In: values that a parser took from a record. Out: [`RowBatch`]es whose rows keep the rules of features.md (B1, B8, B9, H4)
//! and of decision 10, or a [`Reject`] that says which rule a record breaks.

mod batch;
mod builder;
mod kept;
mod levels;
mod names;
mod rows;
mod words;
mod zone;

pub use batch::{INT_NULL, ParsedChunk, Reject, RowBatch, RowKey, SCALE_NULL, TS_NULL};
pub use builder::{ChunkBuilder, Place};
pub use kept::KeptValues;
pub use levels::keep_existing_levels;
pub use names::{NameRule, check_name};
pub use rows::{Fault, Times, price_and_qty, put_decimal};
pub use words::{flag_word, side_word};
pub use zone::{Zone, ZoneCache};
