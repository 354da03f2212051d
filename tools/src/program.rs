//! Runs of the real program, watched from outside: exit code, time, the largest resident memory, what it reported.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Time between two looks at a process.
const LOOK: Duration = Duration::from_millis(5);

/// What became of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watched {
    /// Exit code; `None` after a signal.
    pub(crate) code: Option<i32>,
    /// High-water mark of the resident memory in bytes, as the kernel says it.
    pub(crate) peak_bytes: u64,
    pub(crate) wall_seconds: f64,
    /// The last line of standard output, if it is JSON.
    pub(crate) report: Value,
    /// The last line of standard error.
    pub(crate) said: String,
}

/// Runs to the end, with `--json`.
pub(crate) fn watched(program: &Path, words: &[String]) -> Result<Watched, String> {
    let failed = |e: std::io::Error| format!("{}: {e}", program.display());
    let started = Instant::now();
    let mut child = Command::new(program)
        .args(words)
        .arg("--json")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let readers = [
        child.stdout.take().map(|pipe| std::thread::spawn(move || last_line(pipe))),
        child.stderr.take().map(|pipe| std::thread::spawn(move || last_line(pipe))),
    ];
    let status = Path::new("/proc").join(child.id().to_string()).join("status");
    let mut watched = Watched::default();
    loop {
        if let Some(peak) = fs::read_to_string(&status).ok().as_deref().and_then(high_water_mark) {
            watched.peak_bytes = watched.peak_bytes.max(peak);
        }
        if let Some(ended) = child.try_wait().map_err(failed)? {
            watched.code = ended.code();
            break;
        }
        std::thread::sleep(LOOK);
    }
    watched.wall_seconds = started.elapsed().as_secs_f64();
    let [stdout, stderr] = readers.map(|reader| reader.and_then(|r| r.join().ok()).unwrap_or_default());
    watched.report = serde_json::from_str(&stdout).unwrap_or(Value::Null);
    watched.said = stderr;
    // What the program says of itself at its end may be later than the last look.
    watched.peak_bytes = watched.peak_bytes.max(watched.report["peak_memory"].as_u64().unwrap_or(0));
    Ok(watched)
}

/// The last line, in bounded memory: an import of many partitions says a lot.
fn last_line(mut pipe: impl Read) -> String {
    let (mut kept, mut buffer) = (Vec::new(), vec![0; 64 << 10]);
    while let Ok(read @ 1..) = pipe.read(&mut buffer) {
        kept.extend_from_slice(&buffer[..read]);
        // Of what ends with a newline, only the last line matters; half a line waits for its end.
        let whole = kept.iter().rposition(|b| *b == b'\n').unwrap_or(0);
        let start = kept[..whole].iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        kept.drain(..start);
    }
    String::from_utf8_lossy(&kept).trim().to_owned()
}

/// `VmHWM` of a `/proc/PID/status`, in bytes.
fn high_water_mark(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_is_kept_whatever_comes_before() {
        assert_eq!(last_line(&b""[..]), "");
        assert_eq!(last_line(&b"a\nb\nc\n"[..]), "c");
        assert_eq!(last_line(&b"a\nb\nc"[..]), "b\nc");
        let many = "x".repeat(100_000) + "\n" + &"y".repeat(70_000) + "\n";
        assert_eq!(last_line(many.as_bytes()), "y".repeat(70_000));
    }

    #[test]
    fn memory_is_read_from_the_status() {
        assert_eq!(high_water_mark("Name:\tx\nVmHWM:\t    1024 kB\nVmRSS:\t 3 kB\n"), Some(1 << 20));
        assert_eq!(high_water_mark("Name:\tx\n"), None);
    }
}
