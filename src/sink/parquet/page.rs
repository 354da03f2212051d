//! A page as bytes: definition levels, compression, the header with the page's checksum.
//!
//! The header is a small Thrift struct in the compact protocol; the Parquet library keeps its own private. A page's CRC-32 stands in
//! it, so that every reader that asks for it can check pages; we check ours when they come back from scratch.

use crate::error::{Error, Result};
use zstd::bulk::Compressor;

/// The zstd level of pages.
pub(super) const LEVEL: i32 = 1;

/// How a page's values are encoded, with Parquet's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PageEncoding {
    /// One after the other.
    Plain = 0,
    /// Numbers of entries of the chunk's dictionary.
    Dictionary = 8,
    /// First bytes of all values, then second bytes, and so on.
    Split = 9,
}

/// Parquet's number of the encoding of levels.
const RLE: i64 = 3;
/// Parquet's numbers of page types.
const DATA_PAGE: i64 = 0;
const DICTIONARY_PAGE: i64 = 2;
/// Thrift's numbers of field types.
const INTEGER: u8 = 5;
const STRUCT: u8 = 12;

/// A page that is ready to be written.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) header: Vec<u8>,
    pub(super) data: Vec<u8>,
    /// CRC-32 of `data`.
    pub(super) crc: u32,
    /// Bytes before compression, without the header.
    pub(super) raw_len: usize,
}

/// Makes pages of bodies; its context and memory are kept from page to page.
#[derive(Default)]
pub(super) struct Packer {
    zstd: Option<Compressor<'static>>,
    pub(super) body: Vec<u8>,
}

impl std::fmt::Debug for Packer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Packer").field("body", &self.body.len()).finish_non_exhaustive()
    }
}

impl Packer {
    /// Replaces `page` by a data page of the body.
    pub(super) fn data_page(
        &mut self,
        (rows, encoding): (usize, PageEncoding),
        compressed: bool,
        page: &mut Page,
    ) -> Result<()> {
        self.fill(compressed, page)?;
        let mut fields = Fields::begin(&mut page.header, DATA_PAGE, page.raw_len, page.data.len(), page.crc);
        fields.open(5);
        fields.integer(1, number(rows));
        fields.integer(2, encoding as i64);
        fields.integer(3, RLE);
        fields.integer(4, RLE);
        fields.close();
        fields.close();
        Ok(())
    }

    /// Replaces `page` by the dictionary page of the body: `entries` plain values.
    pub(super) fn dictionary_page(&mut self, entries: usize, page: &mut Page) -> Result<()> {
        self.fill(true, page)?;
        let mut fields = Fields::begin(&mut page.header, DICTIONARY_PAGE, page.raw_len, page.data.len(), page.crc);
        fields.open(7);
        fields.integer(1, number(entries));
        fields.integer(2, PageEncoding::Plain as i64);
        fields.close();
        fields.close();
        Ok(())
    }

    fn fill(&mut self, compressed: bool, page: &mut Page) -> Result<()> {
        page.raw_len = self.body.len();
        page.data.clear();
        if compressed {
            let body = std::mem::take(&mut self.body);
            let packed = self.compress(&body, &mut page.data);
            self.body = body;
            packed?;
        } else {
            page.data.extend_from_slice(&self.body);
        }
        page.crc = crc32fast::hash(&page.data);
        Ok(())
    }

    /// Replaces `out` by the zstd frame of `bytes`.
    pub(super) fn compress(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let told = |e| Error::io("compress", "zstd", e);
        let zstd = match &mut self.zstd {
            Some(zstd) => zstd,
            none => none.insert(Compressor::new(LEVEL).map_err(told)?),
        };
        out.clear();
        out.reserve(zstd::zstd_safe::compress_bound(bytes.len()));
        zstd.compress_to_buffer(bytes, out).map(drop).map_err(told)
    }
}

/// Appends the definition levels of a page: 1 where a value is, 0 where none, by the bits of `validity`.
pub(super) fn put_levels(validity: &[u64], rows: usize, nulls: usize, out: &mut Vec<u8>) {
    let length_at = out.len();
    out.extend_from_slice(&[0; 4]);
    if nulls == 0 || nulls == rows {
        put_varint(out, (rows as u64) << 1);
        out.push(u8::from(nulls == 0));
    } else {
        let bytes = rows.div_ceil(8);
        put_varint(out, (bytes as u64) << 1 | 1);
        out.extend_from_slice(&bytemuck::cast_slice::<u64, u8>(validity)[..bytes]);
    }
    let length = u32::try_from(out.len() - length_at - 4).unwrap_or(u32::MAX);
    out[length_at..length_at + 4].copy_from_slice(&length.to_le_bytes());
}

/// Appends an unsigned number, seven bits a byte.
pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7F {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The fields of a Thrift struct, in the compact protocol.
struct Fields<'a> {
    out: &'a mut Vec<u8>,
    last: u8,
}

impl<'a> Fields<'a> {
    /// The fields that every page header begins with.
    fn begin(out: &'a mut Vec<u8>, page_type: i64, raw_len: usize, data_len: usize, crc: u32) -> Self {
        out.clear();
        let mut fields = Self { out, last: 0 };
        fields.integer(1, page_type);
        fields.integer(2, number(raw_len));
        fields.integer(3, number(data_len));
        fields.integer(4, i64::from(crc.cast_signed()));
        fields
    }

    fn field(&mut self, id: u8, of: u8) {
        self.out.push((id - self.last) << 4 | of);
        self.last = id;
    }

    fn integer(&mut self, id: u8, value: i64) {
        self.field(id, INTEGER);
        put_varint(self.out, ((value << 1) ^ (value >> 63)).cast_unsigned());
    }

    /// Opens a struct; the next field's number counts from 0 there.
    fn open(&mut self, id: u8) {
        self.field(id, STRUCT);
        self.last = 0;
    }

    fn close(&mut self) {
        self.out.push(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_runs_or_bits() {
        let mut out = Vec::new();
        put_levels(&[u64::MAX, 1], 65, 0, &mut out);
        assert_eq!(out, [3, 0, 0, 0, 0x82, 1, 1]);
        out.clear();
        put_levels(&[0], 3, 3, &mut out);
        assert_eq!(out, [2, 0, 0, 0, 6, 0]);
        out.clear();
        put_levels(&[0b10_1111_0101], 10, 3, &mut out);
        assert_eq!(out, [3, 0, 0, 0, 5, 0xF5, 2]);
    }

    #[test]
    fn a_header_is_as_thrift_writes_it() {
        let mut packer = Packer { body: vec![1, 2, 3], ..Packer::default() };
        let mut page = Page::default();
        packer.data_page((2, PageEncoding::Split), false, &mut page).unwrap();
        // CRC-32 of 1, 2, 3 is 0x55BC801D, in zigzag AB79003A, in five groups of seven bits.
        let crc = [0x15, 0xBA, 0x80, 0xE4, 0xDB, 0x0A];
        let head = [&[0x15, 0, 0x15, 6, 0x15, 6][..], &crc].concat();
        let tail = [0x1C, 0x15, 4, 0x15, 18, 0x15, 6, 0x15, 6, 0, 0];
        assert_eq!(page.header, [&head[..], &tail].concat());
        assert_eq!((page.data, page.crc, page.raw_len), (vec![1, 2, 3], 0x55BC_801D, 3));
    }
}
