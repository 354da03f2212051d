//! The sandbox: a process of its own confines itself and tries what it may and what it may not. The test program runs itself.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use hftcol::storage::{Confined, Sandbox};

const FOLDER: &str = "HFTCOL_TEST_CONFINED_FOLDER";

/// Runs `child_is_confined` in a process of its own.
fn child(folder: &Path) -> Output {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "confine::child_is_confined", "--nocapture"]).env(FOLDER, folder);
    command.output().unwrap()
}

/// True where the kernel has what it takes.
fn has_landlock() -> bool {
    // In a thread of its own, which ends with its confinement.
    let probe = || {
        let dir = tempfile::tempdir().unwrap();
        let sandbox = Sandbox::wanted();
        sandbox.enter([], &[dir.path(), Path::new("/")]);
        matches!(sandbox.outcome(), Some(Confined::By { .. }))
    };
    std::thread::spawn(probe).join().unwrap()
}

fn refused<T>(result: std::io::Result<T>) -> bool {
    // EACCES, and for a rename between folders EXDEV.
    matches!(result.map_err(|e| e.kind()), Err(ErrorKind::PermissionDenied | ErrorKind::CrossesDevices))
}

#[test]
fn child_is_confined() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let at = |name: &str| folder.join(name);
    let sandbox = Sandbox::wanted();
    sandbox.enter([at("inputs/in.csv").as_path(), &at("inputs/gone.csv")], &[&at("store")]);
    assert!(matches!(sandbox.outcome(), Some(Confined::By { abi }) if *abi >= 2), "{:?}", sandbox.outcome());
    let tries = || {
        assert_eq!(fs::read_to_string(at("inputs/in.csv")).unwrap(), "input");
        fs::create_dir_all(at("store/a/b")).unwrap();
        fs::write(at("store/a/f"), "x").unwrap();
        fs::rename(at("store/a/f"), at("store/a/b/g")).unwrap();
        fs::remove_file(at("store/a/b/g")).unwrap();
        for path in ["inputs/other.csv", "canary", "store/link"] {
            assert!(refused(fs::read(at(path))), "read {path}");
            assert!(refused(fs::write(at(path), "x")), "write {path}");
        }
        assert!(refused(fs::write(at("inputs/in.csv"), "x")));
        assert!(refused(fs::write(at("new"), "x")));
        assert!(refused(fs::create_dir(at("new"))));
        assert!(refused(fs::remove_file(at("canary"))));
        assert!(refused(fs::rename(at("canary"), at("store/canary"))));
        assert!(refused(fs::hard_link(at("canary"), at("store/hard"))));
        assert!(refused(std::os::unix::fs::symlink(at("canary"), at("inputs/sym"))));
        assert!(refused(fs::read_dir(at("inputs"))));
        assert!(refused(std::net::TcpListener::bind("127.0.0.1:0")));
    };
    tries();
    // Threads that are started afterwards are no freer.
    std::thread::scope(|scope| scope.spawn(tries).join().unwrap());
}

#[test]
fn a_confined_process_changes_its_store_and_nothing_else() {
    if !has_landlock() {
        eprintln!("skipped: this kernel does not confine");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::create_dir_all(at("inputs")).unwrap();
    fs::create_dir(at("store")).unwrap();
    for (name, text) in [("inputs/in.csv", "input"), ("inputs/other.csv", "other"), ("canary", "sings")] {
        fs::write(at(name), text).unwrap();
    }
    std::os::unix::fs::symlink(at("canary"), at("store/link")).unwrap();
    let output = child(dir.path());
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    assert_eq!(fs::read_to_string(at("canary")).unwrap(), "sings");
    assert!(!at("new").exists());
}

#[cfg(feature = "cli")]
#[test]
fn the_commands_that_write_are_confined_unless_told_otherwise() {
    use crate::cli::hftcol;
    use crate::import::{World, trades};

    if !has_landlock() {
        eprintln!("skipped: this kernel does not confine");
        return;
    }
    let world = World::new();
    world.file("a.csv", trades("A", &[(1, "1.5", "2")]));
    let (input, store) = (world.dir.path().join("a.csv"), world.store());
    let (input, store) = (input.to_str().unwrap(), store.to_str().unwrap());
    let out = world.dir.path().join("out");
    let out = out.to_str().unwrap();
    for args in [
        &["import", input, "--store", store][..],
        &["build", "--store", store],
        &["compute", "--store", store],
        &["compute", "--store", store, "--out", out, "--output", "parquet"],
        &["export", "--store", store, "--out", out],
        &["compact", "--store", store],
    ] {
        for (extra, confined) in [(&["-v"][..], true), (&["-v", "--no-sandbox"], false), (&[], false)] {
            let output = hftcol(&[args, extra].concat());
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(0), "{args:?}: {said}");
            assert_eq!(said.contains("confined by Landlock, ABI "), confined, "{args:?} {extra:?}: {said}");
        }
    }
}
