//! Cuts a source, or a pair of sources in step, into chunks of whole records.

use std::sync::Arc;

use super::buffer::Buffer;
use super::groups::Groups;
use super::lines::Ends;
use super::stream::{Front, Stream, TooLong};
use super::{Compression, Grouping, InputLimits, Source};
use crate::error::{Error, InputFault, Result};

/// Whole records with their place; its buffers are used again.
#[derive(Debug, Default)]
pub struct RawChunk {
    /// The records; the last line of the source may lack its newline.
    pub bytes: Buffer,
    /// The partner's records, one for each of `bytes` (and its header where only it has one); empty without a partner.
    pub partner: Buffer,
    /// Number of the first record, from 0.
    pub first_record: u64,
    /// Records in `bytes`, or 1 if there is only a refused one.
    pub records: u64,
    /// Offset of the first record in the decompressed source.
    pub byte_offset: u64,
    /// A record longer than the limit: then it is the chunk's only one, and `bytes` is empty.
    pub refused: Option<TooLong>,
    /// The records are of one group that has more bytes than this, the most of a record: none of them can be stored.
    pub group_too_large: Option<usize>,
}

/// What is known of a source; final once [`Cutter::next`] has returned `false`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceFacts {
    /// XXH3-128 of the decompressed bytes; of both digests, 16 little-endian bytes each, for a pair.
    pub digest: u128,
    /// Decompressed bytes of both.
    pub bytes: u64,
    /// Records: of the first of a pair.
    pub records: u64,
    /// Compression of the first.
    pub compression: Compression,
}

/// Cuts at record ends. Where the cuts fall depends on the limits; which records there are does not.
#[derive(Debug)]
pub struct Cutter {
    main: Stream,
    partner: Option<Stream>,
    groups: Option<Groups>,
    /// Records that the partner has more than the main source and that must come before the first pair.
    owed: i64,
    /// No longer than the longest record: then no record in a chunk can be too long, wherever the cuts fall.
    chunk_bytes: usize,
    line_bytes: usize,
}

impl Cutter {
    /// Cuts one source where its records end; `true` means lines whose quoted fields may hold newlines, `false` lines.
    #[must_use]
    pub fn new(source: Source, ends: impl Into<Ends>, limits: &InputLimits) -> Self {
        let line_bytes = limits.line_bytes.max(1);
        let chunk_bytes = limits.chunk_bytes.clamp(1, line_bytes);
        let main = Stream::new(source, ends.into());
        Self { main, partner: None, groups: None, owed: 0, chunk_bytes, line_bytes }
    }

    /// Keeps records together as the rule says. They are lines, and there is no partner.
    #[must_use]
    pub fn grouped(mut self, rule: Option<Arc<dyn Grouping>>) -> Self {
        self.groups = rule.map(|rule| Groups::new(rule, self.line_bytes));
        self
    }

    /// Reads a partner in step: as many records as the main source. `extra` is how many records it has more in front of the
    /// first pair (1 if only it has a header, -1 if only the main source has one).
    #[must_use]
    pub fn with_partner(mut self, partner: Source, extra: i64) -> Self {
        self.partner = Some(Stream::new(partner, self.main.ends));
        self.owed = extra;
        self
    }

