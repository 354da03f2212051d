//! Whatever is changed behind the store's back is found: every bit of every file, cuts, deletions, exchanges, old copies.

use std::io::Write;
use std::sync::Arc;

use hftcol::storage::{Crash, MemoryStorage};
use hftcol::store::{Adopted, Finding, FindingKind, Hashed, Store, Tree};

use crate::promises::counted;
use crate::store::{digest_lines, key, next};

/// A clean store: two partitions, one of two generations, a set with its configuration, a quarantine file.
fn clean_store() -> MemoryStorage {
    let disk = MemoryStorage::new();
    let store = Store::over(Arc::new(disk.clone()), true).unwrap();
    for round in 0..2 {
        let mut run = store.begin(Tree::Raw).unwrap();
        let mut batch = vec![next(&run, &key("v", "A")).unwrap()];
        if round == 0 {
            batch.push(next(&run, &key("v", "B")).unwrap());
        }
        run.publish(batch).unwrap();
        run.finish().unwrap();
    }
    let mut run = store.begin(Tree::Raw).unwrap();
    let mut out = Hashed::new(run.stage().unwrap());
    out.write_all(b"rejected").unwrap();
    let (staged, length, hash) = out.finish();
    run.publish_quarantine("q.ndjson", staged, length, hash).unwrap();
    run.finish().unwrap();
    let mut run = store.begin(Tree::Features("s".into())).unwrap();
    run.write_set_config(b"levels = 5").unwrap();
    run.finish().unwrap();
    disk
}

fn copy(disk: &MemoryStorage) -> MemoryStorage {
    disk.crash(Crash::Kept)
}

/// What verify says is damage; a store that cannot even be opened is found as well.
fn damage(disk: &MemoryStorage) -> Vec<Finding> {
    match Store::over(Arc::new(disk.clone()), false) {
        Ok(store) => store.verify().unwrap().into_iter().filter(|f| !f.accepted).collect(),
        Err(e) => vec![Finding {
            kind: FindingKind::Ledger,
            path: "hftcol-store.json".into(),
            what: e.to_string(),
            rows: 0,
            accepted: false,
        }],
    }
}

/// The files of which every byte is covered: all but the lock files.
fn covered(disk: &MemoryStorage) -> Vec<(String, usize)> {
    let files = disk.files().into_iter().filter(|(name, _)| !name.ends_with(".lock"));
    files.map(|(name, bytes)| (name, bytes.len())).collect()
}

#[test]
fn every_flipped_bit_is_found_and_named() {
    let disk = clean_store();
    assert_eq!(damage(&disk), []);
    let mut flips = 0;
    for (name, len) in covered(&disk) {
        // Small files bit by bit; of the stand-in tables a bit in every fiftieth byte.
        let step = if name.ends_with(".hftc") { 397 } else { 1 };
        for bit in (0..len * 8).step_by(step) {
            disk.edit(&name, |bytes| bytes[bit / 8] ^= 1 << (bit % 8));
            let found = damage(&disk);
            assert!(!found.is_empty(), "{name}, bit {bit}");
            let named = found.iter().any(|f| f.path.to_string_lossy() == name);
            assert!(named, "{name}, bit {bit}: {found:?}");
            flips += 1;
            disk.edit(&name, |bytes| bytes[bit / 8] ^= 1 << (bit % 8));
        }
    }
    assert_eq!(damage(&disk), []);
    counted("store_damage::every_flipped_bit_is_found_and_named", &[flips]);
}

#[test]
fn every_cut_and_every_tail_is_found() {
    let disk = clean_store();
    let mut cases = 0;
    for (name, len) in covered(&disk) {
        let whole = disk.files()[&name].clone();
        for cut in (0..len).step_by(if name.ends_with(".hftc") { 53 } else { 1 }) {
            disk.edit(&name, |bytes| bytes.truncate(cut));
            assert!(!damage(&disk).is_empty(), "{name} cut to {cut}");
            cases += 1;
            disk.edit(&name, |bytes| bytes.clone_from(&whole));
        }
        for tail in [vec![0], vec![0; 64], whole.clone()] {
            disk.edit(&name, |bytes| bytes.extend(&tail));
            assert!(!damage(&disk).is_empty(), "{name} with {} more bytes", tail.len());
            cases += 1;
            disk.edit(&name, |bytes| bytes.clone_from(&whole));
        }
    }
    assert_eq!(damage(&disk), []);
    counted("store_damage::every_cut_and_every_tail_is_found", &[cases]);
}

