//! What must be known of all rows before the first is written: counted when rows are taken in, kept for each source, so
//! that a source that is dropped later leaves no trace in the schema.

use super::row;
use crate::limits::{DECIMAL_SCALE, KEPT_COLUMNS};
use crate::normalize::{INT_NULL, RowBatch, SCALE_NULL, TS_NULL};
use crate::units::{Decimal, POW10};

/// Mantissas up to here fit in an i64 at any scale.
const SAFE: u64 = (i64::MAX / POW10[DECIMAL_SCALE as usize]) as u64;

/// What one decimal column needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecimalFacts {
    /// Largest of the values' smallest scales; [`SCALE_NULL`] if there is no value.
    pub scale: u8,
    /// Largest scale at which every value fits in an i64, where that is below [`DECIMAL_SCALE`].
    pub fit: u8,
}

impl DecimalFacts {
    /// Of a column without a value.
    pub const NONE: Self = Self { scale: SCALE_NULL, fit: DECIMAL_SCALE };

    /// Takes a value in.
    pub fn add(&mut self, mantissa: i64, scale: u8) {
        if self.scale == SCALE_NULL || scale > self.scale {
            self.scale = scale;
        }
        let magnitude = mantissa.unsigned_abs();
        if magnitude > SAFE {
            let room = POW10.iter().skip(1).take_while(|&&p| magnitude <= (i64::MAX / p) as u64).count();
            self.fit = self.fit.min(scale.saturating_add(room as u8));
        }
    }

    fn merge(&mut self, other: Self) {
        if other.scale != SCALE_NULL {
            self.scale = if self.scale == SCALE_NULL { other.scale } else { self.scale.max(other.scale) };
        }
        self.fit = self.fit.min(other.fit);
    }

    /// The column's scale (decision 13), or `None` if it has no value: the smallest that holds all values, lowered
    /// until all fit in an i64.
    #[must_use]
    pub fn column_scale(self) -> Option<u8> {
        (self.scale != SCALE_NULL).then_some(self.scale.min(self.fit))
    }
}

/// What is known of the rows of one source in one section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Rows.
    pub rows: u64,
    /// Smallest clock.
    pub min_clock: i64,
    /// Largest clock.
    pub max_clock: i64,
    /// Any row has `ts_event`.
    pub has_event: bool,
    /// Any row has `ts_recv`.
    pub has_recv: bool,
    /// Bit i: any row has integer i.
    pub ints: u8,
    /// Bit i: any row has id i.
    pub ids: u8,
    /// Bit i: some id i is no canonical u64, so the column is text.
    pub text_ids: u8,
    /// Bit i: any row has kept column i of the run's list.
    pub kept: u64,
    /// Bit i: some value of it is no canonical u64, so the column is text.
    pub kept_text: u64,
    /// Decimal columns up to the last that has a value.
    pub decimals: Vec<DecimalFacts>,
}

impl Default for Facts {
    fn default() -> Self {
        Self {
            rows: 0,
            min_clock: i64::MAX,
            max_clock: i64::MIN,
            has_event: false,
            has_recv: false,
            ints: 0,
            ids: 0,
            text_ids: 0,
            kept: 0,
            kept_text: 0,
            decimals: Vec::new(),
        }
    }
}

impl Facts {
    /// Counts row `i` of a batch; `None` if the batch's columns do not fit its keys.
    pub(crate) fn add(&mut self, batch: &RowBatch, i: usize) -> Option<()> {
        let key = batch.keys.get(i)?;
        self.rows += 1;
        self.min_clock = self.min_clock.min(key.clock);
        self.max_clock = self.max_clock.max(key.clock);
        self.has_event |= key.ts_event != TS_NULL;
        self.has_recv |= key.ts_recv != TS_NULL;
        let ints = batch.table.ints().len();
        for (k, &value) in batch.ints.get(i * ints..(i + 1) * ints)?.iter().enumerate() {
            self.ints |= u8::from(value != INT_NULL) << k;
        }
        for k in 0..batch.table.ids().len() {
            let text = row::id(batch, i, k)?;
            if !text.is_empty() {
                self.ids |= 1 << k;
                // Text once is text for good: the check is not needed any more.
                if self.text_ids & (1 << k) == 0 && canonical_u64(text).is_none() {
                    self.text_ids |= 1 << k;
                }
            }
        }
        for column in 0..batch.kept.columns().min(KEPT_COLUMNS) {
            let text = batch.kept.get(i, column);
            let bit = 1 << column;
            self.kept |= if text.is_empty() { 0 } else { bit };
            if !text.is_empty() && self.kept_text & bit == 0 && canonical_u64(text).is_none() {
                self.kept_text |= bit;
            }
        }
        let (mantissas, scales) = row::decimals(batch, i)?;
        let used = scales.iter().rposition(|&s| s != SCALE_NULL).map_or(0, |last| last + 1);
        if self.decimals.len() < used {
            self.decimals.resize(used, DecimalFacts::NONE);
        }
        for ((facts, &mantissa), &scale) in self.decimals.iter_mut().zip(mantissas).zip(scales) {
            if scale != SCALE_NULL {
                let value = Decimal { mantissa, scale }.normal();
                facts.add(value.mantissa, value.scale);
            }
        }
        Some(())
    }

