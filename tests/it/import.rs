//! Imports through the library: rows, idempotence, appends, rewrites, overlaps, damaged sources, determinism.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use hftcol::error::ErrorKind;
use hftcol::exec::Interrupt;
use hftcol::import::{self, Event, ImportOptions, ImportReport, Overlap, SourceState, Tuning};
use hftcol::read::TableReader;
use hftcol::schema::{PartitionKey, RawTable};
use hftcol::store::{Store, Tree};

/// The demo's two files.
pub(crate) fn demo() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/demo");
    ["book_snapshot_25", "trades"]
        .map(|kind| folder.join(format!("binance-futures_{kind}_2024-07-18_BTCUSDT.csv.gz")))
        .to_vec()
}

/// A Tardis trades file; a row is (microseconds since midnight of 2024-08-08 UTC, price, quantity).
pub(crate) fn trades(security: &str, rows: &[(i64, &str, &str)]) -> String {
    let mut text = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n".to_owned();
    for (number, (us, price, qty)) in rows.iter().enumerate() {
        let ts = 1_723_075_200_000_000_i64 + us;
        text += &format!("binance,{security},{ts},{},{number},buy,{price},{qty}\n", ts + 7);
    }
    text
}

pub(crate) struct World {
    pub(crate) dir: tempfile::TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.dir.path().join("store")
    }

    pub(crate) fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.dir.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    pub(crate) fn options(&self, inputs: &[PathBuf]) -> ImportOptions {
        ImportOptions { store: self.store(), inputs: inputs.to_vec(), threads: 2, ..ImportOptions::default() }
    }

    pub(crate) fn import(&self, inputs: &[PathBuf]) -> ImportReport {
        import::run(&self.options(inputs), &mut |_| {}).unwrap()
    }
}

/// Every file of a store and its bytes, but for what differs between equal stores (decision 2).
pub(crate) fn tree(store: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = walkdir::WalkDir::new(store).into_iter().map(Result::unwrap).filter(|e| e.file_type().is_file());
    let named = files.map(|e| (e.path().strip_prefix(store).unwrap().to_owned(), fs::read(e.path()).unwrap()));
    named.filter(|(path, _)| !path.starts_with("journal") && path != Path::new("hftcol-store.json")).collect()
}

/// (table, rows, digest) of every unit, and a check that nothing is wrong with any byte.
pub(crate) fn units(store: &Path) -> Vec<String> {
    let store = Store::open(store).unwrap();
    let findings = store.verify().unwrap();
    assert!(findings.is_empty(), "{findings:?}");
    for key in store.keys(&Tree::Raw).unwrap() {
        let manifest = store.manifest(&Tree::Raw, &key).unwrap().unwrap();
        for segment in &manifest.segments {
            let reader = TableReader::open(store.open_segment(&Tree::Raw, &key, segment).unwrap()).unwrap();
            reader.verify().unwrap();
            // A segment knows the sources that there were when it was written.
            let sources: Vec<u128> = manifest.sources.iter().map(|s| s.digest).collect();
            assert!(sources.starts_with(&reader.footer().inputs));
        }
    }
    store.listing(&Tree::Raw).unwrap().iter().map(|line| line.digest_line()).collect()
}

fn key() -> PartitionKey {
    let date = hftcol::units::Date::parse("2024-08-08").unwrap();
    PartitionKey { venue: "binance".into(), security: "X".into(), date }
}

fn segments(store: &Path, table: &str) -> usize {
    let manifest = Store::open(store).unwrap().manifest(&Tree::Raw, &key()).unwrap().unwrap();
    manifest.table(table).count()
}

