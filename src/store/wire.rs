//! The bytes of the store's small files: little-endian fields, length-prefixed texts, and one checksummed frame for all.
//!
//! Frame: magic (8 bytes), u16 version, u16 zero, u32 length of the whole file, body, u32 CRC-32C of everything before it.

use crate::error::{Error, Result};

/// Bytes before the body.
const FRAME_HEAD: usize = 16;
/// The only version so far.
const VERSION: u16 = 1;

/// Writes fields.
#[derive(Debug, Default)]
pub(super) struct Encoder {
    pub(super) bytes: Vec<u8>,
}

impl Encoder {
    /// Begins a frame.
    pub(super) fn frame(magic: &[u8; 8]) -> Self {
        let mut bytes = magic.to_vec();
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.resize(FRAME_HEAD, 0);
        Self { bytes }
    }

    /// Ends a frame: length and checksum.
    pub(super) fn seal(mut self) -> Vec<u8> {
        let length = u32::try_from(self.bytes.len() + 4).unwrap_or(u32::MAX);
        self.bytes[12..16].copy_from_slice(&length.to_le_bytes());
        let crc = crc32c::crc32c(&self.bytes);
        self.u32(crc);
        self.bytes
    }

    pub(super) fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    pub(super) fn u32(&mut self, value: u32) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub(super) fn i32(&mut self, value: i32) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub(super) fn u64(&mut self, value: u64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub(super) fn u128(&mut self, value: u128) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// A count that is followed by as many items.
    pub(super) fn count(&mut self, value: usize) {
        self.u32(u32::try_from(value).unwrap_or(u32::MAX));
    }

    pub(super) fn text(&mut self, value: &str) {
        self.count(value.len());
        self.bytes.extend_from_slice(value.as_bytes());
    }
}

/// Reads fields; every shortfall is damage.
#[derive(Debug)]
pub(super) struct Decoder<'a> {
    rest: &'a [u8],
}

impl<'a> Decoder<'a> {
    /// Reads unframed bytes whose checksum was verified already.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Checks a frame and reads its body.
    pub(super) fn frame(magic: &[u8; 8], bytes: &'a [u8]) -> Result<Self> {
        if bytes.len() < FRAME_HEAD + 4 || bytes[..8] != magic[..] {
            return Err(Error::damage(
                "S-03",
                "the file's magic and at least 20 bytes",
                format!("{} bytes", bytes.len()),
            ));
        }
        let (checked, crc) = bytes.split_at(bytes.len() - 4);
        let (want, got) = (crc32c::crc32c(checked), Decoder::new(crc).u32()?);
        let mut head = Self::new(&checked[8..FRAME_HEAD]);
        let (version, length) = (head.u32()?, head.u32()?);
        if usize::try_from(length) != Ok(bytes.len()) {
            return Err(Error::damage("S-04", format!("{length} bytes"), format!("{} bytes", bytes.len())));
        }
        if want != got {
            return Err(Error::damage("S-05", format!("CRC-32C {want:08x}"), format!("{got:08x}")));
        }
        if version != u32::from(VERSION) {
            return Err(Error::damage("S-06", format!("version {VERSION}"), format!("{version}")));
        }
        Ok(Self::new(&checked[FRAME_HEAD..]))
    }

    pub(super) fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        if n > self.rest.len() {
            return Err(Error::damage("S-07", format!("{n} more bytes"), format!("{}", self.rest.len())));
        }
        let (head, tail) = self.rest.split_at(n);
        self.rest = tail;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N)?);
        Ok(out)
    }

    pub(super) fn u8(&mut self) -> Result<u8> {
        self.array::<1>().map(|b| b[0])
    }

    pub(super) fn u32(&mut self) -> Result<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn i32(&mut self) -> Result<i32> {
        self.array().map(i32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(super) fn u128(&mut self) -> Result<u128> {
        self.array().map(u128::from_le_bytes)
    }

    /// A count of items that take at least `item` bytes each, so that a wrong count cannot ask for memory.
    pub(super) fn count(&mut self, item: usize) -> Result<usize> {
        let n = self.u32()?;
        let n = usize::try_from(n).unwrap_or(usize::MAX);
        if n.checked_mul(item).is_none_or(|bytes| bytes > self.rest.len()) {
            return Err(Error::damage("S-07", format!("at most {} items", self.rest.len() / item), format!("{n}")));
        }
        Ok(n)
    }

    pub(super) fn text(&mut self) -> Result<String> {
        let n = self.count(1)?;
        let bytes = self.take(n)?;
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(e) => Err(Error::damage("S-08", "UTF-8", format!("{e}"))),
        }
    }

    /// Nothing may be left over.
    pub(super) fn end(self) -> Result<()> {
        if self.rest.is_empty() {
            return Ok(());
        }
        Err(Error::damage("S-07", "the end", format!("{} more bytes", self.rest.len())))
    }
}
