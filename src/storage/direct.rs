//! A long file, written past the system's page cache: in, bytes front to back; out, pieces of one size, each handed to the
//! device by a thread of the file's own while the next one is filled.
//!
//! A copy in the cache costs the processor about as much as computing the bytes did, and a file that nobody reads at once has no
//! use for it. What the file system or the device cannot do so, and the end of every file, goes through the cache.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crossbeam::channel::{Receiver, Sender, bounded};

use super::WriteFile;
use super::file::seal;
use crate::error::{Error, Result, at_path};

/// Bytes of a piece.
const PIECE: usize = 512 << 10;
/// Pieces that the long files of one thread have besides the one that each is filling: a block of a wide table comes all at once, and
/// a device pauses now and then for longer than a block takes.
const PIECES: usize = 9;
/// Where a piece begins, in memory and in the file: what every device accepts.
const ALIGN: usize = 4_096;

/// A file being written.
#[derive(Debug)]
pub(super) struct DirectFile {
    file: Arc<File>,
    path: PathBuf,
    piece: Piece,
    filled: usize,
    /// Where the piece goes; behind the last byte once there is none.
    offset: u64,
    lane: Option<Lane>,
    shared: Arc<AtomicUsize>,
    state: State,
}

/// How the bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In pieces.
    Pieces,
    /// The pieces have ended with a flush: as they come.
    Plain,
    /// A write has failed; nothing more can be had of this file.
    Failed,
}

/// Memory of one piece.
#[derive(Debug)]
struct Piece {
    memory: Vec<u8>,
    start: usize,
}

impl Piece {
    fn none() -> Self {
        Self { memory: Vec::new(), start: 0 }
    }

    fn new() -> Self {
        let memory = vec![0; PIECE + ALIGN];
        let start = memory.as_ptr().align_offset(ALIGN).min(ALIGN);
        Self { memory, start }
    }

    fn bytes(&self) -> &[u8] {
        &self.memory[self.start..self.start + PIECE]
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.memory[self.start..self.start + PIECE]
    }
}

thread_local! {
    /// What the long files that a thread has created hold together, so that its memory does not grow with their number.
    static SHARED: Arc<AtomicUsize> = Arc::default();
}

/// The thread that writes.
#[derive(Debug)]
struct Lane {
    pieces: Sender<(Piece, u64)>,
    written: Receiver<io::Result<Piece>>,
    /// Pieces that the thread has.
    given: usize,
    /// Pieces beyond the first, which count in `shared`.
    extra: usize,
    shared: Arc<AtomicUsize>,
}

impl Lane {
    fn start(file: Arc<File>, shared: Arc<AtomicUsize>) -> io::Result<Self> {
        let (pieces, taken) = bounded::<(Piece, u64)>(PIECES + 1);
        let (done, written) = bounded(PIECES + 1);
        // It ends when the file lets go of it.
        std::thread::Builder::new().name("hftcol-write".to_owned()).spawn(move || {
            for (piece, offset) in taken {
                let outcome = write_piece(&file, piece.bytes(), offset).map(|()| piece);
                if done.send(outcome).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { pieces, written, given: 0, extra: 0, shared })
    }

    fn give(&mut self, piece: Piece, offset: u64) -> io::Result<()> {
        self.given += 1;
        self.pieces.send((piece, offset)).map_err(|_| ended())
    }

    /// The oldest piece of those given, when it is written.
    fn take_back(&mut self) -> io::Result<Piece> {
        self.given -= 1;
        self.written.recv().unwrap_or_else(|_| Err(ended()))
    }

    /// A piece to fill: one that is written, else a new one while there may be more. What else is written is given up, so that the
    /// thread's other files may have as many.
    fn next(&mut self) -> io::Result<Piece> {
        if self.written.is_empty() {
            return if self.may_have_more() { Ok(Piece::new()) } else { self.take_back() };
        }
        let piece = self.take_back()?;
        while self.extra > 0 && !self.written.is_empty() {
            self.take_back()?;
            self.give_up(1);
        }
        Ok(piece)
    }

    fn may_have_more(&mut self) -> bool {
        let more = |count: usize| (count < PIECES).then_some(count + 1);
        let granted = self.shared.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok();
        self.extra += usize::from(granted);
        granted
    }

    fn give_up(&mut self, pieces: usize) {
        self.extra -= pieces;
        self.shared.fetch_sub(pieces, Ordering::Relaxed);
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.give_up(self.extra);
    }
}

fn ended() -> io::Error {
    io::Error::other("the writing thread has ended early")
}

/// Writes a piece; through the cache where the device refuses it as it is.
fn write_piece(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    let outcome = file.write_all_at(bytes, offset);
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
            set_direct(file, false)?;
            file.write_all_at(bytes, offset)
        }
        outcome => outcome,
    }
}

#[cfg(target_os = "linux")]
fn set_direct(file: &File, direct: bool) -> io::Result<()> {
    let mut flags = rustix::fs::fcntl_getfl(file)?;
    flags.set(rustix::fs::OFlags::DIRECT, direct);
    Ok(rustix::fs::fcntl_setfl(file, flags)?)
}

#[cfg(not(target_os = "linux"))]
fn set_direct(_file: &File, _direct: bool) -> io::Result<()> {
    Ok(())
}

impl DirectFile {
    /// A file that was just created.
    pub(super) fn new(file: File, path: &Path) -> Self {
        // A file system that does not know it writes the same pieces through the cache.
        let _ = set_direct(&file, true);
        Self {
            file: Arc::new(file),
            path: path.to_owned(),
            piece: Piece::none(),
            filled: 0,
            offset: 0,
            lane: None,
            shared: SHARED.with(Arc::clone),
            state: State::Pieces,
        }
    }

