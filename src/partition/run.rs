//! A run: sorted sections, in memory or in scratch files.
//!
//! A run in files is two of them: the rows, section after section, and the index, one entry a section. Both are
//! sequences of frames `length u32 | crc32c u32 | bytes`; a frame holds whole rows of one section, or whole entries.
//! The files live as long as the [`RunFile`] and never longer than the run of the program that made them.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use super::buffer::RunBuffer;
use super::columnar::ColumnRun;
use super::merge::{Merge, Origin, Part};
use super::scratch::Scratch;
use super::section::{Section, SectionId};
use super::sections::SectionStream;
use crate::error::{Error, Result};
use crate::storage::{ReadAt, WriteFile};

/// A frame is closed when it holds this many bytes: what a merge holds in memory of each run.
const FRAME_BYTES: usize = 64 << 10;
const FRAME_HEAD: usize = 8;
/// Closed frames are written when they have this many bytes.
const WRITE_BYTES: usize = 2 * FRAME_BYTES;
/// Bytes behind a frame, so that decoding can always read whole words.
const FRAME_SLACK: usize = 8;

/// A row or entry that its own program wrote and cannot read.
pub(crate) fn corrupt(what: &str) -> Error {
    Error::damage("scratch", "what this run wrote", what)
}

/// Sorted sections.
#[derive(Debug)]
pub enum Run {
    /// A sorted buffer.
    Memory(RunBuffer),
    /// Scratch files.
    File(RunFile),
    /// Encoded blocks.
    Columns(ColumnRun),
}

/// A run in scratch files, removed when it is dropped.
#[derive(Debug)]
pub struct RunFile {
    rows: PathBuf,
    index: PathBuf,
    rows_file: Arc<dyn ReadAt>,
    scratch: Scratch,
    bytes: u64,
}

impl Run {
    /// Sorts a buffer and writes it; the buffer is empty afterwards.
    ///
    /// # Errors
    /// `Io`.
    pub fn spill(buffer: &mut RunBuffer, scratch: &Scratch) -> Result<Self> {
        buffer.sort();
        let mut writer = RunWriter::new(scratch)?;
        for section in buffer.sections() {
            for bytes in buffer.section_rows(section.start..section.end) {
                writer.row(bytes.ok_or_else(|| corrupt("a row that does not end"))?)?;
            }
            writer.end_section(section.id.clone(), section.facts.clone())?;
        }
        buffer.clear();
        writer.finish()
    }

    /// Sorts a buffer and keeps it as a run in memory.
    #[must_use]
    pub fn keep(mut buffer: RunBuffer) -> Self {
        buffer.sort();
        Self::Memory(buffer)
    }

    /// Rows that are encoded already: those that came in order.
    #[must_use]
    pub fn encoded_rows(&self) -> u64 {
        match self {
            Self::Columns(columns) => {
                columns.sections().iter().flat_map(|section| &section.facts).map(|(_, facts)| facts.rows).sum()
            }
            Self::Memory(_) | Self::File(_) => 0,
        }
    }

    /// Bytes in scratch files.
    #[must_use]
    pub fn file_bytes(&self) -> u64 {
        match self {
            Self::Memory(_) => 0,
            Self::File(file) => file.bytes,
            Self::Columns(columns) => columns.file_bytes(),
        }
    }
}

impl RunFile {
    pub(crate) fn open_index(&self) -> Result<FrameReader> {
        Ok(FrameReader::whole(self.scratch.open(&self.index)?))
    }

    pub(crate) fn rows(&self, start: u64, end: u64) -> FrameReader {
        FrameReader { file: Arc::clone(&self.rows_file), at: start, end, frame: Vec::new(), length: 0 }
    }
}

impl Drop for RunFile {
    fn drop(&mut self) {
        // What stays behind is cleaned with the staging folder.
        let _ = self.scratch.remove(&self.rows);
        let _ = self.scratch.remove(&self.index);
    }
}

