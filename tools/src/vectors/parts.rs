//! A file taken apart, changed, and put together again with every checksum, offset and length right: so that a bad vector
//! breaks one rule and no other before it.

use hftcol::format::constants::{ALIGN, ENTRY_LEN, TAIL_LEN};
use hftcol::format::{FileHeader, Footer, Tail, checksum};

use super::table::{Table, footer};

/// A file in its parts. What is not changed is put together as it was.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    pub(crate) header: Vec<u8>,
    pub(crate) footer: Footer,
    /// Payload of each block, in the order of the index.
    pub(crate) payloads: Vec<Vec<u8>>,
    pub(crate) columns: usize,
}

impl Parts {
    pub(crate) fn of(table: &Table) -> Result<Self, String> {
        let bytes = table.write()?;
        let footer = footer(&bytes)?;
        let payload = |start: u64, length: u32| bytes[start as usize..start as usize + length as usize].to_vec();
        Ok(Self {
            header: bytes[..u32_at(&bytes, 12) as usize].to_vec(),
            payloads: footer.blocks.iter().map(|b| payload(b.offset, b.length)).collect(),
            columns: table.header.schema.columns.len(),
            footer,
        })
    }

    /// The header replaced by one that no writer would take; the identity follows.
    pub(crate) fn with_header(mut self, header: &FileHeader) -> Self {
        self.header = header.to_bytes();
        self.footer.identity = header.identity(self.footer.rows);
        self.columns = header.schema.columns.len();
        self
    }

    /// One block's payload replaced.
    pub(crate) fn with_payload(mut self, block: usize, change: impl FnOnce(&mut Vec<u8>)) -> Self {
        change(&mut self.payloads[block]);
        self
    }

    /// The footer changed; blocks get their offsets, lengths and checksums when the file is put together.
    pub(crate) fn with_footer(mut self, change: impl FnOnce(&mut Footer)) -> Self {
        change(&mut self.footer);
        self
    }

    /// The file.
    pub(crate) fn file(mut self) -> Vec<u8> {
        let mut out = self.header;
        for (number, (entry, payload)) in self.footer.blocks.iter_mut().zip(&self.payloads).enumerate() {
            entry.offset = out.len() as u64;
            entry.length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
            entry.crc = checksum::block_crc(self.footer.identity, number as u64, payload);
            out.extend_from_slice(payload);
            out.resize(out.len().next_multiple_of(ALIGN), 0);
        }
        let footer = self.footer.to_bytes(self.columns);
        close(out, &footer)
    }
}

/// Appends a footer and its tail.
pub(crate) fn close(mut out: Vec<u8>, footer: &[u8]) -> Vec<u8> {
    let footer_offset = out.len() as u64;
    let footer_len = u32::try_from(footer.len()).unwrap_or(u32::MAX);
    let file_len = footer_offset + u64::from(footer_len) + TAIL_LEN as u64;
    out.extend_from_slice(footer);
    let tail = Tail { footer_offset, footer_len, footer_crc: checksum::crc(footer), file_len };
    out.extend_from_slice(&tail.to_bytes());
    out
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// Where the footer starts.
pub(crate) fn footer_at(bytes: &[u8]) -> usize {
    u32_at(bytes, bytes.len() - TAIL_LEN) as usize
}

/// Where an index entry starts.
pub(crate) fn entry_at(bytes: &[u8], entry: usize) -> usize {
    let count = u32_at(bytes, footer_at(bytes) + 20) as usize;
    bytes.len() - TAIL_LEN - (count - entry) * ENTRY_LEN
}

/// The header's checksum made right.
pub(crate) fn repair_header(bytes: &mut [u8]) {
    let length = u32_at(bytes, 12) as usize;
    if length >= 64 && length <= bytes.len() {
        let crc = checksum::crc(&bytes[..length - 4]);
        bytes[length - 4..length].copy_from_slice(&crc.to_le_bytes());
    }
}

/// The footer's checksum, then the tail's, made right.
pub(crate) fn repair_footer(bytes: &mut [u8]) {
    let (start, tail) = (footer_at(bytes), bytes.len() - TAIL_LEN);
    let crc = checksum::crc(&bytes[start..tail]);
    bytes[tail + 12..tail + 16].copy_from_slice(&crc.to_le_bytes());
    repair_tail(bytes);
}

/// The tail's checksum made right.
pub(crate) fn repair_tail(bytes: &mut [u8]) {
    let tail = bytes.len() - TAIL_LEN;
    let crc = checksum::crc(&bytes[tail..tail + 52]);
    bytes[tail + 52..tail + 56].copy_from_slice(&crc.to_le_bytes());
}
