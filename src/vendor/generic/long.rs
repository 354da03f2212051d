//! Books in long form: a record is one level of one side, and the records of a snapshot follow each other.
//!
//! In: records with side, price, size and perhaps the number of the level. Records of equal times, sequence, venue and security
//! (as written) make one row. Without a number, the levels of a side are ordered by price, best first. A snapshot with a record
//! that cannot be read is refused whole: a level less would be another book. A line that is no record counts to the snapshot
//! before it. Chunks never cut a snapshot ([`crate::input::Grouping`]).

use std::sync::Arc;

use memchr::{memchr, memrchr};

use super::snapshot::{Level, Snapshot};
use crate::error::Result;
use crate::input::{GroupLine, Grouping};
use crate::normalize::{ChunkBuilder, Fault, ParsedChunk, SCALE_NULL, Times, ZoneCache};
use crate::parse::csv::{Fields, Record, Splitter};
use crate::schema::RawTable;
use crate::units::Side;
use crate::vendor::cells::Cells;
use crate::vendor::columns::{ColumnParser, Role, wrong_count};
use crate::vendor::{Chunk, ChunkParser, Framing, SourceColumns, TableFacts, header};

/// The parser.
#[derive(Debug)]
pub(super) struct LongParser {
    /// Reads a record as if it were a level change.
    columns: ColumnParser,
    rule: Arc<KeyRule>,
    side: u16,
    level: Option<u16>,
    /// Number of the best level.
    base: u16,
    kept: u16,
}

/// What tells one snapshot from the next: these columns, as they are written.
#[derive(Debug)]
struct KeyRule {
    delimiter: u8,
    width: usize,
    columns: Vec<u16>,
}

impl KeyRule {
    /// Puts the key of a record's fields into `out`.
    fn key(&self, fields: &Fields<'_>, out: &mut Vec<u8>) {
        out.clear();
        for column in &self.columns {
            out.extend_from_slice(fields.get(usize::from(*column)));
            out.push(b'\n');
        }
    }

    /// The key of a line, if it is a record.
    fn key_of(&self, line: &[u8]) -> Option<Vec<u8>> {
        if memchr(b'"', line).is_none() {
            return self.plain_key_of(line);
        }
        let mut key = None;
        Splitter::new(self.delimiter, false).split(line, |record| {
            key = record.fields.filter(|f| f.len() == self.width).map(|fields| {
                let mut key = Vec::new();
                self.key(&fields, &mut key);
                key
            });
        });
        key
    }

    /// The same for a line without quotes: a splitter takes longer to make than such a line to split.
    fn plain_key_of(&self, line: &[u8]) -> Option<Vec<u8>> {
        self.key_among(line).and_then(|(key, fields)| (fields == self.width).then_some(key))
    }

    /// The key of a line of which only the first bytes are there, if all its fields end in them and none is quoted.
    fn cut_key_of(&self, line: &[u8]) -> Option<Vec<u8>> {
        let whole = &line[..memrchr(self.delimiter, line)?];
        if memchr(b'"', whole).is_some() { None } else { self.key_among(whole).map(|(key, _)| key) }
    }

    /// The key among fields without quotes, and how many they are.
    fn key_among(&self, line: &[u8]) -> Option<(Vec<u8>, usize)> {
        let mut key = Vec::new();
        let (mut wanted, mut fields) = (self.columns.iter().peekable(), 0);
        for field in line.split(|byte| *byte == self.delimiter) {
            if wanted.next_if(|column| usize::from(**column) == fields).is_some() {
                key.extend_from_slice(field);
                key.push(b'\n');
            }
            fields += 1;
        }
        wanted.peek().is_none().then_some((key, fields))
    }
}

impl Grouping for KeyRule {
    fn joins(&self, before: GroupLine<'_>, record: GroupLine<'_>) -> bool {
        let key = |line: GroupLine<'_>| if line.is_cut { self.cut_key_of(line.bytes) } else { self.key_of(line.bytes) };
        // A line that is no record says nothing of where it belongs.
        match (key(before), key(record)) {
            (Some(before), Some(record)) => before == record,
            _ => true,
        }
    }
}

/// A record of the snapshot that is being read.
struct Member {
    index: u64,
    offset: usize,
    length: usize,
    read: Result<Level, Fault>,
}

