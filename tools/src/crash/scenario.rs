//! What is killed: runs of the program that must leave the same store however often they are begun.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::synth::{Layout, Order, Synth};

/// Parts of a day in the scenario of segments: each import appends one segment to every partition.
const PARTS: usize = 3;

/// A kind of run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scenario {
    /// An import of rows in order, then a compute.
    Plain,
    /// An import of shuffled rows with the smallest budget on two threads: it spills, sorts and merges.
    Spilling,
    /// A compact of a store whose partitions have several segments.
    Compact,
}

impl Scenario {
    pub(super) const ALL: [Self; 3] = [Self::Plain, Self::Spilling, Self::Compact];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Spilling => "spilling",
            Self::Compact => "compact",
        }
    }

    /// Writes the raw files below `folder`.
    pub(super) fn generate(self, folder: &Path, snapshots: usize, seed: u64) -> std::io::Result<()> {
        let order = if self == Self::Spilling { Order::Shuffled } else { Order::Time };
        let layout = if self == Self::Plain { Layout::Tardis } else { Layout::Wide };
        let (securities, days) = (4, 3);
        let trades = snapshots / 2;
        Synth { securities, days, snapshots, trades, seed, layout, order, ..Synth::default() }
            .write(&folder.join("raw"))?;
        if self == Self::Compact {
            cut(&folder.join("raw"), folder)?;
        }
        Ok(())
    }

    /// Runs that are not killed and come before the others.
    pub(super) fn before(self, folder: &Path, store: &Path) -> Vec<Vec<String>> {
        match self {
            Self::Plain | Self::Spilling => Vec::new(),
            Self::Compact => (0..PARTS).map(|part| import(&folder.join(format!("part-{part}")), store, &[])).collect(),
        }
    }

    /// Runs that are killed and begun again.
    pub(super) fn stages(self, folder: &Path, store: &Path) -> Vec<Vec<String>> {
        let raw = folder.join("raw");
        match self {
            Self::Plain => vec![import(&raw, store, &[]), words("compute", store, &["--threads", "2"])],
            Self::Spilling => vec![import(&raw, store, &["--memory", "64MiB", "--threads", "2"])],
            Self::Compact => vec![words("compact", store, &[])],
        }
    }
}

fn words(command: &str, store: &Path, more: &[&str]) -> Vec<String> {
    let mut words = vec![command.to_owned(), "--store".to_owned(), store.to_string_lossy().into_owned()];
    words.extend(more.iter().map(|word| (*word).to_owned()));
    words.push("--quiet".to_owned());
    words
}

fn import(input: &Path, store: &Path, more: &[&str]) -> Vec<String> {
    let mut words = words("import", store, more);
    words.insert(1, input.to_string_lossy().into_owned());
    words
}

/// Cuts each file into parts of as many lines, with its header, one folder a part. Days are cut, too: the lines of a part follow
/// those of the parts before it.
fn cut(raw: &Path, folder: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(raw)? {
        let path: PathBuf = entry?.path();
        let Some(name) = path.file_name() else { continue };
        let lines: Vec<String> = BufReader::new(File::open(&path)?).lines().collect::<Result<_, _>>()?;
        let Some((header, rows)) = lines.split_first() else { continue };
        // Of each day one part, so that every partition gets a row of every part.
        let mut parts: Vec<BufWriter<File>> = Vec::new();
        for part in 0..PARTS {
            let target = folder.join(format!("part-{part}"));
            fs::create_dir_all(&target)?;
            let mut out = BufWriter::new(File::create(target.join(name))?);
            writeln!(out, "{header}")?;
            parts.push(out);
        }
        let day = |row: &String| row.get(..19).and_then(|ns| ns.parse::<i64>().ok()).map(|ns| ns / 86_400_000_000_000);
        for rows in rows.chunk_by(|a, b| day(a) == day(b)) {
            for (at, row) in rows.iter().enumerate() {
                writeln!(parts[at * PARTS / rows.len()], "{row}")?;
            }
        }
        for mut out in parts {
            out.flush()?;
        }
    }
    Ok(())
}
