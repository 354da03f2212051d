//! What is raced: the jobs, the sizes, and their generated input.
//!
//! In: a job, a size, an order and a seed. Out: a folder of raw files with the rows that stand in it. Data that is there already is taken
//! if its note says that it was made from the same; the note lies beside the folder, because importers read all of the folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde_json::{Value, json};

use super::measure::bytes_below;
use crate::synth::{Layout, Order, Synth, Written};

/// A job: one kind of raw text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Job {
    /// Wide CSV, snapshots and trades in a file each.
    Csv,
    /// One NDJSON file of both.
    Ndjson,
}

impl Job {
    pub(super) const ALL: [Self; 2] = [Self::Csv, Self::Ndjson];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Csv => "import-csv",
            Self::Ndjson => "import-ndjson",
        }
    }

    fn layout(self) -> Layout {
        match self {
            Self::Csv => Layout::Wide,
            Self::Ndjson => Layout::Ndjson,
        }
    }
}

/// Jobs separated by commas.
#[derive(Debug)]
pub(super) struct Jobs(pub(super) Vec<Job>);

impl FromStr for Jobs {
    type Err = ();

    fn from_str(words: &str) -> Result<Self, ()> {
        let job = |word: &str| Job::ALL.into_iter().find(|j| j.name() == word).ok_or(());
        words.split(',').map(job).collect::<Result<_, _>>().map(Self)
    }
}

/// How much is generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) name: &'static str,
    pub(super) securities: usize,
    pub(super) days: usize,
    pub(super) snapshots: usize,
    pub(super) trades: usize,
}

const SIZES: [Size; 3] = [
    Size { name: "small", securities: 3, days: 2, snapshots: 66_667, trades: 33_333 },
    Size { name: "ref", securities: 5, days: 2, snapshots: 1_000_000, trades: 500_000 },
    Size { name: "big", securities: 25, days: 30, snapshots: 10_000_000, trades: 5_000_000 },
];

impl FromStr for Size {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        SIZES.into_iter().find(|s| s.name == word).ok_or(())
    }
}

/// The raw files of a job.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) folder: PathBuf,
    pub(super) bytes: u64,
    pub(super) rows: Written,
}

impl Input {
    /// Generates the files of a job below `data`, or takes those that are there.
    pub(super) fn prepare(data: &Path, job: Job, size: &Size, order: Order, seed: u64) -> Result<Self, String> {
        let name = format!("{}-{}-{}", job.name(), size.name, order.name());
        let (folder, note) = (data.join(&name), data.join(format!("{name}.json")));
        let made_from = json!({"generator": env!("CARGO_PKG_VERSION"), "securities": size.securities, "days": size.days,
            "snapshots": size.snapshots, "trades": size.trades, "seed": seed});
        let known = fs::read(&note).ok().and_then(|text| serde_json::from_slice(&text).ok());
        if let Some(rows) = known.and_then(|known| rows_noted(&known, &made_from)) {
            return Ok(Self { bytes: bytes_below(&folder, &|_| true)?, folder, rows });
        }
        let synth = Synth {
            securities: size.securities,
            days: size.days,
            snapshots: size.snapshots,
            trades: size.trades,
            seed,
            layout: job.layout(),
            order,
            ..Synth::default()
        };
        eprintln!("generating {name}");
        let rows = synth.write(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        // Last, so that data of a run that was stopped has no note.
        let text = json!({"made_from": made_from, "snapshots": rows.snapshots, "trades": rows.trades}).to_string();
        fs::write(&note, text).map_err(|e| format!("{}: {e}", note.display()))?;
        Ok(Self { bytes: bytes_below(&folder, &|_| true)?, folder, rows })
    }
}

/// The rows of a note, if it is about data made from the same.
fn rows_noted(note: &Value, made_from: &Value) -> Option<Written> {
    let rows = |name: &str| note[name].as_u64();
    (note["made_from"] == *made_from).then_some(Written { snapshots: rows("snapshots")?, trades: rows("trades")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_are_words_with_commas() {
        assert_eq!("import-ndjson,import-csv".parse::<Jobs>().unwrap().0, [Job::Ndjson, Job::Csv]);
        assert!("import-csv,".parse::<Jobs>().is_err());
        assert!("import".parse::<Jobs>().is_err());
    }

    #[test]
    fn a_note_about_other_data_is_not_taken() {
        let note = json!({"made_from": {"seed": 1}, "snapshots": 10, "trades": 5});
        assert_eq!(rows_noted(&note, &json!({"seed": 1})), Some(Written { snapshots: 10, trades: 5 }));
        assert_eq!(rows_noted(&note, &json!({"seed": 2})), None);
        assert_eq!(rows_noted(&json!({"made_from": {"seed": 1}, "snapshots": 10}), &json!({"seed": 1})), None);
    }

    #[test]
    fn generated_rows_are_those_of_the_files_and_are_made_once() {
        let data = std::env::temp_dir().join(format!("hftcol-race-test-{}", std::process::id()));
        let size = Size { name: "tiny", securities: 2, days: 2, snapshots: 301, trades: 100 };
        for job in Job::ALL {
            let input = Input::prepare(&data, job, &size, Order::Shuffled, 7).unwrap();
            let lines = |name: &str| fs::read_to_string(input.folder.join(name)).unwrap().lines().count() as u64;
            match job {
                Job::Csv => {
                    assert_eq!(lines("orderbook.csv"), input.rows.snapshots + 1);
                    assert_eq!(lines("trades.csv"), input.rows.trades + 1);
                }
                Job::Ndjson => assert_eq!(lines("mixed.ndjson"), input.rows.snapshots + input.rows.trades),
            }
            assert!(input.rows.snapshots.abs_diff(301) <= 4 && input.rows.trades.abs_diff(100) <= 4);
            let again = Input::prepare(&data, job, &size, Order::Shuffled, 7).unwrap();
            assert_eq!((again.rows, again.bytes), (input.rows, input.bytes));
        }
        fs::remove_dir_all(&data).unwrap();
    }
}