#[test]
fn every_deleted_and_exchanged_file_is_found() {
    use hftcol::storage::Storage;
    let disk = clean_store();
    let names: Vec<String> = covered(&disk).into_iter().map(|(name, _)| name).collect();
    let mut cases = 0;
    for name in &names {
        let hurt = copy(&disk);
        hurt.remove_file(name.as_ref()).unwrap();
        assert!(!damage(&hurt).is_empty(), "{name} deleted");
        cases += 1;
        for other in names.iter().filter(|other| *other < name) {
            let hurt = copy(&disk);
            let (a, b) = (disk.files()[name].clone(), disk.files()[other].clone());
            hurt.edit(name, |bytes| *bytes = b);
            hurt.edit(other, |bytes| *bytes = a);
            assert!(!damage(&hurt).is_empty(), "{name} and {other} exchanged");
            cases += 1;
        }
    }
    counted("store_damage::every_deleted_and_exchanged_file_is_found", &[cases]);
}

/// Copies every file beneath a folder to the same place of another disk, or of another folder.
fn copy_folder(from: &MemoryStorage, folder: &str, to: &MemoryStorage, target: &str) {
    use hftcol::storage::Storage;
    let mut path = String::new();
    for part in target.split('/') {
        path = if path.is_empty() { part.to_owned() } else { format!("{path}/{part}") };
        to.create_dir(path.as_ref()).unwrap();
    }
    for (name, content) in from.files() {
        if let Some(rest) = name.strip_prefix(folder) {
            to.edit(&format!("{target}{rest}"), |bytes| *bytes = content);
        }
    }
}

const A: &str = "venue=v/security=A/date=2024-08-08";
const B: &str = "venue=v/security=B/date=2024-08-08";

fn remove_folder(disk: &MemoryStorage, folder: &str) {
    use hftcol::storage::Storage;
    for name in disk.files().into_keys().filter(|name| name.starts_with(folder)) {
        disk.remove_file(name.as_ref()).unwrap();
    }
    disk.remove_dir(folder.as_ref()).unwrap();
}

#[test]
fn deleted_foreign_stale_and_misplaced_partitions_are_told_apart() {
    let disk = clean_store();
    let kinds = |disk: &MemoryStorage| damage(disk).into_iter().map(|f| (f.kind, f.rows)).collect::<Vec<_>>();

    let hurt = copy(&disk);
    remove_folder(&hurt, B);
    assert_eq!(kinds(&hurt), [(FindingKind::Missing, 80)]);

    // Another store's partition, copied in whole.
    let other = MemoryStorage::new();
    let store = Store::over(Arc::new(other.clone()), true).unwrap();
    let mut run = store.begin(Tree::Raw).unwrap();
    let batch = vec![next(&run, &key("v", "C")).unwrap(), next(&run, &key("v", "A")).unwrap()];
    run.publish(batch).unwrap();
    run.finish().unwrap();
    let hurt = copy(&disk);
    copy_folder(&other, &A.replace("=A", "=C"), &hurt, &A.replace("=A", "=C"));
    assert_eq!(kinds(&hurt), [(FindingKind::Foreign, 80)]);

    // An older backup of a partition.
    let hurt = copy(&disk);
    remove_folder(&hurt, A);
    copy_folder(&other, A, &hurt, A);
    assert_eq!(kinds(&hurt), [(FindingKind::Stale, 121)]);

    // A partition under another one's name: its manifest says who it is.
    let hurt = copy(&disk);
    copy_folder(&disk, B, &hurt, &B.replace("=B", "=D"));
    assert_eq!(kinds(&hurt).first().map(|k| k.0), Some(FindingKind::Changed));
    let store = Store::over(Arc::new(hurt), false).unwrap();
    assert_eq!(store.manifest(&Tree::Raw, &key("v", "D")).unwrap_err().exit_code(), 4);

    // Files that nobody knows.
    for name in ["notes.txt", &format!("{A}/x.csv"), "venue=v/extra", "features/s/y", "journal/z", "features/Bad"] {
        let hurt = copy(&disk);
        hurt.edit(name, |bytes| bytes.push(1));
        assert_eq!(kinds(&hurt), [(FindingKind::Foreign, 0)], "{name}");
    }
    // An old generation's file in a clean store was left by nobody.
    let hurt = copy(&disk);
    hurt.edit(&format!("{A}/book.00000001.0007.hftc"), |bytes| bytes.push(1));
    assert_eq!(kinds(&hurt), [(FindingKind::Leftover, 0)]);
}

