//! The rows of a column's open page: blocks in, checked and digested, without their nulls.

use super::content::{Content, text_word};
use super::schema::is_optional;
use crate::codec::{ColumnValues, TextBlock, bits, stats};
use crate::error::{Error, Result};
use crate::format::value_range;
use crate::schema::{Column, LogicalType};

/// What came in of a column since its last page.
#[derive(Debug)]
pub(super) struct Gathered {
    pub(super) described: Column,
    pub(super) rows: usize,
    pub(super) nulls: usize,
    /// A bit a row.
    pub(super) validity: Vec<u64>,
    /// The values that there are, as words; no text.
    pub(super) words: Vec<i64>,
    pub(super) texts: TextBlock,
    /// Least and greatest number since this was taken; f64 and text have none.
    pub(super) range: Option<(i64, i64)>,
    /// Of all rows since the first.
    pub(super) content: Content,
}

impl Gathered {
    pub(super) fn new(described: &Column, first_row: u64) -> Self {
        Self {
            described: described.clone(),
            rows: 0,
            nulls: 0,
            validity: Vec::new(),
            words: Vec::new(),
            texts: TextBlock::default(),
            range: None,
            content: Content::new(&described.name, first_row),
        }
    }

    /// Begins the next page; the memory stays.
    pub(super) fn clear(&mut self) {
        (self.rows, self.nulls) = (0, 0);
        self.validity.clear();
        self.words.clear();
        self.texts.bytes.clear();
        self.texts.ends.clear();
    }

    /// Takes the next block. All blocks of a table but the last have a multiple of 64 rows.
    ///
    /// # Errors
    /// `Usage` for values that do not fit the column.
    pub(super) fn push(&mut self, rows: usize, values: ColumnValues<'_>) -> Result<()> {
        match (values, self.described.logical_type) {
            (ColumnValues::F64(values), LogicalType::F64) if values.len() >= rows => self.floats(&values[..rows]),
            (ColumnValues::Text { values, validity }, LogicalType::Text) if values.ends.len() >= rows => {
                self.block_of_texts(rows, values, validity)?;
            }
            (ColumnValues::I64 { values, validity }, of)
                if of != LogicalType::F64 && of != LogicalType::Text && values.len() >= rows =>
            {
                self.numbers(&values[..rows], validity)?;
            }
            _ => return Err(self.misfit("values of the column's type, one a row")),
        }
        self.rows += rows;
        Ok(())
    }

    fn floats(&mut self, values: &[f64]) {
        let start = self.words.len();
        self.words.resize(start + values.len(), 0);
        let block = &mut self.words[start..];
        let nulls = stats::canonical(values, block).nulls;
        self.content.add_floats(block, nulls);
        if nulls == 0 {
            return self.all_valid(values.len());
        }
        let valid = |part: &[f64]| {
            part.iter().enumerate().fold(0, |word, (row, value)| word | u64::from(!value.is_nan()) << row)
        };
        self.validity.extend(values.chunks(64).map(valid));
        self.nulls += nulls;
        self.words.truncate(start);
        self.words.extend(values.iter().filter(|value| !value.is_nan()).map(|value| value.to_bits().cast_signed()));
    }

    fn numbers(&mut self, values: &[i64], validity: Option<&[u64]>) -> Result<()> {
        let (start, rows) = (self.words.len(), values.len());
        let nulls = self.nulls_of(rows, validity)?;
        match validity.filter(|_| nulls > 0) {
            None => {
                self.content.add(values, 0);
                self.words.extend_from_slice(values);
                self.all_valid(rows);
            }
            Some(validity) => {
                let null = self.content.null_word();
                let each = values.iter().enumerate().map(|(row, value)| (bits::get(validity, row), *value));
                self.words.extend(each.clone().map(|(valid, value)| if valid { value } else { null }));
                self.content.add(&self.words[start..], nulls);
                self.words.truncate(start);
                self.words.extend(each.filter(|(valid, _)| *valid).map(|(_, value)| value));
                self.some_valid(rows, validity, nulls);
            }
        }
        if self.words.len() > start { self.widen_range(start) } else { Ok(()) }
    }

    /// Checks the words from `start` on and takes them into the range.
    fn widen_range(&mut self, start: usize) -> Result<()> {
        let unsigned = self.described.logical_type == LogicalType::U64;
        let flip = if unsigned { i64::MIN } else { 0 };
        let (low, high) = stats::min_max(&self.words[start..], flip);
        let fits = value_range(self.described.logical_type);
        if !(fits.contains(&low) && fits.contains(&high)) {
            return Err(self.misfit("values in the range of the type"));
        }
        let (least, greatest) = self.range.unwrap_or((low, high));
        self.range = Some(((low ^ flip).min(least ^ flip) ^ flip, (high ^ flip).max(greatest ^ flip) ^ flip));
        Ok(())
    }

