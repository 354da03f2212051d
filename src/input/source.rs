//! One input as a stream of decompressed bytes in UTF-8, with their count and their running XXH3-128.

use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::Xxh3;

use super::buffer::Buffer;
use super::decode::{Compression, decoder};
use super::text::{self, Decoded, Peeked, Text};
use super::{Input, InputLimits, STDIN, dbn, window, zip};
use crate::error::{Error, InputFault, Result};

/// Bytes of an input that recognition and header reading may see.
pub const HEAD_BYTES: usize = 256 << 10;
/// Bytes asked from the system at a time under a decompressor.
const RAW_BYTES: usize = 256 << 10;
const UTF8_BOM: &[u8] = b"\xEF\xBB\xBF";

/// An opened input. The digest is over the decompressed bytes in UTF-8, a byte-order mark included; the mark itself is not
/// handed out. Offsets count the same bytes: of a source in another encoding, those of its text in UTF-8.
pub struct Source {
    path: PathBuf,
    reader: Box<dyn Read + Send>,
    compression: Compression,
    /// Read ahead for [`Source::head`], not yet handed out.
    ahead: Buffer,
    /// A failure behind the bytes of `ahead`: told once they are handed out.
    failed: Option<io::Error>,
    ended: bool,
    hasher: Box<Xxh3>,
    bytes: u64,
    mark_bytes: u64,
    limits: InputLimits,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source").field("path", &self.path).field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

impl Source {
    /// Opens a file, standard input for `-`, or a member of an archive for `archive.zip!member`; compression and encoding
    /// are told from the content.
    ///
    /// # Errors
    /// As [`Input::open`].
    pub fn open(path: &Path, limits: &InputLimits) -> Result<Self> {
        Input::at(path)?.open(limits, None)
    }

    /// The same for bytes from anywhere; `path` names them in errors.
    ///
    /// # Errors
    /// As [`Source::open`].
    pub fn from_reader(path: &Path, raw: impl Read + Send + 'static, limits: &InputLimits) -> Result<Self> {
        let raw = Peeked::new(Box::new(raw), window::LOOK_BYTES);
        if zip::is_archive(raw.first()) {
            return Err(not_a_stream(path));
        }
        let compression = Compression::detect(raw.first()).map_err(|name| {
            let expected = "plain text, gzip, bzip2, xz, zstd or zip";
            Error::refused(path, expected, format!("unpack the {name} file and import what is in it"))
        })?;
        window::check(path, raw.first(), limits)?;
        let is_binary = dbn::begins(raw.first());
        let opened = match compression {
            // No buffer between the file and the chunk: the chunk is the buffer.
            Compression::Plain if !is_binary => Ok(Box::new(raw) as Box<dyn Read + Send>),
            Compression::Plain => Ok(dbn::text(Box::new(raw))),
            _ => decoder(BufReader::with_capacity(RAW_BYTES, raw), compression, limits).map(dbn::text),
        };
        let peeked = Peeked::new(opened.map_err(|e| Error::io("read", path, e))?, text::LOOK_BYTES);
        let reader: Box<dyn Read + Send> = match limits.encoding.of(peeked.first()) {
            Text::AsIs => Box::new(peeked),
            text => Box::new(Decoded::new(Box::new(peeked), text)),
        };
        let mut source = Self {
            path: path.to_owned(),
            reader,
            compression,
            ahead: Buffer::default(),
            failed: None,
            ended: false,
            hasher: Box::new(Xxh3::new()),
            bytes: 0,
            mark_bytes: 0,
            limits: *limits,
        };
        source.drop_mark();
        Ok(source)
    }

    /// Takes a byte-order mark off.
    fn drop_mark(&mut self) {
        self.read_ahead(UTF8_BOM.len());
        if self.ahead.starts_with(UTF8_BOM) {
            self.ahead.drop_front(..UTF8_BOM.len());
            self.mark_bytes = UTF8_BOM.len() as u64;
        }
    }

    /// The input's path as given.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How it is compressed.
    #[must_use]
    pub fn compression(&self) -> Compression {
        self.compression
    }

    /// Decompressed bytes read so far, a byte-order mark included.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Bytes of the byte-order mark: where the first record begins.
    #[must_use]
    pub fn mark_bytes(&self) -> u64 {
        self.mark_bytes
    }

