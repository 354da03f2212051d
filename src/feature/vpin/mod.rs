//! VPIN (Easley, Lopez de Prado, O'Hara 2012): buckets of equal volume over a partition's trades, in whole lots.
//!
//! A lot is so small that every quantity and the bucket volume V are whole numbers of it (D3), so a trade is split without
//! rounding, and one of any multiple of V costs no more than the buckets that are remembered. `vpin` is the mean of
//! |VB - VS| / V over the last buckets; it is summed anew whenever a bucket is full, so nothing drifts.

mod bulk;
mod carry;
mod columns;
mod config;

use crate::error::{Error, ErrorKind, Result};
use crate::feature::sign::TickRule;
use crate::feature::{PartitionInputs, calendar};
use crate::merge::{Scales, TradeRow, TradeTotals, trade_totals};
use crate::read::TableReader;
use crate::units::POW10;

use bulk::Bulk;
pub(crate) use columns::{BOOK, TRADES};
pub use config::{BucketVolume, Classify, VpinConfig};

/// Lots of a partition stay below this, so that no sum of two overflows.
const LOTS_MAX: i128 = 1 << 125;

/// The volume of a bucket as a fraction of quantity mantissas: `numerator / denominator`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bucket {
    numerator: i128,
    denominator: i128,
}

/// Total volume of earlier dates, for `prior/n`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PriorVolume {
    /// Sum over the dates, as a mantissa.
    pub volume_m: i128,
    /// Decimals of it.
    pub scale: u8,
    /// Dates; 0 if there are none.
    pub dates: u32,
}

impl PriorVolume {
    fn with(self, volume_m: i128, scale: u8) -> Self {
        let common = self.scale.max(scale);
        let up = |from: u8| i128::from(POW10[usize::from(common - from).min(18)]);
        let sum = self.volume_m.saturating_mul(up(self.scale)).saturating_add(volume_m.saturating_mul(up(scale)));
        Self { volume_m: sum, scale: common, dates: self.dates + 1 }
    }

    /// Adds the trades of one more date, from the statistics of their segments.
    #[must_use]
    pub fn with_trades(self, segments: &[TableReader]) -> Self {
        let totals = trade_totals(segments, Scales::default());
        self.with(totals.volume_m, totals.scale)
    }
}

impl Bucket {
    /// V of a partition; `None` where it is not positive or not known (D4, D6).
    pub(crate) fn new(volume: &BucketVolume, day: &TradeTotals, prior: &PriorVolume) -> Option<Self> {
        let power = |n: u8| i128::from(POW10[usize::from(n).min(18)]);
        let (numerator, denominator) = match *volume {
            BucketVolume::Fixed(v) => {
                let (up, down) = (day.scale.saturating_sub(v.scale), v.scale.saturating_sub(day.scale));
                (i128::from(v.mantissa).checked_mul(power(up))?, power(down))
            }
            BucketVolume::Day(parts) => (day.volume_m, i128::from(parts)),
            BucketVolume::Prior(parts) => {
                let (up, down) = (day.scale.saturating_sub(prior.scale), prior.scale.saturating_sub(day.scale));
                let parts = i128::from(parts) * i128::from(prior.dates);
                (prior.volume_m.checked_mul(power(up))?, parts * power(down))
            }
        };
        (numerator > 0 && denominator > 0).then_some(Self { numerator, denominator })
    }
}

/// The state of a partition's buckets.
#[derive(Debug)]
pub(crate) struct Vpin {
    /// Lots of one unit of a quantity's mantissa, and of a bucket; 0 where VPIN is null.
    per_unit: i128,
    bucket: i128,
    fill: i128,
    /// Buyer's minus seller's lots in the open bucket: whole, and what bulk classification splits.
    signed: i128,
    split: f64,
    /// Shares |VB - VS| / V of the last buckets.
    shares: Vec<f64>,
    /// Volume of a bucket of this partition as a quantity, and of each of the last buckets; whether any differs.
    volume: f64,
    volumes: Vec<f64>,
    mixed: bool,
    /// Lots of all trades of the partition at most.
    most: i128,
    capacity: usize,
    next: usize,
    value: f64,
    tick: TickRule,
    bulk: Option<Bulk>,
    /// The partition's volume where it is not that of the stored statistics.
    day_volume_m: Option<i128>,
}

impl Vpin {
    /// Memory for `config`; [`Vpin::start`] begins a partition.
    pub(crate) fn new(config: &VpinConfig) -> Self {
        let capacity = config.buckets as usize;
        let bulk = (config.classify == Classify::Bvc).then(|| Bulk::new(i64::from(config.bvc_bar_s)));
        Self {
            per_unit: 0,
            bucket: 0,
            fill: 0,
            signed: 0,
            split: 0.0,
            shares: Vec::with_capacity(capacity),
            volume: f64::NAN,
            mixed: false,
            most: 0,
            volumes: Vec::with_capacity(capacity),
            capacity,
            next: 0,
            value: f64::NAN,
            tick: TickRule::default(),
            bulk,
            day_volume_m: None,
        }
    }

    /// Says what the next partition's volume is, where some stored trades are left out.
    pub(crate) fn set_day_volume(&mut self, volume_m: Option<i128>) {
        self.day_volume_m = volume_m;
    }

