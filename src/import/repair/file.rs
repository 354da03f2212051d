//! One file of a damaged partition, written again in staging from the rows of its sources.

use std::ops::Range;
use std::sync::Arc;

use super::wanted::Wanted;
use super::{Failed, Work};
use crate::error::Result;
use crate::format::SealedFile;
use crate::import::collect::Collector;
use crate::import::plan::{Action, Mixing, TablePlan};
use crate::import::publish::fingerprint;
use crate::import::segment::{Context, Kit, build};
use crate::partition::{Facts, Part, TableShape};
use crate::schema::RawTable;
use crate::store::{SourceRef, Staged};
use crate::write::Provenance;

/// The rows of one partition in the runs, by table.
pub(super) type Tables<'a, 'r> = &'a [(RawTable, Vec<Part<'r>>)];

/// A file that was written again.
pub(super) struct Made {
    pub(super) sealed: SealedFile,
    pub(super) staged: Staged,
    /// Zone of the partition's date.
    pub(super) date_tz: String,
}

impl Work<'_> {
    /// Writes a file from the rows of its sources; where these are not known for sure, from those that give its bytes.
    pub(super) fn write(
        &self,
        wanted: &Wanted,
        at: usize,
        tables: Tables<'_, '_>,
        collector: &Collector,
    ) -> Result<Made, Failed> {
        let why = |text: String| Err(Failed::Why(text));
        let file = &wanted.partition.files[at];
        let Some(table) = RawTable::from_name(&file.table).filter(|_| file.extension == "hftc") else {
            return why(format!("{} is of no table that an import writes", file.name));
        };
        let rows = |range: Range<usize>| {
            let ordinals = ordinals(wanted, &range, collector);
            Rows::of(table, tables, &ordinals).facts.rows
        };
        let mut last = None;
        for range in wanted.ranges(at, &rows) {
            let made = self.write_from(wanted, (at, table), range, tables, collector)?;
            if made.as_ref().is_some_and(|made| made.sealed.file_hash == file.hash) {
                return made.ok_or_else(|| Failed::Why(String::new()));
            }
            if let Some(before) = std::mem::replace(&mut last, made) {
                self.publisher.discard(before.staged).map_err(Failed::Error)?;
            }
        }
        let has_its_rows = last.as_ref().is_some_and(|made| made.sealed.rows == file.rows);
        if file.segment == 0 && file.generation > 1 && !has_its_rows {
            if let Some(made) = self.relive(wanted, (at, table), tables, collector)? {
                return Ok(made);
            }
            if let Some(made) = &last {
                return why(format!(
                    "{} has {} rows and its sources have {}: it was imported with --overlap or --dedupe, in a way that is not \
                     found; give the options and all sources of its import, or remove its folder, run hftcol adopt and \
                     import them again in their order",
                    file.name, file.rows, made.sealed.rows
                ));
            }
        }
        // The bytes are compared when it is put in place: the reason is told there.
        last.ok_or_else(|| Failed::Why(format!("no input has the rows of {}; name its sources", file.name)))
    }

    /// Writes a file from the rows of a range of the partition's sources; `None` if no input has any.
    fn write_from(
        &self,
        wanted: &Wanted,
        (at, table): (usize, RawTable),
        range: Range<usize>,
        tables: Tables<'_, '_>,
        collector: &Collector,
    ) -> Result<Option<Made>, Failed> {
        let file = &wanted.partition.files[at];
        let earlier = |f: &&crate::store::PublishedFile| f.table == file.table && f.segment < file.segment;
        let first_row = wanted.partition.files.iter().filter(earlier).map(|f| f.rows).sum();
        let ordinals = ordinals(wanted, &range, collector);
        let Rows { parts, facts, first, has_sequence, sequenced } = Rows::of(table, tables, &ordinals);
        let said = first.and_then(|source| collector.facts.get(source as usize)).and_then(|s| s.tables.get(&table));
        let Some(said) = said else { return Ok(None) };
        let mut kept = self.kept.to_vec();
        let stored = wanted.readers.iter().flatten().filter(|r| file.segment > 0 && r.header().table == file.table);
        let shape = stored.map(|r| TableShape::of_schema(table, &r.header().schema, &mut kept)).next().flatten();
        let shape = shape.unwrap_or_else(|| TableShape::of(table, &facts, has_sequence, Arc::clone(self.kept)));
        let context = self.context(wanted, range.end, file.generation, said.date_tz.clone());
        let action = match file.segment {
            0 => Action::Create,
            segment => Action::Append { segment, first_row },
        };
        let (clock, channel, tz) = (said.clock, said.channel.clone(), said.tz.clone());
        let plan =
            TablePlan { table, parts, shape, sequenced, action, clock, channel, tz, ordinals, mixing: Mixing::Both };
        let mut staged = self.publisher.stage().map_err(Failed::Error)?;
        let built = build(plan, &context, &mut Kit::default(), &mut staged.file).map_err(Failed::Error)?;
        Ok(built.map(|built| Made { sealed: built.sealed, staged, date_tz: context.date_tz }))
    }

    /// What a table was written with when the partition had so many of its sources.
    pub(super) fn context(&self, wanted: &Wanted, sources: usize, generation: u32, date_tz: String) -> Context {
        let inputs = wanted.sources[..sources].to_vec();
        let sources: Vec<SourceRef> = inputs.iter().map(|&digest| SourceRef { digest }).collect();
        Context {
            key: wanted.partition.key.clone(),
            date_tz,
            generation,
            provenance: Provenance { inputs, fingerprint: fingerprint(&sources), notes: Vec::new() },
            scratch: self.scratch.clone(),
            resort_bytes: self.budget.rewrite_bytes,
            dedupe: self.options.dedupe,
            interrupt: self.options.interrupt.clone(),
        }
    }
}

/// By source of the run: its ordinal in the partition, if that lies in the range.
pub(super) fn ordinals(wanted: &Wanted, range: &Range<usize>, collector: &Collector) -> Vec<Option<u32>> {
    let place = |digest: u128| wanted.sources.iter().position(|d| *d == digest).filter(|at| range.contains(at));
    let ordinal = |at: usize| u32::try_from(at).ok();
    collector.facts.iter().map(|s| place(s.digest).filter(|_| !s.dropped).and_then(ordinal)).collect()
}

/// The rows of one file among those of the run.
struct Rows<'r> {
    parts: Vec<Part<'r>>,
    facts: Facts,
    /// The first source that has any.
    first: Option<u32>,
    has_sequence: bool,
    sequenced: bool,
}

impl<'r> Rows<'r> {
    /// Those of the sources that have an ordinal.
    fn of(table: RawTable, tables: &[(RawTable, Vec<Part<'r>>)], ordinals: &[Option<u32>]) -> Self {
        let mut rows =
            Self { parts: Vec::new(), facts: Facts::default(), first: None, has_sequence: false, sequenced: true };
        for part in tables.iter().filter(|(t, _)| *t == table).flat_map(|(_, parts)| parts) {
            let is_mine = |source: u32| ordinals.get(source as usize).copied().flatten().is_some();
            let mut is_wanted = false;
            for (source, facts) in part.section.facts.iter().filter(|(source, _)| is_mine(*source)) {
                is_wanted = true;
                rows.facts.merge(facts);
                rows.first = Some(rows.first.map_or(*source, |first| first.min(*source)));
            }
            if is_wanted {
                rows.has_sequence |= part.section.id.sequenced;
                rows.sequenced &= part.section.id.sequenced;
                rows.parts.push(part.clone());
            }
        }
        rows
    }
}
