//! SIGBUS as a message and exit code 5: what is left of "a mapped file was cut, or its disk failed, while it was read".

use std::io;

use signal_hook::consts::SIGBUS;

/// What the handler says; fixed, because a handler may neither allocate nor format.
const MESSAGE: &[u8] =
    b"hftcol: a mapped file was cut or its disk failed while it was read (SIGBUS); verify the store, or read with --io pread\n";

/// Installs the handler. For the binary's `main`, once; a library does not take signals from its host.
///
/// # Errors
/// What `sigaction` says.
#[allow(unsafe_code, reason = "a signal handler must be async-signal-safe, which the language cannot check")]
pub fn guard_sigbus() -> io::Result<()> {
    // SAFETY: the handler makes two system calls, write(2) and _exit(2), on constant data: both are async-signal-safe, and it
    // never returns to the faulting instruction.
    unsafe { signal_hook::low_level::register(SIGBUS, say_and_exit) }.map(drop)
}

fn say_and_exit() {
    let _ = rustix::io::write(rustix::stdio::stderr(), MESSAGE);
    signal_hook::low_level::exit(5);
}
