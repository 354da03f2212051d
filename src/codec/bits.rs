//! Bitmaps: one bit a row, bit i of 64-bit word i / 64.

/// Words of a bitmap of `rows` bits.
#[must_use]
pub fn words(rows: usize) -> usize {
    rows.div_ceil(64)
}

/// The bits of word `word` that belong to rows, when there are `rows` in all.
#[must_use]
pub fn mask(word: usize, rows: usize) -> u64 {
    let left = rows.saturating_sub(word * 64);
    if left >= 64 { u64::MAX } else { (1 << left) - 1 }
}

/// Whether bit `row` is set.
#[must_use]
pub fn get(bitmap: &[u64], row: usize) -> bool {
    bitmap[row / 64] >> (row % 64) & 1 == 1
}

/// Rows whose bit is not set.
#[must_use]
pub fn count_zeros(bitmap: &[u64], rows: usize) -> usize {
    let ones: u32 = (0..words(rows)).map(|w| (bitmap[w] & mask(w, rows)).count_ones()).sum();
    rows - ones as usize
}

/// Fills the first words of a bitmap with ones for `rows` rows, zeros after the last row of the last word.
pub fn fill_ones(bitmap: &mut [u64], rows: usize) {
    for (w, word) in bitmap[..words(rows)].iter_mut().enumerate() {
        *word = mask(w, rows);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_and_counts() {
        assert_eq!((mask(0, 64), mask(1, 64), mask(0, 3), mask(1, 65)), (u64::MAX, 0, 7, 1));
        assert_eq!(count_zeros(&[0b101, u64::MAX], 65), 62);
        let mut bitmap = [0, 0];
        fill_ones(&mut bitmap, 70);
        assert_eq!(bitmap, [u64::MAX, 63]);
        assert!(get(&bitmap, 69) && !get(&bitmap, 70));
    }
}
