//! A table in memory, with what its file must read as.

use hftcol::codec::{BlockEncoder, ColumnValues, TextBlock};
use hftcol::format::{FileHeader, Footer, HEADER_PREFIX, Tail};
use hftcol::schema::{Clock, Column, LogicalType, PartitionKey, Schema};
use hftcol::units::{Date, Decimal};
use hftcol::write::{Provenance, TableWriter};
use serde_json::{Value, json};

use super::parts;

/// Values of a column.
#[derive(Clone, Debug)]
pub(crate) enum Data {
    /// Any type but f64 and text; u64 as its bits.
    Words(Vec<Option<i64>>),
    /// Bits of f64; the one NaN is null.
    Floats(Vec<u64>),
    /// Text.
    Text(Vec<Option<&'static str>>),
}

/// A good vector.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) header: FileHeader,
    pub(crate) data: Vec<Data>,
    pub(crate) provenance: Provenance,
    pub(crate) zstd: bool,
    /// Minor version 7 and an unknown optional flag.
    pub(crate) newer: bool,
}

pub(crate) const NAN: u64 = 0x7FF8_0000_0000_0000;

impl Data {
    fn len(&self) -> usize {
        match self {
            Self::Words(v) => v.len(),
            Self::Floats(v) => v.len(),
            Self::Text(v) => v.len(),
        }
    }
}

impl Table {
    /// A table of `columns` in blocks of 64 rows, named like everything in the vectors.
    pub(crate) fn new(name: &'static str, columns: Vec<(Column, Data)>) -> Self {
        let (columns, data) = columns.into_iter().unzip();
        let key = PartitionKey { venue: "venue".into(), security: "SEC/1".into(), date: Date(19_943) };
        let header = FileHeader {
            table: "sample".into(),
            key,
            channel: String::new(),
            generation: 1,
            segment: 0,
            first_row: 0,
            clock: Clock::Event,
            tz: "UTC".into(),
            date_tz: "UTC".into(),
            block_rows: 64,
            group_blocks: 2,
            schema: Schema { columns },
        };
        Self { name, header, data, provenance: Provenance::default(), zstd: false, newer: false }
    }

    fn rows(&self) -> usize {
        self.data.first().map_or(0, Data::len)
    }

    /// The file.
    pub(crate) fn write(&self) -> Result<Vec<u8>, String> {
        let fault = |e: hftcol::error::Error| format!("{}: {e}", self.name);
        let mut encoder = BlockEncoder::default().check_every(1);
        if self.zstd {
            encoder = encoder.with_zstd(3).map_err(fault)?;
        }
        let mut writer = TableWriter::with_encoder(Vec::new(), self.header.clone(), encoder).map_err(fault)?;
        let block_rows = self.header.block_rows as usize;
        for start in (0..self.rows()).step_by(block_rows) {
            let end = (start + block_rows).min(self.rows());
            let blocks: Vec<Block> = self.data.iter().map(|data| Block::of(data, start, end)).collect();
            let columns: Vec<ColumnValues<'_>> = blocks.iter().map(Block::values).collect();
            writer.push(end - start, &columns).map_err(fault)?;
        }
        let mut bytes = writer.finish(self.provenance.clone()).map_err(fault)?.0;
        if self.newer {
            bytes[10] = 7;
            bytes[24] = 1 << 5;
            parts::repair_header(&mut bytes);
        }
        Ok(bytes)
    }

    /// What the file reads as. Values are those that were written; hashes are the file's.
    pub(crate) fn json(&self, bytes: &[u8]) -> Result<String, String> {
        let footer = footer(bytes)?;
        let h = &self.header;
        let columns: Vec<Value> = h.schema.columns.iter().zip(&self.data).map(|(c, d)| column_json(c, d)).collect();
        let value = json!({
            "header": {
                "table": h.table, "venue": h.key.venue, "security": h.key.security, "channel": h.channel,
                "date": h.key.date.to_string(), "generation": h.generation, "segment": h.segment,
                "first_row": h.first_row.to_string(), "clock": h.clock.name(), "tz": h.tz, "date_tz": h.date_tz,
                "block_rows": h.block_rows, "group_blocks": h.group_blocks,
            },
            "rows": self.rows(),
            "columns": columns,
            "content_digest": format!("{:032x}", footer.content_digest),
            "identity": format!("{:032x}", footer.identity),
        });
        Ok(format!("{value:#}\n"))
    }
}

/// The footer of a sound file.
pub(crate) fn footer(bytes: &[u8]) -> Result<Footer, String> {
    let fault = |e: hftcol::error::Error| e.to_string();
    let header = FileHeader::parse(bytes).map_err(fault)?;
    let header_len = FileHeader::declared_len(&bytes[..HEADER_PREFIX]).map_err(fault)?;
    let tail = bytes.last_chunk().ok_or("a short file")?;
    let tail = Tail::parse(tail, bytes.len() as u64, header_len as u64).map_err(fault)?;
    let start = usize::try_from(tail.footer_offset).map_err(|e| e.to_string())?;
    let footer = &bytes[start..start + tail.footer_len as usize];
    Footer::parse(footer, header.schema.columns.len(), header.block_rows).map_err(fault)
}

fn column_json(column: &Column, data: &Data) -> Value {
    let values: Vec<Value> = match data {
        Data::Words(words) => words.iter().map(|w| w.map_or(Value::Null, |w| word_json(column, w))).collect(),
        Data::Floats(bits) => {
            bits.iter().map(|b| if *b == NAN { Value::Null } else { json!(format!("{b:016x}")) }).collect()
        }
        Data::Text(text) => text.iter().map(|t| json!(t)).collect(),
    };
    json!({
        "name": column.name, "type": column.logical_type.name(), "scale": column.scale, "nullable": column.nullable,
        "values": values,
    })
}

fn word_json(column: &Column, word: i64) -> Value {
    match column.logical_type {
        LogicalType::Side | LogicalType::Flags | LogicalType::I8 => json!(word),
        LogicalType::U64 => json!(word.cast_unsigned().to_string()),
        _ => json!(Decimal { mantissa: word, scale: column.scale }.to_string()),
    }
}

/// Rows of one block of a column, as the writer takes them.
enum Block {
    Words(Vec<i64>, Vec<u64>),
    Floats(Vec<f64>),
    Text(TextBlock, Vec<u64>),
}

impl Block {
    fn of(data: &Data, start: usize, end: usize) -> Self {
        match data {
            Data::Words(v) => {
                let v = &v[start..end];
                Self::Words(v.iter().map(|w| w.unwrap_or(0)).collect(), validity(v.iter().map(Option::is_some)))
            }
            Data::Floats(v) => Self::Floats(v[start..end].iter().map(|b| f64::from_bits(*b)).collect()),
            Data::Text(v) => {
                let mut block = TextBlock::default();
                for text in &v[start..end] {
                    block.push(text.unwrap_or("").as_bytes());
                }
                Self::Text(block, validity(v[start..end].iter().map(Option::is_some)))
            }
        }
    }

    fn values(&self) -> ColumnValues<'_> {
        match self {
            Self::Words(values, validity) => ColumnValues::I64 { values, validity: Some(validity) },
            Self::Floats(values) => ColumnValues::F64(values),
            Self::Text(values, validity) => ColumnValues::Text { values, validity: Some(validity) },
        }
    }
}

fn validity(rows: impl ExactSizeIterator<Item = bool>) -> Vec<u64> {
    let mut words = vec![0; rows.len().div_ceil(64)];
    for (row, valid) in rows.enumerate() {
        words[row / 64] |= u64::from(valid) << (row % 64);
    }
    words
}
