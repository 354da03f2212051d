//! The tail: the last 64 bytes of a file, from which the footer is found.

use super::constants::{ALIGN, FOOTER_MIN, TAIL_LEN, TAIL_MAGIC};
use super::cursor::{Cursor, require_zero};
use super::{checksum, rules};
use crate::error::{Error, Result};
use crate::limits;

/// Where the footer is, and its checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tail {
    /// Offset of the footer, a multiple of 64.
    pub footer_offset: u64,
    /// Bytes of the footer, without the tail.
    pub footer_len: u32,
    /// CRC-32C of the footer.
    pub footer_crc: u32,
    /// Bytes of the file.
    pub file_len: u64,
}

impl Tail {
    /// The tail's bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; TAIL_LEN] {
        let mut out = [0; TAIL_LEN];
        out[..8].copy_from_slice(&self.footer_offset.to_le_bytes());
        out[8..12].copy_from_slice(&self.footer_len.to_le_bytes());
        out[12..16].copy_from_slice(&self.footer_crc.to_le_bytes());
        out[16..24].copy_from_slice(&self.file_len.to_le_bytes());
        let crc = checksum::crc(&out[..52]);
        out[52..56].copy_from_slice(&crc.to_le_bytes());
        out[56..].copy_from_slice(&TAIL_MAGIC);
        out
    }

    /// Reads and checks the tail of a file of `file_len` bytes whose header has `header_len`.
    ///
    /// # Errors
    /// `Damage`.
    pub fn parse(bytes: &[u8; TAIL_LEN], file_len: u64, header_len: u64) -> Result<Self> {
        if bytes[56..] != TAIL_MAGIC {
            let got = format!("{:02x?}", &bytes[56..]);
            return Err(Error::damage(rules::TAIL_MAGIC, format!("{TAIL_MAGIC:02x?}"), got));
        }
        let mut cursor = Cursor::new(bytes, 0);
        let rule = rules::TAIL_CRC;
        let footer_offset = cursor.u64(rule)?;
        let (footer_len, footer_crc) = (cursor.u32(rule)?, cursor.u32(rule)?);
        let declared = cursor.u64(rule)?;
        let zeros = cursor.take(28, rule)?;
        let (stored, found) = (cursor.u32(rule)?, checksum::crc(&bytes[..52]));
        if stored != found {
            return Err(Error::damage(rule, format!("{stored:08x}"), format!("{found:08x}")));
        }
        require_zero(zeros, rules::TAIL_ZERO)?;
        if declared != file_len {
            return Err(Error::damage(rules::TAIL_FILE_LENGTH, format!("{declared} bytes"), file_len.to_string()));
        }
        let end = footer_offset.checked_add(u64::from(footer_len)).and_then(|end| end.checked_add(TAIL_LEN as u64));
        let aligned = footer_offset.is_multiple_of(ALIGN as u64) && footer_offset >= header_len;
        let sized = footer_len as usize >= FOOTER_MIN && footer_len <= limits::FOOTER_BYTES;
        if !aligned || !sized || end != Some(file_len) {
            let got = format!("{footer_len} bytes at {footer_offset}");
            return Err(Error::damage(rules::FOOTER_POSITION, "a footer between blocks and tail", got));
        }
        Ok(Self { footer_offset, footer_len, footer_crc, file_len: declared })
    }
}