#[test]
fn real_files_become_partitions() {
    let world = World::new();
    let mut published = Vec::new();
    let report = import::run(&world.options(&demo()), &mut |event| {
        if let Event::Published { table, key, rows } = event {
            published.push((table.to_owned(), key.date.to_string(), rows));
        }
    })
    .unwrap();
    report.verdict().unwrap();
    assert_eq!((report.records(), report.rejected(), report.published), (2_174 + 975, 0, 2));
    assert_eq!((report.tables[&RawTable::Book].rows, report.tables[&RawTable::Trades].rows), (2_173, 974));
    let book: u64 = published.iter().filter(|p| p.0 == "book").map(|p| p.2).sum();
    assert_eq!((book, published.len()), (2_173, 3));
    assert_eq!(units(&world.store()).len(), 3);
    assert!(!world.store().join(".staging/raw").exists(), "staging is clean");
}

#[test]
fn the_same_sources_again_change_nothing() {
    let world = World::new();
    world.import(&demo());
    let before = (tree(&world.store()), fs::read(world.store().join("journal/ledger.hftj")).unwrap());
    // Under another name, without compression, in another order.
    let mut plain = String::new();
    let mut gz = flate2::read::MultiGzDecoder::new(fs::File::open(&demo()[1]).unwrap());
    std::io::Read::read_to_string(&mut gz, &mut plain).unwrap();
    let renamed = world.file("other.csv", plain);
    let report = world.import(&[renamed, demo().remove(0)]);
    report.verdict().unwrap();
    assert_eq!((report.published, report.up_to_date), (0, 2));
    let already: u64 = report.sources.iter().flat_map(|s| s.rows.values()).map(|rows| rows.already).sum();
    assert_eq!(already, 2_173 + 974);
    assert_eq!((tree(&world.store()), fs::read(world.store().join("journal/ledger.hftj")).unwrap()), before);
}

#[test]
fn threads_chunks_and_memory_leave_no_trace() {
    let reference = World::new();
    reference.import(&demo());
    let expected = tree(&reference.store());
    let tiny = |run: usize, chunk: usize, fan_in: usize| Tuning {
        run_buffer_bytes: Some(run),
        chunk_bytes: Some(chunk),
        fan_in: Some(fan_in),
        open_bytes: Some(64 * run),
        index_bytes: None,
    };
    let cases =
        [(1, Tuning::default()), (4, tiny(50_000, 4_000, 64)), (3, tiny(20_000, 700, 2)), (1, tiny(1, 100_000, 64))];
    for (threads, tuning) in cases {
        let world = World::new();
        let options = ImportOptions { threads, tuning, ..world.options(&demo()) };
        let report = import::run(&options, &mut |_| {}).unwrap();
        assert_eq!(report.spilled_bytes > 0, tuning.run_buffer_bytes.is_some(), "{tuning:?}");
        assert!(tree(&world.store()) == expected, "{threads} threads, {tuning:?}");
    }
}

/// Two sources one after the other give the same rows as one with all of them, whichever comes first.
#[test]
fn later_rows_are_appended_and_earlier_ones_join() {
    let all = [(1, "10.5", "1"), (2, "10.25", "2"), (2, "10.5", "3"), (5, "11", "4"), (9, "0.01", "5")];
    let world = World::new();
    let (early, late) = (world.file("a.csv", trades("X", &all[..3])), world.file("b.csv", trades("X", &all[3..])));
    world.import(&[early.clone()]);
    let report = world.import(&[late.clone()]);
    assert_eq!((report.published, report.tables[&RawTable::Trades].rows), (1, 2));
    assert_eq!(segments(&world.store(), "trades"), 2, "same columns and scales: appended");
    let both = World::new();
    both.import(&[early.clone(), late.clone()]);
    assert_eq!(units(&world.store()), units(&both.store()), "one import or two: the same rows");

    let reversed = World::new();
    reversed.import(&[late]);
    let report = reversed.import(&[early]);
    report.verdict().unwrap();
    assert_eq!(segments(&reversed.store(), "trades"), 1, "rows before the stored ones: written as one");
    assert_eq!(report.tables[&RawTable::Trades].rows, 3, "stored rows are not counted again");
    assert_eq!(units(&reversed.store()), units(&both.store()));
}

