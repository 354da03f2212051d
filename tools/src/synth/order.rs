//! In which order rows stand in a generated file, in bounded memory whatever its size.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use fastrand::Rng;

use super::Synth;

/// Rows are dealt to this many bucket files before each bucket is shuffled in memory.
const BUCKETS: usize = 64;
/// Bytes of the parts that are turned around in memory.
const PART_BYTES: usize = 32 << 20;

/// Order of the rows of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// By time, securities interleaved.
    Time,
    /// At random.
    Shuffled,
    /// By time, the latest first.
    Reversed,
    /// One security after the other, each by time.
    Grouped,
}

impl Order {
    /// The word of `--order`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Shuffled => "shuffled",
            Self::Reversed => "reversed",
            Self::Grouped => "grouped",
        }
    }
}

impl FromStr for Order {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        match word {
            "time" => Ok(Self::Time),
            "shuffled" => Ok(Self::Shuffled),
            "reversed" => Ok(Self::Reversed),
            "grouped" => Ok(Self::Grouped),
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
    /// Where the file lies, the rows that wait to be turned around and the files of those before, for [`Order::Reversed`].
    reversed: Option<(PathBuf, Vec<u8>, Vec<PathBuf>)>,
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
        let reversed = (synth.order == Order::Reversed).then(|| (path.to_owned(), Vec::new(), Vec::new()));
        Ok(Self { out, buckets, rng: Rng::with_seed(synth.seed ^ 0x5EED), reversed })
    }

    pub(super) fn push(&mut self, line: &[u8]) -> io::Result<()> {
        if let Some((path, part, files)) = &mut self.reversed {
            part.extend_from_slice(line);
            if part.len() >= PART_BYTES {
                let file = path.with_extension(format!("part{}", files.len()));
                write_reversed(part, &mut BufWriter::new(File::create(&file)?))?;
                part.clear();
                files.push(file);
            }
            return Ok(());
        }
        if self.buckets.is_empty() {
            return self.out.write_all(line);
        }
        let bucket = self.rng.usize(0..BUCKETS);
        self.buckets[bucket].1.write_all(line)
    }

    /// Joins the parts, the last one first; shuffles each bucket in memory and joins them.
    pub(super) fn finish(mut self) -> io::Result<()> {
        if let Some((_, part, files)) = &self.reversed {
            write_reversed(part, &mut self.out)?;
            for file in files.iter().rev() {
                io::copy(&mut File::open(file)?, &mut self.out)?;
                fs::remove_file(file)?;
            }
        }
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

/// Writes the lines of `part`, which end with a newline, the last one first.
fn write_reversed(part: &[u8], out: &mut BufWriter<File>) -> io::Result<()> {
    for line in part.split_inclusive(|byte| *byte == b'\n').rev() {
        out.write_all(line)?;
    }
    out.flush()
}
