//! Records whose values lie deeper: JSON objects, one a line, and delimited text with lists or objects in its cells.
//!
//! In: paths ([`super::paths`]) for the columns of a plan. Every record becomes a flat list of fields, which the plan's own parser
//! reads as it reads a line of a wide file: so numbers are taken from their text here too. A path with `[]` makes a row of every
//! element of a list.

use super::paths::{Leaves, Part};
use super::tree::Tree;
use crate::error::Result;
use crate::normalize::{ChunkBuilder, Fault, ParsedChunk, ZoneCache};
use crate::parse::csv::{FieldList, Fields, Record, Splitter};
use crate::parse::fields::FieldForm;
use crate::parse::json::{Reader, Value};
use crate::parse::record_end;
use crate::schema::RawTable;
use crate::vendor::columns::{ColumnParser, wrong_count};
use crate::vendor::{Chunk, ChunkParser, Framing, TableFacts, header};

/// Where the values of a source lie.
#[derive(Debug, Default)]
pub(super) struct Nest {
    /// Columns of a delimited record; 0 for JSON lines.
    pub width: usize,
    /// Columns among them whose cells hold JSON, with their names.
    pub cells: Vec<(usize, String)>,
    /// The paths of a record; slot `n` is the plan's column `width + n`.
    pub tree: Tree,
    /// The paths of an element of the list of rows, if there is one.
    pub each: Option<Tree>,
    /// Slots of those.
    pub each_slots: Vec<usize>,
    /// Columns and the words that they must have, or the record is of another kind.
    pub conditions: Vec<(usize, Vec<Vec<u8>>)>,
}

impl Nest {
    /// Adds the path of a slot.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn add(&mut self, parts: &[Part], slot: usize, path: &str) -> Result<(), String> {
        let Some(at) = parts.iter().position(|part| *part == Part::Each) else {
            return self.tree.add(parts, slot, path);
        };
        let (list, inside) = (&parts[..at], &parts[at + 1..]);
        if inside.contains(&Part::Each) || self.width > 0 {
            return Err(format!("`{path}`: one list of a JSON record can be rows"));
        }
        self.tree.each(list);
        self.each_slots.push(slot);
        self.each.get_or_insert_default().add(inside, slot, path)
    }
}

/// The parser.
#[derive(Debug)]
pub(super) struct NestedParser {
    columns: ColumnParser,
    nest: Nest,
}

/// What is used again from record to record.
struct Reading<'a> {
    parser: &'a NestedParser,
    builder: ChunkBuilder<'a>,
    zone: ZoneCache,
    leaves: Leaves,
    list: FieldList,
    quotes: Vec<u8>,
    levels_cut: u64,
}

const OTHER_KIND: &str = "record of another kind, left out by [where]";

impl NestedParser {
    pub(super) fn new(columns: ColumnParser, nest: Nest) -> Self {
        Self { columns, nest }
    }

    fn slots(&self) -> usize {
        self.columns.plan.columns.len() - self.nest.width
    }

    fn lines(&self, bytes: &[u8], reading: &mut Reading<'_>) {
        let mut offset = 0;
        for index in 0.. {
            let rest = &bytes[offset..];
            if rest.is_empty() {
                break;
            }
            let (length, next) = record_end(rest, false).unwrap_or((rest.len(), rest.len()));
            let line = &rest[..length];
            reading.builder.begin(index);
            let outcome = reading.builder.admit(index).and_then(|()| reading.json(line));
            reading.end(outcome, offset, line);
            offset += next;
        }
    }
}

