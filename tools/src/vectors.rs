//! `cargo tools vectors [FOLDER]`: writes the good and bad files of the format that are missing, and the index of the bad ones.
//!
//! A file that is there is never written again: vectors are a promise to every reader, also to those of later versions.
//! Good files come with a `.json` of the values that were written; bad ones break exactly the rule that `bad/index.tsv` names.

mod bad;
mod bad_blocks;
mod good;
mod parts;
mod table;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// Bytes of a vector at most: they stand in the repository.
const MOST: usize = 16 << 10;

/// A bad file: its name, the rule it breaks, what was changed.
pub(crate) struct Bad {
    pub(crate) name: &'static str,
    pub(crate) rule: &'static str,
    pub(crate) what: &'static str,
    pub(crate) bytes: Vec<u8>,
}

pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let root = arguments.first().map_or_else(|| PathBuf::from("format-spec/vectors/v1"), PathBuf::from);
    let (good, bad) = (root.join("good"), root.join("bad"));
    for folder in [&good, &bad] {
        fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    }
    let mut written = 0;
    for case in good::cases() {
        let bytes = case.write()?;
        let json = case.json(&bytes)?;
        written += write_missing(&good.join(format!("{}.hftc", case.name)), &bytes)?;
        written += write_missing(&good.join(format!("{}.json", case.name)), json.as_bytes())?;
    }
    let mut index = String::from("file\trule\twhat\n");
    let mut cases = bad::cases()?;
    cases.extend(bad_blocks::cases()?);
    cases.sort_by_key(|case| (case.rule, case.name));
    for case in &cases {
        written += write_missing(&bad.join(format!("{}.hftc", case.name)), &case.bytes)?;
        let _ = writeln!(index, "{}.hftc\t{}\t{}", case.name, case.rule, case.what);
    }
    // The index only grows: its lines follow from the files.
    let path = bad.join("index.tsv");
    fs::write(&path, index).map_err(|e| format!("{}: {e}", path.display()))?;
    println!("{written} files written, {} good and {} bad vectors in all", good::cases().len(), cases.len());
    Ok(())
}

fn write_missing(path: &Path, bytes: &[u8]) -> Result<usize, String> {
    if bytes.len() > MOST && path.extension().is_some_and(|e| e == "hftc") {
        return Err(format!("{}: {} bytes, over {MOST}", path.display(), bytes.len()));
    }
    if path.exists() {
        return Ok(0);
    }
    fs::write(path, bytes).map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(1)
}
