//! The pass over the trades: batch after batch of a [`TradeFrame`], with what the selected families need looked up.

use crate::error::{Error, ErrorKind, Result};
use crate::feature::carry::{Carried, Carry, Rescale, StateReader, StateWriter};
use crate::feature::inputs::PartitionInputs;
use crate::feature::sign::{TickRule, lee_ready};
use crate::feature::trade::frame::{TradeFrame, log_return};
use crate::feature::trade::memory::TradeMemory;
use crate::feature::trade::tail::of_price;
use crate::feature::trade::window::TradeWindow;
use crate::feature::vpin::Vpin;
use crate::merge::{
    BATCH, Quote, QuoteTape, RowFaults, Scales, Simd, TapeMemory, TradeRow, TradeTape, TradeTotals, last_clock,
    rescaled,
};
use crate::units::NANOS_PER_SECOND;

/// What the selected columns read besides the trades.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// The mid before each trade, and the sign that follows from it.
    pub(crate) sign: bool,
    /// Seconds ahead.
    pub(crate) ahead_s: Vec<u32>,
    /// Seconds of the windows.
    pub(crate) windows_s: Vec<u32>,
    pub(crate) vpin: bool,
}

/// A quote tape that runs ahead of the trades.
#[derive(Debug)]
struct Ahead<'a> {
    quotes: QuoteTape<'a>,
    by_ns: i64,
}

/// One partition's pass.
#[derive(Debug)]
pub(crate) struct TradePass<'a> {
    tape: TradeTape<'a>,
    before: Option<QuoteTape<'a>>,
    after: Vec<Ahead<'a>>,
    windows: Vec<TradeWindow<'a>>,
    vpin: Option<&'a mut Vpin>,
    frame: &'a mut TradeFrame,
    trades: &'a mut Vec<TradeRow>,
    tick: TickRule,
    last: Option<TradeRow>,
    /// Clock of the last book row (E3).
    book_end: Option<i64>,
}

impl<'a> TradePass<'a> {
    /// A pass before the first trade, at scales that are at least `floor`; `vpin` was started for the partition.
    ///
    /// # Errors
    /// `Damage`, `Io`; `Findings` where the sums of a window could exceed 128 bits.
    pub(crate) fn new(
        inputs: &PartitionInputs<'a>,
        wanted: &Wanted,
        totals: &TradeTotals,
        (memory, tape, vpin): (&'a mut TradeMemory, &'a mut TapeMemory, &'a mut Vpin),
        (simd, floor): (Simd, Scales),
    ) -> Result<Self> {
        let rows = inputs.trade_rows();
        let most = totals.price_bound.saturating_mul(totals.qty_bound).saturating_mul(u128::from(rows));
        if most > 1 << 126 {
            return Err(Error::new(ErrorKind::Findings {
                what: format!("the notional of {rows} trades is beyond 2^126 units of its smallest decimal"),
            }));
        }
        let TradeMemory { windows, before, after, frame, trades } = memory;
        let mut tape = TradeTape::counting(inputs.trades, inputs.clock, tape, simd, true)?;
        tape.raise(floor);
        let before = if wanted.sign { Some(QuoteTape::new(inputs.book, inputs.clock, before)?) } else { None };
        let mut ahead = Vec::with_capacity(wanted.ahead_s.len());
        for (seconds, memory) in wanted.ahead_s.iter().zip(after) {
            let quotes = QuoteTape::new(inputs.book, inputs.clock, memory)?;
            ahead.push(Ahead { quotes, by_ns: i64::from(*seconds) * NANOS_PER_SECOND });
        }
        let mut open = Vec::with_capacity(wanted.windows_s.len());
        for (seconds, memory) in wanted.windows_s.iter().zip(windows) {
            let length_ns = i64::from(*seconds) * NANOS_PER_SECOND;
            open.push(TradeWindow::new(inputs.trades, inputs.clock, memory, simd, (length_ns, floor))?);
        }
        Ok(Self {
            tape,
            before,
            after: ahead,
            windows: open,
            vpin: wanted.vpin.then_some(vpin),
            frame,
            trades,
            tick: TickRule::default(),
            last: None,
            book_end: last_clock(inputs.book, inputs.clock),
        })
    }

    /// Reads the next batch of at most `limit` trades; false at the end.
    ///
    /// # Errors
    /// `Damage`, `Io`, `Findings`.
    pub(crate) fn next_batch(&mut self, limit: usize) -> Result<bool> {
        self.trades.clear();
        while self.trades.len() < limit.min(BATCH) {
            let Some(trade) = self.tape.next()? else { break };
            let row = self.trades.len();
            self.look_up(&trade, row)?;
            self.trades.push(trade);
            self.last = Some(trade);
        }
        self.frame.rows = self.trades.len();
        Ok(self.frame.rows > 0)
    }

    /// Fills one row of the frame.
    fn look_up(&mut self, trade: &TradeRow, row: usize) -> Result<()> {
        let log_return = log_return(self.last.as_ref(), trade);
        self.frame.put(row, trade, log_return);
        let (price_scale, _) = self.tape.scales();
        let tick = self.tick.see(trade.price_m);
        if let Some(quotes) = &mut self.before {
            // A snapshot of the trade's clock is after it (E5).
            let quote = quotes.last_until(trade.clock.saturating_sub(1))?;
            self.frame.put_sign(row, lee_ready(trade.side, trade.price_m, price_scale, quote, tick), quote);
        }
        for (ahead, lane) in self.after.iter_mut().zip(&mut self.frame.mid_after) {
            let target = trade.clock.saturating_add(ahead.by_ns);
            let quote = match self.book_end {
                Some(end) if target <= end => ahead.quotes.last_until(target)?,
                _ => None,
            };
            lane[row] = quote.map_or(f64::NAN, Quote::mid);
        }
        for (window, lanes) in self.windows.iter_mut().zip(&mut self.frame.windows) {
            window.take(trade, log_return, lanes, row)?;
        }
        if let Some(vpin) = &mut self.vpin {
            vpin.see(trade, price_scale);
            self.frame.put_vpin(row, vpin.value());
        }
        Ok(())
    }

    /// The batch read last.
    pub(crate) fn frame(&self) -> &TradeFrame {
        self.frame
    }

    /// What was found in the trades read so far.
    pub(crate) fn faults(&self) -> RowFaults {
        self.tape.faults()
    }

    /// Its trades.
    pub(crate) fn trades(&self) -> &[TradeRow] {
        self.trades
    }

    /// Decimals of prices and quantities.
    pub(crate) fn scales(&self) -> (u8, u8) {
        self.tape.scales()
    }
}

/// Parts of the state.
const LAST: &str = "trades.last";
const WINDOWS: &str = "trades.windows";
const VPIN: &str = "trades.vpin";
const TAIL: &str = "trades.tail";

impl TradePass<'_> {
    fn decimals(&self) -> Scales {
        let (price, size) = self.scales();
        Scales { price, size }
    }

