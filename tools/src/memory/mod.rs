//! `cargo tools memory`: the peak resident memory of imports against `--memory`, for inputs that are large or hostile.
//!
//! Each case is generated, imported with each budget, and removed. A peak above the budget, or another exit code than the case
//! allows, fails the command, as does one that takes longer than [`SECONDS_PER_MB`]; all cases are run first. The memory is that
//! of the whole process, as the kernel counts it.

mod cases;
mod hostile;
mod packed;
mod texts;

use std::fs;
use std::path::{Path, PathBuf};

use crate::arguments::Arguments;
use crate::crash;
use crate::program::watched;
use cases::{Case, Sizes};

/// Budgets in MiB.
const BUDGETS_MIB: [u64; 2] = [64, 256];
/// What a megabyte of any input may take; an input of less counts as one.
const SECONDS_PER_MB: f64 = 2.0;

pub(crate) fn run(words: &[String]) -> Result<(), String> {
    let mut arguments = Arguments::new(words);
    let megabytes: u64 = arguments.take("--megabytes")?.unwrap_or(1_000);
    let only: Option<String> = arguments.take("--case")?;
    let threads: usize = arguments.take("--threads")?.unwrap_or(2);
    let dir: PathBuf = arguments.take("--dir")?.unwrap_or_else(std::env::temp_dir);
    let program: Option<PathBuf> = arguments.take("--program")?;
    arguments.finish()?;
    let program = program.map_or_else(crash::build, Ok)?;
    let folder = dir.join(format!("hftcol-memory-{}", std::process::id()));
    let sizes = Sizes { bytes: megabytes * 1_000_000, seed: 1 };
    println!(
        "{:<28} {:>9} {:>7} {:>9} {:>8} {:>7} {:>9} {:>5}",
        "case", "input MB", "budget", "peak MiB", "wall s", "s/MB", "rows", "exit"
    );
    let mut over = Vec::new();
    for case in cases::ALL.iter().filter(|case| only.as_deref().is_none_or(|name| case.name.contains(name))) {
        let raw = folder.join("raw");
        fs::create_dir_all(&raw).map_err(|e| format!("{}: {e}", raw.display()))?;
        let words = (case.generate)(&sizes, &raw).map_err(|e| format!("{}: {e}", case.name))?;
        for budget in BUDGETS_MIB {
            if let Some(fault) = measure(case, &words, (&program, &folder), budget, threads)? {
                over.push(fault);
            }
        }
        fs::remove_dir_all(&folder).map_err(|e| e.to_string())?;
    }
    if over.is_empty() { Ok(()) } else { Err(format!("{} runs failed\n{}", over.len(), over.join("\n"))) }
}

/// One import; says what is wrong with it.
fn measure(
    case: &Case,
    words: &[String],
    (program, folder): (&Path, &Path),
    budget_mib: u64,
    threads: usize,
) -> Result<Option<String>, String> {
    let store = folder.join("store");
    let raw = folder.join("raw");
    let mut all = vec!["import".to_owned()];
    all.extend(words.iter().map(|word| word.replace("RAW", &raw.to_string_lossy())));
    all.extend(["--store".to_owned(), store.to_string_lossy().into_owned()]);
    all.extend(["--memory".to_owned(), format!("{budget_mib}MiB"), "--threads".to_owned(), threads.to_string()]);
    let run = watched(program, &all)?;
    let _ = fs::remove_dir_all(&store);
    let input = bytes_of_files(&raw).map_err(|e| e.to_string())?;
    let rows: u64 =
        run.report["tables"].as_object().map_or(0, |t| t.values().filter_map(|table| table["rows"].as_u64()).sum());
    let peak_mib = run.peak_bytes as f64 / f64::from(1 << 20);
    let code = run.code.unwrap_or(-1);
    let seconds_per_mb = run.wall_seconds / (input as f64 / 1e6).max(1.0);
    println!(
        "{:<28} {:>9.1} {:>7} {:>9.1} {:>8.2} {:>7.3} {:>9} {:>5}",
        case.name,
        input as f64 / 1e6,
        budget_mib,
        peak_mib,
        run.wall_seconds,
        seconds_per_mb,
        rows,
        code
    );
    if !case.codes.contains(&code) {
        return Ok(Some(format!("{}, {budget_mib} MiB: exit {code}: {}", case.name, run.said)));
    }
    if seconds_per_mb > SECONDS_PER_MB {
        return Ok(Some(format!("{}, {budget_mib} MiB: {seconds_per_mb:.2} s a MB", case.name)));
    }
    Ok((run.peak_bytes > budget_mib << 20).then(|| format!("{}: {peak_mib:.1} of {budget_mib} MiB", case.name)))
}

/// Bytes of the files in a folder.
fn bytes_of_files(folder: &Path) -> std::io::Result<u64> {
    fs::read_dir(folder)?.map(|entry| Ok(entry?.metadata()?.len())).sum()
}
