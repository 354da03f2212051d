//! The compact wiring: the segments of a table become one, and what no reader needs any more goes.
//!
//! In: [`CompactOptions`]. Out: for each partition that had a table of several segments one more generation, published
//! like an import's, and a [`CompactReport`]. Rows, their order and the content digest stay; a kill leaves every
//! partition as before or as after. Old generations are unlinked at the end of the run: whoever reads one keeps it
//! until its file is closed.

use std::path::PathBuf;

use crate::error::{Error, ErrorKind, Result};
use crate::exec::{Interrupt, patiently};
use crate::export::open_table;
use crate::format::{FileHeader, SealedFile, digest};
use crate::read::TableReader;
use crate::schema::PartitionKey;
use crate::sink::join;
use crate::sink::rows::RowSelection;
use crate::storage::{IoMode, Sandbox};
use crate::store::{KeyFilter, Manifest, OpenOptions, Publication, Publisher, Segment, Staged, Store, Tree};
use crate::write::{Provenance, TableWriter};

/// Partitions of a batch at most: each holds open files until the batch is published.
const BATCH: usize = 32;
/// The extension of files that hold rows in our own format.
const ROWS: &str = "hftc";

/// What to compact.
#[derive(Clone, Debug, Default)]
pub struct CompactOptions {
    /// The store.
    pub store: PathBuf,
    /// Only this feature set; without one, the imported tables and every set.
    pub set: Option<String>,
    /// Which partitions.
    pub filter: KeyFilter,
    /// Wait for another run's lock instead of failing.
    pub wait: bool,
    /// Let root write into a store that belongs to another user.
    pub allow_foreign: bool,
    /// Confines the process to the store, once it is open.
    pub sandbox: Sandbox,
    /// Ends the run between two tables; what is published stays.
    pub interrupt: Interrupt,
}

/// What happens while a store is compacted.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A table of a partition is one segment now, durably.
    Published {
        /// Table.
        table: &'a str,
        /// Partition.
        key: &'a PartitionKey,
        /// Its rows.
        rows: u64,
    },
    /// A partition could not be compacted and is as before; the others go on.
    Failed {
        /// Partition.
        key: &'a PartitionKey,
        /// Why.
        reason: &'a str,
    },
}

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompactReport {
    /// Partitions looked at.
    pub partitions: u64,
    /// Partitions published anew.
    pub published: u64,
    /// Tables joined.
    pub tables: u64,
    /// Segments that these tables had.
    pub segments: u64,
    /// Bytes of these segments.
    pub bytes_before: u64,
    /// Bytes of the joined files.
    pub bytes_after: u64,
    /// Partitions that failed.
    pub failed: u64,
}

