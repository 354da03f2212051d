//! Venue and security of a row: the data's, else what the dialect or the user says (decision 8).

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::rows::Fault;
use crate::limits::NAME_BYTES;

/// The venue of rows for which nobody names one.
const UNKNOWN_VENUE: &str = "unknown";

/// What stands in when the data does not name it.
#[derive(Clone, Debug, Default)]
pub struct NameRule {
    /// The dialect's or `--venue`.
    pub venue: Option<String>,
    /// The file name's or `--security`.
    pub security: Option<String>,
}

/// Checks a name and gives it as text.
///
/// # Errors
/// What was expected instead.
pub fn check_name(name: &[u8]) -> Result<&str, &'static str> {
    if name.is_empty() {
        return Err("a name");
    }
    if name.len() > NAME_BYTES {
        return Err("a name of at most 128 bytes");
    }
    std::str::from_utf8(name).map_err(|_| "a name in UTF-8")
}

/// The (venue, security) pairs of a batch, each once.
#[derive(Debug, Default)]
pub(super) struct Interner {
    pairs: Vec<(String, String)>,
    table: HashTable<u32>,
    hasher: DefaultHashBuilder,
    last: u32,
}

impl Interner {
    /// The index of a row's pair, and whether its venue is unknown; empty names take what the rule says.
    #[inline]
    pub(super) fn index(&mut self, venue: &[u8], security: &[u8], rule: &NameRule) -> Result<(u32, bool), Fault> {
        let named = rule.venue.as_deref().unwrap_or(UNKNOWN_VENUE).as_bytes();
        let unknown = venue.is_empty() && rule.venue.is_none();
        let venue = if venue.is_empty() { named } else { venue };
        let security = if security.is_empty() { rule.security.as_deref().unwrap_or("").as_bytes() } else { security };
        // Rows of one security follow each other in most sources.
        if !self.is_pair(self.last, venue, security) {
            self.last = self.find(venue, security)?;
        }
        Ok((self.last, unknown))
    }

    #[inline]
    fn is_pair(&self, index: u32, venue: &[u8], security: &[u8]) -> bool {
        self.pairs.get(index as usize).is_some_and(|p| p.1.as_bytes() == security && p.0.as_bytes() == venue)
    }

    fn find(&mut self, venue: &[u8], security: &[u8]) -> Result<u32, Fault> {
        let hash = self.hasher.hash_one((security, venue));
        if let Some(index) = self.table.find(hash, |i| self.is_pair(*i, venue, security)) {
            return Ok(*index);
        }
        if security.is_empty() {
            return Err(Fault::new("security", "a security; --security NAME names it where the data does not"));
        }
        let venue_text = check_name(venue).map_err(|e| Fault::got("venue", e, venue))?;
        let security_text = check_name(security).map_err(|e| Fault::got("security", e, security))?;
        let index = self.pairs.len() as u32;
        self.pairs.push((venue_text.to_owned(), security_text.to_owned()));
        let (pairs, hasher) = (&self.pairs, &self.hasher);
        self.table.insert_unique(hash, index, |i| {
            let pair = &pairs[*i as usize];
            hasher.hash_one((pair.1.as_bytes(), pair.0.as_bytes()))
        });
        Ok(index)
    }

    pub(super) fn into_pairs(self) -> Vec<(String, String)> {
        self.pairs
    }
}
