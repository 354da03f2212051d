//! Pages of the open row group. They come row by row and lie in the file column by column, so they are held until the group ends: the last
//! ones in memory, the others in a nameless file. Its space is used again by the next group.

use super::page::Page;
use crate::error::{Error, Result};
use crate::storage::ScratchFile;

/// Bytes of pages that are gathered before they are written to the scratch file.
const MEMORY: usize = 1 << 20;

/// A page that is held: its header, and where its data is.
#[derive(Debug)]
struct Held {
    header: Vec<u8>,
    at: u64,
    length: usize,
    crc: u32,
}

/// All pages of a row group.
#[derive(Debug)]
pub(super) struct HeldPages {
    scratch: Box<dyn ScratchFile>,
    /// Bytes in the scratch file; those in memory follow.
    written: u64,
    memory: Vec<u8>,
    /// By column, in the order of the rows.
    columns: Vec<Vec<Held>>,
}

impl HeldPages {
    pub(super) fn new(scratch: Box<dyn ScratchFile>, columns: usize) -> Self {
        let columns = (0..columns).map(|_| Vec::new()).collect();
        Self { scratch, written: 0, memory: Vec::new(), columns }
    }

    /// Keeps the next page of a column.
    ///
    /// # Errors
    /// `Io`.
    pub(super) fn keep(&mut self, column: usize, page: &Page) -> Result<()> {
        let at = self.written + self.memory.len() as u64;
        self.memory.extend_from_slice(&page.data);
        if let Some(pages) = self.columns.get_mut(column) {
            pages.push(Held { header: page.header.clone(), at, length: page.data.len(), crc: page.crc });
        }
        if self.memory.len() >= MEMORY {
            self.scratch.write_at(self.written, &self.memory)?;
            self.written += self.memory.len() as u64;
            self.memory.clear();
        }
        Ok(())
    }

    /// Appends all pages of a column to `chunk`, as they lie in the file.
    ///
    /// # Errors
    /// `Io`, `Damage` if a page is not as it was written.
    pub(super) fn gather(&mut self, column: usize, chunk: &mut Vec<u8>) -> Result<()> {
        let Some(pages) = self.columns.get_mut(column) else { return Ok(()) };
        for page in pages.drain(..) {
            chunk.extend_from_slice(&page.header);
            let start = chunk.len();
            match page.at.checked_sub(self.written) {
                Some(at) => {
                    let at = usize::try_from(at).unwrap_or(usize::MAX - page.length);
                    chunk.extend_from_slice(self.memory.get(at..at + page.length).unwrap_or_default());
                }
                None => {
                    chunk.resize(start + page.length, 0);
                    self.scratch.read_at(page.at, &mut chunk[start..])?;
                }
            }
            let found = crc32fast::hash(&chunk[start..]);
            if found != page.crc {
                let expected = format!("a page with checksum {:08x}", page.crc);
                return Err(Error::damage("page-scratch", expected, format!("{found:08x}")));
            }
        }
        Ok(())
    }

    /// Begins the next row group: all pages were gathered.
    pub(super) fn clear(&mut self) {
        self.written = 0;
        self.memory.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::storage::{MemoryStorage, Storage};

    fn page(byte: u8, length: usize) -> Page {
        let data = vec![byte; length];
        Page { header: vec![byte, byte], crc: crc32fast::hash(&data), data, raw_len: length }
    }

    #[test]
    fn pages_come_back_by_column_from_memory_and_scratch() {
        let scratch = MemoryStorage::new().scratch(Path::new("scratch")).unwrap();
        let mut held = HeldPages::new(scratch, 2);
        for group in 0..2_u8 {
            let lengths = [3, MEMORY - 5, 7, 11];
            for (number, length) in lengths.into_iter().enumerate() {
                held.keep(number % 2, &page(group * 8 + number as u8, length)).unwrap();
            }
            assert!(held.written > 0 && !held.memory.is_empty());
            for column in 0..2 {
                let mut chunk = Vec::new();
                held.gather(column, &mut chunk).unwrap();
                let expected: Vec<u8> = [column, column + 2]
                    .into_iter()
                    .flat_map(|number| vec![group * 8 + number as u8; lengths[number] + 2])
                    .collect();
                assert!(chunk == expected, "column {column} of group {group}");
            }
            held.clear();
        }
    }

    #[test]
    fn a_page_that_changed_is_damage() {
        let scratch = MemoryStorage::new().scratch(Path::new("scratch")).unwrap();
        let mut held = HeldPages::new(scratch, 1);
        held.keep(0, &page(1, MEMORY)).unwrap();
        held.scratch.write_at(77, &[2]).unwrap();
        assert!(held.gather(0, &mut Vec::new()).unwrap_err().to_string().contains("page-scratch"));
    }
}
