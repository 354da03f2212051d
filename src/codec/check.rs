//! Strict checks of a decoded block: what the writer asserts and a reader need not know to read the values.

use super::decode::{self, DecodeScratch};
use super::delta::Delta;
use super::dict::Dictionary;
use super::packed::Packed;
use super::repeat::Repeat;
use super::{TextBlock, bits, digest, stats};
use crate::error::{Error, Result};
use crate::format::constants::F64_NULL;
use crate::format::{BlockEntry, Encoding, digest as content, rules};
use crate::schema::{Column, LogicalType};

/// A block in its file.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Its column.
    pub column: &'a Column,
    /// Its index entry.
    pub entry: &'a BlockEntry,
    /// Number in the table of its first row.
    pub first_row: u64,
}

/// Decodes a block of any type but text into `words` (f64 as bits) and checks it. Returns its
/// content digest.
///
/// # Errors
/// `Damage` naming the rule.
pub fn numbers(
    at: Place<'_>,
    bytes: &[u8],
    scratch: &mut DecodeScratch,
    words: &mut [i64],
    validity: &mut [u64],
) -> Result<u128> {
    let Place { column, entry, first_row } = at;
    let float = column.logical_type == LogicalType::F64;
    if float {
        let out = bytemuck::cast_slice_mut::<i64, f64>(words);
        decode::f64s(column, entry, bytes, scratch, out)?;
        bits::fill_ones(validity, words.len());
    } else {
        decode::i64s(column, entry, bytes, scratch, words, validity)?;
    }
    let unsigned = float || column.logical_type == LogicalType::U64;
    let flip = if unsigned { i64::MIN } else { 0 };
    decode::with_part(column, entry, bytes, scratch, |encoding, part| part_of(encoding, part, words, flip))?;
    let seed = content::column_seed(&column.name);
    if float {
        floats(entry, words)?;
        return Ok(seed.map_or(0, |seed| digest::floats(words, seed, first_row)));
    }
    null_fill(entry, words, validity, flip)?;
    statistics(at, words, validity, flip)?;
    let Some(seed) = seed else { return Ok(0) };
    if entry.nulls == 0 {
        return Ok(digest::words(words, seed, first_row));
    }
    let null = digest::null_word(seed).cast_signed();
    for (row, word) in words.iter_mut().enumerate() {
        *word = if bits::get(validity, row) { *word } else { null };
    }
    Ok(digest::words(words, seed, first_row))
}

/// The packed part's base is the least value; a repeat part's bits are the changes.
fn part_of(encoding: Encoding, part: &[u8], words: &[i64], flip: i64) -> Result<()> {
    let base = match encoding {
        Encoding::Packed => Packed::parse(part, words.len())?.packing.base,
        Encoding::Repeat => {
            let repeat = Repeat::parse(part, words.len())?;
            let wrong = (1..words.len()).find(|row| repeat.changed(*row) != (words[*row] != words[*row - 1]));
            if let Some(row) = wrong {
                let expected = "a bit set exactly where the value changes";
                return Err(Error::damage(rules::REPEAT_BITMAP, expected, format!("row {row}")));
            }
            repeat.packed.packing.base
        }
        Encoding::Delta => {
            let base = Delta::parse(part, words.len())?.packing().base;
            let least = words.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).min().unwrap_or(0);
            if base != least {
                return Err(Error::damage(rules::DELTA, format!("base {least}"), base.to_string()));
            }
            return Ok(());
        }
        Encoding::Plain | Encoding::Dict | Encoding::Zstd => return Ok(()),
    };
    let (least, _) = stats::min_max(words, flip);
    if base == least {
        return Ok(());
    }
    Err(Error::damage(rules::PACKED_HEADER, format!("base {least}, the least value"), base.to_string()))
}

