//! Open rows to an encoded block: the bytes that the table file will hold if nothing changes until then.

use std::sync::Arc;

use multiversion::multiversion;

use super::index::BlockIndex;
use super::open::{CLOCK, EVENT, FIXED, NULL, OpenRows, RECORD, RECV, SEQUENCE, SOURCE, SUB, first_decimal};
use super::spill::{Place, Spill};
use crate::codec::{BlockEncoder, ColumnValues};
use crate::error::Result;
use crate::format::BlockEntry;
use crate::normalize::SCALE_NULL;
use crate::partition::facts::{DecimalFacts, Facts};
use crate::partition::run::corrupt;
use crate::partition::schema::{Role, all_columns};
use crate::schema::{Column, LogicalType, RawTable};
use crate::units::POW10;
use crate::write;

/// An encoded column of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) role: Role,
    /// Scale of a decimal, else 0.
    pub(crate) scale: u8,
    /// Its index entry; `offset` is the place in the block's bytes.
    pub(crate) entry: BlockEntry,
    /// Content digest, with the rows numbered from the block's `first_row`.
    pub(crate) digest: u128,
}

/// An encoded block of a section, with its index behind it.
#[derive(Debug)]
pub(crate) struct Sealed {
    pub(crate) rows: usize,
    pub(crate) first_row: u64,
    /// Decimals up to the last that has a value.
    pub(super) decimals: usize,
    pub(crate) place: Place,
    /// Facts by source; those of a block that is finished are its section's.
    pub(super) facts: Vec<(u32, Facts)>,
    pub(crate) duplicates: u64,
}

impl Sealed {
    /// Bytes of all but the block itself.
    pub(super) fn index_bytes(&self) -> usize {
        let facts: usize = self.facts.iter().map(|(_, facts)| facts.bytes()).sum();
        size_of::<Self>() + facts
    }
}

/// Seals blocks; keeps its memory from block to block.
#[derive(Debug)]
pub(crate) struct Sealer {
    encoder: BlockEncoder,
    columns: Vec<(Column, Role)>,
    described: Option<(RawTable, usize)>,
    scaled: Vec<i64>,
    validity: Vec<u64>,
    spill: Arc<Spill>,
}

impl Sealer {
    pub(crate) fn new(spill: Arc<Spill>) -> Result<Self> {
        Ok(Self {
            encoder: write::cold_encoder()?,
            columns: Vec::new(),
            described: None,
            scaled: Vec::new(),
            validity: Vec::new(),
            spill,
        })
    }

    /// Encodes all rows, which are in order. `repeats` says whether the first has the content of the row before it.
    pub(super) fn seal(&mut self, open: &OpenRows, first_row: u64, repeats: bool) -> Result<Sealed> {
        self.describe(open.table, open.scales.len());
        let clocks = open.column(CLOCK).windows(2).map(|pair| pair[0] == pair[1]);
        let same = (1..).zip(clocks).filter(|(row, is_same)| *is_same && open.repeats(*row));
        let duplicates = same.count() as u64 + u64::from(repeats);
        let mut cells = Vec::with_capacity(self.columns.len());
        let mut bytes = Vec::with_capacity(open.rows * 24);
        let columns = std::mem::take(&mut self.columns);
        for (column, role) in &columns {
            let scale = match *role {
                Role::Decimal(k) => open.scales[k],
                _ => 0,
            };
            if scale != SCALE_NULL {
                let values = open.column(number_of(open.table, *role));
                cells.extend(self.cell(values, first_row, (column, *role, scale), &mut bytes)?);
            }
        }
        let extra = columns.last().map(|(column, role)| (column, *role, 0));
        let found = extra.map(|column| -> Result<_> {
            let clock = match clock_role(open) {
                Some(role) => cells.iter().find(|cell| cell.role == role).copied(),
                None => self.cell(open.column(CLOCK), first_row, column, &mut bytes)?,
            };
            Ok(clock.zip(self.cell(open.column(SUB), first_row, column, &mut bytes)?))
        });
        self.columns = columns;
        let (clock, sub) = found.transpose()?.flatten().ok_or_else(|| corrupt("rows without a clock"))?;
        let facts = facts(open, &cells);
        let ends = cells.iter().map(|cell| if let Role::Decimal(k) = cell.role { k + 1 } else { 0 });
        let decimals = ends.max().unwrap_or(0);
        BlockIndex { cells, clock, sub }.write_to(&mut bytes);
        let place = self.spill.keep(bytes)?;
        Ok(Sealed { rows: open.rows, first_row, decimals, place, facts, duplicates })
    }

    fn describe(&mut self, table: RawTable, decimals: usize) {
        if self.described != Some((table, decimals)) {
            self.columns = all_columns(table, levels_of(decimals));
            // A book's columns come in fours, a row's decimals may end between.
            self.columns.retain(|(_, role)| !matches!(role, Role::Decimal(k) if *k >= decimals));
            self.described = Some((table, decimals));
        }
    }