/// Merges the oldest file runs until at most `fan_in` are left, so that the last merge opens few files.
///
/// # Errors
/// `Io`, `Interrupted` by `stop`.
pub fn reduce(mut runs: Vec<Run>, fan_in: usize, scratch: &Scratch, stop: &dyn Fn() -> Result<()>) -> Result<Vec<Run>> {
    let fan_in = fan_in.max(2);
    let is_file = |run: &Run| matches!(run, Run::File(_));
    runs.sort_by_key(|run| !is_file(run));
    while runs.iter().filter(|run| is_file(run)).count() > fan_in {
        let files = runs.iter().filter(|run| is_file(run)).count();
        // As few as needed: each row is copied as seldom as possible.
        let take = fan_in.min(files - fan_in + 1).max(2);
        let oldest: Vec<Run> = runs.drain(..take).collect();
        let merged = merge_files(&oldest, scratch, stop)?;
        runs.insert(files - take, merged);
    }
    Ok(runs)
}

fn merge_files(runs: &[Run], scratch: &Scratch, stop: &dyn Fn() -> Result<()>) -> Result<Run> {
    let mut writer = RunWriter::new(scratch)?;
    let mut stream = SectionStream::new(runs)?;
    while let Some(parts) = stream.next()? {
        stop()?;
        let Some((_, first)) = parts.first() else { continue };
        let id = first.id.clone();
        let mut facts = Section { id: id.clone(), facts: Vec::new(), start: 0, end: 0 };
        for (_, part) in &parts {
            for (source, theirs) in &part.facts {
                let at = facts.facts_of(*source);
                facts.facts[at].1.merge(theirs);
            }
        }
        let parts = parts.into_iter().map(|(run, section)| Part { run: &runs[run], section, origin: Origin::Stored });
        let mut merge = Merge::new(parts.collect(), id.sequenced, &[])?;
        while let Some(row) = merge.next()? {
            writer.row(row.bytes.get(..row.head.end).ok_or_else(|| corrupt("a row that does not end"))?)?;
        }
        writer.end_section(id, facts.facts)?;
    }
    writer.finish()
}

/// Writes the two files of a run.
#[derive(Debug)]
pub(crate) struct RunWriter {
    rows: FrameWriter,
    index: FrameWriter,
    scratch: Scratch,
    section_start: u64,
    entry: Vec<u8>,
}

impl RunWriter {
    pub(crate) fn new(scratch: &Scratch) -> Result<Self> {
        let (rows, index) = (FrameWriter::new(scratch)?, FrameWriter::new(scratch)?);
        Ok(Self { rows, index, scratch: scratch.clone(), section_start: 0, entry: Vec::new() })
    }

    /// Appends a row of the open section, in its order.
    pub(crate) fn row(&mut self, bytes: &[u8]) -> Result<()> {
        self.rows.append(bytes)
    }

    /// Closes the section that the rows since the last one form.
    pub(crate) fn end_section(&mut self, id: SectionId, facts: Vec<(u32, super::Facts)>) -> Result<()> {
        self.rows.close_frame()?;
        self.entry.clear();
        Section { id, facts, start: self.section_start, end: self.rows.written }.write_to(&mut self.entry);
        self.section_start = self.rows.written;
        self.index.append(&self.entry)
    }

    pub(crate) fn finish(self) -> Result<Run> {
        let (rows, row_bytes) = self.rows.finish()?;
        let (index, index_bytes) = self.index.finish()?;
        let rows_file = self.scratch.open(&rows)?;
        Ok(Run::File(RunFile { rows, index, rows_file, scratch: self.scratch, bytes: row_bytes + index_bytes }))
    }
}

#[derive(Debug)]
struct FrameWriter {
    path: PathBuf,
    file: Box<dyn WriteFile>,
    /// Closed frames that wait for their write, then the open one with room for its head.
    out: Vec<u8>,
    /// Where the open frame begins.
    open: usize,
    /// Bytes of all closed frames.
    written: u64,
}

