//! Arguments of `compute` that change columns or values: what a [`FeatureConfig`] is made of.

use hftcol::feature::{Amount, BarConfig, BucketVolume, Classify, FeatureConfig, Names, VpinConfig};
use hftcol::units::NANOS_PER_SECOND;

use crate::words;

/// Options that change columns or values; all are part of the set's configuration.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Features")]
pub(super) struct FeatureArgs {
    /// Families, column names or globs, separated by commas; see `hftcol features`.
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    features: Vec<String>,
    /// Book levels used at most.
    #[arg(long, value_name = "N")]
    levels: Option<u16>,
    /// Write the raw levels too: bid_px_00, bid_sz_00, ...
    #[arg(long)]
    raw_levels: bool,
    /// Write ofi_00, ofi_01, ...
    #[arg(long)]
    mlofi_levels: bool,
    /// Levels of mlofi, ofi_multi and ofi_{i}.
    #[arg(long, value_name = "N")]
    ofi_levels: Option<u16>,
    /// Decay of mlofi over the levels.
    #[arg(long, value_name = "ALPHA")]
    mlofi_alpha: Option<f64>,
    /// Longest time between two snapshots whose difference is taken, such as 300s, 5m, 500ms.
    #[arg(long, value_name = "TIME", value_parser = parse_nanos)]
    max_gap: Option<i64>,
    #[command(flatten)]
    windows: WindowArgs,
    /// Names of columns: contract, or seed where the seed has one.
    #[arg(long, value_name = "NAMES", value_parser = words::names)]
    names: Option<Names>,
    /// Write the first row, then only rows at least this long after the last one written.
    #[arg(long, value_name = "TIME", value_parser = parse_nanos)]
    emit_interval: Option<i64>,
    /// Leave out snapshots and trades that repeat the row before them: same clock, equal in everything but the source position.
    /// They are counted as skipped.
    #[arg(long)]
    dedupe: bool,
    /// Tables: book, trades, bars (or bars_60s, ...), orders (or orders_60s, ...), volume_bars, tick_bars, dollar_bars,
    /// imbalance_bars; globs; every one that has its parameter by default.
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    tables: Vec<String>,
    /// Seconds of the rolling windows; 5,15,60,300,900 by default.
    #[arg(long, value_delimiter = ',', value_name = "SECONDS")]
    horizons: Option<Vec<u32>>,
    /// Seconds after a trade at which the mid is looked up; 1,5,30,60 by default.
    #[arg(long, value_delimiter = ',', value_name = "SECONDS")]
    impact: Option<Vec<u32>>,
    #[command(flatten)]
    bars: BarArgs,
}

impl FeatureArgs {
    /// The configuration: what was given, else the defaults.
    pub(super) fn config(&self) -> FeatureConfig {
        let base = FeatureConfig::default();
        let windows = &self.windows;
        FeatureConfig {
            features: self.features.clone(),
            levels: self.levels.unwrap_or(base.levels),
            raw_levels: self.raw_levels,
            mlofi_levels: self.mlofi_levels,
            ofi_levels: self.ofi_levels.unwrap_or(base.ofi_levels),
            mlofi_alpha: self.mlofi_alpha.unwrap_or(base.mlofi_alpha),
            max_gap_ns: self.max_gap.unwrap_or(base.max_gap_ns),
            tables: self.tables.clone(),
            horizons_s: self.horizons.clone().unwrap_or(base.horizons_s),
            spread_window_s: windows.spread_window.unwrap_or(base.spread_window_s),
            regime_window_s: windows.regime_window.unwrap_or(base.regime_window_s),
            tight_percent: windows.tight_percent.unwrap_or(base.tight_percent),
            wide_percent: windows.wide_percent.unwrap_or(base.wide_percent),
            ofi_beta_window_s: windows.ofi_beta_window.unwrap_or(base.ofi_beta_window_s),
            kyle_window_s: windows.kyle_window.unwrap_or(base.kyle_window_s),
            slope_window_s: windows.slope_window.unwrap_or(base.slope_window_s),
            cog_window_s: windows.cog_window.unwrap_or(base.cog_window_s),
            depth_window_s: windows.depth_window.unwrap_or(base.depth_window_s),
            fleeting_ms: self.bars.fleeting_ms.unwrap_or(base.fleeting_ms),
            impact_s: self.impact.clone().unwrap_or(base.impact_s),
            bars: self.bars.bars(),
            vpin: self.bars.vpin(),
            names: self.names.unwrap_or(base.names),
            dedupe: self.dedupe,
            emit_interval_ns: self.emit_interval.unwrap_or(base.emit_interval_ns),
        }
    }
}