    /// Starts a partition whose trades are read at scales that are at least `floor`.
    ///
    /// # Errors
    /// `Findings` if its volume in lots is beyond 2^125; `Usage` for an unknown zone.
    pub(crate) fn start(&mut self, config: &VpinConfig, inputs: &PartitionInputs<'_>, floor: Scales) -> Result<()> {
        let stored = trade_totals(inputs.trades, floor);
        let totals = TradeTotals { volume_m: self.day_volume_m.unwrap_or(stored.volume_m), ..stored };
        let bucket = Bucket::new(&config.bucket_volume, &totals, &inputs.prior);
        let Bucket { numerator, denominator } = bucket.unwrap_or(Bucket { numerator: 0, denominator: 1 });
        let lots = totals.volume_m.max(totals.qty_bound.cast_signed()).checked_mul(denominator);
        let lots = lots.filter(|lots| *lots <= LOTS_MAX && numerator <= LOTS_MAX);
        (self.most, self.mixed) = (lots.ok_or_else(too_many_lots)?, false);
        (self.per_unit, self.bucket) = (denominator, numerator);
        (self.fill, self.signed, self.split) = (0, 0, 0.0);
        (self.next, self.value, self.tick) = (0, f64::NAN, TickRule::default());
        self.shares.clear();
        self.volumes.clear();
        self.volume = carry::quantity(numerator, denominator, totals.scale);
        if let Some(bulk) = &mut self.bulk {
            bulk.start(calendar::midnight(inputs.date_tz, inputs.date())?);
        }
        Ok(())
    }

    /// `vpin` now; null before the first bucket is full, and in a partition without a bucket volume.
    pub(crate) fn value(&self) -> f64 {
        if self.bucket == 0 { f64::NAN } else { self.value }
    }

    /// The clock has come to `clock`: bars of bulk classification that have ended enter the buckets (D2).
    pub(crate) fn advance(&mut self, clock: i64, price_scale: u8) {
        if let Some(bulk) = &mut self.bulk
            && let Some((lots, excess)) = bulk.take_ended(clock, price_scale)
        {
            self.fill(lots, 0, excess);
        }
    }

    /// Takes the next trade.
    pub(crate) fn see(&mut self, trade: &TradeRow, price_scale: u8) {
        let tick = self.tick.see(trade.price_m);
        if self.bucket == 0 {
            return;
        }
        self.advance(trade.clock, price_scale);
        let lots = i128::from(trade.qty_m) * self.per_unit;
        match &mut self.bulk {
            Some(bulk) => bulk.see(trade, lots),
            None => {
                let direction = if trade.side == 0 { tick } else { trade.side };
                self.fill(lots, direction, 0.0);
            }
        }
    }

    /// Puts lots into the buckets; of each, `direction + excess` counts as bought less sold.
    fn fill(&mut self, mut lots: i128, direction: i64, excess: f64) {
        if lots == 0 {
            return;
        }
        // A bucket of the date before may hold more than one of this date: it is full as it is.
        let room = (self.bucket - self.fill).max(0);
        if lots < room {
            self.put(lots, direction, excess);
            return;
        }
        self.put(room, direction, excess);
        lots -= room;
        let held = if self.fill == self.bucket { 1.0 } else { self.fill as f64 / self.bucket as f64 };
        self.mixed |= self.fill != self.bucket;
        self.push((self.signed as f64 + self.split).abs() / self.fill as f64, held * self.volume);
        // Full buckets of one trade are all alike, so no more of them than are remembered need be pushed.
        let whole = lots / self.bucket;
        let same = (direction as f64 + excess).abs();
        for _ in 0..whole.min(self.capacity as i128) {
            self.push(same, self.volume);
        }
        (self.fill, self.signed, self.split) = (0, 0, 0.0);
        self.put(lots % self.bucket, direction, excess);
        self.value = self.mean();
    }

    fn put(&mut self, lots: i128, direction: i64, excess: f64) {
        self.fill += lots;
        self.signed += lots * i128::from(direction);
        if excess != 0.0 {
            self.split += lots as f64 * excess;
        }
    }

    fn push(&mut self, share: f64, volume: f64) {
        if self.shares.len() < self.capacity {
            self.shares.push(share);
            self.volumes.push(volume);
            return;
        }
        self.shares[self.next] = share;
        self.volumes[self.next] = volume;
        self.next = (self.next + 1) % self.capacity;
    }

    /// sum |VB - VS| / sum V over the last buckets: the mean of the shares, weighted where buckets of the date before were of
    /// another volume.
    fn mean(&self) -> f64 {
        if !self.mixed {
            return self.shares.iter().sum::<f64>() / self.shares.len() as f64;
        }
        let weights = self.volumes.iter().map(|volume| volume / self.volume);
        let sum: f64 = self.shares.iter().zip(weights.clone()).map(|(share, weight)| share * weight).sum();
        sum / weights.sum::<f64>()
    }
}

fn too_many_lots() -> Error {
    Error::new(ErrorKind::Findings {
        what: "the volume in lots of the VPIN bucket is beyond 2^125; use a bucket volume of fewer decimals".to_owned(),
    })
}
