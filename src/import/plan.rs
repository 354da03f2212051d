//! What to do with one partition: nothing, refuse it, or write some of its tables.
//!
//! In come the partition's sections of the sorted runs and what the store holds of it; out comes a [`Plan`] that a
//! worker can carry out without asking again. Nothing is written here.

use std::sync::Arc;

use super::intake::SourceFacts;
use super::options::Overlap;
use super::stored::StoredTable;
use crate::error::Result;
use crate::limits;
use crate::partition::{Facts, Part, PartitionSections, TableShape};
use crate::schema::{Clock, PartitionKey, RawTable};
use crate::store::{Manifest, SourceRef, Store, Tree};

/// How a table is written.
#[derive(Debug)]
pub(crate) enum Action {
    /// It is new: segment 0 of the new rows.
    Create,
    /// The new rows follow all stored ones: one more segment, in the stored shape.
    Append {
        /// Number of the new segment.
        segment: u32,
        /// Rows stored before it.
        first_row: u64,
    },
    /// Stored and new rows are written as one file.
    Rewrite(Box<StoredTable>),
}

/// One table to write.
#[derive(Debug)]
pub(crate) struct TablePlan<'r> {
    pub(crate) table: RawTable,
    pub(crate) parts: Vec<Part<'r>>,
    pub(crate) shape: TableShape,
    /// Rows are ordered by their sequence numbers among equal clocks.
    pub(crate) sequenced: bool,
    pub(crate) action: Action,
    pub(crate) clock: Clock,
    pub(crate) channel: String,
    pub(crate) tz: String,
    /// By source of the import: the partition's ordinal, or `None` if its rows are left out.
    pub(crate) ordinals: Vec<Option<u32>>,
    pub(crate) mixing: Mixing,
}

/// What happens where new rows lie among stored ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mixing {
    /// They do not, or both stay.
    Both,
    /// New rows in this clock range are skipped.
    SkipNew(ClockRange),
    /// Stored rows in this clock range go.
    DropStored(ClockRange),
    /// New rows that are stored already are skipped.
    Union,
}

/// One partition to write.
#[derive(Debug)]
pub(crate) struct Plan<'r> {
    /// The manifest that the store holds.
    pub(crate) before: Option<Manifest>,
    pub(crate) key: PartitionKey,
    pub(crate) date_tz: String,
    /// All sources of the partition by ordinal, the new ones last.
    pub(crate) sources: Vec<SourceRef>,
    pub(crate) tables: Vec<TablePlan<'r>>,
}

/// Why rows of a source are not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LeftOut {
    Dropped,
    Already,
    Overlapping,
    Refused,
}

/// What becomes of a partition, with the rows that are left out by (source, table).
#[derive(Debug)]
pub(crate) struct Decision<'r> {
    pub(crate) plan: Option<Plan<'r>>,
    pub(crate) refused: Option<String>,
    pub(crate) left_out: Vec<(u32, RawTable, LeftOut, u64)>,
}

/// Decides about one partition.
///
/// # Errors
/// `Damage`, `Io` of what is stored.
pub(crate) fn decide<'r>(
    store: &Store,
    sections: PartitionSections<'r>,
    sources: &[SourceFacts],
    overlap: Overlap,
    kept: &[String],
) -> Result<Decision<'r>> {
    let before = store.manifest(&Tree::Raw, &sections.key)?;
    let known: Vec<SourceRef> = before.as_ref().map(|m| m.sources.clone()).unwrap_or_default();
    let mut decision = Decision { plan: None, refused: None, left_out: Vec::new() };
    let fate = |source: u32| match sources.get(source as usize) {
        Some(facts) if facts.dropped => Some(LeftOut::Dropped),
        Some(facts) if known.iter().any(|s| s.digest == facts.digest) => Some(LeftOut::Already),
        _ => None,
    };
    let mut tables = Vec::new();
    for (table, parts) in sections.tables {
        let mut candidate = Candidate { table, parts, by_source: Vec::new(), has_sequence: false, sequenced: true };
        candidate.gather();
        candidate.by_source.retain(|(source, facts)| {
            let out = fate(*source);
            decision.left_out.extend(out.map(|why| (*source, table, why, facts.rows)));
            out.is_none()
        });
        candidate.parts.retain(|part| part.section.facts.iter().any(|(source, _)| fate(*source).is_none()));
        candidate.find_order(&fate);
        if !candidate.by_source.is_empty() {
            tables.push(candidate);
        }
    }
    let mut planner = Planner { store, before, known, sources, overlap, kept, key: sections.key, left_out: Vec::new() };
    match planner.plan(&tables)? {
        Verdict::Write(plan) => {
            decision.left_out.append(&mut planner.left_out);
            decision.plan = plan;
        }
        Verdict::Refuse(reason) => {
            let rows = tables.iter().flat_map(|t| t.by_source.iter().map(|(s, f)| (*s, t.table, f.rows)));
            decision.left_out.extend(rows.map(|(source, table, rows)| (source, table, LeftOut::Refused, rows)));
            decision.refused = Some(reason);
        }
    }
    Ok(decision)
}

