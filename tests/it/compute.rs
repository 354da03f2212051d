//! A compute run over a store in memory: same bytes for any threads, skips, recomputation, failures that stay local.

use std::collections::BTreeMap;
use std::sync::Arc;

use hftcol::compute::{BookChoice, ComputeOptions, ComputeReport, Event, KeyFilter, State, run_in};
use hftcol::feature::FeatureConfig;
use hftcol::storage::{Fault, FaultStorage, MemoryStorage};
use hftcol::store::{Store, Tree};

use crate::raw_store::{Raw, publish, raw};

fn partitions() -> Vec<Raw> {
    vec![
        raw("binance", "BTC/USDT", 900, 1),
        raw("binance", "ETH/USDT", 300, 2),
        raw("kraken", "BTC/USD", 1_500, 3),
        raw("kraken", "ADA", 1, 4),
        raw("kraken", "XRP", 257, 5),
    ]
}

fn store_with(partitions: &[Raw]) -> (MemoryStorage, Store) {
    let disk = MemoryStorage::new();
    let store = Store::over(Arc::new(disk.clone()), true).unwrap();
    publish(&store, partitions);
    (disk, store)
}

fn options() -> ComputeOptions {
    let features = FeatureConfig { tables: vec!["book".into()], ..FeatureConfig::default() };
    ComputeOptions {
        threads: 2,
        outputs: vec!["hftc".into(), "parquet".into()],
        features,
        ..ComputeOptions::new("in memory")
    }
}

/// Runs and returns the report with the `published` events.
fn run(store: &Store, options: &ComputeOptions) -> (ComputeReport, Vec<String>) {
    let mut published = Vec::new();
    let report = run_in(store, options, &mut |event| {
        if let Event::Published { table, key, rows } = event {
            published.push(format!("{table} {} {} {rows}", key.venue, key.security));
        }
        Ok(())
    })
    .unwrap();
    published.sort();
    (report, published)
}

/// What decision 2 compares: all files but the journal.
fn files(disk: &MemoryStorage) -> BTreeMap<String, Vec<u8>> {
    disk.files().into_iter().filter(|(path, _)| !path.starts_with("journal/") && path != "hftcol-store.json").collect()
}

fn states(report: &ComputeReport) -> Vec<(&str, &State)> {
    report.partitions.iter().map(|p| (p.key.security.as_str(), &p.state)).collect()
}

#[test]
fn any_number_of_threads_writes_the_same_bytes() {
    let mut seen = None;
    for threads in [1, 2, 5] {
        let (disk, store) = store_with(&partitions());
        let (report, published) = run(&store, &ComputeOptions { threads, ..options() });
        assert_eq!(report.failed(), 0, "{:?}", states(&report));
        assert_eq!(published.len(), 5);
        assert!(published.contains(&"book kraken BTC/USD 1500".to_owned()), "{published:?}");
        assert_eq!(store.verify().unwrap(), []);
        let files = files(&disk);
        assert!(files.keys().any(|f| f.ends_with("book.00000001.000.parquet") || f.ends_with(".parquet")));
        assert!(!files.keys().any(|f| f.starts_with(".staging/")), "{:?}", files.keys());
        match &seen {
            None => seen = Some(files),
            Some(first) => assert!(*first == files, "{threads} threads"),
        }
    }
}

#[test]
fn what_is_up_to_date_is_skipped_and_what_changed_is_computed() {
    let (disk, store) = store_with(&partitions());
    run(&store, &options());
    let before = disk.files();
    let (report, published) = run(&store, &options());
    assert!(states(&report).iter().all(|(_, state)| **state == State::UpToDate), "{:?}", states(&report));
    assert_eq!(published, Vec::<String>::new());
    assert_eq!(before, disk.files(), "a run with nothing to do changes nothing");

    publish(&store, &[raw("binance", "ETH/USDT", 400, 9)]);
    let (report, published) = run(&store, &options());
    assert_eq!(published, ["book binance ETH/USDT 400"]);
    assert_eq!(report.count(|s| *s == State::UpToDate), 4);
    let manifest = store.manifest(&Tree::Features("default".into()), &partitions()[1].key).unwrap().unwrap();
    assert_eq!(manifest.generation, 2);
    assert_eq!(store.verify().unwrap(), []);
}

