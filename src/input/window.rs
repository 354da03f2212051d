//! What a compressed stream asks for as its window or dictionary, read from its first bytes, and the refusal of too much.

use std::io;
use std::path::Path;

use super::InputLimits;
use super::decode::{XZ_MAGIC, ZSTD_MAGIC};
use crate::error::{Error, Result};
use crate::limits::UNPACK_WINDOW_BYTES;

/// First bytes that hold the answer.
pub(super) const LOOK_BYTES: usize = 96;
/// What an xz decoder holds besides its dictionary.
pub(super) const XZ_DECODER_BYTES: u64 = 1 << 20;

/// Refuses a stream whose first frame or block asks for more than allowed; the decoders watch the later ones.
///
/// # Errors
/// `Input` naming the `--memory` that would do.
pub(super) fn check(path: &Path, head: &[u8], limits: &InputLimits) -> Result<()> {
    match zstd_window(head).or_else(|| xz_dictionary(head)) {
        Some(window) if window > limits.window_bytes => Err(refuse(path, Some(window), limits)),
        _ => Ok(()),
    }
}

/// The error of a later frame or block that asks for more, if that is what a decoder says.
pub(super) fn too_wide(path: &Path, cause: &io::Error, limits: &InputLimits) -> Option<Error> {
    let lzma = cause.get_ref().and_then(|e| e.downcast_ref::<liblzma::stream::Error>());
    let is_xz = matches!(lzma, Some(liblzma::stream::Error::MemLimit));
    // The zstd library gives a text and no code.
    let is_zstd = cause.to_string().contains("requires too much memory");
    (is_xz || is_zstd).then(|| refuse(path, None, limits))
}

fn refuse(path: &Path, window: Option<u64>, limits: &InputLimits) -> Error {
    let allowed = limits.window_bytes;
    let got = window.map_or(String::new(), |w| format!(", not {w}"));
    // Four times the window, and twice the memory where the window is not known: it may be any up to the limit.
    let wanted = window.unwrap_or(allowed.saturating_mul(2).min(UNPACK_WINDOW_BYTES));
    let advice = if window.is_none() && allowed >= UNPACK_WINDOW_BYTES || wanted > UNPACK_WINDOW_BYTES {
        format!("no --memory allows more than {UNPACK_WINDOW_BYTES}: unpack it first, or pack it with a smaller window")
    } else {
        format!("use --memory {}MiB or more", wanted.saturating_mul(4).div_ceil(1 << 20))
    };
    Error::refused(path, format!("a decompression window of at most {allowed} bytes{got}"), advice)
}

/// Bytes that the first zstd frame of `head` asks for as its window, if the header is there.
fn zstd_window(head: &[u8]) -> Option<u64> {
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

/// Bytes of the dictionary of the first block of an xz stream, if its header is there.
fn xz_dictionary(head: &[u8]) -> Option<u64> {
    const LZMA2: u64 = 0x21;
    // Stream flags and their sum stand between the magic and the first block.
    let block = head.strip_prefix(XZ_MAGIC)?.get(6..)?;
    let (size, flags) = (*block.first()?, *block.get(1)?);
    if size == 0 {
        return None;
    }
    let mut rest = block.get(2..)?;
    for has_size in [flags & 0x40 != 0, flags & 0x80 != 0] {
        if has_size {
            rest = multibyte(rest)?.1;
        }
    }
    for _ in 0..=flags & 3 {
        let (id, behind) = multibyte(rest)?;
        let (length, behind) = multibyte(behind)?;
        let properties = behind.get(..usize::try_from(length).ok()?)?;
        if id == LZMA2 {
            let bits = u32::from(*properties.first()?);
            return match bits {
                0..40 => Some(u64::from(2 | bits & 1) << (bits / 2 + 11)),
                40 => Some(u64::from(u32::MAX)),
                _ => None,
            };
        }
        rest = behind.get(properties.len()..)?;
    }
    None
}

/// A number of seven bits a byte, the lowest first.
fn multibyte(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0_u64;
    for (at, byte) in bytes.iter().take(9).enumerate() {
        value |= u64::from(byte & 0x7F) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[at + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_read_from_the_frame() {
        let small = zstd::encode_all(&b"hello"[..], 1).unwrap();
        assert!(zstd_window(&small).unwrap() <= 1 << 20);
        // 0x58: exponent 11, mantissa 0: 2 MiB.
        assert_eq!(zstd_window(&[0x28, 0xB5, 0x2F, 0xFD, 0x04, 0x58]), Some(2 << 20));
        assert_eq!(zstd_window(&[0x28, 0xB5]), None);
    }

    #[test]
    fn dictionaries_are_read_from_the_block() {
        let stream = |block: &[u8]| [XZ_MAGIC, &[0, 4, 1, 2, 3, 4][..], block].concat();
        // 64 MiB, alone and behind both sizes and a delta filter.
        assert_eq!(xz_dictionary(&stream(&[2, 0, 0x21, 1, 28])), Some(64 << 20));
        assert_eq!(xz_dictionary(&stream(&[4, 0xC1, 0x80, 1, 9, 3, 1, 0, 0x21, 1, 29])), Some(96 << 20));
        assert_eq!(xz_dictionary(&stream(&[2, 0, 0x21, 1, 40])), Some(u64::from(u32::MAX)));
        assert_eq!(xz_dictionary(&stream(&[0, 0])), None);
        assert_eq!(xz_dictionary(&stream(&[2, 0, 0x21])), None);
        let packed = liblzma::encode_all(&b"hello"[..], 6).unwrap();
        assert_eq!(xz_dictionary(&packed), Some(8 << 20));
    }
}
