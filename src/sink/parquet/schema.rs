//! Our logical types as Parquet's.
//!
//! | ours | Parquet | read as |
//! |---|---|---|
//! | timestamp_ns | INT64, TIMESTAMP(ns, UTC) | timestamp[ns, UTC] |
//! | decimal | INT64, DECIMAL(18, scale); FIXED 16, DECIMAL(38, scale) where a value of the file has 19 digits | decimal128 |
//! | u64, i64 | INT64, INTEGER(64) | uint64, int64 |
//! | side, i8 | INT32, INTEGER(8, signed) | int8 |
//! | flags | INT32, INTEGER(8, unsigned) | uint8 |
//! | f64 | DOUBLE, optional | double, NaN as null |
//! | text | BYTE_ARRAY, STRING | string |

use std::sync::Arc;

use parquet::basic::{LogicalType as Logical, Repetition, TimeUnit, Type as Physical};
use parquet::errors::Result;
use parquet::schema::types::{Type, TypePtr};

use crate::read::TableReader;
use crate::schema::{Column, LogicalType, Schema};

/// Digits of a decimal that Parquet allows in an INT64.
const NARROW_DIGITS: i32 = 18;
/// Digits of a decimal in 16 bytes.
const WIDE_DIGITS: i32 = 38;
/// Bytes of a wide decimal.
pub(super) const WIDE_BYTES: usize = 16;

/// The message type of a table; `wide` names the columns whose decimals need 16 bytes.
pub(super) fn message(schema: &Schema, wide: &[bool]) -> Result<TypePtr> {
    let of = |(index, column)| field(column, wide.get(index) == Some(&true));
    let fields = schema.columns.iter().enumerate().map(of).collect::<Result<_>>()?;
    Ok(Arc::new(Type::group_type_builder("schema").with_fields(fields).build()?))
}

/// True for a column that may have nulls.
pub(super) fn is_optional(column: &Column) -> bool {
    column.nullable || column.logical_type == LogicalType::F64
}

fn field(column: &Column, wide: bool) -> Result<TypePtr> {
    let repetition = if is_optional(column) { Repetition::OPTIONAL } else { Repetition::REQUIRED };
    let logical = match column.logical_type {
        LogicalType::Ts => Some(Logical::timestamp(true, TimeUnit::NANOS)),
        LogicalType::Decimal if wide => {
            return wide_decimal(column, repetition);
        }
        LogicalType::Decimal => Some(Logical::decimal(i32::from(column.scale), NARROW_DIGITS)),
        LogicalType::U64 => Some(Logical::integer(64, false)),
        LogicalType::I64 => Some(Logical::integer(64, true)),
        LogicalType::Side | LogicalType::I8 => Some(Logical::integer(8, true)),
        LogicalType::Flags => Some(Logical::integer(8, false)),
        LogicalType::Text => Some(Logical::String),
        LogicalType::F64 => None,
    };
    let physical = match column.logical_type {
        LogicalType::Ts | LogicalType::Decimal | LogicalType::U64 | LogicalType::I64 => Physical::INT64,
        LogicalType::Side | LogicalType::Flags | LogicalType::I8 => Physical::INT32,
        LogicalType::F64 => Physical::DOUBLE,
        LogicalType::Text => Physical::BYTE_ARRAY,
    };
    let mut builder =
        Type::primitive_type_builder(&column.name, physical).with_repetition(repetition).with_logical_type(logical);
    if column.logical_type == LogicalType::Decimal {
        builder = builder.with_precision(NARROW_DIGITS).with_scale(i32::from(column.scale));
    }
    builder.build().map(Arc::new)
}

fn wide_decimal(column: &Column, repetition: Repetition) -> Result<TypePtr> {
    Type::primitive_type_builder(&column.name, Physical::FIXED_LEN_BYTE_ARRAY)
        .with_length(WIDE_BYTES as i32)
        .with_repetition(repetition)
        .with_logical_type(Some(Logical::decimal(i32::from(column.scale), WIDE_DIGITS)))
        .with_precision(WIDE_DIGITS)
        .with_scale(i32::from(column.scale))
        .build()
        .map(Arc::new)
}

/// By column: true if a mantissa has more digits than an INT64 decimal may have, by the footer's statistics.
pub(super) fn wide_columns(table: &TableReader) -> Vec<bool> {
    const LIMIT: i64 = 10_i64.pow(18);
    let is_wide = |column: usize| {
        (0..table.block_count()).any(|block| {
            let entry = table.entry(block, column);
            let (min, max) = (entry.min.cast_signed(), entry.max.cast_signed());
            entry.nulls < entry.rows && (min <= -LIMIT || max >= LIMIT)
        })
    };
    let columns = table.header().schema.columns.iter().enumerate();
    columns.map(|(index, column)| column.logical_type == LogicalType::Decimal && is_wide(index)).collect()
}
