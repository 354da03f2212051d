//! `--max-field`: a record with a longer field is a reject.
//!
//! In: a source that a dialect has opened. Out: the same [`ChunkParser`], told which records of a chunk it must refuse, so that
//! what belongs together with one - the other levels of a snapshot - goes with it. A record that is no longer than the limit has
//! no longer field: only longer ones are looked at, and a chunk that is no longer not at all.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::keep::records;
use super::{Chunk, ChunkParser, Framing, SourceColumns, TableFacts};
use crate::error::Result;
use crate::input::Grouping;
use crate::normalize::{Fault, ParsedChunk};
use crate::parse::csv::detect_delimiter;
use crate::parse::fields::{FieldForm, LongField, long_field};
use crate::schema::RawTable;

/// A parser of records whose fields have a limit.
#[derive(Debug)]
pub(super) struct Bounded {
    inner: Box<dyn ChunkParser>,
    field_bytes: usize,
}

impl Bounded {
    pub(super) fn new(inner: Box<dyn ChunkParser>, field_bytes: usize) -> Self {
        Self { inner, field_bytes }
    }

    /// The records of a chunk with a longer field, in order.
    fn refused(&self, chunk: &Chunk<'_>) -> Vec<(u64, Fault)> {
        let mut refused = BTreeMap::new();
        if chunk.partner.len() > self.field_bytes {
            // In the first chunk one of the two may have a header more.
            let extra = if chunk.first_record == 0 { self.inner.partner_extra() } else { 0 };
            let mut number = 0_u64;
            records(chunk.partner, self.framing(), |record| {
                let form = FieldForm::Delimited(detect_delimiter(record));
                if let (Some(found), Some(index)) =
                    (self.long_field(record, form), number.checked_add_signed(extra.saturating_neg()))
                {
                    refused.insert(index, self.fault("", &found));
                }
                number += 1;
            });
        }
        let form = self.inner.field_form();
        let names = self.inner.columns().map(|columns| columns.names).unwrap_or_default();
        let mut number = 0;
        records(chunk.bytes, self.framing(), |record| {
            if let Some(found) = self.long_field(record, form) {
                let key = String::from_utf8_lossy(found.key);
                let name = names.get(found.column).copied().filter(|_| form != FieldForm::Json);
                refused.insert(number, self.fault(name.unwrap_or(&key), &found));
            }
            number += 1;
        });
        refused.into_iter().collect()
    }

    fn long_field<'a>(&self, record: &'a [u8], form: FieldForm) -> Option<LongField<'a>> {
        long_field(record, form, self.field_bytes)
    }

    #[cold]
    fn fault(&self, name: &str, found: &LongField<'_>) -> Fault {
        let most = self.field_bytes;
        let expected = format!("a field of at most {most} bytes, got {}; --max-field raises the limit", found.bytes);
        Fault::new(name.to_owned(), expected)
    }
}

impl ChunkParser for Bounded {
    fn framing(&self) -> Framing {
        self.inner.framing()
    }

    fn grouping(&self) -> Option<Arc<dyn Grouping>> {
        self.inner.grouping()
    }

    fn parse(&self, chunk: Chunk<'_>) -> Result<ParsedChunk> {
        if chunk.bytes.len().max(chunk.partner.len()) <= self.field_bytes {
            return self.inner.parse(chunk);
        }
        let refused = self.refused(&chunk);
        self.inner.parse(Chunk { refused: &refused, ..chunk })
    }

    fn record_rule(&self) -> &'static str {
        self.inner.record_rule()
    }

    fn table_facts(&self, table: RawTable) -> TableFacts {
        self.inner.table_facts(table)
    }

    fn columns(&self) -> Option<SourceColumns<'_>> {
        self.inner.columns()
    }

    fn field_form(&self) -> FieldForm {
        self.inner.field_form()
    }

    fn partner_extra(&self) -> i64 {
        self.inner.partner_extra()
    }
}
