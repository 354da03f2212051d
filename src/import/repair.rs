//! Repair: damaged partitions are written again from their sources, file by file, and put in place only if each is bit by
//! bit what was published.
//!
//! The ledger says which files a partition had, with their hashes; their footers and the manifest say from which sources.
//! So a file is made again by the rows of the sources that it was made of, under its old generation and segment number.
//! What cannot be made again in the same bytes - its sources are not given, or an option is another - is left and told.

mod built;
mod file;
mod history;
mod wanted;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_128;

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
use crate::schema::{BOOK_BUILT, PartitionKey};
use crate::store::{Manifest, PublishedFile, Publisher, Segment, SourceRef, Staged, Store, Tree, recompute};

use file::Tables;
use wanted::{Wanted, sealed_of};

/// Sources whose order is not known, of which every order is tried.
const ORDERED: usize = 4;

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
    tell_of_features(store, publisher, &mut report, on_event)?;
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
    let books = Vec::new();
    let mut work =
        Work { options: &options, budget: &budget, kept: &kept, scratch, publisher, report: &mut report, books };
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
    work.mend_books(on_event)?;
    let Collector { reports, facts, rejects, .. } = collector;
    report.sources = reports;
    let digests: Vec<u128> = facts.iter().map(|source| source.digest).collect();
    report.quarantine = rejects.publish(publisher, &digests, &mut [])?;
    Ok(report)
}

