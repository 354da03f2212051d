//! What goes beside the book pass trade by trade: VPIN at each snapshot, and the time bars.
//!
//! The tape of trades keeps step with the two-sided snapshots: before a snapshot come all trades not later than it (G3).

use crate::error::Result;
use crate::feature::bar::{Bar, Close, TimeBars, piece};
use crate::feature::bar::{BookLanes, TradePart};
use crate::feature::carry::{Carried, Carry, Rescale, StateReader, StateWriter};
use crate::feature::registry::Kernel;
use crate::feature::series::Series;
use crate::feature::table_plan::{EmitTable, TableOutput, TablePlan};
use crate::feature::trade::{log_return, of_price};
use crate::feature::vpin::Vpin;
use crate::merge::{Scales, Simd, TradeRow, TradeTape, rescaled};

/// A table that is being written: its plan, its number in the run, its open block.
#[derive(Debug)]
pub(crate) struct Writing<'a> {
    pub(crate) plan: &'a TablePlan,
    pub(crate) number: usize,
    pub(crate) output: &'a mut TableOutput,
}

impl Writing<'_> {
    /// Writes one bar with its keys.
    pub(crate) fn bar(&mut self, keys: &[i64], bar: &Bar<'_>, emit: &mut EmitTable<'_>) -> Result<()> {
        for (column, key) in keys.iter().enumerate() {
            self.output.put(column, 0, Some(*key));
        }
        for step in &self.plan.steps {
            if let Kernel::Bar(kernel) = step.kernel {
                kernel(bar, self.output.columns(step, 1));
            }
        }
        self.output.push(1, (self.plan, self.number), emit)
    }

    /// Writes a bar of trades alone: when it began, when it ended, how long it took.
    pub(crate) fn event_bar(&mut self, part: &TradePart, emit: &mut EmitTable<'_>) -> Result<()> {
        let [first, last] = part.clocks;
        let book = crate::feature::bar::BookPart::default();
        let bar = Bar {
            book: &book,
            trades: part,
            time_weighted: [f64::NAN; 2],
            carried: [f64::NAN; 2],
            ofi_event: f64::NAN,
            per_year: f64::NAN,
        };
        self.bar(&[first, last, last.saturating_sub(first)], &bar, emit)
    }

    /// Hands over the last block.
    pub(crate) fn finish(&mut self, emit: &mut EmitTable<'_>) -> Result<()> {
        self.output.flush((self.plan, self.number), emit)
    }
}

/// Time bars and the tables they go to, in the same order.
#[derive(Debug)]
pub(crate) struct BarTables<'a> {
    pub(crate) bars: TimeBars,
    pub(crate) tables: Vec<Writing<'a>>,
}

impl BarTables<'_> {
    /// Calls `f` with the bars and with what writes those that end.
    fn with<R>(
        &mut self,
        emit: &mut EmitTable<'_>,
        f: impl FnOnce(&mut TimeBars, &mut Close<'_>) -> Result<R>,
    ) -> Result<R> {
        let tables = &mut self.tables;
        f(&mut self.bars, &mut |number, label, bar| tables[number].bar(&[label], bar, &mut *emit))
    }
}

/// The tape with what hears it.
#[derive(Debug)]
pub(crate) struct Beside<'a> {
    pub(crate) tape: TradeTape<'a>,
    /// None where nothing selected reads it; it was started for the partition.
    pub(crate) vpin: Option<&'a mut Vpin>,
    pub(crate) bars: Option<BarTables<'a>>,
    pub(crate) last: Option<TradeRow>,
}

