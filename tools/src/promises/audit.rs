//! What the program asks the kernel to change, seen by `strace`: every call that makes, changes or removes something by a path goes
//! through a descriptor of a folder, with a path that does not climb.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use super::{Ground, TABLES, securities, trades};

/// Calls that change something by a path, whatever their flags are.
const CHANGING: &[&str] = &[
    "mkdir",
    "mkdirat",
    "rename",
    "renameat",
    "renameat2",
    "unlink",
    "unlinkat",
    "rmdir",
    "link",
    "linkat",
    "symlink",
    "symlinkat",
    "truncate",
    "chmod",
    "fchmodat",
    "fchmodat2",
    "chown",
    "lchown",
    "fchownat",
    "mknod",
    "mknodat",
    "utimensat",
    "setxattr",
    "lsetxattr",
    "removexattr",
    "mount",
    "chroot",
];
/// Calls that open; they change something with these flags.
const OPENING: &[&str] = &["open", "openat", "openat2", "creat"];
const FLAGS: &[&str] = &["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND", "O_TMPFILE"];

pub(super) fn run(ground: &Ground, _rounds: usize) -> Result<String, String> {
    let names = securities('S', 3);
    let first = ground.write("first.csv", trades(&names, 0, 200))?;
    let second = ground.write("second.csv", trades(&names, 200, 300))?;
    let bad = ground.write("bad.csv", trades(&names, 300, 320).replacen("buy,", "buy,x", 3))?;
    let store = ground.store("store")?;
    let out = ground.store("out")?;
    let commands: Vec<Vec<&str>> = vec![
        vec!["import", &first, "--store", &store],
        vec!["import", &second, "--store", &store],
        vec!["import", &bad, "--store", &store],
        [&["compute", "--store", &store][..], &TABLES].concat(),
        vec!["compact", "--store", &store],
        vec!["build", "--store", &store],
        vec!["import", "--repair", "--store", &store],
        vec!["export", "--store", &store, "--out", &out, "--format", "csv"],
        vec!["verify", "--store", &store],
        vec!["ls", "--store", &store, "--digest"],
        vec!["cat", "--store", &store, "--table", "trades", "--format", "csv"],
    ];
    let (mut calls, mut by_name) = (0, BTreeMap::new());
    for words in &commands {
        let log = ground.folder.join("calls");
        let status = Command::new("strace")
            .args(["-f", "-qq", "-e", "trace=%file", "-o"])
            .arg(&log)
            .arg(&ground.program)
            .args(words)
            .output()
            .map_err(|e| format!("strace: {e}"))?;
        let wanted = if words.contains(&bad.as_str()) { 1 } else { 0 };
        if status.status.code() != Some(wanted) {
            return Err(format!("{words:?} ended with {}: {}", status.status, String::from_utf8_lossy(&status.stderr)));
        }
        let text = fs::read_to_string(&log).map_err(|e| e.to_string())?;
        let reads_only = ["verify", "ls", "cat"].contains(&words[0]);
        for line in text.lines().filter(|line| !line.contains(" = -1 ")) {
            let Some(call) = changing(line) else { continue };
            let is_root = call == "mkdir" && [&store, &out].iter().any(|root| line.contains(&format!("(\"{root}\"")));
            if reads_only || !(is_beneath(line) || is_root || is_nowhere(line)) {
                return Err(format!("{}: {line}", words[0]));
            }
            calls += 1;
            *by_name.entry(call.to_owned()).or_insert(0) += 1;
        }
    }
    let by_name: Vec<String> = by_name.iter().map(|(name, count)| format!("{count} {name}")).collect();
    let commands = commands.len();
    Ok(format!(
        "{commands} commands, {calls} changing calls by path, 0 outside a descriptor's folder ({})",
        by_name.join(", ")
    ))
}

/// The name of the call of a line if it changes something.
fn changing(line: &str) -> Option<&str> {
    let (before, arguments) = line.split_once('(')?;
    let call = before.split_whitespace().last()?;
    let opens_to_write = OPENING.contains(&call) && FLAGS.iter().any(|flag| arguments.contains(flag));
    (CHANGING.contains(&call) || opens_to_write).then_some(call)
}

/// All paths of the call are relative to descriptors, and none climbs.
fn is_beneath(line: &str) -> bool {
    let paths: Vec<&str> = line.split('"').skip(1).step_by(2).collect();
    let call = line.split('(').next().unwrap_or_default();
    let by_descriptor = call.ends_with("at") || call.ends_with("at2");
    by_descriptor
        && !line.contains("AT_FDCWD")
        && !paths.is_empty()
        && paths.iter().all(|path| !path.starts_with('/') && path.split('/').all(|part| part != ".."))
}

/// The device that swallows everything.
fn is_nowhere(line: &str) -> bool {
    line.contains("\"/dev/null\"")
}
