//! Opening: header, tail, footer and index, each checked before the next is trusted.

use super::Meta;
use crate::error::{Error, Result};
use crate::format::constants::{FILE_MIN, TAIL_LEN};
use crate::format::{FileHeader, Footer, HEADER_PREFIX, Shape, Tail, check_layout, checksum, rules};
use crate::storage::ReadAt;

/// Reads header and footer.
pub(super) fn meta(source: &dyn ReadAt) -> Result<Meta> {
    let file_len = source.len();
    if file_len < FILE_MIN as u64 {
        let expected = format!("{FILE_MIN} bytes at least");
        return Err(Error::damage(rules::FILE_LENGTH, expected, file_len.to_string()));
    }
    let (header, header_len) = header(source, file_len)?;
    let mut tail = [0; TAIL_LEN];
    source.read_at(file_len - TAIL_LEN as u64, &mut tail)?;
    let tail = Tail::parse(&tail, file_len, header_len)?;
    // The tail's rules keep this within the file and within the limit of a footer.
    let mut bytes = vec![0; tail.footer_len as usize];
    source.read_at(tail.footer_offset, &mut bytes)?;
    let found = checksum::crc(&bytes);
    if found != tail.footer_crc {
        let expected = format!("{:08x}", tail.footer_crc);
        return Err(Error::damage(rules::FOOTER_CRC, expected, format!("{found:08x}")));
    }
    let footer = Footer::parse(&bytes, header.schema.columns.len(), header.block_rows)?;
    let identity = header.identity(footer.rows);
    if identity != footer.identity {
        let got = format!("{:032x}", footer.identity);
        return Err(Error::damage(rules::IDENTITY, format!("{identity:032x}"), got));
    }
    check_layout(&header, &footer, header_len, tail.footer_offset)?;
    let shape = Shape::of(&header, footer.rows);
    Ok(Meta { header, footer, shape })
}

fn header(source: &dyn ReadAt, file_len: u64) -> Result<(FileHeader, u64)> {
    let mut prefix = [0; HEADER_PREFIX];
    source.read_at(0, &mut prefix)?;
    let length = FileHeader::declared_len(&prefix)?;
    if length as u64 > file_len {
        let expected = format!("a header within {file_len} bytes");
        return Err(Error::damage(rules::HEADER_LENGTH, expected, length.to_string()));
    }
    let mut bytes = vec![0; length];
    source.read_at(0, &mut bytes)?;
    Ok((FileHeader::parse(&bytes)?, length as u64))
}
