//! From sources to sorted runs: one thread reads and cuts, several parse and fill run buffers, the caller's thread
//! counts.
//!
//! ```text
//! reader --chunks--> parser (N) --in turn--> Assembly (or, out of order, the parser's run buffer)
//!    ^----- empty chunks -----'---summaries--> Collector
//! ```
//!
//! Every channel is bounded and the number of chunks is fixed, so memory is what [`Budget`] says. Summaries are counted
//! in source order; which parser took which chunk leaves no trace.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use crossbeam::channel::{Receiver, Sender, bounded};

use super::budget::Budget;
use super::collect::{ChunkSummary, Collector, Message};
use super::options::{Event, ImportOptions};
use super::order;
use super::sources::{self, Opened};
use super::turns::Turns;
use crate::error::Result;
use crate::input::{InputLimits, RawChunk};
use crate::normalize::RowBatch;
use crate::partition::{Run, RunBuffer, Scratch, Sealer};
use crate::schema::RawTable;
use crate::vendor::{self, ChunkParser, TableFacts};

/// What the later stages need of a source that was read.
#[derive(Clone, Debug)]
pub(crate) struct SourceFacts {
    pub(crate) path: PathBuf,
    pub(crate) digest: u128,
    /// Corrupt, or the same as another: none of its rows is stored.
    pub(crate) dropped: bool,
    pub(crate) tables: BTreeMap<RawTable, TableFacts>,
}

/// A chunk on its way to a parser.
struct Job {
    source: u32,
    number: u64,
    /// Number of the chunk in the run.
    turn: u64,
    parser: Arc<dyn ChunkParser>,
    chunk: RawChunk,
}

/// What the threads share.
struct Shared<'a> {
    options: &'a ImportOptions,
    budget: &'a Budget,
    scratch: &'a Scratch,
    turns: Turns,
    /// Set when the run cannot succeed any more.
    stop: AtomicBool,
    /// Bytes of the inputs taken in, as they lie on disk.
    taken: Arc<AtomicU64>,
}

impl Shared<'_> {
    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || self.options.interrupt.signal().is_some() || self.scratch.is_nowhere()
    }
}

/// Reads all sources. The collector holds the counts, the runs hold the rows.
///
/// # Errors
/// `Io` of scratch files, `Interrupted`, `Findings` with `--on-error fail`. A source that is corrupt is not an error
/// here: the collector marks it.
pub(crate) fn read(
    sources: Vec<Opened>,
    options: &ImportOptions,
    budget: &Budget,
    scratch: &Scratch,
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<(Vec<Run>, Collector)> {
    let total = sources.iter().map(|source| source.disk_bytes).sum();
    let mut collector = Collector::new(&sources, options, scratch);
    let turns = Turns::new(budget.assembly, scratch)?;
    let shared = Shared { options, budget, scratch, turns, stop: AtomicBool::new(false), taken: Arc::default() };
    let chunks = budget.threads + budget.queue + 1;
    let (full_tx, full_rx) = bounded::<Job>(budget.queue);
    let (empty_tx, empty_rx) = bounded::<RawChunk>(chunks);
    // Short: a summary holds the rejected records of a chunk, which may be all of it.
    let (message_tx, message_rx) = bounded::<Message>(budget.threads);
    for _ in 0..chunks {
        // The channel has room for all of them.
        let _ = empty_tx.send(RawChunk::default());
    }
    let mut failed = None;
    let mut runs = thread::scope(|scope| {
        let shared = &shared;
        let reader_messages = message_tx.clone();
        scope.spawn(move || read_sources(sources, shared, &empty_rx, &full_tx, &reader_messages));
        let mut parsers = Vec::new();
        for _ in 0..budget.threads {
            let (jobs, empty, messages) = (full_rx.clone(), empty_tx.clone(), message_tx.clone());
            parsers.push(scope.spawn(move || parse_chunks(shared, &jobs, &empty, &messages)));
        }
        drop((full_rx, empty_tx, message_tx));
        for message in &message_rx {
            if failed.is_none()
                && let Err(error) = collector.take(message)
            {
                failed = Some(error);
                shared.stop.store(true, Ordering::Relaxed);
            }
            let bytes = shared.taken.load(Ordering::Relaxed);
            on_event(Event::Reading { bytes, total, records: collector.records() });
        }
        parsers.into_iter().filter_map(|parser| parser.join().ok()).flatten().collect::<Vec<Run>>()
    });
    if let Some(error) = failed {
        return Err(error);
    }
    options.interrupt.check()?;
    collector.finish()?;
    runs.extend(shared.turns.finish(budget.threads)?);
    Ok((runs, collector))
}

/// The reader: cuts each source into chunks, in order.
fn read_sources(
    sources: Vec<Opened>,
    shared: &Shared<'_>,
    empty: &Receiver<RawChunk>,
    full: &Sender<Job>,
    messages: &Sender<Message>,
) {
    let limits = sources::limits(shared.budget);
    let mut reader = Reader { limits, shared, empty, full, spare: Vec::new(), on_the_way: 0, number: 0, turn: 0 };
    for (ordinal, source) in sources.into_iter().enumerate() {
        if shared.stopped() {
            return;
        }
        let ordinal = ordinal as u32;
        let end = reader.read(source, ordinal);
        // A closed channel means that the run has failed: whoever closed it has told why.
        if messages.send(Message::SourceEnd { source: ordinal, chunks: reader.number, end }).is_err() {
            return;
        }
    }
}

/// What the reader keeps between sources.
struct Reader<'a> {
    limits: InputLimits,
    shared: &'a Shared<'a>,
    empty: &'a Receiver<RawChunk>,
    full: &'a Sender<Job>,
    /// Chunks that came back and were not needed yet: the pool never shrinks.
    spare: Vec<RawChunk>,
    /// Bytes of the chunks that have not come back.
    on_the_way: usize,
    /// Chunks of the source so far.
    number: u64,
    /// Chunks of all sources so far.
    turn: u64,
}

