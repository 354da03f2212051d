//! Which levels of a snapshot exist (features.md B1).

use super::batch::SCALE_NULL;

/// Makes both values of a level missing unless price and size are there and the size is above zero. Levels keep their index.
///
/// `decimals` and `scales` are one row: price, size pairs, bid before ask in each level.
#[inline]
pub fn keep_existing_levels(decimals: &mut [i64], scales: &mut [u8]) {
    let (values, _) = decimals.as_chunks_mut::<2>();
    // Most books are full: without a branch a value that is quickly seen.
    let full = scales.iter().fold(0, |most, scale| most.max(*scale)) != SCALE_NULL;
    if full && values.iter().fold(true, |all, value| all & (value[1] > 0)) {
        return;
    }
    let (scales, _) = scales.as_chunks_mut::<2>();
    for (value, scale) in values.iter_mut().zip(scales) {
        let exists = scale[0] != SCALE_NULL && scale[1] != SCALE_NULL && value[1] > 0;
        if !exists {
            *value = [0; 2];
            *scale = [SCALE_NULL; 2];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_needs_price_and_size() {
        let mut values = [10, 5, 11, 0, 0, 7, -9_999_999_999, 0, 12, 3];
        let mut scales = [0, 1, 0, 0, SCALE_NULL, 0, 4, 0, 2, 0];
        keep_existing_levels(&mut values, &mut scales);
        let n = SCALE_NULL;
        assert_eq!(values, [10, 5, 0, 0, 0, 0, 0, 0, 12, 3]);
        assert_eq!(scales, [0, 1, n, n, n, n, n, n, 2, 0]);
    }
}
