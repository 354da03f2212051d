//! One input of the list that [`super::expand`] makes: a file, standard input, or a member of a zip archive.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::zip::{self, Member};
use super::{InputLimits, STDIN, Source};
use crate::error::{Error, Result};

/// What stands between an archive and its member in a path.
const OF: u8 = b'!';

/// An input that can be opened again and again, but for standard input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    path: PathBuf,
    member: Option<Member>,
}

impl Input {
    /// The input of a path: `-`, a file, or `archive.zip!member`.
    ///
    /// # Errors
    /// `Input` for an archive that is cut or has no such member.
    pub fn at(path: &Path) -> Result<Self> {
        let bytes = path.as_os_str().as_encoded_bytes();
        if path.as_os_str() == STDIN || !bytes.contains(&OF) || path.exists() {
            return Ok(Self { path: path.to_owned(), member: None });
        }
        for at in memchr::memchr_iter(OF, bytes) {
            let archive = Path::new(OsStr::from_bytes(&bytes[..at]));
            if archive.is_file() {
                return Self::members(archive)?
                    .into_iter()
                    .find(|input| input.path == path)
                    .ok_or_else(|| Error::refused(path, "a member of the archive", "list them with unzip -l"));
            }
        }
        Ok(Self { path: path.to_owned(), member: None })
    }

    /// A file as what it is: itself, or the members of an archive, each named `archive.zip!member`.
    ///
    /// # Errors
    /// `Input` for an archive that is cut, corrupt or empty.
    pub(super) fn of_file(path: PathBuf) -> Result<Vec<Self>> {
        let mut head = Vec::with_capacity(4);
        // A pipe gives its bytes once. What cannot be opened or read is told when it is opened as a source.
        let is_read = path.is_file() && File::open(&path).and_then(|file| file.take(4).read_to_end(&mut head)).is_ok();
        if is_read && zip::is_archive(&head) {
            let members = Self::members(&path)?;
            if members.is_empty() {
                return Err(Error::refused(path, "a zip archive that holds files", "name another file"));
            }
            return Ok(members);
        }
        Ok(vec![Self { path, member: None }])
    }

    fn members(archive: &Path) -> Result<Vec<Self>> {
        let named = |name| {
            let mut path = archive.as_os_str().to_owned();
            path.push("!");
            path.push(name);
            PathBuf::from(path)
        };
        let found = zip::members(archive)?;
        Ok(found.into_iter().map(|(name, member)| Self { path: named(name), member: Some(member) }).collect())
    }

    /// True for a member of an archive.
    pub(super) fn is_member(&self) -> bool {
        self.member.is_some()
    }

    /// Standard input.
    pub(super) fn stdin() -> Self {
        Self { path: PathBuf::from(STDIN), member: None }
    }

    /// The path that names it in reports.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file that it is read from: of a member, its archive.
    #[must_use]
    pub fn file(&self) -> &Path {
        self.member.as_ref().map_or(&self.path, |member| &member.archive)
    }

    /// Bytes on disk, packed ones of a member; 0 for what is no file.
    #[must_use]
    pub fn disk_bytes(&self) -> u64 {
        match &self.member {
            Some(member) => member.packed,
            None => std::fs::metadata(&self.path).map_or(0, |found| if found.is_file() { found.len() } else { 0 }),
        }
    }

    /// Opens it. With `taken`, bytes are added to it as they are read from disk.
    ///
    /// # Errors
    /// `Input` if it cannot be opened, is compressed or encrypted in a way that is not read, or needs a larger window than
    /// allowed; `Io` if the system fails.
    pub fn open(&self, limits: &InputLimits, taken: Option<&Arc<AtomicU64>>) -> Result<Source> {
        let counted = |inner: Box<dyn Read + Send>| match taken {
            None => inner,
            Some(taken) => Box::new(Counted { inner, taken: Arc::clone(taken) }),
        };
        let path = &self.path;
        let raw = match &self.member {
            Some(member) => member.open(path, counted)?,
            None if path.as_os_str() == STDIN => counted(Box::new(io::stdin())),
            None => counted(Box::new(
                File::open(path).map_err(|e| Error::refused(path, "a file that can be opened", e.to_string()))?,
            )),
        };
        Source::from_reader(path, raw, limits)
    }
}

/// Counts what is read.
struct Counted {
    inner: Box<dyn Read + Send>,
    taken: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(out)?;
        self.taken.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// The name of an input as its vendor gave it: the last part of its path, of a member without its archive.
#[must_use]
pub fn file_name(path: &Path) -> Option<&str> {
    let name = path.file_name()?.to_str()?;
    // A name with a bang in it is one; only `.zip!` in front of it tells a member.
    match name.to_ascii_lowercase().find(".zip!") {
        Some(at) => name.get(at + ".zip!".len()..),
        None => Some(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_member_is_without_its_archive() {
        for (path, name) in [
            ("a/b.csv", Some("b.csv")),
            ("a/b.zip!c.csv", Some("c.csv")),
            ("a/b.ZIP!d/c.csv", Some("c.csv")),
            ("wow!.csv", Some("wow!.csv")),
            ("..", None),
        ] {
            assert_eq!(file_name(Path::new(path)), name, "{path}");
        }
    }
}