/// Options of bars, of order metrics and of VPIN, part of the configuration, too.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Bars, orders and VPIN")]
struct BarArgs {
    /// Seconds of the time bars, a table bars_<SECONDS>s each, and orders_<SECONDS>s where orders are stored; 60,300,900,3600 by default.
    #[arg(long, value_delimiter = ',', value_name = "SECONDS")]
    bars: Option<Vec<u32>>,
    /// Write time bars without rows, too.
    #[arg(long)]
    dense: bool,
    /// Write volume_bars of this quantity.
    #[arg(long, value_name = "QTY")]
    volume_bars: Option<Amount>,
    /// Write tick_bars of so many trades.
    #[arg(long, value_name = "N")]
    tick_bars: Option<u64>,
    /// Write dollar_bars of this notional.
    #[arg(long, value_name = "NOTIONAL")]
    dollar_bars: Option<Amount>,
    /// Write imbalance_bars of this signed quantity.
    #[arg(long, value_name = "QTY")]
    imbalance_bars: Option<Amount>,
    /// Seconds of a year in ann_vol; 31536000 by default.
    #[arg(long, value_name = "SECONDS")]
    year_seconds: Option<u64>,
    /// Milliseconds before which an order that is cancelled whole counts as fleeting; 100 by default.
    #[arg(long, value_name = "MS")]
    fleeting_ms: Option<u32>,
    /// Volume of a VPIN bucket: a quantity, day/N or prior/N; day/50 by default.
    #[arg(long, value_name = "VOLUME")]
    vpin_bucket_volume: Option<BucketVolume>,
    /// How VPIN puts trades down to buyers and sellers: side or bvc.
    #[arg(long, default_value = "side", value_name = "WAY")]
    vpin_classify: Classify,
    /// Seconds of the bars of bulk volume classification; 60 by default.
    #[arg(long, value_name = "SECONDS")]
    vpin_bvc_bar: Option<u32>,
    /// Buckets in the mean of VPIN; 50 by default.
    #[arg(long, value_name = "N")]
    vpin_buckets: Option<u32>,
}

impl BarArgs {
    fn bars(&self) -> BarConfig {
        let base = BarConfig::default();
        BarConfig {
            seconds: self.bars.clone().unwrap_or(base.seconds),
            dense: self.dense,
            volume: self.volume_bars,
            ticks: self.tick_bars,
            dollars: self.dollar_bars,
            imbalance: self.imbalance_bars,
            year_seconds: self.year_seconds.unwrap_or(base.year_seconds),
        }
    }

    fn vpin(&self) -> VpinConfig {
        let base = VpinConfig::default();
        VpinConfig {
            bucket_volume: self.vpin_bucket_volume.unwrap_or(base.bucket_volume),
            classify: self.vpin_classify,
            bvc_bar_s: self.vpin_bvc_bar.unwrap_or(base.bvc_bar_s),
            buckets: self.vpin_buckets.unwrap_or(base.buckets),
        }
    }
}

/// Windows of columns that have one of their own.
#[derive(Debug, clap::Args)]
struct WindowArgs {
    /// Seconds of spread_percentile and spread_regime; 300 by default.
    #[arg(long, value_name = "SECONDS")]
    spread_window: Option<u32>,
    /// Seconds of spread_tight_frac and spread_wide_frac; 300 by default.
    #[arg(long, value_name = "SECONDS")]
    regime_window: Option<u32>,
    /// Percentile up to which a spread is tight; 20 by default.
    #[arg(long, value_name = "PERCENT")]
    tight_percent: Option<u8>,
    /// Percentile from which on a spread is wide; 80 by default.
    #[arg(long, value_name = "PERCENT")]
    wide_percent: Option<u8>,
    /// Seconds of ofi_beta; 300 by default.
    #[arg(long, value_name = "SECONDS")]
    ofi_beta_window: Option<u32>,
    /// Seconds of kyle_lambda; 300 by default.
    #[arg(long, value_name = "SECONDS")]
    kyle_window: Option<u32>,
    /// Seconds of the mean and deviation of the slopes; 60 by default.
    #[arg(long, value_name = "SECONDS")]
    slope_window: Option<u32>,
    /// Seconds of the mean and deviation of the centre of gravity; 60 by default.
    #[arg(long, value_name = "SECONDS")]
    cog_window: Option<u32>,
    /// Seconds of the deviation of the size within 5 bps; 300 by default.
    #[arg(long, value_name = "SECONDS")]
    depth_window: Option<u32>,
}

/// A number with a unit (ns, us, ms, s, m, h; seconds without one) as nanoseconds.
pub(crate) fn parse_nanos(text: &str) -> Result<i64, String> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let factor = match unit {
        "ns" => 1,
        "us" => 1_000,
        "ms" => 1_000_000,
        "" | "s" => NANOS_PER_SECOND,
        "m" => 60 * NANOS_PER_SECOND,
        "h" => 3_600 * NANOS_PER_SECOND,
        _ => return Err("expected a whole number and a unit: ns, us, ms, s, m, h".to_owned()),
    };
    let number: i64 = number.parse().map_err(|_| "expected a whole number and a unit, such as 300s".to_owned())?;
    number.checked_mul(factor).ok_or_else(|| "too long: over 292 years".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        assert_eq!(parse_nanos("300s"), Ok(300 * NANOS_PER_SECOND));
        assert_eq!(parse_nanos("5m"), Ok(300 * NANOS_PER_SECOND));
        assert_eq!(parse_nanos("2"), Ok(2 * NANOS_PER_SECOND));
        assert_eq!(parse_nanos("500ms"), Ok(500_000_000));
        assert!(parse_nanos("-1s").is_err() && parse_nanos("1d").is_err() && parse_nanos("9999999999h").is_err());
    }
}
