//! `hftcol compute`: arguments, progress and the end of a run; the work is `hftcol::compute`.

mod progress;
mod report;

use std::path::PathBuf;

use hftcol::compute::{self, BookChoice, ComputeOptions, KeyFilter};
use hftcol::error::{Error, ErrorKind, Result};
use hftcol::exec::PinPolicy;
use hftcol::feature::{Amount, BarConfig, BucketVolume, Classify, FeatureConfig, Names, VpinConfig};
use hftcol::schema::Clock;
use hftcol::units::{Date, NANOS_PER_SECOND};

use crate::output::Output;
use crate::{signals, words};

/// Compute the features of stored partitions, in parallel on pinned workers.
///
/// Partitions whose output is up to date are skipped; one that fails does not stop the others.
///
/// Examples:
///   hftcol compute --store ./store --threads 16
///   hftcol compute --store ./store --venue binance --security 'BTC*' --from 2024-08-01 --output parquet --out ./features
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// The store.
    #[arg(long, env = "HFTCOL_STORE", value_name = "DIR")]
    store: PathBuf,
    /// Workers; one a usable core by default.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Cores of the workers: auto, off, or a list such as 0,2,4-7.
    #[arg(long, default_value = "auto", value_name = "auto|off|LIST")]
    pin: PinPolicy,
    /// Venues: names or globs, separated by commas.
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    venue: Vec<String>,
    /// Securities: names or globs, separated by commas.
    #[arg(long, alias = "symbol", value_delimiter = ',', value_name = "NAMES")]
    security: Vec<String>,
    /// First date.
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = words::date)]
    from: Option<Date>,
    /// Last date.
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = words::date)]
    to: Option<Date>,
    /// Name of the feature set in the store.
    #[arg(long, default_value = "default", value_name = "NAME")]
    set: String,
    /// Write into this folder in Hive layout, <DIR>/<table>/venue=.../security=.../date=.../part-0.*, not into the store.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Output format: hftc, parquet, arrow, csv, ndjson, or null to drop the results; may be given several times.
    #[arg(long, value_delimiter = ',', default_value = "hftc", value_name = "FORMAT")]
    output: Vec<String>,
    #[command(flatten)]
    features: FeatureArgs,
    /// Clock that orders everything: event or recv; event where every row has it by default.
    #[arg(long, value_name = "CLOCK", value_parser = words::clock)]
    clock: Option<Clock>,
    /// Table that serves as the book: auto, book, book_built, quotes.
    #[arg(long, default_value = "auto", value_name = "TABLE")]
    book: BookChoice,
    /// Go on from the state of the calendar date before, where the store has that date: the dates of a security become a
    /// chain, as if they were one stream. A changed date makes the later ones out of date.
    #[arg(long)]
    carry_state: bool,
    /// Compute what is up to date, too, and let the set take another configuration.
    #[arg(long)]
    force: bool,
    /// Attempts after an I/O error.
    #[arg(long, default_value_t = 3, value_name = "N")]
    retries: u32,
    /// Show what would be computed, its cost and memory; write nothing.
    #[arg(long)]
    dry_run: bool,
    /// Wait while another run holds the lock.
    #[arg(long)]
    wait: bool,
}

/// Options that change columns or values; all are part of the set's configuration.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Features")]
struct FeatureArgs {
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
    /// Tables: book, trades, bars (or bars_60s, ...), volume_bars, tick_bars, dollar_bars, imbalance_bars; globs; every one that
    /// has its parameter by default.
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

/// Options of bars and of VPIN, part of the configuration, too.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Bars and VPIN")]
struct BarArgs {
    /// Seconds of the time bars, a table bars_<SECONDS>s each; 60,300,900,3600 by default.
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

pub(crate) fn run(args: &Args, output: &Output) -> Result<()> {
    let options = options(args)?;
    let mut progress = progress::Progress::new(output);
    let result = compute::run(&options, &mut |event| progress.hear(event));
    progress.finish();
    let computed = result?;
    report::print(&computed, &options, output)?;
    if let Some(signal) = computed.interrupted {
        return Err(Error::new(ErrorKind::Interrupted { signal }));
    }
    match computed.failed() {
        0 => Ok(()),
        failed => {
            let what = format!("{failed} of {} partitions failed", computed.partitions.len());
            Err(Error::new(ErrorKind::Findings { what }))
        }
    }
}

fn options(args: &Args) -> Result<ComputeOptions> {
    let base = FeatureConfig::default();
    let chosen = &args.features;
    let windows = &chosen.windows;
    let features = FeatureConfig {
        features: chosen.features.clone(),
        levels: chosen.levels.unwrap_or(base.levels),
        raw_levels: chosen.raw_levels,
        mlofi_levels: chosen.mlofi_levels,
        ofi_levels: chosen.ofi_levels.unwrap_or(base.ofi_levels),
        mlofi_alpha: chosen.mlofi_alpha.unwrap_or(base.mlofi_alpha),
        max_gap_ns: chosen.max_gap.unwrap_or(base.max_gap_ns),
        tables: chosen.tables.clone(),
        horizons_s: chosen.horizons.clone().unwrap_or(base.horizons_s),
        spread_window_s: windows.spread_window.unwrap_or(base.spread_window_s),
        regime_window_s: windows.regime_window.unwrap_or(base.regime_window_s),
        tight_percent: windows.tight_percent.unwrap_or(base.tight_percent),
        wide_percent: windows.wide_percent.unwrap_or(base.wide_percent),
        ofi_beta_window_s: windows.ofi_beta_window.unwrap_or(base.ofi_beta_window_s),
        kyle_window_s: windows.kyle_window.unwrap_or(base.kyle_window_s),
        slope_window_s: windows.slope_window.unwrap_or(base.slope_window_s),
        cog_window_s: windows.cog_window.unwrap_or(base.cog_window_s),
        depth_window_s: windows.depth_window.unwrap_or(base.depth_window_s),
        impact_s: chosen.impact.clone().unwrap_or(base.impact_s),
        bars: chosen.bars.bars(),
        vpin: chosen.bars.vpin(),
        names: chosen.names.unwrap_or(base.names),
        emit_interval_ns: chosen.emit_interval.unwrap_or(base.emit_interval_ns),
    };
    if args.threads == Some(0) {
        return Err(Error::usage("--threads 0", "give at least 1, or leave it out for one a core"));
    }
    Ok(ComputeOptions {
        filter: KeyFilter::new(&args.venue, &args.security, args.from, args.to)?,
        set: args.set.clone(),
        features,
        clock: args.clock,
        book: args.book,
        carry_state: args.carry_state,
        outputs: args.output.clone(),
        out: args.out.clone(),
        threads: args.threads.unwrap_or(0),
        pin: args.pin.clone(),
        retries: args.retries,
        force: args.force,
        wait: args.wait,
        dry_run: args.dry_run,
        interrupt: signals::interrupt()?,
        ..ComputeOptions::new(&args.store)
    })
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
