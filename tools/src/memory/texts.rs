//! Short texts that take long to read where a reader goes over them more than once.

use std::io::{self, Write};
use std::path::Path;

use super::cases::{Sizes, words};
use super::hostile::{TRADES_HEADER, create, fill, trade};

/// Brackets of a nested record.
const BRACKETS: usize = 1_000_000;
/// Digits of a long number.
const DIGITS: u64 = 100_000;

/// Records of a million brackets, and a member of as many.
pub(super) fn nested(sizes: &Sizes, raw: &Path) -> io::Result<Vec<String>> {
    let mut out = create(raw, "trades.ndjson")?;
    for at in 0..sizes.bytes / 100 / BRACKETS as u64 {
        let (open, close) = if at % 2 == 0 { ("[", "]") } else { ("{\"a\":", "}") };
        let depth = BRACKETS / open.len();
        writeln!(out, "{}1{}", open.repeat(depth), close.repeat(depth))?;
        writeln!(out, "{{\"symbol\":\"S\",\"x\":{}1{}}}", open.repeat(depth), close.repeat(depth))?;
    }
    out.flush()?;
    Ok(words(&["RAW", "--format", "ccxt", "--venue", "v"]))
}

/// Trades whose sizes have a hundred thousand digits.
pub(super) fn digits(sizes: &Sizes, raw: &Path) -> io::Result<Vec<String>> {
    let mut out = create(raw, "trades.csv")?;
    out.write_all(TRADES_HEADER.as_bytes())?;
    for at in 0..sizes.bytes / 50 / DIGITS {
        let us = 1_700_000_000_000_000 + at;
        write!(out, "x,S,{us},{us},{at},buy,1.5,")?;
        fill(&mut out, DIGITS)?;
        writeln!(out)?;
    }
    out.flush()?;
    Ok(words(&["RAW", "--format", "tardis"]))
}

/// Trades each of which opens a quote that nothing closes, so that every second one does.
pub(super) fn quotes(sizes: &Sizes, raw: &Path) -> io::Result<Vec<String>> {
    let mut out = create(raw, "trades.csv")?;
    out.write_all(TRADES_HEADER.as_bytes())?;
    for at in 0..sizes.bytes / 50 / 50 {
        out.write_all(b"\"")?;
        trade(&mut out, at)?;
    }
    // The last one takes all that follows.
    out.write_all(b"\"")?;
    for at in 0..sizes.bytes / 50 / 50 {
        trade(&mut out, at)?;
    }
    out.flush()?;
    Ok(words(&["RAW", "--format", "tardis"]))
}

/// Texts of lone surrogates.
pub(super) fn surrogates(sizes: &Sizes, raw: &Path) -> io::Result<Vec<String>> {
    let mut out = create(raw, "trades.ndjson")?;
    let text = "\\ud800".repeat(1_000);
    for at in 0..sizes.bytes / 50 / 6_000 {
        let ms = 1_700_000_000_000 + at;
        writeln!(
            out,
            "{{\"id\":\"{text}\",\"timestamp\":{ms},\"symbol\":\"S\",\"side\":\"buy\",\"price\":1.5,\"amount\":2}}"
        )?;
    }
    out.flush()?;
    Ok(words(&["RAW", "--format", "ccxt", "--venue", "v"]))
}
