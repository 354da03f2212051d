//! One error type that carries facts: what failed, where, what was expected, what was found and what to do.
//!
//! Every module returns [`Result`]. Text is made only in [`fmt::Display`]; the facts stay typed, so that the binary can
//! map an error to its exit code ([`Error::exit_code`], the table of the README) and print it as JSON.
//! Bytes that came from outside are printed through [`Escaped`], so that no input can drive a terminal.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// The result of everything that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error with its facts, one pointer wide.
#[derive(Debug)]
pub struct Error(Box<ErrorKind>);

const _: () = assert!(size_of::<Error>() == size_of::<usize>());

/// What went wrong, in the terms a caller can act on.
#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The command line or a configuration file asks for something that cannot be done. Exit code 2.
    Usage {
        /// What is wrong.
        what: String,
        /// What to do instead.
        advice: String,
    },
    /// An input cannot be read or is refused. Exit code 3.
    Input(Box<InputFault>),
    /// A store file does not hold what its format or its ledger says. Exit code 4 (1 where one partition fails alone).
    Damage(Box<Damage>),
    /// The operating system refused an operation. Exit code 5.
    Io {
        /// The operation, as a verb: `open`, `fsync`.
        op: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process holds the lock. Exit code 6.
    Locked {
        /// What is locked.
        what: String,
        /// The holder, where known.
        pid: Option<u32>,
    },
    /// The data was read well and found wanting: rejects over the limit, partitions failed. Exit code 1.
    Findings {
        /// What was found, with its counts.
        what: String,
    },
    /// SIGINT or SIGTERM. Exit code 130 or 143.
    Interrupted {
        /// The signal number.
        signal: i32,
    },
}

/// Where an input failed, as far as it is known.
#[derive(Debug, Default)]
pub struct InputFault {
    /// The input, `-` for standard input.
    pub path: PathBuf,
    /// Line, from 1.
    pub line: Option<u64>,
    /// Offset of the record in the decompressed bytes, from 0.
    pub byte_offset: Option<u64>,
    /// Column name.
    pub column: Option<String>,
    /// What was expected.
    pub expected: String,
    /// What was found, raw.
    pub got: Vec<u8>,
    /// What to do.
    pub advice: String,
}

/// What is wrong with a store file, and where.
#[derive(Debug, Default)]
pub struct Damage {
    /// The file, relative to the store where possible.
    pub path: PathBuf,
    /// The number of the rule of `format-spec/` that is broken, such as `R-17`.
    pub rule: &'static str,
    /// The block, counted through the file, if one is at fault.
    pub block: Option<u64>,
    /// Byte offset in the file.
    pub byte_offset: Option<u64>,
    /// What the rule asks for.
    pub expected: String,
    /// What is there.
    pub got: String,
}

/// A system's error with its file: what goes through [`std::io::Write`] carries nothing else.
#[derive(Debug)]
struct AtPath {
    path: PathBuf,
    source: io::Error,
}

impl fmt::Display for AtPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", EscapedPath(&self.path), self.source)
    }
}

impl std::error::Error for AtPath {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// Adds the file to an error of a write, for the [`Error::io`] that it ends in, however many writers lie between.
pub(crate) fn at_path(path: &Path, source: io::Error) -> io::Error {
    io::Error::new(source.kind(), AtPath { path: path.to_owned(), source })
}

impl Error {
    /// Wraps a kind.
    #[must_use]
    pub fn new(kind: ErrorKind) -> Self {
        Self(Box::new(kind))
    }

    /// A usage error with advice.
    #[must_use]
    pub fn usage(what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage { what: what.into(), advice: advice.into() })
    }

    /// An operating-system error with the operation and the path; the error of a write that names its own file keeps that name.
    #[must_use]
    pub fn io(op: &'static str, path: impl AsRef<Path>, source: io::Error) -> Self {
        let (path, source) = match source.downcast::<AtPath>() {
            Ok(AtPath { path, source }) => (path, source),
            Err(source) => (path.as_ref().to_owned(), source),
        };
        Self::new(ErrorKind::Io { op, path, source })
    }

    /// An input that cannot be read or is refused.
    #[must_use]
    pub fn input(fault: InputFault) -> Self {
        Self::new(ErrorKind::Input(Box::new(fault)))
    }

    /// A refused input that needs no position.
    #[must_use]
    pub fn refused(path: impl AsRef<Path>, expected: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::input(InputFault {
            path: path.as_ref().to_owned(),
            expected: expected.into(),
            advice: advice.into(),
            ..InputFault::default()
        })
    }

    /// A broken format rule; the reader adds the path with [`Error::in_file`].
    #[must_use]
    pub fn damage(rule: &'static str, expected: impl Into<String>, got: impl Into<String>) -> Self {
        Self::new(ErrorKind::Damage(Box::new(Damage {
            rule,
            expected: expected.into(),
            got: got.into(),
            ..Damage::default()
        })))
    }

    /// Adds the file to a damage or input error that does not name one yet.
    #[must_use]
    pub fn in_file(mut self, path: impl AsRef<Path>) -> Self {
        match &mut *self.0 {
            ErrorKind::Damage(d) if d.path.as_os_str().is_empty() => path.as_ref().clone_into(&mut d.path),
            ErrorKind::Input(f) if f.path.as_os_str().is_empty() => path.as_ref().clone_into(&mut f.path),
            _ => {}
        }
        self
    }

