//! `cargo tools fuzz`: runs every fuzz target for a while, from its seeds. Needs the nightly toolchain; fetches cargo-fuzz.

use std::path::Path;
use std::process::Command;

use crate::arguments::Arguments;

pub(crate) fn run(words: &[String]) -> Result<(), String> {
    let mut arguments = Arguments::new(words);
    let seconds: u64 = arguments.take("--seconds")?.unwrap_or(60);
    let only: Option<String> = arguments.take("--target")?;
    arguments.finish()?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("no project root")?;
    if !Command::new("cargo").args(["fuzz", "--version"]).output().is_ok_and(|o| o.status.success()) {
        call(root, &["install", "cargo-fuzz", "--locked"])?;
    }
    for target in targets(root)? {
        if only.as_ref().is_some_and(|name| *name != target) {
            continue;
        }
        let limit = format!("-max_total_time={seconds}");
        let (corpus, seeds) = (format!("fuzz/corpus/{target}"), format!("fuzz/seeds/{target}"));
        for folder in [&corpus, &seeds] {
            std::fs::create_dir_all(root.join(folder)).map_err(|e| format!("{folder}: {e}"))?;
        }
        let mut words = vec!["+nightly", "fuzz", "run", &target, &corpus, &seeds];
        words.extend(vectors(&target));
        words.extend(["--", &limit, "-rss_limit_mb=2048"]);
        let dictionary = format!("-dict=fuzz/dictionaries/{target}.dict");
        if root.join(&dictionary["-dict=".len()..]).exists() {
            words.push(&dictionary);
        }
        call(root, &words)?;
    }
    Ok(())
}

/// Seeds of a target that stand elsewhere: the files of the format are tried from its vectors.
fn vectors(target: &str) -> &'static [&'static str] {
    match target {
        "table_file" => &["format-spec/vectors/v1/good", "format-spec/vectors/v1/bad"],
        _ => &[],
    }
}

/// The names of the files in `fuzz/targets`.
fn targets(root: &Path) -> Result<Vec<String>, String> {
    let folder = root.join("fuzz/targets");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))? {
        let path = entry.map_err(|e| e.to_string())?.path();
        if path.extension().is_some_and(|e| e == "rs") {
            names.extend(path.file_stem().map(|s| s.to_string_lossy().into_owned()));
        }
    }
    names.sort();
    Ok(names)
}

fn call(root: &Path, words: &[&str]) -> Result<(), String> {
    // The toolchain that runs this command must not override `+nightly`.
    let status = Command::new("cargo")
        .args(words)
        .current_dir(root)
        .env_remove("RUSTUP_TOOLCHAIN")
        .env_remove("CARGO")
        .status()
        .map_err(|e| format!("cargo: {e}"))?;
    if status.success() { Ok(()) } else { Err(format!("`cargo {}` failed", words.join(" "))) }
}
