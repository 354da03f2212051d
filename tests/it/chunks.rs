//! The chunk-boundary law: wherever chunks are cut, and however the source is compressed, the rows are the same. Cut and corrupt
//! sources are errors that say how far they were read.

use hftcol::error::{ErrorKind, Result};
use hftcol::input::InputLimits;
use hftcol::vendor::SourceOptions;

use crate::sources::{Parsed, choose, chunked, gzip, open, parse, read, zstd};

const TARDIS: &str = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\r\n\
    b,S,1582329602111000,1582329602418379,1,buy,1.50,1\r\n\
    \r\n\
    b,T,1582329602111001,1582329602418379,2,sell,x,1\r\n\
    b,\"S\",1582329602111002,1582329602418379,3,sell,2,1\n\
    exchange,symbol,timestamp,local_timestamp,id,side,price,amount\r\n\
    b,T,1582416002111001,1582416002111001,4,sell,3,1";
const CCXT: &str = "{\"symbol\":\"A/B\",\"bids\":[[1,2],[0.5,1]],\"asks\":[[3,4]],\"timestamp\":1723161254206}\n\
    {\"symbol\":\"A/B\",\"price\":\"1.5\",\"amount\":2,\"side\":\"buy\",\"timestamp\":1723161254207}\n\
    \n{\"broken\n{\"symbol\":\"C\",\"bids\":[[1,2]],\"asks\":[],\"timestamp\":1723161254208}";
const GENERIC: &str = "ts_ns;symbol;bid_px_0;bid_qty_0;ask_px_0;ask_qty_0\n\
    1756717200062805000;S1;1.5;2;1.6;3\n1756717200062805001;S2;1.5;;nan;3\n";

fn with(text: &[u8], limits: &InputLimits) -> Result<Parsed> {
    let options = SourceOptions::default();
    let selected = choose("auto", "x", text, &options)?;
    Ok(read(open("x", text, limits)?, &selected, limits)?.0)
}

#[test]
fn every_cut_gives_the_same_rows() {
    for text in [TARDIS, CCXT, GENERIC] {
        let whole = with(text.as_bytes(), &InputLimits::default()).unwrap();
        assert!(whole.stored > 0);
        for chunk in 1..text.len() + 2 {
            assert_eq!(with(text.as_bytes(), &chunked(chunk)).unwrap(), whole, "chunks of {chunk} bytes");
        }
    }
}

#[test]
fn compression_changes_nothing() {
    let bytes = TARDIS.as_bytes();
    let (one, two) = bytes.split_at(bytes.len() / 2);
    let plain = read(
        open("x", bytes, &chunked(9)).unwrap(),
        &choose("auto", "x", bytes, &SourceOptions::default()).unwrap(),
        &chunked(9),
    )
    .unwrap();
    for packed in [gzip(bytes), [gzip(one), gzip(two)].concat(), zstd(bytes), [zstd(one), zstd(two)].concat()] {
        let selected = choose("auto", "x", &packed, &SourceOptions::default()).unwrap();
        for chunk in [1, 7, 100, 1 << 20] {
            let (parsed, facts) =
                read(open("x", &packed, &chunked(chunk)).unwrap(), &selected, &chunked(chunk)).unwrap();
            assert_eq!(parsed, plain.0);
            assert_eq!(
                (facts.digest, facts.bytes),
                (plain.1.digest, plain.1.bytes),
                "the digest is of the plain bytes"
            );
        }
    }
}

#[test]
fn a_cut_stream_is_an_error_wherever_it_is_cut() {
    let bytes = TARDIS.repeat(3);
    for packed in [gzip(bytes.as_bytes()), zstd(bytes.as_bytes())] {
        for cut in 4..packed.len() {
            let error = with(&packed[..cut], &chunked(64)).unwrap_err();
            assert_eq!(error.exit_code(), 3, "cut at {cut}: {error}");
        }
    }
}

#[test]
fn the_error_of_a_corrupt_stream_names_file_records_and_offset() {
    let row = "b,S,1582329602111000,1582329602418379,1,buy,1.50,1\n";
    let text = format!("exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n{}", row.repeat(10));
    let mut packed = gzip(text.as_bytes());
    let crc = packed.len() - 6;
    packed[crc] ^= 1;
    let selected = choose("auto", "x", &packed, &SourceOptions::default()).unwrap();
    let error = read(open("day.csv.gz", &packed, &chunked(100)).unwrap(), &selected, &chunked(100)).unwrap_err();
    let ErrorKind::Input(fault) = error.kind() else { panic!("{error}") };
    assert_eq!(fault.path.to_str(), Some("day.csv.gz"));
    assert_eq!((fault.line, fault.byte_offset), (Some(12), Some(text.len() as u64)));
    assert!(error.to_string().contains("after 11 records"), "{error}");
}

#[test]
fn a_record_at_the_limit_is_taken_and_one_beyond_is_one_reject() {
    let row = |id: &str| format!("b,S,1582329602111000,1582329602418379,{id},buy,1.50,1");
    let header = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount";
    let base = row("").len();
    let limit = 100;
    let (fits, beyond, far) =
        (row(&"1".repeat(limit - base)), row(&"1".repeat(limit - base + 1)), row(&"1".repeat(1_000)));
    let text = [header, &row("1"), &beyond, &fits, &far, &row("2"), &far].join("\n");
    let selected = choose("auto", "x", text.as_bytes(), &SourceOptions::default()).unwrap();
    let mut first = None;
    for chunk in [1, 10, 99, 100, 101, 150, 4_000] {
        let limits = InputLimits { line_bytes: limit, chunk_bytes: chunk, ..InputLimits::default() };
        let (parsed, _) = read(open("x", text.as_bytes(), &limits).unwrap(), &selected, &limits).unwrap();
        assert_eq!(parsed.count("trades"), 3, "chunks of {chunk}");
        let lengths: Vec<_> = parsed.rejects.iter().map(|r| (r.record, r.length)).collect();
        assert_eq!(lengths, [(2, 101), (4, far.len() as u64), (6, far.len() as u64)]);
        for reject in &parsed.rejects {
            assert!(text[reject.byte_offset as usize..].starts_with(&beyond[..50]), "its offset");
            assert!(reject.reason.contains("--max-line"));
        }
        assert_eq!(*first.get_or_insert(parsed.rejects.clone()), parsed.rejects);
    }
}

#[test]
fn too_wide_or_empty_is_refused() {
    let limits = InputLimits::default();
    // A frame that asks for a window of 128 MiB where 64 are allowed.
    let wide = [0x28, 0xB5, 0x2F, 0xFD, 0x00, 17 << 3, 0, 0, 0];
    let error = open("x", &wide, &limits).unwrap_err();
    assert!(error.to_string().contains("--memory 512MiB"), "{error}");
    assert_eq!(parse("x", b"", &SourceOptions::default(), &limits).unwrap_err().exit_code(), 3);
}
