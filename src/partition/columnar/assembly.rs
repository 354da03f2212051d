//! All open sections of an import: rows in, full blocks out.

use std::hash::BuildHasher as _;
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, Equivalent, HashTable};

use super::encoding::{Encoding, Filler, Slot, Target, Task};
use super::open::{CAPACITY, OpenRows, Unfit, room_for};
use super::reopen::reopen;
use super::run::{CellReader, ColumnRun};
use super::seal::Sealer;
use super::spill::Spill;
use crate::error::Result;
use crate::limits::BLOCK_ROWS;
use crate::normalize::RowBatch;
use crate::partition::buffer::RunBuffer;
use crate::partition::row::RowOrder;
use crate::partition::run::{Run, corrupt};
use crate::partition::scratch::Scratch;
use crate::partition::section::{SectionId, SectionRef};
use crate::schema::RawTable;
use crate::units::Date;

/// Columns beyond which a table gets shorter blocks: such tables take the general way.
const DECIMALS_MAX: usize = 240;
/// Bytes of a section without its blocks and their facts: its name, twice for a moment at the end, and where it stands.
const SECTION_BYTES: usize = 512;

/// The part of the open rows' bytes that may wait for its encoding besides.
const WAITING_PART: usize = 8;

/// Bytes of the fast way.
#[derive(Clone, Copy, Debug)]
pub struct AssemblyBudget {
    /// Open rows; 0 takes every row the general way.
    pub open_bytes: usize,
    /// Encoded blocks; those beyond go to a scratch file.
    pub sealed_bytes: usize,
    /// What is known of encoded blocks, which stays in memory: with more of it the fast way ends.
    pub index_bytes: usize,
    /// Rows that do not fit.
    pub rest_bytes: usize,
}

/// One section.
#[derive(Debug)]
struct Builder {
    id: SectionId,
    open: Option<Box<OpenRows>>,
    /// Its open rows, encoded or on the way to it, while it is put aside.
    aside: Option<Aside>,
    /// Rows handed out for encoding.
    rows: u64,
    /// The first open row has the content of the last one handed out.
    repeats: bool,
    /// Its rows go the general way from now on.
    closed: bool,
    /// When it last got a row.
    used: u64,
}

/// Rows that are put aside.
#[derive(Debug)]
struct Aside {
    slot: Arc<Slot>,
    floor: Option<RowOrder>,
}

/// The last section: most rows of a security go where the one before went.
#[derive(Clone, Copy, Debug)]
struct Recent {
    date: Date,
    sequenced: bool,
    section: u32,
}

/// Open sections, and run buffers for what does not fit.
#[derive(Debug)]
pub struct Assembly {
    budget: AssemblyBudget,
    encoding: Arc<Encoding>,
    sealer: Sealer,
    cells: CellReader,
    hasher: DefaultHashBuilder,
    /// Numbers of the sections, by the hash of their ids.
    numbers: HashTable<u32>,
    builders: Vec<Builder>,
    recent: Option<Recent>,
    /// Rows of a batch by security; kept for its memory.
    by_security: Vec<Vec<u32>>,
    /// Sections that have a buffer.
    opened: Vec<u32>,
    open_bytes: usize,
    rest: RunBuffer,
    runs: Vec<Run>,
    scratch: Scratch,
    batches: u64,
    rows: u64,
    rest_rows: u64,
    reopened: u64,
    closed: bool,
}

impl Assembly {
    /// An assembly without rows.
    ///
    /// # Errors
    /// `Io` when there is no memory for the compressor.
    pub fn new(budget: AssemblyBudget, scratch: &Scratch) -> Result<Self> {
        let spill = Arc::new(Spill::new(scratch.clone(), budget.sealed_bytes));
        Ok(Self {
            budget,
            encoding: Arc::new(Encoding::new(Arc::clone(&spill))),
            sealer: Sealer::new(spill)?,
            cells: CellReader::default(),
            hasher: DefaultHashBuilder::default(),
            numbers: HashTable::new(),
            builders: Vec::new(),
            recent: None,
            by_security: Vec::new(),
            opened: Vec::new(),
            open_bytes: 0,
            rest: RunBuffer::new(budget.rest_bytes, true),
            runs: Vec::new(),
            scratch: scratch.clone(),
            batches: 0,
            rows: 0,
            rest_rows: 0,
            reopened: 0,
            closed: budget.open_bytes == 0,
        })
    }

