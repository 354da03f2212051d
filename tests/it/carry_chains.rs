//! Chains of dates in a store: the same bytes in one go, resumed, and for any threads; what changes, fails or is missing.

use std::collections::BTreeMap;
use std::sync::Arc;

use hftcol::compute::{ComputeOptions, ComputeReport, KeyFilter, State, run_in};
use hftcol::feature::{BucketVolume, Classify, FeatureConfig, VpinConfig};
use hftcol::storage::{Fault, FaultStorage, MemoryStorage};
use hftcol::store::{Store, Tree};
use hftcol::units::Date;

use crate::raw_store::{Raw, publish, raw};

/// `rows` snapshots of a security, `day` days after 2024-08-08.
fn date(security: &str, day: i32, rows: usize, seed: u64) -> Raw {
    let mut raw = raw("binance", security, rows, seed);
    raw.key.date = Date(raw.key.date.0 + day);
    raw
}

fn days() -> Vec<Raw> {
    vec![
        date("A", 0, 300, 1),
        date("A", 1, 200, 2),
        date("A", 2, 250, 3),
        date("A", 4, 100, 4),
        date("B", 0, 400, 5),
        date("B", 1, 50, 6),
        date("C", 0, 10, 7),
    ]
}

fn store_with(partitions: &[Raw]) -> (MemoryStorage, Store) {
    let disk = MemoryStorage::new();
    let store = Store::over(Arc::new(disk.clone()), true).unwrap();
    publish(&store, partitions);
    (disk, store)
}

fn options() -> ComputeOptions {
    let features = FeatureConfig {
        vpin: VpinConfig { bucket_volume: BucketVolume::Day(3), ..VpinConfig::default() },
        ..FeatureConfig::default()
    };
    ComputeOptions { threads: 2, carry_state: true, features, ..ComputeOptions::new("in memory") }
}

fn until(day: i32) -> KeyFilter {
    KeyFilter::new(&[], &[], None, Some(Date(19_943 + day))).unwrap()
}

fn from(day: i32) -> KeyFilter {
    KeyFilter::new(&[], &[], Some(Date(19_943 + day)), None).unwrap()
}

fn run(store: &Store, options: &ComputeOptions) -> ComputeReport {
    run_in(store, options, &mut |_| Ok(())).unwrap()
}

/// What decision 2 compares.
fn files(disk: &MemoryStorage) -> BTreeMap<String, Vec<u8>> {
    disk.files().into_iter().filter(|(path, _)| !path.starts_with("journal/") && path != "hftcol-store.json").collect()
}

/// Security and day of the partitions in a state.
fn in_state(report: &ComputeReport, wanted: impl Fn(&State) -> bool) -> Vec<(String, i32)> {
    let name = |key: &hftcol::schema::PartitionKey| (key.security.clone(), key.date.0 - 19_943);
    report.partitions.iter().filter(|p| wanted(&p.state)).map(|p| name(&p.key)).collect()
}

fn named(days: &[(&str, i32)]) -> Vec<(String, i32)> {
    days.iter().map(|(security, day)| ((*security).to_owned(), *day)).collect()
}

#[test]
fn a_chain_has_the_same_bytes_in_one_go_resumed_and_for_any_threads() {
    let (disk, store) = store_with(&days());
    let report = run(&store, &ComputeOptions { threads: 1, ..options() });
    assert_eq!(report.count(|s| *s == State::Done), 7);
    let carried: Vec<_> = report.partitions.iter().map(|p| p.carried).collect();
    assert_eq!(carried, [false, true, true, false, false, true, false], "a missing date begins anew");
    assert_eq!(store.verify().unwrap(), []);
    let whole = files(&disk);
    assert_eq!(whole.keys().filter(|path| path.contains("/state.00000001.0000.hftc")).count(), 7);

    let (disk, store) = store_with(&days());
    run(&store, &ComputeOptions { threads: 5, ..options() });
    assert!(files(&disk) == whole);

    let (disk, store) = store_with(&days());
    for day in [0, 1, 4] {
        let report = run(&store, &ComputeOptions { filter: until(day), ..options() });
        assert_eq!(report.failed(), 0);
    }
    assert!(files(&disk) == whole, "resumed from the stored states");
    let report = run(&store, &options());
    assert_eq!(report.count(|s| *s == State::UpToDate), 7);
}