#[test]
fn another_format_is_added_beside_what_is_there() {
    let (_, store) = store_with(&partitions());
    run(&store, &ComputeOptions { outputs: vec!["hftc".into()], ..options() });
    let (report, _) = run(&store, &ComputeOptions { outputs: vec!["parquet".into()], ..options() });
    assert_eq!(report.count(|s| *s == State::Done), 5);
    let (report, _) = run(&store, &options());
    assert_eq!(report.count(|s| *s == State::UpToDate), 5, "both formats are there");
    assert_eq!(store.verify().unwrap(), []);
}

#[test]
fn a_damaged_partition_fails_alone() {
    let (disk, store) = store_with(&partitions());
    let path = disk.files().into_keys().find(|f| f.contains("XRP") && f.contains("trades")).unwrap();
    disk.edit(&path, |bytes| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 4;
    });
    let (report, published) = run(&store, &options());
    assert_eq!(report.failed(), 1);
    assert_eq!(published.len(), 4);
    let broken = report.partitions.iter().find(|p| p.key.security == "XRP").unwrap();
    let State::Failed(reason) = &broken.state else { panic!("{:?}", broken.state) };
    assert!(reason.contains("damaged") && broken.attempts == 1, "{reason}");
    publish(&store, &[raw("kraken", "XRP", 257, 5)]);
    let (report, _) = run(&store, &options());
    assert_eq!((report.failed(), report.count(|s| *s == State::Done)), (0, 1), "repaired and computed");
}

#[test]
fn another_configuration_needs_force() {
    let (_, store) = store_with(&partitions());
    run(&store, &options());
    let other = ComputeOptions { features: FeatureConfig { levels: 3, ..options().features }, ..options() };
    let error = run_in(&store, &other, &mut |_| Ok(())).unwrap_err();
    assert_eq!(error.exit_code(), 2, "{error}");
    let (report, _) = run(&store, &ComputeOptions { set: "three".into(), ..other.clone() });
    assert_eq!(report.count(|s| *s == State::Done), 5, "another set may differ");
    let (report, _) = run(&store, &ComputeOptions { force: true, ..other.clone() });
    assert_eq!(report.count(|s| *s == State::Done), 5);
    let (report, _) = run(&store, &other);
    assert_eq!(report.count(|s| *s == State::UpToDate), 5, "the set has the new configuration");
}

#[test]
fn a_forced_run_over_the_same_things_writes_the_same_bytes() {
    let (disk, store) = store_with(&partitions());
    run(&store, &options());
    let before = files(&disk);
    let (report, published) = run(&store, &ComputeOptions { force: true, ..options() });
    assert_eq!((report.count(|s| *s == State::Done), published.len()), (5, 5));
    assert!(before == files(&disk));
    assert_eq!(store.verify().unwrap(), []);
}

#[test]
fn filters_tables_and_what_has_no_book() {
    let mut list = partitions();
    list[1].book = Some("quotes");
    list[2].book = Some("book_built");
    list[4].book = None;
    let (_, store) = store_with(&list);
    let (report, _) = run(&store, &options());
    let of = |security: &str| report.partitions.iter().find(|p| p.key.security == security).unwrap();
    assert_eq!(of("ETH/USDT").book_table, Some("quotes"));
    assert_eq!(of("BTC/USD").book_table, Some("book_built"));
    assert!(matches!(&of("XRP").state, State::Skipped(reason) if reason.contains("quotes")));
    assert_eq!(report.failed(), 0);

    let filter = KeyFilter::new(&["kraken".into()], &[], None, None).unwrap();
    let only_books = ComputeOptions { filter, book: BookChoice::Book, set: "books".into(), ..options() };
    let (report, published) = run(&store, &only_books);
    assert_eq!(report.partitions.len(), 3);
    assert_eq!(published, ["book kraken ADA 1"]);
}

#[test]
fn null_and_dry_run_write_nothing() {
    let (disk, store) = store_with(&partitions());
    let before = disk.files();
    let (report, published) = run(&store, &ComputeOptions { outputs: vec!["null".into()], ..options() });
    assert_eq!((report.count(|s| *s == State::Done), published.len()), (5, 0));
    assert_eq!(report.partitions[0].merge.book_rows, 900);
    let (report, _) = run(&store, &ComputeOptions { dry_run: true, ..options() });
    assert_eq!(report.count(|s| *s == State::Pending), 5);
    assert!(report.arena_bytes > 0);
    assert_eq!(before, disk.files());
}

