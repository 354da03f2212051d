//! `--keep`: columns of a source that no rule of its dialect reads, kept beside the rows as they are written.
//!
//! In: a source that a dialect has opened, and the names to keep. Out: the same [`ChunkParser`], whose batches have the values
//! of each row's record. Delimited files keep columns of their header; messages keep members of their objects, `a.b` for a
//! member of a member. The records are read a second time for it: nobody pays who keeps nothing.

use std::sync::Arc;

use super::{Chunk, ChunkParser, Framing, TableFacts};
use crate::error::{Error, Result};
use crate::input::{Grouping, object_end};
use crate::limits;
use crate::normalize::{KeptValues, ParsedChunk};
use crate::parse::csv::Splitter;
use crate::parse::fields::FieldForm;
use crate::parse::tape::{Node, TapeReader};
use crate::schema::RawTable;

/// The columns of a delimited source, as its dialect found them.
#[derive(Clone, Debug)]
pub struct SourceColumns<'a> {
    /// The delimiter.
    pub delimiter: u8,
    /// Whether quoted fields may hold newlines.
    pub quoted: bool,
    /// Their names, in order.
    pub names: Vec<&'a str>,
    /// Rows are put back as they were stored, so their record numbers are not those of this source; what stands behind
    /// the column `record` was kept before and is kept again.
    pub restores: bool,
}

/// Where the kept values of a source stand.
#[derive(Clone, Debug)]
enum Places {
    /// Number of the column for each name.
    Columns { delimiter: u8, quoted: bool, restores: bool, width: usize, at: Vec<Option<usize>> },
    /// Path of each name.
    Members(Vec<String>),
}

/// A parser whose rows keep columns.
#[derive(Debug)]
pub(crate) struct Keeping {
    inner: Arc<dyn ChunkParser>,
    places: Places,
    count: usize,
}

/// Why a value was left out.
const LEFT_OUT: &str = "kept values that are no text of at most 4,096 bytes, left out";

/// The names that a source has to keep: those asked for that it has, and those that were kept before.
pub(crate) fn names_of(parser: &dyn ChunkParser, head: &[u8], asked: &[String]) -> Vec<String> {
    let Some(columns) = parser.columns() else {
        let quoted = |name: &String| format!("\"{}\"", name.rsplit('.').next().unwrap_or(name));
        let is_there = |name: &&String| memchr::memmem::find(head, quoted(name).as_bytes()).is_some();
        return asked.iter().filter(is_there).cloned().collect();
    };
    let mut names: Vec<String> = asked.iter().filter(|name| columns.names.contains(&name.as_str())).cloned().collect();
    if columns.restores {
        let behind = columns.names.iter().skip_while(|name| **name != "record").skip(1);
        names.extend(behind.map(|name| (*name).to_owned()));
    }
    names
}

/// Checks the names that are asked for.
///
/// # Errors
/// `Usage` for one that a column of ours has, or that no column can have.
pub(crate) fn check(asked: &[String]) -> Result<()> {
    for name in asked {
        let ours = RawTable::ALL.iter().find(|t| t.columns(limits::LEVELS).iter().any(|c| c.name == *name));
        if let Some(table) = ours {
            return Err(Error::usage(
                format!("--keep {name}: {} has a column of that name", table.name()),
                "a mapping file says what becomes of the source's column",
            ));
        }
        if name.is_empty()
            || name.len() > limits::COLUMN_NAME_BYTES
            || name.bytes().any(|b| b < b' ' || b == b'"' || b == b',')
        {
            return Err(Error::usage(
                format!("--keep `{}`: no name of a column", name.escape_debug()),
                format!("a name has 1 to {} bytes, no comma and no quote", limits::COLUMN_NAME_BYTES),
            ));
        }
    }
    Ok(())
}

impl Keeping {
    /// Keeps `names`, which are those of the whole run: a source may lack some.
    pub(crate) fn new(inner: Arc<dyn ChunkParser>, names: &[String]) -> Self {
        let places = match inner.columns() {
            None => Places::Members(names.to_vec()),
            Some(columns) => Places::Columns {
                delimiter: columns.delimiter,
                quoted: columns.quoted,
                restores: columns.restores,
                width: columns.names.len(),
                at: names.iter().map(|name| columns.names.iter().position(|n| n == name)).collect(),
            },
        };
        Self { inner, places, count: names.len() }
    }

