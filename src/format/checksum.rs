//! The checksums of format v1: CRC-32C (Castagnoli) of header, footer, tail and blocks.
//!
//! A block's checksum is seeded with the file's identity and the block's number, so that a right block in a wrong place is
//! wrong. The identity holds the row count, which a writer knows only at the end: it keeps the checksum of the payload alone
//! and joins the two with [`join`].

/// The Castagnoli polynomial, bit-reversed.
const POLYNOMIAL: u32 = 0x82F6_3B78;

/// `POWERS[k]` = x^(8 * 2^k) modulo the polynomial, bit-reversed: appending 2^k zero bytes multiplies by it.
const POWERS: [u32; 32] = {
    let mut table = [0_u32; 32];
    // x^1 is bit 30 in the reversed order; three squarings make x^8.
    let mut power = 1_u32 << 30;
    let mut squarings = 0;
    while squarings < 3 {
        power = multiply(power, power);
        squarings += 1;
    }
    let mut k = 0;
    while k < 32 {
        table[k] = power;
        power = multiply(power, power);
        k += 1;
    }
    table
};

/// Product of two polynomials over GF(2) modulo the Castagnoli polynomial, all bit-reversed.
const fn multiply(a: u32, mut b: u32) -> u32 {
    let mut product = 0;
    let mut bit = 1_u32 << 31;
    while bit != 0 {
        if a & bit != 0 {
            product ^= b;
        }
        b = if b & 1 == 1 { (b >> 1) ^ POLYNOMIAL } else { b >> 1 };
        bit >>= 1;
    }
    product
}

/// CRC-32C of bytes.
#[must_use]
pub fn crc(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes)
}

/// CRC-32C of `before` followed by `payload`, from the two checksums and the payload's length.
#[must_use]
pub fn join(before: u32, payload: u32, payload_len: u32) -> u32 {
    let mut shifted = before;
    let mut left = payload_len;
    while left != 0 {
        shifted = multiply(POWERS[left.trailing_zeros() as usize], shifted);
        left &= left - 1;
    }
    shifted ^ payload
}

/// CRC-32C of what stands before a block's bytes: the file's identity and the block's number.
#[must_use]
pub fn block_seed(identity: u128, block: u64) -> u32 {
    let mut seed = [0; 24];
    seed[..16].copy_from_slice(&identity.to_le_bytes());
    seed[16..].copy_from_slice(&block.to_le_bytes());
    crc32c::crc32c(&seed)
}

/// The checksum of a block: CRC-32C of identity, block number and payload.
#[must_use]
pub fn block_crc(identity: u128, block: u64, payload: &[u8]) -> u32 {
    crc32c::crc32c_append(block_seed(identity, block), payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_value() {
        assert_eq!(crc(b"123456789"), 0xE306_9283);
    }

    #[test]
    fn joining_equals_appending() {
        let bytes: Vec<u8> = (0..5_000_u32).map(|i| (i * 7 % 251) as u8).collect();
        for cut in [0, 1, 24, 63, 64, 4_097, 5_000] {
            let (a, b) = bytes.split_at(cut);
            let length = u32::try_from(b.len()).expect("short");
            assert_eq!(join(crc(a), crc(b), length), crc(&bytes), "cut {cut}");
        }
    }
}
