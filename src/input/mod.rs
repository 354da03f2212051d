//! Raw bytes in: inputs are listed, opened, unpacked, decoded to UTF-8 and cut into chunks of whole records.
//!
//! In: paths as the user gives them. Out: [`RawChunk`]s with record numbers and byte offsets, and the digest of the
//! decompressed bytes. Inputs are read with read(2) and never mapped; memory is bounded by [`InputLimits`], whatever
//! the input holds. What an input is - compressed, an archive, UTF-16 - is told from its content, never from its name.

mod buffer;
mod cut;
mod dbn;
mod decode;
mod expand;
mod groups;
mod lines;
mod listed;
mod member;
mod source;
mod stream;
mod text;
mod window;
mod zip;

pub use cut::{Cutter, RawChunk, SourceFacts};
pub use decode::Compression;
pub use expand::{STDIN, expand};
pub use groups::{GroupLine, Grouping};
pub use lines::{Ends, object_end};
pub use listed::{Input, file_name};
pub use source::{HEAD_BYTES, Source, head};
pub use stream::TooLong;
pub use text::Encoding;

use crate::limits;

/// What an input may take (decision 27), and how its text is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputLimits {
    /// Bytes of a chunk, as far as one record fits in it.
    pub chunk_bytes: usize,
    /// Bytes of a record without its line end; a longer one becomes one reject.
    pub line_bytes: usize,
    /// Bytes that a decompressor may ask for its window; an input that needs more is refused.
    pub window_bytes: u64,
    /// Decompressed bytes of an input; one that has more is refused as a whole.
    pub input_bytes: u64,
    /// Encoding of the text.
    pub encoding: Encoding,
}

impl Default for InputLimits {
    fn default() -> Self {
        Self::for_memory(limits::MEMORY_DEFAULT)
    }
}

impl InputLimits {
    /// The limits that go with a memory budget in bytes: records of a sixteenth, windows of a quarter, and no more than
    /// [`limits::LINE_BYTES`] and [`limits::UNPACK_WINDOW_BYTES`].
    #[must_use]
    pub fn for_memory(memory: u64) -> Self {
        let line = usize::try_from(memory / 16).unwrap_or(limits::LINE_BYTES).clamp(4_096, limits::LINE_BYTES);
        Self {
            chunk_bytes: (1 << 20).min(line),
            line_bytes: line,
            window_bytes: limits::UNPACK_WINDOW_BYTES.min(memory / 4),
            input_bytes: u64::MAX,
            encoding: Encoding::Auto,
        }
    }

    /// The same with another longest record; 0 changes nothing.
    #[must_use]
    pub fn with_line_bytes(mut self, line_bytes: usize) -> Self {
        if line_bytes > 0 {
            self.line_bytes = line_bytes;
            self.chunk_bytes = self.chunk_bytes.min(line_bytes.max(1));
        }
        self
    }
}