    /// Adds the facts of other rows of the same table.
    pub fn merge(&mut self, other: &Self) {
        self.rows += other.rows;
        self.min_clock = self.min_clock.min(other.min_clock);
        self.max_clock = self.max_clock.max(other.max_clock);
        self.has_event |= other.has_event;
        self.has_recv |= other.has_recv;
        self.ints |= other.ints;
        self.ids |= other.ids;
        self.text_ids |= other.text_ids;
        self.kept |= other.kept;
        self.kept_text |= other.kept_text;
        if self.decimals.len() < other.decimals.len() {
            self.decimals.resize(other.decimals.len(), DecimalFacts::NONE);
        }
        for (mine, theirs) in self.decimals.iter_mut().zip(&other.decimals) {
            mine.merge(*theirs);
        }
    }

    /// Heap and own bytes, for the budget.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>() + self.decimals.capacity() * size_of::<DecimalFacts>()
    }

    pub(crate) fn write_to(&self, out: &mut Vec<u8>) {
        row::put(out, self.rows);
        out.extend_from_slice(&self.min_clock.to_le_bytes());
        out.extend_from_slice(&self.max_clock.to_le_bytes());
        out.extend_from_slice(&[
            u8::from(self.has_event) | u8::from(self.has_recv) << 1,
            self.ints,
            self.ids,
            self.text_ids,
        ]);
        row::put(out, self.kept);
        row::put(out, self.kept_text);
        row::put(out, self.decimals.len() as u64);
        for decimal in &self.decimals {
            out.extend_from_slice(&[decimal.scale, decimal.fit]);
        }
    }

    pub(crate) fn read_from(bytes: &[u8], at: &mut usize) -> Option<Self> {
        let rows = row::get(bytes, at)?;
        let mut clock = || {
            let value = i64::from_le_bytes(bytes.get(*at..*at + 8)?.try_into().ok()?);
            *at += 8;
            Some(value)
        };
        let (min_clock, max_clock) = (clock()?, clock()?);
        let &[clocks, ints, ids, text_ids] = bytes.get(*at..*at + 4)? else { return None };
        *at += 4;
        let (kept, kept_text) = (row::get(bytes, at)?, row::get(bytes, at)?);
        let count = usize::try_from(row::get(bytes, at)?).ok()?;
        let pairs = bytes.get(*at..at.checked_add(count.checked_mul(2)?)?)?;
        *at += pairs.len();
        let decimals = pairs.as_chunks::<2>().0.iter().map(|&[scale, fit]| DecimalFacts { scale, fit }).collect();
        let (has_event, has_recv) = (clocks & 1 != 0, clocks & 2 != 0);
        Some(Self { rows, min_clock, max_clock, has_event, has_recv, ints, ids, text_ids, kept, kept_text, decimals })
    }
}

/// The number of a text that is exactly how that number is written: digits, no sign, no leading zero.
#[must_use]
pub(crate) fn canonical_u64(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 20 || (text[0] == b'0' && text.len() > 1) {
        return None;
    }
    let mut value = 0_u64;
    for &byte in text {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(u64::from(digit))?;
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_canonical_form_is_a_number() {
        assert_eq!(canonical_u64(b"0"), Some(0));
        assert_eq!(canonical_u64(b"18446744073709551615"), Some(u64::MAX));
        for text in [&b"18446744073709551616"[..], b"01", b"", b"+1", b"1.0", b"a"] {
            assert_eq!(canonical_u64(text), None);
        }
    }

    #[test]
    fn the_scale_is_lowered_until_every_value_fits() {
        let mut facts = DecimalFacts::NONE;
        facts.add(1, 12);
        assert_eq!(facts.column_scale(), Some(12));
        facts.add(999_999_999_999_999_999, 0);
        assert_eq!(facts.column_scale(), Some(0));
        // Exactly at the edge: i64::MAX / 10^12 still fits with twelve decimals, one more does not.
        let edge = i64::MAX / POW10[12];
        for (mantissa, scale) in [(edge, 12), (edge + 1, 11)] {
            let mut facts = DecimalFacts::NONE;
            facts.add(mantissa, 0);
            facts.add(1, 12);
            assert_eq!(facts.column_scale(), Some(scale));
            assert!(Decimal { mantissa, scale: 0 }.mantissa_at(scale).is_some());
            assert_eq!(Decimal { mantissa, scale: 0 }.mantissa_at(scale + 1), None);
        }
    }

    #[test]
    fn facts_round_trip() {
        let mut facts = Facts {
            rows: 7,
            kept_text: 1,
            min_clock: -3,
            max_clock: 9,
            has_recv: true,
            ints: 2,
            ids: 1,
            kept: 1 << 63,
            ..Facts::default()
        };
        facts.decimals = vec![DecimalFacts { scale: 2, fit: 12 }, DecimalFacts::NONE];
        let mut bytes = Vec::new();
        facts.write_to(&mut bytes);
        let mut at = 0;
        assert_eq!(Facts::read_from(&bytes, &mut at), Some(facts));
        assert_eq!(at, bytes.len());
        for cut in 0..bytes.len() {
            assert_eq!(Facts::read_from(&bytes[..cut], &mut 0), None);
        }
    }
}
