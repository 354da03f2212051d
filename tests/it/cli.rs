//! The program as a user runs it, for tests of both suites.

use std::path::Path;
use std::process::{Command, Output};

pub fn hftcol(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hftcol")).args(args).env_remove("HFTCOL_STORE").output().unwrap()
}

/// Runs the program, which must end with exit code 0, and gives what it printed.
pub fn good(args: &[&str]) -> String {
    let output = hftcol(args);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{args:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

/// Exports every table as CSV, imports each table's folder into a store of its own, compares the digests.
pub fn round_trip(dir: &Path, store: &str, out: &Path) -> usize {
    good(&["export", "--store", store, "--out", out.to_str().unwrap(), "--format", "csv"]);
    let wanted = good(&["ls", "--store", store, "--digest"]);
    let date_tz = {
        let json = good(&["inspect", "--store", store, "--json"]);
        let first: serde_json::Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
        first["date_tz"].as_str().unwrap().to_owned()
    };
    let mut tables: Vec<&str> = wanted.lines().map(|line| line.split(' ').next().unwrap()).collect();
    tables.dedup();
    for table in &tables {
        let again = dir.join(format!("again-{table}"));
        let again = again.to_str().unwrap();
        let folder = out.join(table);
        good(&["import", "--store", again, "--date-tz", &date_tz, folder.to_str().unwrap()]);
        let of_table: Vec<&str> = wanted.lines().filter(|line| line.split(' ').next() == Some(table)).collect();
        let found = good(&["ls", "--store", again, "--digest"]);
        assert_eq!(found.lines().collect::<Vec<_>>(), of_table, "{table} of {store}");
    }
    tables.len()
}
