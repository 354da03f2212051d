//! `hftcol.toml`, `hftcol config`, `completions` and `man` as a user meets them.

use std::path::Path;
use std::process::{Command, Output};

use crate::cli::good;

fn within(dir: &Path, words: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hftcol"));
    command.args(words).current_dir(dir).env_remove("HFTCOL_STORE").env_remove("HFTCOL_CONFIG");
    command.envs(variables.iter().copied()).output().unwrap()
}

fn settings(dir: &Path, words: &[&str], variables: &[(&str, &str)]) -> Vec<(String, String, String)> {
    let output = within(dir, words, variables);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let parsed = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let word = |value: &serde_json::Value| value.as_str().unwrap_or("-").to_owned();
    parsed.map(|v| (word(&v["command"]) + " " + &word(&v["option"]), word(&v["value"]), word(&v["from"]))).collect()
}

#[test]
fn config_tells_where_each_value_came_from() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    let text =
        "store = \"s\"\nthreads = 2\n\n[import]\nmemory = \"128MiB\"\n\n[compute]\nthreads = 8\nraw-levels = true\n";
    std::fs::write(dir.join("hftcol.toml"), text).unwrap();
    let found = settings(dir, &["config", "--json"], &[]);
    let of = |found: &[(String, String, String)], name: &str| {
        let entry = found.iter().find(|entry| entry.0 == name).unwrap();
        (entry.1.clone(), entry.2.clone())
    };
    let pair = |value: &str, source: &str| (value.to_owned(), source.to_owned());
    assert_eq!(of(&found, "import store"), pair("s", "hftcol.toml:1"));
    assert_eq!(of(&found, "import threads"), pair("2", "hftcol.toml:2"));
    assert_eq!(of(&found, "compute threads"), pair("8", "hftcol.toml:8"));
    assert_eq!(of(&found, "import memory"), pair("128MiB", "hftcol.toml:5"));
    assert_eq!(of(&found, "compute raw-levels"), pair("true", "hftcol.toml:9"));
    assert_eq!(of(&found, "compute retries"), pair("3", "default"));
    let found = settings(dir, &["config", "--json"], &[("HFTCOL_STORE", "elsewhere")]);
    assert_eq!(of(&found, "compute store"), pair("elsewhere", "environment HFTCOL_STORE"));
    let found = settings(dir, &["config", "ls", "--json"], &[]);
    assert_eq!(of(&found, "ls store"), pair("s", "hftcol.toml:1"));
    std::fs::write(dir.join("other.toml"), "store = \"o\"\n").unwrap();
    for (words, variables) in [
        (&["config", "--json", "--config", "other.toml"][..], &[][..]),
        (&["config", "--json"], &[("HFTCOL_CONFIG", "other.toml")]),
    ] {
        assert_eq!(of(&settings(dir, words, variables), "import store"), pair("o", "other.toml:1"));
    }
}

#[test]
fn the_file_is_obeyed_and_its_mistakes_are_named() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    let csv = "ts_ns,symbol,price,qty,side,id\n1756717200000003000,S,1,1,buy,7\n";
    std::fs::write(dir.join("x.csv"), csv).unwrap();
    std::fs::write(dir.join("hftcol.toml"), "store = \"from-file\"\n[import]\nvenue = \"v\"\n").unwrap();
    assert_eq!(within(dir, &["import", "x.csv"], &[]).status.code(), Some(0));
    assert!(dir.join("from-file/venue=v/security=S").is_dir());
    assert_eq!(within(dir, &["import", "x.csv", "--store", "o", "--venue", "w"], &[]).status.code(), Some(0));
    assert!(dir.join("o/venue=w/security=S").is_dir());
    assert_eq!(
        within(dir, &["ls", "--digest"], &[("HFTCOL_STORE", "o")]).stdout.split(|b| *b == b' ').nth(1),
        Some(&b"w"[..])
    );
    std::fs::write(dir.join("hftcol.toml"), "[import]\nvenu = \"v\"\n").unwrap();
    let output = within(dir, &["import", "x.csv", "--store", "o"], &[]);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && stderr.contains("hftcol.toml:2") && stderr.contains("venu"), "{stderr}");
    assert_eq!(within(dir, &["--help"], &[]).status.code(), Some(0));
    assert_eq!(within(dir, &["ls", "--config", "absent.toml"], &[]).status.code(), Some(5));
}

#[test]
fn shells_and_manual_pages_know_every_command() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = good(&["completions", shell]);
        assert!(script.contains("hftcol") && script.contains("compact") && script.contains("max-rejects"), "{shell}");
    }
    assert!(good(&["man"]).contains(".TH hftcol 1"));
    let page = good(&["man", "import"]);
    assert!(page.contains("max\\-rejects") && page.contains("hftcol\\-import"), "{page}");
    let temporary = tempfile::tempdir().unwrap();
    good(&["man", "--dir", temporary.path().to_str().unwrap()]);
    let pages = std::fs::read_dir(temporary.path()).unwrap().count();
    assert!(pages >= 15 && temporary.path().join("hftcol-export.1").is_file(), "{pages}");
}
