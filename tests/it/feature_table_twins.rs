//! Tables `trades`, bars and the column `vpin` of a computed market against their twins.

use hftcol::feature::FeatureConfig;

use crate::feature_partitions::{Tables, Values};
use crate::oracle::bars::{self, BarParameters};
use crate::oracle::trade_rows::{self, TradeParameters};
use crate::oracle::vpin::{self, VpinParameters};
use crate::oracle::{Columns, Market, Parameters, book_flow, book_structure};

/// Local midnight of 1970-01-01, the date that the tables of these tests carry.
pub(crate) fn midnight(market: &Market) -> i128 {
    let hours = match market.date_tz {
        "America/New_York" => 5,
        "Asia/Seoul" => -9,
        _ => 0,
    };
    hours * 3_600_000_000_000
}

fn book_columns(market: &Market, config: &FeatureConfig) -> Columns {
    let parameters = Parameters {
        levels: usize::from(config.levels),
        ofi_levels: usize::from(config.ofi_levels),
        mlofi_alpha: config.mlofi_alpha,
        max_gap_ns: config.max_gap_ns,
    };
    let mut columns = Columns::new();
    book_structure::structure(market, &parameters, &mut columns);
    book_flow::flow(market, &parameters, &mut columns);
    columns
}

/// Every column of a table; those that the twin alone has are a failure, too.
pub(crate) fn compare(table: &str, got: &Values, mut expected: Columns, keys: &[&str]) {
    for (name, values) in got.iter().filter(|(name, _)| !keys.contains(&name.as_str())) {
        let wanted = expected.remove(name).unwrap_or_default();
        assert_eq!(values.len(), wanted.len(), "rows of {table}.{name}");
        for (row, (got, wanted)) in values.iter().zip(&wanted).enumerate() {
            match wanted {
                None => assert!(got.is_nan(), "{table}.{name}, row {row}: {got} instead of null"),
                Some(number) => {
                    assert!(number.agrees(*got), "{table}.{name}, row {row}: {got} instead of {number:?}");
                }
            }
        }
    }
    assert!(expected.is_empty(), "{table} lacks {:?}", expected.keys());
}

pub(crate) fn compare_trades(market: &Market, config: &FeatureConfig, vpin: VpinParameters, got: &Tables) {
    let parameters = TradeParameters { horizons: config.horizons_s.clone(), impact: config.impact_s.clone(), vpin };
    let Some(table) = got.tables.get("trades") else {
        assert!(market.trades.is_empty());
        return;
    };
    let clocks: Vec<f64> = market.trades.iter().map(|t| t.clock as f64).collect();
    assert_eq!(table["ts_event"], clocks);
    compare("trades", table, trade_rows::trades(market, &parameters), &["ts_event"]);
}

pub(crate) fn compare_bars(market: &Market, config: &FeatureConfig, got: &Tables) {
    let book = book_columns(market, config);
    for seconds in &config.bars.seconds {
        let parameters = BarParameters {
            seconds: *seconds,
            dense: config.bars.dense,
            year_seconds: config.bars.year_seconds,
            midnight: midnight(market),
        };
        let name = format!("bars_{seconds}s");
        match got.tables.get(&name) {
            Some(table) => {
                let expected = bars::time_bars(market, &book, &parameters);
                if expected.is_empty() {
                    assert!(table.values().all(Vec::is_empty), "{name}");
                } else {
                    compare(&name, table, expected, &[]);
                }
            }
            None => assert!(market.book.is_empty() && market.trades.is_empty()),
        }
    }
}

pub(crate) fn day(market: &Market) -> VpinParameters {
    VpinParameters { bucket: None, parts: 50, buckets: 50, bulk_s: None, midnight: midnight(market) }
}

/// The book's `vpin` column.
pub(crate) fn compare_book_vpin(market: &Market, parameters: &VpinParameters, got: &Tables) {
    let Some(table) = got.tables.get("book") else { return };
    for (row, snapshot) in market.book.iter().enumerate() {
        let two_sided = !table["mid"][row].is_nan();
        let wanted = vpin::at_clock(market, parameters, snapshot.clock).filter(|_| two_sided);
        let got = table["vpin"][row];
        match wanted {
            None => assert!(got.is_nan(), "vpin, row {row}: {got} instead of null"),
            Some(number) => assert!(number.agrees(got), "vpin, row {row}: {got} instead of {number:?}"),
        }
    }
}
