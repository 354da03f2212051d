//! The content digest: what the rows say, whatever their encoding, blocks, segments or file.
//!
//! A file's digest is a sum over its values (two 64-bit sums, kept as one u128), so the digests of a table's segments add up.
//! Each value is mixed with its column's seed and its row's number in the table; the kernels stand in `codec`.

use super::constants::DIGEST_SKIPS;

/// The sum of two digests: the two halves add separately, without carry.
#[must_use]
pub fn add(a: u128, b: u128) -> u128 {
    let low = (a as u64).wrapping_add(b as u64);
    let high = ((a >> 64) as u64).wrapping_add((b >> 64) as u64);
    u128::from(low) | u128::from(high) << 64
}

/// The seed of a column, or `None` for the columns that the digest leaves out.
#[must_use]
pub fn column_seed(name: &str) -> Option<u64> {
    if DIGEST_SKIPS.contains(&name) {
        return None;
    }
    Some(xxhash_rust::xxh3::xxh3_64(name.as_bytes()))
}

/// The digest of a table: XXH3-128 of schema hash, rows and the sum of its segments' digests.
#[must_use]
pub fn table(schema_hash: u128, rows: u64, sum: u128) -> u128 {
    let mut bytes = [0; 40];
    bytes[..16].copy_from_slice(&schema_hash.to_le_bytes());
    bytes[16..24].copy_from_slice(&rows.to_le_bytes());
    bytes[24..].copy_from_slice(&sum.to_le_bytes());
    xxhash_rust::xxh3::xxh3_128(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_add_without_carry() {
        let a = u128::from(u64::MAX);
        assert_eq!(add(a, 1), 0);
        assert_eq!(add(1 << 64, u128::from(u64::MAX) << 64), 0);
        assert_eq!(add(3 | 4 << 64, 5 | 6 << 64), 8 | 10 << 64);
    }
}