impl Reading<'_> {
    /// Ends a record.
    fn end(&mut self, outcome: Result<Option<&'static str>, Fault>, offset: usize, raw: &[u8]) {
        match outcome {
            Ok(None) => {
                self.builder.store();
                self.levels_cut += self.leaves.levels_cut;
            }
            Ok(Some(rule)) => self.builder.skip(rule),
            Err(_) if header::is_blank(raw) => self.builder.skip("blank line"),
            Err(_) if self.parser.columns.plan.header.as_deref() == Some(raw) => self.builder.skip("header"),
            Err(fault) => self.builder.reject(offset, raw, &fault),
        }
    }

    /// The rows of a JSON line.
    fn json(&mut self, line: &[u8]) -> Result<Option<&'static str>, Fault> {
        let nest = &self.parser.nest;
        self.leaves.clear(self.parser.slots());
        let mut reader = Reader::new(line);
        let value = reader.value()?;
        if !matches!(value, Value::Object | Value::Array) {
            return Err(Fault::new("", "a JSON object or list"));
        }
        nest.tree.take(&mut reader, value, &mut self.leaves)?;
        reader.end()?;
        self.flatten(None);
        if !self.is_wanted() {
            return Ok(Some(OTHER_KIND));
        }
        let Some(each) = &nest.each else {
            return self.row();
        };
        let Some(at) = self.leaves.each_at else {
            return Ok(None);
        };
        // Its depth was found to be within the limit when it was read past.
        reader.seek(at, 1);
        let mut first = true;
        while reader.element(&mut first)? {
            for slot in &nest.each_slots {
                self.leaves.forget(*slot);
            }
            let value = reader.value()?;
            each.take(&mut reader, value, &mut self.leaves)?;
            self.flatten(None);
            self.row()?;
        }
        Ok(None)
    }

    /// The row of a delimited record.
    fn delimited(&mut self, record: &Record<'_>) -> Result<Option<&'static str>, Fault> {
        let nest = &self.parser.nest;
        let fields =
            record.fields.ok_or_else(|| Fault::new("", "quotes around whole fields, closed on the same record"))?;
        if fields.len() != nest.width {
            return Err(wrong_count(nest.width, fields.len()));
        }
        if self.parser.columns.plan.header.as_deref() == Some(record.raw) {
            return Ok(Some("header"));
        }
        self.leaves.clear(self.parser.slots());
        self.flatten(Some(&fields));
        if !self.is_wanted() {
            return Ok(Some(OTHER_KIND));
        }
        for (column, name) in &nest.cells {
            let cell = fields.get(*column);
            let json = as_json(cell, &mut self.quotes);
            nest.tree.take_text(json, name, &mut self.leaves).map_err(|fault| {
                let column = if fault.column().is_empty() { name.clone() } else { fault.column().to_owned() };
                Fault::got(column, fault.reason().trim_start_matches("expected "), cell)
            })?;
        }
        self.flatten(Some(&fields));
        self.row()
    }

    /// Puts the fields of the plan together: those of the record, then those that paths found.
    fn flatten(&mut self, fields: Option<&Fields<'_>>) {
        self.list.clear();
        for column in 0..self.parser.nest.width {
            self.list.push(fields.map_or(&b""[..], |f| f.get(column)));
        }
        for slot in 0..self.parser.slots() {
            self.list.push(self.leaves.get(slot));
        }
    }

    fn is_wanted(&self) -> bool {
        let fields = self.list.fields();
        let is_one_of = |text: &[u8], words: &[Vec<u8>]| words.iter().any(|word| word == text);
        self.parser.nest.conditions.iter().all(|(column, words)| is_one_of(fields.get(*column), words))
    }

    fn row(&mut self) -> Result<Option<&'static str>, Fault> {
        self.parser.columns.row(&self.list.fields(), &mut self.builder, &mut self.zone)?;
        Ok(None)
    }
}

/// A list as Python prints it, with single quotes, as JSON has it; other text as it is.
fn as_json<'a>(cell: &'a [u8], buffer: &'a mut Vec<u8>) -> &'a [u8] {
    if !cell.contains(&b'\'') || cell.contains(&b'"') {
        return cell;
    }
    buffer.clear();
    buffer.extend(cell.iter().map(|b| if *b == b'\'' { b'"' } else { *b }));
    buffer
}

impl ChunkParser for NestedParser {
    fn framing(&self) -> Framing {
        Framing::Lines { quoted: self.columns.plan.quoted }
    }

    fn parse(&self, chunk: Chunk<'_>) -> Result<ParsedChunk> {
        let plan = &self.columns.plan;
        let mut reading = Reading {
            parser: self,
            builder: self.columns.builder(chunk, plan.table),
            zone: ZoneCache::new(plan.tz.clone()),
            leaves: Leaves::default(),
            list: FieldList::default(),
            quotes: Vec::new(),
            levels_cut: 0,
        };
        if self.nest.width == 0 {
            self.lines(chunk.bytes, &mut reading);
        } else {
            Splitter::new(plan.delimiter, plan.quoted).split(chunk.bytes, |record| {
                reading.builder.begin(record.index);
                let outcome = reading.builder.admit(record.index).and_then(|()| reading.delimited(&record));
                reading.end(outcome, record.offset, record.raw);
            });
        }
        let Reading { mut builder, levels_cut, .. } = reading;
        builder.note("levels beyond --levels, left out", levels_cut);
        Ok(builder.finish())
    }

    fn record_rule(&self) -> &'static str {
        if self.nest.each.is_some() { "every element of the record's list is one row" } else { "one record is one row" }
    }

    fn table_facts(&self, table: RawTable) -> TableFacts {
        self.columns.table_facts(table)
    }

    fn field_form(&self) -> FieldForm {
        if self.nest.width == 0 { FieldForm::Json } else { FieldForm::Delimited(self.columns.plan.delimiter) }
    }
}
