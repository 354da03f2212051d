//! Records of delimited text to fields.
//!
//! A chunk without a quote takes the fast path: one pass finds every delimiter and newline by SIMD comparison, and the fields lie
//! between them. A chunk that holds a quote anywhere takes the general path, where `csv-core` reads each record. For a record
//! without quotes both give the same fields, so where chunks are cut never shows.

use super::decimal::decimal_at;
use super::lines::record_end;
use super::marks::mark;
use super::numbers::Numbers;
use crate::units::Decimal;

/// Bytes that are indexed at a time: the index of a block stays in the first-level cache.
const BLOCK_BYTES: usize = 8 << 10;

/// The fields of a record.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a> {
    text: &'a [u8],
    start: usize,
    /// The end of each field; the next begins one byte behind it.
    ends: &'a [u32],
    /// The end of the last one, which a carriage return may follow.
    last: usize,
    /// The fields of the block as decimals, and the number of this record's first, where they were asked for.
    numbers: Option<(&'a Numbers, usize)>,
}

impl<'a> Fields<'a> {
    /// How many there are, at least 1.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// True for no field, which does not happen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// A field's bytes; empty if there is no such field.
    #[inline]
    #[must_use]
    pub fn get(&self, index: usize) -> &'a [u8] {
        let from = match index.checked_sub(1) {
            None => self.start,
            Some(before) => self.ends.get(before).map_or(self.last, |e| *e as usize + 1),
        };
        let to = if index + 1 == self.ends.len() { self.last } else { self.ends.get(index).map_or(0, |e| *e as usize) };
        self.text.get(from..to).unwrap_or(&[])
    }
}

impl Fields<'_> {
    /// Appends the fields of these numbers as decimals, with their scales as written; the scale of a field that is no
    /// short decimal of the common form is 255. False, with nothing appended, if the block was not read as numbers.
    #[inline]
    pub fn decimals(&self, columns: &[u32], values: &mut Vec<i64>, scales: &mut Vec<u8>) -> bool {
        let Some((numbers, first)) = self.numbers else { return false };
        numbers.gather(first..first + self.ends.len(), columns, values, scales)
    }

    /// A field as a decimal of the common form, at the scale it is written with.
    #[inline]
    #[must_use]
    pub fn decimal(&self, index: usize) -> Option<Decimal> {
        if let Some((numbers, first)) = self.numbers
            && let Some(decimal) = numbers.get(first + index)
        {
            return Some(decimal);
        }
        let start = match index.checked_sub(1) {
            None => self.start,
            Some(before) => *self.ends.get(before)? as usize + 1,
        };
        let end = if index + 1 == self.ends.len() { self.last } else { *self.ends.get(index)? as usize };
        decimal_at(self.text, start, end)
    }
}

/// Fields that stand in no record as they are: put together one by one.
#[derive(Clone, Debug, Default)]
pub struct FieldList {
    text: Vec<u8>,
    ends: Vec<u32>,
}

impl FieldList {
    /// Forgets the fields, keeps the buffers.
    pub fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }

    /// Adds a field. Past 4 GiB in all, fields are empty; records are shorter.
    pub fn push(&mut self, field: &[u8]) {
        self.text.extend_from_slice(field);
        self.ends.push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
        self.text.push(0);
    }

    /// The fields.
    #[must_use]
    pub fn fields(&self) -> Fields<'_> {
        let last = self.text.len().saturating_sub(1);
        Fields { text: &self.text, start: 0, ends: &self.ends, last, numbers: None }
    }
}

/// A record of a chunk.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// Its number in the chunk, from 0.
    pub index: u64,
    /// Its offset in the chunk.
    pub offset: usize,
    /// Its bytes without the line end.
    pub raw: &'a [u8],
    /// Its fields; `None` if its quotes are not closed or stand inside a field.
    pub fields: Option<Fields<'a>>,
}

/// Which path the records of a chunk took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PathShare {
    /// Records split by comparison.
    pub fast: u64,
    /// Records read by `csv-core`.
    pub general: u64,
}

/// Splits chunks; keeps its buffers from chunk to chunk.
#[derive(Debug)]
pub struct Splitter {
    delimiter: u8,
    quoted: bool,
    marks: Vec<u32>,
    /// Which of the marks are ends of records.
    lines: Vec<u32>,
    numbers: Option<Numbers>,
    general: Option<General>,
    /// Records by path.
    pub share: PathShare,
}

impl Splitter {
    /// For a delimiter; with `quoted`, quoted fields may hold newlines.
    #[must_use]
    pub fn new(delimiter: u8, quoted: bool) -> Self {
        Self {
            delimiter,
            quoted,
            marks: Vec::new(),
            lines: Vec::new(),
            numbers: None,
            general: None,
            share: PathShare::default(),
        }
    }

    /// Reads the fields of the fast path as decimals, a block at a time: for files whose fields are mostly that.
    #[must_use]
    pub fn with_numbers(mut self) -> Self {
        self.numbers = Some(Numbers::default());
        self
    }

