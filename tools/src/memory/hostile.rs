//! Inputs that ask for more memory than their size says.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::cases::{Sizes, words};

pub(super) const TRADES_HEADER: &str = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n";

pub(super) fn create(raw: &Path, name: &str) -> io::Result<BufWriter<File>> {
    Ok(BufWriter::with_capacity(1 << 20, File::create(raw.join(name))?))
}

pub(super) fn trade(out: &mut impl Write, at: u64) -> io::Result<()> {
    let us = 1_700_000_000_000_000 + at;
    writeln!(out, "x,S,{us},{us},{at},buy,1.5,{}", at % 1_000 + 1)
}

/// Bytes without a newline.
pub(super) fn fill(out: &mut impl Write, mut bytes: u64) -> io::Result<()> {
    let block = [b'7'; 64 << 10];
    while bytes > 0 {
        let length = bytes.min(block.len() as u64);
        out.write_all(&block[..length as usize])?;
        bytes -= length;
    }
    Ok(())
}

/// Trades, in their midst a line of 64 MiB.
pub(super) fn line(_: &Sizes, raw: &Path) -> io::Result<Vec<String>> {
    let mut out = create(raw, "trades.csv")?;
    out.write_all(TRADES_HEADER.as_bytes())?;
    for at in 0..200_000 {
        if at == 100_000 {
            fill(&mut out, 64 << 20)?;
            out.write_all(b"\n")?;
        }
        trade(&mut out, at)?;
    }
    out.flush()?;
    Ok(words(&["RAW"]))
}

/// A header, and behind it one line of all the bytes.
pub(super) fn only_line(sizes: &Sizes, raw: &Path) -> io::Result<Vec<String>> {
    let mut out = create(raw, "trades.csv")?;
    out.write_all(TRADES_HEADER.as_bytes())?;
    fill(&mut out, sizes.bytes)?;
    out.flush()?;
    Ok(words(&["RAW", "--format", "tardis"]))
}

/// Trades with a million columns beside them.
pub(super) fn columns(_: &Sizes, raw: &Path) -> io::Result<Vec<String>> {
    let mut out = create(raw, "trades.csv")?;
    out.write_all(TRADES_HEADER.trim_end().as_bytes())?;
    for column in 0..1_000_000 {
        write!(out, ",c{column}")?;
    }
    out.write_all(b"\n")?;
    for at in 0..100_u64 {
        write!(out, "x,S,{0},{0},{at},buy,1.5,2", 1_700_000_000_000_000 + at)?;
        out.write_all(&[b','; 1_000_000])?;
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(words(&["RAW", "--format", "tardis"]))
}

/// The shortest level changes that there are: eight bytes a row and less.
pub(super) fn dense_changes(sizes: &Sizes, raw: &Path) -> io::Result<Vec<String>> {
    let mut out = create(raw, "changes.ndjson")?;
    let (mut bytes, mut at) = (0, 0_u64);
    while bytes < sizes.bytes / 5 {
        let mut message = format!(
            "{{\"e\":\"depthUpdate\",\"E\":{},\"T\":{},\"s\":\"S\",\"U\":{at},\"u\":{at},\"pu\":{at},\"b\":[",
            1_700_000_000_000 + at,
            1_700_000_000_000 + at
        );
        for level in 0..500 {
            let comma = if level == 0 { "" } else { "," };
            message.push_str(&format!("{comma}[\"{}\",\"0\"]", level % 10));
        }
        message.push_str("],\"a\":[]}\n");
        out.write_all(message.as_bytes())?;
        bytes += message.len() as u64;
        at += 1;
    }
    out.flush()?;
    Ok(words(&["RAW", "--format", "binance"]))
}

/// Messages of three million bytes, each a list of level changes: within the longest line of every budget.
pub(super) fn huge_arrays(_: &Sizes, raw: &Path) -> io::Result<Vec<String>> {
    let mut out = create(raw, "changes.ndjson")?;
    for at in 0..20_u64 {
        write!(
            out,
            "{{\"e\":\"depthUpdate\",\"E\":{0},\"T\":{0},\"s\":\"S\",\"U\":{at},\"u\":{at},\"pu\":{at},\"b\":[",
            1_700_000_000_000 + at
        )?;
        for level in 0..300_000 {
            write!(out, "{}[\"{}\",\"0\"]", if level == 0 { "" } else { "," }, level % 10)?;
        }
        out.write_all(b"],\"a\":[]}\n")?;
    }
    out.flush()?;
    Ok(words(&["RAW", "--format", "binance"]))
}

/// Short records, none of which can be stored.
pub(super) fn rejects(sizes: &Sizes, raw: &Path) -> io::Result<Vec<String>> {
    let mut out = create(raw, "trades.csv")?;
    out.write_all(TRADES_HEADER.as_bytes())?;
    for _ in 0..sizes.bytes / 100 {
        out.write_all(b"x,S,,,,,,\n")?;
    }
    out.flush()?;
    Ok(words(&["RAW"]))
}
