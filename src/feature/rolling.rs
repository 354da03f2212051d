//! Rolling columns at every horizon: the families and their columns; the work is `window/`.

use crate::feature::registry::{Definition, Family, Kernel, LevelRule};
use crate::feature::series::SeriesColumn;
use crate::feature::window::Quantity;

const EMPTY: &str = "not two-sided; nothing in the window contributes";
const FEW: &str = "not two-sided; fewer than 2 contribute";
const SEED: &str = "seed (order-book ETL)";

const fn rolls(name: &'static str, unit: &'static str, formula: &'static str) -> Definition {
    Definition::new(name, unit, formula)
        .reads("two-sided rows with clock in (t-h, t], up to this one", "horizons_s, max_gap_ns")
        .source(SEED)
        .levels(LevelRule::Horizon)
}

pub(crate) const FAMILY: Family = Family {
    name: "rolling",
    table: "book",
    about: "sums, means and extremes over each horizon",
    columns: &[
        rolls("ofi_sum_{h}s", "size", "sum of ofi, 0 when empty").source("Cont, Kukanov, Stoikov 2014"),
        rolls("mlofi_sum_{h}s", "size", "sum of mlofi, 0 when empty").source("Xu, Gould, Howison 2018"),
        rolls("buy_volume_{h}s", "size", "sum of buy_volume"),
        rolls("sell_volume_{h}s", "size", "sum of sell_volume"),
        rolls("trade_volume_{h}s", "size", "sum of buy_volume, sell_volume and unknown_volume"),
        rolls("trade_imbalance_{h}s", "1", "(B-S)/(B+S) of buy_volume_{h}s and sell_volume_{h}s, 0 when both are 0")
            .alias("tfi_{h}s"),
        rolls("rv_{h}s", "1", "sqrt(sum of log_return^2)").null(EMPTY).alias("rvol_{h}s"),
        rolls("ret_std_{h}s", "1", "sample standard deviation (n-1) of log_return").null(FEW).alias("rv_{h}s"),
        rolls("ret_mean_{h}s", "1", "mean of log_return").null(EMPTY),
        rolls("spread_bps_mean_{h}s", "bps", "mean of spread_bps").null(EMPTY),
        rolls("imbalance_1_mean_{h}s", "1", "mean of imbalance_1"),
        rolls("mid_high_{h}s", "price", "max of mid"),
        rolls("mid_low_{h}s", "price", "min of mid"),
        rolls("snapshot_count_{h}s", "snapshots", "two-sided snapshots"),
    ],
    needs: &[],
    kernel: Kernel::Window(&[
        Quantity::Sum(SeriesColumn::Ofi),
        Quantity::Sum(SeriesColumn::Mlofi),
        Quantity::Sum(SeriesColumn::BuyVolume),
        Quantity::Sum(SeriesColumn::SellVolume),
        Quantity::TradeVolume,
        Quantity::TradeImbalance,
        Quantity::Rv,
        Quantity::Std(SeriesColumn::LogReturn),
        Quantity::Mean(SeriesColumn::LogReturn),
        Quantity::Mean(SeriesColumn::SpreadBps),
        Quantity::Mean(SeriesColumn::Imbalance1),
        Quantity::MidHigh,
        Quantity::MidLow,
        Quantity::SnapshotCount,
    ]),
};

/// More moments of ofi, trade_imbalance and log_return.
pub(crate) const STATS: Family = Family {
    name: "rolling_stats",
    table: "book",
    about: "more sums, means and deviations over each horizon",
    columns: &[
        rolls("ofi_mean_{h}s", "size", "mean of ofi").null(EMPTY).optional(),
        rolls("ofi_std_{h}s", "size", "sample standard deviation (n-1) of ofi").null(FEW).optional(),
        rolls("imbalance_sum_{h}s", "1", "sum of trade_imbalance").optional(),
        rolls("imbalance_mean_{h}s", "1", "mean of trade_imbalance").optional(),
        rolls("imbalance_std_{h}s", "1", "sample standard deviation (n-1) of trade_imbalance").null(FEW).optional(),
        rolls("ret_sum_{h}s", "1", "sum of log_return, 0 when empty").optional(),
    ],
    needs: &[],
    kernel: Kernel::Window(&[
        Quantity::Mean(SeriesColumn::Ofi),
        Quantity::Std(SeriesColumn::Ofi),
        Quantity::Sum(SeriesColumn::TradeImbalance),
        Quantity::Mean(SeriesColumn::TradeImbalance),
        Quantity::Std(SeriesColumn::TradeImbalance),
        Quantity::Sum(SeriesColumn::LogReturn),
    ]),
};

/// Columns that only the seed's names have.
pub(crate) const SEED_NAMES: Family = Family {
    name: "rolling_seed",
    table: "book",
    about: "rolling columns of the seed that the contract has under another definition, with --names seed only",
    columns: &[rolls("trade_vol_{h}s", "size", "sum of buy_volume and sell_volume").seed_only()],
    needs: &[],
    kernel: Kernel::Window(&[Quantity::SidedVolume]),
};
