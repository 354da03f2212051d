//! Typed rows on their way from a parser to a partition: the row batch, clocks and dates, rejects.
mod batch;

pub use batch::{INT_NULL, ParsedChunk, Reject, RowBatch, RowKey, SCALE_NULL, TS_NULL};
