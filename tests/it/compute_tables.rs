//! A compute run of several tables: published together, the same bytes for any threads, what a partition without a book gives,
//! and volumes of earlier dates in the fingerprint.

use std::collections::BTreeMap;
use std::sync::Arc;

use hftcol::compute::{ComputeOptions, ComputeReport, Event, State, run_in};
use hftcol::feature::{BarConfig, FeatureConfig, VpinConfig};
use hftcol::read::TableReader;
use hftcol::storage::MemoryStorage;
use hftcol::store::{Store, Tree};
use hftcol::units::Date;

use crate::raw_store::{Raw, publish, raw};

fn store_with(partitions: &[Raw]) -> (MemoryStorage, Store) {
    let disk = MemoryStorage::new();
    let store = Store::over(Arc::new(disk.clone()), true).unwrap();
    publish(&store, partitions);
    (disk, store)
}

fn options() -> ComputeOptions {
    let bars = BarConfig {
        volume: Some("12.5".parse().unwrap()),
        ticks: Some(10),
        seconds: vec![60, 300],
        ..BarConfig::default()
    };
    let features = FeatureConfig { bars, ..FeatureConfig::default() };
    ComputeOptions { threads: 2, outputs: vec!["hftc".into(), "csv".into()], features, ..ComputeOptions::new("memory") }
}

fn run(store: &Store, options: &ComputeOptions) -> (ComputeReport, Vec<String>) {
    let mut published = Vec::new();
    let report = run_in(store, options, &mut |event| {
        if let Event::Published { table, key, rows } = event {
            published.push(format!("{} {table} {rows}", key.security));
        }
        Ok(())
    })
    .unwrap();
    for partition in &report.partitions {
        assert!(!matches!(partition.state, State::Failed(_)), "{:?}", partition.state);
    }
    published.sort();
    (report, published)
}

fn files(disk: &MemoryStorage) -> BTreeMap<String, Vec<u8>> {
    disk.files().into_iter().filter(|(path, _)| !path.starts_with("journal/") && path != "hftcol-store.json").collect()
}

/// Rows of a stored feature table.
fn column(store: &Store, raw: &Raw, table: &str, name: &str) -> Vec<f64> {
    let tree = Tree::Features("default".into());
    let manifest = store.manifest(&tree, &raw.key).unwrap().unwrap();
    let segment = manifest.table(table).next().unwrap();
    let reader = TableReader::open(store.open_segment(&tree, &raw.key, segment).unwrap()).unwrap();
    let column = reader.header().schema.index_of(name).unwrap();
    let mut values = Vec::new();
    for block in 0..reader.block_count() {
        let mut out = vec![0.0; reader.block_rows(block)];
        reader.read_f64(block, column, &mut hftcol::read::BlockScratch::default(), &mut out).unwrap();
        values.extend(out);
    }
    values
}

#[test]
fn all_tables_appear_together_and_do_not_depend_on_threads() {
    let list = [raw("v", "A", 2_000, 1), raw("v", "B", 300, 2)];
    let mut seen: Option<BTreeMap<String, Vec<u8>>> = None;
    for threads in [1, 2] {
        let (disk, store) = store_with(&list);
        let (report, published) = run(&store, &ComputeOptions { threads, ..options() });
        let of_a: Vec<&str> = published.iter().filter_map(|line| line.strip_prefix("A ")).collect();
        assert_eq!(of_a[..2], ["bars_300s 2", "bars_60s 9"]);
        assert_eq!(of_a[2..4], ["book 2000", "tick_bars 101"]);
        assert_eq!(of_a[4], "trades 1001");
        assert!(of_a[5].starts_with("volume_bars "), "{of_a:?}");
        assert_eq!(report.partitions[0].rows_out.len(), 6);
        let manifest = store.manifest(&Tree::Features("default".into()), &list[0].key).unwrap().unwrap();
        assert_eq!((manifest.generation, manifest.segments.len()), (1, 12), "six tables in two formats, at once");
        assert_eq!(store.verify().unwrap(), []);
        let (again, published) = run(&store, &ComputeOptions { threads, ..options() });
        assert_eq!((again.count(|s| *s == State::UpToDate), published.len()), (2, 0));
        let files = files(&disk);
        assert!(seen.as_ref().is_none_or(|first| *first == files), "{threads} threads");
        seen = Some(files);
    }
}

