//! What a build is told, and what it tells.

use std::path::PathBuf;

use crate::exec::Interrupt;
use crate::schema::PartitionKey;
use crate::storage::Sandbox;
use crate::store::KeyFilter;

/// Levels of a built book unless they are given.
pub const LEVELS: u16 = 20;

/// Which states of a book become rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Every {
    /// Each in which one of the stored levels, or what is said of the book, is another than in the row before.
    #[default]
    Change,
    /// The one after each message.
    Event,
    /// The first, then the first at least so many nanoseconds after the last one written.
    Interval(i64),
}

impl Every {
    /// The word of reports and fingerprints.
    #[must_use]
    pub fn word(self) -> String {
        match self {
            Self::Change => "change".to_owned(),
            Self::Event => "event".to_owned(),
            Self::Interval(nanos) => format!("{nanos}ns"),
        }
    }
}

/// What to build.
#[derive(Clone, Debug)]
pub struct BuildOptions {
    /// The store.
    pub store: PathBuf,
    /// Which partitions.
    pub filter: KeyFilter,
    /// Only these partitions; all that pass the filter if `None`.
    pub keys: Option<Vec<PartitionKey>>,
    /// Levels of each side that are stored.
    pub levels: u16,
    /// Which states become rows.
    pub every: Every,
    /// Build what is up to date, too.
    pub force: bool,
    /// Threads; 0 for one a core.
    pub threads: usize,
    /// Wait for another run's lock instead of failing.
    pub wait: bool,
    /// Let root write into a store that belongs to another user.
    pub allow_foreign: bool,
    /// Ends the run between two blocks; what is published stays.
    pub interrupt: Interrupt,
    /// Confines the process to the store, once it is open.
    pub sandbox: Sandbox,
}

impl Default for BuildOptions {
    fn default() -> Self {
        Self {
            store: PathBuf::new(),
            filter: KeyFilter::default(),
            keys: None,
            levels: LEVELS,
            every: Every::Change,
            force: false,
            threads: 0,
            wait: false,
            allow_foreign: false,
            sandbox: Sandbox::default(),
            interrupt: Interrupt::default(),
        }
    }
}

/// What was built from a partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Built {
    /// The table it was built from: `deltas` or `orders`.
    pub from: &'static str,
    /// Rows of changes, messages and trades read.
    pub rows_in: u64,
    /// Rows written.
    pub rows: u64,
    /// What the stream went through, by name: gaps, unknown orders, rows by flag and so on.
    pub facts: Vec<(&'static str, u64)>,
}

impl Built {
    /// A fact by name; 0 if there is none.
    #[must_use]
    pub fn fact(&self, name: &str) -> u64 {
        self.facts.iter().find(|(known, _)| *known == name).map_or(0, |(_, count)| *count)
    }
}

/// What happens while books are built.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The book of a partition is durable.
    Published {
        /// Partition.
        key: &'a PartitionKey,
        /// What it was built from and what was found.
        built: &'a Built,
    },
    /// A partition could not be built and is as before; the others go on.
    Failed {
        /// Partition.
        key: &'a PartitionKey,
        /// Why.
        reason: &'a str,
    },
}

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BuildReport {
    /// Partitions looked at: `published + up_to_date + without + failed`.
    pub partitions: u64,
    /// Partitions whose book was built.
    pub published: u64,
    /// Partitions whose book is that already.
    pub up_to_date: u64,
    /// Partitions without level changes and order messages.
    pub without: u64,
    /// Partitions that failed.
    pub failed: u64,
    /// Rows read.
    pub rows_in: u64,
    /// Rows written.
    pub rows: u64,
}
