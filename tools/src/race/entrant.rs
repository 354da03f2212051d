//! Who races: hftcol, and the peers that are scripts in `tools/race`. How each is started and what its answer must be.
//!
//! hftcol is timed as a whole process, from its start to its last fsync. A peer tells the time of its work alone, without the
//! interpreter's start and imports, and reads its files back after that.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::Plan;
use super::job::{Input, Job};
use super::measure::{Run, bytes_below, process};
use crate::synth::Written;

/// Name, script, codec and further words of the peers.
const PEERS: &[(&str, &str, &str, &[&str])] = &[
    ("Polars, zstd", "peer_polars.py", "zstd", &[]),
    ("Polars, lz4", "peer_polars.py", "lz4", &[]),
    ("DuckDB, zstd", "peer_duckdb.py", "zstd", &[]),
    ("DuckDB by partition, zstd", "peer_duckdb.py", "zstd", &["--sorted"]),
    ("pyarrow, zstd", "peer_pyarrow.py", "zstd", &[]),
    ("pyarrow, lz4", "peer_pyarrow.py", "lz4", &[]),
];

/// A program that does the job.
#[derive(Clone, Debug)]
pub(super) struct Entrant {
    pub(super) name: &'static str,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Hftcol { program: PathBuf },
    Peer { python: PathBuf, script: &'static str, words: Vec<&'static str> },
}

impl Entrant {
    /// hftcol first, then the peers if there is an interpreter for them.
    pub(super) fn all(program: &Path, python: Option<&Path>) -> Vec<Self> {
        let ours = Self { name: "hftcol", kind: Kind::Hftcol { program: program.to_owned() } };
        let mut entrants = vec![ours];
        for &(name, script, codec, more) in PEERS {
            entrants
                .extend(python.map(|python| Self::peer(name, python, script, &[&["--codec", codec], more].concat())));
        }
        entrants
    }

    /// Not timed: Parquet with zstd 3 as the measure of size, by two writers; the smaller counts.
    pub(super) fn references(python: &Path) -> [Self; 2] {
        ["peer_polars.py", "peer_pyarrow.py"]
            .map(|script| Self::peer("Parquet zstd 3", python, script, &["--codec", "zstd", "--level", "3"]))
    }

    fn peer(name: &'static str, python: &Path, script: &'static str, words: &[&'static str]) -> Self {
        Self { name, kind: Kind::Peer { python: python.to_owned(), script, words: words.to_vec() } }
    }

    /// Does the job once into `out`, which must not exist; a wrong number of rows is an error.
    pub(super) fn run(&self, plan: &Plan, job: Job, input: &Input, out: &Path) -> Result<Run, String> {
        let threads = plan.threads.to_string();
        let mut command = match &self.kind {
            Kind::Hftcol { program } => {
                let mut command = Command::new(program);
                command.arg("import").arg(&input.folder).arg("--store").arg(out);
                command.args(["--threads", &threads, "--json"]);
                command
            }
            Kind::Peer { python, script, words } => {
                let mut command = Command::new(python);
                command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("race").join(script));
                command.args(["--job", job.name(), "--threads", &threads, "--order", plan.order.name()]).args(words);
                command.arg("--data").arg(&input.folder).arg("--out").arg(out);
                command.env("PYTHONDONTWRITEBYTECODE", "1");
                command
            }
        };
        let done = process(&mut command)?;
        let (answer, wall_seconds, cpu_seconds) = match self.kind {
            Kind::Hftcol { .. } => (import_answer(&done.stdout)?, done.wall_seconds, done.cpu_seconds),
            Kind::Peer { .. } => peer_answer(&done.stdout)?,
        };
        if answer.rows != input.rows {
            return Err(format!("wrote {:?}, the input has {:?}", answer.rows, input.rows));
        }
        Ok(Run {
            wall_seconds,
            cpu_seconds,
            peak_rss_bytes: answer.peak_rss_bytes,
            output_bytes: bytes_below(out, &|_| true)?,
            book_bytes: bytes_below(out, &|path| holds_books(path.strip_prefix(out).unwrap_or(path)))?,
            unsorted_partitions: answer.unsorted_partitions,
        })
    }

    /// Checks what a run left, as far as the run did not do so itself: every checksum and rule of a store.
    pub(super) fn verify(&self, out: &Path) -> Result<(), String> {
        let Kind::Hftcol { program } = &self.kind else { return Ok(()) };
        process(Command::new(program).args(["verify", "--quiet", "--store"]).arg(out)).map(drop)
    }
}

/// Versions of everything that takes part, in one line.
pub(super) fn versions(program: &Path, python: Option<&Path>) -> Result<String, String> {
    let mut versions = process(Command::new(program).arg("--version"))?.stdout.trim().to_owned();
    if let Some(python) = python {
        let script = "import importlib.metadata as m, platform as p; print('Python', p.python_version(), \
                      *(f', {n} {m.version(n)}' for n in ('polars', 'duckdb', 'pyarrow')), sep=' ')";
        let peers = process(Command::new(python).args(["-c", script]))
            .map_err(|e| format!("{e}\nthe peers need what tools/race/requirements.txt lists"))?;
        versions = format!("{versions}, {}", peers.stdout.trim().replace(" ,", ","));
    }
    Ok(versions)
}