    /// Hands the records of a chunk to `each`, in order.
    pub fn split(&mut self, bytes: &[u8], each: impl FnMut(Record<'_>)) {
        if memchr::memchr(b'"', bytes).is_some() || u32::try_from(bytes.len()).is_err() {
            self.split_general(bytes, each);
        } else {
            self.split_fast(bytes, each);
        }
    }

    /// The fast path; `bytes` holds no quote and less than 4 GiB.
    pub fn split_fast(&mut self, bytes: &[u8], mut each: impl FnMut(Record<'_>)) {
        let mut block_start = 0;
        let mut index = 0;
        while block_start < bytes.len() {
            let block = &bytes[block_start..block_end(bytes, block_start)];
            self.marks.clear();
            self.lines.clear();
            mark(block, self.delimiter, &mut self.marks, &mut self.lines);
            if block.last() != Some(&b'\n') {
                self.lines.push(self.marks.len() as u32);
                self.marks.push(block.len() as u32);
            }
            if let Some(numbers) = &mut self.numbers {
                numbers.read(block, &self.marks);
            }
            let (mut start, mut first) = (0, 0);
            for &line in &self.lines {
                let ends = &self.marks[first..=line as usize];
                let end = ends.last().map_or(0, |end| *end as usize);
                let last = end - usize::from(end > start && block[end - 1] == b'\r');
                // A carriage return is part of the last field for the numbers: then they leave it to the other way.
                let numbers = self.numbers.as_ref().map(|numbers| (numbers, first));
                let fields = Fields { text: block, start, ends, last, numbers };
                each(Record { index, offset: block_start + start, raw: &block[start..last], fields: Some(fields) });
                index += 1;
                (start, first) = (end + 1, line as usize + 1);
            }
            block_start += block.len();
        }
        self.share.fast += index;
    }

    /// The general path, for any bytes.
    pub fn split_general(&mut self, bytes: &[u8], mut each: impl FnMut(Record<'_>)) {
        let general = self.general.get_or_insert_with(|| General::new(self.delimiter));
        let mut offset = 0;
        let mut index = 0;
        while offset < bytes.len() {
            let rest = &bytes[offset..];
            let (length, next) = record_end(rest, self.quoted).unwrap_or((rest.len(), rest.len()));
            // The last line of a source may end with a carriage return alone.
            let length = length - usize::from(length == next && rest[..length].ends_with(b"\r"));
            let raw = &rest[..length];
            each(Record { index, offset, raw, fields: general.fields(raw) });
            index += 1;
            offset += next;
        }
        self.share.general += index;
    }
}

/// The end of a block that begins at a record: behind the last newline in reach, or behind the next one.
fn block_end(bytes: &[u8], start: usize) -> usize {
    let reach = bytes.len().min(start + BLOCK_BYTES);
    if reach == bytes.len() {
        return reach;
    }
    match memchr::memrchr(b'\n', &bytes[start..reach]) {
        Some(at) => start + at + 1,
        None => memchr::memchr(b'\n', &bytes[reach..]).map_or(bytes.len(), |at| reach + at + 1),
    }
}

/// One record through `csv-core`, into text of the same shape as the source's: fields with one byte between them.
struct General {
    reader: csv_core::Reader,
    delimiter: u8,
    text: Vec<u8>,
    ends: Vec<u32>,
}

impl std::fmt::Debug for General {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("General").field("delimiter", &self.delimiter).finish_non_exhaustive()
    }
}

impl General {
    fn new(delimiter: u8) -> Self {
        Self { reader: new_reader(delimiter), delimiter, text: Vec::new(), ends: Vec::new() }
    }

    fn fields(&mut self, raw: &[u8]) -> Option<Fields<'_>> {
        self.ends.clear();
        self.text.resize(raw.len() * 2 + 8, 0);
        let mut written = 0;
        if raw.is_empty() {
            self.ends.push(0);
        } else if self.read(raw, &mut written).is_none() {
            // The reader stands inside a quote: a new one does not.
            self.reader = new_reader(self.delimiter);
            return None;
        }
        let last = self.ends.last().map_or(0, |e| *e as usize);
        Some(Fields { text: &self.text, start: 0, ends: &self.ends, last, numbers: None })
    }

    /// Feeds the record and a newline; `None` unless the record ends exactly there.
    fn read(&mut self, raw: &[u8], written: &mut usize) -> Option<()> {
        for (input, is_last) in [(raw, false), (&b"\n"[..], true)] {
            let mut input = input;
            while !input.is_empty() {
                let (result, taken, put) = self.reader.read_field(input, &mut self.text[*written..]);
                input = &input[taken..];
                *written += put;
                match result {
                    csv_core::ReadFieldResult::InputEmpty => {}
                    csv_core::ReadFieldResult::Field { record_end } => {
                        self.ends.push(u32::try_from(*written).ok()?);
                        *written += 1;
                        if record_end {
                            return (is_last && input.is_empty()).then_some(());
                        }
                    }
                    csv_core::ReadFieldResult::OutputFull | csv_core::ReadFieldResult::End => return None,
                }
            }
        }
        None
    }
}

fn new_reader(delimiter: u8) -> csv_core::Reader {
    let mut reader =
        csv_core::ReaderBuilder::new().delimiter(delimiter).terminator(csv_core::Terminator::Any(b'\n')).build();
    // The first bytes of its life lose a byte-order mark: give it a record of no interest.
    let mut nothing = [0; 8];
    let _ = reader.read_field(b"x\n", &mut nothing);
    reader
}

/// The delimiter of a line: the one of `,`, `;`, tab and `|` that stands in it most often; `,` if none does.
#[must_use]
pub fn detect_delimiter(line: &[u8]) -> u8 {
    let count = |d: u8| memchr::memchr_iter(d, line).count();
    [b'|', b'\t', b';', b','].into_iter().max_by_key(|d| count(*d)).unwrap_or(b',')
}