/// Features are not repaired but computed again: tells which, and how.
fn tell_of_features(
    store: &Store,
    publisher: &Publisher,
    report: &mut ImportReport,
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<()> {
    for set in store.sets()? {
        for partition in publisher.damaged_in(&Tree::Features(set.clone()))? {
            let reason = format!("features of the set {set}: {}", recompute(&set, &partition.key));
            refuse(report, partition.key, reason, on_event);
        }
    }
    Ok(())
}

/// The paths that the sources of damaged partitions were imported from. Where nothing says which they were, all that are
/// known and there: what has no row of the partition is left aside.
fn recorded(store: &Store, damaged: &[Wanted]) -> Result<Vec<PathBuf>> {
    let names = store.source_names()?;
    let mut paths: Vec<PathBuf> = Vec::new();
    for digest in damaged.iter().flat_map(|wanted| &wanted.sources) {
        if let Some(path) = names.get(digest).filter(|path| !paths.contains(path)) {
            paths.push(path.clone());
        }
    }
    if damaged.iter().any(Wanted::is_incomplete) {
        let more: Vec<PathBuf> = names.into_values().filter(|path| !paths.contains(path) && path.exists()).collect();
        paths.extend(more);
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
    /// Partitions whose built book is damaged, with the manifests that name it.
    books: Vec<(Wanted, Manifest)>,
}

impl Work<'_> {
    /// Makes the imported tables of one partition whole, or tells why not.
    fn mend(
        &mut self,
        mut wanted: Wanted,
        tables: Tables<'_, '_>,
        collector: &Collector,
        on_event: &mut dyn FnMut(Event<'_>),
    ) -> Result<()> {
        let key = wanted.partition.key.clone();
        let (files, manifest) = match self.made(&mut wanted, tables, collector) {
            Ok(made) => made,
            Err(Failed::Why(reason)) => {
                refuse(self.report, key, reason, on_event);
                return Ok(());
            }
            Err(Failed::Error(error)) => return Err(error),
        };
        let restored: Vec<String> = files.iter().map(|(name, _)| name.clone()).collect();
        match self.publisher.restore(&wanted.partition, files, &manifest) {
            Ok(()) => {}
            Err(error) if matches!(error.kind(), ErrorKind::Damage(_)) => {
                let reason = format!("it came out with other bytes than were published: {error}");
                refuse(self.report, key, reason, on_event);
                return Ok(());
            }
            Err(error) => return Err(error),
        }
        let has_book = wanted.partition.files.iter().any(is_lost_book);
        // Where only the book is damaged, nothing is mended yet.
        self.report.published += u64::from(!has_book || !restored.is_empty() || wanted.partition.manifest.is_none());
        for table in manifest.tables() {
            let is_in = |file: &PublishedFile| file.table == table && restored.contains(&file.name);
            if wanted.partition.files.iter().any(is_in) {
                on_event(Event::Published { table, key: &key, rows: manifest.table_rows(table) });
            }
        }
        if has_book {
            self.books.push((wanted, manifest));
        }
        Ok(())
    }

    /// Makes built books whole, once every table that they are built from is.
    fn mend_books(&mut self, on_event: &mut dyn FnMut(Event<'_>)) -> Result<()> {
        for (wanted, manifest) in std::mem::take(&mut self.books) {
            let key = wanted.partition.key.clone();
            match self.rebuild(&wanted, &manifest)? {
                Ok(rows) => {
                    let is_first = wanted.partition.manifest.is_some() && !wanted.needs_rows();
                    self.report.published += u64::from(is_first);
                    on_event(Event::Published { table: BOOK_BUILT, key: &key, rows });
                }
                Err(reason) => refuse(self.report, key, reason, on_event),
            }
        }
        Ok(())
    }

    /// The files of a partition that were made again and its manifest. Where sources are missing from its list, those of the
    /// run that have rows in it are tried after the others, in the orders that they may have come in.
    fn made(&self, wanted: &mut Wanted, tables: Tables<'_, '_>, collector: &Collector) -> Result<MadeAll, Failed> {
        if !wanted.is_incomplete() {
            return self.files_of(wanted, tables, collector);
        }
        let has_rows = |source: u32| {
            tables.iter().flat_map(|(_, parts)| parts).any(|p| p.section.facts.iter().any(|(s, _)| *s == source))
        };
        let facts = (0_u32..).zip(&collector.facts).filter(|(source, facts)| !facts.dropped && has_rows(*source));
        let more = facts.map(|(_, facts)| facts.digest).filter(|digest| !wanted.sources.contains(digest)).collect();
        let known = wanted.sources.len();
        let mut reason = String::new();
        for order in orders(more) {
            wanted.sources.truncate(known);
            wanted.sources.extend(order);
            match self.files_of(wanted, tables, collector) {
                Ok((files, manifest)) if xxh3_128(&manifest.to_bytes()) == wanted.partition.manifest_hash => {
                    return Ok((files, manifest));
                }
                Ok((files, _)) => {
                    let discard = |(_, staged)| self.publisher.discard(staged).map_err(Failed::Error);
                    files.into_iter().try_for_each(discard)?;
                    reason = "its sources do not give the bytes that were published".to_owned();
                }
                Err(Failed::Why(why)) => reason = why,
                Err(error) => return Err(error),
            }
        }
        Err(Failed::Why(format!(
            "its manifest is lost, and with it the list of its sources: {reason}; name all of them, in the order of their imports"
        )))
    }

    /// Writes the files that are not sound, in staging, and gives the manifest of all.
    fn files_of(&self, wanted: &Wanted, tables: Tables<'_, '_>, collector: &Collector) -> Result<MadeAll, Failed> {
        let partition = &wanted.partition;
        let (mut files, mut segments, mut date_tz) = (Vec::new(), Vec::new(), String::new());
        for (at, file) in partition.files.iter().enumerate() {
            // Of a lost book only what it is; it is built when the tables are there.
            let sealed = if file.sound || is_lost_book(file) {
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
                .ok_or_else(|| Failed::Why(nothing_known(file)))?
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

/// Tells that a partition stays as it is.
fn refuse(report: &mut ImportReport, key: PartitionKey, reason: String, on_event: &mut dyn FnMut(Event<'_>)) {
    let text = format!("{} {} {} is not repaired: {reason}", key.venue, key.security, key.date);
    on_event(Event::Warning(&text));
    report.refused.push((key, reason));
}

/// Files with their names, and the manifest of all files of the partition.
type MadeAll = (Vec<(String, Staged)>, Manifest);

fn is_lost_book(file: &PublishedFile) -> bool {
    file.table == BOOK_BUILT && !file.sound
}

fn nothing_known(file: &PublishedFile) -> String {
    let name = &file.name;
    if file.table != BOOK_BUILT {
        return format!("{name} says nothing of itself");
    }
    format!(
        "{name} is a built book that is lost, and with the manifest all that was known of it; remove the folder, run hftcol adopt, \
         import its sources again in their order, then hftcol build"
    )
}

/// The sources in the order given and, where they are few, in every other.
fn orders(given: Vec<u128>) -> Vec<Vec<u128>> {
    let mut orders = vec![Vec::new()];
    if given.len() <= ORDERED {
        for _ in &given {
            let longer = |order: Vec<u128>| {
                let next = given.iter().filter(|digest| !order.contains(digest)).copied().collect::<Vec<_>>();
                next.into_iter().map(move |digest| order.iter().copied().chain([digest]).collect())
            };
            orders = orders.into_iter().flat_map(longer).collect();
        }
        orders.retain(|order| *order != given);
    } else {
        orders.clear();
    }
    orders.insert(0, given);
    orders
}

/// Why a partition is not made whole: a reason that is told and leaves the others alone, or an error that ends the run.
enum Failed {
    Why(String),
    Error(Error),
}