/// Files of the book table: `book.*` of a store's partitions, everything in `book/` of a peer.
fn holds_books(path: &Path) -> bool {
    path.starts_with("book") || path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("book."))
}

/// What a run says it did.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Answer {
    rows: Written,
    peak_rss_bytes: u64,
    unsorted_partitions: u64,
}

/// Reads hftcol's `imported` event; partitions of a store are in order by its format.
fn import_answer(stdout: &str) -> Result<Answer, String> {
    let event = last_line(stdout)?;
    if event["event"] != "imported" || event["rejected"] != 0 {
        return Err(format!("not a clean import: {event}"));
    }
    let rows = |table: &str| number(&event["tables"][table], "rows");
    Ok(Answer {
        rows: Written { snapshots: rows("book")?, trades: rows("trades")? },
        peak_rss_bytes: number(&event, "peak_memory")?,
        unsorted_partitions: 0,
    })
}

/// Reads a peer's line: the answer, seconds of wall and of CPU time.
fn peer_answer(stdout: &str) -> Result<(Answer, f64, f64), String> {
    let line = last_line(stdout)?;
    let seconds = |name: &str| line[name].as_f64().ok_or_else(|| format!("no `{name}` in {line}"));
    let answer = Answer {
        rows: Written { snapshots: number(&line, "book_rows")?, trades: number(&line, "trades_rows")? },
        peak_rss_bytes: number(&line, "peak_rss_bytes")?,
        unsorted_partitions: number(&line, "unsorted_partitions")?,
    };
    Ok((answer, seconds("seconds")?, seconds("cpu_seconds")?))
}

fn last_line(stdout: &str) -> Result<Value, String> {
    let line = stdout.trim_end().lines().next_back().ok_or("it printed nothing")?;
    serde_json::from_str(line).map_err(|e| format!("its last line is not JSON ({e}): {line}"))
}

fn number(object: &Value, name: &str) -> Result<u64, String> {
    object[name].as_u64().ok_or_else(|| format!("no whole number `{name}` in {object}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_import_answers_with_its_last_event() {
        let said = concat!(
            r#"{"event":"published","rows":3}"#,
            "\n",
            r#"{"event":"imported","rejected":0,"peak_memory":99,"tables":{"book":{"rows":3},"trades":{"rows":2}}}"#,
            "\n"
        );
        let answer = import_answer(said).unwrap();
        assert_eq!(answer.rows, Written { snapshots: 3, trades: 2 });
        assert_eq!(answer.peak_rss_bytes, 99);
        assert!(import_answer(&said.replace(r#""rejected":0"#, r#""rejected":1"#)).is_err());
        assert!(import_answer(&said.replace("peak_memory", "other")).is_err());
        assert!(import_answer(r#"{"event":"published","rows":3}"#).is_err());
    }

    #[test]
    fn a_peer_answers_with_its_last_line() {
        let line = r#"{"peer":"p","seconds":1.5,"cpu_seconds":2,"peak_rss_bytes":7,"book_rows":3,"trades_rows":2,"unsorted_partitions":1}"#;
        let (answer, wall_seconds, cpu_seconds) = peer_answer(&format!("a warning\n{line}\n\n")).unwrap();
        assert_eq!((wall_seconds, cpu_seconds), (1.5, 2.0));
        let rows = Written { snapshots: 3, trades: 2 };
        assert_eq!(answer, Answer { rows, peak_rss_bytes: 7, unsorted_partitions: 1 });
        for (from, to) in [("1.5", "\"1.5\""), ("book_rows", "rows"), ("7", "7.5"), ("}", "")] {
            assert!(peer_answer(&line.replacen(from, to, 1)).is_err(), "{to}");
        }
        assert!(peer_answer("").unwrap_err().contains("nothing"));
    }

    #[test]
    fn book_files_are_told_from_others() {
        for path in
            ["book/symbol=A/date=2025-09-01/0.parquet", "venue=x/security=A/date=2025-09-01/book.00000001.0000.hftc"]
        {
            assert!(holds_books(Path::new(path)), "{path}");
        }
        for path in [
            "trades/symbol=book/date=2025-09-01/0.parquet",
            "venue=x/security=book/date=2025-09-01/trades.1.0.hftc",
            "journal/HEAD",
        ] {
            assert!(!holds_books(Path::new(path)), "{path}");
        }
    }

    #[test]
    fn without_an_interpreter_only_hftcol_runs() {
        assert_eq!(Entrant::all(Path::new("hftcol"), None).len(), 1);
        let all = Entrant::all(Path::new("hftcol"), Some(Path::new("python")));
        assert_eq!(all.len(), 1 + PEERS.len());
        assert_eq!(all[0].name, "hftcol");
    }

    #[test]
    fn every_script_is_there() {
        for (_, script, ..) in PEERS {
            assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join("race").join(script).is_file(), "{script}");
        }
    }
}