/// The plan of one table by itself: what an import of the sources that have an ordinal does with it over what is stored of
/// it, and the zone of the partition's date. `None` if nothing is written.
///
/// # Errors
/// Why the import would be refused.
pub(crate) fn decide_table<'r>(
    (store, key): (&Store, &PartitionKey),
    (table, parts): (RawTable, Vec<Part<'r>>),
    (stored, kept): (Option<StoredTable>, Arc<[String]>),
    (sources, ordinals): (&[SourceFacts], &[Option<u32>]),
    overlap: Overlap,
) -> Result<Option<(TablePlan<'r>, String)>, String> {
    let is_mine = |source: u32| ordinals.get(source as usize).copied().flatten().is_some();
    let mut candidate = Candidate { table, parts, by_source: Vec::new(), has_sequence: false, sequenced: true };
    candidate.gather();
    candidate.by_source.retain(|(source, _)| is_mine(*source));
    candidate.parts.retain(|part| part.section.facts.iter().any(|(source, _)| is_mine(*source)));
    candidate.find_order(&|source| (!is_mine(source)).then_some(LeftOut::Already));
    let (before, known, left_out) = (None, Vec::new(), Vec::new());
    let mut planner = Planner { store, before, known, sources, overlap, kept: &kept, key: key.clone(), left_out };
    let mut date_tz = String::new();
    let screened = planner.screen(&candidate, (stored, Arc::clone(&kept)), &mut date_tz)?;
    let is_written = !screened.kept.is_empty();
    Ok(is_written.then(|| (planner.table(&candidate, screened, ordinals), date_tz)))
}

/// A table with new rows.
#[derive(Debug)]
struct Candidate<'r> {
    table: RawTable,
    parts: Vec<Part<'r>>,
    /// Facts of all sections, by source in order.
    by_source: Vec<(u32, Facts)>,
    has_sequence: bool,
    sequenced: bool,
}

impl Candidate<'_> {
    fn gather(&mut self) {
        for (source, facts) in self.parts.iter().flat_map(|part| &part.section.facts) {
            match self.by_source.binary_search_by_key(source, |(s, _)| *s) {
                Ok(at) => self.by_source[at].1.merge(facts),
                Err(at) => self.by_source.insert(at, (*source, facts.clone())),
            }
        }
    }

    fn find_order(&mut self, fate: &impl Fn(u32) -> Option<LeftOut>) {
        for part in &self.parts {
            if part.section.facts.iter().any(|(source, _)| fate(*source).is_none()) {
                self.has_sequence |= part.section.id.sequenced;
                self.sequenced &= part.section.id.sequenced;
            }
        }
    }
}

/// What the planner says of a partition.
#[expect(clippy::large_enum_variant, reason = "one exists at a time and it is moved once")]
enum Verdict<'r> {
    /// Write this, or nothing.
    Write(Option<Plan<'r>>),
    /// Leave it as it is, for this reason.
    Refuse(String),
}

/// Clocks from the first to the last, both included.
pub(crate) type ClockRange = (i64, i64);

