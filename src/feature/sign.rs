//! Who started a trade when the source does not say: the tick rule and the quote rule, on exact prices (A1, D5, E5).

use std::cmp::Ordering;

use crate::error::Result;
use crate::feature::carry::{Carried, Rescale, StateReader, StateWriter, damaged};
use crate::merge::{Quote, rescaled};
use crate::units::POW10;

/// Where a sign comes from: `sign_source` of table `trades`.
pub(crate) const GIVEN: i64 = 0;
pub(crate) const BY_QUOTE: i64 = 1;
pub(crate) const BY_TICK: i64 = 2;
pub(crate) const UNKNOWN: i64 = 3;

/// The direction of the last price change over all trades so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TickRule {
    last: Option<i64>,
    direction: i64,
}

impl TickRule {
    /// Takes the next trade's price; 1 or -1, or 0 before the first change.
    pub(crate) fn see(&mut self, price_m: i64) -> i64 {
        match self.last.map(|last| price_m.cmp(&last)) {
            Some(Ordering::Greater) => self.direction = 1,
            Some(Ordering::Less) => self.direction = -1,
            Some(Ordering::Equal) | None => {}
        }
        self.last = Some(price_m);
        self.direction
    }
}

impl Carried for TickRule {
    fn save(&self, out: &mut StateWriter<'_>) -> Result<()> {
        out.option(self.last)?;
        out.int(self.direction)
    }

    fn restore(&mut self, from: &mut StateReader, scales: Rescale) -> Result<()> {
        let last = from.option()?;
        self.last = last.map(|price_m| rescaled(price_m, scales.from.price, scales.to.price)).transpose()?;
        self.direction = from.int()?;
        if self.direction.unsigned_abs() > 1 {
            return Err(damaged("a direction", self.direction.to_string()));
        }
        Ok(())
    }
}

/// Sign and `sign_source` of a trade: the given side, else price against the mid before it, else the tick rule at the mid or
/// where no mid is known (Lee and Ready 1991).
pub(crate) fn lee_ready(side: i64, price_m: i64, scale: u8, before: Option<Quote>, tick: i64) -> (i64, i64) {
    if side != 0 {
        return (side, GIVEN);
    }
    let against_mid = before.map_or(Ordering::Equal, |quote| {
        let up = |scale: u8, other: u8| i128::from(POW10[usize::from(other.saturating_sub(scale)).min(18)]);
        let twice = 2 * i128::from(price_m) * up(scale, quote.scale);
        let sum = (i128::from(quote.bid_m) + i128::from(quote.ask_m)) * up(quote.scale, scale);
        twice.cmp(&sum)
    });
    match against_mid {
        Ordering::Greater => (1, BY_QUOTE),
        Ordering::Less => (-1, BY_QUOTE),
        Ordering::Equal if tick != 0 => (tick, BY_TICK),
        Ordering::Equal => (0, UNKNOWN),
    }
}