    /// What encoding threads work on.
    #[must_use]
    pub fn encoding(&self) -> Arc<Encoding> {
        Arc::clone(&self.encoding)
    }

    /// True once the input has shown that it is not in order, or has too many sections: then rows are better taken the
    /// general way at once.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Appends a batch. Batches come in source order.
    ///
    /// # Errors
    /// `Io` of scratch files, `Damage` for a batch whose columns do not fit its keys.
    pub fn append(&mut self, batch: &RowBatch) -> Result<()> {
        self.batches += 1;
        // Security by security: the columns of one section stay in reach of the processor's first-level translation cache.
        let mut rows = std::mem::take(&mut self.by_security);
        rows.iter_mut().for_each(Vec::clear);
        rows.resize(rows.len().max(batch.securities.len()), Vec::new());
        for (i, key) in (0_u32..).zip(&batch.keys) {
            let of_security = rows.get_mut(key.security as usize);
            of_security.ok_or_else(|| corrupt("a row of a security that its batch does not name"))?.push(i);
        }
        for of_security in rows.iter().take(batch.securities.len()) {
            self.recent = None;
            let mut left = &of_security[..];
            while let Some((&i, others)) = left.split_first() {
                if self.closed || !self.append_row(batch, i as usize)? {
                    self.append_rest(batch, i as usize)?;
                    left = others;
                    continue;
                }
                // Most rows are like the one before.
                left = &others[self.append_run(batch, i, others)..];
            }
        }
        self.by_security = rows;
        self.rows += batch.keys.len() as u64;
        let unfit = self.rest_rows > 4_096 && self.rest_rows > self.rows / 8;
        let thrashing = self.reopened > 32 + self.rows / (2 * u64::from(BLOCK_ROWS));
        let crowded = self.encoding.index_bytes() + self.builders.len() * SECTION_BYTES > self.budget.index_bytes;
        if !self.closed && (unfit || thrashing || crowded) {
            self.close()?;
        }
        Ok(())
    }

    /// Takes a row into its section; false if it has to go the general way.
    fn append_row(&mut self, batch: &RowBatch, i: usize) -> Result<bool> {
        let Some(key) = batch.keys.get(i) else { return Ok(false) };
        let sequenced = key.sequence.is_some();
        let section = match self.recent {
            Some(recent) if recent.date == key.date && recent.sequenced == sequenced => recent.section,
            _ => self.find(batch, i, sequenced)?,
        };
        let builder = &mut self.builders[section as usize];
        if builder.closed {
            return Ok(false);
        }
        match &builder.open {
            None => self.open(section, batch.table.decimals(batch.levels).len())?,
            Some(open) if open.is_cramped() => self.grow(section)?,
            Some(_) => {}
        }
        let builder = &mut self.builders[section as usize];
        builder.used = self.batches;
        let Some(open) = builder.open.as_mut() else { return Ok(false) };
        let before = open.bytes();
        let taken = open.push(batch, i, key);
        self.open_bytes += open.bytes() - before;
        match taken {
            Ok(()) => {
                if open.is_full() {
                    self.hand_out(section);
                }
                Ok(true)
            }
            Err(Unfit::Late | Unfit::Cell) => {
                builder.closed = true;
                Ok(false)
            }
        }
    }

    /// Takes rows behind row `i` that go where it went and are like it; gives how many.
    fn append_run(&mut self, batch: &RowBatch, i: u32, rows: &[u32]) -> usize {
        let Some(recent) = self.recent else { return 0 };
        let Some(open) = self.builders[recent.section as usize].open.as_mut() else { return 0 };
        let (Some(key), Some(next)) =
            (batch.keys.get(i as usize), rows.first().and_then(|i| batch.keys.get(*i as usize)))
        else {
            return 0;
        };
        if key.date != next.date || key.sequence.is_some() != next.sequence.is_some() {
            return 0;
        }
        let count = open.push_run(batch, rows);
        if open.is_full() {
            self.hand_out(recent.section);
        }
        count
    }