/// What a snapshot's first record says for all of them.
struct Head {
    times: Times,
    sequence: Option<u64>,
    venue: Vec<u8>,
    security: Vec<u8>,
}

/// A chunk that is being read.
struct Reading<'a> {
    parser: &'a LongParser,
    bytes: &'a [u8],
    builder: ChunkBuilder<'a>,
    zone: ZoneCache,
    key: Vec<u8>,
    /// Of the record at hand, to be compared.
    new_key: Vec<u8>,
    head: Option<Result<Head, Fault>>,
    members: Vec<Member>,
    snapshot: Snapshot,
    levels_cut: u64,
    deepest: u16,
}

impl LongParser {
    /// Of a plan for level changes. `base` is the number of the best level.
    pub(super) fn new(columns: ColumnParser, base: u16, kept: u16) -> Self {
        let at = |is: fn(&Role) -> bool| (0_u16..).zip(&columns.plan.columns).find(|(_, c)| is(&c.1)).map(|(at, _)| at);
        let side = at(|role| matches!(role, Role::Side(_))).unwrap_or(0);
        let level = at(|role| *role == Role::Level);
        let key = |role: &Role| {
            matches!(role, Role::Event(_) | Role::Recv(_) | Role::Part { .. })
                || matches!(role, Role::Sequence | Role::Venue | Role::Security)
        };
        let named = (0_u16..).zip(&columns.plan.columns).filter(|(_, column)| key(&column.1));
        let rule = Arc::new(KeyRule {
            delimiter: columns.plan.delimiter,
            width: columns.plan.columns.len(),
            columns: named.map(|(at, _)| at).collect(),
        });
        Self { columns, rule, side, level, base, kept }
    }

    /// The level of a record.
    fn level(&self, fields: &Fields<'_>) -> Result<Level, Fault> {
        let mut level = Level { is_ask: false, number: None, values: [0; 2], scales: [SCALE_NULL; 2] };
        let plain = Cells::default();
        let cells = self.columns.plan.cells.as_deref().unwrap_or(&plain);
        let text = fields.get(usize::from(self.side));
        level.is_ask = match cells.side(cells.text(text), RawTable::Deltas) {
            code if code == Side::Buy.code() => false,
            code if code == Side::Sell.code() => true,
            _ => return Err(Fault::got(self.columns.name(self.side), "a word for bid or ask", text)),
        };
        if let Some(column) = self.level {
            let text = fields.get(usize::from(column));
            let number = std::str::from_utf8(text).ok().and_then(|t| t.trim().parse::<u16>().ok());
            let number = number.and_then(|n| n.checked_sub(self.base)).ok_or_else(|| {
                Fault::got(self.columns.name(column), format_args!("a level from {}", self.base), text)
            })?;
            level.number = Some(number);
        }
        self.columns.put_cells(fields, cells, &mut level.values, &mut level.scales)?;
        Ok(level)
    }
}