    /// Adds the block and its offset to a damage error.
    #[must_use]
    pub fn at_block(mut self, block: u64, byte_offset: u64) -> Self {
        if let ErrorKind::Damage(d) = &mut *self.0 {
            d.block.get_or_insert(block);
            d.byte_offset.get_or_insert(byte_offset);
        }
        self
    }

    /// The facts.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.0
    }

    /// The facts, owned.
    #[must_use]
    pub fn into_kind(self) -> ErrorKind {
        *self.0
    }

    /// The exit code of the binary for this error.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match &*self.0 {
            ErrorKind::Findings { .. } => 1,
            ErrorKind::Usage { .. } => 2,
            ErrorKind::Input(_) => 3,
            ErrorKind::Damage(_) => 4,
            ErrorKind::Io { .. } => 5,
            ErrorKind::Locked { .. } => 6,
            ErrorKind::Interrupted { signal } => u8::try_from(128 + signal).unwrap_or(130),
        }
    }

    /// True when the system said that the file or folder does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(&*self.0, ErrorKind::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }

    /// True for a write to a closed pipe, which is not an error of ours.
    #[must_use]
    pub fn is_broken_pipe(&self) -> bool {
        matches!(&*self.0, ErrorKind::Io { source, .. } if source.kind() == io::ErrorKind::BrokenPipe)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            ErrorKind::Usage { what, advice } => {
                write!(f, "{}; {}", Escaped(what.as_bytes()), Escaped(advice.as_bytes()))
            }
            ErrorKind::Input(fault) => fault.fmt(f),
            ErrorKind::Damage(damage) => damage.fmt(f),
            ErrorKind::Io { op, path, source } => {
                write!(f, "{op} {}: {}", EscapedPath(path), Escaped(source.to_string().as_bytes()))?;
                // EMFILE: the one refusal that a user mends with a limit of the shell.
                if source.raw_os_error() == Some(rustix::io::Errno::MFILE.raw_os_error()) {
                    f.write_str("; allow the process more open files (ulimit -n)")?;
                }
                Ok(())
            }
            ErrorKind::Locked { what, pid: Some(pid) } => write!(f, "{what}: locked by pid {pid}; wait or use --wait"),
            ErrorKind::Locked { what, pid: None } => {
                write!(f, "{what}: locked by another process; wait or use --wait")
            }
            ErrorKind::Findings { what } => write!(f, "{}", Escaped(what.as_bytes())),
            ErrorKind::Interrupted { signal } => {
                write!(
                    f,
                    "interrupted by signal {signal}; the store is as before or as after, partition by partition; run the same command again to go on"
                )
            }
        }
    }
}

impl fmt::Display for InputFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", EscapedPath(&self.path))?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        if let Some(offset) = self.byte_offset {
            write!(f, ", byte {offset}")?;
        }
        if let Some(column) = &self.column {
            write!(f, ", column `{}`", Escaped(column.as_bytes()))?;
        }
        write!(f, ": expected {}", Escaped(self.expected.as_bytes()))?;
        if !self.got.is_empty() {
            let cut = &self.got[..self.got.len().min(200)];
            write!(f, ", got `{}`", Escaped(cut))?;
        }
        if !self.advice.is_empty() {
            write!(f, "; {}", Escaped(self.advice.as_bytes()))?;
        }
        Ok(())
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: damaged ({})", EscapedPath(&self.path), self.rule)?;
        if let Some(block) = self.block {
            write!(f, ", block {block}")?;
        }
        if let Some(offset) = self.byte_offset {
            write!(f, ", byte {offset}")?;
        }
        write!(f, ": expected {}, got {}", Escaped(self.expected.as_bytes()), Escaped(self.got.as_bytes()))
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &*self.0 {
            ErrorKind::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// Bytes from outside, printed so that no control character, escape sequence or newline reaches the terminal.
pub struct Escaped<'a>(pub &'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for c in chunk.valid().chars() {
                if c.is_control() || is_direction_mark(c) {
                    write!(f, "\\u{{{:x}}}", u32::from(c))?;
                } else {
                    fmt::Write::write_char(f, c)?;
                }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02X}")?;
            }
        }
        Ok(())
    }
}

/// Characters that reorder or hide the text around them.
fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// A path, printed like [`Escaped`].
pub struct EscapedPath<'a>(pub &'a Path);

impl fmt::Display for EscapedPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Escaped(self.0.as_os_str().as_encoded_bytes()).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_bytes_are_escaped() {
        let text = Escaped(b"a\x1b[31m\n\xff\xe2\x80\xae").to_string();
        assert_eq!(text, "a\\u{1b}[31m\\u{a}\\xFF\\u{202e}");
    }

    #[test]
    fn exit_codes_follow_the_contract() {
        assert_eq!(Error::usage("a", "b").exit_code(), 2);
        assert_eq!(Error::refused("f", "x", "y").exit_code(), 3);
        assert_eq!(Error::damage("R-1", "x", "y").exit_code(), 4);
        assert_eq!(Error::io("open", "f", io::Error::other("x")).exit_code(), 5);
        assert_eq!(Error::new(ErrorKind::Locked { what: "s".into(), pid: None }).exit_code(), 6);
        assert_eq!(Error::new(ErrorKind::Interrupted { signal: 15 }).exit_code(), 143);
        assert_eq!(Error::new(ErrorKind::Findings { what: "x".into() }).exit_code(), 1);
    }
}