#[test]
fn adopt_brings_ledger_and_store_together() {
    let disk = clean_store();
    let other = MemoryStorage::new();
    let theirs = Store::over(Arc::new(other.clone()), true).unwrap();
    let mut run = theirs.begin(Tree::Raw).unwrap();
    let batch = ["C", "D"].map(|s| next(&run, &key("v", s)).unwrap()).into();
    run.publish(batch).unwrap();
    run.finish().unwrap();
    for s in ["=C", "=D"] {
        copy_folder(&other, &A.replace("=A", s), &disk, &A.replace("=A", s));
    }
    disk.edit(&format!("{}/book.00000001.0000.hftc", A.replace("=A", "=D")), |bytes| bytes[7] ^= 1);
    remove_folder(&disk, B);
    let store = Store::over(Arc::new(disk.clone()), false).unwrap();
    let mut run = store.begin(Tree::Raw).unwrap();
    let (done, faults) = run.adopt(&mut |_| true).unwrap();
    run.finish().unwrap();
    assert_eq!(done, [(key("v", "B"), Adopted::Removed), (key("v", "C"), Adopted::Entered)]);
    assert_eq!(faults.len(), 1);
    let left = damage(&disk);
    assert!(left.iter().all(|f| f.path.to_string_lossy().contains("security=D")), "{left:?}");
    assert_eq!(left.iter().filter(|f| f.kind == FindingKind::Changed).count(), 1);
    let mut run = store.begin(Tree::Raw).unwrap();
    assert_eq!(run.adopt(&mut |k| k.security != "D").unwrap(), (vec![], vec![]));
    run.finish().unwrap();
}

#[test]
fn an_open_ledger_may_end_in_a_torn_record_and_in_nothing_else() {
    let disk = clean_store();
    let store = Store::over(Arc::new(disk.clone()), false).unwrap();
    let known = disk.files()["journal/ledger.hftj"].len();
    let mut run = store.begin(Tree::Raw).unwrap();
    for s in ["C", "D"] {
        let publication = next(&run, &key("v", s)).unwrap();
        run.publish(vec![publication]).unwrap();
    }
    drop(run); // killed: HEAD says open
    let whole = disk.files()["journal/ledger.hftj"].clone();
    let third = next_record(&whole, known);
    for cut in 0..whole.len() {
        let hurt = copy(&disk);
        hurt.edit("journal/ledger.hftj", |bytes| bytes.truncate(cut));
        let found = damage(&hurt);
        if cut < known {
            assert!(!found.is_empty(), "cut to {cut}");
            let store = Store::over(Arc::new(hurt.clone()), false).unwrap();
            assert_eq!(store.begin(Tree::Raw).unwrap_err().exit_code(), 4, "cut to {cut}");
            continue;
        }
        assert_eq!(found, [], "cut to {cut}");
        let store = Store::over(Arc::new(hurt.clone()), false).unwrap();
        let torn = store.verify().unwrap().iter().any(|f| f.kind == FindingKind::Ledger);
        assert_eq!(torn, cut != known && cut != third, "cut to {cut}");
        let run = store.begin(Tree::Raw).unwrap();
        assert!(!run.recovered().is_empty(), "cut to {cut}");
        run.finish().unwrap();
        assert_eq!(store.verify().unwrap(), [], "cut to {cut}");
    }
    // A bad bit in a full record is damage in an open store too.
    for bit in 0..whole.len() * 8 {
        disk.edit("journal/ledger.hftj", |bytes| bytes[bit / 8] ^= 1 << (bit % 8));
        assert!(!damage(&disk).is_empty(), "bit {bit}");
        disk.edit("journal/ledger.hftj", |bytes| bytes[bit / 8] ^= 1 << (bit % 8));
    }
}

