//! Values of source columns that have no place in a table and are kept all the same (`--keep`).

/// Text of kept columns, row by row. Without columns it takes no room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeptValues {
    columns: usize,
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl KeptValues {
    /// For so many columns.
    #[must_use]
    pub fn new(columns: usize) -> Self {
        Self { columns, ..Self::default() }
    }

    /// Columns of a row.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Adds the next value: of the next column, or of the first one of the next row. An empty text is missing.
    pub fn push(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.ends.push(u32::try_from(self.bytes.len()).unwrap_or(u32::MAX));
    }

    /// A value; empty where there is none.
    #[must_use]
    pub fn get(&self, row: usize, column: usize) -> &[u8] {
        let at = row * self.columns + column;
        let start = match at.checked_sub(1) {
            None => 0,
            Some(before) => self.ends.get(before).map_or(0, |end| *end as usize),
        };
        let end = self.ends.get(at).map_or(start, |end| *end as usize);
        self.bytes.get(start..end).unwrap_or_default()
    }
}
