//! What the assembly and the encoding threads share: full blocks to encode, encoded blocks, buffers to use again.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use crossbeam::queue::SegQueue;

use super::open::{CAPACITY, OpenRows, room_for};
use super::seal::{Sealed, Sealer};
use super::spill::Spill;
use crate::error::Result;
use crate::partition::facts::Facts;
use crate::partition::run::corrupt;
use crate::schema::RawTable;

/// Rows that wait for their encoding.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) target: Target,
    pub(super) rows: Box<OpenRows>,
    pub(super) first_row: u64,
    pub(super) repeats: bool,
}

/// Where an encoded block goes.
#[derive(Debug)]
pub(super) enum Target {
    /// To the finished blocks of a section.
    Section(u32),
    /// To a section that is put aside and may go on.
    Aside(Filler),
}

/// The encoded rows of a section that is put aside, once they are there.
#[derive(Debug, Default)]
pub(super) struct Slot {
    sealed: Mutex<Option<Result<Sealed>>>,
    filled: Condvar,
}

/// Fills a slot, with an error if nothing else came.
#[derive(Debug)]
pub(super) struct Filler(Arc<Slot>);

impl Filler {
    pub(super) fn new(slot: &Arc<Slot>) -> Self {
        Self(Arc::clone(slot))
    }

    fn fill(&self, sealed: Result<Sealed>) {
        let mut slot = self.0.sealed.lock().unwrap_or_else(PoisonError::into_inner);
        if slot.is_none() {
            *slot = Some(sealed);
            self.0.filled.notify_all();
        }
    }
}

impl Drop for Filler {
    fn drop(&mut self) {
        self.fill(Err(corrupt("an encoding thread has ended early")));
    }
}

/// What is finished of a section.
#[derive(Debug, Default)]
pub(super) struct Finished {
    /// In no order.
    pub(super) blocks: Vec<Sealed>,
    /// By source, in no order.
    pub(super) facts: Vec<(u32, Facts)>,
}

impl Finished {
    fn add(&mut self, block: Sealed, facts: Vec<(u32, Facts)>) {
        self.blocks.push(block);
        for (source, theirs) in facts {
            match self.facts.iter_mut().find(|(of, _)| *of == source) {
                Some((_, ours)) => ours.merge(&theirs),
                None => self.facts.push((source, theirs)),
            }
        }
    }
}

/// The blocks on their way.
#[derive(Debug)]
pub struct Encoding {
    tasks: SegQueue<Task>,
    finished: Mutex<Vec<Finished>>,
    spare: SegQueue<Box<OpenRows>>,
    spare_bytes: AtomicUsize,
    spill: Arc<Spill>,
    /// Bytes of the encoded blocks' indexes.
    index_bytes: AtomicUsize,
    /// Bytes of the rows that wait.
    waiting_bytes: AtomicUsize,
}

impl Encoding {
    pub(super) fn new(spill: Arc<Spill>) -> Self {
        Self {
            tasks: SegQueue::new(),
            finished: Mutex::new(Vec::new()),
            spare: SegQueue::new(),
            spare_bytes: AtomicUsize::new(0),
            spill,
            index_bytes: AtomicUsize::new(0),
            waiting_bytes: AtomicUsize::new(0),
        }
    }

    /// A sealer for one thread.
    ///
    /// # Errors
    /// `Io` when there is no memory for the compressor.
    pub(crate) fn sealer(&self) -> Result<Sealer> {
        Sealer::new(Arc::clone(&self.spill))
    }

    /// Encodes blocks until none waits.
    ///
    /// # Errors
    /// `Io` of the scratch file.
    pub(crate) fn work(&self, sealer: &mut Sealer) -> Result<()> {
        while self.work_once(sealer)? {}
        Ok(())
    }

    /// Encodes one block; false if none waits.
    ///
    /// # Errors
    /// `Io` of the scratch file.
    pub(super) fn work_once(&self, sealer: &mut Sealer) -> Result<bool> {
        let Some(task) = self.tasks.pop() else { return Ok(false) };
        let sealed = sealer.seal(&task.rows, task.first_row, task.repeats);
        self.waiting_bytes.fetch_sub(task.rows.bytes(), Ordering::Relaxed);
        self.give_back(task.rows);
        match task.target {
            Target::Section(section) => self.finish(section, sealed?),
            Target::Aside(slot) => {
                if let Ok(sealed) = &sealed {
                    self.count(sealed);
                }
                slot.fill(sealed);
            }
        }
        Ok(true)
    }