#[test]
fn without_the_flag_nothing_is_carried() {
    let (disk, store) = store_with(&days());
    let report = run(&store, &ComputeOptions { carry_state: false, ..options() });
    assert!(report.partitions.iter().all(|p| !p.carried && p.state == State::Done));
    assert!(!files(&disk).keys().any(|path| path.contains("/state.")));
    let error = run_in(&store, &options(), &mut |_| Ok(())).unwrap_err();
    assert_eq!(error.exit_code(), 2, "a set carries or does not: {error}");
}

#[test]
fn a_changed_date_invalidates_the_later_ones() {
    let (disk, store) = store_with(&days());
    run(&store, &options());
    publish(&store, &[date("A", 1, 220, 9)]);
    let report = run(&store, &options());
    assert_eq!(in_state(&report, |s| *s == State::Done), named(&[("A", 1), ("A", 2)]));
    let resumed = feature_rows(&disk);

    let mut changed = days();
    changed[1] = date("A", 1, 220, 9);
    let (disk, store) = store_with(&changed);
    run(&store, &options());
    assert_eq!(resumed, feature_rows(&disk));
}

/// Digests of every feature table.
fn feature_rows(disk: &MemoryStorage) -> Vec<String> {
    let store = Store::over(Arc::new(disk.clone()), true).unwrap();
    let listing = store.listing(&Tree::Features("default".into())).unwrap();
    listing.iter().map(hftcol::store::TableListing::digest_line).collect()
}

#[test]
fn a_filter_takes_earlier_states_and_computes_those_that_are_missing() {
    let (disk, store) = store_with(&days());
    let report = run(&store, &ComputeOptions { filter: from(2), ..options() });
    let computed = in_state(&report, |s| *s == State::Done);
    assert_eq!(computed, named(&[("A", 0), ("A", 1), ("A", 2), ("A", 4)]), "what the chain needs is computed, too");
    run(&store, &options());
    let resumed = files(&disk);
    let (disk, store) = store_with(&days());
    run(&store, &options());
    assert!(resumed == files(&disk));

    publish(&store, &[date("A", 2, 260, 8)]);
    let report = run(&store, &ComputeOptions { filter: from(2), ..options() });
    assert_eq!(in_state(&report, |s| *s == State::Done), named(&[("A", 2)]));
    assert_eq!(report.partitions.len(), 2, "earlier dates are not told of");
}

#[test]
fn a_damaged_or_missing_state_is_computed_again() {
    let (disk, store) = store_with(&days());
    run(&store, &options());
    let before = files(&disk);
    let path = before.keys().find(|f| f.contains("security=A/date=2024-08-09/state.")).unwrap().clone();
    disk.edit(&path, |bytes| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 4;
    });
    assert!(store.verify().unwrap().iter().any(|finding| finding.path.ends_with("state.00000001.0000.hftc")));
    let report = run(&store, &options());
    assert_eq!(report.count(|s| *s == State::UpToDate), 7, "nothing needs it");
    publish(&store, &[date("A", 2, 250, 3)]);
    let report = run(&store, &ComputeOptions { force: true, filter: from(2), ..options() });
    assert_eq!(in_state(&report, |s| *s == State::Done), named(&[("A", 1), ("A", 2), ("A", 4)]));
    assert_eq!(files(&disk)[&path], before[&path], "made again");
    assert_eq!(store.verify().unwrap(), []);
}

