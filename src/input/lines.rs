//! Counting records: lines, and lines whose quoted fields may hold newlines, as `parse::record_end` ends them.

use memchr::{memchr_iter, memchr2_iter, memrchr};

/// Records of `bytes` that end in it, and the bytes they take. With `at_end` a last record without a newline counts too.
pub(super) fn count_records(bytes: &[u8], quoted: bool, at_end: bool) -> (u64, usize) {
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
    fn lines_end_at_newlines() {
        assert_eq!(count_records(b"a\nb\nc", false, false), (2, 4));
        assert_eq!(count_records(b"a\nb\nc", false, true), (3, 5));
        assert_eq!(count_records(b"a\n", false, true), (1, 2));
        assert_eq!(count_records(b"", false, true), (0, 0));
    }

    #[test]
    fn quotes_hold_newlines() {
        assert_eq!(count_records(b"\"a\nb\"\nc\n", true, false), (2, 8));
        assert_eq!(bytes_of(b"\"a\nb\"\nc\n", true, 1), 6);
        assert_eq!(bytes_of(b"a\nb\nc\n", false, 2), 4);
        assert_eq!(bytes_of(b"a\nb\nc\n", false, 0), 0);
    }
}
