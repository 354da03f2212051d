//! The header: a file's name for itself, its schema and its block sizes, all under one checksum.

use super::FileHeader;
use super::constants::{ALIGN, BLOCK_ROWS_MAX, BLOCK_ROWS_MIN, HEADER_MIN, MAGIC, MAJOR, MINOR, REQUIRED_FLAGS};
use super::cursor::{Cursor, pad_to, put_string, require_zero};
use super::{checksum, rules};
use crate::error::{Error, Result};
use crate::limits;
use crate::schema::{Clock, Column, LogicalType, PartitionKey, Schema};
use crate::units::Date;

/// Bytes of a header that must be at hand to learn its length.
pub const HEADER_PREFIX: usize = 16;

impl FileHeader {
    /// The header's bytes, padded and checksummed.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64 * (4 + self.schema.columns.len()));
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&MAJOR.to_le_bytes());
        out.extend_from_slice(&MINOR.to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&REQUIRED_FLAGS.to_le_bytes());
        out.extend_from_slice(&0_u64.to_le_bytes());
        out.extend_from_slice(&self.block_rows.to_le_bytes());
        out.extend_from_slice(&self.group_blocks.to_le_bytes());
        out.extend_from_slice(&self.generation.to_le_bytes());
        out.extend_from_slice(&self.segment.to_le_bytes());
        out.extend_from_slice(&self.first_row.to_le_bytes());
        out.extend_from_slice(&self.key.date.0.to_le_bytes());
        out.extend_from_slice(&[self.clock as u8, 0, 0, 0]);
        let columns = u32::try_from(self.schema.columns.len()).unwrap_or(u32::MAX);
        out.extend_from_slice(&columns.to_le_bytes());
        for text in self.texts() {
            put_string(&mut out, text);
        }
        self.schema.write_to(&mut out);
        out.extend_from_slice(&[0; 4]);
        pad_to(&mut out, ALIGN);
        let length = u32::try_from(out.len()).unwrap_or(u32::MAX);
        out[12..16].copy_from_slice(&length.to_le_bytes());
        let end = out.len() - 4;
        let crc = checksum::crc(&out[..end]);
        out[end..].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// The strings, in file order.
    fn texts(&self) -> [&str; 6] {
        [&self.table, &self.key.venue, &self.key.security, &self.channel, &self.tz, &self.date_tz]
    }

    /// The header's length, from the first [`HEADER_PREFIX`] bytes of a file.
    ///
    /// # Errors
    /// `Damage`.
    pub fn declared_len(prefix: &[u8]) -> Result<usize> {
        let mut cursor = Cursor::new(prefix, 0);
        let magic = cursor.array::<8>(rules::HEADER_MAGIC)?;
        if magic != MAGIC {
            return Err(Error::damage(rules::HEADER_MAGIC, format!("{MAGIC:02x?}"), format!("{magic:02x?}")));
        }
        let major = u16::from_le_bytes(cursor.array(rules::MAJOR_VERSION)?);
        if major != MAJOR {
            return Err(Error::damage(rules::MAJOR_VERSION, format!("major version {MAJOR}"), major.to_string()));
        }
        // The minor version adds only what an older reader may ignore.
        cursor.array::<2>(rules::MAJOR_VERSION)?;
        let length = cursor.u32(rules::HEADER_LENGTH)?;
        let whole = length as usize;
        if whole < HEADER_MIN || length > limits::HEADER_BYTES || !whole.is_multiple_of(ALIGN) {
            let expected = format!("a multiple of {ALIGN} from {HEADER_MIN} to {}", limits::HEADER_BYTES);
            return Err(Error::damage(rules::HEADER_LENGTH, expected, length.to_string()));
        }
        Ok(whole)
    }

    /// Reads and checks a header from the start of a file.
    ///
    /// # Errors
    /// `Damage` naming the rule.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let length = Self::declared_len(bytes)?;
        let Some(bytes) = bytes.get(..length) else {
            let got = format!("{} bytes", bytes.len());
            return Err(Error::damage(rules::HEADER_LENGTH, format!("{length} bytes of header"), got));
        };
        let end = length - 4;
        let mut stored = Cursor::new(bytes, end);
        let (stored, found) = (stored.u32(rules::HEADER_CRC)?, checksum::crc(&bytes[..end]));
        if stored != found {
            return Err(Error::damage(rules::HEADER_CRC, format!("{stored:08x}"), format!("{found:08x}")));
        }
        let mut cursor = Cursor::new(bytes, HEADER_PREFIX);
        let header = Self::parse_fields(&mut cursor)?;
        if cursor.at() + 4 + ALIGN <= length || cursor.at() > end {
            let expected = format!("{}", (cursor.at() + 4).next_multiple_of(ALIGN));
            return Err(Error::damage(rules::HEADER_LENGTH, expected, length.to_string()));
        }
        cursor.zeros_to(end, rules::HEADER_ZERO)?;
        Ok(header)
    }

    fn parse_fields(cursor: &mut Cursor<'_>) -> Result<Self> {
        let required = cursor.u64(rules::REQUIRED_FLAGS)?;
        if required & !REQUIRED_FLAGS != 0 {
            return Err(Error::damage(rules::REQUIRED_FLAGS, "no unknown flag", format!("{required:#x}")));
        }
        // Optional flags are for readers that know them.
        cursor.u64(rules::REQUIRED_FLAGS)?;
        let block_rows = cursor.u32(rules::BLOCK_ROWS)?;
        if !block_rows.is_power_of_two() || !(BLOCK_ROWS_MIN..=BLOCK_ROWS_MAX).contains(&block_rows) {
            let expected = format!("a power of two from {BLOCK_ROWS_MIN} to {BLOCK_ROWS_MAX}");
            return Err(Error::damage(rules::BLOCK_ROWS, expected, block_rows.to_string()));
        }
        let group_blocks = cursor.u32(rules::GROUP_BLOCKS)?;
        if group_blocks == 0 || block_rows.saturating_mul(group_blocks) > limits::GROUP_ROWS {
            let expected = format!("1 to {}", limits::GROUP_ROWS / block_rows);
            return Err(Error::damage(rules::GROUP_BLOCKS, expected, group_blocks.to_string()));
        }
        let generation = cursor.u32(rules::HEADER_TEXT)?;
        let segment = cursor.u32(rules::HEADER_TEXT)?;
        let first_row = cursor.u64(rules::HEADER_TEXT)?;
        let date = Date(i32::from_le_bytes(cursor.array(rules::HEADER_TEXT)?));
        let [clock] = cursor.array(rules::CLOCK)?;
        let clock = match clock {
            0 => Clock::Event,
            1 => Clock::Recv,
            other => return Err(Error::damage(rules::CLOCK, "0 or 1", other.to_string())),
        };
        require_zero(cursor.take(3, rules::HEADER_ZERO)?, rules::HEADER_ZERO)?;
        let columns = cursor.u32(rules::COLUMN_COUNT)?;
        if columns == 0 || columns > limits::COLUMNS {
            let expected = format!("1 to {} columns", limits::COLUMNS);
            return Err(Error::damage(rules::COLUMN_COUNT, expected, columns.to_string()));
        }
        let mut text = || Ok::<_, Error>(cursor.string(limits::NAME_BYTES, rules::HEADER_TEXT)?.to_owned());
        let (table, venue, security, channel, tz, date_tz) = (text()?, text()?, text()?, text()?, text()?, text()?);
        check_names(&table, &venue, &security)?;
        let schema = parse_schema(cursor, columns)?;
        let key = PartitionKey { venue, security, date };
        Ok(Self {
            table,
            key,
            channel,
            generation,
            segment,
            first_row,
            clock,
            tz,
            date_tz,
            block_rows,
            group_blocks,
            schema,
        })
    }

    /// The identity hash for a row count (decision 4): no store, time, host or path is part of it.
    #[must_use]
    pub fn identity(&self, rows: u64) -> u128 {
        let mut bytes = Vec::with_capacity(256);
        for text in [&self.table, &self.key.venue, &self.key.security, &self.channel] {
            put_string(&mut bytes, text);
        }
        bytes.extend_from_slice(&self.key.date.0.to_le_bytes());
        bytes.extend_from_slice(&self.generation.to_le_bytes());
        bytes.extend_from_slice(&self.segment.to_le_bytes());
        bytes.extend_from_slice(&self.first_row.to_le_bytes());
        bytes.extend_from_slice(&self.schema.hash().to_le_bytes());
        bytes.extend_from_slice(&rows.to_le_bytes());
        xxhash_rust::xxh3::xxh3_128(&bytes)
    }
}

