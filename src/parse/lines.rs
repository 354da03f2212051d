//! Where a record ends: at a newline; where quoted fields may hold newlines, at one behind an even number of quotes.

use memchr::{memchr, memchr2_iter};

/// The end of the first record of `bytes` and the start of the next, or `None` if no record ends here.
///
/// A record ends at a newline; with `quoted`, at one behind an even number of quotes. The end leaves out the newline and a
/// carriage return before it.
#[must_use]
pub fn record_end(bytes: &[u8], quoted: bool) -> Option<(usize, usize)> {
    let newline = if quoted { first_newline_outside(bytes)? } else { memchr(b'\n', bytes)? };
    let end = if newline > 0 && bytes[newline - 1] == b'\r' { newline - 1 } else { newline };
    Some((end, newline + 1))
}

fn first_newline_outside(bytes: &[u8]) -> Option<usize> {
    let mut inside = false;
    for at in memchr2_iter(b'"', b'\n', bytes) {
        if bytes[at] == b'"' {
            inside = !inside;
        } else if !inside {
            return Some(at);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_carriage_return_is_left_out() {
        assert_eq!(record_end(b"ab\r\ncd", false), Some((2, 4)));
        assert_eq!(record_end(b"\n", false), Some((0, 1)));
        assert_eq!(record_end(b"ab", false), None);
        assert_eq!(record_end(b"\"a\nb\"\nc\n", true), Some((5, 6)));
    }
}