#[test]
fn sums_over_bars_are_those_of_the_rows() {
    let list = [raw("v", "A", 2_000, 1)];
    let (_, store) = store_with(&list);
    run(&store, &options());
    let of = |table: &str, name: &str| column(&store, &list[0], table, name);
    let total: f64 = of("trades", "qty").iter().sum();
    for table in ["bars_60s", "bars_300s", "tick_bars", "volume_bars"] {
        let bars: f64 = of(table, "volume").iter().sum();
        assert!((bars - total).abs() < 1e-9 * total, "{table}: {bars} instead of {total}");
    }
    let volumes = of("volume_bars", "volume");
    assert!(volumes[..volumes.len() - 1].iter().all(|v| (v - 12.5).abs() < 1e-12));
    assert_eq!(of("bars_60s", "snapshot_count").iter().sum::<f64>(), 2_000.0);
    let (impact, realized) = (of("trades", "price_impact_5s"), of("trades", "realized_spread_5s"));
    let mut compared = 0;
    for ((effective, impact), realized) in of("trades", "effective_spread").iter().zip(&impact).zip(&realized) {
        if !impact.is_nan() && !effective.is_nan() {
            assert!((impact + realized - effective).abs() < 1e-9);
            compared += 1;
        }
    }
    assert!(compared > 500, "{compared}");
    let vpin = of("trades", "vpin");
    assert!(vpin.last().unwrap().is_finite() && vpin[0].is_nan());
}

#[test]
fn tables_and_columns_are_chosen() {
    let list = [raw("v", "A", 100, 1)];
    let (_, store) = store_with(&list);
    let chosen = |tables: &[&str], features: &[&str], set: &str| {
        let text = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect();
        let features = FeatureConfig { tables: text(tables), features: text(features), ..FeatureConfig::default() };
        run(&store, &ComputeOptions { features, set: set.to_owned(), ..options() }).1
    };
    assert_eq!(chosen(&["trades"], &[], "a"), ["A trades 51"]);
    assert_eq!(chosen(&["bars_6*"], &[], "b"), ["A bars_60s 1"]);
    assert_eq!(chosen(&[], &["mid"], "c"), ["A book 100"]);
    assert_eq!(chosen(&[], &["trades.*", "book.ofi"], "d"), ["A book 100", "A trades 51"]);
}

#[test]
fn trades_alone_are_enough_for_the_tables_made_of_them() {
    let mut list = [raw("v", "A", 2_000, 1)];
    list[0].book = None;
    let (_, store) = store_with(&list);
    let (report, published) = run(&store, &options());
    let tables: Vec<&str> = published.iter().map(|line| line.split(' ').nth(1).unwrap()).collect();
    assert_eq!(tables, ["bars_300s", "bars_60s", "tick_bars", "trades", "volume_bars"]);
    assert_eq!(report.partitions[0].book_table, None);
    assert!(column(&store, &list[0], "trades", "mid_before").iter().all(|m| m.is_nan()));
    assert!(column(&store, &list[0], "bars_60s", "trade_close").iter().all(|p| p.is_finite()));
    assert_eq!(store.verify().unwrap(), []);
    // The table that needs nothing beside the trades: nothing else is counted, and it adds up.
    let features = FeatureConfig { tables: vec!["trades".to_owned()], ..FeatureConfig::default() };
    let (report, published) = run(&store, &ComputeOptions { features, set: "alone".to_owned(), ..options() });
    assert_eq!((report.failed(), published.len(), report.partitions[0].merge.was_read), (0, 1, false));
}

#[test]
fn earlier_dates_are_part_of_the_fingerprint_where_they_are_read() {
    let on = |day: i32, seed: u64| {
        let mut raw = raw("v", "A", 200, seed);
        raw.key.date = Date(19_943 + day);
        raw
    };
    let (_, store) = store_with(&[on(0, 1), on(1, 2), on(2, 3)]);
    let vpin = VpinConfig { bucket_volume: "prior/5".parse().unwrap(), ..VpinConfig::default() };
    let tables = vec!["trades".to_owned()];
    let prior = ComputeOptions { features: FeatureConfig { vpin, tables, ..FeatureConfig::default() }, ..options() };
    let (report, _) = run(&store, &prior);
    assert_eq!(report.count(|s| *s == State::Done), 3);
    assert!(column(&store, &on(0, 1), "trades", "vpin").iter().all(|v| v.is_nan()), "no earlier date");
    assert!(column(&store, &on(1, 2), "trades", "vpin").last().unwrap().is_finite());
    publish(&store, &[on(0, 9)]);
    let (report, _) = run(&store, &prior);
    assert_eq!(report.count(|s| *s == State::Done), 3, "later dates read the volume of the changed one");
    publish(&store, &[on(2, 7)]);
    let (report, _) = run(&store, &prior);
    assert_eq!(report.count(|s| *s == State::Done), 1, "earlier dates do not");
}
