//! One column on its way into pages: blocks in, pages out, and what the footer says of each chunk.

use super::content::Content;
use super::dictionary::{Texts, Words, put_codes, put_text};
use super::form::{Form, Trial, put_split};
use super::gather::Gathered;
use super::page::{Packer, Page, PageEncoding, put_levels};
use super::schema::{WIDE_BYTES, is_optional};
use crate::codec::ColumnValues;
use crate::error::Result;
use crate::schema::{Column, LogicalType};

/// Columns of a table that may have a dictionary at a time: each takes 100 KiB, one of texts up to 3 MiB.
const DICTIONARIES: usize = 64;

/// What all columns of a writer share, kept from page to page.
#[derive(Debug, Default)]
pub(super) struct Tools {
    packer: Packer,
    trial: Trial,
    codes: Vec<u16>,
    /// Columns of the open row group that have a dictionary.
    dictionaries: usize,
}

impl Tools {
    /// Begins a row group.
    pub(super) fn begin_group(&mut self) {
        self.dictionaries = 0;
    }
}

/// What the footer says of a chunk.
#[derive(Clone, Debug, Default)]
pub(super) struct ChunkFacts {
    pub(super) rows: usize,
    pub(super) nulls: usize,
    /// Least and greatest value in the type's order, if there is any; f64 and text have none.
    pub(super) range: Option<(i64, i64)>,
    pub(super) encodings: Vec<PageEncoding>,
    pub(super) is_compressed: bool,
    /// Bytes of the pages with their headers, before compression and after.
    pub(super) raw_len: usize,
    pub(super) length: usize,
}

impl ChunkFacts {
    fn add(&mut self, page: &Page) {
        self.raw_len += page.header.len() + page.raw_len;
        self.length += page.header.len() + page.data.len();
    }
}

/// A column that is being written.
#[derive(Debug)]
pub(super) struct ColumnPages {
    gathered: Gathered,
    /// Bytes of a plain value.
    width: usize,
    /// Of the open chunk; none before its first value.
    form: Option<Form>,
    words: Words,
    texts: Texts,
    facts: ChunkFacts,
}

impl ColumnPages {
    /// `first_row` is the number of the first row in the table.
    pub(super) fn new(described: &Column, wide: bool, first_row: u64) -> Self {
        let width = match described.logical_type {
            LogicalType::Decimal if wide => WIDE_BYTES,
            LogicalType::Side | LogicalType::Flags | LogicalType::I8 => 4,
            _ => 8,
        };
        Self {
            gathered: Gathered::new(described, first_row),
            width,
            form: None,
            words: Words::default(),
            texts: Texts::default(),
            facts: ChunkFacts::default(),
        }
    }

    /// What came in so far.
    pub(super) fn content(&self) -> Content {
        self.gathered.content
    }

    /// Takes the next block. All blocks of a table but the last have a multiple of 64 rows.
    ///
    /// # Errors
    /// `Usage` for values that do not fit the column.
    pub(super) fn push(&mut self, rows: usize, values: ColumnValues<'_>) -> Result<()> {
        self.gathered.push(rows, values)
    }

    /// Makes `page` of the rows that came since the last one, of which there must be some.
    ///
    /// # Errors
    /// `Io` if zstd has no memory.
    pub(super) fn page(&mut self, tools: &mut Tools, page: &mut Page) -> Result<()> {
        let (rows, nulls) = (self.gathered.rows, self.gathered.nulls);
        let form = match self.form {
            _ if nulls == rows => Form::Repeats,
            Some(form) => form,
            None => self.choose(tools)?,
        };
        let body = &mut tools.packer.body;
        body.clear();
        if is_optional(&self.gathered.described) {
            put_levels(&self.gathered.validity, rows, nulls, body);
        }
        let encoding = match form {
            Form::Dictionary if self.encode(&mut tools.codes) => {
                put_codes(&tools.codes, self.entries(), body);
                PageEncoding::Dictionary
            }
            Form::Split => {
                put_split(&self.gathered.words, body);
                PageEncoding::Split
            }
            Form::Dictionary | Form::Repeats | Form::Noise => {
                self.put_plain(body);
                PageEncoding::Plain
            }
        };
        if form == Form::Dictionary && encoding == PageEncoding::Plain {
            // The dictionary is full, and stays so.
            self.form = Some(Form::Repeats);
        }
        if !self.facts.encodings.contains(&encoding) {
            self.facts.encodings.push(encoding);
        }
        self.facts.is_compressed = self.form != Some(Form::Noise);
        tools.packer.data_page((rows, encoding), self.facts.is_compressed, page)?;
        self.facts.add(page);
        self.facts.rows += rows;
        self.facts.nulls += nulls;
        self.gathered.clear();
        Ok(())
    }

