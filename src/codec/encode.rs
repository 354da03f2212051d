//! Values to block bytes: statistics, content digest and the smallest encoding, in one call a block.
//!
//! What goes in is checked (lengths, ranges, UTF-8); what goes out was decoded again and compared where
//! [`BlockEncoder::check_every`] asks for it. Memory is kept from block to block.

use super::decode::{self, DecodeScratch};
use super::dict::{self, DictScratch};
use super::stats::FloatStats;
use super::zstd::Deflater;
use super::{ColumnValues, TextBlock, bits, delta, digest, pack, packed, plain, repeat, stats};
use crate::error::{Error, Result};
use crate::format::constants::PACKED_HEADER;
use crate::format::{BlockEntry, Encoding, checksum, digest as content, value_range};
use crate::limits;
use crate::schema::{Column, LogicalType};

/// Blocks of which one is decoded again and compared before it is written: all of them in debug builds. Doing it always
/// costs 8 % of the encoding of plain blocks, but 20 to 45 % of that of packed and repeat ones (`benches/codec.rs`), so a
/// release build takes one in 16; `check_every(1)` asks for all.
pub const CHECK_EVERY: u32 = if cfg!(debug_assertions) { 1 } else { 16 };

/// Values by which an f64 block is judged at first.
const FEW: usize = 64;

/// Encodes blocks.
#[derive(Debug)]
pub struct BlockEncoder {
    deflater: Option<Deflater>,
    frame: Vec<u8>,
    stored: Vec<i64>,
    changed: Vec<i64>,
    delta: Vec<u8>,
    masked: Vec<i64>,
    hashes: Vec<u64>,
    bitmap: Vec<u64>,
    dict: DictScratch,
    decode: DecodeScratch,
    decoded: Vec<i64>,
    decoded_text: TextBlock,
    check_every: u32,
    blocks: u32,
}

/// An encoded block: its index entry (without offset, and with the checksum of the payload alone) and its digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// `offset` is 0 and `crc` is that of the payload without its seed.
    pub entry: BlockEntry,
    /// Content digest of the block's rows; 0 for columns that the digest leaves out.
    pub digest: u128,
}

impl Default for BlockEncoder {
    fn default() -> Self {
        Self {
            deflater: None,
            frame: Vec::new(),
            stored: Vec::new(),
            changed: Vec::new(),
            delta: Vec::new(),
            masked: Vec::new(),
            hashes: Vec::new(),
            bitmap: Vec::new(),
            dict: DictScratch::default(),
            decode: DecodeScratch::default(),
            decoded: Vec::new(),
            decoded_text: TextBlock::default(),
            check_every: CHECK_EVERY,
            blocks: 0,
        }
    }
}

impl BlockEncoder {
    /// Wraps every block in zstd of this level where that makes it smaller; times and numbers may then be `delta`.
    ///
    /// # Errors
    /// `Io` when the context cannot be made.
    pub fn with_zstd(mut self, level: i32) -> Result<Self> {
        self.deflater = Some(Deflater::new(level)?);
        Ok(self)
    }

    /// Decodes and compares one block in `every`; 0 never does.
    #[must_use]
    pub fn check_every(mut self, every: u32) -> Self {
        self.check_every = every;
        self
    }

