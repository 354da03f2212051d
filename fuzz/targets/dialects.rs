//! Any bytes as a source of every dialect: no panic, every record has one fate, rows are whole, and two chunks cut at a record
//! end (the first byte says where) give what one chunk gives.
#![no_main]

use std::path::Path;

use hftcol::normalize::{ParsedChunk, RowBatch};
use hftcol::units::Date;
use hftcol::vendor::{Chunk, ChunkParser, DIALECTS, Dialect, Framing, Probe, SourceOptions};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let [cut, source @ ..] = data else { return };
    for dialect in DIALECTS {
        try_dialect(*dialect, source, usize::from(*cut));
    }
});

fn try_dialect(dialect: &dyn Dialect, source: &[u8], cut: usize) {
    let probe = Probe { path: Path::new("fuzz"), head: source, siblings: &[] };
    let options = SourceOptions {
        venue: Some("v".to_owned()),
        security: Some("S".to_owned()),
        date: Some(Date(19_000)),
        ..SourceOptions::default()
    };
    let _ = dialect.recognise(&probe);
    let Ok(parser) = dialect.open(&probe, &options) else { return };
    let Some(whole) = parse(&*parser, source, 0, 0) else { return };
    check(&whole);
    let Framing::Lines { quoted } = parser.framing() else { return };
    if quoted && source.contains(&b'"') {
        return;
    }
    let from = cut.min(source.len());
    let Some(end) = source[from..].iter().position(|b| *b == b'\n').map(|at| from + at + 1) else { return };
    let (first, second) = source.split_at(end);
    let records = first.iter().filter(|b| **b == b'\n').count() as u64;
    let (Some(a), Some(b)) = (parse(&*parser, first, 0, 0), parse(&*parser, second, records, end as u64)) else {
        panic!("a part fails where the whole does not");
    };
    assert_eq!(a.records + b.records, whole.records);
    assert_eq!(a.stored + b.stored, whole.stored);
    let mut rejects = a.rejects;
    rejects.extend(b.rejects);
    assert_eq!(rejects, whole.rejects);
    let rows = |chunk: &[RowBatch]| chunk.iter().map(|batch| batch.keys.len()).sum::<usize>();
    assert_eq!(rows(&a.batches) + rows(&b.batches), rows(&whole.batches));
}

fn parse(parser: &dyn ChunkParser, bytes: &[u8], first_record: u64, byte_offset: u64) -> Option<ParsedChunk> {
    parser.parse(Chunk { bytes, partner: &[], source: 0, first_record, byte_offset, refused: &[] }).ok()
}

/// One fate a record, and batches whose parts fit together.
fn check(chunk: &ParsedChunk) {
    let skipped: u64 = chunk.skipped.values().sum();
    assert_eq!(chunk.records, chunk.stored + chunk.rejects.len() as u64 + skipped);
    for batch in &chunk.batches {
        let rows = batch.keys.len();
        assert_eq!(batch.decimal_ends.len(), rows);
        assert_eq!(batch.decimals.len(), batch.scales.len());
        assert_eq!(batch.decimal_ends.last().map_or(0, |end| *end as usize), batch.decimals.len());
        assert_eq!(batch.ints.len(), rows * batch.table.ints().len());
        assert_eq!(batch.id_ends.len(), rows * batch.table.ids().len());
        assert_eq!(batch.id_ends.last().map_or(0, |end| *end as usize), batch.id_bytes.len());
        assert!(batch.decimal_ends.is_sorted() && batch.id_ends.is_sorted());
        assert!(batch.keys.iter().all(|key| (key.security as usize) < batch.securities.len()));
    }
}
