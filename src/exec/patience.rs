//! `--wait`: a lock that another process holds is asked for again until it is free.

use std::time::Duration;

use super::Interrupt;
use crate::error::{ErrorKind, Result};

/// Time between two attempts.
const PAUSE: Duration = Duration::from_millis(50);

/// Takes a lock; if `wait` is set, as often as it is held by another. A signal ends the waiting.
///
/// # Errors
/// What `take` returns; `Interrupted`.
pub fn patiently<T>(wait: bool, interrupt: &Interrupt, mut take: impl FnMut() -> Result<T>) -> Result<T> {
    loop {
        match take() {
            Err(error) if wait && matches!(error.kind(), ErrorKind::Locked { .. }) => {
                interrupt.check()?;
                std::thread::sleep(PAUSE);
            }
            outcome => return outcome,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    fn locked() -> Error {
        Error::new(ErrorKind::Locked { what: "the store".to_owned(), pid: None })
    }

    #[test]
    fn it_asks_until_the_lock_is_free_or_a_signal_comes() {
        let interrupt = Interrupt::default();
        let mut left = 3;
        let got = patiently(true, &interrupt, || {
            left -= 1;
            if left > 0 { Err(locked()) } else { Ok(left) }
        });
        assert_eq!(got.unwrap(), 0);
        assert_eq!(patiently(false, &interrupt, || Err::<(), _>(locked())).unwrap_err().exit_code(), 6);
        interrupt.raise(2);
        assert_eq!(patiently(true, &interrupt, || Err::<(), _>(locked())).unwrap_err().exit_code(), 130);
    }
}
