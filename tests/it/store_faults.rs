//! Every operation fails once, or is the last before the power goes: no partition is ever seen in between, nothing that was
//! acknowledged is lost, and the same command run again ends in the very bytes of an undisturbed run.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use hftcol::error::Result;
use hftcol::schema::PartitionKey;
use hftcol::storage::{Crash, Fault, FaultStorage, MemoryStorage, Storage};
use hftcol::store::{Hashed, Store, Tree};

use crate::promises::counted;
use crate::store::{content, key, next, read_all};

const EIO: i32 = 5;
/// How often what was not synced is lost by the toss of a coin, beside once all and once nothing of it.
const COINS: u64 = 14;

/// The batches of the run under test: partition and the generation it shall reach.
fn plan() -> Vec<Vec<(PartitionKey, u32)>> {
    let long = "\u{ed55}".repeat(40);
    vec![
        vec![(key("v", "A"), 1)],
        vec![(key("v", "A"), 2), (key("v", "B"), 1)],
        vec![(key("w", &long), 1)],
        vec![(key("v", "A"), 3)],
    ]
}

/// What an import does: publishes whatever is not there yet, batch by batch, and notes each acknowledgement.
fn import(storage: Arc<dyn Storage>, acked: &RefCell<Vec<(PartitionKey, u32)>>, finish_anyway: bool) -> Result<()> {
    use std::io::Write;
    let store = Store::over(storage, true)?;
    let mut run = store.begin(Tree::Raw)?;
    let mut steps = || -> Result<()> {
        for batch in plan() {
            let mut todo = Vec::new();
            for (key, generation) in &batch {
                let stored = store.manifest(&Tree::Raw, key)?.map_or(0, |m| m.generation);
                if stored < *generation {
                    todo.push(next(&run, key)?);
                }
            }
            run.publish(todo)?;
            acked.borrow_mut().extend(batch);
        }
        let mut out = Hashed::new(run.stage()?);
        out.write_all(b"rejected").map_err(|e| hftcol::error::Error::io("write", "staged", e))?;
        let (staged, length, hash) = out.finish();
        run.publish_quarantine("source.ndjson", staged, length, hash)
    };
    let done = steps();
    if done.is_err() && !finish_anyway {
        return done;
    }
    let finished = run.finish();
    done.and(finished)
}

/// What must be equal however the run went: all but the journal and the store's id.
fn compared(disk: &MemoryStorage) -> BTreeMap<String, Vec<u8>> {
    let mut files = disk.files();
    files.retain(|name, _| !name.starts_with("journal/") && name != "hftcol-store.json");
    files
}

/// Each partition is absent or whole at some generation, at least the acknowledged one; the store verifies.
fn check_state(disk: &MemoryStorage, acked: &[(PartitionKey, u32)], what: &str) {
    let store = match Store::over(Arc::new(disk.clone()), false) {
        Ok(store) => store,
        Err(e) if acked.is_empty() && e.exit_code() == 2 => return,
        Err(e) => panic!("{what}: {e}"),
    };
    for (key, _) in plan().concat() {
        let floor = acked.iter().filter(|(k, _)| *k == key).map(|(_, g)| *g).max().unwrap_or(0);
        let manifest = store.manifest(&Tree::Raw, &key).unwrap_or_else(|e| panic!("{what}: {e}"));
        let generation = manifest.as_ref().map_or(0, |m| m.generation);
        assert!(generation >= floor, "{what}: {key:?} acknowledged at {floor}, found at {generation}");
        for s in manifest.iter().flat_map(|m| &m.segments) {
            let file = store.open_segment(&Tree::Raw, &key, s).unwrap_or_else(|e| panic!("{what}: {e}"));
            assert_eq!(read_all(&*file), content(&key, &s.table, s.generation, s.segment), "{what}");
        }
    }
    let damage: Vec<_> = store.verify().unwrap().into_iter().filter(|f| !f.accepted).collect();
    assert!(damage.is_empty(), "{what}: {damage:?}");
}

/// The same command again, and the comparison with the undisturbed run.
fn check_rerun(disk: &MemoryStorage, gold: &BTreeMap<String, Vec<u8>>, what: &str) {
    import(Arc::new(disk.clone()), &RefCell::default(), false).unwrap_or_else(|e| panic!("{what}: {e}"));
    let files = compared(disk);
    assert!(files.keys().eq(gold.keys()), "{what}: {:?}", files.keys().collect::<Vec<_>>());
    assert!(files == *gold, "{what}: other bytes");
    let store = Store::over(Arc::new(disk.clone()), false).unwrap();
    assert_eq!(store.verify().unwrap(), [], "{what}");
}

