//! The k-way merge of the sections of one table: its rows in the total order, each once.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::cursor::Cursor;
use super::row::{RowHead, RowOrder};
use super::run::{Run, corrupt};
use super::section::Section;
use crate::error::Result;

/// Whose source ordinals the rows of a section carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The partition's: the rows were stored before.
    Stored,
    /// The import's: they are mapped to the partition's, or dropped.
    New,
}

/// A section of a run that takes part in a merge.
#[derive(Clone, Debug)]
pub struct Part<'r> {
    /// The run.
    pub run: &'r Run,
    /// Its section.
    pub section: Section,
    /// Whose ordinals its rows carry.
    pub origin: Origin,
}

/// A row of the merge.
#[derive(Debug)]
pub struct MergedRow<'m> {
    /// The row's bytes; they go on behind it.
    pub(crate) bytes: &'m [u8],
    /// Its head, the source being the partition's ordinal.
    pub(crate) head: RowHead,
    /// The ordinal of the source in the import, for rows that are new.
    pub source: Option<u32>,
}

impl MergedRow<'_> {
    /// The clock of the row.
    #[must_use]
    pub fn clock(&self) -> i64 {
        self.head.order.clock
    }

    /// The record of the row in its source.
    #[must_use]
    pub fn record(&self) -> u64 {
        self.head.order.record
    }

    /// True if the row has the content that [`MergedRow::content_into`] took of another.
    #[must_use]
    pub fn same_content(&self, other: &[u8]) -> bool {
        other.first() == Some(&self.head.flags) && other.get(1..) == self.content()
    }

    /// Takes all of the row but its clock and its source position.
    pub fn content_into(&self, out: &mut Vec<u8>) {
        out.clear();
        out.push(self.head.flags);
        out.extend_from_slice(self.content().unwrap_or(&[]));
    }

    fn content(&self) -> Option<&[u8]> {
        self.bytes.get(self.head.content..self.head.end)
    }
}

/// Merges sections.
#[derive(Debug)]
pub struct Merge<'r> {
    cursors: Vec<Lane<'r>>,
    heap: BinaryHeap<Reverse<(RowOrder, usize)>>,
    ordinals: &'r [Option<u32>],
    current: Option<usize>,
}

#[derive(Debug)]
struct Lane<'r> {
    cursor: Cursor<'r>,
    origin: Origin,
    head: Option<RowHead>,
    source: Option<u32>,
}

impl<'r> Merge<'r> {
    /// Merges `parts`, whose sections are all sorted by the rule `sequenced`. `ordinals[s]` is the ordinal in the
    /// partition of the import's source `s`, or `None` if its rows are to be left out.
    ///
    /// # Errors
    /// `Io`, `Damage` of a scratch file.
    pub fn new(parts: Vec<Part<'r>>, sequenced: bool, ordinals: &'r [Option<u32>]) -> Result<Self> {
        let mut merge = Self { cursors: Vec::new(), heap: BinaryHeap::new(), ordinals, current: None };
        for part in parts {
            if part.section.id.sequenced != sequenced {
                return Err(corrupt("sections of two orders in one merge"));
            }
            let cursor = Cursor::new(part.run, &part.section, sequenced);
            let mut lane = Lane { cursor, origin: part.origin, head: None, source: None };
            if lane.advance(ordinals)? {
                let number = merge.cursors.len();
                merge.heap.extend(lane.head.map(|head| Reverse((head.order, number))));
                merge.cursors.push(lane);
            }
        }
        Ok(merge)
    }

    /// The next row.
    ///
    /// # Errors
    /// `Io`, `Damage` of a scratch file.
    #[expect(clippy::should_implement_trait, reason = "the row borrows from the merge, which no Iterator allows")]
    pub fn next(&mut self) -> Result<Option<MergedRow<'_>>> {
        if let Some(number) = self.current.take() {
            let lane = &mut self.cursors[number];
            if lane.advance(self.ordinals)? {
                let order = lane.head.map(|head| head.order);
                // Runs of rows from one lane are the rule: they never touch the heap.
                if self.heap.peek().is_none_or(|Reverse((next, _))| order <= Some(*next)) {
                    self.current = Some(number);
                } else {
                    self.heap.extend(order.map(|order| Reverse((order, number))));
                }
            }
        }
        if self.current.is_none() {
            self.current = self.heap.pop().map(|Reverse((_, number))| number);
        }
        let Some(lane) = self.current.and_then(|number| self.cursors.get(number)) else { return Ok(None) };
        let Some(head) = lane.head else { return Ok(None) };
        Ok(Some(MergedRow { bytes: lane.cursor.bytes(), head, source: lane.source }))
    }
}

impl Lane<'_> {
    /// Moves to the next row that is kept; false at the end.
    fn advance(&mut self, ordinals: &[Option<u32>]) -> Result<bool> {
        loop {
            let Some(mut head) = self.cursor.advance()? else {
                self.head = None;
                return Ok(false);
            };
            self.source = None;
            if self.origin == Origin::New {
                let source = head.order.source;
                let Some(ordinal) = ordinals.get(source as usize).copied().flatten() else { continue };
                head.order.source = ordinal;
                self.source = Some(source);
            }
            self.head = Some(head);
            return Ok(true);
        }
    }
}
