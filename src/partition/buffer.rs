//! The run buffer: rows of all partitions as bytes, and one small reference a row to sort.

use std::cmp::Ordering;
use std::ops::Range;

use hashbrown::HashMap;

use super::row;
use super::section::{Section, SectionId, SectionRef};
use crate::error::Result;
use crate::normalize::RowBatch;
use crate::units::Date;

/// Bytes behind the last row, so that decoding can always read whole words.
const SLACK: usize = 8;
/// What a row costs besides its bytes: its reference, and the one in the array that sorting fills.
const REFERENCE_BYTES: usize = 2 * size_of::<RowRef>();

/// Where a row stands.
#[derive(Clone, Copy, Debug, Default)]
struct RowRef {
    clock: i64,
    offset: u32,
    section: u32,
}

/// The last section of a security in a batch: most rows go where the one before went.
#[derive(Clone, Copy, Debug)]
struct Recent {
    date: Date,
    sequenced: bool,
    section: u32,
    facts: u32,
}

/// Rows of any tables and partitions, up to a number of bytes.
#[derive(Debug)]
pub struct RunBuffer {
    budget: usize,
    /// False in a buffer that re-sorts rows whose table has no sequence order.
    sequences: bool,
    rows: Vec<u8>,
    refs: Vec<RowRef>,
    sorted: Vec<RowRef>,
    sections: Vec<Section>,
    numbers: HashMap<SectionId, u32>,
    section_bytes: usize,
    recent: Vec<Option<Recent>>,
}

impl RunBuffer {
    /// A buffer that is full at about `budget` bytes, all its memory counted. With `sequences` off, rows are ordered
    /// without their sequence numbers.
    #[must_use]
    pub fn new(budget: usize, sequences: bool) -> Self {
        Self {
            budget: budget.min(u32::MAX as usize / 2),
            sequences,
            rows: Vec::new(),
            refs: Vec::new(),
            sorted: Vec::new(),
            sections: Vec::new(),
            numbers: HashMap::new(),
            section_bytes: 0,
            recent: Vec::new(),
        }
    }

