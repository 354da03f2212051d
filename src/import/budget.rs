//! How the memory of an import is shared out (decision 27). Everything that grows has its part here.

use super::options::ImportOptions;
use crate::error::{Error, Result};
use crate::limits;
use crate::partition::AssemblyBudget;
use crate::storage;

/// What the program holds besides: its pages, stacks, the allocator's own, a published batch.
const BASE: u64 = 24 << 20;
/// A table writer's row group, the block being filled, and their encoded forms.
const WRITER: u64 = 28 << 20;
/// What a writer has at least to sort stored rows again.
const REWRITE: u64 = 4 << 20;
/// Parsed rows of a chunk are at most about this many times its bytes: a level change of ten bytes is a row of 110, in lists
/// that may have grown to twice what they hold.
const PARSED_FACTOR: u64 = 24;
/// The smallest chunk that is worth its way between the threads.
const CHUNK_MIN: u64 = 64 << 10;
/// The largest chunk: more brings nothing.
const CHUNK_MAX: u64 = 512 << 10;
/// Budget of an import for each value of a JSON message: 24 bytes, and its part of the rows that the message becomes.
const BYTES_A_JSON_VALUE: u64 = 256;

/// The parts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    /// Parsing threads.
    pub(crate) threads: usize,
    /// Bytes of a chunk; a longer record makes a longer chunk.
    pub(crate) chunk_bytes: usize,
    /// Chunks between the reader and the parsers.
    pub(crate) queue: usize,
    /// Bytes of all chunks that are on the way; a chunk that is larger goes alone.
    pub(crate) way_bytes: usize,
    /// Values of one JSON message.
    pub(crate) json_values: usize,
    /// What the fast way has: all of the buffers together with the run buffers, for these are only filled when the open
    /// rows are gone.
    pub(crate) assembly: AssemblyBudget,
    /// Bytes of each parser's run buffer.
    pub(crate) run_buffer_bytes: usize,
    /// Longest record.
    pub(crate) line_bytes: usize,
    /// Decompressed bytes of an input.
    pub(crate) input_bytes: u64,
    /// Largest decompression window.
    pub(crate) window_bytes: usize,
    /// Partitions written at once.
    pub(crate) writers: usize,
    /// Bytes of the buffer that sorts stored rows again, for each writer.
    pub(crate) rewrite_bytes: usize,
    /// Run files merged at once.
    pub(crate) fan_in: usize,
    /// Partitions of the first batch; later ones are larger.
    pub(crate) batch: usize,
    /// Written files of a batch that stay open until it is published, and two batches are on their way.
    pub(crate) open_files: usize,
}

impl Budget {
    /// For sources that are read in step with a partner: the second window takes the place of most of the buffers.
    pub(crate) fn for_pairs(mut self) -> Self {
        let assembly = &mut self.assembly;
        let parts = [
            &mut assembly.open_bytes,
            &mut assembly.sealed_bytes,
            &mut assembly.index_bytes,
            &mut assembly.rest_bytes,
            &mut self.run_buffer_bytes,
        ];
        parts.into_iter().for_each(|bytes| *bytes /= 4);
        self
    }

