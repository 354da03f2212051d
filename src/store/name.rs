//! Names as path parts: in any text, out a folder name that is injective, reversible and safe on case-blind file systems.
//!
//! Every byte outside the kind's alphabet, and a leading `.` or `-`, is written `%XX` with upper-case hex digits. `%` itself
//! is outside both alphabets, so each `%` starts an escape and folding case cannot make two names equal. The empty name
//! is `%`. A name whose escaped form is longer than 200 bytes is cut at an escape's edge and ends in `%%` and the 32 upper-case
//! hex digits of its XXH3-128: the true name then stands in the partition's manifest only.

use std::fmt::Write;

use xxhash_rust::xxh3::xxh3_128;

use crate::limits::PATH_COMPONENT_BYTES;

/// Which alphabet stands as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameKind {
    /// Venues: `[a-z0-9_.-]`.
    Venue,
    /// Securities: `[A-Z0-9_.-]`.
    Security,
}

/// What a folder name says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unescaped {
    /// The true name.
    Name(String),
    /// A cut name: the manifest knows the true one.
    Cut,
}

/// Bytes of `%%` and the hash.
const CUT_MARK: usize = 2 + 32;

/// The name as one path part of at most 200 bytes, never empty, never beginning with `.` or `-`.
#[must_use]
pub fn escape(kind: NameKind, name: &str) -> String {
    if name.is_empty() {
        return "%".to_owned();
    }
    let mut out = String::with_capacity(name.len());
    // Where the part that is kept of a cut name ends.
    let mut keep = 0;
    for (i, byte) in name.bytes().enumerate() {
        let leading = i == 0 && matches!(byte, b'.' | b'-');
        if is_plain(kind, byte) && !leading {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        if out.len() <= PATH_COMPONENT_BYTES - CUT_MARK {
            keep = out.len();
        }
    }
    if out.len() > PATH_COMPONENT_BYTES {
        out.truncate(keep);
        let _ = write!(out, "%%{:032X}", xxh3_128(name.as_bytes()));
    }
    out
}

/// Reads a folder name back; `None` if [`escape`] never makes it.
#[must_use]
pub fn unescape(kind: NameKind, part: &str) -> Option<Unescaped> {
    if part == "%" {
        return Some(Unescaped::Name(String::new()));
    }
    if let Some((_, hash)) = part.split_once("%%") {
        let is_hash = hash.len() == 32 && hash.bytes().all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(&b));
        return (is_hash && part.len() <= PATH_COMPONENT_BYTES).then_some(Unescaped::Cut);
    }
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        if byte == b'%' {
            let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &tail[2..];
        } else {
            bytes.push(byte);
            rest = tail;
        }
    }
    let name = String::from_utf8(bytes).ok()?;
    // One spelling only: `%41` for a security's `A`, or lower-case digits, is not ours.
    (escape(kind, &name) == part).then_some(Unescaped::Name(name))
}

fn is_plain(kind: NameKind, byte: u8) -> bool {
    let letter = match kind {
        NameKind::Venue => byte.is_ascii_lowercase(),
        NameKind::Security => byte.is_ascii_uppercase(),
    };
    letter || byte.is_ascii_digit() || matches!(byte, b'_' | b'.' | b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn security(name: &str) -> String {
        escape(NameKind::Security, name)
    }

    #[test]
    fn the_alphabets_stand_as_they_are() {
        assert_eq!(escape(NameKind::Venue, "binance-futures_1.x"), "binance-futures_1.x");
        assert_eq!(escape(NameKind::Venue, "Binance"), "%42inance");
        assert_eq!(security("BTC/USDT"), "BTC%2FUSDT");
        assert_eq!(security("BTC_USDT.P-1"), "BTC_USDT.P-1");
        assert_eq!(security("btc"), "%62%74%63");
        assert_eq!(security("%2F"), "%252F");
    }

    #[test]
    fn dangerous_names_lose_their_danger() {
        assert_eq!(security(""), "%");
        assert_eq!(security("."), "%2E");
        assert_eq!(security(".."), "%2E.");
        assert_eq!(security("-rf"), "%2D%72%66");
        assert_eq!(security("../../X"), "%2E.%2F..%2FX");
        assert_eq!(security("A\0B\n"), "A%00B%0A");
        assert_eq!(security("\u{ed55}"), "%EE%B5%95");
    }

    #[test]
    fn the_cut_is_at_200_bytes() {
        let fits = "A".repeat(200);
        assert_eq!(security(&fits), fits);
        let long = "A".repeat(201);
        assert_eq!(security(&long).len(), 200);
        assert!(security(&long).starts_with(&format!("{}%%", "A".repeat(166))));
        assert_eq!(unescape(NameKind::Security, &security(&long)), Some(Unescaped::Cut));
        let lower = "a".repeat(128);
        let escaped = security(&lower);
        assert_eq!(escaped.find("%%"), Some(165), "cut between two escapes, not inside one");
        assert_ne!(security(&"a".repeat(127)), escaped);
    }

    #[test]
    fn other_spellings_are_not_ours() {
        for part in ["", "a", "%2f", "%41", "%", "%4", "%%", "A%%12", ".", "..", "-A", "A/B", "%FF"] {
            let got = unescape(NameKind::Security, part);
            assert_eq!(got, (part == "%").then(|| Unescaped::Name(String::new())), "{part}");
        }
    }
}
