//! `cargo tools tidy`: the architecture as a program. Fails on an edge between modules that goes the wrong way, on `unsafe`
//! outside its islands, on files that outgrew one idea, on words that must not land.

use std::fs;
use std::path::{Path, PathBuf};

/// Which modules of the library a module may use. The order is the flow of the data.
const LAYERS: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("units", &[]),
    ("limits", &[]),
    ("trace", &["error"]),
    ("schema", &["error", "units", "limits"]),
    ("storage", &["error", "limits"]),
    ("format", &["error", "units", "limits", "schema"]),
    ("codec", &["error", "units", "limits", "schema", "format"]),
    ("store", &["error", "units", "limits", "schema", "storage", "format"]),
    ("write", &["error", "units", "limits", "schema", "storage", "format", "codec"]),
    ("read", &["error", "units", "limits", "schema", "storage", "format", "codec"]),
    ("input", &["error", "units", "limits"]),
    ("parse", &["error", "units", "limits", "input"]),
    ("normalize", &["error", "units", "limits", "schema", "parse"]),
    ("vendor", &["error", "units", "limits", "schema", "input", "parse", "normalize"]),
    ("partition", &["error", "units", "limits", "schema", "storage", "format", "codec", "store", "write", "normalize"]),
    ("merge", &["error", "units", "limits", "trace", "schema", "codec", "format", "read"]),
    ("book", &["error", "units", "limits", "schema"]),
    ("replay", &["error", "units", "limits", "schema", "codec", "format", "read", "book"]),
    ("feature", &["error", "units", "limits", "trace", "schema", "codec", "format", "read", "merge", "book", "replay"]),
    ("sink", &["error", "units", "limits", "schema", "storage", "format", "codec", "store", "write", "read"]),
    ("exec", &["error", "units", "limits"]),
];

/// The wirings and the crate root see everything; nobody sees them.
const WIRINGS: &[&str] = &["import", "build", "compute", "export", "compact", "diff", "status", "validate", "lib"];

/// The files in which `unsafe` may stand.
const ISLANDS: &[&str] = &["src/parse/marks.rs", "src/storage/map.rs", "src/storage/sigbus.rs"];

/// Lines of a file, tests included, past which it is more than one idea.
const FILE_LINES: usize = 450;

/// What must not stand in a source file, and what to do instead.
const BANNED: &[(&str, &str)] = &[
    ("dbg!(", "remove it"),
    ("todo!(", "write it"),
    ("unimplemented!(", "write it"),
    ("FIXME", "mend it or open an issue"),
    ("TODO", "do it or open an issue"),
    ("#[ignore", "mend the test or delete it"),
];

pub(crate) fn run(_arguments: &[String]) -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("no project root")?.to_owned();
    let mut findings = Vec::new();
    for folder in ["src", "tools", "tests", "benches", "fuzz"] {
        for file in rust_files(&root.join(folder))? {
            let text = fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()))?;
            let name = file.strip_prefix(&root).unwrap_or(&file).to_string_lossy().into_owned();
            check_text(&name, &text, &mut findings);
            check_layers(&name, &text, &mut findings);
        }
    }
    if findings.is_empty() {
        return Ok(());
    }
    Err(format!("{} findings\n{}", findings.len(), findings.join("\n")))
}

/// All `.rs` files beneath a folder, without build output, sorted.
fn rust_files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        let Ok(entries) = fs::read_dir(&next) else { continue };
        for entry in entries {
            let path = entry.map_err(|e| format!("{}: {e}", next.display()))?.path();
            if path.is_dir() && path.file_name().is_some_and(|n| n != "target") {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

fn check_text(name: &str, text: &str, findings: &mut Vec<String>) {
    let lines = text.lines().count();
    if lines > FILE_LINES {
        findings.push(format!("{name}: {lines} lines, over {FILE_LINES}: split it by idea"));
    }
    if !text.starts_with("//!") && !text.starts_with("#!") {
        findings.push(format!("{name}: begins without a module comment"));
    }
    for (number, line) in text.lines().enumerate() {
        let at = format!("{name}:{}", number + 1);
        if !line.is_ascii() {
            findings.push(format!("{at}: not ASCII; write an escape"));
        }
        if name == "tools/src/tidy.rs" {
            continue;
        }
        for (word, advice) in BANNED {
            if line.contains(word) {
                findings.push(format!("{at}: `{word}`: {advice}"));
            }
        }
        let code = line.split("//").next().unwrap_or_default();
        let is_unsafe = ["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern"].iter().any(|u| code.contains(u));
        if is_unsafe && name.starts_with("src/") && !ISLANDS.contains(&name) {
            findings.push(format!("{at}: unsafe outside its islands ({})", ISLANDS.join(", ")));
        }
    }
}

/// Reads every `crate::module` path of a library file and compares the edge with [`LAYERS`].
fn check_layers(name: &str, text: &str, findings: &mut Vec<String>) {
    let Some(inside) = name.strip_prefix("src/") else { return };
    let module = inside.split(['/', '.']).next().unwrap_or_default();
    if module == "bin" || WIRINGS.contains(&module) {
        return;
    }
    let Some((_, allowed)) = LAYERS.iter().find(|(m, _)| *m == module) else {
        findings.push(format!("{name}: module `{module}` has no layer in tools/src/tidy.rs"));
        return;
    };
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("//") {
            continue;
        }
        for target in crate_paths(line) {
            if target != module && !allowed.contains(&target) && is_module(target) {
                findings.push(format!("{name}:{}: `{module}` must not use `{target}`", number + 1));
            }
        }
    }
}

/// The first path segment after each `crate::` of a line, and the segments of a `crate::{a, b}` group.
fn crate_paths(line: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for rest in line.split("crate::").skip(1) {
        let group = rest.strip_prefix('{').map_or(rest, |g| g.split('}').next().unwrap_or(g));
        let parts = if rest.starts_with('{') { group.split(',').collect() } else { vec![rest] };
        for part in parts {
            let end = part.trim_start().find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
            let part = part.trim_start();
            found.push(&part[..end.unwrap_or(part.len())]);
        }
    }
    found
}

fn is_module(word: &str) -> bool {
    WIRINGS.contains(&word) || LAYERS.iter().any(|(m, _)| *m == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_edge_is_found() {
        let mut findings = Vec::new();
        check_layers("src/read/mod.rs", "use crate::write::TableWriter;\n", &mut findings);
        assert_eq!(findings.len(), 1, "{findings:?}");
        check_layers("src/read/mod.rs", "use crate::{codec, exec::pin};\n", &mut findings);
        assert_eq!(findings.len(), 2, "{findings:?}");
        check_layers("src/feature/mod.rs", "use crate::merge::Cursor;\n// crate::exec\n", &mut findings);
        assert_eq!(findings.len(), 2, "{findings:?}");
    }

    #[test]
    fn unsafe_outside_an_island_is_found() {
        let mut findings = Vec::new();
        check_text("src/parse/csv.rs", "//! x\nunsafe { f() }\n", &mut findings);
        assert_eq!(findings.len(), 1, "{findings:?}");
        check_text("src/storage/map.rs", "//! x\nunsafe { f() }\n", &mut findings);
        assert_eq!(findings.len(), 1, "{findings:?}");
    }
}
