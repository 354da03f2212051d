//! Where records end: lines, and lines whose quoted fields may hold newlines.

use memchr::{memchr, memchr_iter, memchr2_iter, memrchr};

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

/// Records of `bytes` that end in it, and the bytes they take. With `at_end` a last record without a newline counts too.
#[must_use]
pub fn count_records(bytes: &[u8], quoted: bool, at_end: bool) -> (u64, usize) {
    let (mut records, mut taken) = (0_u64, 0);
    if quoted {
        let mut inside = false;
        for at in memchr2_iter(b'"', b'\n', bytes) {
            if bytes[at] == b'"' {
                inside = !inside;
            } else if !inside {
                records += 1;
                taken = at + 1;
            }
        }
    } else if let Some(last) = memrchr(b'\n', bytes) {
        taken = last + 1;
        records = memchr_iter(b'\n', &bytes[..taken]).count() as u64;
    }
    if at_end && taken < bytes.len() {
        records += 1;
        taken = bytes.len();
    }
    (records, taken)
}

/// The bytes of the first `records` records of `bytes`; all if there are fewer.
pub(super) fn bytes_of(bytes: &[u8], quoted: bool, records: u64) -> usize {
    let Some(last) = records.checked_sub(1) else {
        return 0;
    };
    let last = usize::try_from(last).unwrap_or(usize::MAX);
    let found = if quoted {
        let mut inside = false;
        memchr2_iter(b'"', b'\n', bytes)
            .filter(|&at| {
                inside ^= bytes[at] == b'"';
                bytes[at] == b'\n' && !inside
            })
            .nth(last)
    } else {
        memchr_iter(b'\n', bytes).nth(last)
    };
    found.map_or(bytes.len(), |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_at_newlines_and_leave_the_carriage_return_out() {
        assert_eq!(record_end(b"ab\r\ncd", false), Some((2, 4)));
        assert_eq!(record_end(b"\n", false), Some((0, 1)));
        assert_eq!(record_end(b"ab", false), None);
        assert_eq!(count_records(b"a\nb\nc", false, false), (2, 4));
        assert_eq!(count_records(b"a\nb\nc", false, true), (3, 5));
        assert_eq!(count_records(b"a\n", false, true), (1, 2));
        assert_eq!(count_records(b"", false, true), (0, 0));
    }

    #[test]
    fn quotes_hold_newlines() {
        assert_eq!(record_end(b"\"a\nb\"\nc\n", true), Some((5, 6)));
        assert_eq!(count_records(b"\"a\nb\"\nc\n", true, false), (2, 8));
        assert_eq!(bytes_of(b"\"a\nb\"\nc\n", true, 1), 6);
        assert_eq!(bytes_of(b"a\nb\nc\n", false, 2), 4);
        assert_eq!(bytes_of(b"a\nb\nc\n", false, 0), 0);
    }
}
