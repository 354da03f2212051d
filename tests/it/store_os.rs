//! The store on the real file system: modes, links, hard links, locks between handles, both ways of reading.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use hftcol::storage::IoMode;
use hftcol::store::{OpenOptions, Store, Tree};

use crate::cli::{good, hftcol};
use crate::import::tree;
use crate::store::{content, digest_lines, key, next, read_all, rewrite};

/// Every file and folder beneath `root`, links not followed.
fn tree_of(root: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.symlink_metadata().unwrap().is_dir() {
                open.push(path.clone());
            }
            all.push(path);
        }
    }
    all
}

fn publish(store: &Store, securities: &[&str]) {
    let mut run = store.begin(Tree::Raw).unwrap();
    let batch = securities.iter().map(|s| next(&run, &key("binance", s)).unwrap()).collect();
    run.publish(batch).unwrap();
    run.finish().unwrap();
}

#[test]
fn only_one_way_of_reading_makes_maps() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("store");
    publish(&Store::create_or_open(&root).unwrap(), &["ETH/USDT"]);
    let maps = |io| {
        let store = Store::open_with(&root, OpenOptions { io, ..OpenOptions::default() }).unwrap();
        let key = key("binance", "ETH/USDT");
        let manifest = store.manifest(&Tree::Raw, &key).unwrap().unwrap();
        let file = store.open_segment(&Tree::Raw, &key, &manifest.segments[0]).unwrap();
        assert!(!file.is_empty());
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        maps.lines().filter(|line| line.contains(root.to_str().unwrap())).count()
    };
    assert_eq!((maps(IoMode::Mmap), maps(IoMode::Pread)), (1, 0));
}

#[test]
fn commands_print_and_write_the_same_either_way() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    good(&["demo", "--dir", &path("demo")]);
    let store = path("demo/store");
    let of = |io: &str| {
        let run =
            |words: &[&str]| good(&[&words[..1], &["--store", &store, "--io", io, "--plain"], &words[1..]].concat());
        let out = |name: &str| path(&format!("{name}-{io}"));
        run(&["compute", "--output", "parquet", "--out", &out("features"), "--features", "mid,ofi"]);
        run(&["export", "--format", "csv", "--out", &out("rows")]);
        let tables = |name| {
            let mut files = tree(Path::new(&out(name)));
            files.retain(|path, _| path.extension().is_some_and(|e| e == "parquet" || e == "csv"));
            files
        };
        let written = ["features", "rows"].map(tables);
        let printed = ["verify", "ls", "inspect", "validate"].map(|name| run(&[name]));
        (written, printed, run(&["head", "--table", "trades", "--set", "default"]))
    };
    let mapped = of("mmap");
    assert!(mapped.0.iter().all(|files| files.len() > 1));
    let read = of("pread");
    assert!(mapped.0 == read.0);
    assert_eq!((mapped.1, mapped.2), (read.1, read.2));
    assert_eq!(hftcol(&["verify", "--store", &store, "--io", "direct"]).status.code(), Some(2));
}

#[test]
fn both_ways_of_reading_agree() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("a/b/store");
    publish(&Store::create_or_open(&root).unwrap(), &["BTC/USDT"]);
    for io in [IoMode::Mmap, IoMode::Pread] {
        let store = Store::open_with(&root, OpenOptions { io, allow_foreign: true }).unwrap();
        let k = key("binance", "BTC/USDT");
        let (_, files) = store.open_table(&Tree::Raw, &k, "book").unwrap().unwrap();
        assert_eq!(read_all(&*files[0]), content(&k, "book", 1, 0));
        let mut past = [0; 2];
        assert!(files[0].read_at(files[0].len() - 1, &mut past).is_err());
        assert!(files[0].read_at(u64::MAX, &mut past).is_err());
        assert_eq!(store.verify().unwrap(), []);
        assert_eq!(digest_lines(&store).len(), 2);
    }
    assert_eq!(Store::open(&dir.path().join("none")).unwrap_err().exit_code(), 2);
}

#[test]
fn published_files_are_read_only_and_nothing_is_wider_than_asked() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("store");
    let store = Store::create_or_open(&root).unwrap();
    let run = store.begin(Tree::Raw).unwrap();
    let staged = run.stage().unwrap();
    let mode = |path: &Path| path.symlink_metadata().unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&root.join(".staging")), 0o700);
    assert_eq!(mode(&root.join(staged.path())) & !0o640, 0);
    run.finish().unwrap();
    publish(&store, &["A", "B"]);
    for path in tree_of(&root) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let sealed = ["hftc", "hftm", "json"].iter().any(|e| name.ends_with(e)) || name == "HEAD";
        let widest = if path.is_dir() {
            0o777
        } else if sealed {
            0o440
        } else {
            0o640
        };
        assert_eq!(mode(&path) & !widest, 0, "{}", path.display());
    }
}

