//! Our logical types as Arrow's.
//!
//! | ours | Arrow |
//! |---|---|
//! | timestamp_ns | timestamp[ns, UTC] |
//! | decimal | decimal128(18, scale); decimal128(38, scale) where a value of the file has 19 digits |
//! | u64, i64 | uint64, int64 |
//! | side, i8 | int8 |
//! | flags | uint8 |
//! | f64 | float64, NaN as null |
//! | text | dictionary(int32, utf8); utf8 in a table with too many different values |

use arrow_schema::{DataType, Field, Schema, TimeUnit};

use super::FINGERPRINT;
use crate::read::TableReader;
use crate::schema::LogicalType;

/// Digits of a decimal that other tools still take as a 64-bit one.
const NARROW_DIGITS: u8 = 18;
/// Digits of a decimal in 16 bytes.
const WIDE_DIGITS: u8 = 38;

/// The schema of a table; `is_dictionary` says of a text column whether its values are few.
pub(super) fn schema(table: &TableReader, is_dictionary: impl Fn(usize) -> bool) -> Schema {
    let columns = &table.header().schema.columns;
    let fields = columns.iter().enumerate().map(|(number, column)| {
        let data_type = match column.logical_type {
            LogicalType::Ts => DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())),
            LogicalType::Decimal => {
                let digits = if is_wide(table, number) { WIDE_DIGITS } else { NARROW_DIGITS };
                DataType::Decimal128(digits, column.scale.cast_signed())
            }
            LogicalType::U64 => DataType::UInt64,
            LogicalType::I64 => DataType::Int64,
            LogicalType::Side | LogicalType::I8 => DataType::Int8,
            LogicalType::Flags => DataType::UInt8,
            LogicalType::F64 => DataType::Float64,
            LogicalType::Text if is_dictionary(number) => {
                DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
            }
            LogicalType::Text => DataType::Utf8,
        };
        let nullable = column.nullable || column.logical_type == LogicalType::F64;
        Field::new(&column.name, data_type, nullable)
    });
    Schema::new_with_metadata(fields.collect::<Vec<_>>(), facts(table))
}

/// True if a mantissa of the column has more digits than a narrow decimal, by the footer's statistics.
fn is_wide(table: &TableReader, column: usize) -> bool {
    const LIMIT: i64 = 10_i64.pow(NARROW_DIGITS as u32);
    (0..table.block_count()).any(|block| {
        let entry = table.entry(block, column);
        let (min, max) = (entry.min.cast_signed(), entry.max.cast_signed());
        entry.nulls < entry.rows && (min <= -LIMIT || max >= LIMIT)
    })
}

/// Who the table is and what it was made from.
fn facts(table: &TableReader) -> [(&'static str, String); 10] {
    let (header, footer) = (table.header(), table.footer());
    let inputs: Vec<String> = footer.inputs.iter().map(|hash| format!("{hash:032x}")).collect();
    [
        ("hftcol.table", header.table.clone()),
        ("hftcol.venue", header.key.venue.clone()),
        ("hftcol.security", header.key.security.clone()),
        ("hftcol.date", header.key.date.to_string()),
        ("hftcol.clock", header.clock.name().to_owned()),
        ("hftcol.date_tz", header.date_tz.clone()),
        ("hftcol.identity", format!("{:032x}", footer.identity)),
        ("hftcol.content_digest", format!("{:032x}", footer.content_digest)),
        (FINGERPRINT, format!("{:032x}", footer.fingerprint)),
        ("hftcol.inputs", inputs.join(",")),
    ]
}
