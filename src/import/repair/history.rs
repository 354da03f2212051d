//! Tables that imports with `--overlap` wrote again: which rows stayed depends on what was stored at the time, so the imports
//! are carried out once more in staging, one after the other. Which sources came together, and by which rule, is not
//! recorded: what may have been is tried until the bytes are those that were published.

use std::ops::Range;

use super::file::{Made, Tables, ordinals};
use super::wanted::Wanted;
use super::{Failed, Work};
use crate::format::SealedFile;
use crate::import::collect::Collector;
use crate::import::options::Overlap;
use crate::import::plan::{Action, decide_table};
use crate::import::segment::{Kit, build};
use crate::import::stored::StoredTable;
use crate::read::TableReader;
use crate::schema::RawTable;
use crate::store::Staged;

/// Histories that are tried at most.
const TRIES: usize = 96;
/// Sources of which every way to come together is considered.
const SOURCES: usize = 12;

/// What an import of the past did to the table.
enum Step {
    /// It was refused: the history is none.
    Refused,
    /// The table stayed as it was.
    Nothing,
    /// A file, and the zone of the partition's date.
    Written(SealedFile, String),
}

impl Work<'_> {
    /// Writes a table as imports one after the other left it; `None` if no history that is tried gives its bytes.
    pub(super) fn relive(
        &self,
        wanted: &Wanted,
        (at, table): (usize, RawTable),
        tables: Tables<'_, '_>,
        collector: &Collector,
    ) -> Result<Option<Made>, Failed> {
        let file = &wanted.partition.files[at];
        let is_there = |digest: &u128| collector.facts.iter().any(|s| !s.dropped && s.digest == *digest);
        let given = wanted.sources.iter().take_while(|digest| is_there(digest)).count();
        let ends = wanted.known_sources(at).map_or_else(|| (1..=given).rev().collect(), |to| vec![to]);
        let rules = match self.options.overlap {
            Overlap::Error => vec![Overlap::Skip, Overlap::Replace, Overlap::Union],
            rule => vec![rule],
        };
        let usual = usize::try_from(file.generation).unwrap_or(usize::MAX);
        let histories = ends.into_iter().filter(|end| *end <= given).flat_map(|end| histories(end, usual));
        let tries = histories.flat_map(|history| rules.iter().map(move |rule| (history.clone(), *rule)));
        for (history, rule) in tries.take(TRIES) {
            self.options.interrupt.check().map_err(Failed::Error)?;
            if let Some(made) = self.replay(wanted, (at, table), (&history, rule), tables, collector)? {
                if made.sealed.file_hash == file.hash {
                    return Ok(Some(made));
                }
                self.publisher.discard(made.staged).map_err(Failed::Error)?;
            }
        }
        Ok(None)
    }

    /// The table after the imports of a history, each the sources of a range; `None` if it does not end in one file.
    fn replay(
        &self,
        wanted: &Wanted,
        (at, table): (usize, RawTable),
        (history, rule): (&[Range<usize>], Overlap),
        tables: Tables<'_, '_>,
        collector: &Collector,
    ) -> Result<Option<Made>, Failed> {
        let mut files: Vec<Staged> = Vec::new();
        let mut last = Step::Nothing;
        for (number, sources) in (1_u32..).zip(history) {
            let is_last = sources.end == history.last().map_or(0, |last| last.end);
            let generation = if is_last { wanted.partition.files[at].generation } else { number };
            last = self.step(wanted, (table, generation), (sources, rule), (&mut files, tables), collector)?;
            if matches!(last, Step::Refused) {
                break;
            }
        }
        if files.len() == 1
            && let (Step::Written(sealed, date_tz), Some(staged)) = (last, files.pop())
        {
            return Ok(Some(Made { sealed, staged, date_tz }));
        }
        files.into_iter().try_for_each(|staged| self.publisher.discard(staged)).map_err(Failed::Error)?;
        Ok(None)
    }

    /// One import of some sources over the files that the imports before it left.
    fn step(
        &self,
        wanted: &Wanted,
        (table, generation): (RawTable, u32),
        (sources, rule): (&Range<usize>, Overlap),
        (files, tables): (&mut Vec<Staged>, Tables<'_, '_>),
        collector: &Collector,
    ) -> Result<Step, Failed> {
        let mut kept = self.kept.to_vec();
        let readers = files.iter().map(|staged| TableReader::open(self.publisher.open_staged(staged)?));
        let readers = (0_u32..).zip(readers).map(|(segment, reader)| Ok((reader?, segment)));
        let stored = StoredTable::of(table, readers, &mut kept).map_err(Failed::Error)?;
        let ordinals = ordinals(wanted, sources, collector);
        let parts = tables.iter().filter(|(t, _)| *t == table).flat_map(|(_, parts)| parts.iter().cloned()).collect();
        let place = (self.publisher.store(), &wanted.partition.key);
        let from = (collector.facts.as_slice(), ordinals.as_slice());
        let (plan, date_tz) = match decide_table(place, (table, parts), (stored, kept.into()), from, rule) {
            Ok(Some(planned)) => planned,
            Ok(None) => return Ok(Step::Nothing),
            Err(_) => return Ok(Step::Refused),
        };
        let follows = matches!(plan.action, Action::Append { .. });
        let context = self.context(wanted, sources.end, generation, date_tz.clone());
        let mut staged = self.publisher.stage().map_err(Failed::Error)?;
        let Some(built) = build(plan, &context, &mut Kit::default(), &mut staged.file).map_err(Failed::Error)? else {
            self.publisher.discard(staged).map_err(Failed::Error)?;
            return Ok(Step::Nothing);
        };
        if !follows {
            files.drain(..).try_for_each(|old| self.publisher.discard(old)).map_err(Failed::Error)?;
        }
        files.push(staged);
        Ok(Step::Written(built.sealed, date_tz))
    }
}

/// How so many sources may have come, some together: those of about the usual number of imports first.
fn histories(sources: usize, usual: usize) -> Vec<Vec<Range<usize>>> {
    let one_by_one = || (0..sources).map(|at| at..at + 1).collect();
    if sources > SOURCES {
        return vec![one_by_one()];
    }
    // A bit says that a source begins an import.
    let mut cuts: Vec<u32> = (0..1_u32 << sources.saturating_sub(1)).collect();
    let imports = |cuts: &u32| cuts.count_ones() as usize + 1;
    cuts.sort_by_key(|cuts| (imports(cuts).abs_diff(usual.min(sources)), std::cmp::Reverse(*cuts)));
    let history = |cuts: u32| {
        let begins = (1..sources).filter(|at| cuts >> (at - 1) & 1 == 1);
        let bounds: Vec<usize> = std::iter::once(0).chain(begins).chain([sources]).collect();
        bounds.windows(2).map(|pair| pair[0]..pair[1]).collect()
    };
    cuts.into_iter().map(history).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_come_is_there_once_and_the_usual_first() {
        let shown = |sources, usual| -> Vec<String> {
            histories(sources, usual).iter().map(|history| format!("{history:?}")).collect()
        };
        assert_eq!(shown(1, 1), ["[0..1]"]);
        assert_eq!(shown(3, 3), ["[0..1, 1..2, 2..3]", "[0..2, 2..3]", "[0..1, 1..3]", "[0..3]"]);
        assert_eq!(shown(3, 2)[..2], ["[0..2, 2..3]", "[0..1, 1..3]"]);
        assert_eq!(histories(5, 9).len(), 16);
        assert_eq!(histories(40, 9).len(), 1);
    }
}
