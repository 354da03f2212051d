//! One line of the order book: ask price, ask size, bid price, bid size of each level.

use std::path::PathBuf;

use super::message::PRICE_SCALE;
use super::rows::BOOK;
use crate::normalize::{ChunkBuilder, Fault, SCALE_NULL, TS_NULL, Times, keep_existing_levels, put_decimal};
use crate::parse::csv::{Fields, Record};
use crate::parse::decimal::decimal;
use crate::units::Decimal;
use crate::vendor::header::is_blank;

const CUT: &str = "levels beyond --levels, left out";

/// The order book's file.
#[derive(Debug)]
pub(super) struct Book {
    pub path: PathBuf,
    /// Lines before its first line of data.
    pub lead: u64,
    pub delimiter: u8,
    pub header: Option<Vec<u8>>,
    /// Levels of the file.
    pub levels: u16,
    /// Levels kept.
    pub kept: u16,
}

impl Book {
    /// True for a line that is neither blank nor the header.
    pub(super) fn is_data(&self, raw: &[u8]) -> bool {
        !is_blank(raw) && self.header.as_deref() != Some(raw)
    }

    /// The row of `book`: ask before bid in the file, bid before ask in the table.
    pub(super) fn push(&self, out: &mut ChunkBuilder<'_>, time: i64, record: &Record<'_>) -> Result<(), Fault> {
        let columns = 4 * usize::from(self.levels);
        let Some(fields) = record.fields.filter(|f| f.len() == columns) else {
            return Err(Fault::got("orderbook", format_args!("{columns} fields"), record.raw));
        };
        let batch = out.batch(BOOK);
        let base = batch.decimals.len();
        let width = 4 * usize::from(self.kept);
        batch.decimals.resize(base + width, 0);
        batch.scales.resize(base + width, SCALE_NULL);
        let (values, scales) = (&mut batch.decimals[base..], &mut batch.scales[base..]);
        for field in 0..width {
            // 0, 1 are the ask's, 2, 3 the bid's: exchanged.
            value(&fields, field, &mut values[field ^ 2], &mut scales[field ^ 2])?;
        }
        keep_existing_levels(values, scales);
        let there = scales.iter().rposition(|s| *s != SCALE_NULL).map_or(0, |last| last + 1);
        // Missing levels at the end need not be written.
        let end = base + there.next_multiple_of(4);
        batch.decimals.truncate(end);
        batch.scales.truncate(end);
        let mut cut = 0;
        for field in (width + 1..columns).step_by(2) {
            let (mut size, mut scale) = (0, 0);
            value(&fields, field, &mut size, &mut scale)?;
            cut += u64::from(scale != SCALE_NULL && size > 0);
        }
        out.push_row(BOOK, Times { event: time, recv: TS_NULL }, None, (b"", b""), &[])?;
        out.note(CUT, cut);
        Ok(())
    }
}

/// A field of a book line: even ones are prices in units of 10^-4, odd ones sizes.
#[inline]
fn value(fields: &Fields<'_>, field: usize, value: &mut i64, scale: &mut u8) -> Result<(), Fault> {
    let text = fields.get(field);
    let number = decimal(text);
    let whole = put_decimal(number, true, value, scale).is_ok() && (*scale == 0 || *scale == SCALE_NULL);
    if !whole {
        return Err(Fault::got(column_name(field), "a whole number", text));
    }
    if *scale == 0 && field.is_multiple_of(2) {
        let price = Decimal { mantissa: *value, scale: PRICE_SCALE }.normal();
        (*value, *scale) = (price.mantissa, price.scale);
    }
    Ok(())
}

/// The name of a book column, as the table has it.
#[cold]
fn column_name(field: usize) -> String {
    let part = ["ask_px", "ask_sz", "bid_px", "bid_sz"][field % 4];
    format!("orderbook {part}_{:02}", field / 4)
}