    /// Shares out the budget of the options.
    ///
    /// # Errors
    /// `Usage` for less than [`limits::MEMORY_MIN`].
    pub(crate) fn new(options: &ImportOptions) -> Result<Self> {
        let memory = options.memory;
        if memory < limits::MEMORY_MIN {
            return Err(Error::usage(
                format!("--memory {memory} is too little"),
                format!("give at least {}MiB", limits::MEMORY_MIN >> 20),
            ));
        }
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let asked = if options.threads == 0 { cores } else { options.threads };
        // A quarter for what is on the way from the files to the buffers, five eighths of the rest for the buffers. Each
        // chunk may be parsed and wait for its turn, so each counts with its rows.
        let way = memory / 4;
        let queue = asked.min(4);
        let most = way / (CHUNK_MIN * (PARSED_FACTOR + 1));
        let threads = asked.min(usize::try_from(most).unwrap_or(asked).saturating_sub(queue + 1)).max(1);
        let chunks = (threads + queue + 1) as u64;
        let chunk = (way / (chunks * (PARSED_FACTOR + 1))).clamp(CHUNK_MIN, CHUNK_MAX);
        let buffers = (memory - way - BASE) / 8 * 5;
        // Writing begins when reading has ended, so it may use what the reading had.
        let writing = memory - buffers - BASE;
        let writers = usize::try_from(writing / (WRITER + REWRITE)).unwrap_or(1).clamp(1, threads);
        let rewrite = (writing / writers as u64).saturating_sub(WRITER).max(REWRITE);
        let bytes = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        let files = storage::open_files();
        let line_bytes = match options.source.line_bytes {
            0 => limits::LINE_BYTES.min(bytes(memory / 16)),
            given => given,
        };
        Ok(Self {
            threads,
            chunk_bytes: options.tuning.chunk_bytes.unwrap_or(bytes(chunk)).max(1),
            queue,
            way_bytes: bytes(way / (PARSED_FACTOR + 1)),
            json_values: limits::JSON_VALUES.min(bytes(memory / BYTES_A_JSON_VALUE)),
            assembly: AssemblyBudget {
                open_bytes: options.tuning.open_bytes.unwrap_or(bytes(buffers / 8 * 5)),
                sealed_bytes: options.tuning.run_buffer_bytes.unwrap_or(bytes(buffers / 16)),
                index_bytes: options.tuning.index_bytes.unwrap_or(bytes(buffers / 16 * 3)),
                rest_bytes: options.tuning.run_buffer_bytes.unwrap_or(bytes(buffers / 8)),
            },
            run_buffer_bytes: options.tuning.run_buffer_bytes.unwrap_or(bytes(buffers / 8 * 5 / threads as u64)),
            line_bytes,
            input_bytes: options.max_input_bytes.unwrap_or(u64::MAX),
            window_bytes: bytes(limits::UNPACK_WINDOW_BYTES.min(memory / 4)),
            writers,
            rewrite_bytes: bytes(rewrite / 2),
            fan_in: options.tuning.fan_in.unwrap_or((files / 4).clamp(2, 64)),
            batch: (files / 8).clamp(1, 32),
            open_files: (files / 4).clamp(1, 64),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_stay_within_the_whole() {
        for memory in [limits::MEMORY_MIN, 128 << 20, limits::MEMORY_DEFAULT, 4 << 30] {
            for threads in [1, 2, 8, 64] {
                let budget = Budget::new(&ImportOptions { memory, threads, ..ImportOptions::default() }).unwrap();
                let assembly = budget.assembly;
                // Open rows and run buffers are never full at once.
                let rows = assembly.open_bytes.max(budget.run_buffer_bytes * budget.threads);
                let kept = assembly.sealed_bytes + assembly.index_bytes + assembly.rest_bytes;
                let chunks = budget.threads + budget.queue + 1;
                let way = (budget.chunk_bytes * chunks).max(budget.way_bytes) as u64 * (PARSED_FACTOR + 1);
                let reading = BASE + (rows + kept) as u64 + way;
                let writing = BASE
                    + (budget.run_buffer_bytes * budget.threads) as u64
                    + budget.writers as u64 * (WRITER.min(memory / 4) + budget.rewrite_bytes as u64);
                assert!(reading <= memory, "{memory} {threads}: {reading}");
                // Half of what is on the way is room enough for text; the rest and two windows beside smaller buffers.
                let paired = BASE + (rows + kept) as u64 / 4 + way / 2 + 2 * budget.window_bytes as u64;
                assert!(paired <= memory + memory / 16, "{memory} {threads}: {paired}");
                assert!(writing <= memory, "{memory} {threads}: {writing}");
                assert!(budget.threads <= threads && budget.threads >= threads.min(4));
            }
        }
    }

    #[test]
    fn too_little_is_refused_by_name() {
        let options = ImportOptions { memory: limits::MEMORY_MIN - 1, ..ImportOptions::default() };
        let error = Budget::new(&options).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("64MiB"));
    }
}
