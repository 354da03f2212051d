//! The spread among the spreads of its window, and the time spent tight and wide: in, clocks and exact spreads; out,
//! percentile, regime and time shares of every row.
//!
//! Each row leaves a record with the time spent in each regime before it, so that the time in a window is a difference.

use crate::error::Result;
use crate::feature::carry::{StateReader, StateWriter, damaged};
use crate::feature::lanes::only;
use crate::feature::series::Series;
use crate::feature::window::carry::{Clocks, restore_log, save_log};
use crate::feature::window::log::{BLOCK, BlockLog, Reader, WindowScratch};
use crate::feature::window::ranks::Ranks;
use crate::merge::{BATCH, rescaled};

/// Words of a record: clock of the next one, own clock, spread, nanoseconds tight and wide before it, regime.
const WIDTH: usize = 6;
const NEXT: usize = 0;
const CLOCK: usize = 1;
const SPREAD: usize = 2;
const TIGHT: usize = 3;
const WIDE: usize = 4;
const REGIME: usize = 5;

/// Windows and limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SpreadRules {
    pub(crate) spread_nanos: i64,
    pub(crate) regime_nanos: i64,
    /// Up to this percentile a spread is tight, from that on wide.
    pub(crate) tight_percent: u8,
    pub(crate) wide_percent: u8,
}

/// The results of a batch.
#[derive(Debug)]
pub(crate) struct SpreadColumns {
    pub(crate) percentile: [f64; BATCH],
    pub(crate) regime: [f64; BATCH],
    pub(crate) tight: [f64; BATCH],
    pub(crate) wide: [f64; BATCH],
}

/// The memory of spreads and regimes.
#[derive(Debug)]
pub(crate) struct Spreads {
    log: BlockLog,
    ranks: Ranks,
    /// Reader of the percentile's window and of the shares' window.
    readers: [Reader; 2],
    /// Where the last record begins.
    last: usize,
    /// Clock and regime of the row before; nanoseconds tight and wide up to it.
    before: Option<(i64, u64)>,
    spent: [i64; 2],
    first_clock: i64,
    pub(crate) columns: Box<SpreadColumns>,
}