#[test]
fn more_decimals_and_text_ids_widen_a_table() {
    let world = World::new();
    world.import(&[world.file("a.csv", trades("X", &[(1, "10.5", "1"), (2, "10.25", "2")]))]);
    let wider = trades("X", &[(5, "11.0625", "4.5"), (6, "0.1", "1")]).replace(",0,buy", ",id-0,buy");
    world.import(&[world.file("b.csv", wider)]);
    assert_eq!(segments(&world.store(), "trades"), 1, "another schema: written as one");
    let both = World::new();
    both.import(&[world.dir.path().join("a.csv"), world.dir.path().join("b.csv")]);
    assert_eq!(units(&world.store()), units(&both.store()));
    assert_eq!(tree(&world.store()).len(), tree(&both.store()).len(), "the old generation is gone");
}

#[test]
fn overlapping_rows_of_another_source_are_refused_or_skipped() {
    let world = World::new();
    world.import(&[world.file("a.csv", trades("X", &[(10, "1", "1"), (20, "2", "1")]))]);
    let before = units(&world.store());
    let overlapping = trades("X", &[(5, "3", "1"), (15, "4", "1"), (20, "5", "1"), (25, "6", "1")]);
    let apart = trades("Y", &[(15, "4", "1")]);
    let inputs = [world.file("b.csv", overlapping), world.file("c.csv", apart)];

    let report = world.import(&inputs);
    assert_eq!(report.refused.len(), 1);
    assert_eq!(report.refused[0].0, key());
    assert_eq!(report.verdict().unwrap_err().exit_code(), 1);
    assert_eq!((report.published, units(&world.store()).len()), (1, 2), "the other partition goes on");
    assert!(units(&world.store()).contains(&before[0]));

    let options = ImportOptions { overlap: Overlap::Skip, ..world.options(&inputs) };
    let report = import::run(&options, &mut |_| {}).unwrap();
    report.verdict().unwrap();
    let fates = report.sources[0].rows[&RawTable::Trades];
    assert_eq!((fates.parsed, fates.stored, fates.overlapping), (4, 2, 2));
    let again = import::run(&options, &mut |_| {}).unwrap();
    assert_eq!((again.published, again.up_to_date), (0, 2));
}

/// Clocks in microseconds, prices, quantities and sources of the stored trades.
fn stored_trades(store: &Path) -> Vec<(i64, i64, i64, i64)> {
    let store = Store::open(store).unwrap();
    let manifest = store.manifest(&Tree::Raw, &key()).unwrap().unwrap();
    let mut rows = Vec::new();
    for segment in manifest.table("trades") {
        let reader = TableReader::open(store.open_segment(&Tree::Raw, &key(), segment).unwrap()).unwrap();
        let schema = reader.header().schema.clone();
        let column = |name: &str| {
            let at = schema.columns.iter().position(|c| c.name == name).unwrap();
            let (mut values, mut validity) =
                (vec![0; reader.rows() as usize], vec![0; 1 + reader.rows() as usize / 64]);
            reader.read_i64(0, at, &mut hftcol::read::BlockScratch::default(), &mut values, &mut validity).unwrap();
            values
        };
        let (ts, price, qty, source) = (column("ts_event"), column("price"), column("qty"), column("source"));
        rows.extend((0..ts.len()).map(|i| (ts[i] / 1_000 - 1_723_075_200_000_000, price[i], qty[i], source[i])));
    }
    rows
}

fn import_over(world: &World, name: &str, text: String, overlap: Overlap) -> ImportReport {
    let options = ImportOptions { overlap, ..world.options(&[world.file(name, text)]) };
    let report = import::run(&options, &mut |_| {}).unwrap();
    report.verdict().unwrap();
    report
}

