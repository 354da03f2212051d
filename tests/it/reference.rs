//! The second reader of the format (`format-spec/reference`, Python) agrees: its own tests pass, it finds in every vector
//! what stands beside it, and in a store what the store says of itself. Skipped, with a line that says so, without python3.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use hftcol::store::{Hashed, Store, TableListing, Tree};

use crate::store::{key, next};

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

/// A store with names that need escapes, two generations, a feature set, a file in the quarantine, and a run left open.
fn make_store(root: &Path) -> Store {
    let store = Store::create_or_open(root).expect("a store");
    let keys = [key("binance", "BTC/USDT"), key("Nasdaq", "brk.b"), key("x", ""), key("krx", &"\u{d55c}".repeat(40))];
    for count in [4, 2] {
        let mut run = store.begin(Tree::Raw).expect("a run");
        let batch = keys[..count].iter().map(|k| next(&run, k).expect("a publication")).collect();
        run.publish(batch).expect("published");
        let mut out = Hashed::new(run.stage().expect("a file"));
        out.write_all(b"a rejected record\n").expect("written");
        let (staged, length, hash) = out.finish();
        run.publish_quarantine(&format!("rejects-{count}.tsv"), staged, length, hash).expect("published");
        run.finish().expect("finished");
    }
    let mut run = store.begin(Tree::Features("default".into())).expect("a run");
    run.write_set_config(b"{}").expect("written");
    // The helper looks for earlier generations in the raw tree: a key that is not there gets its first one.
    let first = next(&run, &key("binance", "ETH/USDT")).expect("a publication");
    run.publish(vec![first]).expect("published");
    drop(run);
    store
}

#[test]
fn the_python_reader_agrees_on_a_store() {
    let dir = tempfile::tempdir().expect("a folder");
    let root = dir.path().join("store");
    let store = make_store(&root);
    let name = root.to_str().expect("a path");
    let is_sound = |store: &Store| store.verify().expect("verified").iter().all(|finding| finding.accepted);
    assert!(is_sound(&store));
    for (tree, arguments) in [(Tree::Raw, vec![]), (Tree::Features("default".into()), vec!["--set", "default"])] {
        let Some(output) = python(&[&["store_reader.py", name], &arguments[..]].concat()) else { return };
        assert_success(&output);
        let lines = store.listing(&tree).expect("a listing");
        let lines: Vec<String> = lines.iter().map(TableListing::digest_line).collect();
        assert_eq!(String::from_utf8_lossy(&output.stdout).lines().collect::<Vec<_>>(), lines);
        assert!(!lines.is_empty());
    }
    for (path, at) in [("journal/HEAD", 30), ("journal/ledger.hftj", 100), ("hftcol-store.json", 12)] {
        let file = root.join(path);
        let sound = fs::read(&file).expect("a file");
        let mut damaged = sound.clone();
        damaged[at] ^= 1;
        fs::remove_file(&file).expect("removed");
        fs::write(&file, &damaged).expect("written");
        let Some(output) = python(&["store_reader.py", name]) else { return };
        assert_eq!(output.status.code(), Some(1), "{path}");
        assert!(!Store::open(&root).is_ok_and(|store| is_sound(&store)), "{path}");
        fs::write(&file, &sound).expect("written");
    }
    assert!(is_sound(&store));
}
