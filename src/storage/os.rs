//! The real file system beneath one folder. The folder is opened once; every call after that is relative to its descriptor.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::direct::DirectFile;
use super::file::{self, OsWriteFile, PreadFile};
use super::map::MappedFile;
use super::scratch::{OsScratch, ScratchFile};
use super::{DirEntry, EntryKind, HeldLock, LockMode, ReadAt, Storage, WriteFile, beneath};
use crate::error::{Error, Escaped, Result};

/// How files are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IoMode {
    /// Mapped, copied out of the map block by block. No descriptor stays open.
    #[default]
    Mmap,
    /// `pread`: for file systems where a map is slow, or where SIGBUS must not happen.
    Pread,
}

/// A folder of the real file system.
#[derive(Debug)]
pub struct OsStorage {
    root: OwnedFd,
    path: PathBuf,
    io: IoMode,
}

impl OsStorage {
    /// Opens an existing folder; only this first step may follow links, since the user named the folder.
    ///
    /// # Errors
    /// `Io`.
    pub fn open(path: &Path, io: IoMode) -> Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::open(path, flags, Mode::empty()).map_err(|e| Error::io("open", path, e.into()))?;
        Ok(Self { root, path: path.to_owned(), io })
    }

    /// Opens a folder, creating it and the parents that are missing, each made durable in its own parent.
    ///
    /// # Errors
    /// `Io`.
    pub fn open_or_create(path: &Path, io: IoMode) -> Result<Self> {
        let mut missing = Vec::new();
        let mut at = Some(path);
        while let Some(folder) = at.filter(|f| !f.as_os_str().is_empty() && !f.exists()) {
            missing.push(folder);
            at = folder.parent();
        }
        for folder in missing.into_iter().rev() {
            match std::fs::create_dir(folder) {
                Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(Error::io("mkdir", folder, e)),
                _ => {}
            }
            let parent = folder.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let parent_file = File::open(parent).map_err(|e| Error::io("open", parent, e))?;
            parent_file.sync_all().map_err(|e| Error::io("fsync", parent, e))?;
        }
        Self::open(path, io)
    }

    /// The folder as it was named.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// True unless we are root and the folder belongs to somebody else.
    ///
    /// # Errors
    /// `Io`.
    pub fn is_ours(&self) -> Result<bool> {
        let stat = rustix::fs::fstat(&self.root).map_err(|e| self.fail("stat", Path::new(""), e))?;
        let user = rustix::process::geteuid().as_raw();
        Ok(user != 0 || stat.st_uid == user)
    }

    fn fail(&self, op: &'static str, path: &Path, errno: Errno) -> Error {
        Error::io(op, self.path.join(path), errno.into())
    }

    fn open_file(&self, op: &'static str, path: &Path, flags: OFlags) -> Result<File> {
        // O_NONBLOCK: a FIFO put in a file's place must not stop us; it has no effect on regular files.
        let flags = flags | OFlags::NONBLOCK | OFlags::NOCTTY;
        let mode = if flags.contains(OFlags::CREATE) { Mode::from_raw_mode(0o640) } else { Mode::empty() };
        let fd = beneath::open(self.root.as_fd(), path, flags, mode).map_err(|e| self.fail(op, path, e))?;
        let stat = rustix::fs::fstat(&fd).map_err(|e| self.fail("stat", path, e))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(Error::io(op, self.path.join(path), io::Error::other("not a regular file")));
        }
        Ok(File::from(fd))
    }

    fn open_dir(&self, op: &'static str, path: &Path) -> Result<OwnedFd> {
        beneath::open(self.root.as_fd(), path, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty())
            .map_err(|e| self.fail(op, path, e))
    }

    fn make_dir(&self, path: &Path, mode: u32) -> Result<bool> {
        let made = beneath::parent(self.root.as_fd(), path)
            .and_then(|(folder, name)| rustix::fs::mkdirat(&folder, name, Mode::from_raw_mode(mode)));
        match made {
            Ok(()) => Ok(true),
            Err(Errno::EXIST) => {
                let stat = beneath::stat(self.root.as_fd(), path).map_err(|e| self.fail("stat", path, e))?;
                match FileType::from_raw_mode(stat.st_mode) {
                    FileType::Directory => Ok(false),
                    _ => Err(self.fail("mkdir", path, Errno::NOTDIR)),
                }
            }
            Err(e) => Err(self.fail("mkdir", path, e)),
        }
    }

    fn remove(&self, op: &'static str, path: &Path, flags: AtFlags) -> Result<()> {
        let removed = beneath::parent(self.root.as_fd(), path)
            .and_then(|(folder, name)| rustix::fs::unlinkat(&folder, name, flags));
        match removed {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(e) => Err(self.fail(op, path, e)),
        }
    }
}

impl Storage for OsStorage {
    fn create(&self, path: &Path) -> Result<Box<dyn WriteFile>> {
        let file = self.open_file("create", path, OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL)?;
        Ok(Box::new(OsWriteFile::new(file, &self.path.join(path))))
    }

    fn create_long(&self, path: &Path) -> Result<Box<dyn WriteFile>> {
        let file = self.open_file("create", path, OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL)?;
        Ok(Box::new(DirectFile::new(file, &self.path.join(path))))
    }

    fn scratch(&self, path: &Path) -> Result<Box<dyn ScratchFile>> {
        let file = self.open_file("create", path, OFlags::RDWR | OFlags::CREATE | OFlags::EXCL)?;
        self.remove_file(path)?;
        Ok(Box::new(OsScratch::new(file, &self.path.join(path))))
    }

