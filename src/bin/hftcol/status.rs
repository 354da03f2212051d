//! `hftcol status`: what is done, what failed and why, what is to do.

use hftcol::error::{Escaped, Result};
use hftcol::schema::PartitionKey;
use hftcol::status::{PartitionState, TreeStatus, status};
use hftcol::store::{NameKind, Store, escape, partition_name};
use serde_json::json;

use crate::output::{Output, Style};
use crate::select::{SelectArgs, tree_name};
use crate::tables::Grid;

/// Partitions with a reason that are shown without `-v`.
const SHOWN: usize = 40;

/// Show how the store and its feature sets stand: done, failed with the reason, pending.
///
/// Of imported tables: what the last import left out and why. Of a feature set: partitions that are to be computed,
/// because they never were or because the imported tables have changed. Nothing is locked or written.
///
/// Examples:
///   hftcol status --store ticks
///   hftcol status --store ticks --set default --json
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    #[command(flatten)]
    select: SelectArgs,
}

pub(crate) fn run(args: &Args, output: &Output) -> Result<()> {
    let store = Store::open(args.select.root()?)?;
    let found = status(&store, &args.select.trees(&store)?, &args.select.filter()?)?;
    if output.style == Style::Json {
        return found.iter().try_for_each(|tree| print_json(tree, output));
    }
    let mut grid = Grid::new(["tree", "done", "pending", "failed", "nothing to compute", "last run"]);
    for tree in &found {
        let count = |name| tree.count(name).to_string();
        grid.row([
            tree_name(&tree.tree),
            count("done"),
            count("pending"),
            (tree.count("failed") + tree.others.len()).to_string(),
            count("nothing to compute"),
            last_run(tree).to_owned(),
        ]);
    }
    output.line(grid.text(output))?;
    let mut reasons: Vec<String> = Vec::new();
    for tree in &found {
        let name = tree_name(&tree.tree);
        let of = |key: &PartitionKey, state: &PartitionState| {
            let reason = Escaped(state.reason()?.as_bytes()).to_string();
            Some(format!("{} {name} {}: {reason}", state.name(), partition_name(key)))
        };
        reasons.extend(tree.partitions.iter().filter_map(|(key, state)| of(key, state)));
        reasons.extend(tree.others.iter().map(|failure| {
            let (subject, reason) = (Escaped(failure.subject.as_bytes()), Escaped(failure.reason.as_bytes()));
            format!("failed {name} {subject}: {reason}")
        }));
    }
    // What failed is what people look for.
    reasons.sort_by_key(|line| !line.starts_with("failed"));
    let shown = if output.verbose > 0 || output.style == Style::Plain { reasons.len() } else { SHOWN };
    reasons.iter().take(shown).try_for_each(|line| output.line(line))?;
    if reasons.len() > shown {
        output.note(format_args!("... and {} more; -v shows all", reasons.len() - shown));
    }
    Ok(())
}

fn last_run(tree: &TreeStatus) -> &'static str {
    match (tree.is_open, tree.count("failed") + tree.others.len()) {
        (true, _) => "under way or interrupted",
        (false, 0) => "ended well",
        (false, _) => "ended with failures",
    }
}

fn print_json(tree: &TreeStatus, output: &Output) -> Result<()> {
    let name = tree_name(&tree.tree);
    for (key, state) in &tree.partitions {
        output.json(&json!({
            "tree": name,
            "venue": escape(NameKind::Venue, &key.venue),
            "security": escape(NameKind::Security, &key.security),
            "date": key.date.to_string(),
            "state": state.name(),
            "reason": state.reason(),
        }))?;
    }
    for failure in &tree.others {
        output.json(&json!({"tree": name, "source": failure.subject, "state": "failed", "reason": failure.reason}))?;
    }
    output.json(&json!({
        "event": "total",
        "tree": name,
        "done": tree.count("done"),
        "pending": tree.count("pending"),
        "failed": tree.count("failed") + tree.others.len(),
        "nothing_to_compute": tree.count("nothing to compute"),
        "open": tree.is_open,
    }))
}
