//! How the values of a column chunk go into its pages: tried on its first page, so that the same table always gives the same file.
//!
//! Few different values become numbers of a dictionary. What else repeats (prices, sums over an empty window) shrinks best as it is.
//! f64 that rarely repeat, but are of one size, have exponents and leading digits in common: split into eight streams of bytes they shrink
//! about as much, and cost less, for zstd gives up soon on the streams that are noise: on the columns of `docs/peers.toml` it took a
//! half of the time to compress pages of 128 KiB, and a fifth or less to undo it. The rest is noise as a whole.

use multiversion::multiversion;

use super::dictionary::Words;
use super::page::Packer;
use crate::error::Result;

/// Values of a sample, from the end of the page: at the beginning of a date windows are not filled yet.
const SAMPLE: usize = 4_096;
/// Those of them that are compressed, in two ways: a date of 100,000 rows should not pay much for it.
const COMPRESSED: usize = 2_048;
/// A form must save at least this part of the bytes; else whoever reads them would undo it for little.
const LEAST_SAVED: usize = 5;
/// Split columns may be larger than plain ones by this part of them, for what they save in time.
const SPLIT_TOLERANCE: usize = 5;
/// Bytes of a value.
const WIDTH: usize = 8;

/// A way to write a column chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Numbers of a dictionary, zstd; plain from where it is full.
    Dictionary,
    /// Plain, zstd.
    Repeats,
    /// `BYTE_STREAM_SPLIT`, zstd.
    Split,
    /// Plain, not compressed.
    Noise,
}

/// The memory of trials.
#[derive(Debug, Default)]
pub(super) struct Trial {
    words: Words,
    streams: Vec<u8>,
    packed: Vec<u8>,
}

impl Trial {
    /// The form of a chunk whose first page has these values, f64 or others. `room` tells whether there may be a dictionary.
    ///
    /// # Errors
    /// `Io` if zstd has no memory.
    pub(super) fn form(&mut self, packer: &mut Packer, page: &[i64], is_float: bool, room: bool) -> Result<Form> {
        let sample = &page[page.len().saturating_sub(SAMPLE)..];
        if sample.is_empty() {
            return Ok(Form::Repeats);
        }
        if room && self.words.suits(sample) {
            return Ok(Form::Dictionary);
        }
        if !is_float {
            return Ok(Form::Repeats);
        }
        let sample = &sample[sample.len().saturating_sub(COMPRESSED)..];
        let bytes: &[u8] = bytemuck::cast_slice(sample);
        packer.compress(bytes, &mut self.packed)?;
        let plain = self.packed.len();
        self.streams.clear();
        put_split(sample, &mut self.streams);
        packer.compress(&self.streams, &mut self.packed)?;
        let split = self.packed.len();
        let (form, length) =
            if split <= plain + plain / SPLIT_TOLERANCE { (Form::Split, split) } else { (Form::Repeats, plain) };
        Ok(if length > bytes.len() - bytes.len() / LEAST_SAVED { Form::Noise } else { form })
    }
}

/// Appends the first (least) bytes of all words, then the second ones, and so on.
pub(super) fn put_split(words: &[i64], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + words.len() * WIDTH, 0);
    split_kernel(words, &mut out[start..]);
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2", "aarch64+neon"))]
fn split_kernel(words: &[i64], out: &mut [u8]) {
    if words.is_empty() {
        return;
    }
    for (byte, stream) in out.chunks_exact_mut(words.len()).enumerate() {
        for (to, word) in stream.iter_mut().zip(words) {
            *to = (word >> (8 * byte)) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_column_gets_its_form() {
        let (mut trial, mut packer) = (Trial::default(), Packer::default());
        // Hashes of the row's number: each like a random one.
        let random = |row: usize| xxhash_rust::xxh3::xxh3_64(&row.to_le_bytes());
        let bits = |of: &dyn Fn(usize) -> f64| -> Vec<i64> {
            (0..SAMPLE).map(|row| of(row).to_bits().cast_signed()).collect()
        };
        let few = bits(&|row| (random(row) % 50) as f64 * 0.01);
        let held = bits(&|row| 100.0 + (random(row / 3) % 5_000) as f64 * 0.01);
        let ratios = bits(&|row| 0.5 + random(row) as f64 * 1e-24);
        let noise = bits(&|row| f64::from_bits(random(row)));
        let mut form = |page: &[i64], room| trial.form(&mut packer, page, true, room).unwrap();
        assert_eq!((form(&few, true), form(&few, false)), (Form::Dictionary, Form::Repeats));
        assert_eq!(form(&held, true), Form::Repeats);
        assert_eq!(form(&ratios, true), Form::Split);
        assert_eq!(form(&noise, true), Form::Noise);
        assert_eq!(form(&[], true), Form::Repeats);
        assert_eq!(trial.form(&mut packer, &noise, false, true).unwrap(), Form::Repeats);
    }

    #[test]
    fn bytes_are_split_by_their_place() {
        let mut out = vec![9];
        put_split(&[0x0807_0605_0403_0201, -1], &mut out);
        assert_eq!(out, [9, 1, 255, 2, 255, 3, 255, 4, 255, 5, 255, 6, 255, 7, 255, 8, 255]);
        put_split(&[], &mut out);
    }
}
