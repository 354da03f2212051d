//! Any bytes as a mapping file and a source under it: no panic, every record has one fate, and wherever the source is cut in
//! two at a record end, the rows are those of the whole; not where both records may belong to one snapshot, for such a source is never
//! cut there. The first line of `=` ends the mapping.
#![no_main]

use std::path::Path;

use hftcol::input::GroupLine;
use hftcol::normalize::{ParsedChunk, RowBatch};
use hftcol::units::Date;
use hftcol::vendor::{Chunk, ChunkParser, DIALECTS, Framing, Probe, SourceOptions};
use libfuzzer_sys::fuzz_target;

/// What stands between the mapping and the source.
const BETWEEN: &[u8] = b"\n=\n";
/// Places at which a source is cut.
const CUTS: usize = 24;

fuzz_target!(|data: &[u8]| {
    let Some(at) = data.windows(BETWEEN.len()).position(|found| found == BETWEEN) else { return };
    let (mapping, source) = (&data[..at], &data[at + BETWEEN.len()..]);
    let Ok(mapping) = std::str::from_utf8(mapping) else { return };
    let Some(dialect) = DIALECTS.iter().find(|dialect| dialect.name() == "generic") else { return };
    let probe = Probe { path: Path::new("fuzz"), head: source, siblings: &[] };
    let options = SourceOptions {
        venue: Some("v".to_owned()),
        security: Some("S".to_owned()),
        date: Some(Date(19_000)),
        mapping: Some(mapping.into()),
        ..SourceOptions::default()
    };
    let Ok(parser) = dialect.open(&probe, &options) else { return };
    let Some(whole) = parse(&*parser, source, 0, 0) else { return };
    let skipped: u64 = whole.skipped.values().sum();
    assert_eq!(whole.records, whole.stored + whole.rejects.len() as u64 + skipped);
    let Framing::Lines { quoted } = parser.framing() else { return };
    if quoted && source.contains(&b'"') {
        return;
    }
    let rows = rows_of(&whole);
    let ends: Vec<usize> = (0..source.len()).filter(|at| source[*at] == b'\n').map(|at| at + 1).collect();
    for (number, end) in ends.iter().enumerate().step_by(ends.len() / CUTS + 1) {
        let (first, second) = source.split_at(*end);
        if parser.grouping().is_some_and(|rule| rule.joins(record(last_line(first)), record(first_line(second)))) {
            continue;
        }
        let records = number as u64 + 1;
        let (Some(a), Some(b)) = (parse(&*parser, first, 0, 0), parse(&*parser, second, records, *end as u64)) else {
            panic!("a part fails where the whole does not");
        };
        assert_eq!((a.records + b.records, a.stored + b.stored), (whole.records, whole.stored));
        let mut joined = rows_of(&a);
        joined.extend(rows_of(&b));
        joined.sort();
        assert_eq!(joined, rows, "cut at {end}");
        let mut rejects = a.rejects;
        rejects.extend(b.rejects);
        assert_eq!(rejects, whole.rejects, "cut at {end}");
    }
});

fn first_line(bytes: &[u8]) -> &[u8] {
    bytes.split(|b| *b == b'\n').next().unwrap_or_default().trim_ascii_end()
}

fn last_line(bytes: &[u8]) -> &[u8] {
    bytes.strip_suffix(b"\n").unwrap_or(bytes).rsplit(|b| *b == b'\n').next().unwrap_or_default().trim_ascii_end()
}

fn record(bytes: &[u8]) -> GroupLine<'_> {
    GroupLine { bytes, is_cut: false }
}

fn parse(parser: &dyn ChunkParser, bytes: &[u8], first_record: u64, byte_offset: u64) -> Option<ParsedChunk> {
    parser.parse(Chunk { bytes, partner: &[], source: 0, first_record, byte_offset, refused: &[] }).ok()
}

/// Every row as text, sorted: a chunk has its batches in an order of its own.
fn rows_of(chunk: &ParsedChunk) -> Vec<String> {
    let mut rows: Vec<String> =
        chunk.batches.iter().flat_map(|batch| (0..batch.keys.len()).map(|i| row(batch, i))).collect();
    rows.sort();
    rows
}

fn row(batch: &RowBatch, i: usize) -> String {
    let mut key = batch.keys[i];
    let name = &batch.securities[key.security as usize];
    key.security = 0;
    let begin = |ends: &[u32], at: usize| if at == 0 { 0 } else { ends[at - 1] as usize };
    let span = begin(&batch.decimal_ends, i)..batch.decimal_ends[i] as usize;
    let decimals: Vec<(i64, u8)> = span.map(|at| (batch.decimals[at], batch.scales[at])).collect();
    let (ints, ids) = (batch.table.ints().len(), batch.table.ids().len());
    let texts: Vec<&[u8]> = (i * ids..(i + 1) * ids)
        .map(|at| &batch.id_bytes[begin(&batch.id_ends, at)..batch.id_ends[at] as usize])
        .collect();
    format!("{:?} {name:?} {key:?} {decimals:?} {:?} {texts:?}", batch.table, &batch.ints[i * ints..(i + 1) * ints])
}
