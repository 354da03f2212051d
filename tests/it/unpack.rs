//! Compressed inputs: bzip2 and xz beside gzip and zstd, whole, cut, with every byte changed, and asking for too much.

use std::io::{Read, Write};

use hftcol::error::Result;
use hftcol::input::{Compression, Cutter, InputLimits, RawChunk};
use hftcol::limits::UNPACK_WINDOW_BYTES;
use liblzma::stream::{Check, Filters, LzmaOptions, Stream};

use crate::sources::{chunked, gzip, open, zstd};

pub(crate) fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    bzip2::bufread::BzEncoder::new(bytes, bzip2::Compression::fast()).read_to_end(&mut packed).unwrap();
    packed
}

/// One stream with a dictionary of so many bytes.
fn xz_with(bytes: &[u8], dictionary: u32) -> Vec<u8> {
    let mut options = LzmaOptions::new_preset(0).unwrap();
    options.dict_size(dictionary);
    let mut filters = Filters::new();
    filters.lzma2(&options);
    let stream = Stream::new_stream_encoder(&filters, Check::Crc64).unwrap();
    let mut encoder = liblzma::write::XzEncoder::new_stream(Vec::new(), stream);
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn xz(bytes: &[u8]) -> Vec<u8> {
    xz_with(bytes, 1 << 16)
}

/// All bytes that a source hands out, and what became of it.
pub(crate) fn content(name: &str, packed: &[u8], limits: &InputLimits) -> (Vec<u8>, Result<u128>) {
    let source = match open(name, packed, limits) {
        Ok(source) => source,
        Err(error) => return (Vec::new(), Err(error)),
    };
    drain(Cutter::new(source, false, limits))
}

pub(crate) fn drain(mut cutter: Cutter) -> (Vec<u8>, Result<u128>) {
    let (mut bytes, mut chunk) = (Vec::new(), RawChunk::default());
    loop {
        match cutter.next(&mut chunk) {
            Ok(true) => bytes.extend_from_slice(&chunk.bytes),
            Ok(false) => return (bytes, Ok(cutter.facts().digest)),
            Err(error) => return (bytes, Err(error)),
        }
    }
}

/// Lines that compress to several kilobytes.
fn text() -> Vec<u8> {
    (0..400_u32).flat_map(|n| format!("{n},{}\n", n.wrapping_mul(2_654_435_761)).into_bytes()).collect()
}

#[test]
fn streams_one_behind_the_other_are_one_source() {
    let text = text();
    let (one, two) = text.split_at(1_234);
    let plain = content("x", &text, &chunked(100)).1.unwrap();
    let padded = [xz(one), vec![0; 8], xz(two), vec![0; 4]].concat();
    for (packed, compression) in [
        (bzip2(&text), Compression::Bzip2),
        ([bzip2(one), bzip2(two)].concat(), Compression::Bzip2),
        (xz(&text), Compression::Xz),
        ([xz(one), xz(two)].concat(), Compression::Xz),
        (padded, Compression::Xz),
        ([gzip(one), gzip(two)].concat(), Compression::Gzip),
        ([zstd(one), zstd(two)].concat(), Compression::Zstd),
    ] {
        // The name says nothing.
        let source = open("day.csv", &packed, &InputLimits::default()).unwrap();
        assert_eq!(source.compression(), compression);
        for chunk in [1, 64, 5_000] {
            let (bytes, digest) = content("day.csv", &packed, &chunked(chunk));
            assert_eq!((bytes == text, digest.unwrap()), (true, plain), "{} in {chunk}", compression.name());
        }
    }
}

#[test]
fn a_cut_anywhere_is_told_and_what_was_before_it_is_handed_out() {
    let text = text();
    for packed in [bzip2(&text), xz(&text), gzip(&text), zstd(&text)] {
        for cut in (6..packed.len()).step_by(7).chain([packed.len() - 1]) {
            let (bytes, end) = content("x", &packed[..cut], &chunked(64));
            let error = end.unwrap_err();
            assert_eq!(error.exit_code(), 3, "cut at {cut}: {error}");
            assert!(text.starts_with(&bytes), "cut at {cut}");
            let records = bytes.iter().filter(|b| **b == b'\n').count();
            assert!(error.to_string().contains(&format!("after {records} records")), "cut at {cut}: {error}");
        }
    }
}

#[test]
fn a_changed_byte_never_changes_a_row_silently() {
    let text = text();
    for packed in [bzip2(&text), xz(&text)] {
        for at in 0..packed.len() {
            let mut bad = packed.clone();
            bad[at] ^= 1 << (at % 8);
            let (bytes, end) = content("x", &bad, &chunked(1_000));
            match end {
                Err(error) => assert_eq!(error.exit_code(), 3, "byte {at}: {error}"),
                // A header that is damaged so that it is none makes another file of it, never another text.
                Ok(_) => assert!(bytes == text || bytes == bad, "byte {at}"),
            }
        }
    }
}

#[test]
fn what_asks_for_too_large_a_window_is_refused_with_the_memory_that_would_do() {
    let text = text();
    let limits = InputLimits { window_bytes: 1 << 20, ..InputLimits::default() };
    let wide = xz_with(&text, 3 << 20);
    let fits = xz_with(&text, 1 << 20);
    assert!(content("x", &fits, &limits).1.is_ok());
    let error = content("x", &wide, &limits).1.unwrap_err();
    assert!(error.exit_code() == 3 && error.to_string().contains("--memory 12MiB"), "{error}");
    // In a later stream it is the decoder that says so.
    let zstd_wide = {
        let mut encoder = ::zstd::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(24).unwrap();
        encoder.write_all(&text).unwrap();
        encoder.finish().unwrap()
    };
    for later in [[&fits[..], &wide].concat(), [&zstd(&text)[..], &zstd_wide].concat()] {
        let (bytes, end) = content("x", &later, &limits);
        let error = end.unwrap_err();
        assert!(text.starts_with(&bytes));
        assert!(error.exit_code() == 3 && error.to_string().contains("use --memory 8MiB or more"), "{error}");
    }
}

#[test]
fn no_memory_allows_a_window_beyond_the_limit() {
    let text = text();
    let limits = InputLimits::for_memory(8 << 30);
    assert_eq!(limits.window_bytes, UNPACK_WINDOW_BYTES);
    let most = u32::try_from(UNPACK_WINDOW_BYTES).unwrap();
    // A zstd window has a power of two and eighths of it; a window of the content's length must hold the content.
    let frame = |window: u8| [&[0x28, 0xB5, 0x2F, 0xFD, 0x00, window], &[0x41, 0, 0][..], b"12345678"].concat();
    let largest = 17 << 3;
    for (fits, beyond) in
        [(xz_with(&text, most), xz_with(&text, most + (most >> 1))), (frame(largest), frame(largest + 1))]
    {
        let (bytes, end) = content("x", &fits, &limits);
        assert!(end.is_ok() && !bytes.is_empty(), "{end:?}");
        let error = content("x", &beyond, &limits).1.unwrap_err();
        let said = error.to_string();
        assert!(error.exit_code() == 3 && said.contains("at most 134217728") && said.contains("no --memory"), "{said}");
        let later = content("x", &[&zstd(&text)[..], &frame(largest + 1)].concat(), &limits).1.unwrap_err();
        assert!(later.to_string().contains("no --memory"), "{later}");
    }
}

#[test]
fn a_bomb_is_read_in_steps() {
    let limits =
        InputLimits { chunk_bytes: 1 << 16, line_bytes: 1 << 16, window_bytes: 1 << 20, ..InputLimits::default() };
    let bomb = vec![b'0'; 32 << 20];
    for packed in [bzip2(&bomb), xz(&bomb), gzip(&bomb), zstd(&bomb)] {
        assert!(packed.len() < bomb.len() / 100);
        let mut cutter = Cutter::new(open("x", &packed, &limits).unwrap(), false, &limits);
        let mut chunk = RawChunk::default();
        assert!(cutter.next(&mut chunk).unwrap());
        let refused = chunk.refused.as_ref().unwrap();
        assert_eq!((refused.length, refused.head.len()), (bomb.len() as u64, 4_096));
        assert!(!cutter.next(&mut chunk).unwrap());
        assert!(chunk.bytes.capacity() <= 1 << 18, "{}", chunk.bytes.capacity());
    }
}

#[test]
fn what_is_not_read_is_refused_by_name() {
    let limits = InputLimits::default();
    for (bytes, word) in [
        (&b"7z\xBC\xAF\x27\x1C\0\x04"[..], "7z"),
        (b"\x04\x22\x4D\x18\0", "lz4"),
        (b"Rar!\x1A\x07\0", "rar"),
        (b"LZIP\x01\x0C", "lzip"),
        (b"\x5D\0\0\x80\0", "lzma"),
        (b"PK\x03\x04rest", "an archive inside another source"),
    ] {
        let error = open("x", bytes, &limits).unwrap_err();
        assert!(error.exit_code() == 3 && error.to_string().contains(word), "{error}");
    }
    let error = open("-", b"PK\x03\x04rest", &limits).unwrap_err();
    assert!(error.to_string().contains("save it as a file"), "{error}");
}