    fn append_rest(&mut self, batch: &RowBatch, i: usize) -> Result<()> {
        self.rest_rows += 1;
        while !self.rest.push_one(batch, i)? {
            self.runs.push(Run::spill(&mut self.rest, &self.scratch)?);
        }
        Ok(())
    }

    fn find(&mut self, batch: &RowBatch, i: usize, sequenced: bool) -> Result<u32> {
        let broken = || corrupt("a batch's columns do not fit its keys");
        let key = batch.keys.get(i).ok_or_else(broken)?;
        let (venue, security) = batch.securities.get(key.security as usize).ok_or_else(broken)?;
        let wanted = SectionRef::new(venue, security, key.date, batch.table, sequenced);
        let (hash, builders) = (self.hasher.hash_one(wanted), &self.builders);
        let section = match self.numbers.find(hash, |number| wanted.equivalent(&builders[*number as usize].id)) {
            Some(&number) => number,
            None => {
                let number = u32::try_from(self.builders.len()).map_err(|_| corrupt("too many sections"))?;
                let id = wanted.to_id();
                let rehash = |number: &u32| self.hasher.hash_one(&builders[*number as usize].id);
                self.numbers.insert_unique(hash, number, rehash);
                let closed = batch.table.decimals(batch.levels).len() > DECIMALS_MAX;
                let builder =
                    Builder { id, open: None, aside: None, rows: 0, repeats: false, closed, used: self.batches };
                self.builders.push(builder);
                number
            }
        };
        self.recent = Some(Recent { date: key.date, sequenced, section });
        Ok(section)
    }

    /// Gives a section a buffer, with the rows that it had when it was put aside.
    fn open(&mut self, section: u32, decimals: usize) -> Result<()> {
        let (table, sequenced) = {
            let id = &self.builders[section as usize].id;
            (id.table, id.sequenced)
        };
        let aside = match self.builders[section as usize].aside.take() {
            Some(Aside { slot, floor }) => Some((self.encoding.take(&slot, &mut self.sealer)?, floor)),
            None => None,
        };
        let decimals = aside.as_ref().map_or(decimals, |(sealed, _)| decimals.max(sealed.decimals));
        // The first sections get all they may need; where there are many, they start small.
        let most = OpenRows::bytes_of(table, decimals, CAPACITY);
        let rows = aside.as_ref().map_or(0, |(sealed, _)| sealed.rows) + 1;
        let rows = if self.open_bytes + most > self.budget.open_bytes / 2 { rows } else { CAPACITY };
        self.make_way((table, decimals, rows), section)?;
        let mut open = self.encoding.buffer(table, sequenced, decimals, rows);
        let builder = &mut self.builders[section as usize];
        if let Some((sealed, floor)) = aside {
            self.reopened += 1;
            reopen(&sealed, floor, &mut self.cells, self.encoding.spill(), &mut open)?;
            self.encoding.forget(&sealed);
        }
        self.open_bytes += open.bytes();
        builder.open = Some(open);
        self.opened.push(section);
        Ok(())
    }

    /// Moves the rows of a section to the next larger buffer.
    fn grow(&mut self, section: u32) -> Result<()> {
        let Some(mut open) = self.builders[section as usize].open.take() else { return Ok(()) };
        let (decimals, rows) = (open.scales.len(), open.rows + 1);
        let room = room_for(rows);
        self.open_bytes -= open.bytes();
        self.make_way((open.table, decimals, room), section)?;
        let mut larger = self.encoding.buffer(open.table, open.sequenced, decimals, room);
        open.move_to(&mut larger);
        self.encoding.give_back(open);
        self.open_bytes += larger.bytes();
        self.builders[section as usize].open = Some(larger);
        Ok(())
    }

    /// Makes room for a buffer of a section: unused ones go first, then rows that have waited longest for another.
    fn make_way(&mut self, (table, decimals, rows): (RawTable, usize, usize), section: u32) -> Result<()> {
        let wanted = OpenRows::bytes_of(table, decimals, rows);
        let is_most = room_for(rows) == CAPACITY;
        loop {
            // One of the unused buffers is the one that is wanted.
            let spare = self.encoding.spare_bytes();
            let spare = if is_most { spare.saturating_sub(wanted) } else { spare };
            if self.open_bytes + spare + wanted <= self.budget.open_bytes {
                return Ok(());
            }
            if self.encoding.free_one() {
                continue;
            }
            let others = self.opened.iter().enumerate().filter(|(_, at)| **at != section);
            let oldest = others.min_by_key(|(_, at)| self.builders[**at as usize].used).map(|(place, _)| place);
            let Some(place) = oldest else { return Ok(()) };
            let at = self.opened.swap_remove(place);
            self.put_aside(at as usize)?;
        }
    }