impl Spreads {
    pub(crate) fn new(stream: u32, bytes: usize) -> Self {
        let lane = [0.0; BATCH];
        Self {
            log: BlockLog::new(stream, WIDTH, bytes, 2),
            ranks: Ranks::new(),
            readers: [Reader::new(0), Reader::new(1)],
            last: 0,
            before: None,
            spent: [0; 2],
            first_clock: 0,
            columns: Box::new(SpreadColumns { percentile: lane, regime: lane, tight: lane, wide: lane }),
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.log.bytes() + self.ranks.bytes() + size_of::<SpreadColumns>()
    }

    /// Starts a partition.
    pub(crate) fn reset(&mut self, scratch: &mut dyn WindowScratch) -> Result<()> {
        self.log.reset();
        self.ranks.reset();
        self.readers.iter_mut().for_each(Reader::reset);
        (self.before, self.spent) = (None, [0; 2]);
        // Record 0 stands before the partition.
        self.last = self.log.push(scratch)?;
        let record = &mut self.log.words_mut()[self.last..self.last + WIDTH];
        record.fill(0);
        record[NEXT] = i64::MAX.cast_unsigned();
        Ok(())
    }

    /// Takes a batch; the results stand in `columns`.
    pub(crate) fn run(&mut self, rules: SpreadRules, series: &Series, scratch: &mut dyn WindowScratch) -> Result<()> {
        for (i, (clock, spread)) in series.clock().iter().zip(series.spread_m()).enumerate() {
            self.append(*clock, *spread, scratch)?;
            let start = clock.saturating_sub(rules.spread_nanos);
            let gone = self.follow(0, start, scratch)?;
            self.ranks.add(*spread)?;
            let (less, equal) = self.ranks.rank(*spread);
            // Each row adds one and each that leaves takes one away.
            let n = (self.log.len() - 1 - gone.0) as i64;
            self.columns.percentile[i] = (less as f64 + 0.5 * equal as f64) / n as f64;
            let regime = regime(rules, less, equal, n);
            self.columns.regime[i] = regime as f64;
            let record = &mut self.log.words_mut()[self.last..];
            record[REGIME] = regime;
            self.before = Some((*clock, regime));
            self.shares(i, *clock, rules.regime_nanos, scratch)?;
        }
        let record = self.readers[0].record.min(self.readers[1].record);
        self.log.release(record, scratch);
        Ok(())
    }

    /// Appends the row's record, its regime still open.
    fn append(&mut self, clock: i64, spread: i64, scratch: &mut dyn WindowScratch) -> Result<()> {
        match self.before {
            None => self.first_clock = clock,
            Some((before, regime)) => {
                let spent = clock.saturating_sub(before);
                self.spent[0] += if regime == 0 { spent } else { 0 };
                self.spent[1] += if regime == 2 { spent } else { 0 };
            }
        }
        let at = self.log.push(scratch)?;
        let words = self.log.words_mut();
        words[self.last + NEXT] = clock.cast_unsigned();
        let record = &mut words[at..at + WIDTH];
        record[NEXT] = i64::MAX.cast_unsigned();
        record[CLOCK] = clock.cast_unsigned();
        record[SPREAD] = spread.cast_unsigned();
        record[TIGHT] = self.spent[0].cast_unsigned();
        record[WIDE] = self.spent[1].cast_unsigned();
        record[REGIME] = 1;
        self.last = at;
        Ok(())
    }

    /// Moves a reader to the last record not later than `start`; returns its number and where it begins. The first
    /// reader takes every spread that it passes out of the ranks.
    fn follow(&mut self, number: usize, start: i64, scratch: &mut dyn WindowScratch) -> Result<(u64, usize)> {
        let mut reader = self.readers[number];
        let (mut at, _) = self.log.locate(&mut reader, scratch)?;
        while self.log.words()[at + NEXT].cast_signed() <= start {
            reader.record += 1;
            at += WIDTH;
            if reader.record.is_multiple_of(BLOCK as u64) {
                (at, _) = self.log.locate(&mut reader, scratch)?;
            }
            if number == 0 {
                self.ranks.remove(self.log.words()[at + SPREAD].cast_signed());
            }
        }
        self.readers[number] = reader;
        Ok((reader.record, at))
    }

    /// Shares of the time in the window of row `i` that was tight or wide.
    fn shares(&mut self, i: usize, clock: i64, nanos: i64, scratch: &mut dyn WindowScratch) -> Result<()> {
        let start = clock.saturating_sub(nanos);
        let (record, at) = self.follow(1, start, scratch)?;
        let words = &self.log.words()[at..at + WIDTH];
        // The state at the window's start is part of it from there on.
        let into = if record == 0 { 0 } else { start.saturating_sub(words[CLOCK].cast_signed()) };
        let known = clock.saturating_sub(start.max(self.first_clock));
        let share = |spent: i64, word: usize, regime: u64| {
            let held = if words[REGIME] == regime && record > 0 { into } else { 0 };
            let inside = spent.wrapping_sub(words[word].cast_signed()).wrapping_sub(held);
            only(known > 0, inside as f64 / known as f64)
        };
        self.columns.tight[i] = share(self.spent[0], TIGHT, 0);
        self.columns.wide[i] = share(self.spent[1], WIDE, 2);
        Ok(())
    }
}

/// 0 tight, 1 between, 2 wide, by the exact percentile (C16).
fn regime(rules: SpreadRules, less: i64, equal: i64, n: i64) -> u64 {
    let rank = 100 * less + 50 * equal;
    if rank <= i64::from(rules.tight_percent) * n {
        0
    } else if rank >= i64::from(rules.wide_percent) * n {
        2
    } else {
        1
    }
}

impl Spreads {
    /// Writes the records that either window needs, the time spent, and the ranks.
    pub(crate) fn save(&mut self, out: &mut StateWriter<'_>, scratch: &mut dyn WindowScratch) -> Result<()> {
        out.option(self.before.map(|(clock, _)| clock))?;
        out.word(self.before.map_or(1, |(_, regime)| regime))?;
        out.int(self.spent[0])?;
        out.int(self.spent[1])?;
        out.int(self.first_clock)?;
        self.ranks.save(out)?;
        save_log(&mut self.log, &self.readers, WIDTH, (out, scratch), &|_| {}).map(drop)
    }

    /// Takes over what [`Spreads::save`] wrote; decimals of the spreads then and now.
    pub(crate) fn restore(
        &mut self,
        from: &mut StateReader,
        (old, now): (u8, u8),
        scratch: &mut dyn WindowScratch,
    ) -> Result<()> {
        let clock = from.option()?;
        let regime = from.below(3)?;
        self.before = clock.map(|clock| (clock, regime));
        self.spent = [from.int()?, from.int()?];
        if self.spent.into_iter().any(|spent| !(0..1 << 62).contains(&spent)) {
            return Err(damaged("time spent in a regime", format!("{:?} ns", self.spent)));
        }
        self.first_clock = from.int()?;
        self.ranks.restore(from, (old, now))?;
        let mut clocks = Clocks::new();
        let check = &mut |record: &mut [u64], is_last: bool| {
            record[SPREAD] = rescaled(record[SPREAD].cast_signed(), old, now)?.cast_unsigned();
            clocks.check(record[NEXT], is_last)
        };
        self.last = restore_log(&mut self.log, &mut self.readers, WIDTH, (from, scratch), check)?;
        if self.readers.iter().any(|reader| reader.record >= self.log.len()) {
            return Err(damaged("windows that begin at a record", "one past the last"));
        }
        Ok(())
    }
}
