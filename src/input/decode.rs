//! Which compression an input has, told from its first bytes, and the stream of its plain bytes.
//!
//! A new compression is one line in [`Compression::detect`] and one arm in [`decoder`].

use std::io::{self, BufRead, Read};

use super::InputLimits;

/// How an input is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    Plain,
    /// gzip, any number of members, each with its CRC checked.
    Gzip,
    /// zstd, any number of frames, checksums checked where present.
    Zstd,
}

/// Compressions that are known by their first bytes and not read yet: refused by name instead of parsed as text.
const UNREAD: [(&[u8], &str); 5] = [
    (b"BZh", "bzip2"),
    (b"\xFD7zXZ\0", "xz"),
    (b"PK\x03\x04", "zip"),
    (b"\x04\x22\x4D\x18", "lz4"),
    (b"\xFF\x06\0\0sNaPpY", "snappy"),
];

const GZIP_MAGIC: &[u8] = &[0x1F, 0x8B];
const ZSTD_MAGIC: &[u8] = &[0x28, 0xB5, 0x2F, 0xFD];

impl Compression {
    /// Tells the compression from the first bytes; a name is never asked.
    ///
    /// # Errors
    /// The name of a compression that is recognised and cannot be read.
    pub fn detect(head: &[u8]) -> Result<Self, &'static str> {
        if let Some((_, name)) = UNREAD.iter().find(|(magic, _)| head.starts_with(magic)) {
            return Err(name);
        }
        let skippable = head.len() >= 4 && head[0] & 0xF0 == 0x50 && head[1..4] == [0x2A, 0x4D, 0x18];
        Ok(match head {
            _ if head.starts_with(GZIP_MAGIC) => Self::Gzip,
            _ if head.starts_with(ZSTD_MAGIC) || skippable => Self::Zstd,
            _ => Self::Plain,
        })
    }

    /// The word for reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

/// The stream of plain bytes.
///
/// # Errors
/// What the decompressor says at its start.
pub(super) fn decoder<R: BufRead + Send + 'static>(
    raw: R,
    compression: Compression,
    limits: &InputLimits,
) -> io::Result<Box<dyn Read + Send>> {
    Ok(match compression {
        Compression::Plain => Box::new(raw),
        Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(raw)),
        Compression::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(raw)?;
            decoder.window_log_max(limits.window_bytes.max(1).ilog2().clamp(10, 31))?;
            Box::new(decoder)
        }
    })
}

/// Bytes that the first zstd frame of `head` asks for as its window, if the header is there.
pub(super) fn zstd_window(head: &[u8]) -> Option<u64> {
    let rest = head.strip_prefix(ZSTD_MAGIC)?;
    let descriptor = *rest.first()?;
    let single_segment = descriptor & 0x20 != 0;
    if !single_segment {
        let byte = *rest.get(1)?;
        let base = 1_u64 << (10 + u32::from(byte >> 3));
        return Some(base + base / 8 * u64::from(byte & 7));
    }
    // A single segment is its own window: the content size stands behind the dictionary id.
    let skip = [0_usize, 1, 2, 4][usize::from(descriptor & 3)];
    let field = rest.get(1 + skip..)?;
    Some(match descriptor >> 6 {
        0 => u64::from(*field.first()?),
        1 => u64::from(u16::from_le_bytes(field.get(..2)?.try_into().ok()?)) + 256,
        2 => u64::from(u32::from_le_bytes(field.get(..4)?.try_into().ok()?)),
        _ => u64::from_le_bytes(field.get(..8)?.try_into().ok()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_decides() {
        assert_eq!(Compression::detect(b""), Ok(Compression::Plain));
        assert_eq!(Compression::detect(b"ts,price"), Ok(Compression::Plain));
        assert_eq!(Compression::detect(&[0x1F, 0x8B, 8]), Ok(Compression::Gzip));
        assert_eq!(Compression::detect(&[0x28, 0xB5, 0x2F, 0xFD]), Ok(Compression::Zstd));
        assert_eq!(Compression::detect(&[0x5A, 0x2A, 0x4D, 0x18]), Ok(Compression::Zstd));
        assert_eq!(Compression::detect(b"BZh91AY"), Err("bzip2"));
    }

    #[test]
    fn windows_are_read_from_the_frame() {
        let small = zstd::encode_all(&b"hello"[..], 1).unwrap();
        assert!(zstd_window(&small).unwrap() <= 1 << 20);
        // 0x58: exponent 11, mantissa 0: 2 MiB.
        assert_eq!(zstd_window(&[0x28, 0xB5, 0x2F, 0xFD, 0x04, 0x58]), Some(2 << 20));
        assert_eq!(zstd_window(&[0x28, 0xB5]), None);
    }
}
