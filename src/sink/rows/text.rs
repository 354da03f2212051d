//! A line of text for each row: CSV or NDJSON. Decimals are exact, times nanoseconds, doubles the shortest text that
//! reads back to the same bits.

use std::io::Write;

use super::cells::{BlockCells, Cell};
use crate::read::TableReader;
use crate::units::{Decimal, POW10};

/// How a row is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextFormat {
    /// Comma-separated with a header; missing cells are empty.
    Csv,
    /// One JSON object a line; numbers exact, missing cells null.
    Ndjson,
}

/// Writes rows of tables with the same columns.
#[derive(Clone, Debug)]
pub struct TextRows {
    format: TextFormat,
    names: Vec<String>,
    /// For NDJSON: `{"name":` or `,"name":`.
    keys: Vec<Vec<u8>>,
}

impl TextRows {
    /// For these columns of a table.
    #[must_use]
    pub fn new(format: TextFormat, table: &TableReader, columns: &[usize]) -> Self {
        let schema = &table.header().schema.columns;
        let names: Vec<String> = columns.iter().map(|c| schema[*c].name.clone()).collect();
        let key = |(number, name): (usize, &String)| {
            let mark = if number == 0 { '{' } else { ',' };
            format!("{mark}{}:", serde_json::Value::from(name.as_str())).into_bytes()
        };
        Self { format, keys: names.iter().enumerate().map(key).collect(), names }
    }

    /// The columns' names.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Appends the header of a CSV; nothing for NDJSON.
    pub fn header(&self, out: &mut Vec<u8>) {
        if self.format == TextFormat::Ndjson {
            return;
        }
        for (number, name) in self.names.iter().enumerate() {
            if number > 0 {
                out.push(b',');
            }
            put_quoted(out, name.as_bytes());
        }
        out.push(b'\n');
    }

    /// Appends the line of a row.
    pub fn row(&self, cells: &BlockCells, row: usize, out: &mut Vec<u8>) {
        match self.format {
            TextFormat::Csv => self.csv(cells, row, out),
            TextFormat::Ndjson => self.json(cells, row, out),
        }
    }

    /// A row whose one cell is missing is written as an empty quoted cell, since a blank line is no record.
    fn csv(&self, cells: &BlockCells, row: usize, out: &mut Vec<u8>) {
        for column in 0..self.names.len() {
            if column > 0 {
                out.push(b',');
            }
            match cells.cell(column, row) {
                Cell::Missing if self.names.len() == 1 => out.extend_from_slice(b"\"\""),
                Cell::Missing => {}
                Cell::Text(text) => put_quoted(out, text),
                Cell::Float(value) => put_float(out, value),
                other => put_number(out, other),
            }
        }
        out.push(b'\n');
    }

    fn json(&self, cells: &BlockCells, row: usize, out: &mut Vec<u8>) {
        for (column, key) in self.keys.iter().enumerate() {
            out.extend_from_slice(key);
            match cells.cell(column, row) {
                Cell::Missing => out.extend_from_slice(b"null"),
                Cell::Text(text) => {
                    let text = serde_json::Value::from(String::from_utf8_lossy(text).into_owned());
                    let _ = write!(out, "{text}");
                }
                // JSON has no word for it.
                Cell::Float(value) if value.is_infinite() => {
                    let _ = write!(out, "\"{value}\"");
                }
                Cell::Float(value) => put_float(out, value),
                other => put_number(out, other),
            }
        }
        out.extend_from_slice(b"}\n");
    }
}

/// Text as a CSV cell: quoted when it must be, also when it is empty, which a missing cell is not.
fn put_quoted(out: &mut Vec<u8>, text: &[u8]) {
    let plain = !text.is_empty() && !text.iter().any(|b| matches!(b, b',' | b'"' | b'\n' | b'\r'));
    if plain {
        out.extend_from_slice(text);
        return;
    }
    out.push(b'"');
    for byte in text {
        if *byte == b'"' {
            out.push(b'"');
        }
        out.push(*byte);
    }
    out.push(b'"');
}

/// The shortest text that reads back to the same bits: plain digits, or an exponent where they would be long.
pub fn put_float(out: &mut Vec<u8>, value: f64) {
    let plain = value == 0.0 || value.is_infinite() || (1e-5..1e17).contains(&value.abs());
    // Writing to memory does not fail.
    let _ = if plain { write!(out, "{value}") } else { write!(out, "{value:e}") };
}

fn put_number(out: &mut Vec<u8>, cell: Cell<'_>) {
    match cell {
        Cell::Integer(value) | Cell::Time(value) => put_decimal(out, Decimal { mantissa: value, scale: 0 }),
        Cell::Decimal(value) => put_decimal(out, value),
        Cell::Unsigned(value) => put_digits(out, value, 1),
        Cell::Missing | Cell::Float(_) | Cell::Text(_) => {}
    }
}

/// As [`Decimal`] prints itself, without the formatting machinery: most of an export is this.
fn put_decimal(out: &mut Vec<u8>, value: Decimal) {
    if value.mantissa < 0 {
        out.push(b'-');
    }
    let digits = value.mantissa.unsigned_abs();
    if value.scale == 0 {
        return put_digits(out, digits, 1);
    }
    let unit = POW10[usize::from(value.scale).min(18)].unsigned_abs();
    put_digits(out, digits / unit, 1);
    out.push(b'.');
    put_digits(out, digits % unit, usize::from(value.scale).min(18));
}

/// A number with at least `width` digits.
fn put_digits(out: &mut Vec<u8>, mut value: u64, width: usize) {
    let mut digits = [b'0'; 20];
    let mut at = digits.len();
    while value > 0 {
        at -= 1;
        digits[at] = b'0' + (value % 10) as u8;
        value /= 10;
    }
    out.extend_from_slice(&digits[at.min(digits.len() - width)..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_written_as_they_print_themselves() {
        for mantissa in [0, 1, -1, 9, 10, -105, 123_456_789, i64::MAX, i64::MIN] {
            for scale in 0..=12 {
                let value = Decimal { mantissa, scale };
                let mut out = Vec::new();
                put_decimal(&mut out, value);
                assert_eq!(String::from_utf8(out).unwrap(), value.to_string());
            }
        }
        let mut out = Vec::new();
        put_digits(&mut out, u64::MAX, 1);
        assert_eq!(out, b"18446744073709551615");
    }

    #[test]
    fn doubles_read_back_to_the_same_bits() {
        for value in [0.0, -0.0, 1.0 / 3.0, 5e-324, 1e-5, 9.999e-6, 1e17, 1e300, f64::MAX, f64::INFINITY] {
            let mut out = Vec::new();
            put_float(&mut out, value);
            let read: f64 = std::str::from_utf8(&out).unwrap().parse().unwrap();
            assert_eq!(read.to_bits(), value.to_bits());
        }
    }

    #[test]
    fn cells_are_quoted_where_they_must_be() {
        for (text, expected) in [("a", "a"), ("", "\"\""), ("a,b", "\"a,b\""), ("a\"b", "\"a\"\"b\""), ("\n", "\"\n\"")]
        {
            let mut out = Vec::new();
            put_quoted(&mut out, text.as_bytes());
            assert_eq!(out, expected.as_bytes());
        }
    }
}
