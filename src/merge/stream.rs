//! The merged stream of a partition: in, cursors over book and trades; out, batches of snapshots in total order, each
//! two-sided snapshot with the sums of its trades, each row with its flags.

use crate::error::Result;
use crate::merge::batch::{BATCH, Batch, BookSide};
use crate::merge::block::{BlockMemory, ColumnSpec, Group, ORDER, findings};
use crate::merge::carry::MergeState;
use crate::merge::cursor::{Cursor, Scales};
use crate::merge::levels::{self, LevelIn};
use crate::merge::reorder::Reorder;
use crate::merge::tape::TapeMemory;
use crate::merge::trades::TradeStream;
use crate::merge::{MergeReport, Simd, TradeSums, flags};
use crate::read::TableReader;
use crate::schema::{Clock, book_level_columns};
use crate::trace;

/// Key columns of a row: `ts_event`, `ts_recv`, `sequence`.
const KEYS: usize = 3;
/// Twice the sum of a side's sizes fits in an i64 when their bounds add up to less.
const SIZES_MAX: u64 = 1 << 61;

/// The merge's memory: a block of the book, a block of trades, a batch.
#[derive(Debug)]
pub struct MergeMemory {
    book: BlockMemory,
    reorder: Reorder,
    trades: TapeMemory,
    batch: Batch,
    sizes: Vec<i64>,
}

impl MergeMemory {
    /// Memory for `levels` levels and blocks of `rows` rows.
    #[must_use]
    pub fn new(levels: u16, rows: usize) -> Self {
        let group = |i| if i % 2 == 0 { Group::Price } else { Group::Size };
        let columns = book_level_columns(levels).into_iter().enumerate();
        let book = BlockMemory::new(columns.map(|(i, name)| ColumnSpec::new(name, group(i))), rows);
        Self {
            reorder: Reorder::new(book.column_count(), rows),
            book,
            trades: TapeMemory::watching(rows, false),
            batch: Batch::new(usize::from(levels)),
            sizes: vec![0; BATCH],
        }
    }

    /// Has duplicates left out of both tables, in every partition from now on (B7).
    #[must_use]
    pub fn without_duplicates(mut self, rows: usize) -> Self {
        self.book.drop_duplicates();
        self.trades = TapeMemory::watching(rows, true);
        self
    }

    /// Bytes held.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.book.bytes() + self.reorder.bytes() + self.trades.bytes() + self.batch.bytes() + 8 * BATCH
    }
}

/// What the merge needs to know of a run.
#[derive(Clone, Copy, Debug)]
pub struct MergeConfig {
    /// N: levels in use.
    pub levels: usize,
    /// The clock that orders everything.
    pub clock: Clock,
    /// Nanoseconds of a gap (G8).
    pub max_gap_ns: i64,
    /// SIMD level.
    pub simd: Simd,
}

/// One partition's merge.
#[derive(Debug)]
pub struct Merge<'a> {
    book: Cursor<'a>,
    trades: Option<TradeStream<'a>>,
    batch: &'a mut Batch,
    sizes: &'a mut [i64],
    config: MergeConfig,
    row: usize,
    /// Clock of the row before, of any kind; of the two-sided row before.
    last_clock: Option<i64>,
    last_two_sided: Option<i64>,
    /// Sums of trades that wait for a two-sided snapshot from the date before.
    pending: TradeSums,
    report: MergeReport,
}

impl<'a> Merge<'a> {
    /// A merge before the first row.
    ///
    /// # Errors
    /// `Damage`, `Io`; `Findings` where the tables do not fit the arena or the clock.
    pub fn new(
        book: &'a [TableReader],
        trades: &'a [TableReader],
        config: MergeConfig,
        memory: &'a mut MergeMemory,
    ) -> Result<Self> {
        memory.batch.reset(config.levels);
        let trade_rows = trades.iter().map(TableReader::rows).sum();
        let trades = if trades.is_empty() {
            None
        } else {
            Some(TradeStream::new(trades, config.clock, &mut memory.trades, config.simd)?)
        };
        let wanted = ORDER.len() + 4 * config.levels;
        let keys = [true; ORDER.len()];
        memory.book.watch.start(true);
        Ok(Self {
            book: Cursor::new(book, (&mut memory.book, &mut memory.reorder), wanted, config.clock, keys)?,
            trades,
            batch: &mut memory.batch,
            sizes: &mut memory.sizes,
            config,
            row: 0,
            last_clock: None,
            last_two_sided: None,
            pending: TradeSums::default(),
            report: MergeReport { was_read: true, trade_rows, ..MergeReport::default() },
        })
    }

    /// Goes on where the merge of the date before stood: `floor` are its scales, and the lowest of this one's. Only before
    /// the first batch.
    ///
    /// # Errors
    /// `Findings` where a price or a size is beyond 2^60 at the common scale.
    pub(crate) fn resume(&mut self, state: &MergeState, floor: Scales, trade_floor: Scales) -> Result<()> {
        self.book.raise(floor);
        if let Some(trades) = &mut self.trades {
            trades.raise(trade_floor);
        }
        self.pending = state.pending;
        self.last_clock = state.last_clock;
        if let Some(snapshot) = &state.snapshot {
            self.batch.set_lead(snapshot, floor, self.book.scales())?;
            self.last_two_sided = Some(snapshot.clock);
        }
        Ok(())
    }

    /// Where the merge stands after its last batch, with the sums of the trades that no snapshot took.
    ///
    /// # Errors
    /// `Damage`, `Io`, `Findings` of those trades.
    pub(crate) fn state(&mut self) -> Result<MergeState> {
        let before = std::mem::take(&mut self.pending);
        let pending = match &mut self.trades {
            Some(trades) => trades.take_rest(before)?,
            None => before,
        };
        let snapshot = self.last_two_sided.map(|clock| self.batch.lead(clock));
        Ok(MergeState { last_clock: self.last_clock, snapshot, pending })
    }

