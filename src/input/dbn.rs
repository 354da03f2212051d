//! Databento's binary files as text: the CSV that the vendor's own library makes of their records, with the symbol in the last column.
//!
//! So one dialect reads both, and counts, chunks and quarantine are those of lines. Everything that does not begin as DBN passes
//! through. The library takes a cut last record for the end of the file: bytes are counted here, and a cut file is an error.

use std::cell::Cell;
use std::io::{self, Cursor, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

use dbn::decode::{DbnDecoder, DbnMetadata};
use dbn::encode::{CsvEncoder, EncodeRecord, EncodeRecordTextExt};
use dbn::{Record, Schema, SymbolIndex, TsSymbolMap, VersionUpgradePolicy};

/// A reader of any kind.
type Bytes = Box<dyn Read + Send>;

/// How a file begins; its version and the length of its metadata follow.
const MAGIC: &[u8] = b"DBN";
/// Bytes of magic, version and length.
const PRELUDE: usize = 8;
/// Metadata is held whole: beyond this it is refused.
const METADATA_BYTES: u32 = 16 << 20;
/// A record begins with its length in these units.
const LENGTH_UNIT: u64 = 4;
/// Every record holds words of eight bytes, and so begins at a multiple of them.
const RECORD_ALIGN: u64 = 8;
/// Text that is made at a time.
const TEXT_BYTES: usize = 64 << 10;

/// True for the first bytes of a DBN file.
pub(super) fn begins(bytes: &[u8]) -> bool {
    bytes.len() >= PRELUDE && bytes.starts_with(MAGIC) && bytes[MAGIC.len()] < b' '
}

/// A reader that turns DBN into text and passes everything else through.
pub(super) fn text(reader: Bytes) -> Bytes {
    Box::new(Front::Fresh(reader))
}

enum Front {
    /// Nothing was read yet.
    Fresh(Bytes),
    Plain(Bytes),
    Dbn(Box<Text>),
    /// A fault was told.
    Ended,
}

impl Read for Front {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if let Self::Fresh(reader) = self {
            let mut prelude = Vec::with_capacity(PRELUDE);
            // A failure within the prelude comes again, or is followed by the end, once the bytes before it are out.
            let failed = reader.by_ref().take(PRELUDE as u64).read_to_end(&mut prelude).err();
            let Self::Fresh(reader) = std::mem::replace(self, Self::Ended) else {
                return Ok(0);
            };
            let failed = Failed(Cell::new(failed));
            let is_dbn = begins(&prelude);
            let whole = Cursor::new(prelude.clone()).chain(failed).chain(reader);
            *self = if is_dbn {
                Self::Dbn(Box::new(Text::new(&prelude, Box::new(whole))?))
            } else {
                Self::Plain(Box::new(whole))
            };
        }
        match self {
            Self::Plain(reader) => reader.read(out),
            Self::Dbn(text) => text.read(out),
            Self::Fresh(_) | Self::Ended => Ok(0),
        }
    }
}

/// Gives its error once, then the end.
struct Failed(Cell<Option<io::Error>>);

impl Read for Failed {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// Counts what is read, and looks at the length of each record before the library does: behind one that is no whole number of words
/// the library would take the next for a struct where none can stand. The records before it are handed on.
struct Counted {
    reader: Bytes,
    bytes: u64,
    /// Where the next record begins.
    next: u64,
    /// Bytes of a record that cannot be: it begins at `next`.
    odd: Option<u64>,
}

impl Read for Counted {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut read = if self.odd.is_none() { self.reader.read(out)? } else { 0 };
        let first = self.bytes;
        while self.odd.is_none() && self.next < first + read as u64 {
            let at = usize::try_from(self.next - first).unwrap_or(usize::MAX);
            let units = out[..read].get(at).copied().unwrap_or(0);
            let size = u64::from(units) * LENGTH_UNIT;
            if size == 0 || !size.is_multiple_of(RECORD_ALIGN) {
                self.odd = Some(size);
                read = at;
            } else {
                self.next += size;
            }
        }
        self.bytes += read as u64;
        match self.odd {
            Some(size) if read == 0 => Err(invalid(format_args!("a record of {size} bytes at byte {}", self.next))),
            _ => Ok(read),
        }
    }
}

