//! Looks for what a record has too much of: a field that is longer than allowed, in records that are longer than that
//! themselves, and an object of JSON with too many keys.

use memchr::{memchr, memchr2};

use crate::limits::{JSON_DEPTH, JSON_KEYS};

/// How the fields of a record are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldForm {
    /// By a delimiter. A quote at the start of a field ends at the next one that is not doubled.
    Delimited(u8),
    /// By the marks of JSON, wherever they stand: what is written in front of a message is a field of its own.
    Json,
}

/// A field that is too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LongField<'a> {
    /// Its bytes as they are written, without the quotes around them.
    pub bytes: usize,
    /// The number of its column, from 0, in a delimited record.
    pub column: usize,
    /// The key in front of it in JSON, as it is written; empty where there is none.
    pub key: &'a [u8],
}

/// The first field of more than `most` bytes. A record of no more bytes is not read at all.
#[must_use]
pub fn long_field(record: &[u8], form: FieldForm, most: usize) -> Option<LongField<'_>> {
    if record.len() <= most {
        return None;
    }
    match form {
        FieldForm::Delimited(delimiter) => delimited(record, delimiter, most),
        FieldForm::Json => json(record, most),
    }
}

fn delimited(record: &[u8], delimiter: u8, most: usize) -> Option<LongField<'_>> {
    let mut rest = record;
    for column in 0.. {
        let quote = rest.strip_prefix(b"\"").map_or(0, |inside| 1 + doubled_end(inside));
        let end = memchr(delimiter, &rest[quote..]).map_or(rest.len(), |at| quote + at);
        let bytes = if quote > 0 && end <= quote + 1 { quote - 1 } else { end };
        if bytes > most {
            return Some(LongField { bytes, column, key: b"" });
        }
        rest = rest.get(end + 1..)?;
    }
    None
}

/// The place of the first quote that is not doubled; the end if there is none.
fn doubled_end(inside: &[u8]) -> usize {
    let mut at = 0;
    while let Some(quote) = memchr(b'"', &inside[at..]) {
        at += quote;
        if inside.get(at + 1) != Some(&b'"') {
            return at;
        }
        at += 2;
    }
    inside.len()
}

fn json(record: &[u8], most: usize) -> Option<LongField<'_>> {
    let is_mark = |byte: u8| matches!(byte, b'{' | b'}' | b'[' | b']' | b',' | b':') || byte.is_ascii_whitespace();
    let mut key = &b""[..];
    let mut at = 0;
    while let Some(&byte) = record.get(at) {
        let rest = &record[at..];
        let text = match byte {
            b'"' => &rest[1..][..string_end(&rest[1..])],
            _ if is_mark(byte) => b"",
            _ => &rest[..rest.iter().position(|b| is_mark(*b) || *b == b'"').unwrap_or(rest.len())],
        };
        if text.len() > most {
            return Some(LongField { bytes: text.len(), column: 0, key });
        }
        match byte {
            b'"' => {
                at += text.len() + 2;
                let behind = record.get(at..).unwrap_or_default().trim_ascii_start();
                if behind.starts_with(b":") {
                    key = text;
                }
            }
            b'{' | b'}' => (key, at) = (b"", at + 1),
            _ => at += text.len().max(1),
        }
    }
    None
}

/// The place of the first key that is one too many for its object; the text's end if there is none. In a text that is no JSON
/// what is behind its first fault means nothing.
pub(super) fn first_key_beyond(text: &[u8]) -> usize {
    let mut keys = [0; JSON_DEPTH + 1];
    let (mut depth, mut at) = (0, 0);
    while let Some(byte) = text.get(at) {
        match byte {
            b'{' | b'[' if depth == JSON_DEPTH => break,
            b'{' | b'[' => {
                depth += 1;
                keys[depth] = 0;
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => {
                let start = at;
                at += 1 + string_end(&text[at + 1..]);
                let behind = text.get(at + 1..).unwrap_or_default().trim_ascii_start();
                keys[depth] += u16::from(behind.starts_with(b":"));
                if keys[depth] > JSON_KEYS {
                    return start;
                }
            }
            _ => {}
        }
        at += 1;
    }
    text.len()
}

/// The place of the quote that closes a string; the end if there is none.
fn string_end(inside: &[u8]) -> usize {
    let mut at = 0;
    while let Some(found) = memchr2(b'"', b'\\', &inside[at..]) {
        at += found;
        if inside[at] == b'"' {
            return at;
        }
        at = (at + 2).min(inside.len());
    }
    inside.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(record: &str, form: FieldForm, most: usize) -> Option<(usize, usize, String)> {
        let found = long_field(record.as_bytes(), form, most)?;
        Some((found.bytes, found.column, String::from_utf8(found.key.to_vec()).unwrap()))
    }

    #[test]
    fn delimited_fields_are_measured_between_delimiters_and_inside_quotes() {
        let at =
            |record, most| found(record, FieldForm::Delimited(b','), most).map(|(bytes, column, _)| (bytes, column));
        assert_eq!((at("aa,bbb,c", 3), at("aa,bbb,c", 2)), (None, Some((3, 1))));
        assert_eq!((at("a,b,cccc", 4), at("a,b,cccc", 3)), (None, Some((4, 2))));
        assert_eq!((at("\"a,\"\"b\",c", 5), at("\"a,\"\"b\",c", 4)), (None, Some((5, 0))));
        assert_eq!((at("x,\"abc\"", 3), at("x,\"abc\"", 2)), (None, Some((3, 1))));
        assert_eq!(at("x,\"never, closed", 12), Some((13, 1)));
        assert_eq!(at("\"ab\"cd,e", 5), Some((6, 0)), "no quotes around the whole field");
        assert_eq!((at("aaaaaaaa", 8), at("aaaaaaaa", 7)), (None, Some((8, 0))));
        assert_eq!((at(",,,,,,", 0), at("", 0)), (None, None));
    }

    #[test]
    fn json_texts_and_numbers_are_measured_and_named_by_their_keys() {
        let at = |record, most| found(record, FieldForm::Json, most).map(|(bytes, _, key)| (bytes, key));
        let text =
            r#"{"a": 12345, "b" :"x\"yz", "c":[[1.5,"2"],[true,"123456"]], "d":{"e":1}, "f":[{"g":2},"1234567"]}"#;
        assert_eq!(at(text, 7), None);
        assert_eq!(at(text, 6), Some((7, String::new())), "behind an object no key is known");
        assert_eq!(at(text, 5), Some((6, "c".to_owned())));
        assert_eq!(at(text, 4), Some((5, "a".to_owned())));
        let changed = text.replace("12345,", "1,");
        assert_eq!(at(&changed, 4), Some((5, "b".to_owned())));
        assert_eq!(at("1700000000 {\"a\":1}", 9), Some((10, String::new())));
        assert_eq!(at(r#"{"open":"without an end"#, 14), None);
        assert_eq!(at(r#"{"open":"without an end"#, 13), Some((14, "open".to_owned())));
        assert_eq!(at(r#"{"a key of its own":1}"#, 12), Some((16, String::new())));
    }
}