    pub(super) fn push(&self, task: Task) {
        self.waiting_bytes.fetch_add(task.rows.bytes(), Ordering::Relaxed);
        self.tasks.push(task);
    }

    /// Bytes of the rows that wait for their encoding.
    pub(super) fn waiting_bytes(&self) -> usize {
        self.waiting_bytes.load(Ordering::Relaxed)
    }

    /// What was put aside: encodes others while that waits for its turn.
    ///
    /// # Errors
    /// `Io` of the scratch file.
    pub(super) fn take(&self, slot: &Slot, sealer: &mut Sealer) -> Result<Sealed> {
        loop {
            let mut sealed = slot.sealed.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(sealed) = sealed.take() {
                return sealed;
            }
            drop(sealed);
            if !self.work_once(sealer)? {
                // Nothing waits: another thread is at it.
                let sealed = slot.sealed.lock().unwrap_or_else(PoisonError::into_inner);
                let wait = slot.filled.wait_while(sealed, |sealed| sealed.is_none());
                drop(wait.unwrap_or_else(PoisonError::into_inner));
            }
        }
    }

    /// A block of a section that will not be changed any more.
    pub(super) fn finish(&self, section: u32, mut sealed: Sealed) {
        let facts = std::mem::take(&mut sealed.facts);
        self.count(&sealed);
        let mut finished = self.finished.lock().unwrap_or_else(PoisonError::into_inner);
        let section = section as usize;
        if finished.len() <= section {
            finished.resize_with(section + 1, Finished::default);
        }
        finished[section].add(sealed, facts);
    }

    /// The finished sections, by number.
    pub(super) fn take_finished(&self) -> Vec<Finished> {
        std::mem::take(&mut *self.finished.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// An empty buffer with room for `rows`; of those with the most room a used one where there is one.
    pub(super) fn buffer(&self, table: RawTable, sequenced: bool, decimals: usize, rows: usize) -> Box<OpenRows> {
        let spare = if room_for(rows) == CAPACITY { self.pop_spare() } else { None };
        match spare {
            Some(mut spare) => {
                spare.reset(table, sequenced, decimals);
                spare
            }
            None => Box::new(OpenRows::new(table, sequenced, decimals, rows)),
        }
    }

    /// Bytes of unused buffers.
    pub(super) fn spare_bytes(&self) -> usize {
        self.spare_bytes.load(Ordering::Relaxed)
    }

    /// Gives the memory of one unused buffer back to the system; false if there is none.
    pub(super) fn free_one(&self) -> bool {
        self.pop_spare().is_some()
    }

    fn pop_spare(&self) -> Option<Box<OpenRows>> {
        let spare = self.spare.pop()?;
        self.spare_bytes.fetch_sub(spare.bytes(), Ordering::Relaxed);
        Some(spare)
    }

    /// Takes a buffer back. Only those with the most room are kept: others are rarely of the size that is wanted.
    pub(super) fn give_back(&self, buffer: Box<OpenRows>) {
        if buffer.room == CAPACITY {
            self.spare_bytes.fetch_add(buffer.bytes(), Ordering::Relaxed);
            self.spare.push(buffer);
        }
    }

    /// Gives the memory of unused buffers back to the system.
    pub(super) fn free_buffers(&self) {
        while self.free_one() {}
    }

    /// The file of blocks that memory has no room for.
    pub(super) fn spill(&self) -> &Arc<Spill> {
        &self.spill
    }

    /// Bytes that the indexes of encoded blocks take.
    pub(super) fn index_bytes(&self) -> usize {
        self.index_bytes.load(Ordering::Relaxed)
    }

    /// A block is kept elsewhere: its index counts.
    pub(super) fn count(&self, sealed: &Sealed) {
        self.index_bytes.fetch_add(sealed.index_bytes(), Ordering::Relaxed);
    }

    /// A block that was counted is no more.
    pub(super) fn forget(&self, sealed: &Sealed) {
        self.spill.forget(&sealed.place);
        self.index_bytes.fetch_sub(sealed.index_bytes(), Ordering::Relaxed);
    }
}
