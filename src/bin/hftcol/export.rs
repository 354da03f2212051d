//! `hftcol export`: arguments and the end of a run; the work is `hftcol::export`.

use std::path::PathBuf;

use hftcol::error::{Error, ErrorKind, Escaped, Result};
use hftcol::export::{self, Event, ExportOptions};
use hftcol::sink::rows::RowSelection;
use hftcol::store::UnitName;
use serde_json::json;

use crate::confined::SandboxArgs;
use crate::io::IoArgs;
use crate::output::{Output, Style};
use crate::select::SelectArgs;
use crate::words::show_bytes;
use crate::{confined, published, signals};

/// Export stored tables, imported or features, for other tools.
///
/// Files are written as <DIR>/<table>/venue=.../security=.../date=.../part-0.<format>, each checked against the table and
/// renamed into place when it is whole. Decimals stay exact. A CSV of an imported table can be imported again.
///
/// Examples:
///   hftcol export --store ticks --out ./parquet
///   hftcol export --store ticks --set default --out ./features --format arrow --from 2024-08-01
///   hftcol export --store ticks --out ./csv --format csv --table trades --columns ts_event,price,qty
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    #[command(flatten)]
    select: SelectArgs,
    #[command(flatten)]
    io: IoArgs,
    /// Folder for the files; made if absent, never in the store.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Formats, separated by commas: parquet, arrow (IPC file), csv, ndjson.
    #[arg(long, value_delimiter = ',', default_value = "parquet", value_name = "FORMATS")]
    format: Vec<String>,
    /// Tables, separated by commas; all by default.
    #[arg(long, value_delimiter = ',', value_name = "TABLES")]
    table: Vec<String>,
    /// Columns, separated by commas; all by default.
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    columns: Vec<String>,
    /// Wait while another run holds the folder's lock.
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    sandbox: SandboxArgs,
}

pub(crate) fn run(args: &Args, output: &Output) -> Result<()> {
    let (first, end) = args.select.clocks();
    let options = ExportOptions {
        store: args.select.root()?.clone(),
        set: args.select.set().map(str::to_owned),
        filter: args.select.filter()?,
        tables: args.table.clone(),
        selection: RowSelection::new(&args.columns, first, end),
        formats: args.format.clone(),
        out: args.out.clone(),
        wait: args.wait,
        io: args.io.mode,
        sandbox: args.sandbox.sandbox(),
        interrupt: signals::interrupt()?,
    };
    let report = export::run(&options, &mut |event| match event {
        Event::Published { table, key, rows } => published::line(output, table, key, rows),
        Event::Failed { table, key, reason } => {
            eprintln!("failed {}: {}", UnitName { table, key }, Escaped(reason.as_bytes()));
            Ok(())
        }
        _ => Ok(()),
    });
    confined::tell(&options.sandbox, output);
    let report = report?;
    let export::ExportReport { units, files, rows, bytes, empty, failed } = report;
    match output.style {
        Style::Json => output.json(&json!({"event": "total", "units": units, "files": files, "rows": rows,
            "bytes": bytes, "empty": empty, "failed": failed}))?,
        Style::Plain => output.line(format_args!(
            "total units={units} files={files} rows={rows} bytes={bytes} empty={empty} failed={failed}"
        ))?,
        Style::Table => {
            let size = show_bytes(bytes);
            output.note(format_args!("{units} tables, {files} files, {rows} rows, {size}, in {}", args.out.display()));
            if empty > 0 {
                output.note(format_args!("{empty} tables have no row in the range"));
            }
        }
    }
    match failed {
        0 => Ok(()),
        _ => Err(Error::new(ErrorKind::Findings { what: format!("{failed} of {} tables failed", units + failed) })),
    }
}
