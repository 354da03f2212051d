//! The status wiring: how a store and its feature sets stand, from manifests, footers and the journal alone.
//!
//! In comes an open store; out comes a [`TreeStatus`] for the imported tables and for each feature set. A feature
//! partition is done when the digests of what it was made from are those of the imported tables as they are now; it is
//! pending when it is absent or they differ; failed when its last run says so. Nothing is locked, nothing is written.
//! Cost: a manifest of each partition, and of each feature partition the footer of one file.

use std::collections::BTreeMap;

use crate::error::{ErrorKind, Result};
use crate::export::open_table;
use crate::schema::PartitionKey;
use crate::store::{Failure, KeyFilter, Manifest, Store, Tree, partition_name};

/// The tables that a feature set can be computed from.
const BOOKS: [&str; 3] = ["book", "book_built", "quotes"];
const TRADES: &str = "trades";

/// How a partition stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PartitionState {
    /// Published, and made from what is stored now.
    Done,
    /// To be computed, and why.
    Pending(String),
    /// Its last run failed, or it is damaged; the reason.
    Failed(String),
    /// Of a feature set: there is no table to compute it from.
    Nothing,
}

impl PartitionState {
    /// The word of reports.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Pending(_) => "pending",
            Self::Failed(_) => "failed",
            Self::Nothing => "nothing to compute",
        }
    }

    /// Why, where there is a reason.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Pending(reason) | Self::Failed(reason) => Some(reason),
            Self::Done | Self::Nothing => None,
        }
    }
}

/// One tree of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeStatus {
    /// Imported tables or a feature set.
    pub tree: Tree,
    /// A run on it is under way, or was interrupted and the next one mends it.
    pub is_open: bool,
    /// Its partitions, by key.
    pub partitions: Vec<(PartitionKey, PartitionState)>,
    /// What the last run failed with besides partitions: sources of an import.
    pub others: Vec<Failure>,
}

impl TreeStatus {
    /// Partitions in a state of this name.
    #[must_use]
    pub fn count(&self, name: &str) -> usize {
        self.partitions.iter().filter(|(_, state)| state.name() == name).count()
    }
}

/// The status of some trees of a store.
///
/// # Errors
/// `Damage` of the journal, `Io`. A partition that is damaged is one that failed.
pub fn status(store: &Store, trees: &[Tree], filter: &KeyFilter) -> Result<Vec<TreeStatus>> {
    let open = store.open_lanes()?;
    let mut found = Vec::new();
    for tree in trees {
        let mut failed: BTreeMap<String, String> =
            store.failures(tree)?.into_iter().map(|failure| (failure.subject, failure.reason)).collect();
        let lane = match tree {
            Tree::Raw => "raw".to_owned(),
            Tree::Features(set) => format!("set.{set}"),
        };
        let of_lane =
            |name: &String| name.strip_prefix(&lane).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        let mut keys = store.keys(tree)?;
        if *tree != Tree::Raw {
            keys.extend(store.keys(&Tree::Raw)?);
        }
        keys.sort();
        keys.dedup();
        let mut partitions = Vec::new();
        for key in keys {
            let reason = failed.remove(&partition_name(&key));
            if filter.pass(&key) {
                let state = match reason {
                    Some(reason) => PartitionState::Failed(reason),
                    None => partition(store, tree, &key)?,
                };
                partitions.push((key, state));
            }
        }
        let others = failed.into_iter().map(|(subject, reason)| Failure { subject, reason }).collect();
        found.push(TreeStatus { tree: tree.clone(), is_open: open.iter().any(of_lane), partitions, others });
    }
    Ok(found)
}

/// A partition of which the last run says nothing.
fn partition(store: &Store, tree: &Tree, key: &PartitionKey) -> Result<PartitionState> {
    match judge(store, tree, key) {
        Err(error) if matches!(error.kind(), ErrorKind::Damage(_)) => Ok(PartitionState::Failed(error.to_string())),
        judged => judged,
    }
}

fn judge(store: &Store, tree: &Tree, key: &PartitionKey) -> Result<PartitionState> {
    let pending = |reason: &str| Ok(PartitionState::Pending(reason.to_owned()));
    let stored = store.manifest(tree, key)?;
    if *tree == Tree::Raw {
        return if stored.is_some() { Ok(PartitionState::Done) } else { pending("never published") };
    }
    let raw = store.manifest(&Tree::Raw, key)?.filter(is_computable);
    let (Some(stored), Some(raw)) = (&stored, &raw) else {
        return match (stored, raw) {
            (None, Some(_)) => pending("not computed"),
            // Its source is gone: what was made of it is what there is.
            (Some(_), None) => Ok(PartitionState::Done),
            _ => Ok(PartitionState::Nothing),
        };
    };
    if is_made_from(store, tree, key, stored, raw)? {
        return Ok(PartitionState::Done);
    }
    pending("the imported tables have changed")
}

fn is_computable(raw: &Manifest) -> bool {
    BOOKS.iter().chain([&TRADES]).any(|table| raw.table(table).next().is_some())
}

/// Whether the inputs that the features name are the imported tables of now. Features in other formats alone do not name
/// them in a way that is read here: they count as made from them.
fn is_made_from(store: &Store, tree: &Tree, key: &PartitionKey, stored: &Manifest, raw: &Manifest) -> Result<bool> {
    let Some(table) = stored.tables().into_iter().find(|table| stored.table(table).next().is_some()) else {
        return Ok(true);
    };
    let Some(file) = open_table(store, tree, key, table)?.into_iter().next() else { return Ok(true) };
    let inputs = &file.footer().inputs;
    let now: Vec<u128> = raw.tables().into_iter().map(|table| raw.table_digest(table)).collect();
    let has_trades = raw.table(TRADES).next().is_none() || inputs.contains(&raw.table_digest(TRADES));
    Ok(has_trades && inputs.iter().all(|digest| now.contains(digest)))
}