/// One NaN, counted as nulls, and the statistics of the others.
fn floats(entry: &BlockEntry, words: &[i64]) -> Result<()> {
    let is_nan = |word: &&i64| f64::from_bits(word.cast_unsigned()).is_nan();
    let nulls = words.iter().filter(is_nan).count();
    let odd = words.iter().filter(is_nan).find(|word| word.cast_unsigned() != F64_NULL);
    if nulls != entry.nulls as usize || odd.is_some() {
        let got = format!("{nulls} NaN, {:#x}", odd.copied().unwrap_or_default());
        return Err(Error::damage(rules::NAN, format!("{} NaN of {F64_NULL:#x}", entry.nulls), got));
    }
    let numbers = words.iter().filter(|word| !is_nan(word)).map(|word| f64::from_bits(word.cast_unsigned()));
    let min = numbers.clone().min_by(f64::total_cmp).map_or(0, f64::to_bits);
    let max = numbers.max_by(f64::total_cmp).map_or(0, f64::to_bits);
    compare_statistics(entry, (min, max, 0))
}

/// Null rows repeat the value before; the first ones hold the least, 0 when all are null.
fn null_fill(entry: &BlockEntry, words: &[i64], validity: &[u64], flip: i64) -> Result<()> {
    if entry.nulls == 0 {
        return Ok(());
    }
    let valid = (0..words.len()).filter(|row| bits::get(validity, *row)).map(|row| words[row] ^ flip);
    let mut before = valid.min().map_or(0, |least| least ^ flip);
    for (row, word) in words.iter().enumerate() {
        if bits::get(validity, row) {
            before = *word;
        } else if *word != before {
            return Err(Error::damage(rules::NULL_FILL, format!("{before} in null row {row}"), word.to_string()));
        }
    }
    Ok(())
}

fn statistics(at: Place<'_>, words: &[i64], validity: &[u64], flip: i64) -> Result<()> {
    let Place { entry, column, .. } = at;
    if entry.nulls == entry.rows {
        return Ok(());
    }
    // Null rows repeat valid values, so the range is that of all words.
    let (min, max) = stats::min_max(words, flip);
    let unsigned = column.logical_type == LogicalType::U64;
    let sum = if entry.nulls == 0 {
        stats::sum(words, unsigned)
    } else {
        let valid = (0..words.len()).filter(|row| bits::get(validity, *row)).map(|row| words[row]);
        valid.map(|v| if unsigned { i128::from(v.cast_unsigned()) } else { i128::from(v) }).sum()
    };
    compare_statistics(entry, (min.cast_unsigned(), max.cast_unsigned(), sum))
}

fn compare_statistics(entry: &BlockEntry, found: (u64, u64, i128)) -> Result<()> {
    if (entry.min, entry.max, entry.sum) == found {
        return Ok(());
    }
    let text = |(min, max, sum): (u64, u64, i128)| format!("min {min:#x}, max {max:#x}, sum {sum}");
    Err(Error::damage(rules::STATISTICS, text(found), text((entry.min, entry.max, entry.sum))))
}

/// Decodes a text block into `out` and checks it. Returns its content digest.
///
/// # Errors
/// `Damage` naming the rule.
pub fn text(
    at: Place<'_>,
    bytes: &[u8],
    scratch: &mut DecodeScratch,
    out: &mut TextBlock,
    validity: &mut [u64],
) -> Result<u128> {
    let Place { column, entry, first_row } = at;
    decode::text(entry, bytes, scratch, out, validity)?;
    let rows = entry.rows as usize;
    let mut codes = vec![0; rows];
    decode::with_part(column, entry, bytes, scratch, |_, part| {
        let dictionary = Dictionary::parse(part, rows, entry.nulls == entry.rows)?;
        dictionary.codes.unpack(&mut codes);
        let (base, least) = (dictionary.codes.packing.base, codes.iter().min().copied().unwrap_or(0));
        if base != least {
            return Err(Error::damage(rules::PACKED_HEADER, format!("base {least}"), base.to_string()));
        }
        Ok(())
    })?;
    null_fill(entry, &codes, validity, 0)?;
    let Some(seed) = content::column_seed(&column.name) else { return Ok(0) };
    let null = digest::null_word(seed);
    for (row, code) in codes.iter_mut().enumerate() {
        let valid = bits::get(validity, row);
        *code = if valid { xxhash_rust::xxh3::xxh3_64(out.value(row)) } else { null }.cast_signed();
    }
    Ok(digest::words(&codes, seed, first_row))
}
