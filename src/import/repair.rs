//! Repair: damaged partitions are written again from their sources, file by file, and put in place only if each is bit by
//! bit what was published.
//!
//! The ledger says which files a partition had, with their hashes; their footers and the manifest say from which sources.
//! So a file is made again by the rows of the sources that it was made of, under its old generation and segment number.
//! What cannot be made again in the same bytes - its sources are not given, or an option is another - is left and told.

mod file;
mod wanted;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::budget::Budget;
use super::collect::Collector;
use super::intake;
use super::options::{Event, ImportOptions};
use super::publish::fingerprint;
use super::report::ImportReport;
use super::sources::{self, Opened};
use crate::error::{Error, ErrorKind, Result};
use crate::exec;
use crate::partition::{Scratch, Sections, reduce};
use crate::schema::PartitionKey;
use crate::store::{Manifest, PublishedFile, Publisher, Segment, SourceRef, Staged, Store};

use file::Tables;
use wanted::{Wanted, sealed_of};

/// Makes every damaged partition whole whose sources are among the inputs; without inputs, by the paths that their sources
/// were imported from. Everything else of the inputs counts as stored already.
///
/// # Errors
/// As an import; `Usage` where nothing says which sources to read.
pub(super) fn run(options: &ImportOptions, on_event: &mut dyn FnMut(Event<'_>)) -> Result<ImportReport> {
    let budget = Budget::new(options)?;
    // A repair makes no store.
    Store::open(&options.store)?;
    let (scratch, opener) = Scratch::later();
    let (store, mut publisher) = super::open(options, opener)?;
    let done = carry_out(options, &budget, (&store, &scratch), &mut publisher, on_event);
    let noted = done.as_ref().map_or(Ok(()), |report| publisher.note_failures(report.failures()));
    let finished = publisher.finish();
    let mut report = done?;
    noted?;
    finished?;
    report.peak_memory = exec::peak_resident_bytes();
    Ok(report)
}

fn carry_out(
    options: &ImportOptions,
    budget: &Budget,
    (store, scratch): (&Store, &Scratch),
    publisher: &mut Publisher,
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<ImportReport> {
    let mut damaged = Vec::new();
    for partition in publisher.damaged()? {
        damaged.push(Wanted::new(partition, publisher));
    }
    let mut report = ImportReport { max_rejects: options.max_rejects, ..ImportReport::default() };
    if damaged.is_empty() {
        on_event(Event::Warning("nothing is damaged among the imported tables"));
        return Ok(report);
    }
    let mut options = options.clone();
    if options.inputs.is_empty() {
        options.inputs = recorded(store, &damaged)?;
    }
    let (sources, kept) = match options.inputs.is_empty() {
        true => (Vec::new(), Arc::default()),
        false => sources::open(&options, budget, on_event)?,
    };
    options.sandbox.enter(sources.iter().flat_map(Opened::files), &[&options.store]);
    let mut budget = if sources.iter().any(Opened::is_pair) { budget.for_pairs() } else { *budget };
    // Every row the general way: the fast one would keep what is not wanted, too.
    budget.assembly.open_bytes = 0;
    let (runs, mut collector) = intake::read(sources, &options, &budget, scratch, on_event)?;
    let runs = &reduce(runs, budget.fan_in, scratch, &|| options.interrupt.check())?;
    report.tables = std::mem::take(&mut collector.tables);
    let mut wanted: BTreeMap<PartitionKey, Wanted> =
        damaged.into_iter().map(|wanted| (wanted.partition.key.clone(), wanted)).collect();
    let mut sections = Sections::new(runs)?;
    let mut work = Work { options: &options, budget: &budget, kept: &kept, scratch, publisher, report: &mut report };
    while let Some(found) = sections.next()? {
        options.interrupt.check()?;
        for (table, parts) in &found.tables {
            for (source, facts) in parts.iter().flat_map(|part| &part.section.facts) {
                let is_dropped = collector.facts.get(*source as usize).is_some_and(|s| s.dropped);
                let fates = collector.fates(*source, *table);
                *(if is_dropped { &mut fates.dropped } else { &mut fates.already }) += facts.rows;
            }
        }
        if let Some(partition) = wanted.remove(&found.key) {
            work.mend(partition, &found.tables, &collector, on_event)?;
        }
    }
    // Those of which no input has a row: a damaged manifest alone needs none.
    for partition in wanted.into_values() {
        work.mend(partition, &[], &collector, on_event)?;
    }
    let Collector { reports, facts, rejects, .. } = collector;
    report.sources = reports;
    let digests: Vec<u128> = facts.iter().map(|source| source.digest).collect();
    report.quarantine = rejects.publish(publisher, &digests, &mut [])?;
    Ok(report)
}

/// The paths that the sources of damaged partitions were imported from.
fn recorded(store: &Store, damaged: &[Wanted]) -> Result<Vec<PathBuf>> {
    let names = store.source_names()?;
    let mut paths: Vec<PathBuf> = Vec::new();
    for digest in damaged.iter().flat_map(|wanted| &wanted.sources) {
        if let Some(path) = names.get(digest).filter(|path| !paths.contains(path)) {
            paths.push(path.clone());
        }
    }
    if paths.is_empty() && damaged.iter().any(Wanted::needs_rows) {
        let advice = "name them: hftcol import --repair INPUTS --store DIR";
        return Err(Error::usage("the store does not know the sources of what is damaged", advice));
    }
    Ok(paths)
}

/// What the repair of a partition works with.
struct Work<'a> {
    options: &'a ImportOptions,
    budget: &'a Budget,
    kept: &'a Arc<[String]>,
    scratch: &'a Scratch,
    publisher: &'a mut Publisher,
    report: &'a mut ImportReport,
}

impl Work<'_> {
    /// Makes one partition whole, or tells why not.
    fn mend(
        &mut self,
        mut wanted: Wanted,
        tables: Tables<'_, '_>,
        collector: &Collector,
        on_event: &mut dyn FnMut(Event<'_>),
    ) -> Result<()> {
        let key = wanted.partition.key.clone();
        if wanted.sources.is_empty() {
            // All is lost but the ledger: whatever of the inputs has rows here, in their order.
            let has_rows = |source: u32| {
                tables.iter().flat_map(|(_, parts)| parts).any(|p| p.section.facts.iter().any(|(s, _)| *s == source))
            };
            let facts = (0_u32..).zip(&collector.facts);
            wanted.sources = facts.filter(|(s, f)| !f.dropped && has_rows(*s)).map(|(_, f)| f.digest).collect();
        }
        match self.files_of(&wanted, tables, collector) {
            Ok((files, manifest)) => {
                let restored: Vec<String> = files.iter().map(|(name, _)| name.clone()).collect();
                match self.publisher.restore(&wanted.partition, files, &manifest) {
                    Ok(()) => {
                        self.report.published += 1;
                        for table in manifest.tables() {
                            let is_in = |file: &PublishedFile| file.table == table && restored.contains(&file.name);
                            if wanted.partition.files.iter().any(is_in) {
                                on_event(Event::Published { table, key: &key, rows: manifest.table_rows(table) });
                            }
                        }
                    }
                    Err(error) if matches!(error.kind(), ErrorKind::Damage(_)) => {
                        self.refuse(
                            key,
                            format!("it came out with other bytes than were published: {error}"),
                            on_event,
                        );
                    }
                    Err(error) => return Err(error),
                }
            }
            Err(Failed::Why(reason)) => self.refuse(key, reason, on_event),
            Err(Failed::Error(error)) => return Err(error),
        }
        Ok(())
    }

    fn refuse(&mut self, key: PartitionKey, reason: String, on_event: &mut dyn FnMut(Event<'_>)) {
        let text = format!("{} {} {} is not repaired: {reason}", key.venue, key.security, key.date);
        on_event(Event::Warning(&text));
        self.report.refused.push((key, reason));
    }

    /// Writes the files that are not sound, in staging, and gives the manifest of all.
    fn files_of(
        &self,
        wanted: &Wanted,
        tables: Tables<'_, '_>,
        collector: &Collector,
    ) -> Result<(Vec<(String, Staged)>, Manifest), Failed> {
        let partition = &wanted.partition;
        let (mut files, mut segments, mut date_tz) = (Vec::new(), Vec::new(), String::new());
        for (at, file) in partition.files.iter().enumerate() {
            let sealed = if file.sound {
                match (&partition.manifest, &wanted.readers[at]) {
                    (Some(manifest), _) => {
                        manifest.segments.iter().find(|s| s.sealed.file_hash == file.hash).map(|s| s.sealed.clone())
                    }
                    (None, Some(reader)) => {
                        date_tz.clone_from(&reader.header().date_tz);
                        Some(sealed_of(reader, file))
                    }
                    (None, None) => None,
                }
                .ok_or_else(|| Failed::Why(format!("{} says nothing of itself", file.name)))?
            } else {
                let made = self.write(wanted, at, tables, collector)?;
                date_tz = made.date_tz;
                files.push((file.name.clone(), made.staged));
                made.sealed
            };
            segments.push(Segment {
                table: file.table.clone(),
                generation: file.generation,
                segment: file.segment,
                extension: file.extension.clone(),
                sealed,
            });
        }
        let manifest = partition.manifest.clone().unwrap_or_else(|| {
            let sources: Vec<SourceRef> = wanted.sources.iter().map(|&digest| SourceRef { digest }).collect();
            let fingerprint = fingerprint(&sources);
            let (key, generation) = (partition.key.clone(), partition.generation);
            Manifest { key, generation, date_tz, fingerprint, sources, segments }
        });
        Ok((files, manifest))
    }
}

/// Why a partition is not made whole: a reason that is told and leaves the others alone, or an error that ends the run.
enum Failed {
    Why(String),
    Error(Error),
}
