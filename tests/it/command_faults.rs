//! `compact`, `build` and `export` while every operation fails once, or is the last before the power goes: old or new and whole,
//! what was told is there, and the same command run again ends in the very bytes of an undisturbed run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use hftcol::build::{self, BuildOptions};
use hftcol::compact::{self, CompactOptions};
use hftcol::error::Result;
use hftcol::export::{self, ExportOptions};
use hftcol::sink::hive_path;
use hftcol::storage::{Crash, Fault, FaultStorage, MemoryStorage, Storage};
use hftcol::store::Store;

use crate::build::two_captures;
use crate::import::{World, trades};
use crate::promises::counted;
use crate::store::digest_lines;

const EIO: i32 = 5;
const ENOSPC: i32 = 28;

type Files = BTreeMap<String, Vec<u8>>;
/// Runs the command over a disk; what it told as done goes to the list.
type Command<'a> = &'a dyn Fn(Arc<dyn Storage>, &mut Vec<String>) -> Result<()>;
/// Looks at a disk as it was found: (disk, what was told, what happened).
type Check<'a> = &'a dyn Fn(&MemoryStorage, &[String], &str);

/// A folder of the real disk, as a durable disk in memory.
fn loaded(root: &Path) -> MemoryStorage {
    let disk = MemoryStorage::new();
    for entry in walkdir::WalkDir::new(root).min_depth(1).into_iter().map(Result::unwrap) {
        let path = entry.path().strip_prefix(root).unwrap();
        if entry.file_type().is_dir() {
            disk.create_dir(path).unwrap();
        } else {
            disk.edit(path.to_str().unwrap(), |bytes| *bytes = std::fs::read(entry.path()).unwrap());
        }
    }
    disk.crash(Crash::Kept)
}

/// All but what differs between equal stores (decision 2).
fn compared(disk: &MemoryStorage) -> Files {
    let mut files = disk.files();
    files.retain(|name, _| !name.starts_with("journal/") && name != "hftcol-store.json");
    files
}

fn same(found: &Files, gold: &Files, what: &str) {
    assert!(found.keys().eq(gold.keys()), "{what}: {:?} for {:?}", found.keys(), gold.keys());
    let other: Vec<_> = found.keys().filter(|name| found[*name] != gold[*name]).collect();
    assert!(other.is_empty(), "{what}: other bytes in {other:?}");
}

