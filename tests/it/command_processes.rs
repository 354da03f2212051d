//! Commands of several processes on one store at once: what each may end with, and that the store is the one of commands that
//! ran one after the other.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::cli::good;
use crate::import::{World, trades, tree};

const TABLES: [&str; 2] = ["--tables", "trades,bars_60s"];
/// Milliseconds between the start of one command and what is done to it: before, in and after its work.
const DELAYS: [u64; 5] = [0, 4, 12, 25, 60];

/// Rows `from..to` of twelve securities, a file.
fn file(world: &World, name: &str, from: i64, to: i64) -> String {
    let mut text = String::new();
    for security in 0..12 {
        let rows: Vec<_> = (from..to).map(|n| (n * 1_000_000 + security, format!("{}.5", 100 + n % 9))).collect();
        let rows: Vec<_> = rows.iter().map(|(us, price)| (*us, price.as_str(), "2")).collect();
        let part = trades(&format!("S{security}"), &rows);
        text += if security == 0 { &part } else { part.split_once('\n').unwrap().1 };
    }
    world.file(name, text).to_str().unwrap().to_owned()
}

fn import(store: &str, file: &str) -> Vec<String> {
    ["import", file, "--store", store].map(str::to_owned).to_vec()
}

fn compute(store: &str, more: &[&str]) -> Vec<String> {
    let args = [&["compute", "--store", store, "--threads", "1"][..], &TABLES, more].concat();
    args.iter().map(|word| (*word).to_owned()).collect()
}

fn start(args: &[String]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hftcol"));
    command.args(args).env_remove("HFTCOL_STORE").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Ends by itself, never by a signal.
fn end(child: Child, what: &str) -> (i32, Output) {
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code().unwrap_or_else(|| panic!("{what}: {:?}: {said}", output.status)), output)
}

fn run(args: &[String]) {
    let (code, output) = end(start(args), &args[0]);
    assert_eq!(code, 0, "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn copy(from: &Path, to: &Path) -> String {
    assert!(Command::new("cp").arg("-r").args([from, to]).status().unwrap().success());
    to.to_str().unwrap().to_owned()
}

/// All files but journal, store id and locks.
fn files(store: &str) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = tree(Path::new(store));
    files.retain(|path, _| path.extension().is_none_or(|e| e != "lock"));
    files
}

fn same_store(store: &str, gold: &BTreeMap<PathBuf, Vec<u8>>, what: &str) {
    good(&["verify", "--store", store]);
    let found = files(store);
    assert!(found.keys().eq(gold.keys()), "{what}: {:?}", found.keys());
    assert!(found == *gold, "{what}: other bytes");
}

/// A store with one import, and another with the set computed.
fn stores(world: &World) -> (PathBuf, BTreeMap<PathBuf, Vec<u8>>) {
    let raw = world.store();
    run(&import(raw.to_str().unwrap(), &file(world, "a.csv", 0, 150)));
    let gold = copy(&raw, &world.dir.path().join("gold"));
    run(&compute(&gold, &[]));
    (raw, files(&gold))
}

#[test]
fn of_two_computes_of_a_set_one_works_and_the_other_waits_or_says_who_has_it() {
    let world = World::new();
    let (raw, gold) = stores(&world);
    for (number, delay) in DELAYS.into_iter().enumerate() {
        for waits in [false, true] {
            let what = format!("{delay} ms, waits {waits}");
            let store = copy(&raw, &world.dir.path().join(format!("store{number}{waits}")));
            let args = compute(&store, if waits { &["--wait"] } else { &[] });
            let first = start(&args);
            sleep(Duration::from_millis(delay));
            let second = start(&args);
            let ends = [end(first, &what), end(second, &what)];
            for (code, output) in &ends {
                let said = String::from_utf8_lossy(&output.stderr);
                let locked = *code == 6 && !waits && said.contains("locked by");
                assert!(*code == 0 || locked, "{what}: {code}: {said}");
            }
            assert!(ends.iter().any(|(code, _)| *code == 0), "{what}: neither worked");
            same_store(&store, &gold, &what);
        }
    }
}

#[test]
fn a_killed_compute_leaves_the_set_to_the_one_that_waits() {
    let world = World::new();
    let (raw, gold) = stores(&world);
    for (number, delay) in DELAYS.into_iter().enumerate() {
        let what = format!("killed after {delay} ms");
        let store = copy(&raw, &world.dir.path().join(format!("store{number}")));
        let mut first = start(&compute(&store, &[]));
        let second = start(&compute(&store, &["--wait"]));
        sleep(Duration::from_millis(delay));
        first.kill().unwrap();
        first.wait().unwrap();
        let (code, output) = end(second, &what);
        assert_eq!(code, 0, "{what}: {}", String::from_utf8_lossy(&output.stderr));
        same_store(&store, &gold, &what);
    }
}

