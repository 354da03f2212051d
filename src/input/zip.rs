//! The directory of a zip archive: which members there are, where and how each is packed.
//!
//! In: an archive that can be sought in. Out: [`Member`]s sorted by name, folders and hidden names left out as in a folder.
//! The directory is read entry by entry, so an archive that claims any number of members takes bounded memory. Zip64 is
//! read; what cannot be unpacked is refused when its member is opened ([`super::member`]).

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::limits::ARCHIVE_MEMBERS;

/// How an archive that has members begins.
pub(super) const MAGIC: &[u8] = b"PK\x03\x04";
/// How one without members does.
const EMPTY: &[u8] = b"PK\x05\x06";
const END: u32 = 0x0605_4B50;
const END_BYTES: u64 = 22;
const END64: u32 = 0x0606_4B50;
const LOCATOR64: u32 = 0x0706_4B50;
const LOCATOR64_BYTES: u64 = 20;
const ENTRY: u32 = 0x0201_4B50;
/// A value that stands in the Zip64 field instead.
const ELSEWHERE: u64 = 0xFFFF_FFFF;
const FIELD64: u16 = 1;

/// A member of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    /// The archive.
    pub archive: PathBuf,
    /// Where its local header begins.
    pub header: u64,
    /// Bytes in the archive.
    pub packed: u64,
    /// Bytes when unpacked.
    pub size: u64,
    /// CRC-32 of those.
    pub crc: u32,
    /// 0 stored, 8 deflate, others are not read.
    pub method: u16,
    /// Needs a password.
    pub encrypted: bool,
}

/// True if the first bytes are those of a zip archive.
pub(super) fn is_archive(head: &[u8]) -> bool {
    head.starts_with(MAGIC) || head.starts_with(EMPTY)
}

/// The members by name, in name order.
///
/// # Errors
/// `Input` if the directory is cut or corrupt, holds a name twice or more than [`ARCHIVE_MEMBERS`]; `Io`.
pub(super) fn members(path: &Path) -> Result<Vec<(OsString, Member)>> {
    let mut file = File::open(path).map_err(|e| Error::refused(path, "a file that can be opened", e.to_string()))?;
    let mut found = list(&mut file, path).map_err(|cause| match cause.raw_os_error() {
        Some(_) => Error::io("read", path, cause),
        None => Error::refused(path, format!("a whole zip archive: {cause}"), "fetch the file again"),
    })?;
    found.sort_by(|a, b| a.0.cmp(&b.0));
    if let Some(twice) = found.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        let expected = format!("each member once, not {} twice", twice[0].0.display());
        return Err(Error::refused(path, expected, "unpack the archive and import the files"));
    }
    Ok(found)
}

fn list(file: &mut File, path: &Path) -> io::Result<Vec<(OsString, Member)>> {
    let (entries, offset) = directory(file)?;
    if entries > ARCHIVE_MEMBERS {
        return Err(wrong(format!("it says that it has {entries} members, at most {ARCHIVE_MEMBERS} are read")));
    }
    file.seek(SeekFrom::Start(offset))?;
    let mut reader = BufReader::with_capacity(64 << 10, file);
    let mut found = Vec::new();
    for number in 1..=entries {
        let (name, member) =
            entry(&mut reader, path).map_err(|e| io::Error::new(e.kind(), format!("directory entry {number}: {e}")))?;
        if !is_left_out(&name) {
            found.push((OsString::from_vec(name), member));
        }
    }
    Ok(found)
}

/// Folders, and what a walk through folders leaves out too.
fn is_left_out(name: &[u8]) -> bool {
    name.ends_with(b"/")
        || name.starts_with(b"__MACOSX/")
        || name.split(|b| *b == b'/').any(|part| part.starts_with(b".") && part != b"." && part != b"..")
}

