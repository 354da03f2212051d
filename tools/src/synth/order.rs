//! In which order rows stand in a generated file, in bounded memory whatever its size.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use fastrand::Rng;

use super::Synth;

/// Rows are dealt to this many bucket files before they are shuffled or reversed one bucket at a time.
const BUCKETS: usize = 64;

/// Order of the rows of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// By time, securities interleaved.
    Time,
    /// At random.
    Shuffled,
}

impl Order {
    /// The word of `--order`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Shuffled => "shuffled",
        }
    }
}

impl FromStr for Order {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        match word {
            "time" => Ok(Self::Time),
            "shuffled" => Ok(Self::Shuffled),
            _ => Err(()),
        }
    }
}

/// A file that receives rows in time order and leaves them in the wanted one.
#[derive(Debug)]
pub(super) struct RowFile {
    out: BufWriter<File>,
    /// Bucket files and their paths, for [`Order::Shuffled`].
    buckets: Vec<(PathBuf, BufWriter<File>)>,
    rng: Rng,
}

impl RowFile {
    pub(super) fn create(path: &Path, header: &str, synth: &Synth) -> io::Result<Self> {
        let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
        out.write_all(header.as_bytes())?;
        let mut buckets = Vec::new();
        if synth.order == Order::Shuffled {
            for number in 0..BUCKETS {
                let path = path.with_extension(format!("bucket{number}"));
                let file = BufWriter::with_capacity(1 << 16, File::create(&path)?);
                buckets.push((path, file));
            }
        }
        Ok(Self { out, buckets, rng: Rng::with_seed(synth.seed ^ 0x5EED) })
    }

    pub(super) fn push(&mut self, line: &[u8]) -> io::Result<()> {
        if self.buckets.is_empty() {
            return self.out.write_all(line);
        }
        let bucket = self.rng.usize(0..BUCKETS);
        self.buckets[bucket].1.write_all(line)
    }

    /// Shuffles each bucket in memory and joins them.
    pub(super) fn finish(mut self) -> io::Result<()> {
        for (path, file) in self.buckets {
            file.into_inner().map_err(io::IntoInnerError::into_error)?;
            let mut lines: Vec<Vec<u8>> = BufReader::new(File::open(&path)?).split(b'\n').collect::<io::Result<_>>()?;
            self.rng.shuffle(&mut lines);
            for mut line in lines {
                line.push(b'\n');
                self.out.write_all(&line)?;
            }
            fs::remove_file(&path)?;
        }
        self.out.flush()
    }
}