    /// The values of all records of a chunk, and how many were left out.
    fn values(&self, chunk: &Chunk<'_>) -> (KeptValues, u64) {
        let mut values = KeptValues::new(self.count);
        let mut left_out = 0;
        let mut push = |text: &[u8]| {
            let fits = text.len() <= limits::KEPT_BYTES && std::str::from_utf8(text).is_ok();
            left_out += u64::from(!fits);
            values.push(if fits { text } else { b"" });
        };
        match &self.places {
            Places::Columns { delimiter, quoted, restores, width, at } => {
                Splitter::new(*delimiter, *quoted).split(chunk.bytes, |record| {
                    let fields = record.fields.filter(|fields| fields.len() == *width);
                    for column in at {
                        let text = fields.zip(*column).map_or(&b""[..], |(fields, column)| fields.get(column));
                        push(if *restores { text } else { text.trim_ascii() });
                    }
                });
            }
            Places::Members(paths) => {
                let mut tape = TapeReader::new(true);
                records(chunk.bytes, self.inner.framing(), |record| {
                    let start = memchr::memchr(b'{', record).unwrap_or(record.len());
                    let read = tape.read(&record[start..], |root| paths.iter().for_each(|p| push(&member(root, p))));
                    if read.is_err() {
                        paths.iter().for_each(|_| push(b""));
                    }
                });
            }
        }
        (values, left_out)
    }
}

/// Hands out the records of a chunk, without their ends.
pub(super) fn records(bytes: &[u8], framing: Framing, mut each: impl FnMut(&[u8])) {
    let mut rest = bytes;
    while !rest.is_empty() {
        let end = match framing {
            Framing::Lines { quoted } => crate::parse::record_end(rest, quoted),
            Framing::Objects => object_end(rest).map(|end| (end, end)),
        };
        let (length, next) = end.unwrap_or((rest.len(), rest.len()));
        each(&rest[..length]);
        rest = &rest[next..];
    }
}

/// The scalar at a path, as it is written; empty where there is none.
fn member(root: Node<'_>, path: &str) -> Vec<u8> {
    let mut at = Some(root);
    for key in path.split('.') {
        at = at.and_then(|node| node.fields([key]).and_then(|[found]| found));
    }
    let word = |node: Node<'_>| node.flag().map(|flag| if flag { &b"true"[..] } else { b"false" }.to_vec());
    at.and_then(|node| node.scalar().map(std::borrow::Cow::into_owned).or_else(|| word(node))).unwrap_or_default()
}

impl ChunkParser for Keeping {
    fn framing(&self) -> Framing {
        self.inner.framing()
    }

    fn grouping(&self) -> Option<Arc<dyn Grouping>> {
        self.inner.grouping()
    }

    fn parse(&self, chunk: Chunk<'_>) -> Result<ParsedChunk> {
        let mut parsed = self.inner.parse(chunk)?;
        let (values, left_out) = self.values(&chunk);
        let restores = matches!(self.places, Places::Columns { restores: true, .. });
        for batch in &mut parsed.batches {
            let mut kept = KeptValues::new(self.count);
            for key in &batch.keys {
                // A row that is put back has its place in this source in `sub`.
                let record = match restores {
                    true => u64::from(key.sub.wrapping_sub(chunk.first_record as u32)),
                    false => key.record.wrapping_sub(chunk.first_record),
                };
                let record = usize::try_from(record).unwrap_or(usize::MAX / 128);
                (0..self.count).for_each(|column| kept.push(values.get(record, column)));
            }
            batch.kept = kept;
        }
        if left_out > 0 {
            *parsed.notes.entry(LEFT_OUT).or_default() += left_out;
        }
        Ok(parsed)
    }

    fn record_rule(&self) -> &'static str {
        self.inner.record_rule()
    }

    fn table_facts(&self, table: RawTable) -> TableFacts {
        self.inner.table_facts(table)
    }

    fn field_form(&self) -> FieldForm {
        self.inner.field_form()
    }

    fn partner_extra(&self) -> i64 {
        self.inner.partner_extra()
    }
}