    /// The common scales of the book.
    pub(crate) fn scales(&self) -> Scales {
        self.book.scales()
    }

    /// The batch read last.
    pub fn batch(&mut self) -> &mut Batch {
        self.batch
    }

    /// What was seen so far; complete after [`Merge::next_batch`] has returned false.
    #[must_use]
    pub fn report(&self) -> MergeReport {
        let used = self.trades.as_ref().map_or(0, |t| t.used);
        let left = self.report.trade_rows.saturating_sub(used).saturating_sub(self.report.trade_faults.skipped);
        MergeReport { trades_used: used, trades_after_last: left, book_faults: self.book.faults(), ..self.report }
    }

    /// Reads the next batch of at most `limit` rows; false at the end of the book.
    ///
    /// # Errors
    /// `Damage`, `Io`, `Findings`.
    pub fn next_batch(&mut self, limit: usize) -> Result<bool> {
        let _stage = trace::enter(trace::Stage::Merge);
        while self.row >= self.book.rows() {
            if !self.book.next_block()? {
                if let Some(trades) = &mut self.trades {
                    // The rest is read, too, so that every trade is counted; it waits for the next date where state is carried.
                    self.pending = trades.take_rest(std::mem::take(&mut self.pending))?;
                    self.report.trade_faults = trades.faults();
                }
                return Ok(false);
            }
            self.row = 0;
            self.check_sizes()?;
        }
        let rows = (self.book.rows() - self.row).min(BATCH).min(limit.max(1));
        self.batch.rows = rows;
        self.load_keys();
        self.load_levels();
        self.row += rows;
        flags::classify(self.batch, self.config.max_gap_ns, self.last_clock, self.last_two_sided, &mut self.report);
        self.batch.has_previous = self.last_two_sided.is_some();
        self.take_trades()?;
        self.last_clock = self.batch.clock().last().copied();
        if let Some(last) = self.batch.two_sided.last() {
            self.last_two_sided = Some(self.batch.clock()[*last as usize]);
        }
        Ok(true)
    }

    /// Exact sums over a side's sizes must fit (A1).
    fn check_sizes(&self) -> Result<()> {
        for side in BookSide::BOTH {
            let bound = |level| self.book.memory.bound(ORDER.len() + 4 * level + 2 * side as usize + 1);
            let sum = (0..self.config.levels).map(bound).fold(0, u64::saturating_add);
            if sum > SIZES_MAX {
                return Err(findings(format!(
                    "the sizes of {} levels add up to {sum} units of their smallest decimal, which is beyond 2^61; \
                     use fewer levels",
                    self.config.levels
                )));
            }
        }
        Ok(())
    }

    fn load_keys(&mut self) {
        let (memory, batch) = (&*self.book.memory, &mut *self.batch);
        let rows = self.row..self.row + batch.rows;
        for key in 0..KEYS {
            batch.keys[key][..batch.rows].copy_from_slice(&memory.values(key)[rows.clone()]);
            let out = &mut batch.key_valid[key][..batch.rows];
            if memory.nulls(key) == 0 {
                out.fill(true);
                continue;
            }
            let validity = memory.validity(key);
            for (out, row) in out.iter_mut().zip(rows.clone()) {
                *out = validity[row / 64] >> (row % 64) & 1 == 1;
            }
        }
        let clock = self.config.clock as usize;
        batch.clock_mut()[..rows.len()].copy_from_slice(&memory.values(clock)[rows]);
    }

    fn load_levels(&mut self) {
        let memory = &*self.book.memory;
        let scales = self.book.scales();
        let (price_unit, size_unit) = (levels::unit(scales.price), levels::unit(scales.size));
        let rows = self.row..self.row + self.batch.rows;
        for level in 0..self.config.levels {
            for side in BookSide::BOTH {
                let column = ORDER.len() + 4 * level + 2 * side as usize;
                let mut size = &memory.values(column + 1)[rows.clone()];
                if memory.nulls(column) + memory.nulls(column + 1) > 0 {
                    let valid = (memory.validity(column), memory.validity(column + 1));
                    let out = &mut self.sizes[..rows.len()];
                    present_sizes(size, valid, rows.start, out);
                    size = out;
                }
                let level_in = LevelIn { price: &memory.values(column)[rows.clone()], size, price_unit, size_unit };
                let bounds = (memory.bound(column), memory.bound(column + 1));
                let out = self.batch.level_mut(side, level);
                levels::convert(self.config.simd, level_in, bounds, (scales.price, scales.size), out);
            }
        }
    }

    fn take_trades(&mut self) -> Result<()> {
        self.batch.trades.clear();
        self.batch.trades.resize(self.batch.two_sided.len(), TradeSums::default());
        if let Some(first) = self.batch.trades.first_mut() {
            *first = std::mem::take(&mut self.pending);
        }
        let Some(trades) = &mut self.trades else { return Ok(()) };
        let mut sums = std::mem::take(&mut self.batch.trades);
        let clocks = self.batch.clock();
        for (row, sums) in self.batch.two_sided.iter().zip(&mut sums) {
            trades.take(clocks[*row as usize], sums)?;
        }
        self.batch.trades = sums;
        Ok(())
    }
}

/// Sizes with 0 where price or size is null.
fn present_sizes(size: &[i64], (price_valid, size_valid): (&[u64], &[u64]), first: usize, out: &mut [i64]) {
    for ((out, size), row) in out.iter_mut().zip(size).zip(first..) {
        let valid = (price_valid[row / 64] & size_valid[row / 64]) >> (row % 64) & 1;
        *out = *size & (valid as i64).wrapping_neg();
    }
}
