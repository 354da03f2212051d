//! The bytes of one member of a zip archive, unpacked and checked: its length and CRC-32 must be what the directory says.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use super::zip::{Member, u16_at, u32_at, wrong};
use crate::error::{Error, Result};

const STORED: u16 = 0;
const DEFLATE: u16 = 8;
const LOCAL_HEADER: u32 = 0x0403_4B50;
/// Bytes asked from the system at a time.
const RAW_BYTES: usize = 256 << 10;

impl Member {
    /// Opens the member; `wrap` goes around the packed bytes. `path` names it in errors.
    ///
    /// # Errors
    /// `Input` for a member that needs a password, or that is packed in a way that is not read; `Io`.
    pub(super) fn open(
        &self,
        path: &Path,
        wrap: impl FnOnce(Box<dyn Read + Send>) -> Box<dyn Read + Send>,
    ) -> Result<Box<dyn Read + Send>> {
        if self.encrypted {
            return Err(Error::refused(path, "a member without a password", "unpack the archive with its password"));
        }
        if !matches!(self.method, STORED | DEFLATE) {
            let expected = format!("a stored or deflated member, not one of method {}", self.method);
            return Err(Error::refused(path, expected, "unpack the archive and import the files"));
        }
        let archive = &self.archive;
        let mut file =
            File::open(archive).map_err(|e| Error::refused(archive, "a file that can be opened", e.to_string()))?;
        self.seek(&mut file).map_err(|cause| match cause.raw_os_error() {
            Some(_) => Error::io("read", archive, cause),
            None => Error::refused(path, format!("a whole zip archive: {cause}"), "fetch the file again"),
        })?;
        let packed = wrap(Box::new(file.take(self.packed)));
        let plain: Box<dyn Read + Send> = match self.method {
            STORED => packed,
            _ => Box::new(flate2::bufread::DeflateDecoder::new(BufReader::with_capacity(RAW_BYTES, packed))),
        };
        Ok(Box::new(Checked { plain, crc: flate2::Crc::new(), read: 0, wanted: (self.size, self.crc), is_done: false }))
    }

    /// Moves to the member's first packed byte, which only its local header tells.
    fn seek(&self, file: &mut File) -> io::Result<()> {
        let mut header = [0; 30];
        file.seek(SeekFrom::Start(self.header))?;
        file.read_exact(&mut header)?;
        if u32_at(&header, 0) != LOCAL_HEADER {
            return Err(wrong("a member is not where the directory says".to_owned()));
        }
        let names = u64::from(u16_at(&header, 26)) + u64::from(u16_at(&header, 28));
        file.seek(SeekFrom::Start(self.header.saturating_add(30 + names)))?;
        Ok(())
    }
}

/// Compares length and sum at the end.
struct Checked {
    plain: Box<dyn Read + Send>,
    crc: flate2::Crc,
    read: u64,
    /// Length and CRC-32.
    wanted: (u64, u32),
    is_done: bool,
}

impl Read for Checked {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.is_done || out.is_empty() {
            return Ok(0);
        }
        let count = self.plain.read(out)?;
        self.crc.update(&out[..count]);
        self.read += count as u64;
        let (size, sum) = self.wanted;
        if self.read > size {
            return Err(wrong(format!("more bytes than the {size} that the directory says")));
        }
        if count == 0 {
            self.is_done = true;
            if self.read < size {
                let what = format!("the member ends after {} of {size} bytes", self.read);
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, what));
            }
            if self.crc.sum() != sum {
                return Err(wrong(format!("CRC-32 {:08x} instead of {sum:08x}", self.crc.sum())));
            }
        }
        Ok(count)
    }
}
