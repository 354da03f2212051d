//! The compute wiring: store, merge, features, sinks, driven by pinned workers.
//!
//! In: [`ComputeOptions`]. Out: the feature tables of every partition that passes the filter, published as they are
//! done, and a [`ComputeReport`]. Promised: the outputs are the same bytes for any number of workers; a partition whose
//! output carries the wanted fingerprint is not computed again; one that fails is tried again after an I/O error and
//! otherwise fails alone.

mod chain;
mod destination;
mod driver;
mod estimate;
mod hive;
mod nowhere;
mod options;
mod plan;
mod report;
mod set;
mod shard;
mod spill;
mod state;
mod trace_file;
mod work;

use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::exec::{Topology, patiently};
use crate::feature::PartitionArena;
use crate::sink::{Format, Role, format_named};
use crate::storage::OsStorage;
use crate::store::{OpenOptions, Store, Tree};

use chain::Held;
use driver::Products;

pub use crate::store::KeyFilter;
pub use estimate::{Estimate, TableEstimate};
pub use options::{BookChoice, ComputeOptions};
pub use report::{ComputeReport, Event, PartitionOutcome, State};
pub use shard::{Shard, shard_of};

/// Anonymous memory of a worker that only Parquet needs (decision 26), in bytes.
const PARQUET_BYTES: u64 = 64 << 20;

