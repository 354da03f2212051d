//! Publishing into a store and reading it back; the helpers of the other store tests.

use std::io::Write;
use std::sync::Arc;

use hftcol::error::Result;
use hftcol::format::SealedFile;
use hftcol::schema::PartitionKey;
use hftcol::storage::{MemoryStorage, ReadAt, Storage};
use hftcol::store::{Hashed, Manifest, Publication, Publisher, Segment, SourceRef, Store, Tree};
use hftcol::units::Date;

/// A partition key on 2024-08-08.
pub(crate) fn key(venue: &str, security: &str) -> PartitionKey {
    PartitionKey { venue: venue.into(), security: security.into(), date: Date(19_943) }
}

/// The bytes of a stand-in table file: the store does not look into tables.
pub(crate) fn content(key: &PartitionKey, table: &str, generation: u32, segment: u32) -> Vec<u8> {
    let line = format!("{} {} {} {table} {generation} {segment}\n", key.venue, key.security, key.date);
    line.repeat(40 + usize::try_from(segment).unwrap()).into_bytes()
}

/// Stages one table file and describes it.
pub(crate) fn stage(
    run: &Publisher,
    key: &PartitionKey,
    table: &str,
    generation: u32,
    segment: u32,
) -> Result<(hftcol::store::Staged, Segment)> {
    let bytes = content(key, table, generation, segment);
    let mut out = Hashed::new(run.stage()?);
    out.write_all(&bytes).map_err(|e| hftcol::error::Error::io("write", "staged", e))?;
    let (staged, length, file_hash) = out.finish();
    let sealed = SealedFile {
        rows: 40 + u64::from(segment),
        length,
        file_hash,
        identity: file_hash ^ 1,
        content_digest: file_hash ^ 2,
        schema_hash: 3,
    };
    Ok((staged, Segment { table: table.into(), generation, segment, extension: "hftc".into(), sealed }))
}

/// The next generation of a partition: the first one writes `book` and `trades`, later ones append a segment to `book`.
pub(crate) fn next(run: &Publisher, key: &PartitionKey) -> Result<Publication> {
    let current = run.store().manifest(&Tree::Raw, key)?;
    let generation = current.as_ref().map_or(1, |m| m.generation + 1);
    let mut segments = current.map_or(Vec::new(), |m| m.segments);
    let mut staged = Vec::new();
    if generation == 1 {
        for table in ["book", "trades"] {
            let (file, segment) = stage(run, key, table, 1, 0)?;
            staged.push(file);
            segments.push(segment);
        }
    } else {
        let (file, segment) = stage(run, key, "book", generation, generation - 1)?;
        staged.push(file);
        segments.insert(usize::try_from(generation - 1).unwrap(), segment);
    }
    let sources = (0..generation).map(|n| SourceRef { digest: u128::from(n) }).collect();
    let manifest = Manifest {
        key: key.clone(),
        generation,
        date_tz: "UTC".into(),
        fingerprint: u128::from(generation),
        sources,
        segments,
    };
    Ok(Publication { manifest, staged })
}

/// The next generation of a partition as one new `book`: nothing is carried over.
pub(crate) fn rewrite(run: &Publisher, key: &PartitionKey) -> Result<Publication> {
    let mut manifest = run.store().manifest(&Tree::Raw, key)?.unwrap();
    manifest.generation += 1;
    let (file, segment) = stage(run, key, "book", manifest.generation, 0)?;
    manifest.segments = vec![segment];
    Ok(Publication { manifest, staged: vec![file] })
}

/// All lines of `ls --digest`.
pub(crate) fn digest_lines(store: &Store) -> Vec<String> {
    store.listing(&Tree::Raw).unwrap().iter().map(hftcol::store::TableListing::digest_line).collect()
}

/// A store in memory.
pub(crate) fn memory_store() -> (MemoryStorage, Store) {
    let disk = MemoryStorage::new();
    let store = Store::over(Arc::new(disk.clone()), true).unwrap();
    (disk, store)
}

pub(crate) fn read_all(file: &dyn ReadAt) -> Vec<u8> {
    let mut bytes = vec![0; usize::try_from(file.len()).unwrap()];
    file.read_at(0, &mut bytes).unwrap();
    bytes
}

