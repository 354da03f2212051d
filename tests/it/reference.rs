//! The second reader of the format (`format-spec/reference`, Python) agrees: its own tests pass, and it finds in every
//! vector what stands beside it. Both are skipped, with a line that says so, where there is no python3.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn spec() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("format-spec")
}

/// Runs python3 in `format-spec/reference`; `None` where it does not start or is older than 3.8.
fn python(arguments: &[&str]) -> Option<Output> {
    let run = |arguments: &[&str]| {
        Command::new("python3").arg("-B").args(arguments).current_dir(spec().join("reference")).output().ok()
    };
    let known = run(&["-c", "import sys; sys.exit(sys.version_info < (3, 8))"]);
    if known.is_none_or(|output| !output.status.success()) {
        println!("skipped: no python3 of version 3.8 or later");
        return None;
    }
    run(arguments)
}

fn assert_success(output: &Output) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    print!("{}", text(&output.stdout));
}

#[test]
fn the_python_reader_passes_its_tests() {
    if let Some(output) = python(&["-m", "unittest", "discover", "-s", "."]) {
        assert_success(&output);
        assert!(!String::from_utf8_lossy(&output.stderr).contains("Ran 0 tests"), "no tests were found");
    }
}

#[test]
fn the_python_reader_agrees_on_every_vector() {
    let vectors = spec().join("vectors").join("v1");
    if !vectors.is_dir() {
        println!("skipped: no vectors yet");
        return;
    }
    if let Some(output) = python(&["reader.py", "--check", "../vectors/v1"]) {
        assert_success(&output);
    }
}
