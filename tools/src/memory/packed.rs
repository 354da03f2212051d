//! Packed inputs whose reading takes memory of its own: windows and dictionaries.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::cases::{Sizes, synth, words};
use crate::synth::{Layout, Order};

/// Bits of the window that the large cases ask for: 64 MiB.
const WINDOW_LOG: u32 = 26;

/// How a file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pack {
    Gzip,
    Xz,
    Zstd,
}

/// A market whose files are packed.
pub(super) fn one(sizes: &Sizes, raw: &Path, pack: Pack) -> io::Result<Vec<String>> {
    // Packing with a large window is slow: a tenth of the bytes, and still more than the window.
    let bytes = if pack == Pack::Gzip { sizes.bytes } else { (sizes.bytes / 10).max(80_000_000) };
    let found = synth(&Sizes { bytes, ..*sizes }, raw, Order::Time, (5, 2), Layout::Wide, 10)?;
    for entry in fs::read_dir(raw)? {
        let path = entry?.path();
        pack_file(&path, pack)?;
    }
    Ok(found)
}

/// Messages and order book of a day, each packed with a dictionary of 64 MiB.
pub(super) fn pair(sizes: &Sizes, raw: &Path) -> io::Result<Vec<String>> {
    let stem = "XYZ_2012-06-21_34200000_57600000";
    let [messages, book] = ["message", "orderbook"].map(|kind| raw.join(format!("{stem}_{kind}_10.csv")));
    let rows = (sizes.bytes / 10).max(140_000_000) / 180;
    let mut out = [BufWriter::new(File::create(&messages)?), BufWriter::new(File::create(&book)?)];
    let mut rng = fastrand::Rng::with_seed(sizes.seed);
    for row in 0..rows {
        // Sizes and ids at random, so that a dictionary has something to hold.
        let seconds = 34_200.0 + 23_400.0 * row as f64 / rows as f64;
        let (id, size) = (rng.u32(1..), rng.u32(1..500));
        writeln!(out[0], "{seconds:.9},1,{id},{size},2238100,1")?;
        for level in 0..10_u32 {
            let comma = if level == 0 { "" } else { "," };
            let (ask, bid) = (2_239_500 + 100 * level, 2_238_100 - 100 * level);
            write!(out[1], "{comma}{ask},{},{bid},{}", rng.u32(1..900), rng.u32(1..900))?;
        }
        writeln!(out[1])?;
    }
    for mut file in out {
        file.flush()?;
    }
    for path in [&messages, &book] {
        pack_file(path, Pack::Xz)?;
    }
    Ok(words(&["RAW", "--format", "lobster"]))
}

fn pack_file(path: &Path, pack: Pack) -> io::Result<()> {
    let mut source = File::open(path)?;
    let target = |ending: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        File::create(name)
    };
    match pack {
        Pack::Gzip => {
            let mut out = flate2::write::GzEncoder::new(target(".gz")?, flate2::Compression::fast());
            io::copy(&mut source, &mut out)?;
            out.finish()?;
        }
        Pack::Zstd => {
            let mut out = zstd::stream::write::Encoder::new(target(".zst")?, 3)?;
            out.window_log(WINDOW_LOG)?;
            io::copy(&mut source, &mut out)?;
            out.finish()?;
        }
        Pack::Xz => {
            // A cheap search with the dictionary of -9: what reading takes is the dictionary alone.
            let mut options = liblzma::stream::LzmaOptions::new_preset(0).map_err(io::Error::other)?;
            options.dict_size(1 << WINDOW_LOG);
            let mut filters = liblzma::stream::Filters::new();
            filters.lzma2(&options);
            let stream = liblzma::stream::Stream::new_stream_encoder(&filters, liblzma::stream::Check::Crc64)
                .map_err(io::Error::other)?;
            let mut out = liblzma::write::XzEncoder::new_stream(target(".xz")?, stream);
            io::copy(&mut source, &mut out)?;
            out.finish()?;
        }
    }
    fs::remove_file(path)
}
