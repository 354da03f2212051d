//! What needs a process of its own: the umask, a killed holder of the lock, SIGBUS. The test program runs itself.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use hftcol::storage::{IoMode, OsStorage, Storage};
use hftcol::store::{Store, Tree};

use crate::store::{content, key, next, read_all, rewrite};

const FOLDER: &str = "HFTCOL_TEST_CHILD_FOLDER";

/// Runs one of the `child_` tests below in a process of its own.
fn child(test: &str, umask: &str, folder: &Path) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("umask {umask}; exec \"$0\" \"$@\"")]).arg(std::env::current_exe().unwrap());
    command.args(["--exact", &format!("store_processes::{test}"), "--nocapture"]).env(FOLDER, folder);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The folder to work in, if this process is a child.
fn folder() -> Option<PathBuf> {
    std::env::var_os(FOLDER).map(PathBuf::from)
}

fn publish(store: &Store, security: &str) {
    let mut run = store.begin(Tree::Raw).unwrap();
    let publication = next(&run, &key("v", security)).unwrap();
    run.publish(vec![publication]).unwrap();
    run.finish().unwrap();
}

#[test]
fn child_publishes() {
    if let Some(folder) = folder() {
        publish(&Store::create_or_open(&folder).unwrap(), "A");
    }
}

#[test]
fn the_umask_is_honoured() {
    for (umask, dirs, sealed, logs) in
        [("077", 0o700, 0o400, 0o600), ("022", 0o755, 0o440, 0o640), ("002", 0o775, 0o440, 0o640)]
    {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("store");
        for _ in 0..2 {
            let output = child("child_publishes", umask, &root).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        let mut open = vec![root.clone()];
        while let Some(path) = open.pop() {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let want = match name.as_str() {
                ".staging" => 0o700,
                _ if path.is_dir() => dirs,
                _ if name.ends_with(".lock") || name.ends_with(".hftj") => logs,
                _ => sealed,
            };
            let mode = path.symlink_metadata().unwrap().permissions().mode() & 0o7777;
            assert_eq!(mode, want, "umask {umask}: {}", path.display());
            if path.is_dir() {
                open.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            }
        }
    }
}

#[test]
fn child_holds_the_lock() {
    if let Some(folder) = folder() {
        let _run = Store::create_or_open(&folder).unwrap().begin(Tree::Raw).unwrap();
        std::fs::write(folder.join("../held"), "x").unwrap();
        std::thread::sleep(std::time::Duration::from_mins(1));
    }
}

#[test]
fn a_killed_holder_frees_the_lock() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("store");
    let mut holder = child("child_holds_the_lock", "022", &root).spawn().unwrap();
    while !dir.path().join("held").exists() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let store = Store::create_or_open(&root).unwrap();
    let e = store.begin(Tree::Raw).unwrap_err();
    assert!(e.exit_code() == 6 && e.to_string().contains(&format!("pid {}", holder.id())), "{e}");
    holder.kill().unwrap();
    holder.wait().unwrap();
    publish(&store, "A");
}

#[cfg(feature = "cli")]
#[test]
fn child_reads_a_cut_map() {
    if let Some(folder) = folder() {
        hftcol::storage::guard_sigbus().unwrap();
        std::fs::write(folder.join("f"), vec![1; 1 << 16]).unwrap();
        let storage = OsStorage::open(&folder, IoMode::Mmap).unwrap();
        let file = storage.open("f".as_ref()).unwrap();
        std::fs::OpenOptions::new().write(true).open(folder.join("f")).unwrap().set_len(10).unwrap();
        read_all(&*file);
    }
}

#[cfg(feature = "cli")]
#[test]
fn a_cut_map_ends_the_process_with_a_message_and_pread_with_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let output = child("child_reads_a_cut_map", "022", dir.path()).output().unwrap();
    assert_eq!((output.status.code(), output.status.signal()), (Some(5), None));
    assert!(String::from_utf8_lossy(&output.stderr).contains("SIGBUS"));

    std::fs::write(dir.path().join("f"), vec![1; 1 << 16]).unwrap();
    let storage = OsStorage::open(dir.path(), IoMode::Pread).unwrap();
    let file = storage.open("f".as_ref()).unwrap();
    std::fs::OpenOptions::new().write(true).open(dir.path().join("f")).unwrap().set_len(10).unwrap();
    assert_eq!(file.read_at(0, &mut [0; 100]).unwrap_err().exit_code(), 5);
}

/// Ends the readers when the writer ends, in whatever way.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn readers_see_whole_generations_while_a_writer_replaces_them() {
    const ROUNDS: u32 = 60;
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("store");
    let store = Store::create_or_open(&root).unwrap();
    publish(&store, "A");
    let done = AtomicBool::new(false);
    let k = key("v", "A");
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let store = Store::open(&root).unwrap();
                let mut last = 0;
                while !done.load(Ordering::Relaxed) {
                    let (manifest, files) = store.open_table(&Tree::Raw, &k, "book").unwrap().unwrap();
                    assert!(manifest.generation >= last, "back from {last} to {}", manifest.generation);
                    last = manifest.generation;
                    let segments: Vec<_> = manifest.table("book").collect();
                    for (file, s) in files.iter().zip(&segments) {
                        assert_eq!(read_all(&**file), content(&k, "book", s.generation, s.segment));
                    }
                    let damage: Vec<_> =
                        store.verify_structure().unwrap().into_iter().filter(|f| !f.accepted).collect();
                    assert!(damage.is_empty(), "{damage:?}");
                }
            });
        }
        let _stop = Stop(&done);
        for _ in 2..ROUNDS {
            let mut run = store.begin(Tree::Raw).unwrap();
            let whole = rewrite(&run, &k).unwrap();
            run.publish(vec![whole]).unwrap();
            run.finish().unwrap();
        }
    });
    assert_eq!(store.verify().unwrap(), []);
}
