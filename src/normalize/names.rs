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
    /// Short securities whose venue the rule gave, at a place that their bytes give: the word of the name, and the pair's
    /// index.
    short: Vec<(u64, u32)>,
}

/// Places for short names.
const SHORT: usize = 64;

/// A name of 1 to 7 bytes as one word, different for each; 0 for any other.
#[inline]
fn short_word(name: &[u8]) -> u64 {
    let length = name.len();
    let bytes = |from: usize| {
        let four = name.get(from..).and_then(|rest| rest.first_chunk::<4>());
        u64::from(four.map_or(0, |four| u32::from_le_bytes(*four)))
    };
    let word = match name {
        [] => return 0,
        [a] => u64::from(*a),
        [a, b] => u64::from(u16::from_le_bytes([*a, *b])),
        [a, b, c] => u64::from(u32::from_le_bytes([*a, *b, *c, 0])),
        _ if length < 8 => bytes(0) | bytes(length - 4) << (8 * (length - 4)),
        _ => return 0,
    };
    word | (length as u64) << 56
}

impl Interner {
    /// The index of a row's pair, and whether its venue is unknown; empty names take what the rule says.
    #[inline]
    pub(super) fn index(&mut self, venue: &[u8], security: &[u8], rule: &NameRule) -> Result<(u32, bool), Fault> {
        let word = if venue.is_empty() { short_word(security) } else { 0 };
        let place = (word.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 58) as usize;
        if word != 0
            && let Some((known, index)) = self.short.get(place)
            && *known == word
        {
            return Ok((*index, rule.venue.is_none()));
        }
        let named = rule.venue.as_deref().unwrap_or(UNKNOWN_VENUE).as_bytes();
        let unknown = venue.is_empty() && rule.venue.is_none();
        let venue = if venue.is_empty() { named } else { venue };
        let security = if security.is_empty() { rule.security.as_deref().unwrap_or("").as_bytes() } else { security };
        // Rows of one security follow each other in most sources.
        if !self.is_pair(self.last, venue, security) {
            self.last = self.find(venue, security)?;
        }
        if word != 0 {
            self.short.resize(SHORT, (0, 0));
            self.short[place] = (word, self.last);
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn short_names_have_words_of_their_own() {
        let names: [&[u8]; 10] =
            [b"a", b"a\0", b"ab", b"abc", b"abcd", b"abcde", b"abcdf", b"bbcde", b"abcdefg", b"\0"];
        for (i, a) in names.iter().enumerate() {
            assert_ne!(short_word(a), 0);
            assert!(names[..i].iter().all(|b| short_word(a) != short_word(b)), "{i}");
        }
        assert_eq!((short_word(b""), short_word(b"abcdefgh")), (0, 0));
    }

    proptest! {
        #[test]
        fn each_pair_has_one_index(rows in proptest::collection::vec(("[ab]{0,2}", "[ab]{1,9}"), 1..200), named: bool) {
            let rule = NameRule { venue: named.then(|| "a".to_owned()), security: None };
            let mut interner = Interner::default();
            let mut seen: Vec<(String, String)> = Vec::new();
            for (venue, security) in &rows {
                let stands_for = if named { "a" } else { UNKNOWN_VENUE };
                let full = if venue.is_empty() { stands_for } else { venue };
                let pair = (full.to_owned(), security.clone());
                let wanted = seen.iter().position(|s| *s == pair).unwrap_or_else(|| {
                    seen.push(pair);
                    seen.len() - 1
                });
                let (index, unknown) = interner.index(venue.as_bytes(), security.as_bytes(), &rule).unwrap();
                prop_assert_eq!((index as usize, unknown), (wanted, venue.is_empty() && !named));
            }
            prop_assert_eq!(interner.into_pairs(), seen);
        }
    }
}
