//! Hostile inputs, made from the samples of the tests: bytes changed, pieces repeated, cut and put elsewhere, and words that
//! terminals, paths, numbers and parsers may fall over.

use std::fs;
use std::path::{Path, PathBuf};

use fastrand::Rng;

/// Words that are put into texts.
const WORDS: &[&[u8]] = &[
    b"\x1b[2J\x1b]0;title\x07",
    b"\x1b[31m",
    b"\x9b31m",
    b"\xc2\x9b31m",
    b"\xe2\x80\xae",
    b"\0",
    b"\x08\x08\x08",
    b"\x7f",
    b"\r",
    b"\r\n\r\n",
    b"\"",
    b"\"\"\"\"",
    b"'",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"../../../../etc/passwd",
    b"/",
    b".",
    b"..",
    b"-",
    b"=1+1",
    b"NaN",
    b"-inf",
    b"1e308",
    b"1e-308",
    b"-0",
    b"9223372036854775808",
    b"-9223372036854775809",
    b"18446744073709551616",
    b"9007199254740993",
    b"0x1p3",
    b"1677-09-21T00:12:43Z",
    b"2262-04-12T00:00:00Z",
    b"99999999999999999999999999",
    b"[",
    b"{",
    b"]}",
    b",",
    b",,,,,,,,,,,,,,,,",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\xf4\x90\x80\x80",
    b"\xc0\x80",
    b"%s%n%x",
    b"${HOME}",
    b"`id`",
    b"\n",
];

/// The samples that inputs are made from: name and bytes.
pub(super) fn samples() -> Result<Vec<(String, Vec<u8>)>, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("no project root")?.join("tests/data");
    let mut found = Vec::new();
    let mut open = vec![root];
    while let Some(folder) = open.pop() {
        let mut paths: Vec<PathBuf> = Vec::new();
        for entry in fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))? {
            paths.push(entry.map_err(|e| e.to_string())?.path());
        }
        paths.sort();
        for path in paths {
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e != "md") {
                let bytes = fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
                let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
                // The beginning is enough to be recognised and to go wrong.
                let most = if name.ends_with(".gz") { bytes.len() } else { bytes.len().min(20_000) };
                found.push((name, bytes[..most].to_vec()));
            }
        }
    }
    Ok(found)
}

/// One hostile input.
pub(super) fn hostile(sample: &[u8], rng: &mut Rng) -> Vec<u8> {
    if rng.u8(..25) == 0 {
        return whole_cloth(rng);
    }
    let mut bytes = sample.to_vec();
    for _ in 0..rng.usize(1..12) {
        if bytes.is_empty() {
            break;
        }
        let at = rng.usize(..bytes.len());
        let to = bytes.len().min(at + rng.usize(..400));
        match rng.u8(..7) {
            0 => bytes[at] = rng.u8(..),
            1 => bytes[at] ^= 1 << rng.u8(..8),
            2 => bytes.truncate(at),
            3 => drop(bytes.drain(at..to)),
            4 => {
                let piece = bytes[at..to].to_vec();
                let times = rng.usize(1..6);
                let target = rng.usize(..bytes.len());
                bytes.splice(target..target, piece.repeat(times));
            }
            _ => {
                let word = WORDS[rng.usize(..WORDS.len())];
                let times = if rng.u8(..8) == 0 { 3_000 } else { 1 };
                // At the beginning of a field more often than not.
                let near = bytes[at..].iter().position(|byte| b",:\n\"".contains(byte)).map_or(at, |n| at + n + 1);
                bytes.splice(near..near, word.repeat(times));
            }
        }
    }
    bytes
}

/// What no sample begins with.
fn whole_cloth(rng: &mut Rng) -> Vec<u8> {
    match rng.u8(..7) {
        0 => Vec::new(),
        1 => vec![b'['; 1_000_000],
        2 => b"{\"a\":".repeat(200_000),
        3 => vec![b'7'; 3 << 20],
        4 => (0..rng.usize(1..5_000)).map(|_| rng.u8(..)).collect(),
        5 => b"\x28\xb5\x2f\xfd".iter().chain(&[0xff; 60]).copied().collect(),
        _ => b"exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n".repeat(20_000),
    }
}
