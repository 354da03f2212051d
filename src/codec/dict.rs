//! The dict part: the block's distinct strings in byte order, then each row's code, packed.

use hashbrown::HashTable;

use super::packed::{self, Packed};
use super::{TextBlock, bits, pack};
use crate::error::{Error, Result};
use crate::format::constants::DICT_HEADER;
use crate::format::rules;

impl TextBlock {
    /// Value of a row.
    #[must_use]
    pub fn value(&self, row: usize) -> &[u8] {
        let start = if row == 0 { 0 } else { self.ends[row - 1] as usize };
        &self.bytes[start..self.ends[row] as usize]
    }

    /// Appends a value. Text past 4 GiB in one block is cut off, and refused by every writer.
    pub fn push(&mut self, value: &[u8]) {
        self.bytes.extend_from_slice(value);
        self.ends.push(u32::try_from(self.bytes.len()).unwrap_or(u32::MAX));
    }

    /// Empties the block and keeps its memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// Whether the ends rise and stay inside the bytes.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let rising = self.ends.windows(2).all(|pair| pair[0] <= pair[1]);
        rising && self.ends.last().is_none_or(|end| *end as usize <= self.bytes.len())
    }
}

/// Reused memory of dictionary encoding.
#[derive(Debug, Default)]
pub struct DictScratch {
    /// Distinct values by hash: number of the distinct value.
    table: HashTable<u32>,
    /// Row and hash of the first occurrence of each distinct value.
    firsts: Vec<(u32, u64)>,
    /// Number of the distinct value of each row, then its code.
    codes: Vec<i64>,
    /// Distinct numbers in byte order, and their places in it.
    order: Vec<u32>,
    places: Vec<i64>,
}

/// Appends the dict part of `rows` values. `hashes` has XXH3-64 of each valid row's value.
///
/// # Errors
/// `Usage` when the text of one block does not fit in its limits.
pub fn put(
    values: &TextBlock,
    rows: usize,
    validity: Option<&[u64]>,
    hashes: &[u64],
    scratch: &mut DictScratch,
    out: &mut Vec<u8>,
) -> Result<()> {
    let valid = |row: usize| validity.is_none_or(|bitmap| bits::get(bitmap, row));
    let DictScratch { table, firsts, codes, order, places } = scratch;
    table.clear();
    firsts.clear();
    codes.clear();
    for (row, hash) in hashes.iter().copied().enumerate().take(rows) {
        if !valid(row) {
            codes.push(-1);
            continue;
        }
        let same = |number: &u32| values.value(firsts[*number as usize].0 as usize) == values.value(row);
        let found = table.find(hash, same).copied();
        let number = match found {
            Some(number) => number,
            None => {
                let number = u32::try_from(firsts.len()).unwrap_or(u32::MAX);
                firsts.push((u32::try_from(row).unwrap_or(u32::MAX), hash));
                table.insert_unique(hash, number, |n| firsts[*n as usize].1);
                number
            }
        };
        codes.push(i64::from(number));
    }
    let first_row = |number: u32| firsts[number as usize].0 as usize;
    order.clear();
    order.extend(0..u32::try_from(firsts.len()).unwrap_or(u32::MAX));
    order.sort_unstable_by(|a, b| values.value(first_row(*a)).cmp(values.value(first_row(*b))));
    places.clear();
    places.resize(order.len(), 0);
    for (place, number) in order.iter().enumerate() {
        places[*number as usize] = i64::try_from(place).unwrap_or(i64::MAX);
    }
    // A null row repeats the code before it; the first ones hold the least, which is 0.
    let mut before = 0;
    for code in codes.iter_mut() {
        if let Ok(number) = usize::try_from(*code) {
            before = places[number];
        }
        *code = before;
    }
    put_strings(values, order.iter().map(|n| first_row(*n)), out)?;
    packed::put(codes, pack::plan(codes, 0), out);
    Ok(())
}

/// Appends count, byte length, offsets, bytes and padding of the strings in `rows` of `values`.
fn put_strings(
    values: &TextBlock,
    rows: impl ExactSizeIterator<Item = usize> + Clone,
    out: &mut Vec<u8>,
) -> Result<()> {
    let bytes: usize = rows.clone().map(|row| values.value(row).len()).sum();
    let (Ok(count), Ok(byte_len)) = (u32::try_from(rows.len()), u32::try_from(bytes)) else {
        return Err(Error::usage("a block with over 4 GiB of text", "write fewer rows a block"));
    };
    let start = out.len();
    out.extend_from_slice(&count.to_le_bytes());
    out.extend_from_slice(&byte_len.to_le_bytes());
    let mut end = 0_u32;
    out.extend_from_slice(&end.to_le_bytes());
    for row in rows.clone() {
        end += u32::try_from(values.value(row).len()).unwrap_or(0);
        out.extend_from_slice(&end.to_le_bytes());
    }
    for row in rows {
        out.extend_from_slice(values.value(row));
    }
    let length = (out.len() - start).next_multiple_of(8);
    out.resize(start + length, 0);
    Ok(())
}