    fn append(&self, path: &Path) -> Result<Box<dyn WriteFile>> {
        let file = self.open_file("open", path, OFlags::WRONLY | OFlags::CREATE | OFlags::APPEND)?;
        Ok(Box::new(OsWriteFile::new(file, &self.path.join(path))))
    }

    fn open(&self, path: &Path) -> Result<Arc<dyn ReadAt>> {
        let file = self.open_file("open", path, OFlags::RDONLY)?;
        let name = self.path.join(path);
        let len = file.metadata().map_err(|e| Error::io("stat", &name, e))?.len();
        Ok(match self.io {
            IoMode::Mmap => Arc::new(MappedFile::new(&file, &name, len)?),
            IoMode::Pread => Arc::new(PreadFile::new(file, &name, len)),
        })
    }

    fn truncate(&self, path: &Path, len: u64) -> Result<()> {
        let file = self.open_file("open", path, OFlags::WRONLY)?;
        file.set_len(len).and_then(|()| file.sync_all()).map_err(|e| Error::io("truncate", self.path.join(path), e))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        let (from_folder, from_name) =
            beneath::parent(self.root.as_fd(), from).map_err(|e| self.fail("rename", from, e))?;
        let (to_folder, to_name) = beneath::parent(self.root.as_fd(), to).map_err(|e| self.fail("rename", to, e))?;
        rustix::fs::renameat(&from_folder, from_name, &to_folder, to_name).map_err(|e| self.fail("rename", to, e))
    }

    fn remove_file(&self, path: &Path) -> Result<()> {
        self.remove("unlink", path, AtFlags::empty())
    }

    fn remove_dir(&self, path: &Path) -> Result<()> {
        self.remove("rmdir", path, AtFlags::REMOVEDIR)
    }

    fn create_dir(&self, path: &Path) -> Result<bool> {
        self.make_dir(path, 0o777)
    }

    fn create_private_dir(&self, path: &Path) -> Result<bool> {
        self.make_dir(path, 0o700)
    }

    fn sync_dir(&self, path: &Path) -> Result<()> {
        let folder = self.open_dir("open", path)?;
        rustix::fs::fsync(&folder).map_err(|e| self.fail("fsync", path, e))
    }

    fn sync_dirs(&self, paths: &[&Path]) -> Result<()> {
        side_by_side(&mut paths.to_vec(), |path| self.sync_dir(path))
    }

    fn sync_files(&self, files: &mut [&mut dyn WriteFile]) -> Result<()> {
        side_by_side(files, |file| file.sync())
    }

    #[cfg(target_os = "linux")]
    fn sync_all(&self) -> Result<()> {
        // The descriptor is as old as this storage, so the call also reports write-back errors that came before it.
        rustix::fs::syncfs(&self.root).map_err(|e| self.fail("syncfs", Path::new(""), e))
    }

    #[cfg(not(target_os = "linux"))]
    fn sync_all(&self) -> Result<()> {
        Err(self.fail("syncfs", Path::new(""), Errno::NOSYS))
    }

    fn list(&self, path: &Path) -> Result<Vec<DirEntry>> {
        let folder = match self.open_dir("list", path) {
            Err(e) if e.is_not_found() => return Ok(Vec::new()),
            other => other?,
        };
        let mut entries = Vec::new();
        for entry in rustix::fs::Dir::read_from(&folder).map_err(|e| self.fail("list", path, e))? {
            let entry = entry.map_err(|e| self.fail("list", path, e))?;
            let bytes = entry.file_name().to_bytes();
            if bytes == b"." || bytes == b".." {
                continue;
            }
            let Ok(name) = std::str::from_utf8(bytes) else {
                entries.push(DirEntry { name: Escaped(bytes).to_string(), kind: EntryKind::Other });
                continue;
            };
            let kind = match entry.file_type() {
                FileType::Unknown => rustix::fs::statat(&folder, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW)
                    .map_or(FileType::Unknown, |stat| FileType::from_raw_mode(stat.st_mode)),
                known => known,
            };
            entries.push(DirEntry { name: name.to_owned(), kind: entry_kind(kind) });
        }
        entries.sort();
        Ok(entries)
    }

    fn lock(&self, path: &Path, mode: LockMode) -> Result<Box<dyn HeldLock>> {
        let file = self.open_file("lock", path, OFlags::RDWR | OFlags::CREATE)?;
        Ok(Box::new(file::lock(file, &self.path.join(path), mode)?))
    }
}

/// Calls that wait for the device at a time: a sync is latency, which a journal shares among all who wait.
const SYNCS: usize = 8;

/// Runs `each` on every item, several at a time; the first error in their order counts.
fn side_by_side<T: Send>(items: &mut [T], each: impl Fn(&mut T) -> Result<()> + Sync) -> Result<()> {
    if items.len() < 2 {
        return items.iter_mut().try_for_each(each);
    }
    let part = items.len().div_ceil(SYNCS);
    std::thread::scope(|scope| {
        let each = &each;
        let threads: Vec<_> =
            items.chunks_mut(part).map(|part| scope.spawn(move || part.iter_mut().try_for_each(each))).collect();
        let lost = || Err(Error::io("fsync", "thread", io::Error::other("a thread has ended early")));
        threads.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(|_| lost()))
    })
}

fn entry_kind(kind: FileType) -> EntryKind {
    match kind {
        FileType::RegularFile => EntryKind::File,
        FileType::Directory => EntryKind::Dir,
        _ => EntryKind::Other,
    }
}
