//! An index entry: where a block is, how it is written, what its values are like.

use super::constants::ENTRY_LEN;
use super::cursor::{Cursor, require_zero};
use super::{BlockEntry, Encoding, rules};
use crate::error::{Error, Result};
use crate::schema::{Column, LogicalType};

impl Encoding {
    /// All encodings, in the order of their numbers.
    pub const ALL: [Self; 6] = [Self::Plain, Self::Packed, Self::Repeat, Self::Dict, Self::Zstd, Self::Delta];

    /// The encoding of a file's byte.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|e| *e as u8 == code)
    }

    /// The word used in `inspect` and in the specification.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Packed => "packed",
            Self::Repeat => "repeat",
            Self::Dict => "dict",
            Self::Zstd => "zstd",
            Self::Delta => "delta",
        }
    }

    /// Whether a column of a type may be written so: text is `dict`, everything else is not; f64 is not `delta`; `zstd` wraps any.
    #[must_use]
    pub fn allowed_for(self, logical_type: LogicalType) -> bool {
        match self {
            Self::Zstd => true,
            Self::Dict => logical_type == LogicalType::Text,
            Self::Delta => !matches!(logical_type, LogicalType::Text | LogicalType::F64),
            Self::Plain | Self::Packed | Self::Repeat => logical_type != LogicalType::Text,
        }
    }
}

impl BlockEntry {
    /// Appends the entry's 64 bytes.
    pub(crate) fn write_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.offset.to_le_bytes());
        out.extend_from_slice(&self.length.to_le_bytes());
        out.extend_from_slice(&self.rows.to_le_bytes());
        out.extend_from_slice(&self.nulls.to_le_bytes());
        out.extend_from_slice(&[self.encoding as u8, 0, 0, 0]);
        out.extend_from_slice(&self.crc.to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&self.min.to_le_bytes());
        out.extend_from_slice(&self.max.to_le_bytes());
        out.extend_from_slice(&self.sum.to_le_bytes());
    }

    /// Reads an entry: only what needs no context is checked.
    pub(crate) fn parse(bytes: &[u8; ENTRY_LEN]) -> Result<Self> {
        let mut cursor = Cursor::new(bytes, 0);
        let rule = rules::ENTRY_ZERO;
        let offset = cursor.u64(rule)?;
        let (length, rows, nulls) = (cursor.u32(rule)?, cursor.u32(rule)?, cursor.u32(rule)?);
        let [code] = cursor.array(rule)?;
        require_zero(cursor.take(3, rule)?, rule)?;
        let crc = cursor.u32(rule)?;
        require_zero(cursor.take(4, rule)?, rule)?;
        let (min, max) = (cursor.u64(rule)?, cursor.u64(rule)?);
        let sum = i128::from_le_bytes(cursor.array(rule)?);
        let encoding = Encoding::from_code(code)
            .ok_or_else(|| Error::damage(rules::ENTRY_ENCODING, "an encoding of v1", code.to_string()))?;
        Ok(Self { offset, length, rows, nulls, encoding, crc, min, max, sum })
    }

    /// Checks what the entry says about its values.
    pub(crate) fn check_values(&self, column: &Column) -> Result<()> {
        if !self.encoding.allowed_for(column.logical_type) {
            let expected = format!("an encoding of {}", column.logical_type.name());
            return Err(Error::damage(rules::ENTRY_ENCODING, expected, self.encoding.name()));
        }
        let most = if column.nullable { self.rows } else { 0 };
        if self.nulls > most {
            let expected = format!("at most {most} nulls");
            return Err(Error::damage(rules::BLOCK_NULLS, expected, self.nulls.to_string()));
        }
        let fault = |what: &str| {
            let got = format!("min {:#x}, max {:#x}, sum {}", self.min, self.max, self.sum);
            Err(Error::damage(rules::STATISTICS_RANGE, what, got))
        };
        let unused = self.nulls == self.rows || column.logical_type == LogicalType::Text;
        if unused {
            return if (self.min, self.max, self.sum) == (0, 0, 0) { Ok(()) } else { fault("zeros") };
        }
        if column.logical_type == LogicalType::F64 {
            let (min, max) = (f64::from_bits(self.min), f64::from_bits(self.max));
            let good = !min.is_nan() && !max.is_nan() && min.total_cmp(&max).is_le() && self.sum == 0;
            return if good { Ok(()) } else { fault("numbers in order, sum 0") };
        }
        if column.logical_type == LogicalType::U64 {
            return if self.min <= self.max { Ok(()) } else { fault("min <= max") };
        }
        let (min, max) = (self.min.cast_signed(), self.max.cast_signed());
        let range = value_range(column.logical_type);
        if min <= max && range.contains(&min) && range.contains(&max) { Ok(()) } else { fault("values of the type") }
    }
}

/// The values that a type of signed integers may take.
#[must_use]
pub fn value_range(logical_type: LogicalType) -> std::ops::RangeInclusive<i64> {
    match logical_type {
        LogicalType::Side => -1..=1,
        LogicalType::Flags => 0..=255,
        LogicalType::I8 => -128..=127,
        _ => i64::MIN..=i64::MAX,
    }
}