    /// Gives the full piece to the thread.
    fn hand_over(&mut self) -> io::Result<()> {
        let mut lane = match self.lane.take() {
            Some(lane) => lane,
            None => Lane::start(Arc::clone(&self.file), Arc::clone(&self.shared))?,
        };
        let full = std::mem::replace(&mut self.piece, Piece::none());
        lane.give(full, self.offset)?;
        self.piece = lane.next()?;
        self.lane = Some(lane);
        self.offset += PIECE as u64;
        self.filled = 0;
        Ok(())
    }

    /// Waits for the thread and writes what is left.
    fn end_pieces(&mut self) -> io::Result<()> {
        if let Some(mut lane) = self.lane.take() {
            while lane.given > 0 {
                lane.take_back()?;
            }
        }
        // The rest is no whole number of blocks.
        set_direct(&self.file, false)?;
        let rest = std::mem::replace(&mut self.piece, Piece::none());
        if self.filled > 0 {
            self.file.write_all_at(&rest.bytes()[..self.filled], self.offset)?;
        }
        self.offset += self.filled as u64;
        self.filled = 0;
        Ok(())
    }

    /// Runs a step after which, if it fails, the file is lost.
    fn step(&mut self, step: impl FnOnce(&mut Self) -> io::Result<()>) -> io::Result<()> {
        let outcome = step(self);
        if outcome.is_err() {
            self.state = State::Failed;
        }
        outcome
    }
}

impl io::Write for DirectFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.take(bytes).map_err(|e| at_path(&self.path, e))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.end().map_err(|e| at_path(&self.path, e))
    }
}

impl DirectFile {
    /// Takes some of the bytes, as a write does.
    fn take(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.state {
            State::Failed => Err(io::Error::other("an earlier write of this file has failed")),
            State::Plain => {
                let count = self.file.write_at(bytes, self.offset)?;
                self.offset += count as u64;
                Ok(count)
            }
            State::Pieces => {
                if self.piece.memory.is_empty() {
                    self.piece = Piece::new();
                }
                let count = bytes.len().min(PIECE - self.filled);
                self.piece.bytes_mut()[self.filled..self.filled + count].copy_from_slice(&bytes[..count]);
                self.filled += count;
                if self.filled == PIECE {
                    self.step(Self::hand_over)?;
                }
                Ok(count)
            }
        }
    }

    /// What is left goes to the file, as a flush does.
    fn end(&mut self) -> io::Result<()> {
        match self.state {
            State::Failed => Err(io::Error::other("an earlier write of this file has failed")),
            State::Plain => Ok(()),
            State::Pieces => {
                self.step(Self::end_pieces)?;
                self.state = State::Plain;
                Ok(())
            }
        }
    }
}

impl WriteFile for DirectFile {
    fn sync(&mut self) -> Result<()> {
        io::Write::flush(self).map_err(|e| Error::io("write", &self.path, e))?;
        self.file.sync_all().map_err(|e| Error::io("fsync", &self.path, e))
    }

    fn seal(&mut self) -> Result<()> {
        seal(&self.file, &self.path)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// Writes `chunks` to a new file, flushes after the one of number `flush_after`, and returns what stands in the file.
    fn written(chunks: &[&[u8]], flush_after: usize) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("long");
        let mut file = DirectFile::new(File::create_new(&path).unwrap(), &path);
        for (number, chunk) in chunks.iter().enumerate() {
            file.write_all(chunk).unwrap();
            if number == flush_after {
                file.flush().unwrap();
            }
        }
        file.sync().unwrap();
        std::fs::read(&path).unwrap()
    }

    #[test]
    fn every_byte_arrives_in_its_place() {
        let bytes: Vec<u8> = (0..6 * PIECE + 12_345).map(|i| (i * 31 % 251) as u8).collect();
        for length in [0, 1, ALIGN, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, bytes.len()] {
            let bytes = &bytes[..length];
            let (a, b) = bytes.split_at(length / 3);
            for flush_after in 0..3 {
                assert_eq!(written(&[a, b], flush_after), bytes, "{length} bytes");
            }
            let small: Vec<&[u8]> = bytes.chunks(100_003).collect();
            assert_eq!(written(&small, 2), bytes, "{length} bytes in chunks");
        }
    }

    #[test]
    fn files_of_a_thread_share_its_pieces() {
        let folder = tempfile::tempdir().unwrap();
        let bytes: Vec<u8> = (0..3 * PIECE).map(|i| (i % 253) as u8).collect();
        let mut files: Vec<(PathBuf, DirectFile)> = (0..2 * PIECES)
            .map(|number| folder.path().join(number.to_string()))
            .map(|path| (path.clone(), DirectFile::new(File::create_new(&path).unwrap(), &path)))
            .collect();
        let held = || SHARED.with(|shared| shared.load(Ordering::Relaxed));
        for _ in 0..3 {
            for (_, file) in &mut files {
                file.write_all(&bytes).unwrap();
                assert!(held() <= PIECES);
            }
        }
        // One is let go of in the midst of its pieces.
        files.pop();
        for (path, file) in &mut files {
            file.sync().unwrap();
            assert!(std::fs::read(path).unwrap() == bytes.repeat(3));
        }
        assert_eq!(held(), 0);
    }

    #[test]
    fn a_failed_write_is_told_and_final() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("long");
        std::fs::write(&path, b"").unwrap();
        // Opened for reading only: the device refuses the first piece.
        let mut file = DirectFile::new(File::open(&path).unwrap(), &path);
        let bytes = vec![7; 2 * PIECES * PIECE];
        assert!(file.write_all(&bytes).is_err());
        assert!(file.write_all(b"x").is_err());
        assert!(file.flush().is_err());
        assert!(file.sync().is_err());
    }
}
