//! The plain part: values as they are, 8 bytes each, or 1 for the small types.

use crate::error::{Error, Result};
use crate::format::rules;
use crate::schema::LogicalType;

/// Appends values in `width` bytes each: their low ones, which is all of them by the range of the type.
pub fn put(values: &[i64], width: usize, out: &mut Vec<u8>) {
    if width == 8 {
        out.extend_from_slice(bytemuck::cast_slice(values));
    } else {
        out.extend(values.iter().map(|v| v.to_le_bytes()[0]));
    }
}

/// Reads the plain part of `out.len()` values, which is all of `bytes`.
///
/// # Errors
/// `Damage`.
pub fn read(bytes: &[u8], logical_type: LogicalType, out: &mut [i64]) -> Result<()> {
    let length = out.len() * logical_type.plain_width();
    if bytes.len() != length {
        let got = format!("{} bytes", bytes.len());
        return Err(Error::damage(rules::PART_LENGTH, format!("{length} bytes of plain values"), got));
    }
    match logical_type {
        LogicalType::Flags => widen(bytes, out, i64::from),
        LogicalType::Side | LogicalType::I8 => widen(bytes, out, |b| i64::from(b.cast_signed())),
        _ => bytemuck::cast_slice_mut::<i64, u8>(out).copy_from_slice(bytes),
    }
    Ok(())
}

fn widen(bytes: &[u8], out: &mut [i64], value: impl Fn(u8) -> i64) {
    for (out, b) in out.iter_mut().zip(bytes) {
        *out = value(*b);
    }
}
