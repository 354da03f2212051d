//! Which compression an input has, told from its first bytes, and the stream of its plain bytes.
//!
//! A new compression is one line in [`Compression::detect`] and one arm in [`decoder`]. What a stream asks for as its window
//! or dictionary is [`super::window`]'s.

use std::io::{self, BufRead, Read};

use super::InputLimits;
use super::window::XZ_DECODER_BYTES;

/// How an input is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    Plain,
    /// gzip, any number of members, each with its CRC checked.
    Gzip,
    /// bzip2, any number of streams, each block and stream with its CRC checked.
    Bzip2,
    /// xz, any number of streams, checks verified where present.
    Xz,
    /// zstd, any number of frames, checksums checked where present.
    Zstd,
}

/// Compressions that are known by their first bytes and not read yet: refused by name instead of parsed as text.
const UNREAD: [(&[u8], &str); 6] = [
    (b"\x04\x22\x4D\x18", "lz4"),
    (b"\xFF\x06\0\0sNaPpY", "snappy"),
    (b"7z\xBC\xAF\x27\x1C", "7z"),
    (b"Rar!\x1A\x07", "rar"),
    (b"\x5D\0\0", "lzma"),
    (b"LZIP\x01", "lzip"),
];

const GZIP_MAGIC: &[u8] = &[0x1F, 0x8B];
/// Behind `BZh` and the digit of the block size stands the sum of the first block, or of a stream without one.
const BZIP2_BLOCKS: [&[u8]; 2] = [&[0x31, 0x41, 0x59, 0x26, 0x53, 0x59], &[0x17, 0x72, 0x45, 0x38, 0x50, 0x90]];
pub(super) const XZ_MAGIC: &[u8] = b"\xFD7zXZ\0";
pub(super) const ZSTD_MAGIC: &[u8] = &[0x28, 0xB5, 0x2F, 0xFD];

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
            _ if head.starts_with(XZ_MAGIC) => Self::Xz,
            [b'B', b'Z', b'h', b'1'..=b'9', block @ ..] if BZIP2_BLOCKS.iter().any(|b| same_start(block, b)) => {
                Self::Bzip2
            }
            _ => Self::Plain,
        })
    }

    /// The word for reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Gzip => "gzip",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
            Self::Zstd => "zstd",
        }
    }
}

/// True if one begins with the other: a source may be cut inside its first bytes.
fn same_start(a: &[u8], b: &[u8]) -> bool {
    a.iter().zip(b).all(|(a, b)| a == b)
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
        Compression::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(raw)),
        Compression::Xz => {
            let memory = limits.window_bytes.saturating_add(XZ_DECODER_BYTES);
            let stream = liblzma::stream::Stream::new_stream_decoder(memory, liblzma::stream::CONCATENATED)?;
            Box::new(liblzma::bufread::XzDecoder::new_stream(raw, stream))
        }
        Compression::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(raw)?;
            decoder.window_log_max(limits.window_bytes.max(1).ilog2().clamp(10, 31))?;
            Box::new(decoder)
        }
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
        assert_eq!(Compression::detect(b"BZh91AY&SYabc"), Ok(Compression::Bzip2));
        assert_eq!(Compression::detect(b"BZh91A"), Ok(Compression::Bzip2));
        assert_eq!(Compression::detect(b"BZh9,price"), Ok(Compression::Plain));
        assert_eq!(Compression::detect(b"\xFD7zXZ\0\0\x04"), Ok(Compression::Xz));
        assert_eq!(Compression::detect(b"7z\xBC\xAF\x27\x1C\0"), Err("7z"));
    }
}
