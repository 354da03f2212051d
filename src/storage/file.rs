//! Open files of the real file system: one being written, one read by `pread`, one locked.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, Mode};

use super::{HeldLock, LockMode, ReadAt, WriteFile};
use crate::error::{Error, ErrorKind, Result, at_path};

/// Permission bits of a published file, before the umask of its creation.
const SEALED: u32 = 0o440;

/// A file being written.
#[derive(Debug)]
pub(super) struct OsWriteFile {
    file: File,
    path: PathBuf,
}

impl OsWriteFile {
    pub(super) fn new(file: File, path: &Path) -> Self {
        Self { file, path: path.to_owned() }
    }
}

impl io::Write for OsWriteFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes).map_err(|e| at_path(&self.path, e))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl WriteFile for OsWriteFile {
    fn sync(&mut self) -> Result<()> {
        self.file.sync_all().map_err(|e| Error::io("fsync", &self.path, e))
    }

    fn seal(&mut self) -> Result<()> {
        seal(&self.file, &self.path)
    }
}

/// Makes a file read-only.
pub(super) fn seal(file: &File, path: &Path) -> Result<()> {
    // The creation asked for 0640 and the umask took its share; sealing only takes more away.
    let fail = |e: rustix::io::Errno| Error::io("chmod", path, e.into());
    let stat = rustix::fs::fstat(file).map_err(fail)?;
    rustix::fs::fchmod(file, Mode::from_raw_mode(stat.st_mode & SEALED)).map_err(fail)
}

/// A file read with `pread`. Its length is the one at the opening; a file cut since then is an error of the read.
#[derive(Debug)]
pub(super) struct PreadFile {
    file: File,
    path: PathBuf,
    len: u64,
}

impl PreadFile {
    pub(super) fn new(file: File, path: &Path, len: u64) -> Self {
        Self { file, path: path.to_owned(), len }
    }
}

impl ReadAt for PreadFile {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        check_range(self.len, offset, out.len(), &self.path)?;
        self.file.read_exact_at(out, offset).map_err(|e| Error::io("read", &self.path, e))
    }
}

/// Refuses a read that does not lie within the file's length.
pub(super) fn check_range(len: u64, offset: u64, want: usize, path: &Path) -> Result<()> {
    let end = u64::try_from(want).ok().and_then(|want| offset.checked_add(want));
    if end.is_some_and(|end| end <= len) {
        return Ok(());
    }
    let what = format!("{want} bytes at offset {offset} of a file of {len} bytes");
    Err(Error::io("read", path, io::Error::new(io::ErrorKind::UnexpectedEof, what)))
}

/// A lock of the open file description: it dies with the process, however that ends.
#[derive(Debug)]
pub(super) struct OsLock {
    file: File,
}

impl HeldLock for OsLock {}

impl Drop for OsLock {
    fn drop(&mut self) {
        // Closing is not enough: a child that another thread is just forking shares the description until it execs.
        let _ = rustix::fs::flock(&self.file, FlockOperation::Unlock);
    }
}

/// Locks an open lock file; an exclusive holder leaves its pid for the message of the others.
pub(super) fn lock(file: File, path: &Path, mode: LockMode) -> Result<OsLock> {
    let operation = match mode {
        LockMode::Exclusive => FlockOperation::NonBlockingLockExclusive,
        LockMode::Shared => FlockOperation::NonBlockingLockShared,
        LockMode::Wait => FlockOperation::LockExclusive,
    };
    loop {
        match rustix::fs::flock(&file, operation) {
            Ok(()) => break,
            Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                return Err(Error::new(ErrorKind::Locked {
                    what: path.display().to_string(),
                    pid: holder(&file).filter(|pid| *pid != 0),
                }));
            }
            Err(e) => return Err(Error::io("lock", path, e.into())),
        }
    }
    if mode == LockMode::Exclusive {
        let fail = |e| Error::io("write", path, e);
        file.set_len(0).map_err(fail)?;
        file.write_all_at(format!("{}\n", std::process::id()).as_bytes(), 0).map_err(fail)?;
    }
    Ok(OsLock { file })
}

/// The pid that the holder wrote, if it is there already.
fn holder(file: &File) -> Option<u32> {
    let mut text = [0_u8; 16];
    let n = file.read_at(&mut text, 0).ok()?;
    std::str::from_utf8(&text[..n]).ok()?.trim().parse().ok()
}