/// Compacts a store. Partitions that fail do not make this an error: see [`CompactReport::failed`].
///
/// # Errors
/// `Usage`, `Locked`, `Interrupted`, `Io`; `Damage` of the store itself.
pub fn run(options: &CompactOptions, on_event: &mut dyn FnMut(Event<'_>) -> Result<()>) -> Result<CompactReport> {
    let open = OpenOptions { io: IoMode::default(), allow_foreign: options.allow_foreign };
    run_in(&Store::open_to_write(&options.store, open)?, options, on_event)
}

/// The same over a store that is open already; [`CompactOptions::store`] is for the sandbox only.
///
/// # Errors
/// As [`run`].
pub fn run_in(
    store: &Store,
    options: &CompactOptions,
    on_event: &mut dyn FnMut(Event<'_>) -> Result<()>,
) -> Result<CompactReport> {
    let trees = match &options.set {
        Some(set) => vec![crate::export::tree(store, Some(set))?],
        None => store.trees()?,
    };
    options.sandbox.enter([], &[&options.store]);
    let mut report = CompactReport::default();
    for tree in trees {
        let mut publisher = patiently(options.wait, &options.interrupt, || store.begin(tree.clone()))?;
        let done = compact_tree(options, store, &tree, &mut publisher, &mut report, on_event);
        // Also after an error: what was published stays, what was not goes, and the ledger is closed.
        let finished = publisher.finish();
        done?;
        finished?;
    }
    Ok(report)
}

/// A partition that is ready to be published.
struct Ready {
    manifest: Manifest,
    staged: Vec<Staged>,
    /// Tables with their rows.
    told: Vec<(String, u64)>,
}

fn compact_tree(
    options: &CompactOptions,
    store: &Store,
    tree: &Tree,
    publisher: &mut Publisher,
    report: &mut CompactReport,
    on_event: &mut dyn FnMut(Event<'_>) -> Result<()>,
) -> Result<()> {
    let mut batch = Vec::new();
    for key in store.keys(tree)?.into_iter().filter(|key| options.filter.pass(key)) {
        options.interrupt.check()?;
        report.partitions += 1;
        match compact_partition(store, tree, &key, publisher, &options.interrupt, report) {
            Ok(None) => {}
            Ok(Some(ready)) => batch.push(ready),
            Err(error) if matches!(error.kind(), ErrorKind::Damage(_)) => {
                report.failed += 1;
                on_event(Event::Failed { key: &key, reason: &error.to_string() })?;
            }
            Err(error) => return Err(error),
        }
        if batch.len() == BATCH {
            publish(std::mem::take(&mut batch), publisher, report, on_event)?;
        }
    }
    publish(batch, publisher, report, on_event)
}

fn publish(
    batch: Vec<Ready>,
    publisher: &mut Publisher,
    report: &mut CompactReport,
    on_event: &mut dyn FnMut(Event<'_>) -> Result<()>,
) -> Result<()> {
    let mut told = Vec::new();
    let mut publications = Vec::new();
    for Ready { manifest, staged, told: tables } in batch {
        told.push((manifest.key.clone(), tables));
        publications.push(Publication { manifest, staged });
    }
    report.published += publications.len() as u64;
    publisher.publish(publications)?;
    for (key, tables) in &told {
        for (table, rows) in tables {
            on_event(Event::Published { table, key, rows: *rows })?;
        }
    }
    Ok(())
}

/// The next generation of a partition, with each of its tables in one segment; `None` if it is that already.
fn compact_partition(
    store: &Store,
    tree: &Tree,
    key: &PartitionKey,
    publisher: &Publisher,
    interrupt: &Interrupt,
    report: &mut CompactReport,
) -> Result<Option<Ready>> {
    let Some(mut manifest) = store.manifest(tree, key)? else { return Ok(None) };
    let tables: Vec<String> = manifest.tables().into_iter().map(str::to_owned).collect();
    let scattered: Vec<String> = tables.into_iter().filter(|t| manifest.table(t).count() > 1).collect();
    if scattered.is_empty() {
        return Ok(None);
    }
    manifest.generation += 1;
    let (mut staged, mut told) = (Vec::new(), Vec::new());
    for table in scattered {
        let segments = open_table(store, tree, key, &table)?;
        let mut file = publisher.stage()?;
        let sealed = join_segments(tree, &manifest, &segments, &mut file, interrupt)?;
        TableReader::open(publisher.open_staged(&file)?)?.verify()?;
        report.tables += 1;
        report.segments += segments.len() as u64;
        report.bytes_before += manifest.table(&table).map(|s| s.sealed.length).sum::<u64>();
        report.bytes_after += sealed.length;
        manifest.segments.retain(|s| s.table != table || s.extension != ROWS);
        told.push((table.clone(), sealed.rows));
        let generation = manifest.generation;
        manifest.segments.push(Segment { table, generation, segment: 0, extension: ROWS.to_owned(), sealed });
        staged.push(file);
    }
    // The tables came in the manifest's order, so the staged files stay in step with it.
    manifest.segments.sort_by(|a, b| (&a.table, &a.extension, a.segment).cmp(&(&b.table, &b.extension, b.segment)));
    Ok(Some(Ready { manifest, staged, told }))
}

/// Writes the rows of all segments as one file and checks that they are the same.
fn join_segments(
    tree: &Tree,
    manifest: &Manifest,
    segments: &[TableReader],
    file: &mut Staged,
    interrupt: &Interrupt,
) -> Result<SealedFile> {
    let (first, last) = match segments {
        [first, .., last] => (first, last),
        _ => return Err(Error::damage("compact", "several segments", segments.len().to_string())),
    };
    let header = FileHeader { generation: manifest.generation, segment: 0, first_row: 0, ..first.header().clone() };
    let block_rows = header.block_rows;
    let mut writer = TableWriter::new(&mut file.file, header)?;
    join(segments, &RowSelection::default(), block_rows, &mut |rows, columns| {
        interrupt.check()?;
        writer.push(rows, columns)
    })?;
    let footer = last.footer();
    let inputs = match tree {
        Tree::Raw => manifest.sources.iter().map(|source| source.digest).collect(),
        Tree::Features(_) => footer.inputs.clone(),
    };
    let provenance = Provenance { inputs, fingerprint: manifest.fingerprint, notes: footer.notes.clone() };
    let (_, sealed) = writer.finish(provenance)?;
    let expected =
        segments.iter().fold((0, 0), |(rows, sum), s| (rows + s.rows(), digest::add(sum, s.footer().content_digest)));
    if (sealed.rows, sealed.content_digest) != expected {
        let text = |(rows, sum): (u64, u128)| format!("{rows} rows with content digest {sum:032x}");
        let got = text((sealed.rows, sealed.content_digest));
        return Err(Error::damage("compact", text(expected), got).in_file(&first.header().table));
    }
    Ok(sealed)
}
