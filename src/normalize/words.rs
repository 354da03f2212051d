//! Words of sources for sides and flags.

use crate::units::Side;

/// The side that a word names, whatever its case: buy or bid 1, sell or ask -1, anything else 0 (features.md G3).
#[inline]
#[must_use]
pub fn side_word(word: &[u8]) -> Side {
    const BUY: [&[u8]; 6] = [b"buy", b"b", b"bid", b"1", b"+1", b"bids"];
    const SELL: [&[u8]; 6] = [b"sell", b"s", b"ask", b"-1", b"a", b"asks"];
    if BUY.iter().any(|w| word.eq_ignore_ascii_case(w)) {
        Side::Buy
    } else if SELL.iter().any(|w| word.eq_ignore_ascii_case(w)) {
        Side::Sell
    } else {
        Side::Unknown
    }
}

/// The flag that a word names; `None` for any other word.
#[must_use]
pub fn flag_word(word: &[u8]) -> Option<bool> {
    if [&b"true"[..], b"t", b"1", b"yes"].iter().any(|w| word.eq_ignore_ascii_case(w)) {
        Some(true)
    } else if [&b"false"[..], b"f", b"0", b"no"].iter().any(|w| word.eq_ignore_ascii_case(w)) {
        Some(false)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_all_sources() {
        for (word, side) in
            [("buy", 1), ("SELL", -1), ("Ask", -1), ("bid", 1), ("-1", -1), ("1", 1), ("", 0), ("unknown", 0)]
        {
            assert_eq!(side_word(word.as_bytes()).code(), side, "{word}");
        }
        assert_eq!(flag_word(b"TRUE"), Some(true));
        assert_eq!(flag_word(b"0"), Some(false));
        assert_eq!(flag_word(b""), None);
    }
}