/// The store before the run: partition A at generation 1.
fn before() -> MemoryStorage {
    let disk = MemoryStorage::new();
    let store = Store::over(Arc::new(disk.clone()), true).unwrap();
    let mut run = store.begin(Tree::Raw).unwrap();
    let first = next(&run, &key("v", "A")).unwrap();
    run.publish(vec![first]).unwrap();
    run.finish().unwrap();
    disk
}

fn copy(disk: &MemoryStorage) -> MemoryStorage {
    disk.crash(Crash::Kept)
}

fn gold(start: &MemoryStorage) -> (BTreeMap<String, Vec<u8>>, u64) {
    let disk = copy(start);
    let counted = Arc::new(FaultStorage::new(Arc::new(disk.clone())));
    import(counted.clone(), &RefCell::default(), false).unwrap();
    (compared(&disk), counted.operations())
}

/// Runs the import with a fault at operation `k`; what is on the disk then, and what was acknowledged.
fn disturbed(
    start: &MemoryStorage,
    k: u64,
    fault: Fault,
    finish: bool,
) -> (MemoryStorage, Vec<(PartitionKey, u32)>, bool) {
    let disk = copy(start);
    let faulty = FaultStorage::new(Arc::new(disk.clone()));
    faulty.fail_at(k, fault);
    let acked = RefCell::default();
    let ok = import(Arc::new(faulty), &acked, finish).is_ok();
    (disk, acked.into_inner(), ok)
}

#[test]
fn one_failed_operation_is_told_and_mended() {
    let mut cases = 0;
    for start in [MemoryStorage::new(), before()] {
        let (gold, operations) = gold(&start);
        for k in 0..operations {
            for fault in [Fault::Errno(EIO), Fault::Errno(28), Fault::ShortWrite] {
                for finish in [false, true] {
                    let what = format!("operation {k}, {fault:?}, finish {finish}");
                    let (disk, acked, ok) = disturbed(&start, k, fault, finish);
                    assert!(!ok || compared(&disk) == gold, "{what}: swallowed");
                    check_state(&disk, &acked, &what);
                    check_rerun(&disk, &gold, &what);
                    cases += 1;
                }
            }
        }
    }
    counted("store_faults::one_failed_operation_is_told_and_mended", &[cases]);
}

#[test]
fn power_may_go_at_every_operation() {
    let (mut cuts, mut acknowledged) = (0, 0);
    for start in [MemoryStorage::new(), before()] {
        let (gold, operations) = gold(&start);
        for k in 0..operations {
            let (disk, acked, _) = disturbed(&start, k, Fault::FromNowOn(EIO), false);
            let coins = (0..COINS).map(|n| Crash::Coin((k * COINS + n).wrapping_mul(0x9E37_79B9_7F4A_7C15)));
            for how in [Crash::Lost, Crash::Kept].into_iter().chain(coins) {
                let what = format!("operation {k}, {how:?}");
                let found = disk.crash(how);
                check_state(&found, &acked, &what);
                check_rerun(&found, &gold, &what);
                cuts += 1;
                acknowledged += acked.len() as u64;
            }
        }
    }
    counted("store_faults::power_may_go_at_every_operation", &[cuts, acknowledged]);
}

#[test]
fn power_may_go_again_while_the_rerun_mends() {
    let start = before();
    let (gold, operations) = gold(&start);
    let mut cuts = 0;
    for k in (0..operations).step_by(7) {
        let (disk, acked, _) = disturbed(&start, k, Fault::FromNowOn(EIO), false);
        for how in [Crash::Lost, Crash::Kept, Crash::Coin(k + 1)] {
            let found = disk.crash(how);
            for second in (0..operations).step_by(3) {
                let (disk, more, ok) = disturbed(&found, second, Fault::FromNowOn(EIO), false);
                let what = format!("operation {k}, {how:?}, then {second}");
                let found = disk.crash(how);
                check_state(&found, &[acked.clone(), more].concat(), &what);
                if second % 2 == 0 {
                    check_rerun(&found, &gold, &what);
                }
                cuts += 1;
                if ok {
                    break;
                }
            }
        }
    }
    counted("store_faults::power_may_go_again_while_the_rerun_mends", &[cuts]);
}
