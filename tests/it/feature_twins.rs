//! A computed table `book` against its twins: every value of every column, nulls included.

use hftcol::feature::FeatureConfig;

use crate::feature_tables::Computed;
use crate::oracle::book_windows::{Windows, windows};
use crate::oracle::number::Num;
use crate::oracle::{Columns, Market, Parameters, book_flow, book_structure, vpin};

pub(crate) fn everything() -> FeatureConfig {
    FeatureConfig {
        mlofi_levels: true,
        features: ["*", "vwap_10", "rolling_stats"].map(str::to_owned).to_vec(),
        ..FeatureConfig::default()
    }
}

fn twins(market: &Market, config: &FeatureConfig) -> (Columns, usize) {
    let parameters = Parameters {
        levels: usize::from(config.levels),
        ofi_levels: usize::from(config.ofi_levels),
        mlofi_alpha: config.mlofi_alpha,
        max_gap_ns: config.max_gap_ns,
    };
    let mut columns = Columns::new();
    book_structure::structure(market, &parameters, &mut columns);
    let left = book_flow::flow(market, &parameters, &mut columns);
    let two_sided = |row: usize| columns.get("mid").is_some_and(|mid| mid.get(row).is_some_and(Option::is_some));
    let vpin = |row: usize| vpin::at_clock(market, &vpin_of_day(), market.book[row].clock);
    let vpins = (0..market.book.len()).map(|row| if two_sided(row) { vpin(row) } else { None }).collect();
    columns.insert("vpin".to_owned(), vpins);
    columns.values_mut().for_each(|values| values.resize(market.book.len(), None));
    (columns, left)
}

fn vpin_of_day() -> vpin::VpinParameters {
    vpin::VpinParameters { bucket: None, parts: 50, buckets: 50, bulk_s: None, midnight: 0 }
}

/// The windows of a configuration, for the twins.
fn window_parameters(config: &FeatureConfig) -> Windows {
    let nanos = |seconds: u32| i64::from(seconds) * 1_000_000_000;
    let named = |seconds: u32| (seconds, nanos(seconds));
    Windows {
        horizons: config.horizons_s.iter().map(|s| named(*s)).collect(),
        spread: nanos(config.spread_window_s),
        regime: nanos(config.regime_window_s),
        tight_percent: i128::from(config.tight_percent),
        wide_percent: i128::from(config.wide_percent),
        ofi_beta: nanos(config.ofi_beta_window_s),
        kyle: nanos(config.kyle_window_s),
        slope: named(config.slope_window_s),
        cog: named(config.cog_window_s),
        depth: named(config.depth_window_s),
    }
}

/// The window columns; returns their names.
fn compare_windows(market: &Market, config: &FeatureConfig, got: &Computed, every: usize) -> Vec<String> {
    let windows_of = window_parameters(config);
    let (expected, looked_at) = windows(market, usize::from(config.levels), &windows_of, &got.columns, every);
    for (name, wanted) in &expected {
        let values = got.columns.get(name).unwrap_or_else(|| panic!("{name} is not computed"));
        for (row, (got, wanted)) in values.iter().zip(wanted).enumerate().filter(|(row, _)| looked_at[*row]) {
            match wanted {
                None => assert!(got.is_nan(), "{name}, row {row}: {got} instead of null"),
                Some((_, tolerance)) if tolerance.is_infinite() => {}
                Some((value, tolerance)) => {
                    assert!((got - value).abs() <= *tolerance, "{name}, row {row}: {got} instead of {value}");
                }
            }
        }
    }
    expected.into_keys().collect()
}

/// Every value of every column, nulls included.
pub(crate) fn compare(market: &Market, config: &FeatureConfig, got: &Computed) {
    compare_some(market, config, got, 1);
}

/// The same, of the window columns only one row in `every`.
pub(crate) fn compare_some(market: &Market, config: &FeatureConfig, got: &Computed, every: usize) {
    let (mut expected, left) = twins(market, config);
    let compared = compare_windows(market, config, got, every);
    let flags = expected.get("book_flags").cloned().unwrap_or_default();
    for (name, values) in &got.columns {
        if name == "ts_event" {
            let clocks: Vec<f64> = market.book.iter().map(|s| s.clock as f64).collect();
            assert_eq!(*values, clocks);
            continue;
        }
        if compared.contains(name) {
            continue;
        }
        let wanted = expected.remove(name).unwrap_or_else(|| vec![None; market.book.len()]);
        for (row, (got, wanted)) in values.iter().zip(&wanted).enumerate() {
            match wanted {
                None => assert!(got.is_nan(), "{name}, row {row}: {got} instead of null"),
                Some(number) => assert!(number.agrees(*got), "{name}, row {row}: {got} instead of {number:?}"),
            }
        }
    }
    let n = usize::from(config.levels).min(market.levels);
    let missing: Vec<_> = expected.keys().filter(|name| !beyond(name, n)).collect();
    assert!(missing.is_empty() || market.book.is_empty(), "not computed: {missing:?}");
    let merge = got.report.merge;
    assert_eq!(merge.book_rows, market.book.len() as u64);
    assert_eq!(merge.book_rows, merge.two_sided + merge.one_sided);
    assert_eq!(got.report.rows_out, merge.book_rows);
    assert_eq!(merge.trade_rows, market.trades.len() as u64);
    let count = |bit: u64| {
        let has = |f: &&Option<Num>| f.is_some_and(|f| f.v as u64 & bit != 0);
        flags.iter().filter(has).count() as u64
    };
    assert_eq!((merge.one_sided, merge.locked, merge.crossed), (count(1), count(2), count(4)));
    assert_eq!((merge.gaps, merge.equal_clocks), (count(16), count(32)));
    assert_eq!((merge.trades_after_last, merge.trades_used), (left as u64, merge.trade_rows - left as u64));
}

/// Twins of level columns that a small N does not have.
fn beyond(name: &str, n: usize) -> bool {
    name.strip_prefix("ofi_").and_then(|i| i.parse().ok()).is_some_and(|i: usize| i >= n)
}
