//! Numbers of up to 16 characters by arithmetic on whole words instead of digit by digit (SWAR).
//!
//! A text is loaded right-aligned into a little-endian word, so that the last character is the highest byte; the point is cut out by
//! shifting what stands before it up one byte; eight digits then become a number in three multiplications. Whatever does not
//! have this form gives `None`, and the general path decides.

use crate::units::Decimal;

const ZEROS: u64 = 0x3030_3030_3030_3030;
const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;
/// `.` with the digits' high nibble taken off.
const POINT: u64 = 0x1E1E_1E1E_1E1E_1E1E;

/// A decimal of up to 16 digits and point, with an optional minus; `None` for any other text.
#[inline]
pub(super) fn short_decimal(text: &[u8]) -> Option<Decimal> {
    let (negative, digits) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        _ => (false, text),
    };
    let (mut value, mut scale) = match digits.len() {
        1 if digits[0] == b'.' => return None,
        1..=8 => word(load_right(digits))?,
        9..=16 => two_words(digits)?,
        _ => return None,
    };
    // Trailing zeros of the decimals say nothing.
    while scale > 0 && value.is_multiple_of(10) {
        value /= 10;
        scale -= 1;
    }
    if scale > u32::from(crate::limits::DECIMAL_SCALE) {
        return None;
    }
    let mantissa = value as i64;
    Some(Decimal { mantissa: if negative { -mantissa } else { mantissa }, scale: scale as u8 })
}

/// A whole number of up to 16 digits, without a sign.
#[inline]
pub(super) fn short_whole(text: &[u8]) -> Option<u64> {
    match text.len() {
        1..=8 => digits(load_right(text) ^ ZEROS),
        9..=16 => {
            let (head, tail) = text.split_at(text.len() - 8);
            let high = digits(load_right(head) ^ ZEROS)?;
            let low = digits(load_right(tail) ^ ZEROS)?;
            Some(high * 100_000_000 + low)
        }
        _ => None,
    }
}

/// 1 to 8 characters, right-aligned: missing ones in front read as `0`.
#[inline]
fn load_right(text: &[u8]) -> u64 {
    let mut bytes = [b'0'; 8];
    // Fixed-size moves for the common lengths: no call of memcpy.
    match text.len() {
        8 => bytes.copy_from_slice(text),
        4..=7 => {
            let at = 8 - text.len();
            bytes[at..at + 4].copy_from_slice(&text[..4]);
            bytes[4..].copy_from_slice(&text[text.len() - 4..]);
        }
        _ => {
            for (to, from) in bytes.iter_mut().rev().zip(text.iter().rev()) {
                *to = *from;
            }
        }
    }
    u64::from_le_bytes(bytes)
}

/// High bit of every byte of `x` that is above 9.
#[inline]
fn above_nine(x: u64) -> u64 {
    // Bytes below 0x80 carry into their own high bit only.
    ((x & !HIGH).wrapping_add(0x7676_7676_7676_7676) | x) & HIGH
}

/// Eight digit values, first lowest, to a number; `None` if one is above 9.
#[inline]
fn digits(x: u64) -> Option<u64> {
    if above_nine(x) != 0 {
        return None;
    }
    Some(combine(x))
}

#[inline]
fn combine(x: u64) -> u64 {
    let pairs = x.wrapping_mul(10).wrapping_add(x >> 8) & 0x00FF_00FF_00FF_00FF;
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_FFFF_0000_FFFF;
    fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xFFFF_FFFF
}

/// Value and decimals of a word with at most one point.
#[inline]
fn word(loaded: u64) -> Option<(u64, u32)> {
    let x = loaded ^ ZEROS;
    let odd = above_nine(x);
    if odd == 0 {
        return Some((combine(x), 0));
    }
    let (compact, scale) = cut_point(x, odd)?;
    Some((combine(compact), scale))
}

/// Takes the point out of digit values: what stands before it moves up one byte. Gives the digits behind it too.
#[inline]
fn cut_point(x: u64, odd: u64) -> Option<(u64, u32)> {
    // Exactly one byte is not a digit, and it is a point.
    let at = odd.trailing_zeros() & !7;
    if odd & (odd - 1) != 0 || (x >> at) & 0xFF != POINT & 0xFF {
        return None;
    }
    let before = x & ((1 << at) - 1);
    let behind = if at == 56 { 0 } else { x >> (at + 8) << (at + 8) };
    Some((behind | (before << 8), (56 - at) / 8))
}

/// The same for 9 to 16 characters: the point may stand in either word.
#[inline]
fn two_words(text: &[u8]) -> Option<(u64, u32)> {
    let (head, tail) = text.split_at(text.len() - 8);
    let (high, low) = (load_right(head) ^ ZEROS, load_right(tail) ^ ZEROS);
    let (odd_high, odd_low) = (above_nine(high), above_nine(low));
    match (odd_high, odd_low) {
        (0, 0) => Some((combine(high) * 100_000_000 + combine(low), 0)),
        (0, _) => {
            let (compact, scale) = cut_point(low, odd_low)?;
            // Seven digits are left in the lower word, in front of them a zero.
            Some((combine(high) * 10_000_000 + combine(compact), scale))
        }
        (_, 0) => {
            let (compact, scale) = cut_point(high, odd_high)?;
            Some((combine(compact) * 100_000_000 + combine(low), scale + 8))
        }
        _ => None,
    }
}

const _: () = assert!(LOW * 0x80 == HIGH);

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<(i64, u8)> {
        short_decimal(text.as_bytes()).map(|d| (d.mantissa, d.scale))
    }

    #[test]
    fn the_point_may_stand_anywhere() {
        assert_eq!(of("61837.63"), Some((6_183_763, 2)));
        assert_eq!(of("1234567.8"), Some((12_345_678, 1)));
        assert_eq!(of("0.00000009"), Some((9, 8)));
        assert_eq!(of("12345678.12345678"), None);
        assert_eq!(of("1234567.12345678"), Some((123_456_712_345_678, 8)));
        assert_eq!(of("12345678.1234567"), Some((123_456_781_234_567, 7)));
        assert_eq!(of("-0.50"), Some((-5, 1)));
        assert_eq!(of("100.00"), Some((100, 0)));
        assert_eq!(of("7."), Some((7, 0)));
        assert_eq!(of(".7"), Some((7, 1)));
        for bad in ["", "-", ".", "1.2.3", "1e5", "+1", " 1", "12345678.1234567.", "a", "\u{e9}1", "1,2", "--1"] {
            assert_eq!(of(bad), None, "{bad}");
        }
    }

    #[test]
    fn whole_numbers() {
        assert_eq!(short_whole(b"1721347022759000"), Some(1_721_347_022_759_000));
        assert_eq!(short_whole(b"7"), Some(7));
        assert_eq!(short_whole(b"12345678"), Some(12_345_678));
        assert_eq!(short_whole(b"123456789"), Some(123_456_789));
        assert_eq!(short_whole(b"1.5"), None);
        assert_eq!(short_whole(b""), None);
    }
}
