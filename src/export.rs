//! The export wiring: stored tables, raw or features, as files that other tools read.
//!
//! ```text
//! store -> read (verified) -> [rows and columns wanted] -> format -> staged, re-read, compared -> renamed into place
//! ```
//!
//! In: [`ExportOptions`]. Out: `<out>/<table>/venue=.../security=.../date=.../part-0.<format>`, each file whole and
//! durable when it is told of, and an [`ExportReport`]. The store is only read. Memory: a row group of one table.

mod one;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::exec::{Interrupt, patiently};
use crate::feature::STATE_TABLE;
use crate::read::TableReader;
use crate::schema::PartitionKey;
use crate::sink::rows::RowSelection;
use crate::sink::{FORMATS, Folder, Format, Role, format_named};
use crate::storage::{IoMode, OsStorage, Sandbox, Storage};
use crate::store::{KeyFilter, OpenOptions, Segment, Store, Tree};

/// What to export, and where to.
#[derive(Clone, Debug, Default)]
pub struct ExportOptions {
    /// The store.
    pub store: PathBuf,
    /// A feature set; without one, the imported tables.
    pub set: Option<String>,
    /// Which partitions.
    pub filter: KeyFilter,
    /// Which tables; all if empty.
    pub tables: Vec<String>,
    /// Which columns, and which rows by their clock.
    pub selection: RowSelection,
    /// Names of formats, see [`FORMATS`].
    pub formats: Vec<String>,
    /// The folder that gets the files; made if absent.
    pub out: PathBuf,
    /// Wait for another run's lock on the folder instead of failing.
    pub wait: bool,
    /// How files are read.
    pub io: IoMode,
    /// Confines the process to the store and the folder, once they are open.
    pub sandbox: Sandbox,
    /// Ends the export between two tables.
    pub interrupt: Interrupt,
}

/// What happens while an export runs.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A table of a partition is durable in every format.
    Published {
        /// Table.
        table: &'a str,
        /// Partition.
        key: &'a PartitionKey,
        /// Rows of the file.
        rows: u64,
    },
    /// A table could not be exported; the others go on.
    Failed {
        /// Table.
        table: &'a str,
        /// Partition.
        key: &'a PartitionKey,
        /// Why.
        reason: &'a str,
    },
}

/// What an export did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportReport {
    /// Tables of partitions that were exported.
    pub units: u64,
    /// Files, one a unit and format.
    pub files: u64,
    /// Rows of the units.
    pub rows: u64,
    /// Bytes of the files.
    pub bytes: u64,
    /// Units none of whose rows was wanted: they have no file.
    pub empty: u64,
    /// Units that failed.
    pub failed: u64,
}