    /// Encodes a column unless it has no value.
    fn cell(
        &mut self,
        values: &[i64],
        first_row: u64,
        (column, role, scale): (&Column, Role, u8),
        bytes: &mut Vec<u8>,
    ) -> Result<Option<Cell>> {
        let rows = values.len();
        let nulls = if column.nullable { count_nulls(values) } else { 0 };
        if nulls == rows {
            return Ok(None);
        }
        self.validity.clear();
        if nulls > 0 {
            self.validity.extend(values.chunks(64).map(|chunk| {
                chunk.iter().enumerate().fold(0_u64, |word, (bit, v)| word | u64::from(*v != NULL) << bit)
            }));
        }
        let spare = if column.logical_type == LogicalType::Decimal { spare_zeros(values, scale) } else { 0 };
        let mut values = values;
        if spare > 0 {
            let unit = POW10[usize::from(spare)];
            self.scaled.clear();
            self.scaled.extend(values.iter().map(|v| if *v == NULL { NULL } else { v / unit }));
            values = &self.scaled;
        }
        let offset = bytes.len() as u64;
        let validity = (nulls > 0).then_some(self.validity.as_slice());
        let encoded = self.encoder.encode(column, first_row, rows, ColumnValues::I64 { values, validity }, bytes)?;
        let entry = BlockEntry { offset, ..encoded.entry };
        Ok(Some(Cell { role, scale: scale - spare, entry, digest: encoded.digest }))
    }
}

/// The column that is the clock; `None` if rows of both clocks stand together.
fn clock_role(open: &OpenRows) -> Option<Role> {
    let clocks = open.column(CLOCK);
    [(Role::Event, EVENT), (Role::Recv, RECV)]
        .into_iter()
        .find(|(_, at)| open.column(*at) == clocks)
        .map(|(role, _)| role)
}

/// How many values are missing.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2", "aarch64+neon"))]
fn count_nulls(values: &[i64]) -> usize {
    values.iter().fold(0_u64, |count, v| count.wrapping_add(u64::from(*v == NULL))) as usize
}

/// Decimals that all values leave at zero: the first value that has none settles it, in most blocks at once.
fn spare_zeros(values: &[i64], scale: u8) -> u8 {
    let mut spare = scale;
    for v in values.iter().filter(|v| **v != NULL) {
        while spare > 0 && v % POW10[usize::from(spare)] != 0 {
            spare -= 1;
        }
        if spare == 0 {
            break;
        }
    }
    spare
}

/// Where a role stands among the columns of open rows.
pub(super) fn number_of(table: RawTable, role: Role) -> usize {
    match role {
        Role::Event => EVENT,
        Role::Recv => RECV,
        Role::Sequence => SEQUENCE,
        Role::Source => SOURCE,
        Role::Record => RECORD,
        Role::Int(k) => FIXED + k,
        Role::Id(k) => FIXED + table.ints().len() + k,
        Role::Decimal(k) => first_decimal(table) + k,
        // Rows that keep columns take the general way: no such role is asked for.
        Role::Kept(_) => RECORD,
    }
}

/// Levels that so many decimals reach.
pub(super) fn levels_of(decimals: usize) -> u16 {
    u16::try_from(decimals.div_ceil(4)).unwrap_or(u16::MAX)
}

/// Facts of the rows by source: from the index entries where all rows are of one source, else row by row.
fn facts(open: &OpenRows, cells: &[Cell]) -> Vec<(u32, Facts)> {
    let sources = open.column(SOURCE);
    let Some(&first) = sources.first() else { return Vec::new() };
    if sources.iter().any(|source| *source != first) {
        return facts_by_row(open);
    }
    let clocks = open.column(CLOCK);
    let mut facts = Facts {
        rows: open.rows as u64,
        min_clock: clocks.first().copied().unwrap_or(i64::MAX),
        max_clock: clocks.last().copied().unwrap_or(i64::MIN),
        ..Facts::default()
    };
    for cell in cells {
        match cell.role {
            Role::Event => facts.has_event = true,
            Role::Recv => facts.has_recv = true,
            Role::Int(k) => facts.ints |= 1 << k,
            Role::Id(k) => facts.ids |= 1 << k,
            Role::Decimal(k) => {
                facts.decimals.resize(facts.decimals.len().max(k + 1), DecimalFacts::NONE);
                facts.decimals[k].add(cell.entry.min as i64, cell.scale);
                facts.decimals[k].add(cell.entry.max as i64, cell.scale);
            }
            Role::Sequence | Role::Source | Role::Record | Role::Kept(_) => {}
        }
    }
    vec![(first as u32, facts)]
}

fn facts_by_row(open: &OpenRows) -> Vec<(u32, Facts)> {
    let mut found: Vec<(u32, Facts)> = Vec::new();
    let (ints, ids) = (open.table.ints().len(), open.table.ids().len());
    for (row, source) in open.column(SOURCE).iter().enumerate() {
        let source = *source as u32;
        let at = found.iter().position(|(s, _)| *s == source).unwrap_or_else(|| {
            found.push((source, Facts::default()));
            found.len() - 1
        });
        let facts = &mut found[at].1;
        let value = |column: usize| Some(open.column(column)[row]).filter(|v| *v != NULL);
        facts.rows += 1;
        facts.min_clock = facts.min_clock.min(open.column(CLOCK)[row]);
        facts.max_clock = facts.max_clock.max(open.column(CLOCK)[row]);
        facts.has_event |= value(EVENT).is_some();
        facts.has_recv |= value(RECV).is_some();
        for k in 0..ints {
            facts.ints |= u8::from(value(FIXED + k).is_some()) << k;
        }
        for k in 0..ids {
            facts.ids |= u8::from(value(FIXED + ints + k).is_some()) << k;
        }
        for (k, &scale) in open.scales.iter().enumerate() {
            let Some(mantissa) = value(first_decimal(open.table) + k) else { continue };
            let short = crate::units::Decimal { mantissa, scale }.normal();
            facts.decimals.resize(facts.decimals.len().max(k + 1), DecimalFacts::NONE);
            facts.decimals[k].add(short.mantissa, short.scale);
        }
    }
    found
}
