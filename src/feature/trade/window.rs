//! A window over the trades: what enters is the trade at hand, what leaves comes from a second tape over the same trades, so
//! nothing is held however long the window is (G10, A2). Volumes and notionals are whole numbers and do not drift.

use crate::error::Result;
use crate::feature::sums::{Wide, scaled, unit};
use crate::feature::trade::frame::{WindowLanes, log_return};
use crate::merge::{Simd, TapeMemory, TradeRow, TradeTape};
use crate::read::TableReader;
use crate::schema::Clock;

/// The trades with clock in (t - length, t].
#[derive(Debug)]
pub(crate) struct TradeWindow<'a> {
    leaving: TradeTape<'a>,
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
        length_ns: i64,
    ) -> Result<Self> {
        let leaving = TradeTape::new(segments, clock, memory, simd, false)?;
        let (price_scale, qty_scale) = leaving.scales();
        let units = [unit(u32::from(qty_scale)), unit(u32::from(price_scale) + u32::from(qty_scale))];
        Ok(Self {
            leaving,
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
        self.count -= 1;
        self.buys -= u64::from(old.side == 1);
        let log_return = log_return(self.left.as_ref(), old);
        if !log_return.is_nan() {
            self.squares.remove(log_return * log_return);
            self.returns -= 1;
        }
        self.left = Some(*old);
    }
}
