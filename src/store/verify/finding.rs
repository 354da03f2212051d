//! One thing that is not as it should be.

use std::fmt;
use std::path::PathBuf;

use crate::error::{Error, ErrorKind, EscapedPath};

/// What kind of thing was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FindingKind {
    /// The ledger knows it and it is not there.
    Missing,
    /// An older generation than the ledger's.
    Stale,
    /// Not in the ledger: a copied-in partition, which `adopt` enters, or something that is not ours.
    Foreign,
    /// Length, hash or bytes differ from what was published.
    Changed,
    /// What a killed run left behind.
    Leftover,
    /// Sealed and whole, but the run was killed before its ledger record; the next run enters it.
    NotEntered,
    /// The ledger or its head.
    Ledger,
}

impl FindingKind {
    /// The word of reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Stale => "stale",
            Self::Foreign => "foreign",
            Self::Changed => "changed",
            Self::Leftover => "leftover",
            Self::NotEntered => "not-entered",
            Self::Ledger => "ledger",
        }
    }
}

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What kind of thing.
    pub kind: FindingKind,
    /// The file or folder, beneath the store.
    pub path: PathBuf,
    /// What is wrong, in words, with the broken rule where there is one.
    pub what: String,
    /// Rows affected, as far as they are known.
    pub rows: u64,
    /// True for what a running or killed run leaves and the next run mends: reported, but no damage.
    pub accepted: bool,
}

impl Finding {
    /// A finding that is damage.
    pub(in crate::store) fn damage(kind: FindingKind, path: impl Into<PathBuf>, what: impl Into<String>) -> Self {
        Self { kind, path: path.into(), what: what.into(), rows: 0, accepted: false }
    }

    /// A finding from an error that names its file.
    pub(in crate::store) fn from_error(kind: FindingKind, path: impl Into<PathBuf>, e: &Error) -> Self {
        let what = match e.kind() {
            ErrorKind::Damage(d) => format!("rule {}: expected {}, got {}", d.rule, d.expected, d.got),
            _ => e.to_string(),
        };
        Self::damage(kind, path, what)
    }

    pub(in crate::store) fn rows(mut self, rows: u64) -> Self {
        self.rows = rows;
        self
    }

    pub(in crate::store) fn accepted_if(mut self, accepted: bool) -> Self {
        self.accepted = accepted;
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = crate::error::Escaped(self.what.as_bytes());
        write!(f, "{} {}: {what}", self.kind.name(), EscapedPath(&self.path))?;
        if self.rows > 0 {
            write!(f, " ({} rows)", self.rows)?;
        }
        Ok(())
    }
}
