//! Real archives and streams: every byte is unpacked, the sizes are those that other tools tell.

use std::path::{Path, PathBuf};

use hftcol::input::{Compression, Cutter, InputLimits, RawChunk, Source, expand};

use crate::shared;

/// Bytes and lines of a source.
fn measure(path: &Path, limits: &InputLimits) -> (u64, u64, u64) {
    let mut cutter = Cutter::new(Source::open(path, limits).unwrap(), false, limits);
    let (mut chunk, mut bytes) = (RawChunk::default(), 0);
    while cutter.next(&mut chunk).unwrap() {
        bytes += chunk.bytes.len() as u64;
    }
    (bytes, cutter.facts().bytes, cutter.facts().records)
}

#[test]
fn zip_members_are_sources() {
    for (archive, member, bytes, lines) in [
        ("china_l2/SHorders.zip", "SHorders.csv", 19_523_083, 149_360),
        ("china_l2/SHtrans.zip", "SHtrans.csv", 16_113_538, 109_617),
        ("bybit_ob500/xrpusdt-ob500.data.zip", "2024-12-01_XRPUSDT_ob500.data", 80_382, 50),
    ] {
        let inputs = expand(&[shared(archive)]).unwrap();
        let [input] = &inputs[..] else { panic!("{inputs:?}") };
        assert_eq!(input.path(), PathBuf::from(format!("{}!{member}", shared(archive).display())));
        let path = input.path().to_owned();
        assert_eq!(measure(&path, &InputLimits::default()), (bytes, bytes, lines), "{archive}");
    }
    let tick = PathBuf::from(format!("{}!tick.csv", shared("china_l2/tick.zip").display()));
    assert_eq!(measure(&tick, &InputLimits::default()).1, 13_916_610);
}

#[test]
fn xz_streams_with_a_dictionary_as_large_as_allowed() {
    for (file, bytes) in [("bitstamp_l3/2015-05-01.log.xz", 12_152_175), ("bitstamp_l3/orders.csv.xz", 3_326_592)] {
        let path = shared(file);
        // The dictionary is 64 MiB: a quarter of 256.
        let limits = InputLimits::default();
        assert_eq!(Source::open(&path, &limits).unwrap().compression(), Compression::Xz);
        assert_eq!(measure(&path, &limits).1, bytes, "{file}");
        let error = Source::open(&path, &InputLimits::for_memory(255 << 20)).unwrap_err();
        assert!(error.exit_code() == 3 && error.to_string().contains("use --memory 256MiB or more"), "{error}");
    }
}
