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

/// A decimal of up to 16 digits and point, with an optional minus, at the scale it is written with; `None` for any other
/// text.
#[inline]
pub(super) fn short_decimal(text: &[u8]) -> Option<Decimal> {
    let (negative, digits) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        _ => (false, text),
    };
    let (value, scale) = match digits.len() {
        1 if digits[0] == b'.' => return None,
        1..=8 => word(load_right(digits) ^ ZEROS)?,
        9..=16 => {
            let (head, tail) = digits.split_at(digits.len() - 8);
            two_words(load_right(head) ^ ZEROS, load_right(tail) ^ ZEROS)?
        }
        _ => return None,
    };
    as_written(value, scale, negative)
}

/// The same for `text[start..end]` without a sign, reading whole words of what stands before it.
#[inline(always)]
pub(super) fn decimal_at(text: &[u8], start: usize, end: usize) -> Option<Decimal> {
    let length = end.wrapping_sub(start);
    let before = text.get(..end)?;
    let low = u64::from_le_bytes(*before.last_chunk()?) ^ ZEROS;
    let (value, scale) = match length {
        2..=8 => word(keep_last(low, length))?,
        9..=16 => {
            let (before, _) = before.split_last_chunk::<8>()?;
            let high = u64::from_le_bytes(*before.last_chunk()?) ^ ZEROS;
            two_words(keep_last(high, length - 8), low)?
        }
        1 => (digits(keep_last(low, 1))?, 0),
        _ => return None,
    };
    as_written(value, scale, false)
}

/// The number of JSON's grammar that begins at `text[start]`, without sign and exponent, of up to 15 characters, with the
/// offset behind it; `None` leaves it to the general reader.
#[inline(always)]
pub(super) fn json_number_at(text: &[u8], start: usize) -> Option<(Decimal, usize)> {
    let words = text.get(start..)?.first_chunk::<16>()?;
    let (first, _) = words.split_first_chunk::<8>()?;
    let x = u64::from_le_bytes(*first) ^ ZEROS;
    let whole = x & 0xFF;
    // No point in front, no digit behind a leading zero.
    if whole > 9 || (whole == 0 && x >> 8 & 0xFF <= 9) {
        return None;
    }
    let end = terminator(x);
    let (value, scale, length) = if end != 0 {
        let length = end.trailing_zeros() / 8;
        let (value, scale) = word(x.wrapping_shl(64_u32.wrapping_sub(8 * length)))?;
        (value, scale, length)
    } else {
        let (_, second) = words.split_first_chunk::<8>()?;
        let y = u64::from_le_bytes(*second.first_chunk()?) ^ ZEROS;
        let more = terminator(y).trailing_zeros() / 8;
        if more == 0 {
            let (value, scale) = word(x)?;
            (value, scale, 8)
        } else if more == 8 {
            return None;
        } else {
            // The last eight characters, and those in front of them.
            let low = x.wrapping_shr(8 * more) | y.wrapping_shl(64_u32.wrapping_sub(8 * more));
            let (value, scale) = two_words(x.wrapping_shl(64_u32.wrapping_sub(8 * more)), low)?;
            (value, scale, 8 + more)
        }
    };
    let next = start + length as usize;
    if text.get(next - 1) == Some(&b'.') {
        return None;
    }
    as_written(value, scale, false).map(|decimal| (decimal, next))
}

/// High bit of every byte that is neither a digit value nor a point.
#[inline(always)]
fn terminator(x: u64) -> u64 {
    let y = x ^ POINT;
    let point = !(((y & !HIGH).wrapping_add(!HIGH)) | y) & HIGH;
    above_nine(x) & !point
}

/// The last `count` characters of a word, of 1 to 8; the others are 0.
#[inline(always)]
fn keep_last(word: u64, count: usize) -> u64 {
    // Of 1 to 8 characters: the shift is below 64.
    word & u64::MAX.wrapping_shl(64_u32.wrapping_sub(8 * count as u32))
}

#[inline(always)]
fn as_written(value: u64, scale: u32, negative: bool) -> Option<Decimal> {
    if scale > u32::from(crate::limits::DECIMAL_SCALE) {
        return None;
    }
    let mantissa = value as i64;
    Some(Decimal { mantissa: if negative { -mantissa } else { mantissa }, scale: scale as u8 })
}

/// A whole number of up to 19 digits, without a sign.
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
        17..=19 => {
            let (rest, low) = text.split_last_chunk::<8>()?;
            let (head, middle) = rest.split_last_chunk::<8>()?;
            let high = digits(load_right(head) ^ ZEROS)?;
            let middle = digits(u64::from_le_bytes(*middle) ^ ZEROS)?;
            let low = digits(u64::from_le_bytes(*low) ^ ZEROS)?;
            // At most 999 and sixteen nines: below 2^64.
            Some(high * 10_000_000_000_000_000 + middle * 100_000_000 + low)
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
        1 => bytes[7] = text[0],
        2 => bytes[6..].copy_from_slice(text),
        3 => bytes[5..].copy_from_slice(text),
        _ => {}
    }
    u64::from_le_bytes(bytes)
}

/// High bit of every byte of `x` that is above 9.
#[inline(always)]
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

#[inline(always)]
fn combine(x: u64) -> u64 {
    let pairs = x.wrapping_mul(10).wrapping_add(x >> 8) & 0x00FF_00FF_00FF_00FF;
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_FFFF_0000_FFFF;
    fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xFFFF_FFFF
}

/// Value and decimals of digit values with at most one point.
#[inline(always)]
fn word(x: u64) -> Option<(u64, u32)> {
    let odd = above_nine(x);
    if odd == 0 {
        return Some((combine(x), 0));
    }
    let (compact, scale) = cut_point(x, odd)?;
    Some((combine(compact), scale))
}

