//! Nothing is kept (`--output null`), but for the states that the next dates need: they go to nameless files.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use super::destination::{Destination, Publishable};
use super::plan::{Before, Task};
use crate::error::{Error, Result};
use crate::read::TableReader;
use crate::sink::Stage;
use crate::storage::{ReadAt, ScratchFile};
use crate::store::Store;

/// The destination of `--output null`; scratch files go to the store that is read.
#[derive(Debug)]
pub(super) struct Nowhere(pub(super) Store);

/// A file without a name, gone when nobody has it open.
#[derive(Clone, Debug)]
pub(super) struct Nameless {
    file: Arc<Mutex<Box<dyn ScratchFile>>>,
    length: u64,
}

impl Write for Nameless {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_at(self.length, bytes).map_err(io::Error::other)?;
        self.length += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl ReadAt for Nameless {
    fn len(&self) -> u64 {
        self.length
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        if offset.checked_add(out.len() as u64).is_none_or(|end| end > self.length) {
            return Err(Error::io("read", "scratch", io::ErrorKind::UnexpectedEof.into()));
        }
        self.file.lock().unwrap_or_else(PoisonError::into_inner).read_at(offset, out)
    }
}

impl Stage for Nowhere {
    type File = Nameless;

    fn create(&self) -> Result<Nameless> {
        Ok(Nameless { file: Arc::new(Mutex::new(self.0.scratch()?)), length: 0 })
    }

    fn scratch(&self) -> Result<Box<dyn ScratchFile>> {
        self.0.scratch()
    }

    fn reopen(&self, file: &Nameless) -> Result<Arc<dyn ReadAt>> {
        Ok(Arc::new(file.clone()))
    }

    fn discard(&self, _file: Nameless) -> Result<()> {
        Ok(())
    }
}

impl Destination for Nowhere {
    fn generation(&self, _task: &Task) -> Result<u32> {
        Ok(1)
    }

    fn state(&self, _of: &Before) -> Result<Option<TableReader>> {
        Ok(None)
    }

    fn publish(&self, _batch: Vec<Publishable<Nameless>>) -> Result<()> {
        Ok(())
    }

    fn finish(self) -> Result<()> {
        Ok(())
    }
}
