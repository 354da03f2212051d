//! A long file, written past the system's page cache: in, bytes front to back; out, pieces of one size, each handed to the
//! device by a thread of the file's own while the next one is filled.
//!
//! A copy in the cache costs the processor about as much as computing the bytes did, and a file that nobody reads at once has no
//! use for it. What the file system or the device cannot do so, and the end of every file, goes through the cache. A flush does not
//! wait for the device, so that the next file can be begun meanwhile: the seal and the sync do.

mod pool;

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam::channel::{Receiver, Sender, bounded};

use pool::{PIECE, PIECES, Piece, Pool};

use super::WriteFile;
use super::file::seal;
use crate::error::{Error, Result, at_path};

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
    pool: Arc<Pool>,
    state: State,
}

/// How the bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In pieces.
    Pieces,
    /// The last piece is on its way, after a flush.
    Ending,
    /// The pieces have ended: as they come.
    Plain,
    /// A write has failed; nothing more can be had of this file.
    Failed,
}

thread_local! {
    static POOL: Arc<Pool> = Arc::default();
}

/// A piece to be written: its first bytes, to this place in the file. Only the last one is not full.
type Given = (Piece, usize, u64);

/// The thread that writes.
#[derive(Debug)]
struct Lane {
    pieces: Sender<Given>,
    /// What became of each piece, with the file's own to be filled again.
    written: Receiver<io::Result<Option<Piece>>>,
    /// Pieces that the thread has.
    given: usize,
    /// No piece is filled any more: the thread lets go of the file's own.
    ending: Arc<AtomicBool>,
    pool: Arc<Pool>,
}

impl Lane {
    fn start(file: Arc<File>, pool: Arc<Pool>) -> io::Result<Self> {
        let (pieces, taken) = bounded::<Given>(PIECES + 1);
        let (done, written) = bounded(PIECES + 1);
        let ending = Arc::new(AtomicBool::new(false));
        let (is_ending, into) = (Arc::clone(&ending), Arc::clone(&pool));
        // It ends when the file lets go of it.
        std::thread::Builder::new().name("hftcol-write".to_owned()).spawn(move || {
            for (piece, filled, offset) in taken {
                let outcome = write_piece(&file, &piece.bytes()[..filled], offset);
                let own = into.take_back(piece).filter(|_| !is_ending.load(Ordering::Relaxed));
                // Nobody listens to a file that was let go of, but its pieces still go back.
                let _ = done.send(outcome.map(|()| own));
            }
        })?;
        Ok(Self { pieces, written, given: 0, ending, pool })
    }

    fn give(&mut self, piece: Piece, filled: usize, offset: u64) -> io::Result<()> {
        self.given += 1;
        self.pieces.send((piece, filled, offset)).map_err(|_| ended())
    }

    /// Waits for the oldest piece of those given; the file's own comes back.
    fn wait(&mut self) -> io::Result<Option<Piece>> {
        self.given -= 1;
        self.written.recv().unwrap_or_else(|_| Err(ended()))
    }

    /// A piece to fill: one of the pool, else the next that is written.
    fn next(&mut self) -> io::Result<Piece> {
        while !self.written.is_empty() {
            if let Some(own) = self.wait()? {
                return Ok(own);
            }
        }
        while self.given > 0 {
            if let Some(piece) = self.pool.take() {
                return Ok(piece);
            }
            if let Some(own) = self.wait()? {
                return Ok(own);
            }
        }
        self.pool.take().ok_or_else(ended)
    }

    /// Gives the last piece, and lets go of what is written.
    fn end(&mut self, rest: Piece, filled: usize, offset: u64) -> io::Result<()> {
        self.ending.store(true, Ordering::Relaxed);
        self.give(rest, filled, offset)?;
        while !self.written.is_empty() {
            self.wait()?;
        }
        Ok(())
    }
}

fn ended() -> io::Error {
    io::Error::other("the writing thread has ended early")
}