impl Reading<'_> {
    fn record(&mut self, record: &Record<'_>) {
        let plan = &self.parser.columns.plan;
        let is_header = plan.header.as_deref() == Some(record.raw);
        if is_header || header::is_blank(record.raw) {
            if is_header {
                self.close();
            }
            self.builder.begin(record.index);
            self.builder.skip(if is_header { "header" } else { "blank line" });
            return;
        }
        let (index, offset, length) = (record.index, record.offset, record.raw.len());
        let read = match record.fields {
            Some(fields) if fields.len() == plan.columns.len() => {
                self.parser.rule.key(&fields, &mut self.new_key);
                if self.head.is_none() || self.new_key != self.key {
                    self.close();
                    std::mem::swap(&mut self.key, &mut self.new_key);
                    self.head = Some(self.head(&fields));
                }
                self.builder.admit(index).and_then(|()| self.parser.level(&fields))
            }
            Some(fields) => Err(wrong_count(plan.columns.len(), fields.len())),
            None => Err(Fault::new("", "quotes around whole fields, closed on the same record")),
        };
        self.members.push(Member { index, offset, length, read });
    }

    fn head(&mut self, fields: &Fields<'_>) -> Result<Head, Fault> {
        let head = self.parser.columns.head(fields, &mut [0; 2], &mut self.zone)?;
        Ok(Head {
            times: head.times,
            sequence: head.sequence,
            venue: head.venue.to_vec(),
            security: head.security.to_vec(),
        })
    }

    /// Ends the snapshot: one row, or a reject for each of its records.
    fn close(&mut self) {
        let members = std::mem::take(&mut self.members);
        let Some(first) = members.first() else { return };
        self.builder.begin(first.index);
        match self.row(&members) {
            Ok(()) => {
                self.builder.store();
                for member in &members[1..] {
                    self.builder.begin(member.index);
                    self.builder.join();
                }
            }
            Err((at, fault)) => {
                let line = self.builder.line(members[at].index);
                let others = Fault::new("", format_args!("a whole snapshot: line {line} of it is refused"));
                for (number, member) in members.iter().enumerate() {
                    if number > 0 {
                        self.builder.begin(member.index);
                    }
                    let raw = &self.bytes[member.offset..member.offset + member.length];
                    let own = member.read.as_ref().err().or((number == at).then_some(&fault));
                    self.builder.reject(member.offset, raw, own.unwrap_or(&others));
                }
            }
        }
        self.head = None;
    }

    /// The row of a snapshot, or the number of the member at fault.
    fn row(&mut self, members: &[Member]) -> Result<(), (usize, Fault)> {
        let kept = usize::from(self.parser.kept);
        self.snapshot.clear();
        for (at, member) in members.iter().enumerate() {
            let level = member.read.as_ref().map_err(|fault| (at, fault.clone()))?;
            self.snapshot.add(*level, kept).map_err(|fault| (at, fault))?;
        }
        let head = match &self.head {
            Some(Ok(head)) => head,
            Some(Err(fault)) => return Err((0, fault.clone())),
            None => return Err((0, Fault::new("", "a record with a time"))),
        };
        let batch = self.builder.batch(0);
        let deepest = self.snapshot.write(kept, &mut batch.decimals, &mut batch.scales);
        let names = (&head.venue[..], &head.security[..]);
        self.builder.push_row(0, head.times, head.sequence, names, &[]).map_err(|fault| (0, fault))?;
        self.deepest = self.deepest.max(deepest.min(kept) as u16);
        self.levels_cut += self.snapshot.cut();
        Ok(())
    }
}

impl ChunkParser for LongParser {
    fn framing(&self) -> Framing {
        Framing::Lines { quoted: false }
    }

    fn grouping(&self) -> Option<Arc<dyn Grouping>> {
        Some(Arc::clone(&self.rule) as Arc<dyn Grouping>)
    }

    fn parse(&self, chunk: Chunk<'_>) -> Result<ParsedChunk> {
        let mut reading = Reading {
            parser: self,
            bytes: chunk.bytes,
            builder: self.columns.builder(chunk, RawTable::Book),
            zone: ZoneCache::new(self.columns.plan.tz.clone()),
            key: Vec::new(),
            new_key: Vec::new(),
            head: None,
            members: Vec::new(),
            snapshot: Snapshot::default(),
            levels_cut: 0,
            deepest: 0,
        };
        Splitter::new(self.columns.plan.delimiter, false).split(chunk.bytes, |record| reading.record(&record));
        reading.close();
        let Reading { mut builder, deepest, levels_cut, .. } = reading;
        builder.batch(0).levels = deepest;
        builder.note("levels beyond --levels, left out", levels_cut);
        Ok(builder.finish())
    }

    fn record_rule(&self) -> &'static str {
        "records that follow each other with the same times, sequence and names are the levels of one row"
    }

    fn table_facts(&self, table: RawTable) -> TableFacts {
        self.columns.table_facts(table)
    }

    fn columns(&self) -> Option<SourceColumns<'_>> {
        self.columns.columns()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_line_has_the_key_of_the_same_line_in_quotes() {
        let rule = KeyRule { delimiter: b';', width: 4, columns: vec![0, 3] };
        for (line, key) in [
            ("a;b;c;d", Some("a\nd\n")),
            (";;;", Some("\n\n")),
            ("a;b;c", None),
            ("a;b;c;d;e", None),
            ("", None),
            ("a,b,c,d", None),
        ] {
            let quoted = format!("\"{}\"", line.replace(';', "\";\""));
            let key = key.map(|key| key.as_bytes().to_vec());
            assert_eq!((rule.key_of(line.as_bytes()), rule.key_of(quoted.as_bytes())), (key.clone(), key), "{line}");
        }
    }
}