    fn block_of_texts(&mut self, rows: usize, values: &TextBlock, validity: Option<&[u64]>) -> Result<()> {
        if !values.is_sound() {
            return Err(self.misfit("texts with ends that rise"));
        }
        let nulls = self.nulls_of(rows, validity)?;
        let validity = validity.filter(|_| nulls > 0);
        let null = self.content.null_word();
        for row in 0..rows {
            let text = values.value(row);
            if validity.is_some_and(|validity| !bits::get(validity, row)) {
                self.words.push(null);
                continue;
            }
            if std::str::from_utf8(text).is_err() {
                return Err(self.misfit("UTF-8 in each value"));
            }
            self.words.push(text_word(text));
            self.texts.bytes.extend_from_slice(text);
            self.texts.ends.push(u32::try_from(self.texts.bytes.len()).unwrap_or(u32::MAX));
        }
        self.content.add(&self.words, nulls);
        self.words.clear();
        match validity {
            Some(validity) => self.some_valid(rows, validity, nulls),
            None => self.all_valid(rows),
        }
        Ok(())
    }

    /// Nulls of a block by its bitmap.
    fn nulls_of(&self, rows: usize, validity: Option<&[u64]>) -> Result<usize> {
        let Some(validity) = validity else { return Ok(0) };
        if validity.len() < bits::words(rows) {
            return Err(self.misfit("a validity bit for each row"));
        }
        let nulls = bits::count_zeros(validity, rows);
        if nulls > 0 && !is_optional(&self.described) {
            return Err(self.misfit("no nulls, for the column is not nullable"));
        }
        Ok(nulls)
    }

    fn all_valid(&mut self, rows: usize) {
        self.validity.extend((0..bits::words(rows)).map(|word| bits::mask(word, rows)));
    }

    fn some_valid(&mut self, rows: usize, validity: &[u64], nulls: usize) {
        self.validity.extend((0..bits::words(rows)).map(|word| validity[word] & bits::mask(word, rows)));
        self.nulls += nulls;
    }

    fn misfit(&self, expected: &str) -> Error {
        let what = format!("a Parquet file cannot hold this block of column `{}`", self.described.name);
        Error::usage(what, format!("it needs {expected}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gathered(logical_type: LogicalType) -> Gathered {
        Gathered::new(&Column::nullable("a", logical_type), 5)
    }

    #[test]
    fn the_cut_into_blocks_does_not_count_and_nulls_do() {
        let values: Vec<f64> = (0..130).map(|i| if i % 7 == 0 { f64::NAN } else { f64::from(i) - 60.0 }).collect();
        let (mut whole, mut parts) = (gathered(LogicalType::F64), gathered(LogicalType::F64));
        whole.push(130, ColumnValues::F64(&values)).unwrap();
        parts.push(64, ColumnValues::F64(&values)).unwrap();
        parts.push(66, ColumnValues::F64(&values[64..])).unwrap();
        assert_eq!((whole.content, &whole.words, &whole.validity), (parts.content, &parts.words, &parts.validity));
        assert_eq!((whole.nulls, whole.words.len(), whole.content.nulls), (19, 111, 19));
        let mut zero = gathered(LogicalType::F64);
        zero.push(130, ColumnValues::F64(&[&[0.0], &values[1..]].concat())).unwrap();
        assert_ne!(zero.content.digest, whole.content.digest);
    }

    #[test]
    fn numbers_keep_their_range_and_misfits_are_refused() {
        let mut unsigned = gathered(LogicalType::U64);
        let values = [3, -1, 9];
        unsigned.push(3, ColumnValues::I64 { values: &values, validity: Some(&[0b110]) }).unwrap();
        assert_eq!((unsigned.range, &unsigned.words[..], unsigned.nulls), (Some((9, -1)), &[-1, 9][..], 1));
        let mut side = gathered(LogicalType::Side);
        assert!(side.push(3, ColumnValues::I64 { values: &values, validity: None }).is_err());
        assert!(gathered(LogicalType::I64).push(4, ColumnValues::I64 { values: &values, validity: None }).is_err());
        assert!(gathered(LogicalType::Text).push(1, ColumnValues::F64(&[1.0])).is_err());
        let mut required = Gathered::new(&Column::required("a", LogicalType::I64), 0);
        assert!(required.push(3, ColumnValues::I64 { values: &values, validity: Some(&[0b110]) }).is_err());
        let bad = TextBlock { bytes: vec![0xFF], ends: vec![1] };
        assert!(gathered(LogicalType::Text).push(1, ColumnValues::Text { values: &bad, validity: None }).is_err());
    }
}
