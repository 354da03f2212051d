//! What a table is: its columns, their logical types, and the built-in raw tables.
//!
//! A [`Schema`] is plain data: it knows no file and no vendor. Two files hold the same kind of rows when their
//! schemas are equal; the schema's bytes ([`Schema::write_to`]) stand in every header and feed the identity.

mod builtin;
mod column;

pub use builtin::{BOOK_BUILT, Id, RawTable, book_level_columns, level_suffix};
pub use column::{Column, LogicalType, Schema};

use crate::units::Date;

/// What names a partition: one venue, one security, one date.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionKey {
    /// Venue, lower case by custom, as the source writes it.
    pub venue: String,
    /// Security, exactly as the source writes it.
    pub security: String,
    /// Local date of the row's clock in the partition's `date_tz`.
    pub date: Date,
}

/// Which of the two clocks orders a table (decision 10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Clock {
    /// `ts_event`, the venue's.
    Event = 0,
    /// `ts_recv`, the capture's.
    Recv = 1,
}

impl Clock {
    /// The word used on the command line and in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Recv => "recv",
        }
    }
}