    /// True when nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.refs.is_empty()
    }

    /// Takes rows of a batch from `from` on and returns the first it did not take: the batch's length, or less when the
    /// buffer is full. An empty buffer takes at least one row, so a caller that spills in between gets on.
    ///
    /// # Errors
    /// `Damage` for a batch whose columns do not fit its keys: a defect of its dialect.
    pub fn push(&mut self, batch: &RowBatch, from: usize) -> Result<usize> {
        self.recent.clear();
        self.recent.resize(batch.securities.len(), None);
        for i in from..batch.keys.len() {
            if !self.is_empty() && self.used() >= self.budget {
                return Ok(i);
            }
            if self.push_row(batch, i).is_none() {
                return Err(super::run::corrupt("a batch's columns do not fit its keys"));
            }
        }
        Ok(batch.keys.len())
    }

    /// Takes row `i` of a batch; false when the buffer is full.
    ///
    /// # Errors
    /// As [`RunBuffer::push`].
    pub(crate) fn push_one(&mut self, batch: &RowBatch, i: usize) -> Result<bool> {
        if !self.is_empty() && self.used() >= self.budget {
            return Ok(false);
        }
        // Numbers of sections from another batch mean nothing in this one.
        self.recent.clear();
        self.recent.resize(batch.securities.len(), None);
        match self.push_row(batch, i) {
            Some(()) => Ok(true),
            None => Err(super::run::corrupt("a batch's columns do not fit its keys")),
        }
    }

    /// Takes an encoded row of the one section that this buffer sorts; true when it is full.
    pub(crate) fn push_encoded(&mut self, id: &SectionId, clock: i64, bytes: &[u8]) -> Option<bool> {
        if self.sections.is_empty() {
            self.sections.push(Section { id: id.clone(), facts: Vec::new(), start: 0, end: 0 });
        }
        let offset = u32::try_from(self.rows.len()).ok()?;
        self.rows.extend_from_slice(bytes);
        self.refs.push(RowRef { clock, offset, section: 0 });
        Some(self.used() >= self.budget)
    }

    fn push_row(&mut self, batch: &RowBatch, i: usize) -> Option<()> {
        let key = batch.keys.get(i)?;
        let sequenced = self.sequences && key.sequence.is_some();
        let slot = *self.recent.get(key.security as usize)?;
        let recent = match slot {
            Some(recent) if recent.date == key.date && recent.sequenced == sequenced => recent,
            _ => self.find(batch, i, sequenced)?,
        };
        let offset = u32::try_from(self.rows.len()).ok()?;
        row::encode(&mut self.rows, batch, i)?;
        self.refs.push(RowRef { clock: key.clock, offset, section: recent.section });
        let section = self.sections.get_mut(recent.section as usize)?;
        section.facts.get_mut(recent.facts as usize)?.1.add(batch, i)
    }

    /// The section of a row by its full key, made if it is new.
    fn find(&mut self, batch: &RowBatch, i: usize, sequenced: bool) -> Option<Recent> {
        let key = batch.keys.get(i)?;
        let (venue, security) = batch.securities.get(key.security as usize)?;
        let wanted = SectionRef::new(venue, security, key.date, batch.table, sequenced);
        let section = match self.numbers.get(&wanted) {
            Some(&number) => number,
            None => {
                let number = u32::try_from(self.sections.len()).ok()?;
                let id = wanted.to_id();
                self.sections.push(Section { id: id.clone(), facts: Vec::new(), start: 0, end: 0 });
                self.numbers.insert(id, number);
                // Two copies of the key, the map's slot, and room for the decimals' facts.
                self.section_bytes += 2 * (size_of::<Section>() + venue.len() + security.len() + 64);
                number
            }
        };
        let entry = self.sections.get_mut(section as usize)?;
        let before = entry.facts.len();
        let facts = entry.facts_of(batch.source);
        if entry.facts.len() > before {
            self.section_bytes += entry.facts.last().map_or(0, |(_, f)| f.bytes()) + 16 * usize::from(batch.levels);
        }
        let recent = Recent { date: key.date, sequenced, section, facts: u32::try_from(facts).ok()? };
        *self.recent.get_mut(key.security as usize)? = Some(recent);
        Some(recent)
    }

    fn used(&self) -> usize {
        self.rows.len() + self.refs.len() * REFERENCE_BYTES + self.section_bytes
    }

    /// Brings the rows in order; afterwards [`RunBuffer::sections`] may be used.
    pub fn sort(&mut self) {
        self.rows.resize(self.rows.len() + SLACK, 0);
        let mut order: Vec<u32> = (0..self.sections.len() as u32).collect();
        order.sort_unstable_by(|&a, &b| self.sections[a as usize].id.cmp(&self.sections[b as usize].id));
        let mut starts = vec![0_usize; self.sections.len()];
        for r in &self.refs {
            starts[r.section as usize] += 1;
        }
        let mut at = 0;
        for &number in &order {
            let count = std::mem::replace(&mut starts[number as usize], at);
            let section = &mut self.sections[number as usize];
            (section.start, section.end) = (at as u64, (at + count) as u64);
            at += count;
        }
        self.sorted.clear();
        self.sorted.resize(self.refs.len(), RowRef::default());
        for r in &self.refs {
            let place = &mut starts[r.section as usize];
            self.sorted[*place] = *r;
            *place += 1;
        }
        let rows = &self.rows;
        for section in &self.sections {
            let sequenced = section.id.sequenced;
            let part = &mut self.sorted[section.start as usize..section.end as usize];
            // Most sections arrive in order; driftsort would find that out as well, but after allocating.
            if !part.is_sorted_by(|a, b| compare(rows, sequenced, a, b) != Ordering::Greater) {
                part.sort_unstable_by(|a, b| compare(rows, sequenced, a, b));
            }
        }
        self.numbers.clear();
        self.sections.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    }

    /// The sections in order, after [`RunBuffer::sort`].
    #[must_use]
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// The bytes from row `number` of the sorted rows on.
    pub(crate) fn row(&self, number: u64) -> Option<&[u8]> {
        let r = self.sorted.get(usize::try_from(number).ok()?)?;
        self.rows.get(r.offset as usize..)
    }

    /// The rows of a section, each exactly as long as it is.
    pub(crate) fn section_rows(&self, rows: Range<u64>) -> impl Iterator<Item = Option<&[u8]>> {
        rows.map(|number| {
            let bytes = self.row(number)?;
            bytes.get(..row::length(bytes)?)
        })
    }

    /// Forgets all rows and keeps the memory.
    pub fn clear(&mut self) {
        self.rows.clear();
        self.refs.clear();
        self.sorted.clear();
        self.sections.clear();
        self.numbers.clear();
        self.section_bytes = 0;
    }
}

/// The order of two rows of one section.
fn compare(rows: &[u8], sequenced: bool, a: &RowRef, b: &RowRef) -> Ordering {
    a.clock.cmp(&b.clock).then_with(|| {
        let order = |r: &RowRef| rows.get(r.offset as usize..).and_then(|bytes| row::head(bytes, sequenced));
        order(a).map(|h| h.order).cmp(&order(b).map(|h| h.order))
    })
}
