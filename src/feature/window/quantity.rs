//! The quantities over a window of time: which terms each needs, and which window it has.

use crate::feature::FeatureConfig;
use crate::feature::series::SeriesColumn;
use crate::feature::window::terms::{Input, Term, Use};

/// A column over a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quantity {
    /// Sum; 0 when nothing contributes.
    Sum(SeriesColumn),
    /// Mean; null when nothing contributes.
    Mean(SeriesColumn),
    /// Sample standard deviation; null when fewer than two contribute.
    Std(SeriesColumn),
    /// Buy, sell and unknown volume.
    TradeVolume,
    /// Buy and sell volume; written under the seed's name only.
    SidedVolume,
    /// (buy-sell)/(buy+sell) of the sums.
    TradeImbalance,
    /// Root of the sum of squares; null when nothing contributes.
    Rv,
    MidHigh,
    MidLow,
    SnapshotCount,
    /// Sample standard deviation of the size within 5 bps.
    DepthNearStd,
    OfiBeta,
    OfiBetaR2,
    KyleLambda,
    KyleLambdaR2,
    SpreadPercentile,
    SpreadRegime,
    SpreadTightFrac,
    SpreadWideFrac,
}

/// Which configured window a quantity of a fixed window has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// `spread_window_s`.
    Spread,
    /// `regime_window_s`.
    Regime,
    /// `ofi_beta_window_s`.
    OfiBeta,
    /// `kyle_window_s`.
    Kyle,
    /// `slope_window_s`.
    Slope,
    /// `cog_window_s`.
    Cog,
    /// `depth_window_s`.
    Depth,
}

impl Window {
    /// Its seconds.
    #[must_use]
    pub fn seconds(self, config: &FeatureConfig) -> u32 {
        match self {
            Self::Spread => config.spread_window_s,
            Self::Regime => config.regime_window_s,
            Self::OfiBeta => config.ofi_beta_window_s,
            Self::Kyle => config.kyle_window_s,
            Self::Slope => config.slope_window_s,
            Self::Cog => config.cog_window_s,
            Self::Depth => config.depth_window_s,
        }
    }
}

/// x and y of a regression.
pub(crate) const OFI_PAIR: (Input, Input) = (Input::PairedOfi, Input::Column(SeriesColumn::LogReturn));
pub(crate) const KYLE_PAIR: (Input, Input) = (Input::PairedNetVolume, Input::Column(SeriesColumn::MidDifference));

impl Quantity {
    /// The columns of the series that it reads.
    pub(crate) fn needs(self) -> &'static [SeriesColumn] {
        use SeriesColumn as S;
        match self {
            Self::Sum(column) | Self::Mean(column) | Self::Std(column) => {
                let at = S::ALL.iter().position(|known| *known == column).unwrap_or(0);
                &S::ALL[at..=at]
            }
            Self::TradeVolume => &[S::BuyVolume, S::SellVolume, S::UnknownVolume],
            Self::TradeImbalance | Self::SidedVolume => &[S::BuyVolume, S::SellVolume],
            Self::Rv => &[S::LogReturn],
            Self::MidHigh | Self::MidLow => &[S::Mid],
            Self::DepthNearStd => &[S::BidNear, S::AskNear],
            Self::OfiBeta | Self::OfiBetaR2 => &[S::Ofi, S::LogReturn],
            Self::KyleLambda | Self::KyleLambdaR2 => &[S::BuyVolume, S::SellVolume, S::MidDifference],
            Self::SnapshotCount
            | Self::SpreadPercentile
            | Self::SpreadRegime
            | Self::SpreadTightFrac
            | Self::SpreadWideFrac => &[],
        }
    }

    /// The sums that it is made of.
    pub(crate) fn terms(self) -> Vec<(Term, Use)> {
        let value = |column, used| (Term::Value(Input::Column(column)), used);
        match self {
            Self::Sum(column) => vec![value(column, Use::Sum)],
            Self::Mean(column) => with_count(vec![value(column, Use::Sum)], Input::Column(column)),
            Self::Std(column) => moments(Input::Column(column)),
            Self::DepthNearStd => moments(Input::DepthNear),
            Self::TradeVolume => self.needs().iter().map(|column| value(*column, Use::Sum)).collect(),
            Self::TradeImbalance | Self::SidedVolume => {
                self.needs().iter().map(|column| value(*column, Use::Sum)).collect()
            }
            Self::Rv => {
                let x = Input::Column(SeriesColumn::LogReturn);
                with_count(vec![(Term::Product(x, x), Use::Sum)], x)
            }
            Self::OfiBeta | Self::OfiBetaR2 => pairs(OFI_PAIR),
            Self::KyleLambda | Self::KyleLambdaR2 => pairs(KYLE_PAIR),
            _ => Vec::new(),
        }
    }

    /// Inputs for which it must know how long they have been the same.
    pub(crate) fn runs(self) -> Vec<Input> {
        match self {
            Self::Std(column) => vec![Input::Column(column)],
            Self::DepthNearStd => vec![Input::DepthNear],
            Self::OfiBeta | Self::OfiBetaR2 => vec![OFI_PAIR.0, OFI_PAIR.1],
            Self::KyleLambda | Self::KyleLambdaR2 => vec![KYLE_PAIR.0, KYLE_PAIR.1],
            _ => Vec::new(),
        }
    }
}

fn with_count(mut terms: Vec<(Term, Use)>, input: Input) -> Vec<(Term, Use)> {
    if !input.is_never_null() {
        terms.push((Term::Count(input), Use::Sum));
    }
    terms
}

fn moments(x: Input) -> Vec<(Term, Use)> {
    with_count(vec![(Term::Value(x), Use::Exact), (Term::Product(x, x), Use::Exact)], x)
}

fn pairs((x, y): (Input, Input)) -> Vec<(Term, Use)> {
    let sums = [Term::Value(x), Term::Value(y), Term::Product(x, x), Term::Product(x, y), Term::Product(y, y)];
    let mut terms: Vec<(Term, Use)> = sums.map(|term| (term, Use::Exact)).to_vec();
    terms.push((Term::Count(x), Use::Sum));
    terms
}
