//! The sections of many runs side by side: first by section, then gathered by partition.

use super::merge::{Origin, Part};
use super::run::{FrameReader, Run, corrupt};
use super::section::{Section, SectionId};
use crate::error::Result;
use crate::schema::{PartitionKey, RawTable};

/// The sections of one run, in order.
#[derive(Debug)]
enum Entries<'r> {
    Memory(std::slice::Iter<'r, Section>),
    File { reader: FrameReader, at: usize },
}

impl Entries<'_> {
    fn next(&mut self) -> Result<Option<Section>> {
        match self {
            Entries::Memory(sections) => Ok(sections.next().cloned()),
            Entries::File { reader, at } => {
                if *at >= reader.frame().1 {
                    if !reader.next_frame()? {
                        return Ok(None);
                    }
                    *at = 0;
                }
                let (frame, length) = reader.frame();
                let frame = frame.get(..length).unwrap_or(&[]);
                Section::read_from(frame, at).map(Some).ok_or_else(|| corrupt("an index entry that cannot be read"))
            }
        }
    }
}

/// Walks the sections of all runs by their ids.
#[derive(Debug)]
pub(crate) struct SectionStream<'r> {
    entries: Vec<Entries<'r>>,
    heads: Vec<Option<Section>>,
}

impl<'r> SectionStream<'r> {
    pub(crate) fn new(runs: &'r [Run]) -> Result<Self> {
        let mut stream = Self { entries: Vec::new(), heads: Vec::new() };
        for run in runs {
            let mut entries = match run {
                Run::Memory(buffer) => Entries::Memory(buffer.sections().iter()),
                Run::Columns(columns) => Entries::Memory(columns.sections().iter()),
                Run::File(file) => Entries::File { reader: file.open_index()?, at: 0 },
            };
            stream.heads.push(entries.next()?);
            stream.entries.push(entries);
        }
        Ok(stream)
    }

    fn smallest(&self) -> Option<&SectionId> {
        self.heads.iter().flatten().map(|section| &section.id).min()
    }

    /// All sections of the smallest id, each with the number of its run.
    pub(crate) fn next(&mut self) -> Result<Option<Vec<(usize, Section)>>> {
        let Some(id) = self.smallest().cloned() else { return Ok(None) };
        let mut found = Vec::new();
        for (number, head) in self.heads.iter_mut().enumerate() {
            if head.as_ref().is_some_and(|section| section.id == id) {
                found.extend(head.take().map(|section| (number, section)));
                *head = self.entries[number].next()?;
            }
        }
        Ok(Some(found))
    }
}

/// All sections of one partition.
#[derive(Debug)]
pub struct PartitionSections<'r> {
    /// Venue, security, date.
    pub key: PartitionKey,
    /// Its tables with their sections, in table order.
    pub tables: Vec<(RawTable, Vec<Part<'r>>)>,
}

/// Walks the partitions of a set of runs in key order.
#[derive(Debug)]
pub struct Sections<'r> {
    runs: &'r [Run],
    stream: SectionStream<'r>,
}

impl<'r> Sections<'r> {
    /// Opens the indexes of the runs.
    ///
    /// # Errors
    /// `Io`, `Damage` of a scratch file.
    pub fn new(runs: &'r [Run]) -> Result<Self> {
        Ok(Self { runs, stream: SectionStream::new(runs)? })
    }

    /// The next partition.
    ///
    /// # Errors
    /// `Io`, `Damage` of a scratch file.
    #[expect(clippy::should_implement_trait, reason = "fallible, and errors must end it: a plain method says so")]
    pub fn next(&mut self) -> Result<Option<PartitionSections<'r>>> {
        let Some(key) = self.stream.smallest().map(|id| id.key.clone()) else { return Ok(None) };
        let mut tables: Vec<(RawTable, Vec<Part<'r>>)> = Vec::new();
        while self.stream.smallest().is_some_and(|id| id.key == key) {
            for (run, section) in self.stream.next()?.unwrap_or_default() {
                let table = section.id.table;
                let part = Part { run: &self.runs[run], section, origin: Origin::New };
                match tables.last_mut() {
                    Some((last, parts)) if *last == table => parts.push(part),
                    _ => tables.push((table, vec![part])),
                }
            }
        }
        Ok(Some(PartitionSections { key, tables }))
    }
}
