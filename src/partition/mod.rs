//! Parsed rows in, the rows of one partition and table in their total order out, within a byte budget.
//!
//! ```text
//! RowBatch -> RunBuffer -> (full: sorted, spilled) Run, Run, ... -> Sections -> Merge -> BlockBuilder -> write
//! ```
//!
//! A [`RunBuffer`] keeps the rows of all partitions as bytes; a full one is sorted and written as a run file. At the
//! end the runs are walked side by side, partition by partition ([`Sections`]), and merged row by row ([`Merge`]) into
//! column blocks ([`BlockBuilder`]). The order is total: (venue, security, date, table, clock, sequence, source, record,
//! row in the record), with the sequence only where every row of the table has one. So the result depends neither on
//! the number of buffers nor on their size nor on the order in which chunks arrive.

mod buffer;
mod columnar;
mod columns;
mod cursor;
mod facts;
mod merge;
mod resort;
mod row;
mod run;
mod schema;
mod scratch;
mod section;
mod sections;

pub use buffer::RunBuffer;
pub use columnar::{Assembly, AssemblyBudget, ColumnRun, Encoding};
pub(crate) use columnar::{BlockIndex, Cell, CellReader, Sealer, cell_bytes};
pub use columns::{BlockBuilder, Refused};
pub use facts::{DecimalFacts, Facts};
pub use merge::{Merge, MergedRow, Origin, Part};
pub use resort::{parts_of, resort};
pub(crate) use row::{decimals as decimals_of, id as id_of};
pub use run::{Run, reduce};
pub use schema::{Role, TableShape};
pub use scratch::{Opener, Scratch};
pub use section::{Section, SectionId};
pub use sections::{PartitionSections, Sections};