#[test]
fn a_set_file_of_an_interrupted_run_must_be_whole() {
    let disk = clean_store();
    let store = Store::over(Arc::new(disk.clone()), false).unwrap();
    let mut run = store.begin(Tree::Features("s".into())).unwrap();
    run.write_set_config(b"levels = 6").unwrap();
    drop(run); // killed: HEAD says open
    assert_eq!(damage(&disk), []);
    let name = "features/s/set.hfts";
    for bit in 0..disk.files()[name].len() * 8 {
        disk.edit(name, |bytes| bytes[bit / 8] ^= 1 << (bit % 8));
        let found = damage(&disk);
        assert!(found.iter().any(|f| f.path.to_string_lossy() == name), "bit {bit}: {found:?}");
        disk.edit(name, |bytes| bytes[bit / 8] ^= 1 << (bit % 8));
    }
}

/// Where the record that begins at `at` ends.
fn next_record(ledger: &[u8], at: usize) -> usize {
    let length = u32::from_le_bytes(ledger[at..at + 4].try_into().unwrap());
    at + 8 + usize::try_from(length).unwrap() + 4
}

#[test]
fn a_damaged_manifest_falls_back_and_is_reported() {
    let disk = clean_store();
    let store = Store::over(Arc::new(disk.clone()), false).unwrap();
    let mut run = store.begin(Tree::Raw).unwrap();
    let publication = next(&run, &key("v", "B")).unwrap();
    run.publish(vec![publication]).unwrap();
    drop(run); // both generations stand in the folder
    disk.edit(&format!("{B}/part.00000002.hftm"), |bytes| bytes[30] ^= 1);
    assert_eq!(store.manifest(&Tree::Raw, &key("v", "B")).unwrap().unwrap().generation, 1);
    let found = damage(&disk);
    assert!(found.iter().any(|f| f.path.ends_with("part.00000002.hftm")), "{found:?}");
    // The next run leaves the folder as it is, and says so.
    let run = store.begin(Tree::Raw).unwrap();
    assert!(run.recovered().iter().any(|f| !f.accepted), "{:?}", run.recovered());
    run.finish().unwrap();
    assert!(disk.files().contains_key(&format!("{B}/part.00000001.hftm")));
}

#[test]
fn a_lost_journal_is_written_anew() {
    use hftcol::storage::Storage;
    let disk = clean_store();
    let store = Store::over(Arc::new(disk.clone()), false).unwrap();
    let lines = digest_lines(&store);
    for name in ["journal/ledger.hftj", "journal/HEAD"] {
        disk.remove_file(name.as_ref()).unwrap();
    }
    assert_eq!(store.begin(Tree::Raw).unwrap_err().exit_code(), 4);
    let (records, faults) = store.rebuild_journal().unwrap();
    assert_eq!((records, faults), (4, vec![]));
    assert_eq!(store.verify().unwrap(), []);
    assert_eq!(digest_lines(&store), lines);
    let mut run = store.begin(Tree::Raw).unwrap();
    let publication = next(&run, &key("v", "B")).unwrap();
    run.publish(vec![publication]).unwrap();
    run.finish().unwrap();
    assert_eq!(store.verify().unwrap(), []);
}