    /// XXH3-128 of the bytes read so far: at the end the digest of the source's content.
    #[must_use]
    pub fn digest(&self) -> u128 {
        self.hasher.digest128()
    }

    /// The first bytes, without taking them: up to [`HEAD_BYTES`], fewer only at the end or before a failure, which
    /// the next read tells in its place.
    pub fn head(&mut self) -> &[u8] {
        self.read_ahead(HEAD_BYTES);
        &self.ahead
    }

    fn read_ahead(&mut self, want: usize) {
        let have = self.ahead.len();
        if have < want && self.failed.is_none() && !self.ended {
            let mut ahead = std::mem::take(&mut self.ahead);
            self.pull(&mut ahead, want - have);
            self.ahead = ahead;
        }
    }

    /// Appends up to `most` bytes from the reader, remembers its end or failure.
    fn pull(&mut self, out: &mut Buffer, most: usize) {
        let before = out.len();
        let mut left = most;
        while left > 0 {
            match self.reader.read(out.space(left)) {
                Ok(0) => {
                    self.ended = true;
                    break;
                }
                Ok(n) => {
                    out.advance(n);
                    left = left.saturating_sub(n);
                    if self.bytes + (out.len() - before) as u64 > self.limits.input_bytes {
                        self.failed = Some(io::ErrorKind::FileTooLarge.into());
                        break;
                    }
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => {
                    self.failed = Some(e);
                    break;
                }
            }
        }
        self.hasher.update(&out[before..]);
        self.bytes += (out.len() - before) as u64;
    }

    /// Appends up to `most` bytes to `out`; fewer only at the end. Returns how many.
    ///
    /// # Errors
    /// The failure of the stream, after all bytes before it: what the system or the decompressor says.
    pub(super) fn read_some(&mut self, out: &mut Buffer, most: usize) -> io::Result<usize> {
        if !self.ahead.is_empty() {
            let n = self.ahead.len().min(most);
            out.extend_from_slice(&self.ahead[..n]);
            self.ahead.drop_front(..n);
            return Ok(n);
        }
        if let Some(error) = self.failed.take() {
            self.ended = true;
            return Err(error);
        }
        if self.ended {
            return Ok(0);
        }
        let before = out.len();
        self.pull(out, most);
        match out.len() - before {
            0 => self.failed.take().map_or(Ok(0), Err),
            n => Ok(n),
        }
    }

    /// The error of a stream that failed after `records` whole records (decision 21).
    pub(super) fn broken(&self, cause: io::Error, records: u64) -> Error {
        if cause.raw_os_error().is_some() {
            return Error::io("read", &self.path, cause);
        }
        if cause.kind() == io::ErrorKind::FileTooLarge {
            return Error::input(InputFault {
                path: self.path.clone(),
                expected: format!("an input of at most {} bytes, unpacked", self.limits.input_bytes),
                got: format!("more, after {records} records").into_bytes(),
                advice: "set a larger --max-input-bytes; none of its rows is published".to_owned(),
                ..InputFault::default()
            });
        }
        if let Some(error) = window::too_wide(&self.path, &cause, &self.limits) {
            return error;
        }
        Error::input(InputFault {
            path: self.path.clone(),
            line: Some(records + 1),
            byte_offset: Some(self.bytes),
            expected: format!("a whole {} stream", self.compression.name()),
            got: format!("{cause}, after {records} records").into_bytes(),
            advice: "fetch the file again; none of its rows is published".to_owned(),
            ..InputFault::default()
        })
    }
}

fn not_a_stream(path: &Path) -> Error {
    let advice = match path.as_os_str() == STDIN {
        true => "save it as a file: the directory of a zip archive stands at its end",
        false => "unpack it: an archive inside another source is not read",
    };
    Error::refused(path, "a source, not a zip archive", advice)
}

/// The first bytes of an input that is opened for nothing else.
///
/// # Errors
/// As [`Source::open`].
pub fn head(path: &Path, limits: &InputLimits) -> Result<Vec<u8>> {
    let mut source = Source::open(path, limits)?;
    source.head();
    Ok(source.ahead.to_vec())
}
