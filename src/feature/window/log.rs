//! A log of records of one width that many readers follow at their own distance, in memory of a fixed size.
//!
//! Records stand in blocks. Blocks that every reader has left are used again at once, so that a short window stays in
//! the caches. When memory is full, the oldest block goes to the run's scratch ([`WindowScratch`]), and a reader that is
//! still there reads it back into a block of its own: the same values on both ways.

use crate::error::Result;
use crate::merge::Aligned;

/// Records of a block.
pub(crate) const BLOCK: usize = 64;
/// Fewest blocks in memory: those of a batch, and the one before them.
pub(crate) const SLOTS_MIN: usize = 8;

/// Where blocks of windows go that do not fit in memory; one partition at a time.
///
/// A block may be written again; then the last words count. What was written must come back unchanged, or an error.
pub trait WindowScratch {
    /// Forgets everything: another partition begins.
    ///
    /// # Errors
    /// `Io`.
    fn clear(&mut self) -> Result<()>;
    /// Keeps a block of a stream; the blocks of a stream have one length.
    ///
    /// # Errors
    /// `Io`.
    fn write(&mut self, stream: u32, block: u64, words: &[u64]) -> Result<()>;
    /// Reads a block that was written.
    ///
    /// # Errors
    /// `Damage` where it is not what was written, `Io`.
    fn read(&mut self, stream: u32, block: u64, words: &mut [u64]) -> Result<()>;
    /// Blocks of the stream below this one are not read again.
    fn release(&mut self, stream: u32, below: u64);
}

/// The records.
#[derive(Debug)]
pub(crate) struct BlockLog {
    stream: u32,
    width: usize,
    /// Whether the first word of every record stands apart, those of a block side by side before its records.
    with_heads: bool,
    /// The blocks in memory, then one block for each reader.
    words: Aligned<u64>,
    slots: usize,
    /// Slot of block b at b modulo its length, a power of two.
    slot_of: Vec<u32>,
    free: Vec<u32>,
    /// First block in memory; those from `needed` up to it are in the scratch.
    first: u64,
    needed: u64,
    len: u64,
}

/// A reader's place in a log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader {
    number: usize,
    /// The record it stands at.
    pub(crate) record: u64,
    /// Block in its own memory, if any.
    own: Option<u64>,
}

impl Reader {
    pub(crate) fn new(number: usize) -> Self {
        Self { number, record: 0, own: None }
    }

    pub(crate) fn reset(&mut self) {
        self.go_to(0);
    }

    /// Goes to a record, forward or back.
    pub(crate) fn go_to(&mut self, record: u64) {
        self.record = record;
        self.own = None;
    }

    /// Forgets the block that it read back.
    pub(crate) fn forget(&mut self) {
        self.own = None;
    }
}

impl BlockLog {
    /// A log of records of `width` words in at most `bytes` bytes, for `readers` readers.
    pub(crate) fn new(stream: u32, width: usize, bytes: usize, readers: usize) -> Self {
        Self::with_heads(stream, width, bytes, readers, false)
    }

    /// The same for records whose first word is looked through by itself: [`BlockLog::heads`]. It never falls from record to
    /// record; behind the last record it is the largest number.
    pub(crate) fn with_heads(stream: u32, width: usize, bytes: usize, readers: usize, with_heads: bool) -> Self {
        let block = width * BLOCK;
        let slots = (bytes / (8 * block)).max(SLOTS_MIN);
        let mut log = Self {
            stream,
            width,
            with_heads,
            words: Aligned::new(0, block * (slots + readers)),
            slots,
            slot_of: vec![0; slots.next_power_of_two()],
            free: Vec::with_capacity(slots),
            first: 0,
            needed: 0,
            len: 0,
        };
        log.reset();
        log
    }

    pub(crate) fn bytes(&self) -> usize {
        8 * self.words.len() + 8 * self.slots
    }

    pub(crate) fn reset(&mut self) {
        (self.first, self.needed, self.len) = (0, 0, 0);
        self.free.clear();
        self.free.extend((0..self.slots as u32).rev());
    }

