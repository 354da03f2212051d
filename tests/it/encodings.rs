//! Text that is not plain UTF-8: byte-order marks, UTF-16 of both orders with and without one, Latin-1 when asked for.

use hftcol::input::{Encoding, InputLimits};
use hftcol::vendor::SourceOptions;

use crate::sources::{Parsed, choose, chunked, gzip, open, parse, read};
use crate::unpack::content;

const TEXT: &str = "ts_ns,symbol,price,qty,side\n1756717200062805000,S\u{fc}d,1.5,2,buy\n\
    1756717200062805001,\u{1F4C8}\u{20AC},1.6,3,sell\n";

fn utf16(text: &str, big: bool) -> Vec<u8> {
    text.encode_utf16().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
}

fn limits(encoding: Encoding, chunk_bytes: usize) -> InputLimits {
    InputLimits { encoding, ..chunked(chunk_bytes) }
}

/// Through recognition and parser, both with the encoding.
fn parse_as(bytes: &[u8], encoding: Encoding, chunk_bytes: usize) -> Parsed {
    let limits = limits(encoding, chunk_bytes);
    let options = SourceOptions { venue: Some("v".to_owned()), ..SourceOptions::default() };
    let mut source = open("x", bytes, &limits).unwrap();
    let head = source.head().to_vec();
    let selected = choose("auto", "x", &head, &options).unwrap();
    read(source, &selected, &limits).unwrap().0
}

#[test]
fn utf16_gives_the_rows_of_utf8() {
    let options = SourceOptions { venue: Some("v".to_owned()), ..SourceOptions::default() };
    let plain = parse("x", TEXT.as_bytes(), &options, &InputLimits::default()).unwrap();
    assert_eq!(plain.first("trades"), "v/S\u{fc}d 2025-09-01 1756717200062805000 - - 1.0 1||1.5 2");
    let marked = format!("\u{feff}{TEXT}");
    for big in [false, true] {
        for text in [TEXT, &marked] {
            let bytes = utf16(text, big);
            for chunk in [1, 7, 64, 1 << 16] {
                for encoding in [Encoding::Auto, Encoding::Utf16] {
                    assert_eq!(parse_as(&bytes, encoding, chunk).rows, plain.rows, "big {big}, chunks of {chunk}");
                }
            }
            assert_eq!(parse_as(&gzip(&bytes), Encoding::Auto, 10).rows, plain.rows);
        }
    }
    // The digest is of the text: the same rows in another encoding are the same source.
    let digest = |bytes: &[u8]| content("x", bytes, &InputLimits::default()).1.unwrap();
    assert_eq!(digest(&utf16(TEXT, true)), digest(TEXT.as_bytes()));
}

#[test]
fn half_characters_are_errors_or_no_names() {
    let bytes = utf16(TEXT, false);
    let error = content("x", &bytes[..bytes.len() - 1], &chunked(10)).1.unwrap_err();
    assert!(error.exit_code() == 3 && error.to_string().contains("half of a UTF-16 character"), "{error}");
    let cut = gzip(&bytes);
    let (read, end) = content("x", &cut[..cut.len() - 4], &chunked(10));
    assert!(end.is_err() && TEXT.as_bytes().starts_with(&read));
    // A lone half of a pair is no character: the record's name is refused, its neighbours are not.
    for lone in [0xD800_u16, 0xDC00] {
        let mut units: Vec<u16> = TEXT.encode_utf16().collect();
        let at = units.iter().position(|u| *u == 0xFC).unwrap();
        units[at] = lone;
        let bytes: Vec<u8> = units.iter().flat_map(|u| u.to_be_bytes()).collect();
        let parsed = parse_as(&bytes, Encoding::Auto, 50);
        assert_eq!((parsed.count("trades"), parsed.rejects.len()), (1, 1));
        assert!(parsed.rejects[0].reason.contains("UTF-8"), "{:?}", parsed.rejects);
    }
}

#[test]
fn latin1_is_read_when_it_is_asked_for() {
    let text = TEXT.replace("\u{1F4C8}\u{20AC}", "Z");
    let bytes: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let parsed = parse_as(&bytes, Encoding::Latin1, 9);
    assert_eq!((parsed.count("trades"), parsed.first("trades").split(' ').next()), (2, Some("v/S\u{fc}d")));
    // Otherwise the name is no UTF-8, and the record says so.
    for encoding in [Encoding::Auto, Encoding::Utf8] {
        let parsed = parse_as(&bytes, encoding, 9);
        assert_eq!((parsed.count("trades"), parsed.rejects.len()), (1, 1));
    }
    let all: Vec<u8> = (0..=255).collect();
    let expected: String = (0..=255_u8).map(char::from).collect();
    assert_eq!(content("x", &all, &limits(Encoding::Latin1, 16)).0, expected.as_bytes());
}

#[test]
fn words_and_marks() {
    for (word, encoding) in [
        ("auto", Some(Encoding::Auto)),
        ("UTF-8", Some(Encoding::Utf8)),
        ("utf16", Some(Encoding::Utf16)),
        ("Latin-1", Some(Encoding::Latin1)),
        ("gbk", None),
    ] {
        assert_eq!(Encoding::from_name(word), encoding);
    }
    let marked = [b"\xEF\xBB\xBF", TEXT.as_bytes()].concat();
    assert_eq!(content("x", &marked, &chunked(5)).0, TEXT.as_bytes());
    // Numbers and a NUL here and there are no UTF-16.
    for bytes in [&b"1,2\0,3,4\n"[..], b"\0\0\0\0\0\0\0\0", b"a\0", b""] {
        assert_eq!(content("x", bytes, &InputLimits::default()).0, bytes);
    }
}
