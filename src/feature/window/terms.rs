//! What windows add up: inputs taken from the series, and terms made of them.

use crate::feature::series::{Series, SeriesColumn};

/// A column of contributions; null where the row contributes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    Column(SeriesColumn),
    /// Order flow imbalance in rows that have a return, too.
    PairedOfi,
    /// Buy minus sell volume in rows that have a mid difference.
    PairedNetVolume,
    /// Size of both sides within 5 bps.
    DepthNear,
}

impl Input {
    /// Every two-sided row contributes.
    pub(crate) fn is_never_null(self) -> bool {
        matches!(
            self,
            Self::Column(
                SeriesColumn::BuyVolume
                    | SeriesColumn::SellVolume
                    | SeriesColumn::UnknownVolume
                    | SeriesColumn::TradeImbalance
                    | SeriesColumn::Imbalance1
                    | SeriesColumn::Mid
            )
        )
    }

    /// Writes the contributions of a batch.
    pub(crate) fn fill(self, series: &Series, out: &mut [f64]) {
        let column = |column| series.column(column);
        match self {
            Self::Column(of) => out.copy_from_slice(column(of)),
            Self::PairedOfi => {
                let pairs = column(SeriesColumn::Ofi).iter().zip(column(SeriesColumn::LogReturn));
                for (out, (ofi, other)) in out.iter_mut().zip(pairs) {
                    *out = if other.is_nan() { f64::NAN } else { *ofi };
                }
            }
            Self::PairedNetVolume => {
                let (buy, sell) = (column(SeriesColumn::BuyVolume), column(SeriesColumn::SellVolume));
                let rows = buy.iter().zip(sell).zip(column(SeriesColumn::MidDifference));
                for (out, ((buy, sell), other)) in out.iter_mut().zip(rows) {
                    *out = if other.is_nan() { f64::NAN } else { buy - sell };
                }
            }
            Self::DepthNear => {
                let sides = column(SeriesColumn::BidNear).iter().zip(column(SeriesColumn::AskNear));
                for (out, (bid, ask)) in out.iter_mut().zip(sides) {
                    *out = bid + ask;
                }
            }
        }
    }
}

/// A running sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Term {
    /// Of contributions.
    Value(Input),
    /// Of rows that contribute.
    Count(Input),
    /// Of products of two contributions that are null in the same rows.
    Product(Input, Input),
}

impl Term {
    /// The inputs that it is made of.
    pub(crate) fn inputs(self) -> [Input; 2] {
        match self {
            Self::Value(x) | Self::Count(x) => [x, x],
            Self::Product(x, y) => [x, y],
        }
    }
}

/// How a quantity uses a term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// The rounded sum is enough.
    Sum,
    /// Sums nearly cancel each other: both halves are needed.
    Exact,
}
