//! From what the user names - files, folders, patterns, `-`, zip archives - to the list of inputs, in a fixed order.

use std::collections::HashSet;
use std::path::{Component, Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};

use super::Input;
use crate::error::{Error, Result};

/// The path that means standard input.
pub const STDIN: &str = "-";

/// Lists the inputs: a file or `-` as it is, the files of a folder and the matches of a pattern sorted by the bytes of
/// their paths, the members of a zip archive sorted by their names. Names that begin with a dot are left out of folders,
/// patterns and archives. A path named twice counts once, at its first place: the order decides source positions
/// (features.md B5).
///
/// # Errors
/// `Input` for a path that does not exist, an empty folder or archive, a pattern without a match; `Usage` for a bad
/// pattern.
pub fn expand(inputs: &[PathBuf]) -> Result<Vec<Input>> {
    let mut seen = HashSet::new();
    let mut listed = Vec::new();
    for input in inputs {
        for found in expand_one(input)? {
            if seen.insert(found.path().to_owned()) {
                listed.push(found);
            }
        }
    }
    Ok(listed)
}

fn expand_one(input: &Path) -> Result<Vec<Input>> {
    if input.as_os_str() == STDIN {
        return Ok(vec![Input::stdin()]);
    }
    let mut listed = Vec::new();
    for path in files(input)? {
        listed.extend(Input::of_file(path)?);
    }
    // Nothing but a member's own path is no file of the system.
    if listed.is_empty() { Ok(vec![Input::at(input)?]) } else { Ok(listed) }
}

/// The files that a path or pattern names; none for a member of an archive.
fn files(input: &Path) -> Result<Vec<PathBuf>> {
    match std::fs::metadata(input) {
        Ok(found) if found.is_dir() => {
            let files = walk(input, None)?;
            if files.is_empty() {
                return Err(Error::refused(input, "a folder that holds files", "name another folder"));
            }
            Ok(files)
        }
        Ok(_) => Ok(vec![input.to_owned()]),
        Err(_) if Input::at(input)?.is_member() => Ok(Vec::new()),
        Err(_) if is_pattern(input) => {
            let files = walk(&pattern_base(input), Some(&matcher(input)?))?;
            if files.is_empty() {
                return Err(Error::refused(input, "a pattern that matches files", "check the pattern"));
            }
            Ok(files)
        }
        Err(source) => Err(Error::refused(input, "a file that can be opened", source.to_string())),
    }
}

fn is_pattern(input: &Path) -> bool {
    input.as_os_str().as_encoded_bytes().iter().any(|b| matches!(b, b'*' | b'?' | b'[' | b'{'))
}

/// The longest leading part of a pattern without a special character: where the search begins.
fn pattern_base(input: &Path) -> PathBuf {
    let mut base = PathBuf::new();
    for part in input.components() {
        if matches!(part, Component::Normal(name) if is_pattern(Path::new(name))) {
            break;
        }
        base.push(part);
    }
    if base.as_os_str().is_empty() { PathBuf::from(".") } else { base }
}

fn matcher(input: &Path) -> Result<GlobMatcher> {
    let text = input
        .to_str()
        .ok_or_else(|| Error::usage("a pattern that is not UTF-8", "name the folder instead of the pattern"))?;
    GlobBuilder::new(text)
        .literal_separator(true)
        .build()
        .map(|glob| glob.compile_matcher())
        .map_err(|e| Error::usage(format!("pattern {text}: {e}"), "correct the pattern or quote it for the shell"))
}

fn walk(base: &Path, wanted: Option<&GlobMatcher>) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let entries = walkdir::WalkDir::new(base)
        .into_iter()
        .filter_entry(|e| e.depth() == 0 || !e.file_name().as_encoded_bytes().starts_with(b"."));
    for entry in entries {
        let entry = match entry {
            Ok(entry) => entry,
            Err(e) if e.depth() == 0 => return Ok(files),
            Err(e) => {
                let path = e.path().unwrap_or(base).to_owned();
                return Err(Error::refused(path, "a folder that can be listed", e.to_string()));
            }
        };
        // `is_file` of the metadata behind a link: a link to a file is an input, a link to a folder is not followed.
        let is_file = entry.file_type().is_file() || (entry.file_type().is_symlink() && entry.path().is_file());
        let path =
            if base == Path::new(".") { entry.path().strip_prefix(".").unwrap_or(entry.path()) } else { entry.path() };
        if is_file && wanted.is_none_or(|w| w.is_match(path) || w.is_match(entry.path())) {
            files.push(path.to_owned());
        }
    }
    files.sort_by(|a, b| a.as_os_str().as_encoded_bytes().cmp(b.as_os_str().as_encoded_bytes()));
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b.csv", "a/z.csv", "a/y.txt", ".hidden.csv", "a-1.csv"] {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x\n").unwrap();
        }
        dir
    }

    fn names(dir: &Path, found: &[Input]) -> Vec<String> {
        found.iter().map(|i| i.path().strip_prefix(dir).unwrap().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn folders_and_patterns_come_in_path_order() {
        let dir = tree();
        let all = expand(&[dir.path().to_owned()]).unwrap();
        assert_eq!(names(dir.path(), &all), ["a-1.csv", "a/y.txt", "a/z.csv", "b.csv"]);
        let deep = expand(&[dir.path().join("**/*.csv")]).unwrap();
        assert_eq!(names(dir.path(), &deep), ["a-1.csv", "a/z.csv", "b.csv"]);
        let flat = expand(&[dir.path().join("*.csv")]).unwrap();
        assert_eq!(names(dir.path(), &flat), ["a-1.csv", "b.csv"]);
    }

    #[test]
    fn a_path_counts_once_and_stdin_is_kept() {
        let dir = tree();
        let file = dir.path().join("b.csv");
        let found = expand(&[file.clone(), PathBuf::from("-"), dir.path().join("*.csv")]).unwrap();
        assert_eq!(found.len(), 3);
        assert_eq!((found[0].path(), found[1].path()), (&*file, Path::new("-")));
    }

    #[test]
    fn what_is_not_there_is_named() {
        let dir = tree();
        for missing in ["nothing.csv", "*.parquet", "nowhere/*.csv"] {
            let error = expand(&[dir.path().join(missing)]).unwrap_err();
            assert_eq!(error.exit_code(), 3, "{missing}");
            assert!(error.to_string().contains(missing), "{error}");
        }
        assert_eq!(expand(&[dir.path().join("{a")]).unwrap_err().exit_code(), 2);
    }
}