    /// Goes on after the last trade of the date before.
    ///
    /// # Errors
    /// `Damage`, `Io`, `Findings` of its state.
    pub(crate) fn take_over(&mut self, carry: &mut Carry<'_>) -> Result<()> {
        let to = self.decimals();
        let scales = Rescale { from: carry.trade_floor(), to };
        carry.restore(LAST, self, to)?;
        let has_windows = !self.windows.is_empty();
        if let Some(from) = if has_windows { carry.enter(WINDOWS)? } else { None } {
            self.windows.iter_mut().try_for_each(|window| window.restore(from, scales))?;
            from.leave()?;
        }
        if let Some(vpin) = &mut self.vpin {
            carry.restore(VPIN, &mut **vpin, to)?;
        }
        let longest = self.windows.last().map_or(0, TradeWindow::count);
        // A part without a word is none.
        match if longest > 0 { carry.enter(TAIL)? } else { None } {
            Some(from) => self.windows.iter_mut().try_for_each(|w| w.take_tail(from.fork()?, longest, scales)),
            None => Ok(()),
        }
    }

    /// Leaves the state after the last trade; the pass is of no use then.
    ///
    /// # Errors
    /// `Damage`, `Io` of what is read for it; `Io` of the state.
    pub(crate) fn hand_on(&mut self, carry: &mut Carry<'_>) -> Result<()> {
        if let Some(quotes) = &mut self.before {
            quotes.last_until(i64::MAX)?;
        }
        carry.save(LAST, self)?;
        if let Some(out) = carry.begin_part(WINDOWS) {
            self.windows.iter().try_for_each(|window| window.save(out))?;
        }
        if let Some(vpin) = &self.vpin {
            carry.save(VPIN, &**vpin)?;
        }
        match (self.windows.last_mut(), carry.begin_part(TAIL)) {
            (Some(longest), Some(out)) => longest.save_tail(out),
            _ => Ok(()),
        }
    }
}

/// The trade before, the tick rule, and the quotes in force.
impl Carried for TradePass<'_> {
    fn save(&self, out: &mut StateWriter<'_>) -> Result<()> {
        out.option(self.last.map(|trade| trade.price_m))?;
        self.tick.save(out)?;
        let quote = self.before.as_ref().and_then(QuoteTape::last);
        out.option(quote.map(|quote| quote.bid_m))?;
        out.int(quote.map_or(0, |quote| quote.ask_m))?;
        out.word(quote.map_or(0, |quote| u64::from(quote.scale)))
    }

    fn restore(&mut self, from: &mut StateReader, scales: Rescale) -> Result<()> {
        let last = from.option()?.map(|price_m| rescaled(price_m, scales.from.price, scales.to.price)).transpose()?;
        self.last = last.map(|price_m| of_price(price_m, scales.to.price));
        self.tick.restore(from, scales)?;
        let (bid, ask_m, scale) = (from.option()?, from.int()?, from.scale()?);
        let quote = match bid {
            Some(bid_m) => Some(Quote { bid_m: rescaled(bid_m, 0, 0)?, ask_m: rescaled(ask_m, 0, 0)?, scale }),
            None => None,
        };
        if let Some(quotes) = &mut self.before {
            quotes.resume(quote);
        }
        self.after.iter_mut().for_each(|ahead| ahead.quotes.resume(quote));
        Ok(())
    }
}
