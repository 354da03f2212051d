//! Tables `trades`, bars and `vpin` of real captures against their twins, row by row over the first part of each.

use hftcol::feature::{BarConfig, FeatureConfig, Simd};

use crate::feature_partitions::compute_tables;
use crate::feature_table_twins::{compare, compare_bars, compare_book_vpin, compare_trades, day};
use crate::feature_tables::Layout;
use crate::oracle::Market;
use crate::oracle::bars::{self, Limit};
use crate::windows::imported;

/// Trades compared at most: the twins look at every row for every row.
const TRADES: usize = 2_000;
/// Time after the last of them that the book goes on, so that mids after trades are known.
const AHEAD_NS: i64 = 90_000_000_000;

/// The market up to its first trades.
fn cut(mut market: Market) -> Market {
    market.trades.truncate(TRADES);
    let end = market.trades.last().map_or(i64::MAX, |trade| trade.clock.saturating_add(AHEAD_NS));
    market.book.retain(|snapshot| snapshot.clock <= end);
    market
}

fn check(inputs: &[&str], rows: usize) {
    let market = cut(imported(inputs, rows));
    assert!(market.trades.len() > 100 && market.book.len() > 500, "{} {}", market.trades.len(), market.book.len());
    let volume: i128 = market.trades.iter().map(|trade| i128::from(trade.qty.0)).sum();
    // Bars of about forty trades, at a size that no trade divides.
    let size = volume * 40 / market.trades.len() as i128 + 1;
    let text = |mantissa: i128, scale: u8| {
        let unit = 10_i128.pow(u32::from(scale));
        format!("{}.{:0width$}", mantissa / unit, mantissa % unit, width = usize::from(scale))
    };
    let amount = if market.size_scale == 0 { size.to_string() } else { text(size, market.size_scale) };
    let bars = BarConfig {
        seconds: vec![1, 60, 300],
        volume: Some(amount.parse().unwrap()),
        imbalance: Some(amount.parse().unwrap()),
        ticks: Some(37),
        ..BarConfig::default()
    };
    let config = FeatureConfig { bars, ..FeatureConfig::default() };
    let got = compute_tables(&market, &config, Layout::default(), Simd::Best);
    compare_trades(&market, &config, day(&market), &got);
    compare_bars(&market, &config, &got);
    compare_book_vpin(&market, &day(&market), &got);
    let limits = [
        ("volume_bars", Limit::Volume(size)),
        ("tick_bars", Limit::Ticks(37)),
        ("imbalance_bars", Limit::Imbalance(size)),
    ];
    for (name, limit) in limits {
        let expected = bars::event_bars(&market, limit);
        assert!(expected["ts_open"].len() > 2, "{name}");
        compare(name, &got.tables[name], expected, &[]);
    }
}

#[test]
fn lobster_amzn() {
    let of = |kind: &str| format!("lobster/AMZN_2012-06-21_34200000_57600000_{kind}_1.csv.gz");
    check(&[&of("message"), &of("orderbook")], 8_000);
}

#[test]
fn captures_in_the_layout_of_tardis() {
    for day in ["binance-futures_book_snapshot_25_2024-07-18", "binance_book_snapshot_25_2024-08-08"] {
        let book = format!("tardis_layout_converted/{day}_BTCUSDT.csv.gz");
        let trades = book.replace("book_snapshot_25", "trades");
        check(&[&book, &trades], 4_000);
    }
}

#[test]
fn ccxt_books() {
    let of = |kind: &str| format!("ccxt_ndjson_converted/binance_BTC-USDT_2024-08-08_{kind}.ndjson.gz");
    check(&[&of("orderbook"), &of("trades")], 4_000);
}
