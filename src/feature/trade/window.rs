//! A window over the trades: what enters is the trade at hand, what leaves comes from a second tape over the same trades, so
//! nothing is held however long the window is (G10, A2). What the date before has left in it comes from its state. Volumes and notionals are whole numbers and do not drift.

use crate::error::Result;
use crate::feature::carry::{Carried, Rescale, StateReader, StateWriter, damaged};
use crate::feature::sums::{Wide, scaled, unit};
use crate::feature::trade::frame::{WindowLanes, log_return};
use crate::feature::trade::tail::{Leaving, Tail, of_price};
use crate::merge::{Scales, Simd, TapeMemory, TradeRow, TradeTape, rescaled};
use crate::read::TableReader;
use crate::schema::Clock;

/// The trades with clock in (t - length, t].
#[derive(Debug)]
pub(crate) struct TradeWindow<'a> {
    leaving: Leaving<'a>,
    length_ns: i64,
    /// Divisors of volume and notional.
    units: [f64; 2],
    /// The trade that left last.
    left: Option<TradeRow>,
    volume_m: i128,
    notional_m: i128,
    count: u64,
    buys: u64,
    /// Squared log returns, and how many are not null.
    squares: Wide,
    returns: u64,
}

impl<'a> TradeWindow<'a> {
    pub(crate) fn new(
        segments: &'a [TableReader],
        clock: Clock,
        memory: &'a mut TapeMemory,
        simd: Simd,
        (length_ns, floor): (i64, Scales),
    ) -> Result<Self> {
        let mut own = TradeTape::new(segments, clock, memory, simd, false)?;
        own.raise(floor);
        let (price_scale, qty_scale) = own.scales();
        let units = [unit(u32::from(qty_scale)), unit(u32::from(price_scale) + u32::from(qty_scale))];
        Ok(Self {
            leaving: Leaving { tail: None, own },
            units,
            length_ns,
            left: None,
            volume_m: 0,
            notional_m: 0,
            count: 0,
            buys: 0,
            squares: Wide::default(),
            returns: 0,
        })
    }

    /// Takes the next trade in, and out what is too old for it; writes row `row`.
    pub(crate) fn take(
        &mut self,
        trade: &TradeRow,
        log_return_now: f64,
        lanes: &mut WindowLanes,
        row: usize,
    ) -> Result<()> {
        self.volume_m += i128::from(trade.qty_m);
        self.notional_m += i128::from(trade.price_m) * i128::from(trade.qty_m);
        self.count += 1;
        self.buys += u64::from(trade.side == 1);
        if !log_return_now.is_nan() {
            self.squares.add(log_return_now * log_return_now);
            self.returns += 1;
        }
        let oldest = trade.clock.saturating_sub(self.length_ns);
        while let Some(old) = self.leaving.next_until(oldest)? {
            self.drop_out(&old);
        }
        lanes.volume[row] = scaled(self.volume_m, self.units[0]);
        lanes.notional[row] = scaled(self.notional_m, self.units[1]);
        lanes.count[row] = self.count as f64;
        lanes.buys[row] = self.buys as f64;
        lanes.squares[row] = if self.returns == 0 { f64::NAN } else { self.squares.value().max(0.0) };
        Ok(())
    }

    fn drop_out(&mut self, old: &TradeRow) {
        self.volume_m -= i128::from(old.qty_m);
        self.notional_m -= i128::from(old.price_m) * i128::from(old.qty_m);
        self.count = self.count.saturating_sub(1);
        self.buys = self.buys.saturating_sub(u64::from(old.side == 1));
        let log_return = log_return(self.left.as_ref(), old);
        if !log_return.is_nan() {
            self.squares.remove(log_return * log_return);
            self.returns = self.returns.saturating_sub(1);
        }
        self.left = Some(*old);
    }

    /// Trades in the window.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Lets the trades of the state leave first; `longest` of them stand there, and this window holds the last ones.
    pub(crate) fn take_tail(&mut self, from: StateReader, longest: u64, scales: Rescale) -> Result<()> {
        let skip =
            longest.checked_sub(self.count).ok_or_else(|| damaged("windows by length", "a shorter one with more"))?;
        self.leaving.tail = Some(Tail::new(from, skip, self.count, scales)?);
        Ok(())
    }

    /// Writes the trades in the window; it is of no use after.
    pub(crate) fn save_tail(&mut self, out: &mut StateWriter<'_>) -> Result<()> {
        self.leaving.save(out)
    }
}

impl Carried for TradeWindow<'_> {
    fn save(&self, out: &mut StateWriter<'_>) -> Result<()> {
        out.wide(self.volume_m)?;
        out.wide(self.notional_m)?;
        let (halves, held) = self.squares.parts();
        out.floats(&halves)?;
        out.words(&[held, self.count, self.buys, self.returns])?;
        out.option(self.left.map(|trade| trade.price_m))
    }

    fn restore(&mut self, from: &mut StateReader, Rescale { from: old, to }: Rescale) -> Result<()> {
        let up = |value: i128, decimals: u8| {
            let value = value.checked_mul(10_i128.pow(u32::from(decimals)));
            let fits = value.filter(|value| value.abs() <= 1 << 125);
            fits.ok_or_else(|| damaged("sums of a window below 2^125", "more, at the decimals of this date"))
        };
        let (price, size) = (to.price - old.price, to.size - old.size);
        self.volume_m = up(from.wide()?, size)?;
        self.notional_m = up(from.wide()?, size + price)?;
        let halves = [from.float()?, from.float()?];
        let mut counts = [0; 4];
        from.words(&mut counts)?;
        let [held, count, buys, returns] = counts;
        if held.max(buys).max(returns) > count {
            return Err(damaged(format!("parts of {count} trades"), format!("{held}, {buys}, {returns}")));
        }
        self.squares = Wide::of_parts(halves, held);
        (self.count, self.buys, self.returns) = (count, buys, returns);
        let left = from.option()?.map(|price_m| rescaled(price_m, old.price, to.price)).transpose()?;
        self.left = left.map(|price_m| of_price(price_m, to.price));
        Ok(())
    }
}
