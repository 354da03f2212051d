//! `hftcol verify`: every byte of a store, or of single files, against checksums, format and ledger.

use std::collections::BTreeMap;
use std::path::PathBuf;

use hftcol::error::{Error, ErrorKind, Escaped, EscapedPath, Result};
use hftcol::read::TableReader;
use hftcol::store::{Finding, FindingKind, Manifest, Remedy, Segment, Store, Tree, segment_path};

use crate::io::IoArgs;
use crate::output::{Output, Style};
use crate::select::SelectArgs;

/// Check every byte: of the store's files against checksums, format and ledger; or of single table files.
///
/// Exit code 0: sound. 1: something is wrong; each line says what, where, how many rows, and what mends it. 4: not a
/// readable store.
///
/// Examples:
///   hftcol verify --store ticks
///   hftcol verify book.00000001.0.hftc
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// Table files; without any, the store.
    files: Vec<PathBuf>,
    #[command(flatten)]
    select: SelectArgs,
    #[command(flatten)]
    io: IoArgs,
    /// Print the paths of damaged files only, one a line.
    #[arg(long)]
    list_bad: bool,
}

pub(crate) fn run(args: &Args, output: &Output) -> Result<()> {
    let mut found = Vec::new();
    let mut checked = Checked::default();
    let mut store = None;
    if args.files.is_empty() {
        let store = store.insert(args.io.store(args.select.root()?)?);
        found = store.verify()?;
        verify_tables(args, store, &mut found, &mut checked)?;
    } else {
        for file in &args.files {
            checked.files += 1;
            match args.io.table(file).and_then(|reader| reader.verify().map(|()| reader.rows())) {
                Ok(rows) => checked.rows += rows,
                Err(error) => found.push(finding(file.clone(), &error, 0)),
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    for finding in &found {
        let remedy = match &store {
            Some(store) if !args.list_bad => store.remedy(finding)?,
            _ => Remedy::default(),
        };
        print(finding, &remedy, args.list_bad, output)?;
    }
    let bad = found.iter().filter(|f| !f.accepted).count();
    if bad > 0 {
        let rows: u64 = found.iter().filter(|f| !f.accepted).map(|f| f.rows).sum();
        let what = format!("{bad} findings, {rows} rows affected; {} files were checked", checked.files);
        return Err(Error::new(ErrorKind::Findings { what }));
    }
    if !args.list_bad {
        let Checked { files, rows } = checked;
        match output.style {
            Style::Json => output.json(&serde_json::json!({"sound": true, "files": files, "rows": rows}))?,
            _ => output.line(format_args!("sound: {files} files, {rows} rows, every checksum and every rule"))?,
        }
    }
    Ok(())
}

/// What was looked at.
#[derive(Debug, Default)]
struct Checked {
    files: u64,
    rows: u64,
}

/// The content of every table file against the format's rules. Files whose hash is wrong are found already.
fn verify_tables(args: &Args, store: &Store, found: &mut Vec<Finding>, checked: &mut Checked) -> Result<()> {
    let filter = args.select.filter()?;
    for tree in args.select.trees(store)? {
        for manifest in store.manifests(&tree)? {
            let manifest = manifest?;
            if !filter.pass(&manifest.key) {
                continue;
            }
            for segment in manifest.segments.iter().filter(|s| s.extension == "hftc") {
                checked.files += 1;
                checked.rows += segment.sealed.rows;
                if let Err(error) = verify_table(store, &tree, &manifest, segment) {
                    let path = segment_path(&tree, &manifest.key, segment);
                    found.push(finding(path, &error, segment.sealed.rows));
                }
            }
        }
    }
    // One line a file: the hash that differs and the rule that is broken are the same damage.
    let mut seen = BTreeMap::new();
    found.retain(|f| seen.insert(f.path.clone(), ()).is_none());
    Ok(())
}

fn verify_table(store: &Store, tree: &Tree, manifest: &Manifest, segment: &Segment) -> Result<()> {
    let file = match store.open_segment(tree, &manifest.key, segment) {
        Ok(file) => file,
        // Absent files are findings of the store's own check; a writer may also have moved on.
        Err(e) if e.is_not_found() => return Ok(()),
        Err(e) => return Err(e),
    };
    TableReader::open_sealed(file, &segment.table, &manifest.key, &segment.sealed)?.verify()
}

fn finding(path: PathBuf, error: &Error, rows: u64) -> Finding {
    Finding { kind: FindingKind::Changed, path, what: error.to_string(), rows, accepted: false }
}

fn print(finding: &Finding, remedy: &Remedy, list_bad: bool, output: &Output) -> Result<()> {
    let path = EscapedPath(&finding.path);
    if list_bad {
        return if finding.accepted { Ok(()) } else { output.line(path) };
    }
    match output.style {
        Style::Json => output.json(&serde_json::json!({
            "kind": finding.kind.name(),
            "path": path.to_string(),
            "what": finding.what,
            "rows": finding.rows,
            "accepted": finding.accepted,
            "remedy": remedy.advice,
            "sources": remedy.sources.iter().map(|(digest, path)| serde_json::json!({
                "digest": format!("{digest:032x}"),
                "path": path.as_ref().map(|path| EscapedPath(path).to_string()),
            })).collect::<Vec<_>>(),
        })),
        _ => {
            let note = if finding.accepted { " (left by a killed run; the next run mends it)" } else { "" };
            let what = Escaped(finding.what.as_bytes());
            output.line(format_args!("{}: {path}: {what}, {} rows{note}", finding.kind.name(), finding.rows))?;
            if finding.accepted || remedy.advice.is_empty() {
                return Ok(());
            }
            output.line(format_args!("  to mend it: {}", Escaped(remedy.advice.as_bytes())))?;
            remedy.sources.iter().try_for_each(|(digest, path)| match path {
                Some(path) => output.line(format_args!("    {} ({digest:032x})", EscapedPath(path))),
                None => output.line(format_args!("    a source without a name ({digest:032x})")),
            })
        }
    }
}
