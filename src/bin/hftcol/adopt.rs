//! `hftcol adopt`: the ledger and the partitions are brought together on request.

use hftcol::error::{Error, ErrorKind, Escaped, Result};
use hftcol::store::{Adopted, Finding, OpenOptions, Store, Tree, partition_name};
use serde_json::json;

use crate::output::{Output, Style};
use crate::select::{SelectArgs, tree_name};

/// Enter copied-in partitions into the store's ledger, and forget removed ones.
///
/// A partition folder that was copied from another store is read as it is; adopt makes `verify` expect it. Each is entered
/// only if all its files are whole. What is damaged is told and left alone.
///
/// Examples:
///   cp -r other/venue=binance ticks/ && hftcol adopt --store ticks
///   hftcol adopt --store ticks --rebuild-journal
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    #[command(flatten)]
    select: SelectArgs,
    /// Write the ledger anew from the partitions, for a damaged or lost journal. What only the old one knew, above all
    /// which partitions are missing, is lost.
    #[arg(long, conflicts_with_all = ["venue", "security", "from", "to", "set"])]
    rebuild_journal: bool,
    /// Let root write into a store that belongs to another user.
    #[arg(long)]
    allow_foreign: bool,
}

pub(crate) fn run(args: &Args, output: &Output) -> Result<()> {
    let open = OpenOptions { allow_foreign: args.allow_foreign, ..OpenOptions::default() };
    let store = Store::open_to_write(args.select.root()?, open)?;
    let mut faults = Vec::new();
    if args.rebuild_journal {
        let (entered, found) = store.rebuild_journal()?;
        faults = found;
        match output.style {
            Style::Json => output.json(&json!({"event": "rebuilt", "entered": entered}))?,
            _ => output.line(format_args!("the journal is written anew: {entered} units entered"))?,
        }
    } else {
        for tree in args.select.trees(&store)? {
            faults.extend(adopt(args, &store, &tree, output)?);
        }
    }
    for fault in &faults {
        eprintln!("not entered: {fault}");
    }
    match faults.len() {
        0 => Ok(()),
        count => Err(Error::new(ErrorKind::Findings { what: format!("{count} files or partitions are not whole") })),
    }
}

fn adopt(args: &Args, store: &Store, tree: &Tree, output: &Output) -> Result<Vec<Finding>> {
    let filter = args.select.filter()?;
    let mut publisher = store.begin(tree.clone())?;
    let done = publisher.adopt(&mut |key| filter.pass(key));
    // Also after an error: the lane is closed again.
    let finished = publisher.finish();
    let (done, faults) = done?;
    finished?;
    for (key, what) in done {
        let word = match what {
            Adopted::Entered => "entered",
            Adopted::Removed => "forgotten",
        };
        let (name, tree) = (partition_name(&key), tree_name(tree));
        match output.style {
            Style::Json => output.json(&json!({"event": word, "partition": name, "tree": tree}))?,
            _ => output.line(format_args!("{word} {name} ({})", Escaped(tree.as_bytes())))?,
        }
    }
    Ok(faults)
}