#[test]
fn the_folder_gets_hive_paths_and_is_not_written_twice() {
    let (disk, store) = store_with(&partitions());
    let before = disk.files();
    let dir = tempfile::tempdir().unwrap();
    let to_folder = ComputeOptions { out: Some(dir.path().join("a/features")), ..options() };
    let (report, published) = run(&store, &to_folder);
    assert_eq!((report.failed(), published.len()), (0, 5));
    let file = dir.path().join("a/features/book/venue=binance/security=BTC%2FUSDT/date=2024-08-08/part-0.parquet");
    let bytes = std::fs::read(&file).unwrap();
    assert!(bytes.starts_with(b"PAR1") && file.with_extension("hftc").exists());
    let (report, _) = run(&store, &to_folder);
    assert_eq!(report.count(|s| *s == State::UpToDate), 5);
    let (report, _) = run(&store, &ComputeOptions { force: true, ..to_folder.clone() });
    assert_eq!(report.count(|s| *s == State::Done), 5);
    assert_eq!(bytes, std::fs::read(&file).unwrap(), "the same bytes again");
    assert_eq!(before, disk.files(), "the store is only read");
}

#[test]
fn every_failing_operation_is_retried_or_told_and_the_next_run_is_whole() {
    // Few columns and rows: every operation of the run fails once, and each takes two runs.
    let list = [raw("v", "A", 30, 1), raw("v", "B", 20, 2)];
    let (gold_disk, gold_store) = store_with(&list);
    let features = FeatureConfig { features: vec!["mid".into(), "ofi".into()], ..FeatureConfig::default() };
    let clean = ComputeOptions { threads: 1, features, ..options() };
    run(&gold_store, &clean);
    let gold = files(&gold_disk);
    let operations = {
        let (disk, _) = store_with(&list);
        let counting = Arc::new(FaultStorage::new(Arc::new(disk)));
        let store = Store::over(counting.clone(), false).unwrap();
        let start = counting.operations();
        run(&store, &clean);
        counting.operations() - start
    };
    for at in 0..operations {
        let (disk, _) = store_with(&list);
        let faulty = Arc::new(FaultStorage::new(Arc::new(disk.clone())));
        let store = Store::over(faulty.clone(), false).unwrap();
        let start = faulty.operations();
        faulty.fail_at(start + at, Fault::Errno(5));
        let once = run_in(&store, &clean, &mut |_| Ok(()));
        if let Ok(report) = &once {
            assert_eq!(report.failed(), 0, "an error that passes is retried: operation {at}: {:?}", states(report));
        }
        let store = Store::over(Arc::new(disk.clone()), false).unwrap();
        let (report, _) = run(&store, &clean);
        assert_eq!(report.failed(), 0, "operation {at}");
        assert_eq!(store.verify().unwrap(), [], "operation {at}");
        let now = files(&disk);
        assert_eq!(gold.keys().collect::<Vec<_>>(), now.keys().collect::<Vec<_>>(), "operation {at}");
        assert!(gold == now, "operation {at}");
    }
    // How many depends on how the files of two partitions fall together.
    assert!(operations > 200, "{operations}");
}

#[test]
fn a_full_disk_ends_the_run_with_its_own_error() {
    let (disk, _) = store_with(&partitions());
    let faulty = Arc::new(FaultStorage::new(Arc::new(disk.clone())));
    let store = Store::over(faulty.clone(), false).unwrap();
    faulty.fail_at(faulty.operations() + 60, Fault::FromNowOn(28));
    let error = run_in(&store, &options(), &mut |_| Ok(())).unwrap_err();
    assert_eq!(error.exit_code(), 5, "{error}");
    let store = Store::over(Arc::new(disk), false).unwrap();
    let (report, _) = run(&store, &options());
    assert_eq!(report.failed(), 0);
    assert_eq!(store.verify().unwrap(), []);
}

#[test]
fn an_interrupt_leaves_what_was_published_and_the_next_run_goes_on() {
    let (gold_disk, gold_store) = store_with(&partitions());
    run(&gold_store, &options());
    let (disk, store) = store_with(&partitions());
    let stopped = ComputeOptions { threads: 1, ..options() };
    let interrupt = stopped.interrupt.clone();
    let report = run_in(&store, &stopped, &mut |event| {
        if matches!(event, Event::Published { .. }) {
            interrupt.raise(2);
        }
        Ok(())
    })
    .unwrap();
    assert_eq!(report.interrupted, Some(2));
    assert!(report.count(|s| *s == State::Pending) > 0, "{:?}", states(&report));
    run(&store, &options());
    assert!(files(&gold_disk) == files(&disk));
}
