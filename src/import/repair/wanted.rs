//! What is known of a damaged partition: from the ledger, its manifest, and what still opens of its files.

use std::ops::Range;

use crate::format::SealedFile;
use crate::read::TableReader;
use crate::schema::RawTable;
use crate::store::{DamagedPartition, PublishedFile, Publisher};

/// A damaged partition with what can be learned from the files that are left.
pub(super) struct Wanted {
    pub(super) partition: DamagedPartition,
    /// What opens of its files, by position: their headers and footers, the content may be damaged.
    pub(super) readers: Vec<Option<TableReader>>,
    /// Digests of its sources by ordinal; empty if nothing says which they were.
    pub(super) sources: Vec<u128>,
}

impl Wanted {
    pub(super) fn new(partition: DamagedPartition, publisher: &Publisher) -> Self {
        let open = |file: &PublishedFile| {
            let reader = TableReader::open(publisher.open_damaged(&partition.key, &file.name).ok()?).ok()?;
            let header = reader.header();
            let own =
                header.key == partition.key && (header.generation, header.segment) == (file.generation, file.segment);
            own.then_some(reader)
        };
        let readers: Vec<Option<TableReader>> = partition.files.iter().map(open).collect();
        let sources = match &partition.manifest {
            Some(manifest) => manifest.sources.iter().map(|source| source.digest).collect(),
            None => {
                let lists = readers.iter().flatten().filter(|r| is_imported(r)).map(|reader| &reader.footer().inputs);
                lists.max_by_key(|list| list.len()).cloned().unwrap_or_default()
            }
        };
        Self { partition, readers, sources }
    }

    pub(super) fn needs_rows(&self) -> bool {
        self.partition.files.iter().any(|file| !file.sound && RawTable::from_name(&file.table).is_some())
    }

    /// True if sources may be missing from the list: the manifest is lost, and so is what the last import wrote.
    pub(super) fn is_incomplete(&self) -> bool {
        let files = || self.partition.files.iter().zip(&self.readers);
        let imported = |file: &PublishedFile| RawTable::from_name(&file.table).is_some();
        let read = files().filter(|(file, reader)| imported(file) && reader.is_some()).map(|(file, _)| file.generation);
        let last = read.max().unwrap_or(0);
        self.partition.manifest.is_none() && files().any(|(file, _)| imported(file) && file.generation > last)
    }

    /// How many of the sources were there when a file was written.
    pub(super) fn known_sources(&self, at: usize) -> Option<usize> {
        let generation = self.partition.files.get(at)?.generation;
        let own = self.readers.get(at)?.as_ref();
        let same = |(file, reader): (&PublishedFile, &'_ Option<TableReader>)| {
            reader
                .as_ref()
                .filter(|r| file.generation == generation && is_imported(r))
                .map(|reader| reader.footer().inputs.len())
        };
        own.map(|reader| reader.footer().inputs.len())
            .or_else(|| self.partition.files.iter().zip(&self.readers).find_map(same))
            .or((generation == self.partition.generation).then_some(self.sources.len()))
    }

    /// Of which of its sources a file may hold the rows, first and end: by what is known, else by the number of its rows,
    /// which `rows` gives for such a range.
    pub(super) fn ranges(&self, at: usize, rows: &dyn Fn(Range<usize>) -> u64) -> Vec<Range<usize>> {
        let Some(file) = self.partition.files.get(at) else { return Vec::new() };
        let is_before = |f: &PublishedFile| f.table == file.table && f.segment.checked_add(1) == Some(file.segment);
        let count = self.sources.len();
        let mut starts = match self.partition.files.iter().position(is_before) {
            Some(before) => self.ranges(before, rows).into_iter().map(|range| range.end).collect(),
            None => vec![0],
        };
        if starts.is_empty() {
            // The file before it holds other rows than those of all its sources: it says nothing of where this one begins.
            starts.extend(1..count);
        }
        let ends: Vec<usize> = self.known_sources(at).map_or_else(|| (1..=count).collect(), |to| vec![to]);
        let is_known = starts.len() == 1 && ends.len() == 1;
        let ranges = starts.iter().flat_map(|&from| ends.iter().map(move |&to| from..to));
        let ranges = ranges.filter(|range| range.start < range.end && range.end <= count);
        ranges.filter(|range| is_known || rows(range.clone()) == file.rows).collect()
    }
}

/// True for a table that an import writes, not a build.
fn is_imported(reader: &TableReader) -> bool {
    RawTable::from_name(&reader.header().table).is_some()
}

/// What a sound file is, by its own words.
pub(super) fn sealed_of(reader: &TableReader, file: &PublishedFile) -> SealedFile {
    SealedFile {
        rows: reader.rows(),
        length: file.length,
        file_hash: file.hash,
        identity: reader.footer().identity,
        content_digest: reader.footer().content_digest,
        schema_hash: reader.header().schema.hash(),
    }
}
