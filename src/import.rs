//! The wiring of an import, short enough to read in one screen.
//!
//! ```text
//! inputs -> recognise -> read + parse (N threads) -> sorted runs -> per partition: plan, merge, write -> publish
//! ```
//!
//! In: [`ImportOptions`]. Out: partitions of the store, each published atomically and only when it is durable, and an
//! [`ImportReport`] in which every record and every row has exactly one fate. The stored files depend on the sources and
//! their order, never on threads, chunks or memory.

mod budget;
mod collect;
mod crowd;
mod hive;
mod intake;
mod line;
mod options;
mod order;
mod plan;
mod preview;
mod publish;
mod quarantine;
mod readback;
mod rejects;
mod repair;
mod report;
mod segment;
mod sources;
mod stored;
mod takeover;
mod turns;

use std::sync::Arc;
use std::thread;
use std::time::Instant;

use crate::error::{Error, ErrorKind, Result};
use crate::exec;
use crate::partition::{Opener, Run, Scratch, reduce};
use crate::storage::{IoMode, OsStorage};
use crate::store::{OpenOptions, Publisher, Store, Tree};

pub use options::{Event, ImportOptions, MaxRejects, OnError, Overlap, Tuning};
pub use preview::{Preview, PreviewTable, preview};
pub use report::{ImportReport, RowFates, SourceReport, SourceState, TableReport};

use budget::Budget;
use collect::Collector;
use publish::Stage;
use sources::Opened;

/// Imports the inputs into the store. The report says what happened; [`ImportReport::verdict`] whether all is well.
///
/// Cost: one pass over the inputs, one sort in memory, one write; a second write and read of what exceeds the budget.
///
/// # Errors
/// `Usage`, `Input` before anything is read, `Locked`, `Io`, `Damage` of the store, `Interrupted`. The store is then as
/// before or as after, partition by partition.
pub fn run(options: &ImportOptions, on_event: &mut dyn FnMut(Event<'_>)) -> Result<ImportReport> {
    if options.repair {
        return repair::run(options, on_event);
    }
    let mut budget = Budget::new(options)?;
    let (sources, kept) = sources::open(options, &budget, on_event)?;
    if sources.iter().any(Opened::is_pair) {
        budget = budget.for_pairs();
    }
    if !kept.is_empty() {
        // The fast way knows the columns of tables alone.
        budget.assembly.open_bytes = 0;
    }
    if options.sandbox.is_wanted() {
        // Before any thread starts, and the folder must be there.
        OsStorage::open_or_create(&options.store, IoMode::Pread)?;
        options.sandbox.enter(sources.iter().flat_map(Opened::files), &[&options.store]);
    }
    let (scratch, opener) = Scratch::later();
    let started = Instant::now();
    // Making a store and taking its lock is waiting for the device, most of it: the reading goes on meanwhile.
    let (opened, read) = thread::scope(|scope| {
        let opening = scope.spawn(|| open(options, opener));
        let read = intake::read(sources, options, &budget, &scratch, on_event);
        (opening.join().unwrap_or_else(|_| Err(internal("the opening of the store has ended early"))), read)
    });
    let (store, mut publisher) = opened?;
    let read_time = started.elapsed();
    let carried_out = read.and_then(|read| {
        let stage = (&store, &mut publisher, &scratch);
        carry_out(read, &kept, options, &budget, stage, on_event)
    });
    let noted = carried_out.as_ref().map_or(Ok(()), |report| {
        publisher.note_failures(report.failures())?;
        publisher.note_sources(report.named_sources())
    });
    // Also after an error: what was published stays, what was not goes, and the ledger is closed.
    let finished = publisher.finish();
    let mut report = carried_out?;
    noted?;
    finished?;
    report.read_time += read_time;
    report.peak_memory = exec::peak_resident_bytes();
    if !report.balanced() {
        return Err(internal("records or rows without a fate: the report does not balance"));
    }
    Ok(report)
}

/// Makes or opens the store and begins a run on it; then there is a place for scratch files: where the publisher stages, in
/// the store's file system, cleaned with the staging folder.
fn open(options: &ImportOptions, opener: Opener) -> Result<(Store, Publisher)> {
    // Stored files are read with pread: a map would count as resident memory.
    let open = OpenOptions { io: IoMode::Pread, allow_foreign: options.allow_foreign };
    let store = Store::create_or_open_with(&options.store, open)?;
    let publisher = exec::patiently(options.wait, &options.interrupt, || store.begin(Tree::Raw))?;
    let staged = publisher.stage()?;
    let prefix = staged.path().with_file_name("scratch-");
    publisher.discard(staged)?;
    opener.open(Arc::clone(store.storage()), prefix);
    Ok((store, publisher))
}

fn carry_out(
    (runs, mut collector): (Vec<Run>, Collector),
    kept: &[String],
    options: &ImportOptions,
    budget: &Budget,
    (store, publisher, scratch): (&Store, &mut Publisher, &Scratch),
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<ImportReport> {
    let mut report = ImportReport { max_rejects: options.max_rejects, ..ImportReport::default() };
    let started = Instant::now();
    report.encoded_rows = runs.iter().map(Run::encoded_rows).sum();
    report.spilled_bytes = runs.iter().map(Run::file_bytes).sum();
    let runs = &reduce(runs, budget.fan_in, scratch, &|| options.interrupt.check())?;
    refuse_inexact(options, runs, &collector)?;
    report.read_time = started.elapsed();

    let started = Instant::now();
    report.tables = std::mem::take(&mut collector.tables);
    let stage = Stage { runs, store, scratch, options, budget, kept };
    let mut inexact = publish::publish(&stage, publisher, &mut collector, &mut report, on_event)?;
    let Collector { reports, facts, rejects, .. } = collector;
    report.sources = reports;
    report.count_inexact(&mut inexact);
    let digests: Vec<u128> = facts.iter().map(|source| source.digest).collect();
    report.quarantine = rejects.publish(publisher, &digests, &mut inexact)?;
    report.write_time = started.elapsed();
    Ok(report)
}

/// With `--on-error fail` nothing may be published once a row is refused, also one that only the merge would refuse.
fn refuse_inexact(options: &ImportOptions, runs: &[Run], collector: &Collector) -> Result<()> {
    if options.on_error != OnError::Fail {
        return Ok(());
    }
    match publish::any_inexact(runs, collector)? {
        Some(table) => Err(Error::new(ErrorKind::Findings {
            what: format!(
                "{} has a column whose largest and finest values do not fit together in 64 bits; nothing is published \
                 (--on-error fail)",
                table.name()
            ),
        })),
        None => Ok(()),
    }
}

/// A defect of this program, told instead of a wrong store.
fn internal(what: &str) -> Error {
    Error::io("import", "internal", std::io::Error::other(what.to_owned()))
}
