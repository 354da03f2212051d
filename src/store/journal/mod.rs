//! The journal: the ledger of everything published, and its head. What `verify` compares the store with.

mod head;
mod ledger;
mod record;
mod scan;

pub(super) use head::Head;
pub(super) use ledger::{Journal, Ledger, LedgerCheck, Position, check, replace};
pub use record::Unit;
pub(super) use record::{Entry, FileFact, Kind};
