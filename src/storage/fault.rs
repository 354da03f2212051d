//! Faults on demand: a storage that counts its operations and lets one of them fail. For tests only.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::{DirEntry, HeldLock, LockMode, ReadAt, ScratchFile, Storage, WriteFile};
use crate::error::{Error, Result, at_path};

/// What happens at the chosen operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It fails with this errno, once.
    Errno(i32),
    /// It and every later operation fail with this errno: a disk that stays full, or a process that has died.
    FromNowOn(i32),
    /// A write takes half of its bytes, and the write after it fails with ENOSPC; other operations fail with ENOSPC.
    ShortWrite,
}

/// Counts operations and injects the fault.
#[derive(Debug, Default)]
struct Counter {
    done: AtomicU64,
    plan: Mutex<Option<(u64, Fault)>>,
}

const ENOSPC: i32 = 28;

impl Counter {
    /// Counts one operation; the errno it shall fail with, if any. `half` is set for a short write.
    fn next(&self, half: Option<&mut bool>) -> io::Result<()> {
        let k = self.done.fetch_add(1, Ordering::SeqCst);
        let plan = self.plan.lock().ok().and_then(|plan| *plan);
        let Some((at, fault)) = plan else { return Ok(()) };
        match fault {
            Fault::Errno(errno) if k == at => Err(io::Error::from_raw_os_error(errno)),
            Fault::FromNowOn(errno) if k >= at => Err(io::Error::from_raw_os_error(errno)),
            Fault::ShortWrite if k == at => match half {
                Some(half) => {
                    *half = true;
                    Ok(())
                }
                None => Err(io::Error::from_raw_os_error(ENOSPC)),
            },
            Fault::ShortWrite if k == at + 1 => Err(io::Error::from_raw_os_error(ENOSPC)),
            _ => Ok(()),
        }
    }

    fn check(&self, op: &'static str, path: &Path) -> Result<()> {
        self.next(None).map_err(|e| Error::io(op, path, e))
    }
}

/// A storage whose operations can be made to fail.
#[derive(Debug)]
pub struct FaultStorage {
    inner: Arc<dyn Storage>,
    counter: Arc<Counter>,
}

impl FaultStorage {
    /// Wraps a storage; nothing fails yet.
    #[must_use]
    pub fn new(inner: Arc<dyn Storage>) -> Self {
        Self { inner, counter: Arc::default() }
    }

    /// Makes operation number `at`, from 0 and counted from the wrapping on, fail.
    pub fn fail_at(&self, at: u64, fault: Fault) {
        if let Ok(mut plan) = self.counter.plan.lock() {
            *plan = Some((at, fault));
        }
    }

    /// Operations so far.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.counter.done.load(Ordering::SeqCst)
    }

    fn writer(&self, inner: Box<dyn WriteFile>, path: &Path) -> Box<dyn WriteFile> {
        Box::new(FaultFile { inner, counter: Arc::clone(&self.counter), path: path.to_owned() })
    }
}

impl Storage for FaultStorage {
    fn create(&self, path: &Path) -> Result<Box<dyn WriteFile>> {
        self.counter.check("create", path)?;
        Ok(self.writer(self.inner.create(path)?, path))
    }

    fn create_long(&self, path: &Path) -> Result<Box<dyn WriteFile>> {
        self.counter.check("create", path)?;
        Ok(self.writer(self.inner.create_long(path)?, path))
    }

    fn scratch(&self, path: &Path) -> Result<Box<dyn ScratchFile>> {
        self.counter.check("create", path)?;
        let inner = self.inner.scratch(path)?;
        Ok(Box::new(FaultScratch { inner, counter: Arc::clone(&self.counter), path: path.to_owned() }))
    }

    fn append(&self, path: &Path) -> Result<Box<dyn WriteFile>> {
        self.counter.check("open", path)?;
        Ok(self.writer(self.inner.append(path)?, path))
    }

    fn open(&self, path: &Path) -> Result<Arc<dyn ReadAt>> {
        self.counter.check("open", path)?;
        let inner = self.inner.open(path)?;
        Ok(Arc::new(FaultReader { inner, counter: Arc::clone(&self.counter), path: path.to_owned() }))
    }

    fn truncate(&self, path: &Path, len: u64) -> Result<()> {
        self.counter.check("truncate", path)?;
        self.inner.truncate(path, len)
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        self.counter.check("rename", to)?;
        self.inner.rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> Result<()> {
        self.counter.check("unlink", path)?;
        self.inner.remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> Result<()> {
        self.counter.check("rmdir", path)?;
        self.inner.remove_dir(path)
    }

    fn create_dir(&self, path: &Path) -> Result<bool> {
        self.counter.check("mkdir", path)?;
        self.inner.create_dir(path)
    }

    fn create_private_dir(&self, path: &Path) -> Result<bool> {
        self.counter.check("mkdir", path)?;
        self.inner.create_private_dir(path)
    }

    fn sync_dir(&self, path: &Path) -> Result<()> {
        self.counter.check("fsync", path)?;
        self.inner.sync_dir(path)
    }

    fn sync_all(&self) -> Result<()> {
        self.counter.check("syncfs", Path::new(""))?;
        self.inner.sync_all()
    }

    fn list(&self, path: &Path) -> Result<Vec<DirEntry>> {
        self.counter.check("list", path)?;
        self.inner.list(path)
    }

    fn lock(&self, path: &Path, mode: LockMode) -> Result<Box<dyn HeldLock>> {
        self.counter.check("lock", path)?;
        self.inner.lock(path, mode)
    }
}

/// A file whose writes and syncs are counted.
struct FaultFile {
    inner: Box<dyn WriteFile>,
    counter: Arc<Counter>,
    path: std::path::PathBuf,
}

impl fmt::Debug for FaultFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FaultFile").field(&self.path).finish()
    }
}

impl io::Write for FaultFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut half = false;
        self.counter.next(Some(&mut half)).map_err(|e| at_path(&self.path, e))?;
        let n = if half { bytes.len().div_ceil(2) } else { bytes.len() };
        self.inner.write(&bytes[..n])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl WriteFile for FaultFile {
    fn sync(&mut self) -> Result<()> {
        self.counter.check("fsync", &self.path)?;
        self.inner.sync()
    }

    fn seal(&mut self) -> Result<()> {
        self.counter.check("chmod", &self.path)?;
        self.inner.seal()
    }
}

/// A file whose reads are counted.
#[derive(Debug)]
struct FaultReader {
    inner: Arc<dyn ReadAt>,
    counter: Arc<Counter>,
    path: std::path::PathBuf,
}

impl ReadAt for FaultReader {
    fn len(&self) -> u64 {
        self.inner.len()
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        self.counter.check("read", &self.path)?;
        self.inner.read_at(offset, out)
    }
}

/// A nameless file whose reads and writes are counted.
#[derive(Debug)]
struct FaultScratch {
    inner: Box<dyn ScratchFile>,
    counter: Arc<Counter>,
    path: std::path::PathBuf,
}

impl ScratchFile for FaultScratch {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<()> {
        self.counter.check("write", &self.path)?;
        self.inner.write_at(offset, bytes)
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        self.counter.check("read", &self.path)?;
        self.inner.read_at(offset, out)
    }

    fn forget(&mut self, offset: u64, length: u64) {
        self.inner.forget(offset, length);
    }
}