impl Reader<'_> {
    fn read(&mut self, source: Opened, ordinal: u32) -> Result<crate::input::SourceFacts> {
        self.number = 0;
        let parser = Arc::clone(&source.parser);
        let mut cutter = source.cutter(&self.limits, &self.shared.taken)?;
        while !self.shared.stopped() {
            let Some(mut chunk) = self.spare.pop().or_else(|| self.come_back()) else { break };
            let more = cutter.next(&mut chunk);
            if !matches!(more, Ok(true)) {
                chunk.bytes.clear();
                chunk.partner.clear();
                self.spare.push(chunk);
                more?;
                break;
            }
            self.make_way(&chunk);
            let (number, turn) = (self.number, self.turn);
            let job = Job { source: ordinal, number, turn, parser: Arc::clone(&parser), chunk };
            if self.full.send(job).is_err() {
                break;
            }
            self.number += 1;
            self.turn += 1;
        }
        Ok(cutter.facts())
    }

    /// The next chunk that comes back. What a long record took is given back to the system.
    fn come_back(&mut self) -> Option<RawChunk> {
        let mut chunk = self.empty.recv().ok()?;
        self.on_the_way = self.on_the_way.saturating_sub(bytes_of(&chunk));
        let usual = 2 * self.shared.budget.chunk_bytes;
        for bytes in [&mut chunk.bytes, &mut chunk.partner] {
            if bytes.capacity() > usual {
                bytes.clear();
                bytes.shrink_to(usual);
            }
        }
        Some(chunk)
    }

    /// Waits until there is room for the rows of a chunk: long records make chunks that are longer than others.
    fn make_way(&mut self, chunk: &RawChunk) {
        while self.on_the_way > 0 && self.on_the_way + bytes_of(chunk) > self.shared.budget.way_bytes {
            let Some(back) = self.come_back() else { break };
            self.spare.push(back);
        }
        self.on_the_way += bytes_of(chunk);
    }
}

fn bytes_of(chunk: &RawChunk) -> usize {
    chunk.bytes.len() + chunk.partner.len()
}

/// A parser: chunks to rows, rows in turn to the assembly, or to its run buffer.
fn parse_chunks(
    shared: &Shared<'_>,
    jobs: &Receiver<Job>,
    empty: &Sender<RawChunk>,
    messages: &Sender<Message>,
) -> Vec<Run> {
    let mut worker =
        Worker { shared, buffer: RunBuffer::new(shared.budget.run_buffer_bytes, true), runs: Vec::new(), sealer: None };
    for job in jobs {
        if shared.stopped() {
            let _ = empty.send(job.chunk);
            continue;
        }
        let message = worker.take(job, empty).unwrap_or_else(Message::Fatal);
        if messages.send(message).is_err() {
            break;
        }
    }
    let Worker { buffer, mut runs, .. } = worker;
    if !buffer.is_empty() && !shared.stopped() {
        runs.push(Run::keep(buffer));
    }
    runs
}

struct Worker<'a> {
    shared: &'a Shared<'a>,
    buffer: RunBuffer,
    runs: Vec<Run>,
    sealer: Option<Sealer>,
}

impl Worker<'_> {
    /// Parses a chunk, then encodes what is full.
    fn take(&mut self, job: Job, empty: &Sender<RawChunk>) -> Result<Message> {
        let mut summary = ChunkSummary { source: job.source, number: job.number, ..ChunkSummary::default() };
        let turns = &self.shared.turns;
        let parsed = match vendor::parse_chunk(&*job.parser, &job.chunk, job.source) {
            Ok(parsed) => parsed,
            Err(error) => {
                turns.submit(job.turn, Vec::new(), job.chunk, empty)?;
                return Ok(Message::SourceFailed { source: job.source, number: job.number, error });
            }
        };
        for batch in &parsed.batches {
            *summary.rows.entry(batch.table).or_default() += batch.keys.len() as u64;
        }
        summary.order = order::summarise(&parsed.batches);
        summary.records = parsed.records;
        summary.stored = parsed.stored;
        summary.rejects = parsed.rejects;
        summary.skipped = parsed.skipped;
        summary.notes = parsed.notes;
        let mut batches = parsed.batches;
        if turns.is_closed() {
            for batch in batches.drain(..) {
                self.buffer_rows(&batch)?;
            }
        }
        turns.submit(job.turn, batches, job.chunk, empty)?;
        if self.sealer.is_none() {
            self.sealer = Some(turns.encoding().sealer()?);
        }
        if let Some(sealer) = &mut self.sealer {
            turns.encoding().work(sealer)?;
        }
        Ok(Message::Chunk(summary))
    }

    fn buffer_rows(&mut self, batch: &RowBatch) -> Result<()> {
        let mut from = 0;
        while from < batch.keys.len() {
            from = self.buffer.push(batch, from)?;
            if from < batch.keys.len() {
                self.runs.push(Run::spill(&mut self.buffer, self.shared.scratch)?);
            }
        }
        Ok(())
    }
}
