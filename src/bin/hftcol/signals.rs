//! SIGINT and SIGTERM: the first asks the run to stop cleanly, the second ends the program at once. SIGXFSZ becomes an error.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use hftcol::error::{Error, Result};
use hftcol::exec::Interrupt;
use rustix::process::Signal;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// A write beyond the limit of the file size (`ulimit -f`) fails from now on, as every other write may, and does not kill the program.
///
/// # Errors
/// What `sigaction` says.
pub(crate) fn outlast_file_limit() -> io::Result<()> {
    flag::register(Signal::XFSZ.as_raw(), Arc::default()).map(drop)
}

/// Registers the handlers and returns the flag they set.
///
/// # Errors
/// `Io` if the system refuses a handler.
pub(crate) fn interrupt() -> Result<Interrupt> {
    let interrupt = Interrupt::default();
    let came_before = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        let fail = |e| Error::io("register", "a signal handler", e);
        let number = usize::try_from(signal).unwrap_or(2);
        // Handlers run in this order: a second signal finds the flag set and exits; the store stands any kill.
        flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&came_before)).map_err(fail)?;
        flag::register(signal, Arc::clone(&came_before)).map_err(fail)?;
        flag::register_usize(signal, interrupt.flag(), number).map_err(fail)?;
    }
    Ok(interrupt)
}