    /// Chooses the form of the chunk whose first values these are.
    fn choose(&mut self, tools: &mut Tools) -> Result<Form> {
        let room = tools.dictionaries < DICTIONARIES;
        let form = if self.is_text() {
            let fits = room && self.texts.encode(&self.gathered.texts, &mut tools.codes);
            let suits = fits && self.texts.suits(self.gathered.texts.ends.len());
            if suits { Form::Dictionary } else { Form::Repeats }
        } else {
            let is_float = self.gathered.described.logical_type == LogicalType::F64;
            tools.trial.form(&mut tools.packer, &self.gathered.words, is_float, room)?
        };
        let form = match form {
            // All pages of a chunk are compressed, or none, and there are some.
            Form::Noise if !self.facts.encodings.is_empty() => Form::Repeats,
            other => other,
        };
        if form == Form::Dictionary {
            tools.dictionaries += 1;
        } else {
            self.texts.clear();
        }
        self.form = Some(form);
        Ok(form)
    }

    fn is_text(&self) -> bool {
        self.gathered.described.logical_type == LogicalType::Text
    }

    /// Replaces `codes` by the numbers of the page's values; false if the dictionary has no room for them.
    fn encode(&mut self, codes: &mut Vec<u16>) -> bool {
        if self.is_text() {
            self.texts.encode(&self.gathered.texts, codes)
        } else {
            self.words.encode(&self.gathered.words, codes)
        }
    }

    /// Entries of the dictionary.
    fn entries(&self) -> usize {
        if self.is_text() { self.texts.len() } else { self.words.entries.len() }
    }

    fn put_plain(&self, body: &mut Vec<u8>) {
        put_words(&self.gathered.words, self.width, body);
        let mut start = 0;
        for end in &self.gathered.texts.ends {
            put_text(&self.gathered.texts.bytes[start..*end as usize], body);
            start = *end as usize;
        }
    }

    /// Ends the chunk. True if `page` became its dictionary, which stands before its other pages.
    ///
    /// # Errors
    /// `Io` if zstd has no memory.
    pub(super) fn end_chunk(&mut self, tools: &mut Tools, page: &mut Page) -> Result<(ChunkFacts, bool)> {
        let has_dictionary = self.facts.encodings.contains(&PageEncoding::Dictionary);
        if has_dictionary {
            let body = &mut tools.packer.body;
            body.clear();
            body.extend_from_slice(&self.texts.plain);
            put_words(&self.words.entries, self.width, body);
            tools.packer.dictionary_page(self.entries(), page)?;
            self.facts.add(page);
        }
        self.words.clear();
        self.texts.clear();
        self.facts.range = self.gathered.range.take();
        self.form = None;
        Ok((std::mem::take(&mut self.facts), has_dictionary))
    }
}

/// Appends values as they are: little end first, wide decimals big end first.
fn put_words(words: &[i64], width: usize, body: &mut Vec<u8>) {
    match width {
        4 => body.extend(words.iter().flat_map(|word| (*word as i32).to_le_bytes())),
        WIDE_BYTES => body.extend(words.iter().flat_map(|word| i128::from(*word).to_be_bytes())),
        _ => body.extend_from_slice(bytemuck::cast_slice(words)),
    }
}
