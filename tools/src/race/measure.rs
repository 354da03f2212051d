//! One run, measured: time of the whole process and of its CPUs, the bytes it left.
//!
//! CPU time of children is what the kernel adds to this process when it has waited for one (proc(5), fields 16 and 17 of `stat`), so
//! runs go one after the other and nothing else is waited for while one is measured.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use serde_json::{Value, json};

/// Units of the kernel's CPU times in a second; fixed for user space on Linux.
const TICKS_A_SECOND: f64 = 100.0;

/// The figures of one run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Run {
    pub(super) wall_seconds: f64,
    pub(super) cpu_seconds: f64,
    pub(super) peak_rss_bytes: u64,
    /// Bytes of all files left behind.
    pub(super) output_bytes: u64,
    /// Bytes of the files that hold snapshots.
    pub(super) book_bytes: u64,
    /// Partitions whose rows are not in time order.
    pub(super) unsorted_partitions: u64,
}

impl Run {
    pub(super) fn as_json(&self) -> Value {
        json!({"wall_seconds": self.wall_seconds, "cpu_seconds": self.cpu_seconds, "peak_rss_bytes": self.peak_rss_bytes,
            "output_bytes": self.output_bytes, "book_bytes": self.book_bytes,
            "unsorted_partitions": self.unsorted_partitions})
    }
}

/// What a process said and what it took from start to end.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) stdout: String,
    pub(super) wall_seconds: f64,
    pub(super) cpu_seconds: f64,
}

/// Runs to the end; anything but exit 0 is an error with the end of what was said.
pub(super) fn process(command: &mut Command) -> Result<Process, String> {
    let before = cpu_of_children()?;
    let started = Instant::now();
    let output = command.output().map_err(|e| format!("{}: {e}", command.get_program().display()))?;
    let wall_seconds = started.elapsed().as_secs_f64();
    let cpu_seconds = cpu_of_children()? - before;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let lines: Vec<&str> = said.lines().collect();
        let tail = lines[lines.len().saturating_sub(8)..].join("\n");
        return Err(format!("{}: {}\n{tail}", command.get_program().display(), output.status));
    }
    let stdout = String::from_utf8(output.stdout).map_err(|e| e.to_string())?;
    Ok(Process { stdout, wall_seconds, cpu_seconds })
}

fn cpu_of_children() -> Result<f64, String> {
    let stat = fs::read_to_string("/proc/self/stat").map_err(|e| format!("/proc/self/stat: {e}"))?;
    let ticks = ticks_of_children(&stat).ok_or_else(|| format!("/proc/self/stat: no CPU times in `{stat}`"))?;
    Ok(ticks as f64 / TICKS_A_SECOND)
}

/// Fields 16 and 17 of a `stat` line; field 2, the name, is in brackets and may hold anything.
fn ticks_of_children(stat: &str) -> Option<u64> {
    let (_, from_third) = stat.rsplit_once(')')?;
    let mut times = from_third.split_ascii_whitespace().skip(16 - 3).map(|word| word.parse::<u64>().ok());
    Some(times.next()?? + times.next()??)
}

/// Bytes of the files below a folder whose path `counts`.
pub(super) fn bytes_below(folder: &Path, counts: &dyn Fn(&Path) -> bool) -> Result<u64, String> {
    let said = |e: std::io::Error| format!("{}: {e}", folder.display());
    let mut bytes = 0;
    for entry in fs::read_dir(folder).map_err(said)? {
        let path = entry.map_err(said)?.path();
        if path.is_dir() {
            bytes += bytes_below(&path, counts)?;
        } else if counts(&path) {
            bytes += path.metadata().map_err(said)?.len();
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_are_fields_16_and_17() {
        let stat = "42 (a) b) (c) R 4 5 6 7 8 9 10 11 12 13 14 15 160 17 18 19 20";
        assert_eq!(ticks_of_children(stat), Some(177));
        assert_eq!(ticks_of_children("42 (a) R 4 5"), None);
        assert_eq!(ticks_of_children("no name"), None);
        assert!(cpu_of_children().is_ok());
    }

    #[test]
    fn a_process_is_waited_for_and_its_failure_told() {
        let said = process(Command::new("sh").args(["-c", "echo done"])).unwrap();
        assert_eq!(said.stdout, "done\n");
        let error = process(Command::new("sh").args(["-c", "echo why >&2; exit 3"])).unwrap_err();
        assert!(error.contains("why") && error.contains('3'), "{error}");
        assert!(process(&mut Command::new("/no/such/program")).is_err());
    }

    #[test]
    fn bytes_are_those_of_the_files_that_count() {
        let folder = std::env::temp_dir().join(format!("hftcol-race-bytes-{}", std::process::id()));
        fs::create_dir_all(folder.join("a/b")).unwrap();
        fs::write(folder.join("a/one"), [0; 10]).unwrap();
        fs::write(folder.join("a/b/two"), [0; 7]).unwrap();
        assert_eq!(bytes_below(&folder, &|_| true), Ok(17));
        assert_eq!(bytes_below(&folder, &|path| path.ends_with("two")), Ok(7));
        fs::remove_dir_all(&folder).unwrap();
        assert!(bytes_below(&folder, &|_| true).is_err());
    }
}
