//! Where encoded blocks wait for the file they go into: in memory up to a limit, behind it in one scratch file.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{Error, Result};
use crate::partition::run::corrupt;
use crate::partition::scratch::Scratch;
use crate::storage::{ReadAt, WriteFile};

/// Where a block's bytes are.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Memory(Vec<u8>),
    File { offset: u64, length: usize },
}

/// The limit and the file.
#[derive(Debug)]
pub(crate) struct Spill {
    scratch: Scratch,
    limit: usize,
    used: AtomicUsize,
    file: Mutex<Option<SpillFile>>,
    written: AtomicU64,
}

#[derive(Debug)]
struct SpillFile {
    path: PathBuf,
    file: Box<dyn WriteFile>,
    /// The file as it was when it was last opened for reading: it may have grown since.
    reader: Option<Arc<dyn ReadAt>>,
}

impl Spill {
    pub(crate) fn new(scratch: Scratch, limit: usize) -> Self {
        Self { scratch, limit, used: AtomicUsize::new(0), file: Mutex::new(None), written: AtomicU64::new(0) }
    }

    /// Keeps a block's bytes.
    pub(crate) fn keep(&self, mut bytes: Vec<u8>) -> Result<Place> {
        let length = bytes.len();
        if self.used.fetch_add(length, Ordering::Relaxed) + length <= self.limit {
            bytes.shrink_to_fit();
            return Ok(Place::Memory(bytes));
        }
        self.used.fetch_sub(length, Ordering::Relaxed);
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if file.is_none() {
            let (path, made) = self.scratch.create()?;
            *file = Some(SpillFile { path, file: made, reader: None });
        }
        let Some(SpillFile { path, file, .. }) = file.as_mut() else { return Err(corrupt("no scratch file")) };
        file.write_all(&bytes).map_err(|e| Error::io("write", &*path, e))?;
        let offset = self.written.fetch_add(length as u64, Ordering::Relaxed);
        Ok(Place::File { offset, length })
    }

    /// A block that is not needed any more.
    pub(crate) fn forget(&self, place: &Place) {
        if let Place::Memory(bytes) = place {
            self.used.fetch_sub(bytes.len(), Ordering::Relaxed);
        }
    }

    /// Bytes in the scratch file.
    pub(crate) fn file_bytes(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// A block's bytes, read into `buffer` if they are in the file. The caller checks them against their checksums.
    pub(crate) fn read<'a>(&self, place: &'a Place, buffer: &'a mut Vec<u8>) -> Result<&'a [u8]> {
        match place {
            Place::Memory(bytes) => Ok(bytes),
            Place::File { offset, length } => {
                let reader = self.reader(offset + *length as u64)?;
                buffer.clear();
                buffer.resize(*length, 0);
                reader.read_at(*offset, buffer)?;
                Ok(buffer)
            }
        }
    }

    /// The file, with at least so many bytes.
    fn reader(&self, bytes: u64) -> Result<Arc<dyn ReadAt>> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(SpillFile { path, reader, .. }) = file.as_mut() else { return Err(corrupt("no scratch file")) };
        if let Some(reader) = reader.as_ref().filter(|reader| reader.len() >= bytes) {
            return Ok(Arc::clone(reader));
        }
        let opened = self.scratch.open(path)?;
        *reader = Some(Arc::clone(&opened));
        Ok(opened)
    }
}

impl Drop for Spill {
    fn drop(&mut self) {
        let file = self.file.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = file.take() {
            // What stays behind is cleaned with the staging folder.
            let _ = self.scratch.remove(&file.path);
        }
    }
}
