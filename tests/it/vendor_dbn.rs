//! Databento's binary files: read as the CSV they stand for, whole or not at all.

use hftcol::input::InputLimits;
use hftcol::vendor::SourceOptions;

use crate::sources::{Parsed, choose, chunked, gzip, open, parse, read, zstd};

const MBO: &[u8] = include_bytes!("../data/databento/mbo.dbn");
const MBP_1: &[u8] = include_bytes!("../data/databento/mbp-1.dbn");
const MBP_10: &[u8] = include_bytes!("../data/databento/mbp-10.dbn");
const TRADES: &[u8] = include_bytes!("../data/databento/trades.dbn");
const BARS: &[u8] = include_bytes!("../data/databento/ohlcv-1s.dbn");
const IMBALANCE: &[u8] = include_bytes!("../data/databento/imbalance.dbn");
/// Bytes of a record of trades.
const TRADE_BYTES: usize = 48;

fn rows(bytes: &[u8]) -> Parsed {
    parse("x", bytes, &SourceOptions::default(), &InputLimits::default()).unwrap()
}

#[test]
fn every_schema_gives_the_values_of_its_structs() {
    let at = "publisher-1/ESH1 2020-12-28";
    assert_eq!(
        rows(MBO).rows["orders"],
        [
            format!("{at} 1609160400000429831 1609160400000704060 1170352 1.0 2 -1|647784973705|3722.75 1"),
            format!("{at} 1609160400000431665 1609160400000711344 1170353 2.0 2 -1|647784973631|3723 1"),
        ]
    );
    assert_eq!(
        rows(TRADES).rows["trades"],
        [
            format!("{at} 1609160400098821953 1609160400099150057 1170380 1.0 -1||3720.25 5"),
            format!("{at} 1609160400107665963 1609160400108142648 1170414 2.0 -1||3720.25 21"),
        ]
    );
    assert_eq!(
        rows(MBP_1).rows["quotes"],
        [
            format!("{at} 1609160400006001487 1609160400006136329 1170362 1.0 ||3720.25 24 3720.5 11"),
            format!("{at} 1609160400006146661 1609160400006246513 1170364 2.0 ||3720.25 24 3720.5 12"),
        ]
    );
    let book = rows(MBP_10);
    let first =
        format!("{at} 1609160400000429831 1609160400000704060 1170352 1.0 ||3720.25 24 3720.5 10 3720 31 3720.75 34 ");
    assert!(book.first("book").starts_with(&first), "{}", book.first("book"));
    assert_eq!((book.count("book"), book.first("book").rsplit('|').next().unwrap().split(' ').count()), (2, 40));
    assert_eq!(
        rows(BARS).rows["ohlcv"],
        [
            format!("{at} 1609160400000000000 - - 1.0 1000000000||372025 372050 372025 372050 57"),
            format!("{at} 1609160401000000000 - - 2.0 1000000000||372050 372050 372050 372050 13"),
        ]
    );
}

#[test]
fn compression_and_chunks_change_nothing() {
    for bytes in [MBO, MBP_10, TRADES] {
        let plain = rows(bytes);
        assert_eq!((plain.records, plain.skipped["header"]), (3, 1));
        for packed in [gzip(bytes), zstd(bytes)] {
            assert_eq!(parse("x", &packed, &SourceOptions::default(), &chunked(1)).unwrap(), plain);
        }
    }
}

#[test]
fn a_schema_that_is_no_table_of_ours_is_refused() {
    let error = choose("auto", "x.dbn", IMBALANCE, &SourceOptions::default()).unwrap_err();
    assert_eq!(error.exit_code(), 3);
    assert!(error.to_string().contains("mbp-10"), "{error}");
}

/// Rows of a damaged file, or why it is refused before or while it is read.
fn damaged(bytes: &[u8]) -> Result<Parsed, String> {
    let (limits, options) = (InputLimits::default(), SourceOptions::default());
    let refused = |error: hftcol::error::Error| {
        assert_eq!(error.exit_code(), 3, "{error}");
        error.to_string()
    };
    let selected = choose("auto", "x", bytes, &options).map_err(refused)?;
    let parsed = read(open("x", bytes, &limits).unwrap(), &selected, &limits).map_err(refused)?;
    Ok(parsed.0)
}

#[test]
fn a_cut_file_is_an_error_or_ends_between_records() {
    let body = TRADES.len() - 2 * TRADE_BYTES;
    for cut in 0..TRADES.len() {
        match damaged(&TRADES[..cut]) {
            Ok(parsed) => {
                assert!(cut >= body && (cut - body) % TRADE_BYTES == 0, "cut at {cut} is taken");
                assert_eq!(parsed.count("trades"), (cut - body) / TRADE_BYTES);
            }
            Err(_) => assert!(cut < body || (cut - body) % TRADE_BYTES != 0, "cut at {cut} is refused"),
        }
    }
}

#[test]
fn a_record_that_is_no_whole_number_of_words_is_refused() {
    let body = TRADES.len() - 2 * TRADE_BYTES;
    let mut bytes = [TRADES, &TRADES[body..], &TRADES[body..]].concat();
    // 52 bytes, and behind them what looks like a record, where no struct can stand.
    bytes[body] = 13;
    bytes[body + 52] = 12;
    let odd = |size: usize, at: usize| format!("a record of {size} bytes at byte {at}");
    let refused = damaged(&bytes).unwrap_err();
    assert!(refused.contains(&odd(52, body)), "{refused}");
    bytes[body] = 0;
    let refused = damaged(&bytes).unwrap_err();
    assert!(refused.contains(&odd(0, body)), "{refused}");
    // Behind a sound one.
    bytes[body] = TRADES[body];
    bytes[body + TRADE_BYTES] = 13;
    let refused = damaged(&bytes).unwrap_err();
    assert!(refused.contains(&odd(52, body + TRADE_BYTES)), "{refused}");
}

#[test]
fn no_flipped_bit_ends_the_program() {
    for file in [MBO, TRADES, BARS] {
        for bit in 0..file.len() * 8 {
            let mut bytes = file.to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            if let Ok(parsed) = damaged(&bytes) {
                assert!(parsed.records <= 3, "bit {bit}");
            }
        }
    }
}
