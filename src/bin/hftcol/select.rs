//! Options that choose partitions and tables, shared by every command that reads a store.

use std::path::PathBuf;

use hftcol::error::{Error, Result};
use hftcol::export;
use hftcol::schema::PartitionKey;
use hftcol::store::{KeyFilter, Store, Tree};

use crate::words::{Moment, moment};

/// The store and the partitions in it.
#[derive(Debug, clap::Args)]
pub(crate) struct SelectArgs {
    /// The store.
    #[arg(long, env = "HFTCOL_STORE", value_name = "DIR")]
    pub(crate) store: Option<PathBuf>,
    /// Venues: names or globs, separated by commas.
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    venue: Vec<String>,
    /// Securities: names or globs, separated by commas.
    #[arg(long, alias = "symbol", value_delimiter = ',', value_name = "NAMES")]
    security: Vec<String>,
    /// First date, or first instant for rows: 2024-08-08, 2024-08-08T12:00:00Z, or nanoseconds.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    from: Option<Moment>,
    /// Last date, or the instant before which rows end.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    to: Option<Moment>,
    /// A feature set instead of the imported tables.
    #[arg(long, value_name = "NAME")]
    set: Option<String>,
}

impl SelectArgs {
    /// The store's folder.
    ///
    /// # Errors
    /// `Usage` when none is named.
    pub(crate) fn root(&self) -> Result<&PathBuf> {
        self.store.as_ref().ok_or_else(|| Error::usage("no store is named", "give --store DIR or set HFTCOL_STORE"))
    }

    /// The feature set asked for.
    pub(crate) fn set(&self) -> Option<&str> {
        self.set.as_deref()
    }

    /// Imported tables, or the named feature set.
    ///
    /// # Errors
    /// `Usage` for a set that the store does not have.
    pub(crate) fn tree(&self, store: &Store) -> Result<Tree> {
        export::tree(store, self.set())
    }

    /// The trees to look at: the named set alone, else the imported tables and every set.
    ///
    /// # Errors
    /// As [`SelectArgs::tree`].
    pub(crate) fn trees(&self, store: &Store) -> Result<Vec<Tree>> {
        match self.set {
            Some(_) => self.tree(store).map(|tree| vec![tree]),
            None => store.trees(),
        }
    }

    /// The filter over partitions. An instant lets every date pass: it chooses rows.
    ///
    /// # Errors
    /// `Usage` for a bad glob or range.
    pub(crate) fn filter(&self) -> Result<KeyFilter> {
        let date = |end: Option<Moment>| match end {
            Some(Moment::Date(date)) => Some(date),
            _ => None,
        };
        KeyFilter::new(&self.venue, &self.security, date(self.from), date(self.to))
    }

    /// The range of clocks that rows must have, in nanoseconds: first and end (exclusive).
    pub(crate) fn clocks(&self) -> (Option<i64>, Option<i64>) {
        let instant = |end: Option<Moment>| match end {
            Some(Moment::Instant(ns)) => Some(ns),
            _ => None,
        };
        (instant(self.from), instant(self.to))
    }

    /// Keys of the wanted partitions, sorted.
    ///
    /// # Errors
    /// `Usage`, `Io`.
    pub(crate) fn keys(&self, store: &Store, tree: &Tree) -> Result<Vec<PartitionKey>> {
        let filter = self.filter()?;
        Ok(store.keys(tree)?.into_iter().filter(|key| filter.pass(key)).collect())
    }
}

/// The name of a tree for people.
pub(crate) fn tree_name(tree: &Tree) -> String {
    match tree {
        Tree::Raw => "imported".to_owned(),
        Tree::Features(set) => format!("features/{set}"),
    }
}