    /// Starts anew with `record` as the number of the next record.
    pub(crate) fn start_at(&mut self, record: u64, scratch: &mut dyn WindowScratch) -> Result<()> {
        self.reset();
        let block = record / BLOCK as u64;
        (self.first, self.needed, self.len) = (block, block, block * BLOCK as u64);
        while self.len < record {
            self.push(scratch)?;
            if self.with_heads {
                // Heads never fall, also where nothing is.
                let head = self.last_head();
                self.words[head] = i64::MIN.cast_unsigned();
            }
        }
        Ok(())
    }

    /// Copies the record of a reader, its head first.
    pub(crate) fn copy_to(
        &mut self,
        reader: &mut Reader,
        out: &mut [u64],
        scratch: &mut dyn WindowScratch,
    ) -> Result<()> {
        let (base, _) = self.locate_block(reader, scratch)?;
        let place = reader.record as usize % BLOCK;
        let heads = usize::from(self.with_heads);
        let (head, body) = out.split_at_mut(heads);
        head.copy_from_slice(&self.words[base + place..base + place + heads]);
        let at = base + self.inside(place);
        body.copy_from_slice(&self.words[at..at + self.width - heads]);
        Ok(())
    }

    /// Appends what [`BlockLog::copy_to`] copied.
    pub(crate) fn push_copy(&mut self, record: &[u64], scratch: &mut dyn WindowScratch) -> Result<()> {
        let at = self.push(scratch)?;
        let (head, body) = record.split_at(usize::from(self.with_heads));
        let head_at = self.last_head();
        self.words[head_at..head_at + head.len()].copy_from_slice(head);
        self.words[at..at + body.len()].copy_from_slice(body);
        Ok(())
    }

    /// What may be taken off all numbers from `record` on, so that they stay small from date to date: a number keeps its
    /// place in its block, and none becomes 0 that was not.
    pub(crate) fn spare(record: u64) -> u64 {
        (record / BLOCK as u64).saturating_sub(1) * BLOCK as u64
    }

    /// Records appended.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    #[inline(always)]
    pub(crate) fn words(&self) -> &[u64] {
        &self.words
    }

    #[inline(always)]
    pub(crate) fn words_mut(&mut self) -> &mut [u64] {
        &mut self.words
    }

    #[inline(always)]
    fn key(&self, block: u64) -> usize {
        block as usize & (self.slot_of.len() - 1)
    }

    /// Where a block in memory begins in [`BlockLog::words`].
    #[inline(always)]
    fn base(&self, block: u64) -> usize {
        self.slot_of[self.key(block)] as usize * BLOCK * self.width
    }

    /// Where a record of a block begins, counted from the block's begin, its head left out.
    #[inline(always)]
    pub(crate) fn inside(&self, place: usize) -> usize {
        if self.with_heads { BLOCK + place * (self.width - 1) } else { place * self.width }
    }

    /// Where a record of a block in memory begins in [`BlockLog::words`], its head left out.
    #[inline(always)]
    fn offset(&self, record: u64) -> usize {
        self.base(record / BLOCK as u64) + self.inside(record as usize % BLOCK)
    }

    /// Where the head of the last record stands.
    pub(crate) fn last_head(&self) -> usize {
        let record = self.len - 1;
        self.base(record / BLOCK as u64) + record as usize % BLOCK
    }

    /// Appends a record and returns where it begins; its words are left over from another.
    pub(crate) fn push(&mut self, scratch: &mut dyn WindowScratch) -> Result<usize> {
        let record = self.len;
        if record.is_multiple_of(BLOCK as u64) {
            self.add_block(record / BLOCK as u64, scratch)?;
        }
        self.len += 1;
        Ok(self.offset(record))
    }