#[test]
fn what_is_published_is_read_back() {
    let (disk, store) = memory_store();
    let (a, b) = (key("binance", "BTC/USDT"), key("nasdaq", "AAPL"));
    for _ in 0..2 {
        let mut run = store.begin(Tree::Raw).unwrap();
        let batch = vec![next(&run, &a).unwrap(), next(&run, &b).unwrap()];
        run.publish(batch).unwrap();
        run.finish().unwrap();
    }
    let store = Store::over(Arc::new(disk.clone()), false).unwrap();
    assert_eq!(store.keys(&Tree::Raw).unwrap(), [a.clone(), b]);
    let (manifest, files) = store.open_table(&Tree::Raw, &a, "book").unwrap().unwrap();
    assert_eq!(manifest.generation, 2);
    assert_eq!(manifest.table_rows("book"), 81);
    assert_eq!(read_all(&*files[0]), content(&a, "book", 1, 0));
    assert_eq!(read_all(&*files[1]), content(&a, "book", 2, 1));
    assert_eq!(store.verify().unwrap(), []);
    let folder = "venue=binance/security=BTC%2FUSDT/date=2024-08-08";
    let names: Vec<String> = disk.files().into_keys().filter(|name| name.starts_with(folder)).collect();
    let want =
        ["book.00000001.0000.hftc", "book.00000002.0001.hftc", "part.00000002.hftm", "trades.00000001.0000.hftc"];
    assert_eq!(names, want.map(|name| format!("{folder}/{name}")));
    assert!(disk.list(".staging".as_ref()).unwrap().is_empty());
    let lines = digest_lines(&store);
    assert_eq!(lines.len(), 4);
    assert!(lines[0].starts_with("book binance BTC%2FUSDT 2024-08-08 81 "), "{}", lines[0]);
}

#[test]
fn a_store_is_made_only_where_nothing_is() {
    let disk = MemoryStorage::new();
    disk.edit("other.txt", |bytes| bytes.push(1));
    let e = Store::over(Arc::new(disk), true).unwrap_err();
    assert_eq!(e.exit_code(), 2);
    let e = Store::over(Arc::new(MemoryStorage::new()), false).unwrap_err();
    assert_eq!(e.exit_code(), 2);
}

#[test]
fn one_writer_at_a_time() {
    let (_, store) = memory_store();
    let first = store.begin(Tree::Raw).unwrap();
    assert_eq!(store.begin(Tree::Raw).unwrap_err().exit_code(), 6);
    let set = store.begin(Tree::Features("default".into())).unwrap();
    drop(first);
    store.begin(Tree::Raw).unwrap().finish().unwrap();
    set.finish().unwrap();
}

#[test]
fn a_misused_publisher_says_so() {
    let (_, store) = memory_store();
    let mut run = store.begin(Tree::Raw).unwrap();
    let k = key("v", "S");
    let mut wrong = next(&run, &k).unwrap();
    wrong.staged.pop();
    assert_eq!(run.publish(vec![wrong]).unwrap_err().exit_code(), 2);
    let mut wrong = next(&run, &k).unwrap();
    wrong.manifest.generation = 7;
    assert_eq!(run.publish(vec![wrong]).unwrap_err().exit_code(), 2);
    let twice = vec![next(&run, &k).unwrap(), next(&run, &k).unwrap()];
    assert_eq!(run.publish(twice).unwrap_err().exit_code(), 2);
    run.finish().unwrap();
    assert_eq!(store.verify().unwrap(), []);
}

#[test]
fn a_large_batch_is_synced_at_once() {
    let (disk, store) = memory_store();
    let mut run = store.begin(Tree::Raw).unwrap();
    let batch: Vec<_> = (0..40).map(|i| next(&run, &key("v", &format!("S{i:03}"))).unwrap()).collect();
    run.publish(batch).unwrap();
    // Power fails right after the acknowledgement.
    let after = disk.crash(hftcol::storage::Crash::Lost);
    let store = Store::over(Arc::new(after), false).unwrap();
    assert_eq!(digest_lines(&store).len(), 80);
    let findings = store.verify().unwrap();
    assert!(findings.iter().all(|f| f.accepted), "{findings:?}");
}

#[test]
fn sets_keep_their_configuration_and_the_quarantine_its_files() {
    let (_, store) = memory_store();
    assert_eq!(store.set_config("default").unwrap(), None);
    let mut run = store.begin(Tree::Features("default".into())).unwrap();
    run.write_set_config(b"levels = 5").unwrap();
    run.write_set_config(b"levels = 10").unwrap();
    run.finish().unwrap();
    assert_eq!(store.set_config("default").unwrap().unwrap(), b"levels = 10");
    assert_eq!(store.sets().unwrap(), ["default"]);
    let mut run = store.begin(Tree::Raw).unwrap();
    let mut out = Hashed::new(run.stage().unwrap());
    out.write_all(b"line 3: bad price\n").unwrap();
    let (staged, length, hash) = out.finish();
    run.publish_quarantine("abc.ndjson", staged, length, hash).unwrap();
    run.finish().unwrap();
    assert_eq!(store.verify().unwrap(), []);
}