/// Takes the point out of digit values: what stands before it moves up one byte. Gives the digits behind it too.
#[inline(always)]
fn cut_point(x: u64, odd: u64) -> Option<(u64, u32)> {
    // Exactly one byte is not a digit, and it is a point.
    let at = odd.trailing_zeros() & !7;
    if odd & (odd - 1) != 0 || (x >> at) & 0xFF != POINT & 0xFF {
        return None;
    }
    // `at` is 0, 8, ... or 56. The point itself is 0x1E, not zero, so it is shifted out with what stands before it.
    let before = x & 1_u64.wrapping_shl(at).wrapping_sub(1);
    let behind = x & (u64::MAX << 8).wrapping_shl(at);
    Some((behind | (before << 8), 56_u32.wrapping_sub(at) / 8))
}

/// The same for 9 to 16 characters: the point may stand in either word.
#[inline(always)]
fn two_words(high: u64, low: u64) -> Option<(u64, u32)> {
    let (odd_high, odd_low) = (above_nine(high), above_nine(low));
    match (odd_high, odd_low) {
        // Eight digits a word: no product comes near 2^64.
        (0, 0) => Some((combine(high).wrapping_mul(100_000_000).wrapping_add(combine(low)), 0)),
        (0, _) => {
            let (compact, scale) = cut_point(low, odd_low)?;
            // Seven digits are left in the lower word, in front of them a zero.
            Some((combine(high).wrapping_mul(10_000_000).wrapping_add(combine(compact)), scale))
        }
        (_, 0) => {
            let (compact, scale) = cut_point(high, odd_high)?;
            Some((combine(compact).wrapping_mul(100_000_000).wrapping_add(combine(low)), scale.wrapping_add(8)))
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
        assert_eq!(of("-0.50"), Some((-50, 2)));
        assert_eq!(of("100.00"), Some((10_000, 2)));
        assert_eq!(of("7."), Some((7, 0)));
        assert_eq!(of(".7"), Some((7, 1)));
        for bad in ["", "-", ".", "1.2.3", "1e5", "+1", " 1", "12345678.1234567.", "a", "\u{e9}1", "1,2", "--1"] {
            assert_eq!(of(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_field_reads_the_same_whatever_stands_around_it() {
        let texts =
            ["61837.63", "7", "0", "1234567.8", "1234567.12345678", "12345678.1234567", "100.00", ".7", "7.", "."];
        let more = ["1.2.3", "1e5", "a", "", "12345678901234567", "1,2", "0.0000000000001", "/", ":", "1/", "99999999"];
        for text in texts.into_iter().chain(more) {
            for (before, behind) in
                [("9999999999999999", ",9"), ("................", "."), ("1,2.5,abc,--7.7,,", "\n1,2")]
            {
                let line = format!("{before}{text}{behind}");
                let (start, end) = (before.len(), before.len() + text.len());
                let found = decimal_at(line.as_bytes(), start, end).map(|d| (d.mantissa, d.scale));
                assert_eq!(found, of(text).filter(|_| text.len() <= 16), "{text} in {line}");
            }
            // Where too little stands before it, the other way has to read it.
            let alone = decimal_at(text.as_bytes(), 0, text.len()).map(|d| (d.mantissa, d.scale));
            assert!(alone.is_none() || alone == of(text), "{text}");
        }
    }

    #[test]
    fn numbers_of_json() {
        let texts =
            ["61837.63", "7", "0", "0.5", "1234567.8", "1234567.1234567", "12345678.123456", "100.00", "12345678"];
        for text in texts.into_iter().chain(["123456789", "1.5", "0.00000009", "12345678901234"]) {
            for behind in [",1.25],[3,4],[5,6]", "],[1,2],[3,4],[5", "}                 "] {
                let line = format!("[{text}{behind}");
                let (found, next) = json_number_at(line.as_bytes(), 1).unwrap();
                assert_eq!(Some((found.mantissa, found.scale)), of(text), "{line}");
                assert_eq!(next, 1 + text.len(), "{line}");
            }
        }
        for bad in ["01", "00.5", ".5", "1.", "-1", "1.2.3", "", "+1", "1234567890123456", "1234567.12345678", "a", "."]
        {
            let line = format!("{bad},1234567890123456");
            assert_eq!(json_number_at(line.as_bytes(), 0), None, "{line}");
        }
        // An exponent is left over: what follows is then no comma.
        assert_eq!(json_number_at(b"1e5,             ", 0).map(|(_, next)| next), Some(1));
        assert_eq!(json_number_at(b"1,2", 0), None);
    }

    #[test]
    fn whole_numbers() {
        assert_eq!(short_whole(b"1756717200123456789"), Some(1_756_717_200_123_456_789));
        assert_eq!(short_whole(b"9999999999999999999"), Some(9_999_999_999_999_999_999));
        assert_eq!(short_whole(b"12345678901234567"), Some(12_345_678_901_234_567));
        assert_eq!(short_whole(b"99999999999999999999"), None);
        assert_eq!(short_whole(b"1234567890123456.5"), None);
        assert_eq!(short_whole(b"1721347022759000"), Some(1_721_347_022_759_000));
        assert_eq!(short_whole(b"7"), Some(7));
        assert_eq!(short_whole(b"12345678"), Some(12_345_678));
        assert_eq!(short_whole(b"123456789"), Some(123_456_789));
        assert_eq!(short_whole(b"1.5"), None);
        assert_eq!(short_whole(b""), None);
    }
}
