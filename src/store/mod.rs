//! The store: folders, manifests, generations, ledger, locks and the publish protocol. It knows bytes and hashes, not rows.
//!
//! Readers trust the sealed files and need a partition's folder only; the ledger is the witness that [`Store::verify`]
//! compares them with. The bytes are specified in `format-spec/store.md`.

mod adopt;
mod create;
mod damage;
mod failures;
mod filter;
mod folder;
mod hashing;
mod identity;
mod journal;
mod layout;
mod locate;
mod manifest;
mod name;
mod names;
mod publish;
mod publisher;
mod read;
mod recover;
mod remedy;
mod sets;
mod staging;
mod verify;
mod wire;

use std::sync::Arc;

use crate::format::SealedFile;
use crate::schema::PartitionKey;
use crate::storage::Storage;

pub use adopt::Adopted;
pub use create::OpenOptions;
pub use damage::{DamagedPartition, PublishedFile};
pub use failures::Failure;
pub use filter::KeyFilter;
pub use hashing::{Hashed, hash_file};
pub use journal::Unit;
pub use name::{NameKind, Unescaped, escape, unescape};
pub use publisher::{Publication, Publisher};
pub use read::{OpenTable, TableListing, UnitName, partition_name};
pub use remedy::{Remedy, recompute, select};
pub use staging::{Staged, Stager};
pub use verify::{Finding, FindingKind};

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

/// An open store.
#[derive(Clone, Debug)]
pub struct Store {
    storage: Arc<dyn Storage>,
    id: u128,
}

/// Path of a segment's file beneath the store, for messages.
#[must_use]
pub fn segment_path(tree: &Tree, key: &PartitionKey, segment: &Segment) -> std::path::PathBuf {
    layout::partition(tree, key).join(layout::segment(segment))
}
