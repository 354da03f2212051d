//! `hftcol import`: arguments and the end of a run; the work is `hftcol::import`.

mod progress;
mod summary;

use std::collections::BTreeSet;
use std::path::PathBuf;

use hftcol::build::BuildOptions;
use hftcol::error::{Error, Result};
use hftcol::import::{self, ImportOptions, MaxRejects, OnError, Overlap};
use hftcol::input::Encoding;
use hftcol::schema::{Clock, PartitionKey, RawTable};
use hftcol::units::Date;
use hftcol::vendor::SourceOptions;

use crate::confined::SandboxArgs;
use crate::output::Output;
use crate::{build, confined, signals, words};

/// Import raw market data into a store, sorted into partitions by venue, security and date.
///
/// The same source again changes nothing; a killed import leaves every partition as before or as after, and the same
/// command goes on. Records that cannot be stored go to the store's quarantine/ folder with the reason.
///
/// Examples:
///   hftcol import raw/ --store ./store
///   hftcol import 'AMZN_2012-06-21_*_1.csv' --store ./store --format lobster
///   zcat trades.csv.gz | hftcol import - --store ./store --format mapping.toml --venue nyse --security IBM
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// Files, folders, patterns, zip archives or their members (a.zip!b.csv), or - for standard input; plain, gzip, bzip2,
    /// xz or zstd, told from the content.
    #[arg(required_unless_present = "repair", value_name = "INPUT")]
    inputs: Vec<PathBuf>,
    /// The store; made if absent.
    #[arg(long, env = "HFTCOL_STORE", value_name = "DIR")]
    store: Option<PathBuf>,
    /// auto, the name of a dialect, or a mapping file (.toml).
    #[arg(long, default_value = "auto", value_name = "FORMAT")]
    format: String,
    /// Show what would be done, by the first rows of each input: dialect, columns, partitions. Writes nothing.
    #[arg(long)]
    dry_run: bool,
    /// Import nothing new: write damaged partitions again from their sources, with the options of their import, byte for
    /// byte as they were. Without inputs, the paths by which their sources were imported are read.
    #[arg(long, conflicts_with_all = ["dry_run", "build_book"])]
    repair: bool,
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    limits: LimitArgs,
}

/// What the data does not say.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "What the data does not say")]
struct SourceArgs {
    /// Venue.
    #[arg(long, value_name = "NAME")]
    venue: Option<String>,
    /// Security, exactly as it shall be stored.
    #[arg(long, alias = "symbol", value_name = "NAME")]
    security: Option<String>,
    /// Table: orders, deltas, trades, quotes, book, ohlcv.
    #[arg(long, value_name = "TABLE", value_parser = words::raw_table)]
    table: Option<RawTable>,
    /// Date of times without one.
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = words::date)]
    date: Option<Date>,
    /// Zone of times without one, such as America/New_York.
    #[arg(long, value_name = "ZONE")]
    tz: Option<String>,
    /// Zone of a partition's date, hour and bars.
    #[arg(long, value_name = "ZONE")]
    date_tz: Option<String>,
    /// Clock that orders the rows: event or recv.
    #[arg(long, value_name = "CLOCK", value_parser = words::clock)]
    clock: Option<Clock>,
    /// Encoding of the text: auto (UTF-8, or UTF-16 where the first bytes show it), utf-8, utf-16 or latin-1.
    #[arg(long, default_value = "auto", value_name = "NAME", value_parser = encoding)]
    encoding: Encoding,
    /// Book levels kept, at most 1000; 50 by default.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    levels: Option<u16>,
    /// Source columns to keep beside the rows that no rule reads, as they are written: names of the header, or paths of
    /// members of messages (a.b).
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    keep: Vec<String>,
    /// Build books of so many levels from imported level changes and order messages: import, then build.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    build_book: Option<u16>,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Limits and rules")]
struct LimitArgs {
    /// Memory of the whole process, at least 64MiB.
    #[arg(long, default_value = "256MiB", value_name = "SIZE", value_parser = words::bytes)]
    memory: u64,
    /// Parsing threads; one a core by default.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Records that cannot be stored: quarantine keeps them, skip counts them, fail ends the import with nothing published.
    #[arg(long, default_value = "quarantine", value_name = "RULE", value_parser = on_error)]
    on_error: OnError,
    /// Rejected records that still count as success: a number, or a share such as 0.1%.
    #[arg(long, default_value = "0", value_name = "N|P%", value_parser = max_rejects)]
    max_rejects: MaxRejects,
    /// Rows in the time range of stored rows of another source: error leaves the partition as it is, skip leaves the new
    /// rows out, replace puts them in place of the stored ones, union adds those that are not stored yet.
    #[arg(long, default_value = "error", value_name = "RULE", value_parser = overlap)]
    overlap: Overlap,
    /// Leave out rows that repeat the row before them: same clock, equal in everything but the source position. They are counted.
    #[arg(long)]
    dedupe: bool,
    /// Longest record; by default 16MiB, or a sixteenth of the memory if that is less.
    #[arg(long, value_name = "SIZE", value_parser = words::bytes)]
    max_line: Option<u64>,
    /// Longest field of a record, a cell or a JSON text or number; by default as long as the record may be.
    #[arg(long, value_name = "SIZE", value_parser = words::bytes)]
    max_field: Option<u64>,
    /// Decompressed bytes of one input; one that has more is refused, and none of its rows is stored. No limit by default.
    #[arg(long, value_name = "SIZE", value_parser = words::bytes)]
    max_input_bytes: Option<u64>,
    /// Let root write into a store that belongs to another user.
    #[arg(long)]
    allow_foreign: bool,
    /// Wait while another run holds the lock.
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    sandbox: SandboxArgs,
}

