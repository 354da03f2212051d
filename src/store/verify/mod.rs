//! Comparing ledger, manifests and files: what is missing, stale, foreign, changed, left over. Never stops at the first.

mod files;
mod finding;
mod known;
mod partition;
mod structure;
mod unlisted;

pub use finding::{Finding, FindingKind};
pub(super) use known::{Known, KnownUnits};
