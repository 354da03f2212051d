//! A section that was sorted by its sequence numbers, sorted again without them.
//!
//! Needed where a part of a table's rows has no sequence number, which is known only when all rows are in (B5).

use super::buffer::RunBuffer;
use super::cursor::Cursor;
use super::merge::Part;
use super::run::{Run, corrupt};
use super::scratch::Scratch;
use super::section::{Section, SectionId};
use crate::error::Result;

/// Sorts the rows of a part by clock and source position; within `bytes` of memory.
///
/// # Errors
/// `Io`, `Damage` of a scratch file.
pub fn resort(part: &Part<'_>, bytes: usize, scratch: &Scratch) -> Result<Vec<Run>> {
    let id = SectionId { sequenced: false, ..part.section.id.clone() };
    let mut runs = Vec::new();
    let mut buffer = RunBuffer::new(bytes, false);
    let mut cursor = Cursor::new(part.run, &part.section, true);
    while let Some(head) = cursor.advance()? {
        let row = cursor.bytes().get(..head.end).ok_or_else(|| corrupt("a row that does not end"))?;
        let full = buffer.push_encoded(&id, head.order.clock, row);
        if full.ok_or_else(|| corrupt("a run buffer over 4 GiB"))? {
            runs.push(Run::spill(&mut buffer, scratch)?);
        }
    }
    // Other parts may have to be sorted as well, so none of them stays in memory.
    if !buffer.is_empty() {
        runs.push(Run::spill(&mut buffer, scratch)?);
    }
    Ok(runs)
}

/// The one section of each of the runs that [`resort`] made, as parts in place of the old one.
///
/// # Errors
/// `Io`, `Damage` of a scratch file.
pub fn parts_of<'r>(runs: &'r [Run], like: &Part<'_>) -> Result<Vec<Part<'r>>> {
    let mut stream = super::sections::SectionStream::new(runs)?;
    let mut parts = Vec::new();
    while let Some(found) = stream.next()? {
        for (run, section) in found {
            let section = Section { facts: Vec::new(), ..section };
            parts.push(Part { run: &runs[run], section, origin: like.origin });
        }
    }
    Ok(parts)
}
