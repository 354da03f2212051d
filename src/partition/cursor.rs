//! A cursor over the rows of one section, in memory or in a file.

use super::buffer::RunBuffer;
use super::columnar::RowFeed;
use super::row::{self, RowHead};
use super::run::{FrameReader, Run, corrupt};
use super::section::Section;
use crate::error::Result;

/// Where the rows come from.
#[derive(Debug)]
enum Feed<'r> {
    Memory { buffer: &'r RunBuffer, next: u64, end: u64 },
    File { reader: FrameReader, next: usize },
    Columns { feed: Box<RowFeed<'r>>, next: usize },
}

/// Walks the rows of a section in order.
#[derive(Debug)]
pub(crate) struct Cursor<'r> {
    feed: Feed<'r>,
    sequenced: bool,
    /// Offset of the current row in the feed's bytes; for memory its number.
    current: u64,
}

impl<'r> Cursor<'r> {
    pub(crate) fn new(run: &'r Run, section: &Section, sequenced: bool) -> Self {
        let feed = match run {
            Run::Memory(buffer) => Feed::Memory { buffer, next: section.start, end: section.end },
            Run::Columns(columns) => Feed::Columns { feed: Box::new(RowFeed::new(columns, section)), next: 0 },
            Run::File(file) => Feed::File { reader: file.rows(section.start, section.end), next: 0 },
        };
        Self { feed, sequenced, current: 0 }
    }

    /// Moves to the next row and decodes its head; `None` at the end.
    pub(crate) fn advance(&mut self) -> Result<Option<RowHead>> {
        match &mut self.feed {
            Feed::Memory { next, end, .. } => {
                if *next >= *end {
                    return Ok(None);
                }
                self.current = *next;
                *next += 1;
            }
            Feed::File { reader, next } => {
                if *next >= reader.frame().1 {
                    if !reader.next_frame()? {
                        return Ok(None);
                    }
                    *next = 0;
                }
                self.current = *next as u64;
            }
            Feed::Columns { feed, next } => {
                if *next >= feed.frame().1 {
                    if !feed.next_block()? {
                        return Ok(None);
                    }
                    *next = 0;
                }
                self.current = *next as u64;
            }
        }
        let head = row::head(self.bytes(), self.sequenced).ok_or_else(|| corrupt("a row that cannot be read"))?;
        if let Feed::File { next, .. } | Feed::Columns { next, .. } = &mut self.feed {
            *next += head.end;
        }
        Ok(Some(head))
    }

    /// The bytes from the current row on; they go on behind it.
    pub(crate) fn bytes(&self) -> &[u8] {
        match &self.feed {
            Feed::Memory { buffer, .. } => buffer.row(self.current).unwrap_or(&[]),
            Feed::Columns { feed, .. } => feed.frame().0.get(self.current as usize..).unwrap_or(&[]),
            Feed::File { reader, .. } => reader.frame().0.get(self.current as usize..).unwrap_or(&[]),
        }
    }
}
