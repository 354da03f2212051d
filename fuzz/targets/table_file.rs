//! Any bytes as a table file: opening, reading and verifying never panic, and a file that verifies reads whole and, written
//! anew, has the same content digest. Each file is tried as it is and with its checksums repaired, so that mutations reach what
//! lies behind them. The seeds are the vectors of the format, good and bad.
#![no_main]

use std::sync::Arc;

use hftcol::codec::{ColumnValues, TextBlock};
use hftcol::format::checksum;
use hftcol::read::{BlockScratch, TableReader};
use hftcol::schema::LogicalType;
use hftcol::storage::MemoryFile;
use hftcol::write::{Provenance, TableWriter};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    check(data.to_vec());
    let mut file = data.to_vec();
    if repair(&mut file).is_some() {
        check(file);
    }
});

fn check(file: Vec<u8>) {
    let Ok(reader) = TableReader::open(Arc::new(MemoryFile(file))) else { return };
    // A footer may promise more rows than any file of this size should make us hold.
    if reader.rows() > 1 << 16 {
        return;
    }
    let verified = reader.verify().is_ok();
    let copy = rewrite(&reader);
    if verified {
        let digest = copy.expect("a file that verifies reads and writes");
        assert_eq!(digest, reader.footer().content_digest);
    }
}

/// Reads every block and writes it to a new file; returns the new content digest.
fn rewrite(reader: &TableReader) -> Result<u128, hftcol::error::Error> {
    let mut writer = TableWriter::new(Vec::new(), reader.header().clone())?;
    let mut scratch = BlockScratch::default();
    let columns = &reader.header().schema.columns;
    for block in 0..reader.block_count() {
        let rows = reader.block_rows(block);
        let mut ints = vec![vec![0; rows]; columns.len()];
        let mut floats = vec![vec![0.0; rows]; columns.len()];
        let mut texts = vec![TextBlock::default(); columns.len()];
        let mut validity = vec![vec![0; rows.div_ceil(64)]; columns.len()];
        for (c, column) in columns.iter().enumerate() {
            match column.logical_type {
                LogicalType::F64 => reader.read_f64(block, c, &mut scratch, &mut floats[c])?,
                LogicalType::Text => {
                    reader.read_text(block, c, &mut scratch, &mut texts[c], &mut validity[c])?;
                }
                _ => {
                    reader.read_i64(block, c, &mut scratch, &mut ints[c], &mut validity[c])?;
                }
            }
        }
        let values: Vec<ColumnValues<'_>> = (0..columns.len())
            .map(|c| match columns[c].logical_type {
                LogicalType::F64 => ColumnValues::F64(&floats[c]),
                LogicalType::Text => ColumnValues::Text { values: &texts[c], validity: Some(&validity[c]) },
                _ => ColumnValues::I64 { values: &ints[c], validity: Some(&validity[c]) },
            })
            .collect();
        writer.push(rows, &values)?;
    }
    writer.finish(Provenance::default()).map(|(_, sealed)| sealed.content_digest)
}

/// Makes every checksum right that can be found; `None` where the file is too mangled to find them.
fn repair(file: &mut [u8]) -> Option<()> {
    let header_len = usize::try_from(u32_at(file, 12)?).ok()?;
    let sum = checksum::crc(file.get(..header_len.checked_sub(4)?)?);
    put(file, header_len - 4, sum)?;
    let tail = file.len().checked_sub(64)?;
    let length = file.len() as u64;
    file.get_mut(tail + 16..tail + 24)?.copy_from_slice(&length.to_le_bytes());
    let footer = usize::try_from(u64_at(file, tail)?).ok().filter(|at| *at < tail)?;
    let footer_end = footer.checked_add(usize::try_from(u32_at(file, tail + 8)?).ok()?)?;
    let blocks = usize::try_from(u32_at(file, footer + 20)?).ok()?;
    let identity = u128::from_le_bytes(file.get(footer + 24..footer + 40)?.try_into().ok()?);
    let entries = footer_end.checked_sub(blocks.checked_mul(64)?)?;
    for block in 0..blocks {
        let entry = entries + block * 64;
        let offset = usize::try_from(u64_at(file, entry)?).ok()?;
        let end = offset.checked_add(usize::try_from(u32_at(file, entry + 8)?).ok()?)?;
        let sum = checksum::block_crc(identity, block as u64, file.get(offset..end)?);
        put(file, entry + 24, sum)?;
    }
    let sum = checksum::crc(file.get(footer..footer_end)?);
    put(file, tail + 12, sum)?;
    let sum = checksum::crc(&file[tail..tail + 52]);
    put(file, tail + 52, sum)
}

fn put(file: &mut [u8], at: usize, sum: u32) -> Option<()> {
    file.get_mut(at..at.checked_add(4)?)?.copy_from_slice(&sum.to_le_bytes());
    Some(())
}

fn u32_at(file: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(file.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn u64_at(file: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(file.get(at..at.checked_add(8)?)?.try_into().ok()?))
}
