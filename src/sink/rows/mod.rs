//! Rows of a table file for whoever wants rows and not blocks: which of them, their cells, and a line of text for each.
//!
//! In comes a [`TableReader`](crate::read::TableReader), whose blocks are verified as they are read; out come rows in
//! file order, a block in memory at a time.

mod cells;
mod select;
mod text;

pub use cells::{BlockCells, Cell};
pub use select::RowSelection;
pub use text::{TextFormat, TextRows, put_float};
