//! Columns over windows of their own: the families and their columns; the work is `window/`.

use crate::feature::registry::{Definition, Family, Kernel, LevelRule};
use crate::feature::series::SeriesColumn;
use crate::feature::window::{Quantity, Window};
use crate::schema::LogicalType;

const ROWS: &str = "two-sided rows with clock in (t-w, t], up to this one";
const SEED: &str = "seed (order-book ETL)";
const EMPTY: &str = "not two-sided; nothing in the window contributes";
const FEW: &str = "not two-sided; fewer than 2 contribute";
const FLAT: &str = "not two-sided; n < 3; the regressor's centred sum of squares is <= 1e-12 of its raw one";
const FLAT_R2: &str = "as the slope; the response's centred sum of squares is <= 1e-12 of its raw one";

const fn over(
    name: &'static str,
    unit: &'static str,
    formula: &'static str,
    parameters: &'static str,
    window: Window,
) -> Definition {
    Definition::new(name, unit, formula).reads(ROWS, parameters).source(SEED).levels(LevelRule::Window(window))
}

const SPREAD: &str = "spread_window_s";
const REGIMES: &str = "spread_window_s, tight_percent, wide_percent";
const SHARES: &str = "regime_window_s, spread_window_s, tight_percent, wide_percent";

pub(crate) const SPREAD_STATE: Family = Family {
    name: "spread_state",
    table: "book",
    about: "the spread among those of its window, and the time spent tight and wide",
    columns: &[
        over("spread_percentile", "1", "(less+equal/2)/n of the exact spreads in w = 300 s", SPREAD, Window::Spread),
        over("spread_regime", "1", "0 when spread_percentile <= 0.2, 2 when >= 0.8, else 1", REGIMES, Window::Spread)
            .dtype(LogicalType::I8),
        over("spread_tight_frac", "1", "share of the known time in w = 300 s in regime 0", SHARES, Window::Regime)
            .null("not two-sided; no time has passed since the first two-sided snapshot"),
        over("spread_wide_frac", "1", "share of the known time in w = 300 s in regime 2", SHARES, Window::Regime)
            .null("not two-sided; no time has passed since the first two-sided snapshot"),
    ],
    needs: &[],
    kernel: Kernel::Window(&[
        Quantity::SpreadPercentile,
        Quantity::SpreadRegime,
        Quantity::SpreadTightFrac,
        Quantity::SpreadWideFrac,
    ]),
};

const BETA: &str = "ofi_beta_window_s, max_gap_ns";
const KYLE: &str = "kyle_window_s, max_gap_ns";

pub(crate) const IMPACT: Family = Family {
    name: "impact",
    table: "book",
    about: "regressions of price changes on flow, with intercept",
    columns: &[
        over("ofi_beta", "1/size", "slope of log_return on ofi, w = 300 s", BETA, Window::OfiBeta)
            .null(FLAT)
            .source("Cont, Kukanov, Stoikov 2014")
            .alias("kyle_lambda"),
        over("ofi_beta_r2", "1", "squared correlation of log_return and ofi, w = 300 s", BETA, Window::OfiBeta)
            .null(FLAT_R2)
            .source("Cont, Kukanov, Stoikov 2014")
            .alias("kyle_lambda_r2"),
        over("kyle_lambda", "price/size", "slope of m-m_p on buy_volume-sell_volume, w = 300 s", KYLE, Window::Kyle)
            .null(FLAT)
            .source("Kyle 1985; Hasbrouck 2009")
            .alias("kyle_lambda_volume"),
        over("kyle_lambda_r2", "1", "squared correlation of the same, w = 300 s", KYLE, Window::Kyle)
            .null(FLAT_R2)
            .source("Kyle 1985; Hasbrouck 2009")
            .alias("kyle_lambda_volume_r2"),
    ],
    needs: &[],
    kernel: Kernel::Window(&[Quantity::OfiBeta, Quantity::OfiBetaR2, Quantity::KyleLambda, Quantity::KyleLambdaR2]),
};

const SLOPE: &str = "slope_window_s";

pub(crate) const STEADINESS: Family = Family {
    name: "steadiness",
    table: "book",
    about: "mean and deviation of the book's shape",
    columns: &[
        over("bid_slope_reg_mean_60s", "size/bps", "mean of bid_slope_reg", SLOPE, Window::Slope)
            .null(EMPTY)
            .alias("bid_slope_mean_60s"),
        over("bid_slope_reg_std_60s", "size/bps", "sample standard deviation of bid_slope_reg", SLOPE, Window::Slope)
            .null(FEW),
        over("ask_slope_reg_mean_60s", "size/bps", "mean of ask_slope_reg", SLOPE, Window::Slope)
            .null(EMPTY)
            .alias("ask_slope_mean_60s"),
        over("ask_slope_reg_std_60s", "size/bps", "sample standard deviation of ask_slope_reg", SLOPE, Window::Slope)
            .null(FEW),
        over("cog_vs_mid_bps_mean_60s", "bps", "mean of cog_vs_mid_bps", "cog_window_s", Window::Cog)
            .null(EMPTY)
            .alias("cog_momentum_mean_60s"),
        over(
            "cog_vs_mid_bps_std_60s",
            "bps",
            "sample standard deviation of cog_vs_mid_bps",
            "cog_window_s",
            Window::Cog,
        )
        .null(FEW),
        over(
            "depth_5bps_std_300s",
            "size",
            "sample standard deviation of bid_vol_0_5bps+ask_vol_0_5bps",
            "depth_window_s",
            Window::Depth,
        )
        .null(FEW),
    ],
    needs: &[],
    kernel: Kernel::Window(&[
        Quantity::Mean(SeriesColumn::BidSlopeReg),
        Quantity::Std(SeriesColumn::BidSlopeReg),
        Quantity::Mean(SeriesColumn::AskSlopeReg),
        Quantity::Std(SeriesColumn::AskSlopeReg),
        Quantity::Mean(SeriesColumn::CogVsMidBps),
        Quantity::Std(SeriesColumn::CogVsMidBps),
        Quantity::DepthNearStd,
    ]),
};