    /// The next chunk into `chunk`; `false` at the end.
    ///
    /// # Errors
    /// `Input` if the source is cut or corrupt, after the chunks before the fault, or if a pair differs in length; `Io`.
    pub fn next(&mut self, chunk: &mut RawChunk) -> Result<bool> {
        let target = self.chunk_bytes;
        chunk.bytes.clear();
        chunk.partner.clear();
        chunk.refused = None;
        chunk.group_too_large = None;
        chunk.first_record = self.main.records;
        chunk.byte_offset = self.main.offset + self.main.source.mark_bytes();
        match self.main.front(target, self.line_bytes)? {
            Front::End => {
                self.check_partner_end()?;
                return Ok(false);
            }
            Front::TooLong => {
                chunk.records = 1;
                let refused = chunk.refused.insert(self.main.refuse(self.line_bytes)?);
                if let Some(groups) = &mut self.groups {
                    groups.refuse(&refused.head);
                }
                if let Some(partner) = &mut self.partner {
                    partner.drop_record(target, self.line_bytes)?;
                }
            }
            Front::Records if self.partner.is_none() => match &mut self.groups {
                Some(groups) => groups.take(&mut self.main, chunk),
                None => {
                    chunk.records = self.main.ready.0;
                    self.main.take_all(&mut chunk.bytes);
                }
            },
            Front::Records => self.take_pairs(chunk)?,
        }
        Ok(true)
    }

    /// As many pairs as both streams hold.
    fn take_pairs(&mut self, chunk: &mut RawChunk) -> Result<()> {
        let Some(partner) = &mut self.partner else {
            return Ok(());
        };
        let (owed, ready, target) = (self.owed, self.main.ready.0, self.chunk_bytes);
        let behind = u64::try_from(owed).unwrap_or(0);
        let have = match partner.front_behind(behind, target, self.line_bytes)? {
            Front::Records => partner.ready.0,
            Front::End => 0,
            Front::TooLong => {
                chunk.records = 1;
                chunk.refused = Some(partner.refuse(self.line_bytes)?);
                self.main.drop_record(target, self.line_bytes)?;
                return Ok(());
            }
        };
        let pairs = ready.min(have.saturating_add_signed(owed.saturating_neg()));
        if pairs == 0 {
            // Only blank lines may be left over in the main source.
            if self.main.pending.iter().all(|b| matches!(b, b'\n' | b'\r')) && have == 0 {
                chunk.records = ready;
                self.main.take_all(&mut chunk.bytes);
                return Ok(());
            }
            return Err(unpaired(&self.main, partner));
        }
        chunk.records = pairs;
        self.main.take(pairs, &mut chunk.bytes);
        partner.take(pairs.saturating_add_signed(owed), &mut chunk.partner);
        // A chunk of less than the main source's surplus leaves the rest of it.
        self.owed = owed.saturating_add_unsigned(pairs).min(0);
        Ok(())
    }

    fn check_partner_end(&mut self) -> Result<()> {
        let Some(partner) = &mut self.partner else {
            return Ok(());
        };
        loop {
            match partner.front(1 << 16, self.line_bytes)? {
                Front::End => return Ok(()),
                Front::Records if partner.pending[..partner.ready.1].iter().all(|b| matches!(b, b'\n' | b'\r')) => {
                    let mut dropped = Buffer::default();
                    partner.take_all(&mut dropped);
                }
                _ => return Err(unpaired(&self.main, partner)),
            }
        }
    }

    /// What is known of the source so far.
    #[must_use]
    pub fn facts(&self) -> SourceFacts {
        let main = self.main.source.digest();
        let (digest, partner_bytes) = match &self.partner {
            None => (main, 0),
            Some(partner) => {
                let both = [main.to_le_bytes(), partner.source.digest().to_le_bytes()].concat();
                (xxhash_rust::xxh3::xxh3_128(&both), partner.source.bytes())
            }
        };
        SourceFacts {
            digest,
            bytes: self.main.source.bytes() + partner_bytes,
            records: self.main.records,
            compression: self.main.source.compression(),
        }
    }
}

fn unpaired(main: &Stream, partner: &Stream) -> Error {
    Error::input(InputFault {
        path: partner.source.path().to_owned(),
        line: Some(partner.records + 1),
        byte_offset: Some(partner.offset),
        expected: format!("as many records as {}", main.source.path().display()),
        got: format!("another length after {} pairs", main.records).into_bytes(),
        advice: "give the two files of the same day and the same version".to_owned(),
        ..InputFault::default()
    })
}