#[test]
fn computes_of_two_sets_do_not_wait_for_each_other() {
    let world = World::new();
    let (raw, _) = stores(&world);
    let gold = world.dir.path().join("gold").to_str().unwrap().to_owned();
    run(&compute(&gold, &["--set", "other"]));
    let gold = files(&gold);
    for (number, delay) in DELAYS.into_iter().enumerate() {
        let what = format!("{delay} ms");
        let store = copy(&raw, &world.dir.path().join(format!("store{number}")));
        let first = start(&compute(&store, &[]));
        sleep(Duration::from_millis(delay));
        let second = start(&compute(&store, &["--set", "other"]));
        for child in [first, second] {
            let (code, output) = end(child, &what);
            assert_eq!(code, 0, "{what}: {}", String::from_utf8_lossy(&output.stderr));
        }
        same_store(&store, &gold, &what);
    }
}

#[test]
fn compute_and_verify_see_whole_partitions_while_imports_append() {
    let world = World::new();
    let (raw, _) = stores(&world);
    let more: Vec<_> = (0..6).map(|n| file(&world, &format!("more{n}.csv"), 150 + n * 20, 170 + n * 20)).collect();
    let gold = copy(&raw, &world.dir.path().join("undisturbed"));
    for file in &more {
        run(&import(&gold, file));
    }
    let raw_gold = files(&gold);
    run(&compute(&gold, &[]));
    let digests = good(&["ls", "--store", &gold, "--digest", "--set", "default"]);

    let store = copy(&raw, &world.dir.path().join("disturbed"));
    let (mut computed, mut verified) = (0, 0);
    for file in &more {
        let import = start(&import(&store, file));
        let compute = start(&compute(&store, &[]));
        let verify = start(&["verify", "--store", &store].map(str::to_owned));
        for (child, name) in [(import, "import"), (compute, "compute"), (verify, "verify")] {
            let (code, output) = end(child, name);
            let (said, told) = (String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
            assert_eq!(code, 0, "{name}: {said} {told}");
            computed += u32::from(name == "compute");
            verified += u32::from(name == "verify");
        }
    }
    assert_eq!((computed, verified), (6, 6));
    run(&compute(&store, &[]));
    good(&["verify", "--store", &store]);
    assert_eq!(good(&["ls", "--store", &store, "--digest", "--set", "default"]), digests);
    let mut found = files(&store);
    found.retain(|path, _| !path.starts_with("features"));
    let wanted: BTreeMap<_, _> = raw_gold.into_iter().filter(|(path, _)| !path.starts_with("features")).collect();
    assert!(found == wanted, "the imports are those of an undisturbed store");
}

#[test]
fn what_is_deleted_while_it_is_read_is_read_whole_or_told() {
    let world = World::new();
    let (raw, _) = stores(&world);
    let digests =
        good(&["ls", "--store", world.dir.path().join("gold").to_str().unwrap(), "--digest", "--set", "default"]);
    let place = "venue=binance/security=S5/date=2024-08-08";
    let cat = |store: &str| {
        ["cat", "--store", store, "--security", "S5", "--table", "trades", "--format", "csv"]
            .map(str::to_owned)
            .to_vec()
    };
    let whole = end(start(&cat(raw.to_str().unwrap())), "cat").1.stdout;
    assert!(whole.iter().filter(|byte| **byte == b'\n').count() == 151);
    for (number, delay) in DELAYS.into_iter().enumerate() {
        let store = copy(&raw, &world.dir.path().join(format!("store{number}")));
        let children = [(start(&cat(&store)), "cat"), (start(&compute(&store, &[])), "compute")];
        sleep(Duration::from_millis(delay));
        std::fs::remove_dir_all(Path::new(&store).join(place)).unwrap();
        for (child, name) in children {
            let (code, output) = end(child, name);
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(code == 0 || !said.trim().is_empty(), "{name} after {delay} ms: {code} without a word");
            assert!(
                name == "compute" || code != 0 || output.stdout == whole,
                "{} bytes after {delay} ms and no error",
                output.stdout.len()
            );
        }
        // Deleted before it is asked for: no rows are an error, too.
        let (code, output) = end(start(&cat(&store)), "cat");
        assert_eq!((code, output.stdout.len()), (2, 0));
        // Put back, everything is there.
        copy(&raw.join(place), &Path::new(&store).join(place));
        run(&compute(&store, &[]));
        good(&["verify", "--store", &store]);
        assert_eq!(good(&["ls", "--store", &store, "--digest", "--set", "default"]), digests, "{delay} ms");
    }
}
