//! The delta part: the first word, then the packed differences of each word to the one before. For clocks and numbers that
//! rise: their differences are small, so that zstd has something to find.

use super::pack::{self, Packing};
use super::packed::{self, Packed};
use crate::error::{Error, Result};
use crate::format::rules;

/// Bytes of the first word.
const FIRST: usize = 8;

/// Appends the delta part of at least two words; `differences` is scratch.
pub fn put(words: &[i64], out: &mut Vec<u8>, differences: &mut Vec<i64>) {
    differences.clear();
    differences.extend(words.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])));
    out.extend_from_slice(&words.first().copied().unwrap_or(0).to_le_bytes());
    packed::put(differences, pack::plan(differences, 0), out);
}

/// A delta part whose header and length were checked.
#[derive(Clone, Copy, Debug)]
pub struct Delta<'a> {
    first: i64,
    differences: Packed<'a>,
}

impl<'a> Delta<'a> {
    /// Takes the delta part of `count` words, which is all of `bytes`.
    ///
    /// # Errors
    /// `Damage`.
    pub fn parse(bytes: &'a [u8], count: usize) -> Result<Self> {
        if count < 2 {
            return Err(Error::damage(rules::DELTA, "two rows at least", format!("{count}")));
        }
        let Some((first, rest)) = bytes.split_first_chunk::<FIRST>() else {
            return Err(Error::damage(rules::PART_LENGTH, "a first word", format!("{} bytes", bytes.len())));
        };
        Ok(Self { first: i64::from_le_bytes(*first), differences: Packed::parse(rest, count - 1)? })
    }

    /// The packing of the differences.
    #[must_use]
    pub fn packing(&self) -> Packing {
        self.differences.packing
    }

    /// Writes the words; `out` has a place for each.
    pub fn unpack(&self, out: &mut [i64]) {
        let Some((first, rest)) = out.split_first_mut() else { return };
        *first = self.first;
        self.differences.unpack(rest);
        let mut word = self.first;
        for difference in rest {
            word = word.wrapping_add(*difference);
            *difference = word;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn words_come_back(words in proptest::collection::vec(any::<i64>(), 2..200), step in 0_i64..1_000) {
            let rising: Vec<i64> = (0..).zip(&words).map(|(row, w)| row * step + (w & 7)).collect();
            for words in [&words, &rising] {
                let (mut bytes, mut scratch) = (Vec::new(), Vec::new());
                put(words, &mut bytes, &mut scratch);
                let mut out = vec![0; words.len()];
                Delta::parse(&bytes, words.len()).unwrap().unpack(&mut out);
                prop_assert_eq!(&out, words);
            }
        }
    }
}
