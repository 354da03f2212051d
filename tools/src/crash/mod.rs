//! `cargo tools crash`: kills the real program at random moments and compares what a rerun leaves with an undisturbed store.
//!
//! In each round the runs of a scenario are killed with SIGKILL after a random share of their usual time, any number of times, then run
//! to the end. The store must verify after every kill, and at the end every file but the journal, the lock and the store's id must
//! be byte-identical, and so must be what `ls --digest` says (decision 2).

mod scenario;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::arguments::Arguments;
use scenario::Scenario;

pub(crate) fn run(words: &[String]) -> Result<(), String> {
    let mut arguments = Arguments::new(words);
    let rounds: usize = arguments.take("--rounds")?.unwrap_or(25);
    let seed: u64 = arguments.take("--seed")?.unwrap_or(1);
    let snapshots: usize = arguments.take("--snapshots")?.unwrap_or(40_000);
    let only: Option<String> = arguments.take("--scenario")?;
    let dir: PathBuf = arguments.take("--dir")?.unwrap_or_else(std::env::temp_dir);
    let program: Option<PathBuf> = arguments.take("--program")?;
    arguments.finish()?;
    let program = program.map_or_else(build, Ok)?;
    let folder = dir.join(format!("hftcol-crash-{}", std::process::id()));
    for scenario in Scenario::ALL.into_iter().filter(|s| only.as_deref().is_none_or(|name| name == s.name())) {
        let folder = folder.join(scenario.name());
        scenario.generate(&folder, snapshots, seed).map_err(|e| e.to_string())?;
        let told = rounds_of(scenario, &program, &folder, rounds, seed)?;
        println!("{}: {told}", scenario.name());
    }
    fs::remove_dir_all(&folder).map_err(|e| e.to_string())
}

/// A store as it can be compared.
#[derive(Default)]
pub(crate) struct Contents {
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    digests: String,
}

fn rounds_of(scenario: Scenario, program: &Path, folder: &Path, rounds: usize, seed: u64) -> Result<String, String> {
    let gold = folder.join("gold");
    prepare(scenario, program, folder, &gold)?;
    let mut usual = Vec::new();
    for stage in scenario.stages(folder, &gold) {
        let started = Instant::now();
        finish(program, &stage)?;
        usual.push(started.elapsed());
    }
    let expected = contents(program, &gold)?;
    let mut rng = Rng::with_seed(seed);
    let (mut kills, mut early) = (0, 0);
    for round in 0..rounds {
        let store = folder.join(format!("round-{round}"));
        prepare(scenario, program, folder, &store)?;
        for (stage, usual) in scenario.stages(folder, &store).iter().zip(&usual) {
            for _ in 0..rng.usize(1..4) {
                let killed = kill_midway(program, stage, usual.mul_f64(rng.f64()))?;
                kills += usize::from(killed);
                early += usize::from(!killed);
                if store.join("hftcol-store.json").exists() {
                    finish(program, &words_of(&["verify", "--store", text(&store)?]))
                        .map_err(|e| format!("{}, round {round}: after a kill {e}", scenario.name()))?;
                }
            }
            finish(program, stage)?;
        }
        compare(&expected, &contents(program, &store)?)
            .map_err(|e| format!("{}, round {round}: {e}", scenario.name()))?;
        fs::remove_dir_all(&store).map_err(|e| e.to_string())?;
    }
    let files = expected.files.len();
    Ok(format!(
        "{rounds} rounds, {kills} kills ({early} came too late), {files} files: every store equals the undisturbed one"
    ))
}

/// The store in front of the runs that are killed.
fn prepare(scenario: Scenario, program: &Path, folder: &Path, store: &Path) -> Result<(), String> {
    scenario.before(folder, store).iter().try_for_each(|words| finish(program, words).map(drop))
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

/// Runs to the end and gives what was printed; anything but exit 0 is an error.
pub(crate) fn finish(program: &Path, words: &[String]) -> Result<String, String> {
    let output = Command::new(program).args(words).output().map_err(|e| e.to_string())?;
    let found = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(found);
    }
    let said = String::from_utf8_lossy(&output.stderr);
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

/// Every file of a store with its bytes, but for the journal, locks and the store's id; and what its units are.
pub(crate) fn contents(program: &Path, store: &Path) -> Result<Contents, String> {
    let mut files = BTreeMap::new();
    for name in files_below(store)? {
        let bytes = fs::read(store.join(&name)).map_err(|e| format!("{name}: {e}"))?;
        files.insert(name, bytes);
    }
    let digests = finish(program, &words_of(&["ls", "--digest", "--store", text(store)?]))?;
    Ok(Contents { files, digests })
}

/// The names of the files of a store that every run must leave the same.
pub(crate) fn files_below(store: &Path) -> Result<Vec<String>, String> {
    let mut files = Vec::new();
    let mut open = vec![store.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))? {
            let path = entry.map_err(|e| e.to_string())?.path();
            let name = path.strip_prefix(store).unwrap_or(&path).to_string_lossy().into_owned();
            if name == "journal" || name == "hftcol-store.json" || name.ends_with("lock") {
                continue;
            }
            if path.is_dir() { open.push(path) } else { files.push(name) }
        }
    }
    files.sort();
    Ok(files)
}

pub(crate) fn compare(expected: &Contents, got: &Contents) -> Result<(), String> {
    for (name, bytes) in &expected.files {
        match got.files.get(name) {
            None => return Err(format!("{name} is missing")),
            Some(other) if other != bytes => return Err(format!("{name} differs")),
            Some(_) => {}
        }
    }
    if let Some(name) = got.files.keys().find(|name| !expected.files.contains_key(*name)) {
        return Err(format!("{name} is left over"));
    }
    if expected.digests == got.digests { Ok(()) } else { Err("`ls --digest` differs".to_owned()) }
}
