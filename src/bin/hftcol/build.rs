//! `hftcol build`: arguments and the end of a run; the work is `hftcol::build`.

use hftcol::build::{self, BuildOptions, BuildReport, Built, Event, Every};
use hftcol::error::{Error, ErrorKind, Escaped, Result};
use hftcol::schema::{BOOK_BUILT, PartitionKey};
use hftcol::store::partition_name;
use serde_json::json;

use crate::compute::parse_nanos;
use crate::confined::SandboxArgs;
use crate::output::{Output, Style};
use crate::select::SelectArgs;
use crate::{confined, published, signals};

/// Build the book from stored level changes (`deltas`) or order messages (`orders`).
///
/// The result is the table book_built of each partition, a row for each change of the best levels, with what is to be said of
/// it in quality_flags. compute uses it where no book was imported. What is up to date is left alone.
///
/// Examples:
///   hftcol build --store ticks
///   hftcol build --store ticks --venue binance --levels 50 --every 100ms
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    #[command(flatten)]
    select: SelectArgs,
    /// Levels of each side, at most 1000.
    #[arg(long, default_value_t = build::LEVELS, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    levels: u16,
    /// Which states become rows: change (one of the levels is another), event (each message), or a time such as 100ms.
    #[arg(long, default_value = "change", value_name = "WHEN", value_parser = every)]
    every: Every,
    /// Build what is up to date, too.
    #[arg(long)]
    force: bool,
    /// Threads; one a core by default.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Wait while another run holds the lock.
    #[arg(long)]
    wait: bool,
    /// Let root write into a store that belongs to another user.
    #[arg(long)]
    allow_foreign: bool,
    #[command(flatten)]
    sandbox: SandboxArgs,
}

pub(crate) fn run(args: &Args, output: &Output) -> Result<()> {
    if args.select.set().is_some() {
        return Err(Error::usage("--set names features", "books are built from the imported tables: leave it out"));
    }
    let options = BuildOptions {
        store: args.select.root()?.clone(),
        filter: args.select.filter()?,
        keys: None,
        levels: args.levels,
        every: args.every,
        force: args.force,
        threads: args.threads.map_or(0, usize::from),
        wait: args.wait,
        allow_foreign: args.allow_foreign,
        sandbox: args.sandbox.sandbox(),
        interrupt: signals::interrupt()?,
    };
    run_with(&options, output)
}

/// Builds books by these options and tells what was done.
///
/// # Errors
/// As the build; `Findings` if a partition failed.
pub(crate) fn run_with(options: &BuildOptions, output: &Output) -> Result<()> {
    let report = build::run(options, &mut |event| match event {
        Event::Published { key, built } => tell(key, built, output),
        Event::Failed { key, reason } => {
            let reason = Escaped(reason.as_bytes());
            eprintln!("failed {}: {reason}", partition_name(key));
            Ok(())
        }
        _ => Ok(()),
    });
    confined::tell(&options.sandbox, output);
    let report = report?;
    let BuildReport { partitions, published, up_to_date, without, failed, rows_in, rows } = report;
    match output.style {
        Style::Json => output.json(&json!({"event": "total", "partitions": partitions, "published": published,
            "up_to_date": up_to_date, "without": without, "failed": failed, "rows_in": rows_in, "rows": rows}))?,
        Style::Plain => output.line(format_args!(
            "total partitions={partitions} published={published} up_to_date={up_to_date} without={without} \
             failed={failed} rows_in={rows_in} rows={rows}"
        ))?,
        Style::Table => output.note(format_args!(
            "books of {published} partitions built, {rows} rows from {rows_in}; {up_to_date} up to date, \
             {without} without level changes or orders, {failed} failed"
        )),
    }
    match failed {
        0 => Ok(()),
        _ => Err(Error::new(ErrorKind::Findings { what: format!("{failed} of {partitions} partitions failed") })),
    }
}

/// What became of a partition: the published line, and the facts that are not 0.
fn tell(key: &PartitionKey, built: &Built, output: &Output) -> Result<()> {
    published::line(output, BOOK_BUILT, key, built.rows)?;
    let facts: Vec<String> =
        built.facts.iter().filter(|(_, count)| *count > 0).map(|(name, count)| format!("{name} {count}")).collect();
    if output.style == Style::Json {
        let facts: serde_json::Map<_, _> =
            built.facts.iter().map(|(name, count)| ((*name).to_owned(), json!(count))).collect();
        return output.json(&json!({"event": "built", "partition": partition_name(key), "from": built.from,
            "rows_in": built.rows_in, "rows": built.rows, "facts": facts}));
    }
    output.detail(format_args!(
        "{}: {} rows from {} of {}; {}",
        partition_name(key),
        built.rows,
        built.rows_in,
        built.from,
        facts.join(", ")
    ));
    Ok(())
}

fn every(text: &str) -> Result<Every, String> {
    match text {
        "change" => Ok(Every::Change),
        "event" => Ok(Every::Event),
        text => match parse_nanos(text) {
            Ok(nanos) if nanos > 0 => Ok(Every::Interval(nanos)),
            _ => Err("write change, event, or a time such as 100ms or 1s".to_owned()),
        },
    }
}
