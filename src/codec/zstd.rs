//! The zstd part: another part's bytes as one frame, for cold data. Written only on request.

use std::fmt;
use std::io;

use ::zstd::bulk::{Compressor, Decompressor};
use ::zstd::zstd_safe;

use crate::error::{Error, Result};
use crate::format::constants::ZSTD_HEADER;
use crate::format::{Encoding, rules};
use crate::limits;

/// A decompression context that is made at its first use.
#[derive(Default)]
pub struct Inflater(Option<Decompressor<'static>>);

impl fmt::Debug for Inflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Inflater")
    }
}

impl Inflater {
    /// Decodes a zstd part into `raw` and returns the inner encoding.
    ///
    /// # Errors
    /// `Damage`, `Io` when there is no memory for the context.
    pub fn inflate(&mut self, part: &[u8], raw: &mut Vec<u8>) -> Result<Encoding> {
        let fault = |expected: &str, got: String| Error::damage(rules::ZSTD_FRAME, expected, got);
        let Some((head, frame)) = part.split_at_checked(ZSTD_HEADER) else {
            return Err(fault("an inner encoding and a frame", format!("{} bytes", part.len())));
        };
        let inner = Encoding::from_code(head[0]).filter(|e| *e != Encoding::Zstd);
        let Some(inner) = inner.filter(|_| head[1..4] == [0; 3]) else {
            return Err(fault("an inner encoding and zeros", format!("{:02x?}", &head[..4])));
        };
        let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
        if length > limits::BLOCK_BYTES {
            return Err(fault("a part within the limit", format!("{length} bytes")));
        }
        let content = zstd_safe::get_frame_content_size(frame).ok().flatten();
        let extent = zstd_safe::find_frame_compressed_size(frame).ok();
        if content != Some(u64::from(length)) || extent != Some(frame.len()) {
            return Err(fault("one frame of the stated size", format!("content {content:?}, extent {extent:?}")));
        }
        let context = match &mut self.0 {
            Some(context) => context,
            empty => empty.insert(Decompressor::new().map_err(|e| Error::io("decompress", "zstd", e))?),
        };
        raw.clear();
        raw.reserve(length as usize);
        let count = context.decompress_to_buffer(frame, raw).map_err(|e| fault("a sound frame", e.to_string()))?;
        if count != length as usize {
            return Err(fault("the stated size", format!("{count} bytes")));
        }
        Ok(inner)
    }
}

/// A compression context of one level.
pub struct Deflater(Compressor<'static>);

impl fmt::Debug for Deflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Deflater")
    }
}

impl Deflater {
    /// A context for a zstd level.
    ///
    /// # Errors
    /// `Io` when the context cannot be made.
    pub fn new(level: i32) -> Result<Self> {
        Ok(Self(Compressor::new(level).map_err(|e| Error::io("compress", "zstd", e))?))
    }

    /// Puts a zstd part in place of the part that starts at `start` of `out`, if that is smaller; true if it did.
    ///
    /// # Errors
    /// `Io` from the compressor.
    pub fn deflate(&mut self, inner: Encoding, out: &mut Vec<u8>, start: usize, frame: &mut Vec<u8>) -> Result<bool> {
        let Ok(length) = u32::try_from(out.len() - start) else { return Ok(false) };
        frame.clear();
        frame.reserve(::zstd::compress_bound(length as usize));
        self.0.compress_to_buffer(&out[start..], frame).map_err(|e: io::Error| Error::io("compress", "zstd", e))?;
        if frame.len() + ZSTD_HEADER >= length as usize {
            return Ok(false);
        }
        out.truncate(start);
        out.extend_from_slice(&[inner as u8, 0, 0, 0]);
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(frame);
        Ok(true)
    }
}