/// A dict part whose layout was checked.
#[derive(Clone, Copy, Debug)]
pub struct Dictionary<'a> {
    offsets: &'a [[u8; 4]],
    bytes: &'a [u8],
    /// The codes.
    pub codes: Packed<'a>,
}

impl<'a> Dictionary<'a> {
    /// Takes the dict part of `rows` rows, which is all of `part`, and checks its strings.
    ///
    /// # Errors
    /// `Damage`.
    pub fn parse(part: &'a [u8], rows: usize, all_null: bool) -> Result<Self> {
        let short = || Error::damage(rules::PART_LENGTH, "a whole dictionary", format!("{} bytes", part.len()));
        let (head, rest) = part.split_at_checked(DICT_HEADER).ok_or_else(short)?;
        let word = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]) as usize;
        let (count, byte_len) = (word(0), word(4));
        if count > rows || (count == 0) != all_null {
            let expected = format!("strings for {rows} rows, none only if all are null");
            return Err(Error::damage(rules::DICT_LAYOUT, expected, format!("{count} strings")));
        }
        let (offsets, rest) = rest.split_at_checked((count + 1) * 4).ok_or_else(short)?;
        let (bytes, rest) = rest.split_at_checked(byte_len).ok_or_else(short)?;
        let used = part.len() - rest.len();
        let (padding, rest) = rest.split_at_checked(used.next_multiple_of(8) - used).ok_or_else(short)?;
        let (offsets, _) = offsets.as_chunks::<4>();
        let offset = |i: usize| u32::from_le_bytes(offsets[i]) as usize;
        let rising = (0..count).all(|i| offset(i) <= offset(i + 1));
        if offset(0) != 0 || offset(count) != byte_len || !rising || padding.iter().any(|b| *b != 0) {
            let expected = "offsets that rise from 0 to byte_len, then zeros";
            return Err(Error::damage(rules::DICT_LAYOUT, expected, format!("{count} strings of {byte_len} bytes")));
        }
        let dictionary = Self { offsets, bytes, codes: Packed::parse(rest, rows)? };
        dictionary.check_strings()?;
        Ok(dictionary)
    }

    /// Number of strings.
    #[must_use]
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// True when all rows are null.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A string by code.
    fn string(&self, code: usize) -> &'a [u8] {
        let offset = |i: usize| u32::from_le_bytes(self.offsets[i]) as usize;
        &self.bytes[offset(code)..offset(code + 1)]
    }

    fn check_strings(&self) -> Result<()> {
        for code in 0..self.len() {
            if std::str::from_utf8(self.string(code)).is_err() {
                return Err(Error::damage(rules::DICT_STRINGS, "UTF-8", format!("string {code}")));
            }
            if code > 0 && self.string(code - 1) >= self.string(code) {
                return Err(Error::damage(rules::DICT_STRINGS, "strings in byte order", format!("string {code}")));
            }
        }
        Ok(())
    }

    /// Writes each row's string to `out`, nothing for null rows, and checks codes and that every string is used
    /// . `codes` is scratch.
    ///
    /// # Errors
    /// `Damage`.
    pub fn expand(&self, rows: usize, validity: &[u64], codes: &mut Vec<i64>, out: &mut TextBlock) -> Result<()> {
        let count = self.len();
        if codes.len() < rows + count {
            codes.resize(rows + count, 0);
        }
        let (codes, used) = codes.split_at_mut(rows);
        let used = &mut used[..count];
        used.fill(0);
        self.codes.unpack(codes);
        out.clear();
        for (row, code) in codes.iter().enumerate() {
            let code = usize::try_from(*code).ok().filter(|code| *code < count.max(1));
            let Some(code) = code else {
                return Err(Error::damage(rules::DICT_CODES, format!("codes below {count}"), format!("row {row}")));
            };
            if bits::get(validity, row) && count > 0 {
                used[code] = 1;
                out.push(self.string(code));
            } else {
                out.push(b"");
            }
        }
        match used.iter().position(|u| *u == 0) {
            None => Ok(()),
            Some(code) => Err(Error::damage(rules::DICT_STRINGS, "every string used", format!("string {code}"))),
        }
    }
}