impl FrameWriter {
    fn new(scratch: &Scratch) -> Result<Self> {
        let (path, file) = scratch.create()?;
        Ok(Self { path, file, out: vec![0; FRAME_HEAD], open: 0, written: 0 })
    }

    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        let length = self.out.len() - self.open;
        if length > FRAME_HEAD && length + bytes.len() > FRAME_BYTES {
            self.close_frame()?;
        }
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    fn close_frame(&mut self) -> Result<()> {
        let open = self.out.get_mut(self.open..).and_then(|frame| frame.split_at_mut_checked(FRAME_HEAD));
        let Some((head, body)) = open.filter(|(_, body)| !body.is_empty()) else { return Ok(()) };
        let length = u32::try_from(body.len()).map_err(|_| corrupt("a row over 4 GiB"))?;
        head[..4].copy_from_slice(&length.to_le_bytes());
        head[4..].copy_from_slice(&crc32c::crc32c(body).to_le_bytes());
        self.written += (self.out.len() - self.open) as u64;
        // Small sections make small frames: many of them go with one write.
        if self.out.len() >= WRITE_BYTES {
            self.write()?;
        }
        self.open = self.out.len();
        self.out.extend_from_slice(&[0; FRAME_HEAD]);
        Ok(())
    }

    fn write(&mut self) -> Result<()> {
        self.file.write_all(&self.out).map_err(|e| Error::io("write", &self.path, e))?;
        self.out.clear();
        Ok(())
    }

    fn finish(mut self) -> Result<(PathBuf, u64)> {
        self.close_frame()?;
        self.out.truncate(self.open);
        self.write()?;
        self.file.flush().map_err(|e| Error::io("write", &self.path, e))?;
        Ok((self.path, self.written))
    }
}

/// Reads frames one after the other, each checked before a byte of it is used.
#[derive(Debug)]
pub(crate) struct FrameReader {
    file: Arc<dyn ReadAt>,
    at: u64,
    end: u64,
    /// The frame with its head, then [`FRAME_SLACK`] zero bytes.
    frame: Vec<u8>,
    length: usize,
}

impl FrameReader {
    fn whole(file: Arc<dyn ReadAt>) -> Self {
        let end = file.len();
        Self { file, at: 0, end, frame: Vec::new(), length: 0 }
    }

    /// Reads the next frame; false at the end.
    pub(crate) fn next_frame(&mut self) -> Result<bool> {
        if self.at >= self.end {
            self.length = 0;
            return Ok(false);
        }
        // The last frame of a section, the only one of a small section, comes with its head in one call.
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let first = if left <= FRAME_HEAD + FRAME_BYTES { left } else { FRAME_HEAD };
        self.frame.clear();
        self.frame.resize(first, 0);
        self.file.read_at(self.at, &mut self.frame)?;
        let Some(&[l0, l1, l2, l3, s0, s1, s2, s3]) = self.frame.first_chunk::<FRAME_HEAD>() else {
            return Err(corrupt("a frame that runs over its section"));
        };
        let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
        let sum = u32::from_le_bytes([s0, s1, s2, s3]);
        let whole = FRAME_HEAD + length;
        if whole > left {
            return Err(corrupt("a frame that runs over its section"));
        }
        self.frame.resize(whole, 0);
        if whole > first {
            self.file.read_at(self.at + first as u64, &mut self.frame[first..])?;
        }
        if crc32c::crc32c(&self.frame[FRAME_HEAD..]) != sum {
            return Err(corrupt("a frame whose checksum is wrong").at_block(0, self.at));
        }
        self.frame.resize(whole + FRAME_SLACK, 0);
        (self.at, self.length) = (self.at + whole as u64, length);
        Ok(true)
    }

    /// The frame with its eight zero bytes, and its length without them.
    pub(crate) fn frame(&self) -> (&[u8], usize) {
        (self.frame.get(FRAME_HEAD..).unwrap_or(&[]), self.length)
    }
}