impl Beside<'_> {
    /// Takes the two-sided snapshots of a batch; `vpin` gets a value for each, where it is written.
    ///
    /// # Errors
    /// `Damage`, `Io`, `Findings` of the trades; what `emit` returns.
    pub(crate) fn run(
        &mut self,
        simd: Simd,
        series: &Series,
        mut vpin: Option<&mut [f64]>,
        emit: &mut EmitTable<'_>,
    ) -> Result<()> {
        if self.vpin.is_none() && self.bars.is_none() {
            return Ok(());
        }
        let lanes = BookLanes::of(series);
        let (price_scale, _) = self.tape.scales();
        let clocks = series.clock();
        let mut first = 0;
        while let Some(clock) = clocks.get(first) {
            self.take_trades(*clock, emit)?;
            // Of the rows up to `end`, and of the trades before them, only what was just taken ends bars.
            let mut end = clocks.len();
            if let Some(bars) = &mut self.bars {
                bars.with(emit, |bars, close| bars.roll(*clock, close))?;
                let until = bars.bars.until();
                end = first + 1 + clocks[first + 1..].partition_point(|clock| *clock < until);
            }
            for (row, clock) in clocks[..end].iter().enumerate().skip(first) {
                self.take_trades(*clock, emit)?;
                if let (Some(buckets), Some(out)) = (&mut self.vpin, &mut vpin) {
                    buckets.advance(*clock, price_scale);
                    out[row] = buckets.value();
                }
            }
            if let Some(bars) = &mut self.bars {
                bars.with(emit, |bars, close| bars.see_rows(simd, &lanes, first..end, close))?;
            }
            first = end;
        }
        Ok(())
    }

    /// Takes the trades that are not later than `limit`.
    #[inline]
    fn take_trades(&mut self, limit: i64, emit: &mut EmitTable<'_>) -> Result<()> {
        let (price_scale, _) = self.tape.scales();
        while let Some(trade) = self.tape.next_until(limit)? {
            if let Some(vpin) = &mut self.vpin {
                vpin.see(&trade, price_scale);
            }
            if let Some(bars) = &mut self.bars {
                let piece = piece(&trade, log_return(self.last.as_ref(), &trade));
                bars.with(emit, |bars, close| bars.see_trade(&piece, close))?;
            }
            self.last = Some(trade);
        }
        Ok(())
    }

    /// Takes what is left of the trades and ends the open bars; without bars only for a state that `is_kept`.
    ///
    /// # Errors
    /// As [`Beside::run`].
    pub(crate) fn finish(&mut self, is_kept: bool, emit: &mut EmitTable<'_>) -> Result<()> {
        if self.bars.is_none() && !(is_kept && self.vpin.is_some()) {
            return Ok(());
        }
        self.take_trades(i64::MAX, emit)?;
        let Some(bars) = &mut self.bars else { return Ok(()) };
        bars.with(emit, TimeBars::finish)?;
        bars.tables.iter_mut().try_for_each(|table| table.finish(emit))
    }
}

/// Parts of the state.
const LAST: &str = "book.last_trade";
const VPIN: &str = "book.vpin";
const BARS: &str = "book.bars";

impl Beside<'_> {
    /// Goes on after the date before.
    ///
    /// # Errors
    /// `Damage`, `Io`, `Findings` of its state.
    pub(crate) fn take_over(&mut self, carry: &mut Carry<'_>) -> Result<()> {
        self.tape.raise(carry.trade_floor());
        let (price, size) = self.tape.scales();
        let to = Scales { price, size };
        carry.restore(LAST, self, to)?;
        if let Some(vpin) = &mut self.vpin {
            carry.restore(VPIN, &mut **vpin, to)?;
        }
        match &mut self.bars {
            Some(tables) => carry.restore(BARS, &mut tables.bars, to),
            None => Ok(()),
        }
    }

    /// Leaves the state, after [`Beside::finish`].
    ///
    /// # Errors
    /// `Io`.
    pub(crate) fn hand_on(&self, carry: &mut Carry<'_>) -> Result<()> {
        carry.save(LAST, self)?;
        if let Some(vpin) = &self.vpin {
            carry.save(VPIN, &**vpin)?;
        }
        self.bars.as_ref().map_or(Ok(()), |tables| carry.save(BARS, &tables.bars))
    }
}

/// The trade before.
impl Carried for Beside<'_> {
    fn save(&self, out: &mut StateWriter<'_>) -> Result<()> {
        out.option(self.last.map(|trade| trade.price_m))
    }

    fn restore(&mut self, from: &mut StateReader, scales: Rescale) -> Result<()> {
        let last = from.option()?.map(|price_m| rescaled(price_m, scales.from.price, scales.to.price)).transpose()?;
        self.last = last.map(|price_m| of_price(price_m, scales.to.price));
        Ok(())
    }
}