/// Runs `command` from `start` once for each operation and fault, then cuts the power at each; the number of cases.
fn attack(start: &MemoryStorage, command: Command<'_>, check: Check<'_>) -> u64 {
    let copy = || start.crash(Crash::Kept);
    let disk = copy();
    let counting = Arc::new(FaultStorage::new(Arc::new(disk.clone())));
    command(counting.clone(), &mut Vec::new()).unwrap();
    let (gold, operations) = (compared(&disk), counting.operations());
    let disturbed = |k: u64, fault: Fault| {
        let (disk, mut told) = (copy(), Vec::new());
        let faulty = FaultStorage::new(Arc::new(disk.clone()));
        faulty.fail_at(k, fault);
        let ok = command(Arc::new(faulty), &mut told).is_ok();
        (disk, told, ok)
    };
    let mut cases = 0;
    let mut judge = |disk: &MemoryStorage, told: &[String], what: &str| {
        check(disk, told, what);
        command(Arc::new(disk.clone()), &mut Vec::new()).unwrap_or_else(|e| panic!("{what}: {e}"));
        same(&compared(disk), &gold, what);
        // What the rerun has done is durable, whatever the run before had left unsynced.
        let durable = disk.crash(Crash::Lost).files();
        let lost = |name: &&String| !name.starts_with(".") && durable.get(*name) != gold.get(*name);
        assert_eq!(gold.keys().filter(lost).collect::<Vec<_>>(), [""; 0], "{what}: not durable");
        cases += 1;
    };
    for k in 0..operations {
        for fault in [Fault::Errno(EIO), Fault::Errno(ENOSPC), Fault::ShortWrite] {
            let what = format!("operation {k} of {operations}, {fault:?}");
            let (disk, told, ok) = disturbed(k, fault);
            assert!(!ok || compared(&disk) == gold, "{what}: swallowed");
            judge(&disk, &told, &what);
        }
        let (disk, told, _) = disturbed(k, Fault::FromNowOn(EIO));
        let coin = Crash::Coin((k + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        for how in [Crash::Lost, Crash::Kept, coin] {
            judge(&disk.crash(how), &told, &format!("power at operation {k} of {operations}, {how:?}"));
        }
    }
    cases
}

/// The tables of a store: all of `start` or their successors in `gold`, with what was told; nothing is damaged.
fn check_store(disk: &MemoryStorage, allowed: &BTreeSet<String>, floor: &BTreeSet<String>, what: &str) {
    let store = Store::over(Arc::new(disk.clone()), false).unwrap_or_else(|e| panic!("{what}: {e}"));
    let found: BTreeSet<String> = digest_lines(&store).into_iter().collect();
    assert!(found.is_subset(allowed) && found.is_superset(floor), "{what}: {found:?}, floor {floor:?}");
    let damage: Vec<_> = store.verify().unwrap().into_iter().filter(|f| !f.accepted).collect();
    assert!(damage.is_empty(), "{what}: {damage:?}");
}

fn lines(disk: &MemoryStorage) -> BTreeSet<String> {
    digest_lines(&Store::over(Arc::new(disk.clone()), false).unwrap()).into_iter().collect()
}

/// Trades of two securities in two segments each, and of a third in one.
fn scattered() -> MemoryStorage {
    let world = World::new();
    let rows = |from: i64| [(from, "1.5", "2"), (from + 9, "1.25", "3"), (from + 20, "1.5", "1")];
    world.import(&[world.file("a", trades("A", &rows(0))), world.file("b", trades("B", &rows(5)))]);
    let more = [trades("A", &rows(1_000)), trades("B", &rows(2_000)), trades("C", &rows(0))];
    let more: Vec<_> = more.iter().enumerate().map(|(n, text)| world.file(&format!("more{n}"), text)).collect();
    world.import(&more);
    loaded(&world.store())
}

#[test]
fn compact_leaves_each_partition_as_before_or_as_after() {
    let start = scattered();
    let command = |storage: Arc<dyn Storage>, told: &mut Vec<String>| {
        let store = Store::over(storage, false)?;
        let done = compact::run_in(&store, &CompactOptions::default(), &mut |event| {
            match event {
                compact::Event::Published { table, key, rows } => told.push(format!("{table} {} {rows}", key.security)),
                other => panic!("{other:?}"),
            }
            Ok(())
        });
        done.map(|_| ())
    };
    // The rows stay, so every line of the listing stays through all of it.
    let before = lines(&start);
    let check = |disk: &MemoryStorage, told: &[String], what: &str| {
        check_store(disk, &before, &before, what);
        let store = Store::over(Arc::new(disk.clone()), false).unwrap();
        for key in store.keys(&hftcol::store::Tree::Raw).unwrap() {
            let manifest = store.manifest(&hftcol::store::Tree::Raw, &key).unwrap().unwrap();
            let is_told = told.iter().any(|line| line.starts_with(&format!("trades {} ", key.security)));
            assert!(!is_told || manifest.table("trades").count() == 1, "{what}: {key:?} was told");
        }
    };
    let mut cases = attack(&start, &command, &check);
    // Once more over what is compact already: no fault makes it write.
    command(Arc::new(start.clone()), &mut Vec::new()).unwrap();
    cases += attack(&start, &command, &check);
    counted("command_faults::compact_leaves_each_partition_as_before_or_as_after", &[cases]);
}

/// Level changes of two securities.
fn changes() -> MemoryStorage {
    let world = World::new();
    let files = two_captures().map(|(name, text)| world.file(name, text));
    assert_eq!(world.import(&files).published, 2);
    loaded(&world.store())
}

#[test]
fn a_failed_write_names_its_file() {
    let start = scattered();
    let counting = Arc::new(FaultStorage::new(Arc::new(start.crash(Crash::Kept))));
    let compact = |storage: Arc<FaultStorage>| {
        compact::run_in(&Store::over(storage, false)?, &CompactOptions::default(), &mut |_| Ok(()))
    };
    compact(counting.clone()).unwrap();
    let mut writes = 0;
    for k in 0..counting.operations() {
        let faulty = Arc::new(FaultStorage::new(Arc::new(start.crash(Crash::Kept))));
        faulty.fail_at(k, Fault::Errno(ENOSPC));
        let Err(error) = compact(faulty) else { continue };
        match error.kind() {
            hftcol::error::ErrorKind::Io { op, path, source } => {
                let text = error.to_string();
                assert_eq!(source.raw_os_error(), Some(ENOSPC), "{text}");
                assert!(text.contains("No space left") && !text.contains("table file"), "operation {k}: {text}");
                writes += u64::from(*op == "write" && path.starts_with(".staging"));
            }
            other => panic!("operation {k}: {other:?}"),
        }
    }
    assert!(writes > 3, "{writes}");
}

#[test]
fn build_leaves_each_partition_as_before_or_as_after() {
    let start = changes();
    let command = |storage: Arc<dyn Storage>, told: &mut Vec<String>| {
        let store = Store::over(storage, false)?;
        let options = BuildOptions { threads: 1, levels: 3, ..BuildOptions::default() };
        let done = build::run_in(&store, &options, &mut |event| {
            match event {
                build::Event::Published { key, built } => {
                    told.push(format!("book_built {} {}", key.security, built.rows))
                }
                other => panic!("{other:?}"),
            }
            Ok(())
        });
        done.map(|_| ())
    };
    let built = start.crash(Crash::Kept);
    command(Arc::new(built.clone()), &mut Vec::new()).unwrap();
    let (before, after) = (lines(&start), lines(&built));
    assert_eq!((before.len(), after.len()), (2, 4), "{after:?}");
    let check = |disk: &MemoryStorage, told: &[String], what: &str| {
        let is_told = |line: &&String| {
            told.iter().any(|t| t.split(' ').take(2).all(|word| line.split(' ').any(|part| part == word)))
        };
        let floor: BTreeSet<String> = before.iter().chain(after.iter().filter(is_told)).cloned().collect();
        check_store(disk, &after, &floor, what);
    };
    let mut cases = attack(&start, &command, &check);
    // What is built already stays as it is, whatever fails.
    cases += attack(&built, &command, &check);
    counted("command_faults::build_leaves_each_partition_as_before_or_as_after", &[cases]);
}

#[test]
fn export_leaves_each_file_absent_old_or_new() {
    // The store is only read; the disk under attack is the output folder, empty or with files of an earlier state.
    let store_disk = scattered();
    let read = |storage: Arc<dyn Storage>, from: &MemoryStorage, rows: bool, told: &mut Vec<String>| {
        let store = Store::over(Arc::new(from.clone()), false)?;
        let columns = if rows { Vec::new() } else { vec!["ts_event".to_owned(), "price".to_owned()] };
        let options = ExportOptions {
            formats: ["csv", "parquet"].map(str::to_owned).to_vec(),
            selection: hftcol::sink::rows::RowSelection::new(&columns, None, None),
            ..ExportOptions::default()
        };
        let done = export::run_in(&store, storage, &options, &mut |event| {
            match event {
                export::Event::Published { table, key, .. } => {
                    let path = |extension| hive_path(table, key, extension).to_str().unwrap().to_owned();
                    told.extend(["csv", "parquet"].map(path));
                }
                export::Event::Failed { reason, .. } => panic!("{reason}"),
                other => panic!("{other:?}"),
            }
            Ok(())
        });
        done.map(|_| ())
    };
    let untouched = store_disk.files();
    let old = MemoryStorage::new();
    read(Arc::new(old.clone()), &store_disk, false, &mut Vec::new()).unwrap();
    let old = old.crash(Crash::Kept);
    let new = MemoryStorage::new();
    let command = |storage: Arc<dyn Storage>, told: &mut Vec<String>| read(storage, &store_disk, true, told);
    command(Arc::new(new.clone()), &mut Vec::new()).unwrap();
    let (new_files, old_files) = (new.files(), old.files());
    assert_eq!(new_files.len(), 7, "{:?}", new_files.keys());
    let mut cases = 0;
    for start in [&MemoryStorage::new(), &old] {
        let began = start.files();
        let check = |disk: &MemoryStorage, told: &[String], what: &str| {
            let found = disk.files();
            for (name, bytes) in found.iter().filter(|(name, _)| !name.starts_with(".hftcol-staging/")) {
                let is_old = began.contains_key(name) && old_files.get(name) == Some(bytes);
                assert!(new_files.get(name) == Some(bytes) || is_old, "{what}: {name} is neither old nor new");
            }
            let kept = began.keys().filter(|name| !name.starts_with(".hftcol-staging/"));
            assert!(kept.clone().all(|name| found.contains_key(name)), "{what}: a file is gone");
            for name in told {
                assert!(found.get(name) == new_files.get(name), "{what}: {name} was told and is not there");
            }
        };
        cases += attack(start, &command, &check);
    }
    counted("command_faults::export_leaves_each_file_absent_old_or_new", &[cases]);
    assert!(store_disk.files() == untouched, "the store is only read");
}