/// Writes a piece; through the cache where the device refuses it as it is, or where it is no whole number of blocks.
fn write_piece(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    if bytes.len() < PIECE {
        set_direct(file, false)?;
        return file.write_all_at(bytes, offset);
    }
    match file.write_all_at(bytes, offset) {
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
            pool: POOL.with(Arc::clone),
            state: State::Pieces,
        }
    }

    /// Gives the full piece to the thread.
    fn hand_over(&mut self) -> io::Result<()> {
        let mut lane = match self.lane.take() {
            Some(lane) => lane,
            None => Lane::start(Arc::clone(&self.file), Arc::clone(&self.pool))?,
        };
        let full = std::mem::replace(&mut self.piece, Piece::none());
        lane.give(full, PIECE, self.offset)?;
        self.piece = lane.next()?;
        self.lane = Some(lane);
        self.offset += PIECE as u64;
        self.filled = 0;
        Ok(())
    }

    /// Has what is left written.
    fn end_pieces(&mut self) -> io::Result<()> {
        let rest = std::mem::replace(&mut self.piece, Piece::none());
        let (filled, offset) = (std::mem::take(&mut self.filled), self.offset);
        self.offset += filled as u64;
        if let Some(lane) = &mut self.lane {
            lane.end(rest, filled, offset)?;
        } else if filled > 0 {
            write_piece(&self.file, &rest.bytes()[..filled], offset)?;
        } else {
            set_direct(&self.file, false)?;
        }
        self.state = State::Ending;
        Ok(())
    }

    /// Waits until all is written that was given.
    fn wait(&mut self) -> io::Result<()> {
        if let Some(mut lane) = self.lane.take() {
            while lane.given > 0 {
                lane.wait()?;
            }
        }
        self.state = State::Plain;
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
            State::Ending => {
                self.step(Self::wait)?;
                self.take(bytes)
            }
            State::Plain => {
                let count = self.file.write_at(bytes, self.offset)?;
                self.offset += count as u64;
                Ok(count)
            }
            State::Pieces => {
                if self.piece.memory.is_empty() {
                    self.piece = Piece::new(false);
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

    /// Has everything written and waits for it.
    fn finish(&mut self) -> Result<()> {
        self.end().and_then(|()| self.step(Self::wait)).map_err(|e| Error::io("write", &self.path, e))
    }

    /// What is left goes on its way to the file, as a flush does.
    fn end(&mut self) -> io::Result<()> {
        match self.state {
            State::Failed => Err(io::Error::other("an earlier write of this file has failed")),
            State::Ending | State::Plain => Ok(()),
            State::Pieces => self.step(Self::end_pieces),
        }
    }
}

impl Drop for DirectFile {
    /// A file that is let go of in the midst of a piece gives that back, too.
    fn drop(&mut self) {
        let piece = std::mem::replace(&mut self.piece, Piece::none());
        drop(self.pool.take_back(piece));
    }
}

impl WriteFile for DirectFile {
    fn sync(&mut self) -> Result<()> {
        self.finish()?;
        self.file.sync_all().map_err(|e| Error::io("fsync", &self.path, e))
    }

    /// Waits as well: what comes after may be one sync of the whole file system, which knows nothing of pieces on their way.
    fn seal(&mut self) -> Result<()> {
        self.finish()?;
        seal(&self.file, &self.path)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::time::Duration;

    use super::pool::ALIGN;
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
        let made = || POOL.with(|pool| pool.made.load(Ordering::Relaxed));
        let free = || POOL.with(|pool| pool.free().len());
        for _ in 0..3 {
            for (_, file) in &mut files {
                file.write_all(&bytes).unwrap();
                assert!(made() <= PIECES);
            }
        }
        // One is let go of in the midst of its pieces.
        files.pop();
        for (path, file) in &mut files {
            file.sync().unwrap();
            assert!(std::fs::read(path).unwrap() == bytes.repeat(3));
        }
        // It may still be on its way.
        let waits = (0..10_000).take_while(|_| free() < made()).map(|_| std::thread::sleep(Duration::from_millis(1)));
        assert!(waits.count() < 10_000, "{} pieces of {} came back", free(), made());
    }

    #[test]
    fn a_sealed_file_is_whole_before_any_sync() {
        let folder = tempfile::tempdir().unwrap();
        let bytes: Vec<u8> = (0..5 * PIECE + 77).map(|i| (i % 241) as u8).collect();
        for number in 0..20 {
            let path = folder.path().join(number.to_string());
            let mut file = DirectFile::new(File::create_new(&path).unwrap(), &path);
            file.write_all(&bytes).unwrap();
            file.flush().unwrap();
            file.seal().unwrap();
            assert!(std::fs::read(&path).unwrap() == bytes);
        }
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
