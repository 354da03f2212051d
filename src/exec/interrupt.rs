//! The flag that a signal handler sets and workers look at between jobs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::{Error, ErrorKind, Result};

/// A shared flag: 0, or the number of the signal that asked us to stop. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicUsize>);

impl Interrupt {
    /// The shared number, for a signal handler to set.
    #[must_use]
    pub fn flag(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.0)
    }

    /// Asks everyone who shares the flag to stop.
    pub fn raise(&self, signal: i32) {
        self.0.store(usize::try_from(signal).unwrap_or(2), Ordering::Relaxed);
    }

    /// The signal, if there was one.
    #[must_use]
    pub fn signal(&self) -> Option<i32> {
        i32::try_from(self.0.load(Ordering::Relaxed)).ok().filter(|s| *s != 0)
    }

    /// Returns early once a signal came.
    ///
    /// # Errors
    /// `Interrupted`.
    pub fn check(&self) -> Result<()> {
        match self.signal() {
            Some(signal) => Err(Error::new(ErrorKind::Interrupted { signal })),
            None => Ok(()),
        }
    }
}
