//! Parsed chunks into the assembly, in source order, by whichever thread finds the next one ready.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use crossbeam::channel::Sender;

use crate::error::Result;
use crate::input::RawChunk;
use crate::normalize::RowBatch;
use crate::partition::{Assembly, AssemblyBudget, Encoding, Run, Scratch};

/// A parsed chunk before its turn. The raw chunk is held with it: so no more of them wait than there are raw chunks.
struct Parsed {
    batches: Vec<RowBatch>,
    chunk: RawChunk,
}

#[derive(Default)]
struct Waiting {
    next: u64,
    chunks: BTreeMap<u64, Parsed>,
}

/// The assembly and the chunks that wait for it.
pub(crate) struct Turns {
    waiting: Mutex<Waiting>,
    assembly: Mutex<Assembly>,
    encoding: Arc<Encoding>,
    closed: AtomicBool,
}

impl Turns {
    pub(crate) fn new(budget: AssemblyBudget, scratch: &Scratch) -> Result<Self> {
        let assembly = Assembly::new(budget, scratch)?;
        let (encoding, closed) = (assembly.encoding(), AtomicBool::new(assembly.is_closed()));
        Ok(Self { waiting: Mutex::default(), assembly: Mutex::new(assembly), encoding, closed })
    }

    /// What encoding threads work on.
    pub(crate) fn encoding(&self) -> &Encoding {
        &self.encoding
    }

    /// True once rows are better put into run buffers at once; their chunks take their turns without rows.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Hands in chunk `number` of the run, and appends every chunk whose turn it is, unless another thread is at it.
    ///
    /// # Errors
    /// What [`Assembly::append`] says.
    pub(crate) fn submit(
        &self,
        number: u64,
        batches: Vec<RowBatch>,
        chunk: RawChunk,
        empty: &Sender<RawChunk>,
    ) -> Result<()> {
        self.waiting().chunks.insert(number, Parsed { batches, chunk });
        loop {
            let mut assembly = match self.assembly.try_lock() {
                Ok(assembly) => assembly,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => return Ok(()),
            };
            while let Some(parsed) = self.take_next() {
                for batch in &parsed.batches {
                    assembly.append(batch)?;
                }
                if assembly.is_closed() {
                    self.closed.store(true, Ordering::Relaxed);
                }
                // The reader may be gone; then nobody needs the chunk.
                let _ = empty.send(parsed.chunk);
            }
            drop(assembly);
            // A chunk that came between the last look and the release found the assembly taken.
            let waiting = self.waiting();
            if !waiting.chunks.contains_key(&waiting.next) {
                return Ok(());
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_next(&self) -> Option<Parsed> {
        let mut waiting = self.waiting();
        let next = waiting.next;
        let parsed = waiting.chunks.remove(&next)?;
        waiting.next += 1;
        Some(parsed)
    }

    /// Encodes what is open, with `threads` threads, and gives the runs.
    ///
    /// # Errors
    /// `Io` of scratch files.
    pub(crate) fn finish(self, threads: usize) -> Result<Vec<Run>> {
        let mut assembly = self.assembly.into_inner().unwrap_or_else(PoisonError::into_inner);
        assembly.hand_out_all();
        let encoding = &self.encoding;
        std::thread::scope(|scope| {
            let encode = || encoding.sealer().and_then(|mut sealer| encoding.work(&mut sealer));
            let helpers: Vec<_> = (1..threads).map(|_| scope.spawn(encode)).collect();
            let mine = encode();
            helpers.into_iter().filter_map(|helper| helper.join().ok()).fold(mine, Result::and)
        })?;
        assembly.finish()
    }
}