#[test]
fn links_in_the_store_lead_nowhere() {
    let dir = tempfile::tempdir().unwrap();
    let (root, outside) = (dir.path().join("store"), dir.path().join("outside"));
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("canary"), "sings").unwrap();
    let store = Store::create_or_open(&root).unwrap();
    publish(&store, &["A"]);
    let paths = tree_of(&root);
    for path in paths {
        let aside = dir.path().join("aside");
        let was_dir = path.is_dir();
        fs::rename(&path, &aside).unwrap();
        symlink(if was_dir { outside.clone() } else { outside.join("canary") }, &path).unwrap();
        let attempt = || -> hftcol::error::Result<()> {
            let store = Store::create_or_open(&root)?;
            let mut run = store.begin(Tree::Raw)?;
            let batch = vec![next(&run, &key("binance", "A"))?];
            run.publish(batch)?;
            run.finish()
        };
        let _ = attempt();
        let listed: Vec<_> = tree_of(&outside);
        assert_eq!(listed, [outside.join("canary")], "through {}", path.display());
        assert_eq!(fs::read_to_string(outside.join("canary")).unwrap(), "sings", "through {}", path.display());
        // A link in the place of a file may have been replaced; put the old state back for the next round.
        fs::remove_dir_all(&root).unwrap();
        let _ = fs::remove_dir_all(&aside).or_else(|_| fs::remove_file(&aside));
        publish(&Store::create_or_open(&root).unwrap(), &["A"]);
    }
}

#[test]
fn hard_links_keep_the_old_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("store");
    let store = Store::create_or_open(&root).unwrap();
    publish(&store, &["A"]);
    let mut kept = Vec::new();
    for (i, path) in tree_of(&root).into_iter().enumerate() {
        let is_log = path.extension().is_some_and(|e| e == "hftj" || e == "lock");
        if path.is_file() && !is_log {
            let link = dir.path().join(format!("link{i}"));
            fs::hard_link(&path, &link).unwrap();
            kept.push((link.clone(), fs::read(&link).unwrap()));
        }
    }
    publish(&store, &["A"]);
    publish(&store, &["A"]);
    assert!(kept.len() >= 4);
    for (link, bytes) in kept {
        assert_eq!(fs::read(&link).unwrap(), bytes, "{}", link.display());
    }
}

#[test]
fn an_open_file_outlives_its_generation() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::create_or_open(&dir.path().join("store")).unwrap();
    publish(&store, &["A"]);
    let k = key("binance", "A");
    let old = store.manifest(&Tree::Raw, &k).unwrap().unwrap();
    let (_, files) = store.open_table(&Tree::Raw, &k, "book").unwrap().unwrap();
    let mut run = store.begin(Tree::Raw).unwrap();
    // A rewrite: the new generation keeps none of the old files.
    let whole = rewrite(&run, &k).unwrap();
    run.publish(vec![whole]).unwrap();
    run.finish().unwrap();
    assert_eq!(read_all(&*files[0]), content(&k, "book", 1, 0));
    let gone = store.open_segment(&Tree::Raw, &k, old.table("book").next().unwrap()).unwrap_err();
    assert!(gone.is_not_found());
    let (now, files) = store.open_table(&Tree::Raw, &k, "book").unwrap().unwrap();
    assert_eq!((now.generation, files.len()), (2, 1));
    assert_eq!(store.verify().unwrap(), []);
}

#[test]
fn the_lock_names_its_holder_and_dies_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("store");
    let store = Store::create_or_open(&root).unwrap();
    let other = Store::create_or_open(&root).unwrap();
    let run = store.begin(Tree::Raw).unwrap();
    let e = other.begin(Tree::Raw).unwrap_err();
    assert_eq!(e.exit_code(), 6);
    assert!(e.to_string().contains(&format!("pid {}", std::process::id())), "{e}");
    drop(run);
    other.begin(Tree::Raw).unwrap().finish().unwrap();

    let set = Tree::Features("default".into());
    let one = store.begin_shard("default", 1, 2).unwrap();
    let two = other.begin_shard("default", 2, 2).unwrap();
    assert_eq!(other.begin_shard("default", 1, 2).unwrap_err().exit_code(), 6);
    assert_eq!(other.begin(set.clone()).unwrap_err().exit_code(), 6);
    one.finish().unwrap();
    two.finish().unwrap();
    let whole = other.begin(set).unwrap();
    assert_eq!(store.begin_shard("default", 1, 2).unwrap_err().exit_code(), 6);
    whole.finish().unwrap();
}

#[test]
fn a_fifo_in_a_files_place_is_refused_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("store");
    publish(&Store::create_or_open(&root).unwrap(), &["A"]);
    let json = root.join("hftcol-store.json");
    assert_ne!(json.metadata().unwrap().ino(), 0);
    fs::remove_file(&json).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&json).status().unwrap();
    assert!(made.success());
    assert_eq!(Store::open(&root).unwrap_err().exit_code(), 5);
}
