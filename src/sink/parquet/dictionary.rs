//! The dictionary of a column chunk: each different value once, in the order of its first row, and a number for every row.
//!
//! A dictionary that is full takes no page any more; the pages before it stay as they are. Memory is bounded: [`WORDS`] or [`TEXTS`]
//! entries.

use std::collections::HashMap;

use super::page::put_varint;
use crate::codec::TextBlock;

/// Words of a dictionary at most.
pub(super) const WORDS: usize = 8_192;
/// Strings of a dictionary at most, and bytes of them.
const TEXTS: usize = 1 << 15;
const TEXT_BYTES: usize = 1 << 20;
/// Slots of the hash table, twice as many as there are words.
const SLOTS: usize = WORDS * 2;
const EMPTY: u16 = u16::MAX;
/// Numbers are whole bytes, which zstd shrinks better than bits: one up to so many entries, else two.
const BYTE: usize = 256;
/// A dictionary pays if a value comes so often on average.
const REPEATS: usize = 4;
/// The same for texts, which are longer than numbers.
const TEXT_REPEATS: usize = 2;

/// Different words, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Words {
    pub(super) entries: Vec<i64>,
    slots: Vec<u16>,
}

impl Words {
    /// Forgets all words; the memory stays.
    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.slots.fill(EMPTY);
    }

    /// Replaces `codes` by the numbers of `words`. False if the dictionary got full: it is of no use for them then.
    pub(super) fn encode(&mut self, words: &[i64], codes: &mut Vec<u16>) -> bool {
        self.slots.resize(SLOTS, EMPTY);
        codes.clear();
        for word in words {
            let Some(code) = self.code(*word) else { return false };
            codes.push(code);
        }
        true
    }

    /// Whether a sample's words come often enough for a dictionary.
    pub(super) fn suits(&mut self, sample: &[i64]) -> bool {
        self.slots.resize(SLOTS, EMPTY);
        self.clear();
        let most = sample.len() / REPEATS;
        sample.iter().all(|word| self.code(*word).is_some() && self.entries.len() <= most)
    }

    #[inline(always)]
    fn code(&mut self, word: i64) -> Option<u16> {
        let mixed = (word ^ (word >> 32)).cast_unsigned().wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut at = (mixed >> (64 - SLOTS.trailing_zeros())) as usize;
        loop {
            let code = self.slots[at];
            if code == EMPTY {
                let new = self.entries.len();
                if new == WORDS {
                    return None;
                }
                self.slots[at] = new as u16;
                self.entries.push(word);
                return Some(new as u16);
            }
            if self.entries[code as usize] == word {
                return Some(code);
            }
            at = (at + 1) % SLOTS;
        }
    }
}

/// Different strings, as Parquet's plain values.
#[derive(Debug, Default)]
pub(super) struct Texts {
    codes: HashMap<Vec<u8>, u16>,
    pub(super) plain: Vec<u8>,
}

impl Texts {
    pub(super) fn len(&self) -> usize {
        self.codes.len()
    }

    pub(super) fn clear(&mut self) {
        self.codes.clear();
        self.plain.clear();
    }

    /// Replaces `codes` by the numbers of a page's strings. False if the dictionary got full: it is of no use for them then.
    pub(super) fn encode(&mut self, texts: &TextBlock, codes: &mut Vec<u16>) -> bool {
        codes.clear();
        let mut start = 0;
        for end in &texts.ends {
            let text = &texts.bytes[start..*end as usize];
            start = *end as usize;
            let code = match self.codes.get(text) {
                Some(code) => *code,
                None if self.codes.len() == TEXTS || self.plain.len() + text.len() > TEXT_BYTES => return false,
                None => {
                    let new = self.codes.len() as u16;
                    self.codes.insert(text.to_vec(), new);
                    put_text(text, &mut self.plain);
                    new
                }
            };
            codes.push(code);
        }
        true
    }

    /// Whether what came in for `rows` strings is worth a dictionary.
    pub(super) fn suits(&self, rows: usize) -> bool {
        self.codes.len() <= (rows / TEXT_REPEATS).max(1)
    }
}

/// Appends a string as Parquet's plain encoding has it.
pub(super) fn put_text(text: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend_from_slice(text);
}

/// Appends the numbers of a page's values, as one run of 8 or 16 bits each.
pub(super) fn put_codes(codes: &[u16], entries: usize, out: &mut Vec<u8>) {
    let eights = codes.len().div_ceil(8);
    let padding = eights * 8 - codes.len();
    let width = if entries <= BYTE { 1 } else { 2 };
    out.push(width * 8);
    put_varint(out, (eights as u64) << 1 | 1);
    if width == 1 {
        out.extend(codes.iter().map(|code| *code as u8));
    } else {
        out.extend(codes.iter().flat_map(|code| code.to_le_bytes()));
    }
    out.resize(out.len() + padding * width as usize, 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_get_numbers_in_their_order_until_there_is_no_room() {
        let (mut words, mut codes) = (Words::default(), Vec::new());
        assert!(words.encode(&[7, -7, 7, i64::MIN, 0, -7], &mut codes));
        assert_eq!((&codes[..], &words.entries[..]), (&[0, 1, 0, 2, 3, 1][..], &[7, -7, i64::MIN, 0][..]));
        let many: Vec<i64> = (0..WORDS as i64).map(|i| i << 50).collect();
        assert!(!words.encode(&many, &mut codes));
        words.clear();
        assert!(words.encode(&many, &mut codes));
        assert_eq!(codes, (0..WORDS as u16).collect::<Vec<_>>());
        assert!(!words.encode(&[1], &mut codes));
        assert!(words.suits(&[3; 4]) && !words.suits(&[3; 3]) && !words.suits(&[1, 2, 1, 1]));
    }

    #[test]
    fn texts_get_numbers_and_plain_bytes() {
        let (mut texts, mut codes) = (Texts::default(), Vec::new());
        let page = TextBlock { bytes: b"abab".to_vec(), ends: vec![2, 2, 4] };
        assert!(texts.encode(&page, &mut codes));
        assert_eq!((codes, texts.plain), (vec![0, 1, 0], b"\x02\0\0\0ab\0\0\0\0".to_vec()));
    }

    #[test]
    fn numbers_are_whole_bytes_in_eights() {
        let mut out = Vec::new();
        put_codes(&[1, 2, 255], 256, &mut out);
        assert_eq!(out, [8, 3, 1, 2, 255, 0, 0, 0, 0, 0]);
        out.clear();
        put_codes(&[0x102; 8], 257, &mut out);
        assert_eq!(out, [&[16, 3][..], &[2, 1].repeat(8)].concat());
    }
}