    /// Appends the bytes of `rows` values of a column to `out`. `first_row` is the row's number in the table.
    ///
    /// # Errors
    /// `Usage` for values that do not fit the column, `Damage` when the block does not decode to what went in.
    pub fn encode(
        &mut self,
        column: &Column,
        first_row: u64,
        rows: usize,
        values: ColumnValues<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Encoded> {
        let start = out.len();
        let (mut entry, digest) = match (values, column.logical_type) {
            (ColumnValues::F64(values), LogicalType::F64) if values.len() >= rows => {
                self.floats(column, first_row, &values[..rows], out)?
            }
            (ColumnValues::Text { values, validity }, LogicalType::Text) if values.ends.len() >= rows => {
                self.text(column, first_row, rows, values, validity, out)?
            }
            (ColumnValues::I64 { values, validity }, ty)
                if ty != LogicalType::F64 && ty != LogicalType::Text && values.len() >= rows =>
            {
                self.ints(column, first_row, &values[..rows], validity, out)?
            }
            _ => return Err(misfit(column, "values of the column's type, one a row")),
        };
        if let Some(deflater) = &mut self.deflater {
            let part = start + validity_len(&entry, column.logical_type);
            let words = match values {
                ColumnValues::I64 { .. } if entry.nulls > 0 => Some(self.stored.as_slice()),
                ColumnValues::I64 { values, .. } => Some(&values[..rows]),
                _ => None,
            };
            let rising = words.filter(|_| rows > 1 && rises(column.logical_type));
            if let Some(words) = rising {
                self.delta.clear();
                delta::put(words, &mut self.delta, &mut self.changed);
            }
            // Differences of words that do rise are smaller numbers in as few bytes: the words need no try.
            let is_clear =
                rising.is_some() && self.delta.len() <= out.len() - part && self.changed.iter().all(|step| *step >= 0);
            if !is_clear && deflater.deflate(entry.encoding, out, part, &mut self.frame)? {
                entry.encoding = Encoding::Zstd;
            }
            if rising.is_some() {
                let wrapped = deflater.deflate(Encoding::Delta, &mut self.delta, 0, &mut self.frame)?;
                if is_clear || self.delta.len() < out.len() - part {
                    out.truncate(part);
                    out.extend_from_slice(&self.delta);
                    entry.encoding = if wrapped { Encoding::Zstd } else { Encoding::Delta };
                }
            }
        }
        entry.length = u32::try_from(out.len() - start).unwrap_or(u32::MAX);
        if entry.length > limits::BLOCK_BYTES {
            return Err(misfit(column, "a block within the limit of 32 MiB"));
        }
        entry.crc = checksum::crc(&out[start..]);
        self.blocks = self.blocks.wrapping_add(1);
        if self.check_every != 0 && self.blocks.is_multiple_of(self.check_every) {
            self.compare(column, &entry, &out[start..], values)?;
        }
        Ok(Encoded { entry, digest })
    }

    fn floats(
        &mut self,
        column: &Column,
        first_row: u64,
        values: &[f64],
        out: &mut Vec<u8>,
    ) -> Result<(BlockEntry, u128)> {
        let mut stored = std::mem::take(&mut self.stored);
        stored.resize(values.len(), 0);
        let FloatStats { nulls, min, max } = stats::canonical(values, &mut stored);
        let digest = content::column_seed(&column.name).map_or(0, |seed| digest::floats(&stored, seed, first_row));
        let encoding = self.put_floats(&stored, out);
        self.stored = stored;
        Ok((entry(encoding, values.len(), nulls, (min, max, 0)), digest))
    }

    /// f64 stays plain, which needs no decoding at all, unless another encoding is at most half as long.
    fn put_floats(&mut self, stored: &[i64], out: &mut Vec<u8>) -> Encoding {
        let plain_len = stored.len() * 8;
        let changes = repeat::count_changes(stored);
        // More values have a wider range and no larger common factor: a few of them say that a packing is no use, mostly.
        let few = pack::plan(&stored[..stored.len().min(FEW)], i64::MIN);
        let least = Sizes::of(stored.len(), changes, few.width);
        if least.packed.min(least.repeat) > plain_len / 2 {
            plain::put(stored, 8, out);
            return Encoding::Plain;
        }
        let packing = pack::plan(stored, i64::MIN);
        let sizes = Sizes::of(stored.len(), changes, packing.width);
        if sizes.packed.min(sizes.repeat) > plain_len / 2 {
            plain::put(stored, 8, out);
            return Encoding::Plain;
        }
        self.put_packed(stored, changes, packing, sizes, out)
    }

    fn ints(
        &mut self,
        column: &Column,
        first_row: u64,
        values: &[i64],
        validity: Option<&[u64]>,
        out: &mut Vec<u8>,
    ) -> Result<(BlockEntry, u128)> {
        let rows = values.len();
        let nulls = self.validity(column, rows, validity, out)?;
        let unsigned = column.logical_type == LogicalType::U64;
        let flip = if unsigned { i64::MIN } else { 0 };
        let seed = content::column_seed(&column.name);
        let mut stored = std::mem::take(&mut self.stored);
        let (words, low, high, sum) = if nulls == 0 {
            let (low, high) = stats::min_max(values, flip);
            (values, low, high, stats::sum(values, unsigned))
        } else {
            let sum = fill_nulls(values, &self.bitmap, flip, unsigned, &mut stored, &mut self.masked);
            let (low, high) = stats::min_max(&stored, flip);
            (stored.as_slice(), low, high, sum)
        };
        let result = self.put_ints(column, (low, high, sum, nulls), words, out).map(|entry| {
            let digest = seed.map_or(0, |seed| {
                if nulls == 0 {
                    return digest::words(words, seed, first_row);
                }
                let null = digest::null_word(seed).cast_signed();
                select(values, &self.bitmap, null, &mut self.masked);
                digest::words(&self.masked, seed, first_row)
            });
            (entry, digest)
        });
        self.stored = stored;
        result
    }

    fn put_ints(
        &mut self,
        column: &Column,
        (low, high, sum, nulls): (i64, i64, i128, usize),
        words: &[i64],
        out: &mut Vec<u8>,
    ) -> Result<BlockEntry> {
        let range = value_range(column.logical_type);
        if column.logical_type != LogicalType::U64 && !(range.contains(&low) && range.contains(&high)) {
            return Err(misfit(column, "values in the range of the type"));
        }
        let packing = pack::plan_range(words, low, high);
        let changes = if packing.width == 0 { 1 } else { repeat::count_changes(words) };
        let sizes = Sizes::of(words.len(), changes, packing.width);
        let width = column.logical_type.plain_width();
        let encoding = if words.len() * width <= sizes.packed.min(sizes.repeat) {
            plain::put(words, width, out);
            Encoding::Plain
        } else {
            self.put_packed(words, changes, packing, sizes, out)
        };
        let facts = if nulls == words.len() { (0, 0, 0) } else { (low.cast_unsigned(), high.cast_unsigned(), sum) };
        Ok(entry(encoding, words.len(), nulls, facts))
    }

    fn put_packed(
        &mut self,
        words: &[i64],
        changes: usize,
        packing: pack::Packing,
        sizes: Sizes,
        out: &mut Vec<u8>,
    ) -> Encoding {
        if sizes.packed <= sizes.repeat {
            packed::put(words, packing, out);
            return Encoding::Packed;
        }
        repeat::put_bitmap(words, changes, out, &mut self.changed);
        packed::put(&self.changed, packing, out);
        Encoding::Repeat
    }

    fn text(
        &mut self,
        column: &Column,
        first_row: u64,
        rows: usize,
        values: &TextBlock,
        validity: Option<&[u64]>,
        out: &mut Vec<u8>,
    ) -> Result<(BlockEntry, u128)> {
        if !values.is_sound() || std::str::from_utf8(&values.bytes).is_err() {
            return Err(misfit(column, "UTF-8 with ends that rise"));
        }
        let nulls = self.validity(column, rows, validity, out)?;
        let bitmap = (nulls > 0).then_some(self.bitmap.as_slice());
        let seed = content::column_seed(&column.name);
        let null = digest::null_word(seed.unwrap_or(0));
        self.hashes.clear();
        self.masked.clear();
        for row in 0..rows {
            let valid = bitmap.is_none_or(|b| bits::get(b, row));
            let value = values.value(row);
            if valid && std::str::from_utf8(value).is_err() {
                return Err(misfit(column, "UTF-8 in each value"));
            }
            let word = if valid { xxhash_rust::xxh3::xxh3_64(value) } else { null };
            self.hashes.push(word);
            self.masked.push(word.cast_signed());
        }
        let digest = seed.map_or(0, |seed| digest::words(&self.masked, seed, first_row));
        dict::put(values, rows, bitmap, &self.hashes, &mut self.dict, out)?;
        Ok((entry(Encoding::Dict, rows, nulls, (0, 0, 0)), digest))
    }

    /// Takes the caller's bitmap, appends it to `out` if there are nulls, and returns their number.
    fn validity(&mut self, column: &Column, rows: usize, validity: Option<&[u64]>, out: &mut Vec<u8>) -> Result<usize> {
        self.bitmap.clear();
        let Some(validity) = validity else { return Ok(0) };
        let Some(validity) = validity.get(..bits::words(rows)) else {
            return Err(misfit(column, "a validity bit for each row"));
        };
        let nulls = bits::count_zeros(validity, rows);
        if nulls == 0 {
            return Ok(0);
        }
        if !column.nullable {
            return Err(misfit(column, "no nulls, for the column is not nullable"));
        }
        self.bitmap.extend(validity.iter().enumerate().map(|(w, word)| word & bits::mask(w, rows)));
        out.extend_from_slice(bytemuck::cast_slice(&self.bitmap));
        Ok(nulls)
    }

    /// Decodes a block that is about to be written and compares it with what was asked for.
    fn compare(&mut self, column: &Column, entry: &BlockEntry, bytes: &[u8], values: ColumnValues<'_>) -> Result<()> {
        let rows = entry.rows as usize;
        self.bitmap.resize(bits::words(rows), 0);
        let same = match values {
            // Plain bytes are the values: there is nothing to decode.
            ColumnValues::F64(_) if entry.encoding == Encoding::Plain => {
                bytes == bytemuck::cast_slice::<i64, u8>(&self.stored)
            }
            ColumnValues::F64(_) => {
                self.decoded.resize(rows, 0);
                let out = bytemuck::cast_slice_mut::<i64, f64>(&mut self.decoded);
                decode::f64s(column, entry, bytes, &mut self.decode, out)?;
                self.decoded == self.stored
            }
            ColumnValues::I64 { values, .. } => {
                self.decoded.resize(rows, 0);
                decode::i64s(column, entry, bytes, &mut self.decode, &mut self.decoded, &mut self.bitmap)?;
                if entry.nulls == 0 { self.decoded == values[..rows] } else { self.decoded == self.stored }
            }
            ColumnValues::Text { values, validity } => {
                decode::text(entry, bytes, &mut self.decode, &mut self.decoded_text, &mut self.bitmap)?;
                (0..rows).all(|row| match validity {
                    Some(bitmap) if !bits::get(bitmap, row) => self.decoded_text.value(row).is_empty(),
                    _ => self.decoded_text.value(row) == values.value(row),
                })
            }
        };
        if same {
            return Ok(());
        }
        Err(Error::damage("writer", "a block that decodes to its values", format!("column `{}`", column.name)))
    }
}

/// Whether values of a type tend to rise from row to row: times, and the numbers of messages and records.
fn rises(logical_type: LogicalType) -> bool {
    matches!(logical_type, LogicalType::Ts | LogicalType::U64)
}

/// Bytes of the two packed forms.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    packed: usize,
    repeat: usize,
}

