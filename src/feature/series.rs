//! The series: two-sided snapshots of one batch as columns, which windows and bars read.
//!
//! Shape: row i is the i-th two-sided snapshot of the batch, in total order; rows of other kinds are left out. All columns
//! have [`Series::rows`] values. f64 columns are null (NaN) by the rules of the table column that they are taken from;
//! sums of trades are never null. [`Series::clock`] is the run's clock in nanoseconds, [`Series::spread_m`] the exact
//! spread, a0 - b0, in units of the smallest decimal of the table's prices.
//!
//! Only the columns that the plan asks for are filled ([`Plan::series`]): a family that reads one names it in its `needs`,
//! and the family that the column comes from then runs, written or not.
//!
//! [`Plan::series`]: crate::feature::Plan

use crate::feature::frame::Lane;
use crate::feature::lanes::map2;
use crate::merge::{BATCH, Batch, BookSide, TradeSums};

/// A column of the series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum SeriesColumn {
    /// m.
    Mid,
    /// a0 - b0 as a price.
    Spread,
    SpreadBps,
    Imbalance1,
    DepthImbalance,
    Microprice,
    BidDepth,
    AskDepth,
    CogVsMidBps,
    BidSlopeReg,
    AskSlopeReg,
    /// Size of the bids within 5 bps.
    BidNear,
    /// Size of the asks within 5 bps.
    AskNear,
    Ofi,
    Mlofi,
    LogReturn,
    /// m - m_p; null where no difference is taken.
    MidDifference,
    /// Sums of the trades that belong to the snapshot.
    BuyVolume,
    SellVolume,
    UnknownVolume,
    TradeCount,
    Notional,
    /// Volume of all sides.
    TradeVolume,
    /// (buy-sell)/(buy+sell), 0 when both are 0.
    TradeImbalance,
}

impl SeriesColumn {
    /// Every column, in the order of its number.
    pub(crate) const ALL: [Self; 24] = [
        Self::Mid,
        Self::Spread,
        Self::SpreadBps,
        Self::Imbalance1,
        Self::DepthImbalance,
        Self::Microprice,
        Self::BidDepth,
        Self::AskDepth,
        Self::CogVsMidBps,
        Self::BidSlopeReg,
        Self::AskSlopeReg,
        Self::BidNear,
        Self::AskNear,
        Self::Ofi,
        Self::Mlofi,
        Self::LogReturn,
        Self::MidDifference,
        Self::BuyVolume,
        Self::SellVolume,
        Self::UnknownVolume,
        Self::TradeCount,
        Self::Notional,
        Self::TradeVolume,
        Self::TradeImbalance,
    ];

    /// The column of table `book` that it is, or none where the batch itself gives it.
    pub(crate) fn source(self) -> Option<&'static str> {
        Some(match self {
            Self::SpreadBps => "spread_bps",
            Self::Imbalance1 => "imbalance_1",
            Self::DepthImbalance => "depth_imbalance",
            Self::Microprice => "microprice",
            Self::BidDepth => "bid_depth",
            Self::AskDepth => "ask_depth",
            Self::CogVsMidBps => "cog_vs_mid_bps",
            Self::BidSlopeReg => "bid_slope_reg",
            Self::AskSlopeReg => "ask_slope_reg",
            Self::BidNear => "bid_vol_0_5bps",
            Self::AskNear => "ask_vol_0_5bps",
            Self::Ofi => "ofi",
            Self::Mlofi => "mlofi",
            Self::LogReturn => "log_return",
            _ => return None,
        })
    }
}

/// The columns of one batch; memory of a worker.
#[derive(Debug)]
pub(crate) struct Series {
    lanes: Vec<Lane>,
    clock: [i64; BATCH],
    spread_m: [i64; BATCH],
    rows: usize,
}

impl Series {
    pub(crate) fn new() -> Self {
        let lanes = vec![[0.0; BATCH]; SeriesColumn::ALL.len()];
        Self { lanes, clock: [0; BATCH], spread_m: [0; BATCH], rows: 0 }
    }

    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&self.lanes[..]) + 16 * BATCH
    }

    /// Two-sided snapshots of the batch.
    #[inline(always)]
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// A column; left over from another batch unless the plan asks for it.
    #[inline(always)]
    pub(crate) fn column(&self, column: SeriesColumn) -> &[f64] {
        &self.lanes[column as usize][..self.rows]
    }

    /// The run's clock, never falling.
    #[inline(always)]
    pub(crate) fn clock(&self) -> &[i64] {
        &self.clock[..self.rows]
    }

    /// The exact spread in mantissas.
    #[inline(always)]
    pub(crate) fn spread_m(&self) -> &[i64] {
        &self.spread_m[..self.rows]
    }

    /// Takes a column of every row of the batch, of which `two_sided` are kept.
    pub(crate) fn take_rows(&mut self, column: SeriesColumn, values: &[f64], two_sided: &[u32]) {
        let out = &mut self.lanes[column as usize];
        if values.len() == two_sided.len() {
            out[..values.len()].copy_from_slice(values);
            return;
        }
        for (out, row) in out.iter_mut().zip(two_sided) {
            *out = values[*row as usize];
        }
    }

    /// Takes a column of the two-sided rows.
    pub(crate) fn take(&mut self, column: SeriesColumn, values: &[f64]) {
        self.lanes[column as usize][..values.len()].copy_from_slice(values);
    }

    /// Takes clock and spread of a compacted batch.
    pub(crate) fn begin(&mut self, batch: &Batch) {
        self.rows = batch.rows();
        self.clock[..self.rows].copy_from_slice(batch.clock());
        let (bid, ask) = (batch.price_m(BookSide::Bid, 0), batch.price_m(BookSide::Ask, 0));
        map2(&mut self.spread_m[..self.rows], ask, bid, i64::wrapping_sub);
    }

    /// Computes a column that comes from the compacted batch itself; `step` is null where no difference is taken.
    pub(crate) fn derive(&mut self, column: SeriesColumn, batch: &Batch, step: &[f64]) {
        let rows = batch.rows();
        let out = &mut self.lanes[column as usize][..rows];
        let (bid, ask) = (batch.flow(BookSide::Bid, 0).price, batch.flow(BookSide::Ask, 0).price);
        let mut sums = |f: fn(&TradeSums) -> f64| {
            for (out, sums) in out.iter_mut().zip(batch.trades()) {
                *out = f(sums);
            }
        };
        match column {
            SeriesColumn::BuyVolume => sums(|s| s.buy),
            SeriesColumn::SellVolume => sums(|s| s.sell),
            SeriesColumn::UnknownVolume => sums(|s| s.unknown),
            SeriesColumn::TradeCount => sums(|s| s.count),
            SeriesColumn::Notional => sums(|s| s.notional),
            SeriesColumn::TradeVolume => sums(|s| s.volume),
            SeriesColumn::TradeImbalance => sums(TradeSums::imbalance),
            SeriesColumn::Mid => map2(out, &bid[1..], &ask[1..], |b, a| (b + a) / 2.0),
            SeriesColumn::Spread => map2(out, &bid[1..], &ask[1..], |b, a| a - b),
            SeriesColumn::MidDifference => {
                for (i, (out, step)) in out.iter_mut().zip(step).enumerate() {
                    let difference = (bid[i + 1] + ask[i + 1]) / 2.0 - (bid[i] + ask[i]) / 2.0;
                    *out = if step.is_nan() { f64::NAN } else { difference };
                }
            }
            // Taken from the table's columns.
            _ => {}
        }
    }
}