/// Runs an export. Tables that fail do not make this an error: see [`ExportReport::failed`].
///
/// # Errors
/// `Usage` for options that cannot be met, `Locked`, `Interrupted`; `Io` of the folder; `Damage` of the store itself.
pub fn run(options: &ExportOptions, on_event: &mut dyn FnMut(Event<'_>) -> Result<()>) -> Result<ExportReport> {
    // What is wrong with the options is said before the folder is made.
    formats(&options.formats)?;
    let store = Store::open_with(&options.store, OpenOptions { io: options.io, ..OpenOptions::default() })?;
    tree(&store, options.set.as_deref())?;
    refuse_inside(&options.store, &options.out)?;
    let storage = Arc::new(OsStorage::open_or_create(&options.out, options.io)?);
    run_in(&store, storage, options, on_event)
}

/// The same from a store and into a folder that are open already; their paths in the options are for the sandbox only.
///
/// # Errors
/// As [`run`].
pub fn run_in(
    store: &Store,
    storage: Arc<dyn Storage>,
    options: &ExportOptions,
    on_event: &mut dyn FnMut(Event<'_>) -> Result<()>,
) -> Result<ExportReport> {
    let formats = formats(&options.formats)?;
    let tree = tree(store, options.set.as_deref())?;
    let keys: Vec<PartitionKey> = store.keys(&tree)?.into_iter().filter(|key| options.filter.pass(key)).collect();
    options.sandbox.enter([options.store.as_path()], &[&options.out]);
    let folder = patiently(options.wait, &options.interrupt, || Folder::begin(storage.clone()))?;
    let mut report = ExportReport::default();
    let done = export_all(options, store, &tree, &keys, &folder, &formats, &mut report, on_event);
    // Also after an error: what was published stays, what was not goes.
    let finished = folder.finish();
    done?;
    finished?;
    if report.units + report.empty + report.failed == 0 {
        return Err(Error::usage("no table of a partition passes the filters", "see `hftcol ls`"));
    }
    Ok(report)
}

/// The loop of a run, cut off so that the folder is always finished.
fn export_all(
    options: &ExportOptions,
    store: &Store,
    tree: &Tree,
    keys: &[PartitionKey],
    folder: &Folder,
    formats: &[&'static dyn Format],
    report: &mut ExportReport,
    on_event: &mut dyn FnMut(Event<'_>) -> Result<()>,
) -> Result<()> {
    let job = one::Job { store, tree, selection: &options.selection, folder, formats, interrupt: &options.interrupt };
    for key in keys {
        let tables: Vec<String> = match store.manifest(tree, key) {
            Ok(manifest) => manifest.iter().flat_map(|m| m.tables()).map(str::to_owned).collect(),
            Err(error) => {
                report.failed += 1;
                on_event(Event::Failed { table: "-", key, reason: &error.to_string() })?;
                continue;
            }
        };
        // A state is for the next date, not for other tools: only by its name.
        let wanted = |table: &&String| match options.tables.is_empty() {
            true => *table != STATE_TABLE,
            false => options.tables.contains(table),
        };
        for table in tables.iter().filter(wanted) {
            options.interrupt.check()?;
            match job.export(key, table) {
                Ok(Some(done)) => {
                    report.units += 1;
                    report.files += formats.len() as u64;
                    report.rows += done.rows;
                    report.bytes += done.bytes;
                    on_event(Event::Published { table, key, rows: done.rows })?;
                }
                Ok(None) => report.empty += 1,
                Err(error) if one::is_of_the_table(&error) => {
                    report.failed += 1;
                    on_event(Event::Failed { table, key, reason: &error.to_string() })?;
                }
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

/// The formats of an export, each once.
fn formats(names: &[String]) -> Result<Vec<&'static dyn Format>> {
    let mut formats: Vec<&'static dyn Format> = Vec::new();
    for name in names {
        let format = format_named(name)?;
        if format.role() != Role::Export {
            let known = FORMATS.iter().filter(|f| f.role() == Role::Export).map(|f| f.name());
            let advice = format!("write one of {}", known.collect::<Vec<_>>().join(", "));
            return Err(Error::usage(format!("`{name}` is not a format of an export"), advice));
        }
        if !formats.iter().any(|f| f.name() == format.name()) {
            formats.push(format);
        }
    }
    if formats.is_empty() {
        return Err(Error::usage("no format", "write --format parquet, arrow, csv or ndjson"));
    }
    Ok(formats)
}

/// The tree of a feature set, or the imported one.
///
/// # Errors
/// `Usage` for a set that the store does not have.
pub fn tree(store: &Store, set: Option<&str>) -> Result<Tree> {
    let Some(set) = set else { return Ok(Tree::Raw) };
    let known = store.sets()?;
    if known.iter().any(|k| k == set) {
        return Ok(Tree::Features(set.to_owned()));
    }
    let known = if known.is_empty() { "none yet".to_owned() } else { known.join(", ") };
    Err(Error::usage(format!("there is no feature set {set}"), format!("the store has: {known}")))
}

/// Opens the segments of a table in row order, each checked against the manifest; empty if the partition has no such table.
///
/// # Errors
/// `Damage`, `Io`.
pub fn open_table(store: &Store, tree: &Tree, key: &PartitionKey, table: &str) -> Result<Vec<TableReader>> {
    let Some((manifest, files)) = store.open_table(tree, key, table)? else { return Ok(Vec::new()) };
    let place = format!("{} {} {} {table}", key.venue, key.security, key.date);
    let open = |(segment, file): (&Segment, _)| {
        TableReader::open_sealed(file, table, key, &segment.sealed).map_err(|e| e.in_file(&place))
    };
    manifest.table(table).zip(files).map(open).collect()
}

/// An export never writes into the store.
fn refuse_inside(store: &Path, out: &Path) -> Result<()> {
    let Ok(store) = store.canonicalize() else { return Ok(()) };
    let existing = std::path::absolute(out).map_err(|e| Error::io("resolve", out, e))?;
    let existing = existing.ancestors().find_map(|p| p.canonicalize().ok());
    if existing.is_some_and(|path| path.starts_with(&store)) {
        return Err(Error::usage("--out lies in the store", "name another folder"));
    }
    Ok(())
}