fn check_names(table: &str, venue: &str, security: &str) -> Result<()> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    if table.is_empty() || !table.bytes().all(plain) {
        return Err(Error::damage(rules::HEADER_TEXT, "a table name of a-z, 0-9 and _", table));
    }
    if venue.is_empty() || security.is_empty() {
        return Err(Error::damage(rules::HEADER_TEXT, "a venue and a security", "an empty name"));
    }
    Ok(())
}

fn parse_schema(cursor: &mut Cursor<'_>, count: u32) -> Result<Schema> {
    let mut columns = Vec::with_capacity(count as usize);
    for _ in 0..count {
        let name = cursor.string(limits::COLUMN_NAME_BYTES, rules::COLUMN_NAME)?.to_owned();
        if name.is_empty() {
            return Err(Error::damage(rules::COLUMN_NAME, "a column name", "an empty one"));
        }
        let [code, scale, nullable, zero] = cursor.array(rules::COLUMN_TYPE)?;
        let fault = |what: &str, got: u8| Error::damage(rules::COLUMN_TYPE, what, format!("{got} of `{name}`"));
        let logical_type = LogicalType::from_code(code).ok_or_else(|| fault("a type of v1", code))?;
        let most = if logical_type == LogicalType::Decimal { limits::DECIMAL_SCALE } else { 0 };
        if scale > most {
            return Err(fault(&format!("a scale of at most {most}"), scale));
        }
        if nullable > 1 || (logical_type == LogicalType::F64 && nullable == 0) {
            return Err(fault("nullable 0 or 1, and 1 for f64", nullable));
        }
        if zero != 0 {
            return Err(fault("a zero byte", zero));
        }
        columns.push(Column { name, logical_type, scale, nullable: nullable == 1 });
    }
    let mut names: Vec<&str> = columns.iter().map(|c| c.name.as_str()).collect();
    names.sort_unstable();
    if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(Error::damage(rules::COLUMN_NAME, "distinct column names", format!("`{}` twice", pair[0])));
    }
    Ok(Schema { columns })
}