/// Number of entries, and where they begin.
fn directory(file: &mut File) -> io::Result<(u64, u64)> {
    let length = file.seek(SeekFrom::End(0))?;
    let tail_from = length.saturating_sub(END_BYTES + u64::from(u16::MAX));
    file.seek(SeekFrom::Start(tail_from))?;
    let mut tail = Vec::new();
    file.by_ref().take(length - tail_from).read_to_end(&mut tail)?;
    // The end record is the last thing but for a comment, whose length it says.
    let ends = |at: usize| tail.len() - at == END_BYTES as usize + usize::from(u16_at(&tail[at..], 20));
    let at = (0..(tail.len() + 1).saturating_sub(END_BYTES as usize))
        .rev()
        .find(|at| u32_at(&tail[*at..], 0) == END && ends(*at))
        .ok_or_else(|| wrong("it has no directory at its end".to_owned()))?;
    let end = &tail[at..];
    let short = (u64::from(u16_at(end, 10)), u64::from(u32_at(end, 16)));
    let locator_at = (tail_from + at as u64).checked_sub(LOCATOR64_BYTES);
    let (Some(locator_at), true) = (locator_at, short.0 == 0xFFFF || short.1 == ELSEWHERE) else {
        return Ok(short);
    };
    let mut locator = [0; LOCATOR64_BYTES as usize];
    file.seek(SeekFrom::Start(locator_at))?;
    file.read_exact(&mut locator)?;
    if u32_at(&locator, 0) != LOCATOR64 {
        // 65,535 members exactly, and no Zip64.
        return Ok(short);
    }
    let mut end64 = [0; 56];
    file.seek(SeekFrom::Start(u64_at(&locator, 8)))?;
    file.read_exact(&mut end64)?;
    if u32_at(&end64, 0) != END64 {
        return Err(wrong("its Zip64 directory is not where it says".to_owned()));
    }
    Ok((u64_at(&end64, 32), u64_at(&end64, 48)))
}

fn entry(reader: &mut impl Read, archive: &Path) -> io::Result<(Vec<u8>, Member)> {
    let mut fixed = [0; 46];
    reader.read_exact(&mut fixed)?;
    if u32_at(&fixed, 0) != ENTRY {
        return Err(wrong("no entry stands there".to_owned()));
    }
    let mut variable = |length: u16| {
        let mut bytes = vec![0; usize::from(length)];
        reader.read_exact(&mut bytes).map(|()| bytes)
    };
    let name = variable(u16_at(&fixed, 28))?;
    let extra = variable(u16_at(&fixed, 30))?;
    variable(u16_at(&fixed, 32))?;
    let flags = u16_at(&fixed, 8);
    let mut wide = field64(&extra);
    let mut number = |at: usize| -> io::Result<u64> {
        match u64::from(u32_at(&fixed, at)) {
            ELSEWHERE => {
                let (value, rest) =
                    wide.split_first_chunk::<8>().ok_or_else(|| wrong("its Zip64 field is short".to_owned()))?;
                wide = rest;
                Ok(u64::from_le_bytes(*value))
            }
            value => Ok(value),
        }
    };
    // The Zip64 field has them in this order.
    let size = number(24)?;
    let packed = number(20)?;
    let header = number(42)?;
    let member = Member {
        archive: archive.to_owned(),
        header,
        packed,
        size,
        crc: u32_at(&fixed, 16),
        method: u16_at(&fixed, 10),
        // Bit 0: encrypted; 6: strongly; 13: the directory too.
        encrypted: flags & (1 | 1 << 6 | 1 << 13) != 0,
    };
    Ok((name, member))
}

/// The Zip64 field among the extra fields, empty if there is none.
fn field64(extra: &[u8]) -> &[u8] {
    let mut rest = extra;
    while rest.len() >= 4 {
        let (id, length) = (u16_at(rest, 0), usize::from(u16_at(rest, 2)));
        let body = rest.get(4..4 + length).unwrap_or(&[]);
        if id == FIELD64 {
            return body;
        }
        rest = rest.get(4 + length..).unwrap_or(&[]);
    }
    &[]
}

pub(super) fn wrong(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Little-endian numbers; a place behind the end reads as zero.
pub(super) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..).and_then(|b| b.first_chunk()).map_or(0, |b| u16::from_le_bytes(*b))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(|b| b.first_chunk()).map_or(0, |b| u32::from_le_bytes(*b))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(|b| b.first_chunk()).map_or(0, |b| u64::from_le_bytes(*b))
}