/// Runs a compute. `on_event` hears what happens, on the caller's thread; an error of it ends the run.
///
/// Partitions that fail do not make this an error: see [`ComputeReport::failed`] and [`ComputeReport::interrupted`].
///
/// # Errors
/// `Usage` for options that cannot be met, before anything is read; `Locked`; `Damage` and `Io` of the store itself, and
/// `Io` when there is no space left.
pub fn run(
    options: &ComputeOptions,
    on_event: &mut (dyn FnMut(Event<'_>) -> Result<()> + Send),
) -> Result<ComputeReport> {
    // What is wrong with the options is said before the store is touched.
    let checked = check(options)?;
    let store = Store::open_to_write(
        &options.store,
        OpenOptions {
            allow_foreign: options.allow_foreign || options.dry_run || options.out.is_some(),
            io: options.io,
        },
    )?;
    run_checked(options, &store, checked, on_event)
}

/// The same over a store that is open already; [`ComputeOptions::store`] is not looked at.
///
/// # Errors
/// As [`run`].
pub fn run_in(
    store: &Store,
    options: &ComputeOptions,
    on_event: &mut (dyn FnMut(Event<'_>) -> Result<()> + Send),
) -> Result<ComputeReport> {
    run_checked(options, store, check(options)?, on_event)
}

/// What follows from the options alone.
struct Checked {
    formats: Vec<&'static dyn Format>,
    recipe: plan::Recipe,
    arena_bytes: u64,
}

fn check(options: &ComputeOptions) -> Result<Checked> {
    options.validate()?;
    let formats = kept_formats(options)?;
    let arena_bytes = check_memory(options, &formats)?;
    Ok(Checked { formats, recipe: plan::Recipe::new(options)?, arena_bytes })
}

fn run_checked(
    options: &ComputeOptions,
    store: &Store,
    checked: Checked,
    on_event: driver::OnEvent<'_>,
) -> Result<ComputeReport> {
    let tree = Tree::Features(options.set.clone());
    if options.dry_run {
        return dry_run(options, store, &tree, &checked, on_event);
    }
    let Checked { formats, recipe, .. } = checked;
    // Its folder may lie outside of what the process is then confined to.
    let trace = trace_file::open(options)?;
    if options.out.is_none() || formats.is_empty() {
        options.sandbox.enter([], &[&options.store]);
    }
    if formats.is_empty() {
        let plan = chain::plan(options, store, &recipe, &Held::NOTHING)?;
        return driver::run(
            options,
            store,
            nowhere::Nowhere(store.clone()),
            Products { formats, trace },
            &recipe,
            plan,
            on_event,
        );
    }
    if let Some(out) = &options.out {
        let storage = Arc::new(OsStorage::open_or_create(out, options.io)?);
        options.sandbox.enter([options.store.as_path()], &[out]);
        let folder =
            patiently(options.wait, &options.interrupt, || hive::HiveFolder::begin(storage.clone(), options.shard))?;
        let held = Held {
            is_current: &|task| hive::is_current(storage.as_ref(), &formats, task),
            state: &|before| hive::state(storage.as_ref(), before),
        };
        let plan = chain::plan(options, store, &recipe, &held)?;
        return driver::run(options, store, folder, Products { formats, trace }, &recipe, plan, on_event);
    }
    set::check_configuration(options, store)?;
    let publisher = patiently(options.wait, &options.interrupt, || match options.shard {
        None => store.begin(tree.clone()),
        Some(shard) => store.begin_shard(&options.set, shard.index, shard.count),
    })?;
    let held = Held {
        is_current: &|task| set::is_current(store, &tree, &formats, task),
        state: &|before| set::state(store, &tree, before),
    };
    let plan = chain::plan(options, store, &recipe, &held)?;
    let set = set::FeatureSet::begin(options, store.clone(), tree, formats.clone(), publisher, !plan.jobs.is_empty())?;
    driver::run(options, store, set, Products { formats, trace }, &recipe, plan, on_event)
}

/// The formats that keep anything, each once.
fn kept_formats(options: &ComputeOptions) -> Result<Vec<&'static dyn Format>> {
    let mut formats: Vec<&'static dyn Format> = Vec::new();
    for name in &options.outputs {
        let format = format_named(name)?;
        if format.role() != Role::Nothing && !formats.iter().any(|f| f.name() == format.name()) {
            formats.push(format);
        }
    }
    Ok(formats)
}

/// Refuses a number of workers whose memory the machine does not have. Returns the bytes of one arena.
fn check_memory(options: &ComputeOptions, formats: &[&'static dyn Format]) -> Result<u64> {
    let topology = Topology::detect();
    let threads = if options.threads == 0 { topology.parallelism } else { options.threads } as u64;
    let arena_bytes = PartitionArena::new(&options.features)?.bytes() as u64;
    let needed = threads.saturating_mul(worker_bytes(arena_bytes, formats));
    if topology.memory_bytes > 0 && needed > topology.memory_bytes {
        return Err(Error::usage(
            format!("{threads} workers need {} MiB, the machine has {} MiB", needed >> 20, topology.memory_bytes >> 20),
            "use fewer --threads or --levels",
        ));
    }
    Ok(arena_bytes)
}

/// Anonymous memory of a worker.
fn worker_bytes(arena_bytes: u64, formats: &[&'static dyn Format]) -> u64 {
    let exports = formats.iter().any(|format| format.role() == Role::Export);
    arena_bytes + if exports { PARQUET_BYTES } else { 0 }
}

/// Plans, and takes no lock.
fn dry_run(
    options: &ComputeOptions,
    store: &Store,
    tree: &Tree,
    checked: &Checked,
    on_event: driver::OnEvent<'_>,
) -> Result<ComputeReport> {
    let topology = Topology::detect();
    let threads = if options.threads == 0 { topology.parallelism } else { options.threads };
    options.pin.plan(threads, &topology)?;
    let Checked { formats, recipe, arena_bytes } = checked;
    let plan = match &options.out {
        None if formats.is_empty() => chain::plan(options, store, recipe, &Held::NOTHING)?,
        None => {
            set::check_configuration(options, store)?;
            let held = Held {
                is_current: &|task| set::is_current(store, tree, formats, task),
                state: &|before| set::state(store, tree, before),
            };
            chain::plan(options, store, recipe, &held)?
        }
        Some(out) if Path::exists(out) => {
            let storage = OsStorage::open(out, options.io)?;
            let held = Held {
                is_current: &|task| hive::is_current(&storage, formats, task),
                state: &|before| hive::state(&storage, before),
            };
            chain::plan(options, store, recipe, &held)?
        }
        Some(_) => chain::plan(options, store, recipe, &Held::NOTHING)?,
    };
    on_event(plan.event())?;
    let each = worker_bytes(*arena_bytes, formats);
    let estimate = Some(Estimate::new(options, &plan, formats, (threads, each))?);
    let arena_bytes = *arena_bytes;
    Ok(ComputeReport { partitions: plan.outcomes, threads, arena_bytes, estimate, ..ComputeReport::default() })
}
