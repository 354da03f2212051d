//! How a column of f64 goes into Parquet: tried on a sample, so that the same table always gives the same file.
//!
//! What repeats (prices, counts, sums over an empty window) shrinks best as it is. Values that rarely repeat, but are of one size, have
//! exponents and leading digits in common: split into eight streams of bytes they shrink more, in half the time, for zstd gives up at
//! once on the streams that are noise. The rest is noise as a whole.

use parquet::basic::ZstdLevel;
use parquet::data_type::DoubleType;
use zstd::bulk::Compressor;

use super::cells::{CellType, Cells, Scratch};
use crate::error::{Error, Result};
use crate::read::TableReader;

/// Values of a sample, from the middle of the table.
const SAMPLE: usize = 4_096;
/// A form must save at least this part of the bytes; else whoever reads them would undo it for little.
const LEAST_SAVED: usize = 5;
/// Split columns may be larger than plain ones by this part of them: they are written and read in half the time.
const SLOWER: usize = 10;
/// Bytes of a value.
const WIDTH: usize = 8;

/// A way to write a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Plain, zstd.
    Repeats,
    /// `BYTE_STREAM_SPLIT`, zstd.
    Split,
    /// Plain, not compressed.
    Noise,
}

/// The memory of trials.
pub(super) struct Trial {
    zstd: Compressor<'static>,
    packed: Vec<u8>,
    streams: Vec<u8>,
    cells: Cells<f64>,
}

impl Trial {
    /// # Errors
    /// `Io` if zstd has no memory.
    pub(super) fn new() -> Result<Self> {
        let level = ZstdLevel::default().compression_level();
        let zstd = Compressor::new(level).map_err(|e| Error::io("compress", "zstd", e))?;
        Ok(Self { zstd, packed: Vec::new(), streams: Vec::new(), cells: Cells::default() })
    }

    /// The form of a column of f64.
    ///
    /// # Errors
    /// `Damage`, `Io` of the table.
    pub(super) fn form(&mut self, table: &TableReader, column: usize, scratch: &mut Scratch) -> Result<Form> {
        if table.block_count() == 0 {
            return Ok(Form::Repeats);
        }
        let mut cells = std::mem::take(&mut self.cells);
        DoubleType::load(table, table.block_count() / 2, column, scratch, &mut cells)?;
        let form = self.form_of(&cells.values[..cells.values.len().min(SAMPLE)]);
        self.cells = cells;
        form
    }

    fn form_of(&mut self, sample: &[f64]) -> Result<Form> {
        if sample.is_empty() {
            return Ok(Form::Repeats);
        }
        let bytes: &[u8] = bytemuck::cast_slice(sample);
        let plain = self.packed_len(bytes)?;
        let mut streams = std::mem::take(&mut self.streams);
        streams.clear();
        streams.extend((0..WIDTH).flat_map(|at| bytes.iter().skip(at).step_by(WIDTH)));
        let split = self.packed_len(&streams)?;
        self.streams = streams;
        let (form, length) =
            if split <= plain + plain / SLOWER { (Form::Split, split) } else { (Form::Repeats, plain) };
        Ok(if length > bytes.len() - bytes.len() / LEAST_SAVED { Form::Noise } else { form })
    }

    fn packed_len(&mut self, bytes: &[u8]) -> Result<usize> {
        self.packed.clear();
        self.packed.reserve(zstd::zstd_safe::compress_bound(bytes.len()));
        self.zstd.compress_to_buffer(bytes, &mut self.packed).map_err(|e| Error::io("compress", "zstd", e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_column_gets_its_form() {
        let mut trial = Trial::new().unwrap();
        // Hashes of the row's number: each like a random one.
        let random = |row: usize| xxhash_rust::xxh3::xxh3_64(&row.to_le_bytes());
        let ticks: Vec<f64> = (0..SAMPLE).map(|row| 100.0 + (random(row / 8) % 50) as f64 * 0.01).collect();
        let ratios: Vec<f64> = (0..SAMPLE).map(|row| 0.5 + random(row) as f64 * 1e-24).collect();
        let noise: Vec<f64> = (0..SAMPLE).map(|row| f64::from_bits(random(row))).collect();
        assert_eq!(trial.form_of(&ticks).unwrap(), Form::Repeats);
        assert_eq!(trial.form_of(&ratios).unwrap(), Form::Split);
        assert_eq!(trial.form_of(&noise).unwrap(), Form::Noise);
        assert_eq!(trial.form_of(&[]).unwrap(), Form::Repeats);
    }
}
