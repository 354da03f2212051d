//! Where windows go that outgrow a worker's memory: one nameless file a stream, each block with its checksum.

use super::destination::Destination;
use crate::error::{Error, Result};
use crate::feature::WindowScratch;
use crate::storage::ScratchFile;

/// Streams of a worker at most.
const STREAMS: usize = 8;
/// Bytes after a block: its checksum, and padding that keeps blocks aligned.
const TRAILER: usize = 8;
/// Space is given back in pieces of this many bytes.
const PIECE: u64 = 1 << 20;

/// The files of one stream.
#[derive(Debug, Default)]
struct Stream {
    file: Option<Box<dyn ScratchFile>>,
    /// Bytes of a block with its trailer.
    stride: u64,
    /// Bytes given back.
    forgotten: u64,
}

/// Scratch files in a destination's file system, made when they are needed.
pub(super) struct Spill<'a, D> {
    destination: &'a D,
    streams: [Stream; STREAMS],
    buffer: Vec<u8>,
}

impl<'a, D: Destination> Spill<'a, D> {
    pub(super) fn new(destination: &'a D) -> Self {
        Self { destination, streams: std::array::from_fn(|_| Stream::default()), buffer: Vec::new() }
    }
}

/// The checksum of a block, which no other block of the run has by its place alone.
fn checksum(stream: u32, block: u64, bytes: &[u8]) -> u32 {
    let seed = crc32c::crc32c(&(u64::from(stream) << 56 | block).to_le_bytes());
    crc32c::crc32c_append(seed, bytes)
}

fn unknown() -> Error {
    Error::damage("window-scratch", "a block that was written", "none")
}

impl<D: Destination> WindowScratch for Spill<'_, D> {
    fn clear(&mut self) -> Result<()> {
        self.streams = std::array::from_fn(|_| Stream::default());
        Ok(())
    }

    fn write(&mut self, stream: u32, block: u64, words: &[u64]) -> Result<()> {
        let to = self.streams.get_mut(stream as usize).ok_or_else(unknown)?;
        if to.file.is_none() {
            to.file = Some(self.destination.scratch()?);
        }
        let Some(file) = &mut to.file else { return Err(unknown()) };
        let bytes = bytemuck::cast_slice::<u64, u8>(words);
        self.buffer.clear();
        self.buffer.extend_from_slice(bytes);
        self.buffer.extend_from_slice(&u64::from(checksum(stream, block, bytes)).to_le_bytes());
        to.stride = self.buffer.len() as u64;
        file.write_at(block * to.stride, &self.buffer)
    }

    fn read(&mut self, stream: u32, block: u64, words: &mut [u64]) -> Result<()> {
        let from = self.streams.get_mut(stream as usize).ok_or_else(unknown)?;
        let file = from.file.as_ref().ok_or_else(unknown)?;
        let bytes = bytemuck::cast_slice_mut::<u64, u8>(words);
        self.buffer.resize(bytes.len() + TRAILER, 0);
        file.read_at(block * from.stride, &mut self.buffer)?;
        let (found, trailer) = self.buffer.split_at(bytes.len());
        let wanted = u64::from(checksum(stream, block, found)).to_le_bytes();
        if trailer != wanted {
            return Err(Error::damage(
                "window-scratch",
                format!("checksum {wanted:02x?} of block {block}"),
                format!("{trailer:02x?}"),
            ));
        }
        bytes.copy_from_slice(found);
        Ok(())
    }

    fn release(&mut self, stream: u32, below: u64) {
        let Some(of) = self.streams.get_mut(stream as usize) else { return };
        let end = below * of.stride / PIECE * PIECE;
        if let Some(file) = of.file.as_mut().filter(|_| end > of.forgotten) {
            file.forget(of.forgotten, end - of.forgotten);
            of.forgotten = end;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::nowhere::Nowhere;
    use super::*;
    use crate::storage::MemoryStorage;
    use crate::store::Store;

    #[test]
    fn blocks_come_back_and_others_are_damage() {
        let store = Store::over(Arc::new(MemoryStorage::new()), true).unwrap();
        let destination = Nowhere(store);
        let mut spill = Spill::new(&destination);
        let block = |seed: u64| (0..640).map(|i| seed * 1_000 + i).collect::<Vec<u64>>();
        for number in [0, 1, 2, 7] {
            spill.write(1, number, &block(number)).unwrap();
        }
        spill.write(1, 2, &block(99)).unwrap();
        let mut words = vec![0; 640];
        for (number, seed) in [(7, 7), (0, 0), (2, 99), (1, 1)] {
            spill.read(1, number, &mut words).unwrap();
            assert_eq!(words, block(seed));
        }
        assert!(spill.read(1, 5, &mut words).unwrap_err().to_string().contains("window-scratch"));
        assert!(spill.read(2, 0, &mut words).is_err());
        spill.release(1, 300);
        spill.write(1, 300, &block(5)).unwrap();
        spill.read(1, 300, &mut words).unwrap();
        assert_eq!(words, block(5));
        spill.clear().unwrap();
        assert!(spill.read(1, 300, &mut words).is_err());
    }
}