    /// Appends a record for each clock, which becomes the head of the record before it, and writes to `places` where they begin: a block
    /// at a time, for only its first record needs a look at what is free.
    pub(crate) fn push_all(
        &mut self,
        clocks: &[i64],
        places: &mut [usize],
        scratch: &mut dyn WindowScratch,
    ) -> Result<()> {
        let mut done = 0;
        while let Some(clock) = clocks.get(done) {
            let head = self.last_head();
            self.words[head] = clock.cast_unsigned();
            places[done] = self.push(scratch)?;
            let first = self.last_head();
            let rest = &clocks[done + 1..];
            let rest = &rest[..rest.len().min(BLOCK - 1 - (self.len - 1) as usize % BLOCK)];
            for (word, clock) in self.words[first..first + rest.len()].iter_mut().zip(rest) {
                *word = clock.cast_unsigned();
            }
            let (mut place, step) = (places[done], self.inside(1) - self.inside(0));
            for next in &mut places[done + 1..=done + rest.len()] {
                place = place.wrapping_add(step);
                *next = place;
            }
            self.len += rest.len() as u64;
            done += 1 + rest.len();
        }
        Ok(())
    }

    fn add_block(&mut self, block: u64, scratch: &mut dyn WindowScratch) -> Result<()> {
        if self.free.is_empty() {
            let oldest = self.base(self.first);
            scratch.write(self.stream, self.first, &self.words[oldest..oldest + self.width * BLOCK])?;
            self.free.push(self.slot_of[self.key(self.first)]);
            self.first += 1;
        }
        let key = self.key(block);
        self.slot_of[key] = self.free.pop().unwrap_or(0);
        if self.with_heads {
            let base = self.base(block);
            self.words[base..base + BLOCK].fill(i64::MAX.cast_unsigned());
        }
        Ok(())
    }

    /// Takes the last record away. True when that brought a block back from the scratch: readers must then forget theirs.
    pub(crate) fn pop(&mut self, scratch: &mut dyn WindowScratch) -> Result<bool> {
        self.len -= 1;
        let block = self.len / BLOCK as u64;
        if !self.len.is_multiple_of(BLOCK as u64) {
            return Ok(false);
        }
        self.free.push(self.slot_of[self.key(block)]);
        if block == 0 || block > self.first || block <= self.needed {
            return Ok(false);
        }
        // The block before is in the scratch.
        self.first = block - 1;
        let slot = self.free.pop().unwrap_or(0);
        let key = self.key(self.first);
        self.slot_of[key] = slot;
        let at = slot as usize * BLOCK * self.width;
        scratch.read(self.stream, self.first, &mut self.words[at..at + BLOCK * self.width])?;
        Ok(true)
    }

    /// Where the last record begins.
    #[inline(always)]
    pub(crate) fn last(&self) -> usize {
        self.offset(self.len - 1)
    }

    /// Where a reader's record begins, and whether that is in its own block, which its next block will overwrite.
    #[inline(always)]
    pub(crate) fn locate(&mut self, reader: &mut Reader, scratch: &mut dyn WindowScratch) -> Result<(usize, bool)> {
        let (base, own) = self.locate_block(reader, scratch)?;
        Ok((base + self.inside(reader.record as usize % BLOCK), own))
    }

    /// The same for the block that the reader's record is in.
    #[inline(always)]
    pub(crate) fn locate_block(
        &mut self,
        reader: &mut Reader,
        scratch: &mut dyn WindowScratch,
    ) -> Result<(usize, bool)> {
        let block = reader.record / BLOCK as u64;
        if block >= self.first {
            return Ok((self.base(block), false));
        }
        let at = (self.slots + reader.number) * BLOCK * self.width;
        if reader.own != Some(block) {
            reader.own = None;
            scratch.read(self.stream, block, &mut self.words[at..at + BLOCK * self.width])?;
            reader.own = Some(block);
        }
        Ok((at, true))
    }

    /// Records below this one are not read again.
    pub(crate) fn release(&mut self, record: u64, scratch: &mut dyn WindowScratch) {
        let below = record / BLOCK as u64;
        if below <= self.needed {
            return;
        }
        while self.first < below {
            self.free.push(self.slot_of[self.key(self.first)]);
            self.first += 1;
        }
        self.needed = below;
        scratch.release(self.stream, below);
    }
}