#[test]
fn overlapping_rows_take_the_place_of_the_stored_ones() {
    let world = World::new();
    world
        .import(&[world.file("a.csv", trades("X", &[(10, "1", "1"), (20, "2", "1"), (30, "3", "1"), (40, "4", "1")]))]);
    let report = import_over(&world, "b.csv", trades("X", &[(15, "7", "1"), (30, "8", "1")]), Overlap::Replace);
    assert_eq!(report.tables[&RawTable::Trades].replaced, 2);
    let expected = [(10, 1, 1, 0), (15, 7, 1, 1), (30, 8, 1, 1), (40, 4, 1, 0)];
    assert_eq!(stored_trades(&world.store()), expected);
    assert_eq!(units(&world.store()).len(), 1);
    // The same source again changes nothing.
    let again = import_over(&world, "b.csv", trades("X", &[(15, "7", "1"), (30, "8", "1")]), Overlap::Replace);
    assert_eq!((again.published, again.up_to_date), (0, 1));
}

#[test]
fn a_union_has_as_many_of_each_row_as_the_source_with_the_most() {
    let row = |us: i64, price: &str, id: u32| {
        let ts = 1_723_075_200_000_000_i64 + us;
        format!("binance,X,{ts},{},{id},buy,{price},1\n", ts + 7)
    };
    let file = |rows: &[(i64, &str, u32)]| {
        let rows: String = rows.iter().map(|(us, price, id)| row(*us, price, *id)).collect();
        format!("exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n{rows}")
    };
    let world = World::new();
    let first = [(10, "1", 1), (10, "1", 1), (10, "2", 2), (30, "3", 3)];
    world.import(&[world.file("a.csv", file(&first))]);
    // Of (10, 1) one more than stored, (10, 2) as stored, (20, 5) new and twice, (30, 3) with another id.
    let second = [(10, "1", 1), (10, "1", 1), (10, "1", 1), (10, "2", 2), (20, "5", 5), (20, "5", 5), (30, "3", 4)];
    let report = import_over(&world, "b.csv", file(&second), Overlap::Union);
    let fates = report.sources[0].rows[&RawTable::Trades];
    assert_eq!((fates.parsed, fates.stored, fates.overlapping), (7, 4, 3));
    let expected = [
        (10, 1, 1, 0),
        (10, 1, 1, 0),
        (10, 2, 1, 0),
        (10, 1, 1, 1),
        (20, 5, 1, 1),
        (20, 5, 1, 1),
        (30, 3, 1, 0),
        (30, 3, 1, 1),
    ];
    assert_eq!(stored_trades(&world.store()), expected);
}

#[test]
fn a_corrupt_source_is_left_out_whole_and_the_others_go_on() {
    let world = World::new();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let rows: Vec<(i64, String)> = (0..20_000).map(|i| (i * 10, format!("{}.000000001", 100 + i % 7))).collect();
    let rows: Vec<(i64, &str, &str)> = rows.iter().map(|(us, price)| (*us, price.as_str(), "1")).collect();
    gz.write_all(trades("X", &rows).as_bytes()).unwrap();
    let whole = gz.finish().unwrap();
    let good = world.file("good.csv", trades("X", &[(5, "1.5", "1")]));
    let mut flipped = whole.clone();
    let end = flipped.len() - 6;
    flipped[end] ^= 1;
    for (name, bytes) in [("cut.csv.gz", &whole[..whole.len() / 2]), ("crc.csv.gz", &flipped)] {
        let world = World::new();
        let report = world.import(&[world.file(name, bytes), good.clone()]);
        let SourceState::Corrupt(reason) = &report.sources[0].state else { panic!("{:?}", report.sources[0].state) };
        assert!(reason.contains(name) && reason.contains("records"), "{reason}");
        let error = report.verdict().unwrap_err();
        assert_eq!(error.exit_code(), 3, "{error}");
        assert!(report.sources[0].rows[&RawTable::Trades].dropped > 0);
        let alone = World::new();
        alone.import(&[good.clone()]);
        assert_eq!(units(&world.store()), units(&alone.store()), "no row, no column scale of the corrupt source");
    }
}

