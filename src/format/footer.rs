//! The footer: rows, hashes, provenance, and one index entry a block.

use super::constants::{ENTRY_LEN, FOOTER_MAGIC};
use super::cursor::{Cursor, pad_to, put_string};
use super::{BlockEntry, Footer, rules};
use crate::error::{Error, Result};
use crate::limits;

impl Footer {
    /// The footer's bytes, without the tail.
    #[must_use]
    pub fn to_bytes(&self, columns: usize) -> Vec<u8> {
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes();
        let mut out = Vec::with_capacity(256 + self.blocks.len() * ENTRY_LEN);
        out.extend_from_slice(&FOOTER_MAGIC);
        out.extend_from_slice(&self.rows.to_le_bytes());
        out.extend_from_slice(&count(columns));
        out.extend_from_slice(&count(self.blocks.len()));
        for hash in [self.identity, self.content_digest, self.fingerprint] {
            out.extend_from_slice(&hash.to_le_bytes());
        }
        out.extend_from_slice(&count(self.inputs.len()));
        for input in &self.inputs {
            out.extend_from_slice(&input.to_le_bytes());
        }
        out.extend_from_slice(&count(self.notes.len()));
        for (key, value) in &self.notes {
            put_string(&mut out, key);
            put_string(&mut out, value);
        }
        pad_to(&mut out, 8);
        for block in &self.blocks {
            block.write_to(&mut out);
        }
        out
    }

    /// Reads a footer of `columns` columns in row blocks of `block_rows`; the checksum was verified.
    ///
    /// # Errors
    /// `Damage`.
    pub fn parse(bytes: &[u8], columns: usize, block_rows: u32) -> Result<Self> {
        let mut cursor = Cursor::new(bytes, 0);
        let magic = cursor.array::<8>(rules::FOOTER_MAGIC)?;
        if magic != FOOTER_MAGIC {
            return Err(Error::damage(rules::FOOTER_MAGIC, format!("{FOOTER_MAGIC:02x?}"), format!("{magic:02x?}")));
        }
        let rows = cursor.u64(rules::FOOTER_BLOCKS)?;
        let found = cursor.u32(rules::FOOTER_COLUMNS)?;
        if found as usize != columns {
            return Err(Error::damage(rules::FOOTER_COLUMNS, format!("{columns} columns"), found.to_string()));
        }
        let count = cursor.u32(rules::FOOTER_BLOCKS)?;
        let expected = rows.div_ceil(u64::from(block_rows)).checked_mul(columns as u64);
        if expected != Some(u64::from(count)) {
            let expected = format!("blocks for {rows} rows of {columns} columns");
            return Err(Error::damage(rules::FOOTER_BLOCKS, expected, count.to_string()));
        }
        let rule = rules::FOOTER_BLOCKS;
        let (identity, content_digest, fingerprint) = (cursor.u128(rule)?, cursor.u128(rule)?, cursor.u128(rule)?);
        let inputs = parse_inputs(&mut cursor)?;
        let notes = parse_notes(&mut cursor)?;
        cursor.zeros_to(cursor.at().next_multiple_of(8), rules::FOOTER_END)?;
        let length = (count as usize).saturating_mul(ENTRY_LEN);
        let left = bytes.len() - cursor.at();
        if left != length {
            return Err(Error::damage(rules::FOOTER_END, format!("{length} bytes of entries"), left.to_string()));
        }
        let (entries, _) = cursor.take(length, rules::FOOTER_END)?.as_chunks::<ENTRY_LEN>();
        let number = |i: usize| u64::try_from(i).unwrap_or(u64::MAX);
        let blocks =
            entries.iter().enumerate().map(|(i, e)| BlockEntry::parse(e).map_err(|e| e.at_block(number(i), 0)));
        let blocks = blocks.collect::<Result<Vec<_>>>()?;
        Ok(Self { rows, identity, content_digest, fingerprint, inputs, notes, blocks })
    }
}

fn parse_inputs(cursor: &mut Cursor<'_>) -> Result<Vec<u128>> {
    let rule = rules::FOOTER_INPUTS;
    let count = cursor.u32(rule)?;
    if count > limits::INPUTS {
        return Err(Error::damage(rule, format!("at most {} inputs", limits::INPUTS), count.to_string()));
    }
    let (hashes, _) = cursor.take(count as usize * 16, rule)?.as_chunks::<16>();
    Ok(hashes.iter().map(|h| u128::from_le_bytes(*h)).collect())
}

fn parse_notes(cursor: &mut Cursor<'_>) -> Result<Vec<(String, String)>> {
    let rule = rules::FOOTER_NOTES;
    let count = cursor.u32(rule)?;
    let mut notes: Vec<(String, String)> = Vec::new();
    for _ in 0..count {
        let key = cursor.string(limits::FOOTER_BYTES as usize, rule)?;
        let value = cursor.string(limits::FOOTER_BYTES as usize, rule)?;
        if notes.last().is_some_and(|last| last.0.as_str() >= key) {
            return Err(Error::damage(rule, "keys that rise", format!("`{key}` out of order")));
        }
        notes.push((key.to_owned(), value.to_owned()));
    }
    Ok(notes)
}