pub(crate) fn run(args: &Args, output: &Output) -> Result<()> {
    if args.store.is_none() && !args.dry_run {
        return Err(Error::usage("no store is named", "give --store DIR or set HFTCOL_STORE"));
    }
    let options = options(args)?;
    let mut progress = progress::Progress::new(output);
    // The listener of the library returns nothing: what fails while printing ends the run here.
    let mut failed = None;
    let mut touched = BTreeSet::new();
    let mut hear = |event: import::Event<'_>| {
        if let import::Event::Published { key, .. } | import::Event::UpToDate { key } = &event {
            touched.insert((*key).clone());
        }
        if failed.is_none()
            && let Err(error) = progress.hear(&event)
        {
            failed = Some(error);
        }
    };
    if args.dry_run {
        let previews = import::preview(&options, &mut hear)?;
        return summary::preview(&previews, output);
    }
    let report = import::run(&options, &mut hear);
    progress.finish();
    confined::tell(&options.sandbox, output);
    let report = report?;
    if let Some(error) = failed {
        return Err(error);
    }
    summary::print(&report, output)?;
    let verdict = report.verdict();
    match args.source.build_book {
        Some(levels) if !touched.is_empty() => build_books(&options, levels, touched, output).and(verdict),
        _ => verdict,
    }
}

/// Builds the books of what was imported.
fn build_books(options: &ImportOptions, levels: u16, touched: BTreeSet<PartitionKey>, output: &Output) -> Result<()> {
    let options = BuildOptions {
        store: options.store.clone(),
        keys: Some(touched.into_iter().collect()),
        levels,
        threads: options.threads,
        wait: options.wait,
        allow_foreign: options.allow_foreign,
        interrupt: options.interrupt.clone(),
        ..BuildOptions::default()
    };
    build::run_with(&options, output)
}

fn options(args: &Args) -> Result<ImportOptions> {
    let SourceArgs { venue, security, table, date, tz, date_tz, clock, encoding, levels, keep, build_book: _ } =
        &args.source;
    let size = |option: &str, size: Option<u64>| {
        let size = usize::try_from(size.unwrap_or(0));
        size.map_err(|_| Error::usage(format!("{option} is too large"), "give a smaller size"))
    };
    Ok(ImportOptions {
        store: args.store.clone().unwrap_or_default(),
        inputs: args.inputs.clone(),
        format: args.format.clone(),
        source: SourceOptions {
            venue: venue.clone(),
            security: security.clone(),
            date: *date,
            tz: tz.clone(),
            date_tz: date_tz.clone(),
            clock: *clock,
            table: *table,
            levels: levels.unwrap_or(0),
            mapping: None,
            line_bytes: size("--max-line", args.limits.max_line)?,
            field_bytes: size("--max-field", args.limits.max_field)?,
            json_values: 0,
            keep: keep.clone(),
        },
        encoding: *encoding,
        memory: args.limits.memory,
        max_input_bytes: args.limits.max_input_bytes,
        threads: args.limits.threads.map_or(0, usize::from),
        on_error: args.limits.on_error,
        max_rejects: args.limits.max_rejects,
        overlap: args.limits.overlap,
        dedupe: args.limits.dedupe,
        repair: args.repair,
        allow_foreign: args.limits.allow_foreign,
        wait: args.limits.wait,
        sandbox: args.limits.sandbox.sandbox(),
        interrupt: signals::interrupt()?,
        ..ImportOptions::default()
    })
}

fn on_error(text: &str) -> Result<OnError, String> {
    match text {
        "quarantine" => Ok(OnError::Quarantine),
        "skip" => Ok(OnError::Skip),
        "fail" => Ok(OnError::Fail),
        _ => Err("write quarantine, skip or fail".to_owned()),
    }
}

fn encoding(text: &str) -> Result<Encoding, String> {
    Encoding::from_name(text).ok_or_else(|| "write auto, utf-8, utf-16 or latin-1".to_owned())
}

fn overlap(text: &str) -> Result<Overlap, String> {
    match text {
        "error" => Ok(Overlap::Error),
        "skip" => Ok(Overlap::Skip),
        "replace" => Ok(Overlap::Replace),
        "union" => Ok(Overlap::Union),
        _ => Err("write error, skip, replace or union".to_owned()),
    }
}

fn max_rejects(text: &str) -> Result<MaxRejects, String> {
    MaxRejects::parse(text).ok_or_else(|| "write a number, or a share such as 0.1%".to_owned())
}
