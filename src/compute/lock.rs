//! `--wait`: a lock that another process holds is asked for again until it is free.

use std::time::Duration;

use super::options::ComputeOptions;
use crate::error::{ErrorKind, Result};

/// Time between two attempts.
const PAUSE: Duration = Duration::from_millis(50);

/// Takes a lock; with `--wait`, as often as it is held by another.
pub(super) fn patiently<T>(options: &ComputeOptions, mut take: impl FnMut() -> Result<T>) -> Result<T> {
    loop {
        match take() {
            Err(error) if options.wait && matches!(error.kind(), ErrorKind::Locked { .. }) => {
                options.interrupt.check()?;
                std::thread::sleep(PAUSE);
            }
            outcome => return outcome,
        }
    }
}