    fn put_aside(&mut self, at: usize) -> Result<()> {
        self.hand_out_if_over(at);
        let builder = &mut self.builders[at];
        let Some(mut open) = builder.open.take() else { return Ok(()) };
        self.open_bytes -= open.bytes();
        if open.rows == 0 {
            self.encoding.give_back(open);
            return Ok(());
        }
        open.sort();
        let slot = Arc::new(Slot::default());
        builder.aside = Some(Aside { slot: Arc::clone(&slot), floor: open.floor() });
        let (first_row, repeats) = (builder.rows, builder.repeats);
        self.encoding.push(Task { target: Target::Aside(Filler::new(&slot)), rows: open, first_row, repeats });
        // The other threads encode it, unless they have enough to do: what waits is memory beyond that of open rows.
        if self.encoding.waiting_bytes() > self.budget.open_bytes / WAITING_PART {
            self.encoding.work_once(&mut self.sealer)?;
        }
        Ok(())
    }

    /// A last block has at most a block's rows; open rows may be some more.
    fn hand_out_if_over(&mut self, at: usize) {
        if self.builders[at].open.as_ref().is_some_and(|open| open.rows > BLOCK_ROWS as usize) {
            self.hand_out(at as u32);
        }
    }

    /// Hands the first block of a full section out for encoding.
    fn hand_out(&mut self, section: u32) {
        let builder = &mut self.builders[section as usize];
        let Some(mut full) = builder.open.take() else { return };
        full.sort();
        let block = BLOCK_ROWS as usize;
        let mut next = self.encoding.buffer(builder.id.table, builder.id.sequenced, full.scales.len(), CAPACITY);
        let next_repeats = full.repeats(block);
        full.split_to(block, &mut next);
        self.open_bytes = self.open_bytes - full.bytes() + next.bytes();
        let task =
            Task { target: Target::Section(section), rows: full, first_row: builder.rows, repeats: builder.repeats };
        builder.rows += block as u64;
        builder.repeats = next_repeats;
        builder.open = Some(next);
        self.encoding.push(task);
    }

    /// Ends the fast way: what is open is encoded, the memory of open rows is given back.
    fn close(&mut self) -> Result<()> {
        self.closed = true;
        self.opened.clear();
        for at in 0..self.builders.len() {
            self.put_aside(at)?;
        }
        self.encoding.work(&mut self.sealer)?;
        self.encoding.free_buffers();
        Ok(())
    }

    /// Hands out the open rows of all sections as last blocks. Then come the encoding threads, then [`Assembly::finish`].
    pub fn hand_out_all(&mut self) {
        for at in 0..self.builders.len() {
            self.hand_out_if_over(at);
        }
        for (section, builder) in (0_u32..).zip(&mut self.builders) {
            if let Some(mut open) = builder.open.take().filter(|open| open.rows > 0) {
                open.sort();
                let (first_row, repeats) = (builder.rows, builder.repeats);
                self.encoding.push(Task { target: Target::Section(section), rows: open, first_row, repeats });
            }
        }
    }

    /// The runs, once every block is encoded.
    ///
    /// # Errors
    /// `Io` of the scratch file, `Damage` when a block was lost between the threads: a defect.
    pub fn finish(self) -> Result<Vec<Run>> {
        let Self { encoding, mut builders, mut runs, mut sealer, rest, .. } = self;
        encoding.free_buffers();
        for (section, builder) in (0_u32..).zip(&mut builders) {
            if let Some(aside) = builder.aside.take() {
                let block = encoding.take(&aside.slot, &mut sealer)?;
                encoding.finish(section, block);
            }
        }
        if !rest.is_empty() {
            runs.push(Run::keep(rest));
        }
        let id = |section: u32| builders.get(section as usize).map(|builder| builder.id.clone());
        runs.extend(ColumnRun::of(encoding.take_finished(), id, encoding.spill())?.map(Run::Columns));
        Ok(runs)
    }
}
