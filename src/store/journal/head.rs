//! `journal/HEAD`: how far the ledger surely reaches, and which lanes are open. Replaced by rename, never written in place.
//!
//! A lane is what one lock covers: the raw tree, a feature set, a shard of a set. A lane opens itself before its first
//! publish and closes itself when it has cleaned up, so a lane that is open while nobody holds its lock was interrupted.
//! The store is clean when no lane is open.

use super::super::wire::{Decoder, Encoder};
use crate::error::{Error, Result};

const MAGIC: &[u8; 8] = b"\x89HFTH\r\n\x1a";

/// The head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) struct Head {
    /// Records when it was written.
    pub(in crate::store) records: u64,
    /// Bytes of the ledger up to there.
    pub(in crate::store) length: u64,
    /// Hash of the last record, or what the first one names as its predecessor.
    pub(in crate::store) last: u128,
    /// Open lanes, sorted.
    pub(in crate::store) open: Vec<String>,
}

impl Head {
    /// The head of an empty ledger.
    pub(in crate::store) fn empty(genesis: u128) -> Self {
        Self { records: 0, length: 0, last: genesis, open: Vec::new() }
    }

    pub(in crate::store) fn to_bytes(&self) -> Vec<u8> {
        let mut out = Encoder::frame(MAGIC);
        out.u64(self.records);
        out.u64(self.length);
        out.u128(self.last);
        out.count(self.open.len());
        for lane in &self.open {
            out.text(lane);
        }
        out.seal()
    }

    pub(in crate::store) fn parse(bytes: &[u8]) -> Result<Self> {
        let mut input = Decoder::frame(MAGIC, bytes)?;
        let (records, length, last) = (input.u64()?, input.u64()?, input.u128()?);
        let open = (0..input.count(4)?).map(|_| input.text()).collect::<Result<Vec<_>>>()?;
        input.end()?;
        if !open.is_sorted_by(|a, b| a < b) {
            return Err(Error::damage("S-16", "open lanes in order, each once", open.join(", ")));
        }
        Ok(Self { records, length, last, open })
    }
}
