//! `cargo tools crash`: kills the real program at random moments and compares what a rerun leaves with an undisturbed store.
//!
//! Each round imports the same generated files and computes their features into a new store; both are killed with
//! SIGKILL after a random share of their usual time, any number of times, then run to the end. The store must verify after every
//! kill, and at the end every file but the journal, the lock and the store's id must be byte-identical (decision 2).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::arguments::Arguments;
use crate::synth::{Layout, Synth};

pub(crate) fn run(words: &[String]) -> Result<(), String> {
    let mut arguments = Arguments::new(words);
    let rounds: usize = arguments.take("--rounds")?.unwrap_or(25);
    let seed: u64 = arguments.take("--seed")?.unwrap_or(1);
    let snapshots: usize = arguments.take("--snapshots")?.unwrap_or(40_000);
    arguments.finish()?;
    let program = build()?;
    let folder = std::env::temp_dir().join(format!("hftcol-crash-{}", std::process::id()));
    let raw = folder.join("raw");
    let synth = Synth {
        securities: 4,
        days: 3,
        snapshots,
        trades: snapshots / 2,
        seed,
        layout: Layout::Tardis,
        ..Synth::default()
    };
    synth.write(&raw).map_err(|e| e.to_string())?;

    let gold = folder.join("gold");
    let mut usual = Vec::new();
    for stage in stages(&raw, &gold) {
        let started = Instant::now();
        finish(&program, &stage)?;
        usual.push(started.elapsed());
    }
    let expected = contents(&gold)?;
    let mut rng = Rng::with_seed(seed);
    let mut kills = 0;
    for round in 0..rounds {
        let store = folder.join(format!("round-{round}"));
        for (stage, usual) in stages(&raw, &store).iter().zip(&usual) {
            for _ in 0..rng.usize(1..4) {
                kills += usize::from(kill_midway(&program, stage, usual.mul_f64(rng.f64()))?);
                if store.join("hftcol-store.json").exists() {
                    finish(&program, &words_of(&["verify", "--store", text(&store)?]))
                        .map_err(|e| format!("round {round}: after a kill {e}"))?;
                }
            }
            finish(&program, stage)?;
        }
        compare(&expected, &contents(&store)?).map_err(|e| format!("round {round}: {e}"))?;
        fs::remove_dir_all(&store).map_err(|e| e.to_string())?;
    }
    fs::remove_dir_all(&folder).map_err(|e| e.to_string())?;
    println!("{rounds} rounds, {kills} kills, {} files: every store equals the undisturbed one", expected.len());
    Ok(())
}

/// The two runs of a round.
fn stages(raw: &Path, store: &Path) -> [Vec<String>; 2] {
    let (raw, store) = (raw.to_string_lossy().into_owned(), store.to_string_lossy().into_owned());
    [
        words_of(&["import", &raw, "--store", &store, "--plain", "--quiet"]),
        words_of(&["compute", "--store", &store, "--threads", "2", "--plain", "--quiet"]),
    ]
}

fn words_of(words: &[&str]) -> Vec<String> {
    words.iter().map(|w| (*w).to_owned()).collect()
}

fn text(path: &Path) -> Result<&str, String> {
    path.to_str().ok_or_else(|| format!("{} is not UTF-8", path.display()))
}

/// Builds the release program and returns its path.
pub(crate) fn build() -> Result<PathBuf, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("no project root")?.to_owned();
    let status = Command::new("cargo")
        .args(["build", "--release", "--locked", "--bin", "hftcol"])
        .current_dir(&root)
        .status()
        .map_err(|e| format!("cargo: {e}"))?;
    if !status.success() {
        return Err("the program does not build".to_owned());
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    Ok(target.join("release").join("hftcol"))
}

/// Runs to the end; anything but exit 0 is an error.
fn finish(program: &Path, words: &[String]) -> Result<(), String> {
    let output = Command::new(program).args(words).output().map_err(|e| e.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let found = String::from_utf8_lossy(&output.stdout);
    Err(format!("`hftcol {}` ended with {}:\n{said}{found}", words.join(" "), output.status))
}

/// Starts a run and kills it after a while; true if it was still running then.
fn kill_midway(program: &Path, words: &[String], after: Duration) -> Result<bool, String> {
    let mut child = Command::new(program)
        .args(words)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| e.to_string())?;
    std::thread::sleep(after);
    let running = child.try_wait().map_err(|e| e.to_string())?.is_none();
    if running {
        child.kill().map_err(|e| e.to_string())?;
    }
    child.wait().map_err(|e| e.to_string())?;
    Ok(running)
}

/// Every file of a store with its bytes, but for the journal, locks and the store's id.
fn contents(store: &Path) -> Result<BTreeMap<String, Vec<u8>>, String> {
    let mut files = BTreeMap::new();
    let mut open = vec![store.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))? {
            let path = entry.map_err(|e| e.to_string())?.path();
            let name = path.strip_prefix(store).unwrap_or(&path).to_string_lossy().into_owned();
            if name == "journal" || name == "hftcol-store.json" || name.ends_with("lock") {
                continue;
            }
            if path.is_dir() {
                open.push(path);
            } else {
                let bytes = fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
                files.insert(name, bytes);
            }
        }
    }
    Ok(files)
}

fn compare(expected: &BTreeMap<String, Vec<u8>>, got: &BTreeMap<String, Vec<u8>>) -> Result<(), String> {
    for (name, bytes) in expected {
        match got.get(name) {
            None => return Err(format!("{name} is missing")),
            Some(other) if other != bytes => return Err(format!("{name} differs")),
            Some(_) => {}
        }
    }
    match got.keys().find(|name| !expected.contains_key(*name)) {
        Some(name) => Err(format!("{name} is left over")),
        None => Ok(()),
    }
}
