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
    /// An append failed: no chunk waits for its turn any more.
    failed: bool,
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

    /// Hands in chunk `number` of the run, and appends every chunk whose turn it is, unless another thread is at it. Each raw
    /// chunk goes back to `empty`, also after an error: a reader that waits for one never waits for ever.
    ///
    /// # Errors
    /// What [`Assembly::append`] says, once; later chunks are taken without a word.
    pub(crate) fn submit(
        &self,
        number: u64,
        batches: Vec<RowBatch>,
        chunk: RawChunk,
        empty: &Sender<RawChunk>,
    ) -> Result<()> {
        let mut waiting = self.waiting();
        if waiting.failed {
            let _ = empty.send(chunk);
            return Ok(());
        }
        waiting.chunks.insert(number, Parsed { batches, chunk });
        drop(waiting);
        loop {
            let mut assembly = match self.assembly.try_lock() {
                Ok(assembly) => assembly,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => return Ok(()),
            };
            while let Some(parsed) = self.take_next() {
                let appended = parsed.batches.iter().try_for_each(|batch| assembly.append(batch));
                if let Err(error) = appended {
                    let _ = empty.send(parsed.chunk);
                    self.give_up(empty);
                    return Err(error);
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

    /// Gives back the raw chunks that wait, and lets no other wait.
    fn give_up(&self, empty: &Sender<RawChunk>) {
        let mut waiting = self.waiting();
        waiting.failed = true;
        for (_, parsed) in std::mem::take(&mut waiting.chunks) {
            let _ = empty.send(parsed.chunk);
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
            let others: Vec<_> = (1..threads).map(|_| scope.spawn(encode)).collect();
            let mine = encode();
            others.into_iter().filter_map(|other| other.join().ok()).fold(mine, Result::and)
        })?;
        assembly.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalize::{ChunkBuilder, NameRule, Place, Times, Zone};
    use crate::schema::{Clock, RawTable};
    use crate::storage::{Fault, FaultStorage, MemoryStorage};
    use crossbeam::channel::bounded;

    fn batches(rows: i64) -> Vec<RowBatch> {
        let (rule, utc) = (NameRule::default(), Zone::utc());
        let mut builder = ChunkBuilder::new(Place::default(), &rule, &utc);
        let table = builder.add_table(RawTable::Trades, 1, Clock::Event);
        for row in 0..rows {
            builder.begin(row as u64);
            let batch = builder.batch(table);
            batch.decimals.extend([5, 1]);
            batch.scales.extend([0, 0]);
            batch.ints.push(1);
            let times = Times { event: row, ..Times::default() };
            builder.push_row(table, times, None, (b"v", b"S"), &[b"1"]).unwrap();
            builder.store();
        }
        builder.finish().batches
    }

    #[test]
    fn every_raw_chunk_comes_back_also_after_an_error() {
        let budget = AssemblyBudget { open_bytes: 0, sealed_bytes: 0, index_bytes: 0, rest_bytes: 1 };
        let storage = FaultStorage::new(Arc::new(MemoryStorage::new()));
        storage.fail_at(0, Fault::FromNowOn(28));
        let turns = Turns::new(budget, &Scratch::new(Arc::new(storage), "scratch-")).unwrap();
        let (empty, back) = bounded(8);
        // Chunks 1 and 2 come before their turn and wait; 0 fails when its second row has to be spilled.
        turns.submit(2, batches(3), RawChunk::default(), &empty).unwrap();
        turns.submit(1, batches(3), RawChunk::default(), &empty).unwrap();
        assert_eq!(back.len(), 0);
        turns.submit(0, batches(3), RawChunk::default(), &empty).unwrap_err();
        assert_eq!(back.len(), 3);
        turns.submit(3, batches(3), RawChunk::default(), &empty).unwrap();
        assert_eq!(back.len(), 4);
    }
}
