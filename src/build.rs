//! The build wiring: books from the level changes and order messages of a store.
//!
//! ```text
//! deltas | orders (+ trades that name orders) -> book -> book_built of the same partition
//! ```
//!
//! In: [`BuildOptions`]. Out: for each partition with changes or messages the table `book_built` (decision 11), published as
//! one more generation, and a [`BuildReport`]. A partition whose book was built by the same recipe from the same rows is left
//! alone; a kill leaves every partition as before or as after, and the next run goes on. The files depend on the stored
//! rows and the options, never on threads.

mod again;
mod apply;
mod carried;
mod options;
mod partition;
mod sink;

use std::sync::Mutex;
use std::thread;

use crate::error::{Error, ErrorKind, Result};
use crate::exec::patiently;
use crate::limits;
use crate::schema::{BOOK_BUILT, PartitionKey};
use crate::storage::IoMode;
use crate::store::{Manifest, OpenOptions, Publication, Publisher, Segment, Staged, Store, Tree};

pub(crate) use again::{Asked, again};
pub(crate) use carried::carried;
pub use options::{BuildOptions, BuildReport, Built, Event, Every, LEVELS};

use partition::Recipe;

/// Partitions of a batch at most: each holds open files until the batch is published.
const BATCH: usize = 32;

/// Builds books. Partitions that fail do not make this an error: see [`BuildReport::failed`].
///
/// Cost: one pass over the rows of each partition that is not up to date, and one write.
///
/// # Errors
/// `Usage`, `Locked`, `Interrupted`, `Io`; `Damage` of the store itself.
pub fn run(options: &BuildOptions, on_event: &mut dyn FnMut(Event<'_>) -> Result<()>) -> Result<BuildReport> {
    check(options)?;
    let open = OpenOptions { io: IoMode::Pread, allow_foreign: options.allow_foreign };
    run_in(&Store::open_to_write(&options.store, open)?, options, on_event)
}

/// The same over a store that is open already; [`BuildOptions::store`] is for the sandbox only.
///
/// # Errors
/// As [`run`].
pub fn run_in(
    store: &Store,
    options: &BuildOptions,
    on_event: &mut dyn FnMut(Event<'_>) -> Result<()>,
) -> Result<BuildReport> {
    check(options)?;
    options.sandbox.enter([], &[&options.store]);
    let mut publisher = patiently(options.wait, &options.interrupt, || store.begin(Tree::Raw))?;
    let mut report = BuildReport::default();
    let done = build_all(options, store, &mut publisher, &mut report, on_event);
    // Also after an error: what was published stays, what was not goes, and the ledger is closed.
    let finished = publisher.finish();
    done?;
    finished?;
    Ok(report)
}

/// What is wrong with the options is said before the store is touched.
fn check(options: &BuildOptions) -> Result<()> {
    if options.levels == 0 || options.levels > limits::LEVELS {
        let what = format!("{} levels", options.levels);
        return Err(Error::usage(what, format!("give 1 to {} levels", limits::LEVELS)));
    }
    Ok(())
}

/// A book that is built, in staging.
struct Ready {
    manifest: Manifest,
    staged: Staged,
    built: Built,
}

fn build_all(
    options: &BuildOptions,
    store: &Store,
    publisher: &mut Publisher,
    report: &mut BuildReport,
    on_event: &mut dyn FnMut(Event<'_>) -> Result<()>,
) -> Result<()> {
    let is_wanted = |key: &PartitionKey| options.keys.as_ref().is_none_or(|keys| keys.contains(key));
    let mut recipes = Vec::new();
    for key in store.keys(&Tree::Raw)?.into_iter().filter(|key| options.filter.pass(key) && is_wanted(key)) {
        options.interrupt.check()?;
        report.partitions += 1;
        match recipe(store, &key, options) {
            Ok(Some((_, true))) => report.up_to_date += 1,
            Ok(Some((recipe, false))) => recipes.push(recipe),
            Ok(None) => report.without += 1,
            Err(error) => fail(&key, error, report, on_event)?,
        }
        if recipes.len() == BATCH {
            build_batch(std::mem::take(&mut recipes), options, store, publisher, report, on_event)?;
        }
    }
    build_batch(recipes, options, store, publisher, report, on_event)
}

/// What a partition's book is built from, and whether it is there.
fn recipe(store: &Store, key: &PartitionKey, options: &BuildOptions) -> Result<Option<(Recipe, bool)>> {
    let Some(manifest) = store.manifest(&Tree::Raw, key)? else { return Ok(None) };
    let Some(recipe) = Recipe::of(store, manifest, options)? else { return Ok(None) };
    let is_done = match recipe.is_done(store) {
        // A book that is damaged or gone is built again.
        Err(e) if matches!(e.kind(), ErrorKind::Damage(_)) || e.is_not_found() => false,
        is_done => is_done? && !options.force,
    };
    Ok(Some((recipe, is_done)))
}

/// A partition that cannot be built leaves the others alone, unless the run as a whole cannot go on.
fn fail(
    key: &PartitionKey,
    error: Error,
    report: &mut BuildReport,
    on_event: &mut dyn FnMut(Event<'_>) -> Result<()>,
) -> Result<()> {
    if !matches!(error.kind(), ErrorKind::Damage(_) | ErrorKind::Findings { .. }) {
        return Err(error);
    }
    report.failed += 1;
    on_event(Event::Failed { key, reason: &error.to_string() })
}

fn build_batch(
    recipes: Vec<Recipe>,
    options: &BuildOptions,
    store: &Store,
    publisher: &mut Publisher,
    report: &mut BuildReport,
    on_event: &mut dyn FnMut(Event<'_>) -> Result<()>,
) -> Result<()> {
    let keys: Vec<PartitionKey> = recipes.iter().map(|recipe| recipe.manifest.key.clone()).collect();
    let outcomes = build_parallel(recipes, options, store, publisher)?;
    let (mut publications, mut told) = (Vec::new(), Vec::new());
    for (key, outcome) in keys.into_iter().zip(outcomes) {
        match outcome {
            Ok(Ready { manifest, staged, built }) => {
                publications.push(Publication { manifest, staged: vec![staged] });
                told.push((key, built));
            }
            Err(error) => fail(&key, error, report, on_event)?,
        }
    }
    publisher.publish(publications)?;
    for (key, built) in &told {
        report.published += 1;
        report.rows_in += built.rows_in;
        report.rows += built.rows;
        on_event(Event::Published { key, built })?;
    }
    Ok(())
}

/// Builds each, on all threads; the outcomes stand in the order of the recipes.
fn build_parallel(
    recipes: Vec<Recipe>,
    options: &BuildOptions,
    store: &Store,
    publisher: &Publisher,
) -> Result<Vec<Result<Ready>>> {
    let threads = match options.threads {
        0 => thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    };
    let threads = threads.min(recipes.len());
    let count = recipes.len();
    let work = Mutex::new(recipes.into_iter().enumerate());
    let mut outcomes: Vec<(usize, Result<Ready>)> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                let (work, stager) = (&work, publisher.stager());
                scope.spawn(move || {
                    let mut done = Vec::new();
                    while let Some((at, recipe)) = work.lock().ok().and_then(|mut work| work.next()) {
                        done.push((at, stager.stage().and_then(|file| build(recipe, options, store, file))));
                    }
                    done
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap_or_default()).collect()
    });
    outcomes.sort_by_key(|(at, _)| *at);
    if outcomes.len() != count {
        return Err(Error::io("build", "internal", std::io::Error::other("a building thread has ended early")));
    }
    Ok(outcomes.into_iter().map(|(_, outcome)| outcome).collect())
}

fn build(recipe: Recipe, options: &BuildOptions, store: &Store, mut staged: Staged) -> Result<Ready> {
    let (sealed, built) = recipe.build(store, options, &mut staged)?;
    let mut manifest = recipe.manifest;
    manifest.generation += 1;
    manifest.segments.retain(|segment| segment.table != BOOK_BUILT);
    manifest.segments.push(Segment {
        table: BOOK_BUILT.to_owned(),
        generation: manifest.generation,
        segment: 0,
        extension: "hftc".to_owned(),
        sealed,
    });
    manifest.segments.sort_by(|a, b| (&a.table, &a.extension, a.segment).cmp(&(&b.table, &b.extension, b.segment)));
    Ok(Ready { manifest, staged, built })
}
