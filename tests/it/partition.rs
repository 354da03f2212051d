//! Run buffers, runs in scratch files and the merge, on hand-made batches: the order is that of one big sort, whatever
//! the buffers' sizes, their number and the arrival of the batches.

use std::path::Path;
use std::sync::Arc;

use hftcol::error::Result;
use hftcol::normalize::{RowBatch, RowKey, SCALE_NULL, TS_NULL};
use hftcol::partition::{Merge, Origin, Part, Run, RunBuffer, Scratch, Sections, parts_of, reduce, resort};
use hftcol::schema::RawTable;
use hftcol::units::Date;
use proptest::prelude::*;

/// A trade as the tests see it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Trade {
    security: u8,
    date: i32,
    clock: i64,
    sequence: Option<u64>,
    source: u32,
    record: u64,
    price: Option<(i64, u8)>,
}

pub(crate) fn empty_batch(table: RawTable, source: u32) -> RowBatch {
    RowBatch {
        table,
        source,
        levels: 0,
        securities: (0..4).map(|s| ("venue".to_owned(), format!("S{s}"))).collect(),
        keys: Vec::new(),
        decimals: Vec::new(),
        scales: Vec::new(),
        decimal_ends: Vec::new(),
        ints: Vec::new(),
        id_bytes: Vec::new(),
        id_ends: Vec::new(),
        kept: hftcol::normalize::KeptValues::default(),
    }
}

fn batch(trades: &[Trade]) -> RowBatch {
    let mut batch = empty_batch(RawTable::Trades, trades.first().map_or(0, |t| t.source));
    for trade in trades {
        batch.keys.push(RowKey {
            security: u32::from(trade.security),
            date: Date(trade.date),
            clock: trade.clock,
            ts_event: trade.clock,
            ts_recv: TS_NULL,
            sequence: trade.sequence,
            record: trade.record,
            sub: 0,
        });
        batch.decimals.extend([trade.price.map_or(0, |p| p.0), 1]);
        batch.scales.extend([trade.price.map_or(SCALE_NULL, |p| p.1), 0]);
        batch.decimal_ends.push(batch.decimals.len() as u32);
        batch.ints.push(1);
        batch.id_bytes.extend_from_slice(trade.record.to_string().as_bytes());
        batch.id_ends.extend([batch.id_bytes.len() as u32; 3]);
    }
    batch
}

fn scratch(dir: &Path) -> Scratch {
    let storage = hftcol::storage::OsStorage::open(dir, hftcol::storage::IoMode::Pread).unwrap();
    Scratch::new(Arc::new(storage), "scratch-")
}

/// Fills `buffers` buffers in turn with batches of `chunk` trades and spills whenever one is full.
fn runs(trades: &[Trade], chunk: usize, buffers: usize, bytes: usize, scratch: &Scratch) -> Vec<Run> {
    let mut open: Vec<RunBuffer> = (0..buffers).map(|_| RunBuffer::new(bytes, true)).collect();
    let mut runs = Vec::new();
    let same_source = |a: &Trade, b: &Trade| a.source == b.source;
    for (number, chunk) in trades.chunk_by(same_source).flat_map(|part| part.chunks(chunk)).enumerate() {
        let batch = batch(chunk);
        let buffer = &mut open[number % buffers];
        let mut from = 0;
        while from < batch.keys.len() {
            from = buffer.push(&batch, from).unwrap();
            if from < batch.keys.len() {
                runs.push(Run::spill(buffer, scratch).unwrap());
            }
        }
    }
    runs.extend(open.into_iter().map(Run::keep));
    runs
}

/// All rows in the order of the merge: (date, clock, source, record) by security.
fn merged(runs: &[Run], scratch: &Scratch, ordinals: &[Option<u32>]) -> Result<Vec<(String, i32, i64, u32, u64)>> {
    let mut found = Vec::new();
    let mut sections = Sections::new(runs)?;
    while let Some(partition) = sections.next()? {
        for (_, parts) in partition.tables {
            let sequenced = parts.iter().all(|part| part.section.id.sequenced);
            let mut resorted = Vec::new();
            for part in parts.iter().filter(|part| part.section.id.sequenced != sequenced) {
                resorted.push((resort(part, 300, scratch)?, part));
            }
            let mut all: Vec<Part<'_>> =
                parts.iter().filter(|part| part.section.id.sequenced == sequenced).cloned().collect();
            for (runs, like) in &resorted {
                all.extend(parts_of(runs, like)?);
            }
            let mut merge = Merge::new(all, sequenced, ordinals)?;
            while let Some(row) = merge.next()? {
                let source = row.source.unwrap_or(u32::MAX);
                found.push((partition.key.security.clone(), partition.key.date.0, row.clock(), source, row.record()));
            }
        }
    }
    Ok(found)
}

