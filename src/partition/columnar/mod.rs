//! The fast way for rows that come in order, or nearly so: columns from the start, encoded when a block is full.
//!
//! ```text
//! RowBatch, chunk after chunk -> Assembly: OpenRows of each section -> (block full) Task -> Sealer -> ColumnRun
//! ```
//!
//! One thread at a time appends the batches in source order; any thread encodes full blocks. What does not fit (a row that
//! belongs in front of a sealed block, an id that is text, sections beyond the budget) goes into run buffers, and a section
//! of which part went there is merged row by row in the end. So the fast way changes how long an import takes, never what
//! it writes (decision 28).

mod append;
mod assembly;
mod encoding;
mod index;
mod open;
mod reopen;
mod run;
mod seal;
mod spill;

pub use assembly::{Assembly, AssemblyBudget};
pub use encoding::Encoding;
pub(crate) use index::BlockIndex;
pub use run::ColumnRun;
pub(crate) use run::{CellReader, RowFeed, cell_bytes};
pub(crate) use seal::{Cell, Sealer};