/// A table whose sources were judged.
#[derive(Debug)]
struct Screened {
    /// Sources whose rows are written.
    kept: Vec<u32>,
    mixing: Mixing,
    stored: Option<StoredTable>,
    /// Names of the source columns that its rows, new and stored, may keep.
    kept_columns: Arc<[String]>,
}

struct Planner<'a> {
    store: &'a Store,
    before: Option<Manifest>,
    known: Vec<SourceRef>,
    sources: &'a [SourceFacts],
    overlap: Overlap,
    /// Names of the source columns that the run keeps.
    kept: &'a [String],
    key: PartitionKey,
    left_out: Vec<(u32, RawTable, LeftOut, u64)>,
}

impl Planner<'_> {
    fn plan<'r>(&mut self, tables: &[Candidate<'r>]) -> Result<Verdict<'r>> {
        let mut plan = Plan {
            before: None,
            key: self.key.clone(),
            date_tz: self.before.as_ref().map(|m| m.date_tz.clone()).unwrap_or_default(),
            sources: self.known.clone(),
            tables: Vec::new(),
        };
        let mut screened = Vec::new();
        for candidate in tables {
            let mut kept = self.kept.to_vec();
            let stored = match &self.before {
                Some(manifest) => StoredTable::open(self.store, manifest, candidate.table, &mut kept)?,
                None => None,
            };
            if kept.len() > limits::KEPT_COLUMNS {
                let table = candidate.table.name();
                return Ok(Verdict::Refuse(format!("{table} would keep more than {} columns", limits::KEPT_COLUMNS)));
            }
            match self.screen(candidate, (stored, kept.into()), &mut plan.date_tz) {
                Ok(table) => screened.push((candidate, table)),
                Err(reason) => return Ok(Verdict::Refuse(reason)),
            }
        }
        // Ordinals are the partition's, so they are given once all its tables are known.
        let mut writing: Vec<u32> = screened.iter().flat_map(|(_, table)| table.kept.iter().copied()).collect();
        writing.sort_unstable();
        writing.dedup();
        let mut ordinals = vec![None; self.sources.len()];
        for source in &writing {
            if let Some(facts) = self.sources.get(*source as usize) {
                ordinals[*source as usize] = u32::try_from(plan.sources.len()).ok();
                plan.sources.push(SourceRef { digest: facts.digest });
            }
        }
        for (candidate, table) in screened {
            if !table.kept.is_empty() {
                plan.tables.push(self.table(candidate, table, &ordinals));
            }
        }
        plan.before = self.before.take();
        Ok(Verdict::Write((!plan.tables.is_empty()).then_some(plan)))
    }

    /// Which sources of a table are written, and the clock range whose rows are skipped; or why the partition is refused.
    fn screen(
        &mut self,
        candidate: &Candidate<'_>,
        (stored, kept_columns): (Option<StoredTable>, Arc<[String]>),
        date_tz: &mut String,
    ) -> Result<Screened, String> {
        let table = candidate.table;
        let first = candidate.by_source.first().and_then(|(s, _)| self.facts(*s, table));
        let channel =
            stored.as_ref().map(|s| s.channel.clone()).or_else(|| first.map(|f| f.channel.clone())).unwrap_or_default();
        let clock = stored.as_ref().map(|s| s.clock).or_else(|| first.map(|f| f.clock)).unwrap_or(Clock::Event);
        let range = stored.as_ref().map(|s| (s.facts.min_clock, s.facts.max_clock));
        let (mut kept, mut mixing) = (Vec::new(), Mixing::Both);
        let new = candidate.by_source.iter().map(|(_, f)| (f.min_clock, f.max_clock));
        let new = new.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))).unwrap_or((0, 0));
        for (source, facts) in &candidate.by_source {
            let said = self.facts(*source, table);
            let Some(said) = said.cloned() else { continue };
            if date_tz.is_empty() {
                date_tz.clone_from(&said.date_tz);
            }
            if *date_tz != said.date_tz {
                return Err(format!(
                    "its dates are of the zone {date_tz}, those of the source of {}; give --date-tz",
                    said.date_tz
                ));
            }
            if clock != said.clock {
                return Err(format!(
                    "{} is ordered by the {} clock, the source by the {} clock; give --clock",
                    table.name(),
                    clock.name(),
                    said.clock.name()
                ));
            }
            let foreign = channel != said.channel;
            let covers = range.filter(|(min, max)| facts.min_clock <= *max && facts.max_clock >= *min);
            if foreign || covers.is_some() {
                let inside = covers.is_some_and(|(min, max)| facts.min_clock >= min && facts.max_clock <= max);
                // Rows of two channels never stand in one table: only all of the stored ones can be replaced.
                let replaces_all = range.is_some_and(|(min, max)| new.0 <= min && new.1 >= max);
                match self.overlap {
                    Overlap::Skip if foreign || inside => {
                        self.left_out.push((*source, table, LeftOut::Overlapping, facts.rows));
                        continue;
                    }
                    Overlap::Skip => mixing = range.map_or(Mixing::Both, Mixing::SkipNew),
                    Overlap::Replace if !foreign || replaces_all => mixing = Mixing::DropStored(new),
                    Overlap::Union if !foreign => mixing = Mixing::Union,
                    _ => return Err(self.overlap_reason(table, *source, foreign.then_some((&channel, &said.channel)))),
                }
            }
            kept.push(*source);
        }
        Ok(Screened { kept, mixing, stored, kept_columns })
    }

    fn overlap_reason(&self, table: RawTable, source: u32, channels: Option<(&String, &String)>) -> String {
        let path = self.sources.get(source as usize).map(|s| s.path.display().to_string()).unwrap_or_default();
        let table = table.name();
        match channels {
            Some((stored, new)) => format!(
                "{table} holds rows of the channel {stored}, {path} is of the channel {new}; \
                --overlap skip leaves them out, replace takes them if they cover the stored ones"
            ),
            None => format!(
                "rows of {path} lie in the clock range of the stored rows of {table}; --overlap skip leaves \
                them out, replace puts them in place of the stored ones, union adds those that are not stored"
            ),
        }
    }

    fn facts(&self, source: u32, table: RawTable) -> Option<&crate::vendor::TableFacts> {
        self.sources.get(source as usize)?.tables.get(&table)
    }

    fn table<'r>(&self, candidate: &Candidate<'r>, screened: Screened, ordinals: &[Option<u32>]) -> TablePlan<'r> {
        let Screened { kept, mixing, stored, kept_columns } = screened;
        let table = candidate.table;
        let mut facts = Facts::default();
        for (_, theirs) in candidate.by_source.iter().filter(|(source, _)| kept.contains(source)) {
            facts.merge(theirs);
        }
        let said = kept.first().and_then(|source| self.facts(*source, table)).cloned();
        let (clock, channel, tz) =
            said.map_or((Clock::Event, String::new(), String::new()), |f| (f.clock, f.channel, f.tz));
        let mut plan = TablePlan {
            table,
            parts: candidate.parts.clone(),
            shape: TableShape::of(table, &facts, candidate.has_sequence, Arc::clone(&kept_columns)),
            sequenced: candidate.sequenced,
            action: Action::Create,
            clock,
            channel,
            tz,
            ordinals: ordinals.iter().enumerate().map(|(s, o)| o.filter(|_| kept.contains(&(s as u32)))).collect(),
            mixing,
        };
        let Some(stored) = stored else { return plan };
        if !matches!(mixing, Mixing::DropStored(_)) {
            plan.channel.clone_from(&stored.channel);
        }
        plan.clock = stored.clock;
        let sequenced = candidate.sequenced && stored.sequenced;
        plan.sequenced = sequenced;
        let follows = mixing == Mixing::Both && facts.min_clock > stored.facts.max_clock;
        let same_schema = stored.shape.fits(&facts, candidate.has_sequence);
        if follows && same_schema && sequenced == stored.sequenced {
            plan.shape = stored.shape.clone();
            plan.action = Action::Append { segment: stored.last_segment + 1, first_row: stored.rows() };
            return plan;
        }
        plan.tz.clone_from(&stored.tz);
        facts.merge(&stored.facts);
        plan.shape = TableShape::of(table, &facts, candidate.has_sequence || stored.has_sequence, kept_columns);
        plan.action = Action::Rewrite(Box::new(stored));
        plan
    }
}
