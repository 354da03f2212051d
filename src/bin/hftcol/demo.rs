//! `hftcol demo`: the whole story on a real sample that is built into the program.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;
use hftcol::error::{Error, ErrorKind, Result};

use crate::Cli;
use crate::output::{Output, Style};

/// Run the whole story on a real sample: import, ls, compute, head, verify.
///
/// The sample is an excerpt of BTCUSDT perpetual trading on Binance Futures of 2024-07-18, in the Tardis layout (from
/// nkaz001/hftbacktest, MIT licence). Every command is printed before it runs, so it can be copied.
///
/// Example: hftcol demo --dir /tmp/hftcol-demo
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// Folder for the sample files and the store; made if absent, kept afterwards.
    #[arg(long, value_name = "DIR", default_value = "hftcol-demo")]
    dir: PathBuf,
}

/// The sample's files: name and gzip bytes.
const SAMPLE: [(&str, &[u8]); 2] = [
    (
        "binance-futures_book_snapshot_25_2024-07-18_BTCUSDT.csv.gz",
        include_bytes!("../../../tests/data/demo/binance-futures_book_snapshot_25_2024-07-18_BTCUSDT.csv.gz"),
    ),
    (
        "binance-futures_trades_2024-07-18_BTCUSDT.csv.gz",
        include_bytes!("../../../tests/data/demo/binance-futures_trades_2024-07-18_BTCUSDT.csv.gz"),
    ),
];

/// The columns that `head` shows: one of each kind.
const SHOWN: &str = "ts_event,book_flags,mid,spread_bps,microprice,imbalance_5,ofi,mlofi,log_return,buy_volume,sell_volume,trade_imbalance";

pub(crate) fn run(args: &Args, output: &Output) -> Result<()> {
    let raw = args.dir.join("raw");
    fs::create_dir_all(&raw).map_err(|e| Error::io("create folder", &raw, e))?;
    for (name, bytes) in SAMPLE {
        let path = raw.join(name);
        fs::write(&path, bytes).map_err(|e| Error::io("write", &path, e))?;
    }
    output.note(format_args!(
        "The sample: BTCUSDT perpetual, Binance Futures, 2024-07-18, 2,173 snapshots of 25 levels and 974 trades\n\
         (captured by nkaz001/hftbacktest, MIT licence), now in {}.",
        raw.display()
    ));
    let store = args.dir.join("store");
    let store = utf8(&store)?;
    let raw = utf8(&raw)?;
    show_and_run(&["import", raw, "--store", store], output)?;
    show_and_run(&["ls", "--store", store], output)?;
    compute(store, output)?;
    for command in [
        vec!["head", "--store", store, "--set", "default", "--table", "book", "--columns", SHOWN, "-n", "12"],
        vec!["verify", "--store", store],
    ] {
        show_and_run(&command, output)?;
    }
    output.note(format_args!(
        "\nThe store stays in {store}; go on with your own files: hftcol import FILES --store DIR, hftcol compute --store DIR."
    ));
    Ok(())
}

/// Computes the set; one that another version has left in the folder with other features is replaced.
fn compute(store: &str, output: &Output) -> Result<()> {
    let command = ["compute", "--store", store, "--threads", "2"];
    match show_and_run(&command, output) {
        Err(e) if matches!(e.kind(), ErrorKind::Usage { .. }) => {
            output.note(format_args!("The set in {store} has another configuration: it is computed anew ({e})."));
            show_and_run(&[&command[..], &["--force"]].concat(), output)
        }
        done => done,
    }
}

/// Prints a command as it would be typed and runs it through the same parser.
fn show_and_run(command: &[&str], output: &Output) -> Result<()> {
    if output.style != Style::Json {
        output.line(format_args!("\n$ hftcol {}", command.join(" ")))?;
    }
    let words = std::iter::once("hftcol").chain(command.iter().copied());
    let cli = Cli::try_parse_from(words).map_err(|e| Error::usage(e.to_string(), "this is a defect of the demo"))?;
    crate::run(cli.command, output)
}

fn utf8(path: &Path) -> Result<&str> {
    path.to_str().ok_or_else(|| Error::usage("the demo's folder name is not UTF-8", "choose another with --dir"))
}
