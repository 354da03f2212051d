//! One record of the ledger: which files a unit consists of since a moment.
//!
//! Record: u32 length of the payload, u32 CRC-32C of those four bytes, payload, u32 CRC-32C of everything before it.

use std::path::PathBuf;

use xxhash_rust::xxh3::xxh3_128;

use super::super::wire::{Decoder, Encoder};
use super::super::{Manifest, Tree, layout};
use crate::error::{Error, Result};
use crate::schema::PartitionKey;
use crate::units::Date;

/// Bytes before the payload: its length and the length's checksum.
pub(super) const HEAD_BYTES: usize = 8;
/// Bytes after the payload.
pub(super) const TAIL_BYTES: usize = 4;

/// What a ledger record is about: the unit of publishing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unit {
    /// A partition: its manifest and the files that lists.
    Partition(Tree, PartitionKey),
    /// The configuration of a feature set.
    SetFile(String),
    /// A file in `quarantine/`.
    Quarantine(String),
}

impl Unit {
    /// The folder of its files, beneath the store.
    pub(in crate::store) fn folder(&self) -> PathBuf {
        match self {
            Self::Partition(tree, key) => layout::partition(tree, key),
            Self::SetFile(set) => layout::tree(&Tree::Features(set.clone())),
            Self::Quarantine(_) => PathBuf::from(layout::QUARANTINE),
        }
    }
}

/// Why a record was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Kind {
    /// A run published the unit.
    Published = 1,
    /// A later run found it sealed and not yet entered.
    Recovered = 2,
    /// `adopt` entered it.
    Adopted = 3,
    /// `adopt` found it gone: it is not expected any more.
    Removed = 4,
}

impl Kind {
    fn from_code(code: u8) -> Option<Self> {
        [Self::Published, Self::Recovered, Self::Adopted, Self::Removed].into_iter().find(|k| *k as u8 == code)
    }
}

/// A file as the ledger knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) struct FileFact {
    pub(in crate::store) name: String,
    pub(in crate::store) rows: u64,
    pub(in crate::store) length: u64,
    pub(in crate::store) hash: u128,
}

/// A record without its number and its link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) struct Entry {
    pub(in crate::store) kind: Kind,
    pub(in crate::store) unit: Unit,
    /// 0 for units that have none.
    pub(in crate::store) generation: u32,
    /// The manifest first, then the files in the manifest's order.
    pub(in crate::store) files: Vec<FileFact>,
    /// Content digest of each table, by name.
    pub(in crate::store) digests: Vec<(String, u128)>,
}

impl Entry {
    /// The entry of a partition whose manifest has these bytes.
    pub(in crate::store) fn of_manifest(kind: Kind, tree: &Tree, manifest: &Manifest, bytes: &[u8]) -> Self {
        let mut files = vec![FileFact {
            name: layout::manifest(manifest.generation),
            rows: 0,
            length: bytes.len() as u64,
            hash: xxh3_128(bytes),
        }];
        files.extend(manifest.segments.iter().map(|s| FileFact {
            name: layout::segment(s),
            rows: s.sealed.rows,
            length: s.sealed.length,
            hash: s.sealed.file_hash,
        }));
        Self {
            kind,
            unit: Unit::Partition(tree.clone(), manifest.key.clone()),
            generation: manifest.generation,
            files,
            digests: manifest.tables().into_iter().map(|t| (t.to_owned(), manifest.table_digest(t))).collect(),
        }
    }

    /// The entry of a unit that is one file.
    pub(in crate::store) fn of_file(kind: Kind, unit: Unit, file: FileFact) -> Self {
        Self { kind, unit, generation: 0, files: vec![file], digests: Vec::new() }
    }

    /// The record's bytes.
    pub(super) fn to_bytes(&self, seq: u64, previous: u128) -> Vec<u8> {
        let mut out = Encoder::default();
        out.u64(0);
        out.u64(seq);
        out.u128(previous);
        out.u8(self.kind as u8);
        let none = PartitionKey { venue: String::new(), security: String::new(), date: Date(0) };
        let (code, set, key, name) = match &self.unit {
            Unit::Partition(Tree::Raw, key) => (0, "", key, ""),
            Unit::Partition(Tree::Features(set), key) => (1, set.as_str(), key, ""),
            Unit::SetFile(set) => (2, set.as_str(), &none, ""),
            Unit::Quarantine(name) => (3, "", &none, name.as_str()),
        };
        out.u8(code);
        out.text(set);
        out.text(&key.venue);
        out.text(&key.security);
        out.i32(key.date.0);
        out.text(name);
        out.u32(self.generation);
        out.count(self.files.len());
        for file in &self.files {
            out.text(&file.name);
            out.u64(file.rows);
            out.u64(file.length);
            out.u128(file.hash);
        }
        out.count(self.digests.len());
        for (table, digest) in &self.digests {
            out.text(table);
            out.u128(*digest);
        }
        let length = u32::try_from(out.bytes.len() - HEAD_BYTES).unwrap_or(u32::MAX).to_le_bytes();
        out.bytes[..4].copy_from_slice(&length);
        out.bytes[4..8].copy_from_slice(&crc32c::crc32c(&length).to_le_bytes());
        let crc = crc32c::crc32c(&out.bytes);
        out.u32(crc);
        out.bytes
    }

    /// Reads a payload whose checksum was verified: number, predecessor's hash, entry.
    pub(super) fn parse(payload: &[u8]) -> Result<(u64, u128, Self)> {
        let mut input = Decoder::new(payload);
        let (seq, previous, kind, code) = (input.u64()?, input.u128()?, input.u8()?, input.u8()?);
        let kind = Kind::from_code(kind).ok_or_else(|| Error::damage("S-22", "a known kind", format!("{kind}")))?;
        let set = input.text()?;
        let key = PartitionKey { venue: input.text()?, security: input.text()?, date: Date(input.i32()?) };
        let name = input.text()?;
        let unit = match code {
            0 => Unit::Partition(Tree::Raw, key),
            1 => Unit::Partition(Tree::Features(set), key),
            2 => Unit::SetFile(set),
            3 => Unit::Quarantine(name),
            _ => return Err(Error::damage("S-22", "a known unit", format!("{code}"))),
        };
        let generation = input.u32()?;
        let files = (0..input.count(4 + 8 + 8 + 16)?).map(|_| file(&mut input)).collect::<Result<Vec<_>>>()?;
        let digests = (0..input.count(4 + 16)?).map(|_| Ok((input.text()?, input.u128()?)));
        let digests = digests.collect::<Result<Vec<_>>>()?;
        input.end()?;
        Ok((seq, previous, Self { kind, unit, generation, files, digests }))
    }
}

/// A file's name must stay in its folder: the names are joined to paths.
fn file(input: &mut Decoder<'_>) -> Result<FileFact> {
    let file = FileFact { name: input.text()?, rows: input.u64()?, length: input.u64()?, hash: input.u128()? };
    if file.name.is_empty() || file.name == "." || file.name == ".." || file.name.contains(['/', '\0']) {
        return Err(Error::damage("S-22", "a file name", file.name));
    }
    Ok(file)
}
