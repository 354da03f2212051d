//! `hftcol compute`: arguments, progress and the end of a run; the work is `hftcol::compute`.

mod arguments;
mod figures;
mod progress;
mod report;

use std::path::PathBuf;

use hftcol::compute::{self, BookChoice, ComputeOptions, KeyFilter, Shard};
use hftcol::error::{Error, ErrorKind, Result};
use hftcol::exec::PinPolicy;
use hftcol::schema::Clock;
use hftcol::units::Date;

use crate::confined::SandboxArgs;
use crate::io::IoArgs;
use crate::output::Output;
use crate::{confined, signals, words};
use arguments::FeatureArgs;
pub(crate) use arguments::parse_nanos;

/// Compute the features of stored partitions, in parallel on pinned workers.
///
/// Partitions whose output is up to date are skipped; one that fails does not stop the others.
///
/// Examples:
///   hftcol compute --store ./store --threads 16
///   hftcol compute --store ./store --venue binance --security 'BTC*' --from 2024-08-01 --output parquet --out ./features
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// The store.
    #[arg(long, env = "HFTCOL_STORE", value_name = "DIR")]
    store: PathBuf,
    /// Workers; one a usable core by default.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Cores of the workers: auto, off, or a list such as 0,2,4-7.
    #[arg(long, default_value = "auto", value_name = "auto|off|LIST")]
    pin: PinPolicy,
    /// Venues: names or globs, separated by commas.
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    venue: Vec<String>,
    /// Securities: names or globs, separated by commas.
    #[arg(long, alias = "symbol", value_delimiter = ',', value_name = "NAMES")]
    security: Vec<String>,
    /// First date.
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = words::date)]
    from: Option<Date>,
    /// Last date.
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = words::date)]
    to: Option<Date>,
    /// Name of the feature set in the store.
    #[arg(long, default_value = "default", value_name = "NAME")]
    set: String,
    /// Write into this folder in Hive layout, <DIR>/<table>/venue=.../security=.../date=.../part-0.*, not into the store.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Output format: hftc, parquet, arrow, csv, ndjson, or null to drop the results; may be given several times.
    #[arg(long, value_delimiter = ',', default_value = "hftc", value_name = "FORMAT")]
    output: Vec<String>,
    #[command(flatten)]
    features: FeatureArgs,
    /// Clock that orders everything: event or recv; event where every row has it by default.
    #[arg(long, value_name = "CLOCK", value_parser = words::clock)]
    clock: Option<Clock>,
    /// Table that serves as the book: auto, book, book_built, quotes.
    #[arg(long, default_value = "auto", value_name = "TABLE")]
    book: BookChoice,
    /// Go on from the state of the calendar date before, where the store has that date: the dates of a security become a
    /// chain, as if they were one stream. A changed date makes the later ones out of date.
    #[arg(long)]
    carry_state: bool,
    /// Compute what is up to date, too, and let the set take another configuration.
    #[arg(long)]
    force: bool,
    /// Compute only part i of n of the partitions; the n runs may work at the same time, on one store or on copies of it.
    #[arg(long, value_name = "i/n")]
    shard: Option<Shard>,
    /// Attempts after an I/O error.
    #[arg(long, default_value_t = 3, value_name = "N")]
    retries: u32,
    /// Write a trace of every worker to this file, for Perfetto or chrome://tracing; one that is there is replaced.
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Show what would be computed, its cost and memory; write nothing.
    #[arg(long)]
    dry_run: bool,
    /// Wait while another run holds the lock.
    #[arg(long)]
    wait: bool,
    /// Let root write into a store that belongs to another user.
    #[arg(long)]
    allow_foreign: bool,
    #[command(flatten)]
    io: IoArgs,
    #[command(flatten)]
    sandbox: SandboxArgs,
}

pub(crate) fn run(args: &Args, output: &Output) -> Result<()> {
    let options = options(args)?;
    let mut progress = progress::Progress::new(output);
    let result = compute::run(&options, &mut |event| progress.hear(event));
    progress.finish();
    confined::tell(&options.sandbox, output);
    let computed = result?;
    report::print(&computed, output)?;
    if let Some(signal) = computed.interrupted {
        return Err(Error::new(ErrorKind::Interrupted { signal }));
    }
    match computed.failed() {
        0 => Ok(()),
        failed => {
            let what = format!("{failed} of {} partitions failed", computed.partitions.len());
            Err(Error::new(ErrorKind::Findings { what }))
        }
    }
}

fn options(args: &Args) -> Result<ComputeOptions> {
    if args.threads == Some(0) {
        return Err(Error::usage("--threads 0", "give at least 1, or leave it out for one a core"));
    }
    Ok(ComputeOptions {
        filter: KeyFilter::new(&args.venue, &args.security, args.from, args.to)?,
        set: args.set.clone(),
        features: args.features.config(),
        clock: args.clock,
        book: args.book,
        carry_state: args.carry_state,
        outputs: args.output.clone(),
        out: args.out.clone(),
        threads: args.threads.unwrap_or(0),
        pin: args.pin.clone(),
        trace: args.trace.clone(),
        shard: args.shard,
        retries: args.retries,
        force: args.force,
        wait: args.wait,
        dry_run: args.dry_run,
        allow_foreign: args.allow_foreign,
        io: args.io.mode,
        sandbox: args.sandbox.sandbox(),
        interrupt: signals::interrupt()?,
        ..ComputeOptions::new(&args.store)
    })
}
