//! Support: a source from bytes to rows as text, through the same calls that import makes.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::Path;

use hftcol::error::Result;
use hftcol::input::{InputLimits, RawChunk, Source, SourceFacts};
use hftcol::normalize::{ParsedChunk, Reject, RowBatch, SCALE_NULL, TS_NULL};
use hftcol::units::Decimal;
use hftcol::vendor::{Probe, Selected, Selection, SourceOptions, open_cutter, parse_chunk, select};

/// All of a source, flattened so that two runs compare whatever their chunks were.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Parsed {
    /// Rows by table, as text.
    pub(crate) rows: BTreeMap<&'static str, Vec<String>>,
    pub(crate) rejects: Vec<Reject>,
    pub(crate) skipped: BTreeMap<&'static str, u64>,
    pub(crate) notes: BTreeMap<&'static str, u64>,
    pub(crate) records: u64,
    pub(crate) stored: u64,
}

impl Parsed {
    pub(crate) fn count(&self, table: &str) -> usize {
        self.rows.get(table).map_or(0, Vec::len)
    }

    pub(crate) fn first(&self, table: &str) -> &str {
        &self.rows[table][0]
    }

    /// The balance of decision 19.
    pub(crate) fn check(&self) {
        let skipped: u64 = self.skipped.values().sum();
        assert_eq!(self.records, self.stored + self.rejects.len() as u64 + skipped, "every record has one fate");
    }

    pub(crate) fn add(&mut self, chunk: &ParsedChunk) {
        self.records += chunk.records;
        self.stored += chunk.stored;
        self.rejects.extend(chunk.rejects.iter().cloned());
        for (name, count) in &chunk.skipped {
            *self.skipped.entry(name).or_default() += count;
        }
        for (name, count) in &chunk.notes {
            *self.notes.entry(name).or_default() += count;
        }
        for batch in &chunk.batches {
            self.rows.entry(batch.table.name()).or_default().extend((0..batch.keys.len()).map(|row| text(batch, row)));
        }
    }
}

/// `venue/security date event recv sequence record.sub ints | ids | decimals`, missing as `-`; missing decimals at a row's end left out.
fn text(batch: &RowBatch, row: usize) -> String {
    let key = &batch.keys[row];
    let (venue, security) = &batch.securities[key.security as usize];
    let time = |t: i64| if t == TS_NULL { "-".to_owned() } else { t.to_string() };
    assert!(key.clock == key.ts_event || key.clock == key.ts_recv);
    let (ints, ids) = (batch.table.ints().len(), batch.table.ids().len());
    let mut ints: Vec<_> = batch.ints[row * ints..(row + 1) * ints].iter().map(|i| time(*i)).collect();
    let id_start = |i: usize| if i == 0 { 0 } else { batch.id_ends[i - 1] as usize };
    let mut ids: Vec<_> = (row * ids..(row + 1) * ids)
        .map(|i| String::from_utf8_lossy(&batch.id_bytes[id_start(i)..batch.id_ends[i] as usize]).into_owned())
        .collect();
    // Columns that few dialects have are left out of the text where they are missing.
    ints.truncate(if ints.last().is_some_and(|last| last == "-") { 2 } else { ints.len() });
    while ids.len() > 1 && ids.last().is_some_and(String::is_empty) {
        ids.pop();
    }
    let from = if row == 0 { 0 } else { batch.decimal_ends[row - 1] as usize };
    let mut decimals: Vec<_> = (from..batch.decimal_ends[row] as usize)
        .map(|i| match batch.scales[i] {
            SCALE_NULL => "-".to_owned(),
            scale => {
                assert!(scale <= hftcol::limits::DECIMAL_SCALE);
                Decimal { mantissa: batch.decimals[i], scale }.normal().to_string()
            }
        })
        .collect();
    while decimals.last().is_some_and(|d| d == "-") {
        decimals.pop();
    }
    let sequence = key.sequence.map_or("-".to_owned(), |s| s.to_string());
    format!(
        "{venue}/{security} {} {} {} {sequence} {}.{} {}|{}|{}",
        key.date,
        time(key.ts_event),
        time(key.ts_recv),
        key.record,
        key.sub,
        ints.join(" "),
        ids.join(" "),
        decimals.join(" ")
    )
}

/// Small chunks, so that small inputs have many.
pub(crate) fn chunked(chunk_bytes: usize) -> InputLimits {
    InputLimits { chunk_bytes, ..InputLimits::default() }
}

pub(crate) fn open(name: &str, bytes: &[u8], limits: &InputLimits) -> Result<Source> {
    Source::from_reader(Path::new(name), Cursor::new(bytes.to_vec()), limits)
}

/// Recognises and opens bytes under a name.
pub(crate) fn choose(format: &str, name: &str, bytes: &[u8], options: &SourceOptions) -> Result<Box<Selected>> {
    let mut source = open(name, bytes, &InputLimits::default())?;
    let probe = Probe { path: Path::new(name), head: source.head(), siblings: &[] };
    match select(format, &probe, options)? {
        Selection::Source(selected) => Ok(selected),
        Selection::ReadWith(path) => panic!("{name} is read with {}", path.display()),
    }
}

/// Reads all of an opened source.
pub(crate) fn read(source: Source, selected: &Selected, limits: &InputLimits) -> Result<(Parsed, SourceFacts)> {
    let mut cutter = open_cutter(source, selected, limits)?;
    let mut parsed = Parsed::default();
    let mut chunk = RawChunk::default();
    while cutter.next(&mut chunk)? {
        assert_eq!(chunk.first_record, parsed.records, "chunks follow each other");
        let part = parse_chunk(&*selected.parser, &chunk, 0)?;
        assert_eq!(part.records, chunk.records, "the cutter and the parser count the same records");
        parsed.add(&part);
    }
    parsed.check();
    assert_eq!(cutter.facts().records, parsed.records);
    Ok((parsed, cutter.facts()))
}

/// Bytes under a name to rows, by `auto`.
pub(crate) fn parse(name: &str, bytes: &[u8], options: &SourceOptions, limits: &InputLimits) -> Result<Parsed> {
    let selected = choose("auto", name, bytes, options)?;
    Ok(read(open(name, bytes, limits)?, &selected, limits)?.0)
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}
