//! The first line of a delimited file: its delimiter and its column names.

use std::path::Path;

use crate::error::{Error, Result};
use crate::parse::csv::{Splitter, detect_delimiter};

/// A header line and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// The delimiter.
    pub delimiter: u8,
    /// The line as it stands, without its end: to find it again further down.
    pub line: Vec<u8>,
    /// Column names, without quotes and blanks around them.
    pub names: Vec<String>,
}

/// The first line of a head that is not blank.
pub(super) fn first_line(head: &[u8]) -> Option<&[u8]> {
    lines(head).find(|line| !is_blank(line))
}

/// Lines of a head without their ends; the last one may be cut.
pub(super) fn lines(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    head.split(|b| *b == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

/// The whole lines of a head: one that is cut at the head's end is left out unless the head is the whole input.
pub(super) fn whole(head: &[u8]) -> &[u8] {
    if head.len() < crate::input::HEAD_BYTES { head } else { &head[..last_newline(head)] }
}

/// The whole lines of a head, without their ends.
pub(super) fn whole_lines(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    lines(whole(head))
}

fn last_newline(head: &[u8]) -> usize {
    memchr::memrchr(b'\n', head).map_or(head.len(), |at| at + 1)
}

/// True for a line of blanks or nothing.
pub(super) fn is_blank(line: &[u8]) -> bool {
    line.iter().all(|b| matches!(b, b' ' | b'\t' | b'\r'))
}

/// Reads the header; `None` if the head has no line, or its first line is not text.
pub(super) fn read(head: &[u8]) -> Option<Header> {
    read_with(head, detect_delimiter(first_line(head)?))
}

/// As [`read`], with a delimiter that is known.
pub(super) fn read_with(head: &[u8], delimiter: u8) -> Option<Header> {
    let line = first_line(head)?;
    let mut names = None;
    Splitter::new(delimiter, false).split(line, |record| {
        let fields = record.fields.filter(|_| record.index == 0);
        names = fields.and_then(|f| {
            (0..f.len()).map(|i| std::str::from_utf8(f.get(i)).ok().map(|n| n.trim().to_owned())).collect()
        });
    });
    Some(Header { delimiter, line: line.to_vec(), names: names? })
}

/// As [`read`], for a dialect that needs the header.
///
/// # Errors
/// `Input` if there is none.
pub(super) fn need(path: &Path, head: &[u8]) -> Result<Header> {
    read(head).ok_or_else(|| Error::refused(path, "a header line", "give the file as the vendor writes it"))
}

impl Header {
    /// The position of a column, by its exact name.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|n| n == name)
    }
}