/// Where the encoder writes, so that it can be taken from there.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A DBN file as CSV.
struct Text {
    decoder: DbnDecoder<Counted>,
    encoder: CsvEncoder<Shared>,
    symbols: TsSymbolMap,
    made: Shared,
    /// Text that is not handed out yet.
    text: Cursor<Vec<u8>>,
    /// Bytes of the metadata and of the records so far.
    used: u64,
    /// Bytes that each record has behind its struct.
    extra: usize,
    ended: bool,
    /// What is wrong behind the text that was made so far: told when that is out, so that a file is recognised by it.
    fault: Option<io::Error>,
    /// A schema that no table of ours has: the header says so, its records are not looked at.
    is_other: bool,
}

/// Bytes of a record of the types that are tables of ours. The library panics at a record that is shorter than its type says.
fn record_bytes(rtype: u8) -> Option<usize> {
    match rtype {
        0 => Some(48),
        1 => Some(80),
        10 => Some(368),
        32..=35 | 160 => Some(56),
        _ => None,
    }
}

/// True for the schemas of such records.
fn is_ours(schema: Schema) -> bool {
    use Schema::{Mbo, Mbp1, Mbp10, Ohlcv1D, Ohlcv1H, Ohlcv1M, Ohlcv1S, Tbbo, Trades};
    matches!(schema, Mbo | Mbp1 | Mbp10 | Tbbo | Trades | Ohlcv1S | Ohlcv1M | Ohlcv1H | Ohlcv1D)
}

fn invalid(fault: impl std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("DBN: {fault}"))
}

impl Text {
    fn new(prelude: &[u8], reader: Bytes) -> io::Result<Self> {
        let length = prelude.get(4..PRELUDE).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes);
        if length > METADATA_BYTES {
            return Err(invalid(format_args!("metadata of {length} bytes, over the limit of {METADATA_BYTES}")));
        }
        let used = PRELUDE as u64 + u64::from(length);
        let counted = Counted { reader, bytes: 0, next: used, odd: None };
        // As they are: the sizes of records are then those of the file.
        let decoder = DbnDecoder::with_upgrade_policy(counted, VersionUpgradePolicy::AsIs).map_err(invalid)?;
        let metadata = decoder.metadata();
        let schema = metadata.schema.ok_or_else(|| invalid("metadata without a schema, as of a live stream"))?;
        let symbols = metadata.symbol_map().unwrap_or_default();
        let made = Shared::default();
        let encoder = CsvEncoder::builder(made.clone())
            .schema(Some(schema))
            .version(metadata.version)
            .with_symbol(true)
            .build()
            .map_err(invalid)?;
        let extra = if metadata.ts_out { size_of::<u64>() } else { 0 };
        let is_other = !is_ours(schema);
        Ok(Self {
            decoder,
            encoder,
            symbols,
            made,
            text: Cursor::default(),
            used,
            extra,
            ended: false,
            fault: None,
            is_other,
        })
    }

    /// Makes the next piece of text. A fault is kept where text stands before it.
    fn make(&mut self) -> io::Result<()> {
        if let Some(fault) = self.fault.take() {
            self.ended = true;
            return Err(fault);
        }
        self.ended = self.is_other;
        let mut records = 0;
        while records * 64 < TEXT_BYTES && !self.ended && self.fault.is_none() {
            match self.record() {
                Ok(is_one) => self.ended = !is_one,
                Err(fault) => self.fault = Some(fault),
            }
            records += 1;
        }
        self.encoder.flush().map_err(invalid)?;
        self.text = Cursor::new(self.made.take());
        Ok(())
    }

    /// Makes the text of one record; false at the end.
    fn record(&mut self) -> io::Result<bool> {
        let Some(record) = self.decoder.decode_ref().map_err(invalid)? else {
            return Ok(false);
        };
        let (rtype, size) = (record.header().rtype, record.record_size());
        if record_bytes(rtype).is_none_or(|bytes| bytes + self.extra != size) {
            return Err(invalid(format_args!("a record of type {rtype} with {size} bytes")));
        }
        self.used += size as u64;
        let symbol = self.symbols.get_for_rec(&record);
        self.encoder.encode_ref_with_sym(record, symbol.map(String::as_str)).map_err(invalid)?;
        Ok(true)
    }
}

impl Read for Text {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.text.read(out)?;
            if read > 0 || out.is_empty() {
                return Ok(read);
            }
            if !self.ended {
                self.make()?;
            } else if !self.is_other && self.decoder.get_ref().bytes != self.used {
                let behind = self.decoder.get_ref().bytes.saturating_sub(self.used);
                return Err(invalid(format_args!("the file ends {behind} bytes into a record")));
            } else {
                return Ok(0);
            }
        }
    }
}