#[test]
fn formats_null_and_folders_go_with_chains() {
    let (disk, store) = store_with(&days());
    run(&store, &ComputeOptions { outputs: vec!["parquet".into()], ..options() });
    let report = run(&store, &options());
    assert_eq!(report.count(|s| *s == State::Done), 7, "the states are no hftc output");
    let both = ComputeOptions { outputs: vec!["hftc".into(), "parquet".into()], ..options() };
    assert_eq!(run(&store, &both).count(|s| *s == State::UpToDate), 7);
    run(&store, &ComputeOptions { force: true, ..both });
    assert_eq!(store.verify().unwrap(), []);

    let before = disk.files();
    let report = run(&store, &ComputeOptions { outputs: vec!["null".into()], filter: from(2), ..options() });
    let carried: Vec<_> = report.partitions.iter().map(|p| p.carried).collect();
    assert_eq!(carried, [false, true, true, false], "nothing is kept, so all is computed");
    assert_eq!(before, disk.files());

    let dir = tempfile::tempdir().unwrap();
    let folder = |filter| ComputeOptions { out: Some(dir.path().into()), filter, ..options() };
    run(&store, &folder(until(1)));
    let report = run(&store, &folder(KeyFilter::default()));
    assert_eq!(in_state(&report, |s| *s == State::Done), named(&[("A", 2), ("A", 4)]));
    assert!(report.partitions[2].carried);
}

#[test]
fn bulk_classification_and_prior_volumes_go_with_chains() {
    let vpin = |bucket_volume, classify| VpinConfig { bucket_volume, classify, ..VpinConfig::default() };
    for vpin in [
        vpin(BucketVolume::Prior(20), Classify::Side),
        vpin(BucketVolume::Prior(7), Classify::Bvc),
        vpin(BucketVolume::Day(11), Classify::Bvc),
    ] {
        let options = ComputeOptions { features: FeatureConfig { vpin, ..options().features }, ..options() };
        let (disk, store) = store_with(&days());
        assert_eq!(run(&store, &options).failed(), 0);
        let whole = files(&disk);
        let (disk, store) = store_with(&days());
        for day in [0, 1, 2, 4] {
            run(&store, &ComputeOptions { filter: until(day), ..options.clone() });
        }
        assert!(files(&disk) == whole);
    }
}

#[test]
fn a_failure_stops_its_chain_and_a_retry_goes_on() {
    let (disk, store) = store_with(&days());
    let path = disk.files().into_keys().find(|f| f.contains("security=A/date=2024-08-09/trades.")).unwrap();
    disk.edit(&path, |bytes| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 4;
    });
    let report = run(&store, &options());
    assert_eq!(in_state(&report, |s| matches!(s, State::Failed(_))), named(&[("A", 1), ("A", 2)]));
    let State::Failed(reason) = &report.partitions[2].state else { panic!() };
    assert!(reason.starts_with("the date before failed: ") && reason.contains("damaged"), "{reason}");
    publish(&store, &[date("A", 1, 200, 2)]);
    let report = run(&store, &options());
    assert_eq!(in_state(&report, |s| *s == State::Done), named(&[("A", 1), ("A", 2)]));
    let (expected, store) = store_with(&days());
    run(&store, &options());
    assert_eq!(feature_rows(&disk), feature_rows(&expected));
}

#[test]
fn a_failing_disk_is_tried_again_with_its_chain() {
    let (expected, store) = store_with(&days());
    run(&store, &options());
    let expected = files(&expected);
    let mut retried = 0;
    for at in (0..1_000).step_by(37) {
        let (disk, _) = store_with(&days());
        let faulty = Arc::new(FaultStorage::new(Arc::new(disk.clone())));
        let store = Store::over(faulty.clone(), false).unwrap();
        faulty.fail_at(faulty.operations() + at, Fault::Errno(5));
        if let Ok(report) = run_in(&store, &ComputeOptions { threads: 1, ..options() }, &mut |_| Ok(())) {
            assert_eq!(report.failed(), 0, "{at}: {:?}", in_state(&report, |s| matches!(s, State::Failed(_))));
            retried += usize::from(report.partitions.iter().any(|p| p.attempts > 1));
        }
        run(&Store::over(Arc::new(disk.clone()), false).unwrap(), &options());
        assert!(files(&disk) == expected, "operation {at}");
    }
    assert!(retried > 3, "{retried}");
}