impl Sizes {
    fn of(rows: usize, changes: usize, width: u8) -> Self {
        let width = usize::from(width);
        Self { packed: PACKED_HEADER + rows * width, repeat: bits::words(rows) * 8 + PACKED_HEADER + changes * width }
    }
}

fn entry(encoding: Encoding, rows: usize, nulls: usize, (min, max, sum): (u64, u64, i128)) -> BlockEntry {
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    BlockEntry { offset: 0, length: 0, rows: count(rows), nulls: count(nulls), encoding, crc: 0, min, max, sum }
}

fn validity_len(entry: &BlockEntry, logical_type: LogicalType) -> usize {
    let present = entry.nulls > 0 && logical_type != LogicalType::F64;
    if present { bits::words(entry.rows as usize) * 8 } else { 0 }
}

fn misfit(column: &Column, expected: &str) -> Error {
    let what = format!("column `{}` ({}) needs {expected}", column.name, column.logical_type.name());
    Error::usage(what, "write values of the schema")
}

/// Writes to `stored` each valid value, at null rows the value before, at the first ones the least; returns the sum of the
/// valid ones. `masked` is scratch.
fn fill_nulls(
    values: &[i64],
    bitmap: &[u64],
    flip: i64,
    unsigned: bool,
    stored: &mut Vec<i64>,
    masked: &mut Vec<i64>,
) -> i128 {
    select(values, bitmap, i64::MAX ^ flip, masked);
    let (least, _) = stats::min_max(masked, flip);
    let all_null = bitmap.iter().all(|word| *word == 0);
    let mut before = if all_null { 0 } else { least };
    stored.clear();
    stored.extend(values.iter().enumerate().map(|(row, v)| {
        before = if bits::get(bitmap, row) { *v } else { before };
        before
    }));
    select(values, bitmap, 0, masked);
    stats::sum(masked, unsigned)
}

/// Writes each valid value, and `null` at null rows.
fn select(values: &[i64], bitmap: &[u64], null: i64, out: &mut Vec<i64>) {
    out.clear();
    for (values, word) in values.chunks(64).zip(bitmap) {
        out.extend(values.iter().enumerate().map(|(row, v)| if word >> row & 1 == 1 { *v } else { null }));
    }
}
