//! `hftcol compact`: arguments and the end of a run; the work is `hftcol::compact`.

use hftcol::compact::{self, CompactOptions, CompactReport, Event};
use hftcol::error::{Error, ErrorKind, Escaped, Result};
use hftcol::store::partition_name;
use serde_json::json;

use crate::confined::SandboxArgs;
use crate::output::{Output, Style};
use crate::select::SelectArgs;
use crate::words::show_bytes;
use crate::{confined, published, signals};

/// Join the segments of each table into one file, and remove what no reader needs any more.
///
/// Rows and content digests stay the same, so features stay up to date. It can be stopped and killed at any moment.
///
/// Example: hftcol compact --store ticks --venue binance --to 2024-07-31
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    #[command(flatten)]
    select: SelectArgs,
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
    let options = CompactOptions {
        store: args.select.root()?.clone(),
        set: args.select.set().map(str::to_owned),
        filter: args.select.filter()?,
        wait: args.wait,
        allow_foreign: args.allow_foreign,
        sandbox: args.sandbox.sandbox(),
        interrupt: signals::interrupt()?,
    };
    let report = compact::run(&options, &mut |event| match event {
        Event::Published { table, key, rows } => published::line(output, table, key, rows),
        Event::Failed { key, reason } => {
            let reason = Escaped(reason.as_bytes());
            eprintln!("failed {}: {reason}", partition_name(key));
            Ok(())
        }
        _ => Ok(()),
    });
    confined::tell(&options.sandbox, output);
    let report = report?;
    let CompactReport { partitions, published, tables, segments, bytes_before, bytes_after, failed } = report;
    match output.style {
        Style::Json => output.json(&json!({"event": "total", "partitions": partitions, "published": published,
            "tables": tables, "segments": segments, "bytes_before": bytes_before, "bytes_after": bytes_after,
            "failed": failed}))?,
        Style::Plain => output.line(format_args!(
            "total partitions={partitions} published={published} tables={tables} segments={segments} \
             bytes_before={bytes_before} bytes_after={bytes_after} failed={failed}"
        ))?,
        Style::Table => {
            let (before, after) = (show_bytes(bytes_before), show_bytes(bytes_after));
            output.note(format_args!(
                "{tables} tables of {published} partitions joined from {segments} segments, {before} -> {after}; \
                 {} partitions were in one piece",
                partitions - published - failed
            ));
        }
    }
    match failed {
        0 => Ok(()),
        _ => Err(Error::new(ErrorKind::Findings { what: format!("{failed} of {partitions} partitions failed") })),
    }
}