#[test]
fn one_content_under_two_names_counts_once() {
    let world = World::new();
    let text = trades("X", &[(1, "1", "1"), (2, "1", "1")]);
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(text.as_bytes()).unwrap();
    let report = world.import(&[world.file("a.csv", &text), world.file("b.csv.gz", gz.finish().unwrap())]);
    assert_eq!(report.sources[1].state, SourceState::SameAs(0));
    assert_eq!(report.tables[&RawTable::Trades].rows, 2);
    let alone = World::new();
    alone.import(&[world.dir.path().join("a.csv")]);
    assert_eq!(tree(&world.store()), tree(&alone.store()));
}

#[test]
fn rows_that_are_not_exact_beside_the_largest_value_are_rejected() {
    let world = World::new();
    let rows = [(1, "999999999999999999", "1"), (2, "0.5", "1"), (3, "0.000000000001", "1"), (4, "7", "1")];
    let report = world.import(&[world.file("a.csv", trades("X", &rows))]);
    assert_eq!(report.sources[0].rows[&RawTable::Trades].inexact, 2);
    assert_eq!((report.sources[0].stored, report.sources[0].rejected), (2, 2));
    assert_eq!(report.verdict().unwrap_err().exit_code(), 1);
    let quarantine = fs::read_to_string(world.store().join("quarantine").join(&report.quarantine[0])).unwrap();
    assert_eq!(quarantine.lines().count(), 2);
    assert!(quarantine.contains("\"column\":\"price\"") && quarantine.contains("0.5 is not exact"), "{quarantine}");
    units(&world.store());

    let failing = World::new();
    let options =
        ImportOptions { on_error: import::OnError::Fail, ..failing.options(&[world.dir.path().join("a.csv")]) };
    let error = import::run(&options, &mut |_| {}).unwrap_err();
    assert_eq!(error.exit_code(), 1);
    assert!(Store::open(&failing.store()).unwrap().keys(&Tree::Raw).unwrap().is_empty());
}

#[test]
fn an_interrupt_leaves_a_clean_store() {
    let world = World::new();
    let interrupt = Interrupt::default();
    let options = ImportOptions {
        interrupt: interrupt.clone(),
        tuning: Tuning { chunk_bytes: Some(1_000), run_buffer_bytes: Some(10_000), ..Tuning::default() },
        ..world.options(&demo())
    };
    let mut events = 0;
    let error = import::run(&options, &mut |event| {
        events += usize::from(matches!(event, Event::Reading { .. }));
        if events == 20 {
            interrupt.raise(15);
        }
    })
    .unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Interrupted { signal: 15 }), "{error}");
    assert!(!world.store().join(".staging/raw").exists());
    assert!(units(&world.store()).is_empty());
    world.import(&demo());
    let undisturbed = World::new();
    undisturbed.import(&demo());
    assert_eq!(tree(&world.store()), tree(&undisturbed.store()));
}

#[test]
fn dates_of_another_zone_are_refused() {
    let world = World::new();
    world.import(&[world.file("a.csv", trades("X", &[(10, "1", "1")]))]);
    let mut options = world.options(&[world.file("b.csv", trades("X", &[(20, "2", "1")]))]);
    options.source.date_tz = Some("Asia/Seoul".to_owned());
    let report = import::run(&options, &mut |_| {}).unwrap();
    assert_eq!(report.verdict().unwrap_err().exit_code(), 1);
    assert!(report.refused[0].1.contains("UTC") && report.refused[0].1.contains("Asia/Seoul"), "{:?}", report.refused);
}

#[test]
fn rows_out_of_order_are_put_in_order_and_counted() {
    let world = World::new();
    let rows = [(30, "3", "1"), (10, "1", "1"), (20, "2", "1"), (5, "0.5", "1"), (5, "0.5", "1")];
    let text = trades("X", &rows).replace(",4,buy", ",3,buy");
    let report = world.import(&[world.file("a.csv", text)]);
    let table = report.tables[&RawTable::Trades];
    assert_eq!((table.out_of_order, table.latest_ns, table.duplicates), (2, 25_000, 1));
    units(&world.store());
}
