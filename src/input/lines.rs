//! Counting records: lines, and lines whose quoted fields may hold newlines, as `parse::record_end` ends them; the objects of
//! a JSON list.

use memchr::{memchr_iter, memchr2, memchr2_iter, memchr3, memrchr};

/// Where records end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// At newlines.
    Lines,
    /// At newlines outside quotes.
    Quoted,
    /// Behind the brace that closes an object: a JSON list of objects, of which the closing bracket is a record of its own.
    Objects,
}

impl From<bool> for Ends {
    fn from(quoted: bool) -> Self {
        if quoted { Self::Quoted } else { Self::Lines }
    }
}

/// The end of the first object of `bytes`, just behind its closing brace. Braces inside strings do not count; what stands
/// before the object belongs to it.
#[must_use]
pub fn object_end(bytes: &[u8]) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = 0;
    loop {
        at += memchr3(b'"', b'{', b'}', &bytes[at..])?;
        match bytes[at] {
            b'"' => at += 1 + string_end(&bytes[at + 1..])?,
            b'{' => depth += 1,
            _ => depth = depth.saturating_sub(1),
        }
        at += 1;
        if depth == 0 && bytes[at - 1] == b'}' {
            return Some(at);
        }
    }
}

/// The place of the quote that closes a string.
fn string_end(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr2(b'"', b'\\', &bytes[at..])?;
        if bytes[at] == b'"' {
            return Some(at);
        }
        at = (at + 2).min(bytes.len());
    }
}

fn objects(bytes: &[u8]) -> impl Iterator<Item = usize> {
    let mut at = 0;
    std::iter::from_fn(move || {
        at += object_end(&bytes[at..])?;
        Some(at)
    })
}

/// Records of `bytes` that end in it, and the bytes they take. With `at_end` a last record without a newline counts too.
pub(super) fn count_records(bytes: &[u8], ends: Ends, at_end: bool) -> (u64, usize) {
    let (mut records, mut taken) = (0_u64, 0);
    if ends == Ends::Objects {
        for end in objects(bytes) {
            records += 1;
            taken = end;
        }
    } else if ends == Ends::Quoted {
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
pub(super) fn bytes_of(bytes: &[u8], ends: Ends, records: u64) -> usize {
    let Some(last) = records.checked_sub(1) else {
        return 0;
    };
    let last = usize::try_from(last).unwrap_or(usize::MAX);
    if ends == Ends::Objects {
        return objects(bytes).nth(last).unwrap_or(bytes.len());
    }
    let found = if ends == Ends::Quoted {
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
        assert_eq!(count_records(b"a\nb\nc", Ends::Lines, false), (2, 4));
        assert_eq!(count_records(b"a\nb\nc", Ends::Lines, true), (3, 5));
        assert_eq!(count_records(b"a\n", Ends::Lines, true), (1, 2));
        assert_eq!(count_records(b"", Ends::Lines, true), (0, 0));
    }

    #[test]
    fn quotes_hold_newlines() {
        assert_eq!(count_records(b"\"a\nb\"\nc\n", Ends::Quoted, false), (2, 8));
        assert_eq!(bytes_of(b"\"a\nb\"\nc\n", Ends::Quoted, 1), 6);
        assert_eq!(bytes_of(b"a\nb\nc\n", Ends::Lines, 2), 4);
        assert_eq!(bytes_of(b"a\nb\nc\n", Ends::Lines, 0), 0);
    }

    #[test]
    fn objects_end_at_their_brace() {
        let text = br#"[{"a": "}\"", "b": {"c": [{}]}}, {} ]"#;
        assert_eq!(object_end(text), Some(31));
        assert_eq!(&text[31..], b", {} ]");
        assert_eq!(count_records(text, Ends::Objects, false), (2, 35));
        assert_eq!(count_records(text, Ends::Objects, true), (3, 37));
        assert_eq!(bytes_of(text, Ends::Objects, 1), 31);
        for cut in 0..31 {
            assert_eq!(object_end(&text[..cut]), None, "cut at {cut}");
        }
        assert_eq!(object_end(br#"{"a": "open"#), None);
        assert_eq!(object_end(b"} {}"), Some(1));
    }
}