/// The same from one sort of all trades.
fn sorted(trades: &[Trade]) -> Vec<(String, i32, i64, u32, u64)> {
    let mut all = trades.to_vec();
    all.sort_by_key(|t| (t.security, t.date));
    for part in all.chunk_by_mut(|a, b| (a.security, a.date) == (b.security, b.date)) {
        let sequenced = part.iter().all(|t| t.sequence.is_some());
        part.sort_by_key(|t| (t.clock, t.sequence.filter(|_| sequenced), t.source, t.record));
    }
    all.iter().map(|t| (format!("S{}", t.security), t.date, t.clock, t.source, t.record)).collect()
}

fn trades() -> impl Strategy<Value = Vec<Trade>> {
    let one = (0_u8..3, -1_i32..2, 0_i64..20, proptest::option::weighted(0.9, 0_u64..5), any::<bool>(), any::<i32>());
    proptest::collection::vec(one, 1..200).prop_map(|rows| {
        let make = |(record, (security, date, clock, sequence, source, price)): (usize, _)| Trade {
            security,
            date,
            clock,
            sequence,
            source: u32::from(source),
            record: record as u64,
            price: Some((i64::from(price), 2)),
        };
        let mut rows: Vec<Trade> = rows.into_iter().enumerate().map(make).collect();
        rows.sort_by_key(|t| (t.source, t.record));
        rows
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_order_is_that_of_one_sort(
        rows in trades(),
        chunk in 1_usize..40,
        buffers in 1_usize..4,
        bytes in prop::sample::select(vec![1_usize, 400, 4_000, 1 << 20]),
        fan_in in 2_usize..5,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let scratch = scratch(dir.path());
        let runs = runs(&rows, chunk, buffers, bytes, &scratch);
        let runs = reduce(runs, fan_in, &scratch, &|| Ok(())).unwrap();
        prop_assert!(runs.iter().filter(|run| matches!(run, Run::File(_))).count() <= fan_in);
        prop_assert_eq!(merged(&runs, &scratch, &[Some(0), Some(1)]).unwrap(), sorted(&rows));
        drop(runs);
        prop_assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "scratch files are removed");
    }

    #[test]
    fn a_dropped_source_leaves_no_row(rows in trades(), dropped in 0_u32..2) {
        let dir = tempfile::tempdir().unwrap();
        let scratch = scratch(dir.path());
        let runs = runs(&rows, 7, 2, 2_000, &scratch);
        let ordinals = [0, 1].map(|s| (s != dropped).then_some(5));
        let found = merged(&runs, &scratch, &ordinals).unwrap();
        prop_assert!(found.iter().all(|row| row.3 != dropped));
        prop_assert_eq!(found.len(), rows.iter().filter(|t| t.source != dropped).count());
    }
}

#[test]
fn any_flipped_bit_of_a_run_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let scratch = scratch(dir.path());
    let row = |record| Trade {
        security: 1,
        date: 0,
        clock: 100 - record as i64,
        sequence: None,
        source: 0,
        record,
        price: Some((5, 1)),
    };
    let rows: Vec<Trade> = (0..5).map(row).collect();
    let mut buffer = RunBuffer::new(1 << 20, true);
    buffer.push(&batch(&rows), 0).unwrap();
    let runs = vec![Run::spill(&mut buffer, &scratch).unwrap()];
    let files: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(files.len(), 2);
    for path in files {
        let good = std::fs::read(&path).unwrap();
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&path, &bad).unwrap();
            assert!(merged(&runs, &scratch, &[Some(0)]).is_err(), "bit {bit} of {}", path.display());
        }
        std::fs::write(&path, &good).unwrap();
    }
    assert_eq!(merged(&runs, &scratch, &[Some(0)]).unwrap().len(), 5);
}

#[test]
fn the_origin_decides_whose_ordinals_count() {
    let dir = tempfile::tempdir().unwrap();
    let scratch = scratch(dir.path());
    let row = Trade { security: 0, date: 0, clock: 1, sequence: None, source: 3, record: 9, price: None };
    let runs = runs(&[row], 1, 1, 1 << 20, &scratch);
    let mut sections = Sections::new(&runs).unwrap();
    let partition = sections.next().unwrap().unwrap();
    let (_, mut parts) = partition.tables.into_iter().next().unwrap();
    parts[0].origin = Origin::Stored;
    let mut merge = Merge::new(parts, false, &[]).unwrap();
    let found = merge.next().unwrap().unwrap();
    assert_eq!((found.source, found.record()), (None, 9));
}
