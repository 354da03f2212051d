//! The store: folders, manifests, generations, ledger, locks and the publish protocol. It knows bytes and hashes, not rows.

use std::path::Path;
use std::sync::Arc;

use crate::error::Result;
use crate::format::SealedFile;
use crate::schema::PartitionKey;
use crate::storage::{ReadAt, Storage, WriteFile};

/// Which half of the store a partition stands in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tree {
    /// Imported tables.
    Raw,
    /// Feature tables of a set, `features/<set>/`.
    Features(String),
}

/// One sealed segment of a table, as the partition's manifest lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Table name.
    pub table: String,
    /// Generation that wrote the file.
    pub generation: u32,
    /// Segment number.
    pub segment: u32,
    /// File extension after the segment number: `hftc`, or `parquet` for exported feature tables.
    pub extension: String,
    /// Facts of the sealed file.
    pub sealed: SealedFile,
}

/// A source that a raw partition holds rows of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceRef {
    /// XXH3-128 of the decompressed bytes.
    pub digest: u128,
}

/// A partition's manifest: what a reader may open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Venue, security, date.
    pub key: PartitionKey,
    /// Publication number.
    pub generation: u32,
    /// Zone of date, hour and bars.
    pub date_tz: String,
    /// Fingerprint: for features, of inputs + configuration + versions; for raw, of the list of sources.
    pub fingerprint: u128,
    /// Sources by ordinal (raw only).
    pub sources: Vec<SourceRef>,
    /// Segments, sorted by table, then segment number.
    pub segments: Vec<Segment>,
}

impl Manifest {
    /// The segments of a table, in row order.
    pub fn table<'a>(&'a self, table: &'a str) -> impl Iterator<Item = &'a Segment> {
        self.segments.iter().filter(move |s| s.table == table)
    }

    /// Content digest of a table over all its segments: schema hash and the sum of the segments' digests.
    #[must_use]
    pub fn table_digest(&self, _table: &str) -> u128 {
        todo!()
    }
}

/// An open store.
#[derive(Clone, Debug)]
pub struct Store {
    storage: Arc<dyn Storage>,
}

impl Store {
    /// Opens a store, creating it (with its parents' entry synced) if the folder is absent or empty.
    ///
    /// # Errors
    /// `Usage` if the folder holds something else, `Damage`, `Io`.
    pub fn create_or_open(_root: &Path) -> Result<Self> {
        todo!()
    }

    /// Opens an existing store for reading; never writes.
    ///
    /// # Errors
    /// `Usage` if there is none, `Damage`, `Io`.
    pub fn open(_root: &Path) -> Result<Self> {
        todo!()
    }

    /// The same over any storage; tests use it with faults.
    ///
    /// # Errors
    /// As [`Store::create_or_open`].
    pub fn over(_storage: Arc<dyn Storage>, _create: bool) -> Result<Self> {
        todo!()
    }

    /// The storage beneath.
    #[must_use]
    pub fn storage(&self) -> &Arc<dyn Storage> {
        &self.storage
    }

    /// Keys of all partitions of a tree, sorted, from the folder names alone.
    ///
    /// # Errors
    /// `Io`.
    pub fn keys(&self, _tree: &Tree) -> Result<Vec<PartitionKey>> {
        todo!()
    }

    /// The highest valid manifest of a partition, or `None` if it was never published.
    ///
    /// # Errors
    /// `Damage` if there are manifests and none is valid, `Io`.
    pub fn manifest(&self, _tree: &Tree, _key: &PartitionKey) -> Result<Option<Manifest>> {
        todo!()
    }

    /// Opens a segment's file for reading (length checked against the manifest; the caller checks the identity).
    ///
    /// # Errors
    /// `Damage`, `Io`.
    pub fn open_segment(&self, _tree: &Tree, _key: &PartitionKey, _segment: &Segment) -> Result<Arc<dyn ReadAt>> {
        todo!()
    }

    /// Takes the tree's lock and begins a publishing run; marks the ledger open at the first publish.
    ///
    /// # Errors
    /// `Locked`, `Damage`, `Io`.
    pub fn begin(&self, _tree: Tree) -> Result<Publisher> {
        todo!()
    }
}

/// A publishing run. Dropping it without [`Publisher::finish`] leaves what was published and removes nothing.
#[derive(Debug)]
pub struct Publisher {
    _store: Store,
}

/// A file in staging: write it, then hand it to [`Publisher::publish`].
#[derive(Debug)]
pub struct Staged {
    /// The open file.
    pub file: Box<dyn WriteFile>,
    _name: String,
}

/// The next generation of one partition.
#[derive(Debug)]
pub struct Publication {
    /// The manifest to publish; segments of this generation are the staged ones, others are carried over.
    pub manifest: Manifest,
    /// Staged files, one for each new segment, in the order of the manifest's new segments.
    pub staged: Vec<Staged>,
}

impl Publisher {
    /// Creates a file in the staging folder.
    ///
    /// # Errors
    /// `Io`.
    pub fn stage(&self) -> Result<Staged> {
        todo!()
    }

    /// Publishes a batch of partitions: sync every file, rename, manifests, sync each folder once, ledger records, ledger sync.
    /// When it returns, every partition of the batch is durable; on an error the batch may be repeated.
    ///
    /// # Errors
    /// `Io`, `Damage`.
    pub fn publish(&mut self, _batch: Vec<Publication>) -> Result<()> {
        todo!()
    }

    /// Unlinks old generations and leftovers in staging and marks the ledger clean.
    ///
    /// # Errors
    /// `Io`.
    pub fn finish(self) -> Result<()> {
        todo!()
    }
}
