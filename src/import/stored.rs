//! What a partition holds already: facts of its tables, from their footers alone.

use super::readback::BlockReader;
use crate::error::{Error, Result};
use crate::partition::{DecimalFacts, Facts, Role, Run, RunBuffer, Scratch, TableShape};
use crate::read::TableReader;
use crate::schema::{Clock, LogicalType, PartitionKey, RawTable};
use crate::store::{Manifest, Segment, Store, Tree};

/// A table of a partition as it is stored.
#[derive(Debug)]
pub(crate) struct StoredTable {
    /// Its segments, in row order.
    pub(crate) segments: Vec<TableReader>,
    /// Shape of the last segment.
    pub(crate) shape: TableShape,
    /// Facts of all rows, from the footers.
    pub(crate) facts: Facts,
    /// Any row has a sequence number.
    pub(crate) has_sequence: bool,
    /// Every row has one.
    pub(crate) sequenced: bool,
    /// The clock that orders it.
    pub(crate) clock: Clock,
    /// Its channel.
    pub(crate) channel: String,
    /// Zone of zone-less times.
    pub(crate) tz: String,
    /// Number of the last segment.
    pub(crate) last_segment: u32,
}

impl StoredTable {
    /// Opens the segments of a table; `None` if the partition has none. Columns that it keeps are added to `kept`.
    ///
    /// # Errors
    /// `Damage`, `Io`; `Damage` also for a table that no import of ours wrote.
    pub(crate) fn open(
        store: &Store,
        manifest: &Manifest,
        table: RawTable,
        kept: &mut Vec<String>,
    ) -> Result<Option<Self>> {
        let open = |segment: &Segment| {
            Ok((TableReader::open(store.open_segment(&Tree::Raw, &manifest.key, segment)?)?, segment.segment))
        };
        Self::of(table, manifest.table(table.name()).map(open), kept)
    }

    /// The table of these files with their segment numbers, in row order.
    ///
    /// # Errors
    /// As [`StoredTable::open`].
    pub(crate) fn of(
        table: RawTable,
        readers: impl Iterator<Item = Result<(TableReader, u32)>>,
        kept: &mut Vec<String>,
    ) -> Result<Option<Self>> {
        let mut stored: Option<Self> = None;
        for opened in readers {
            let (reader, last_segment) = opened?;
            let shape = TableShape::of_schema(table, &reader.header().schema, kept).ok_or_else(|| {
                Error::damage("import", "a raw table's schema", format!("another one in {}", table.name()))
            })?;
            let (facts, has_sequence, sequenced) = footer_facts(&reader, &shape);
            let header = reader.header();
            let next = Self {
                clock: header.clock,
                channel: header.channel.clone(),
                tz: header.tz.clone(),
                segments: Vec::new(),
                shape,
                facts,
                has_sequence,
                sequenced,
                last_segment,
            };
            let whole = match stored.take() {
                None => Self { segments: vec![reader], ..next },
                Some(mut before) => {
                    before.facts.merge(&next.facts);
                    before.has_sequence |= next.has_sequence;
                    before.sequenced &= next.sequenced;
                    before.shape = next.shape;
                    before.last_segment = before.last_segment.max(next.last_segment);
                    before.segments.push(reader);
                    before
                }
            };
            stored = Some(whole);
        }
        Ok(stored)
    }

    /// Rows in all.
    pub(crate) fn rows(&self) -> u64 {
        self.segments.iter().map(TableReader::rows).sum()
    }

    /// Reads all rows back into sorted runs. Their sources are the partition's ordinals.
    ///
    /// # Errors
    /// `Damage`, `Io`.
    pub(crate) fn read_back(
        &self,
        key: &PartitionKey,
        sequenced: bool,
        kept: &[String],
        (bytes, scratch): (usize, &Scratch),
    ) -> Result<Vec<Run>> {
        let mut runs = Vec::new();
        let mut buffer = RunBuffer::new(bytes, sequenced);
        let mut rows = 0;
        let mut kept = kept.to_vec();
        for reader in &self.segments {
            let shape = TableShape::of_schema(self.shape.table, &reader.header().schema, &mut kept)
                .ok_or_else(|| Error::damage("import", "a raw table's schema", "another one"))?;
            let mut block_reader = BlockReader::new(reader, shape, rows);
            rows += reader.rows();
            for block in 0..reader.block_count() {
                for batch in block_reader.read(key, block)? {
                    let mut from = 0;
                    while from < batch.keys.len() {
                        from = buffer.push(&batch, from)?;
                        if from < batch.keys.len() {
                            runs.push(Run::spill(&mut buffer, scratch)?);
                        }
                    }
                }
            }
        }
        runs.push(Run::keep(buffer));
        Ok(runs)
    }
}

/// Facts of a file from its index: columns that are there have values, statistics give the clock range and how large
/// decimals are.
fn footer_facts(reader: &TableReader, shape: &TableShape) -> (Facts, bool, bool) {
    let mut facts = Facts { rows: reader.rows(), ..Facts::default() };
    let (mut has_sequence, mut sequenced) = (false, false);
    let clock_role = if reader.header().clock == Clock::Event { Role::Event } else { Role::Recv };
    for (column, (role, described)) in shape.roles.iter().zip(&shape.schema.columns).enumerate() {
        let entries = || (0..reader.block_count()).map(|block| reader.entry(block, column));
        match *role {
            Role::Event => facts.has_event = true,
            Role::Recv => facts.has_recv = true,
            Role::Sequence => {
                has_sequence = true;
                sequenced = entries().all(|entry| entry.nulls == 0);
            }
            Role::Int(k) => facts.ints |= 1 << k,
            Role::Id(k) => {
                facts.ids |= 1 << k;
                facts.text_ids |= u8::from(described.logical_type == LogicalType::Text) << k;
            }
            Role::Decimal(k) => {
                let mut decimal = DecimalFacts::NONE;
                for entry in entries().filter(|entry| entry.nulls < entry.rows) {
                    decimal.add(entry.min as i64, described.scale);
                    decimal.add(entry.max as i64, described.scale);
                }
                facts.decimals.resize(facts.decimals.len().max(k + 1), DecimalFacts::NONE);
                facts.decimals[k] = decimal;
            }
            Role::Kept(k) => {
                let bit = u32::try_from(k).ok().and_then(|k| 1_u64.checked_shl(k)).unwrap_or(0);
                facts.kept |= bit;
                facts.kept_text |= if described.logical_type == LogicalType::Text { bit } else { 0 };
            }
            Role::Source | Role::Record => {}
        }
        if *role == clock_role {
            for entry in entries().filter(|entry| entry.nulls < entry.rows) {
                facts.min_clock = facts.min_clock.min(entry.min as i64);
                facts.max_clock = facts.max_clock.max(entry.max as i64);
            }
        }
    }
    (facts, has_sequence, sequenced)
}
