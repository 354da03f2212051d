//! Golden vectors: one snapshot and five flow rows worked out by hand and by earlier systems.

use hftcol::feature::Simd;

use crate::feature_tables::{Computed, Layout, compute};
use crate::feature_twins::everything;
use crate::oracle::{Cell, Market, RawLevel, Snapshot, Trade};

fn side(levels: &[(i64, i64)], stored: usize) -> Vec<RawLevel> {
    let mut side: Vec<RawLevel> =
        levels.iter().map(|(p, s)| RawLevel { price: Some(Cell(*p)), size: Some(Cell(*s)) }).collect();
    side.resize(stored, RawLevel::default());
    side
}

fn run(market: &Market) -> Computed {
    compute(market, &everything(), Layout::default(), Simd::Best)
}

/// Values to 1e-9 relative; NaN is null.
fn check(got: &Computed, name: &str, expected: &[f64]) {
    let values = &got.columns[name];
    assert_eq!(values.len(), expected.len(), "{name}");
    for (row, (got, want)) in values.iter().zip(expected).enumerate() {
        let near = (got - want).abs() <= 1e-9 * want.abs().max(1e-7);
        assert!(near || (got.is_nan() && want.is_nan()), "{name}, row {row}: {got} instead of {want}");
    }
}

#[test]
fn one_snapshot() {
    let bids: Vec<(i64, i64)> = (0..6).map(|i| (10_000 - i, 10 * (i + 1))).collect();
    let asks: Vec<(i64, i64)> = (0..6).map(|i| (10_002 + i, 5 * (i + 1))).collect();
    let market = Market {
        price_scale: 2,
        size_scale: 0,
        levels: 20,
        book: vec![Snapshot { clock: 0, bids: side(&bids, 20), asks: side(&asks, 20) }],
        trades: vec![],
        date_tz: "UTC",
    };
    let got = run(&market);
    let third = 1.0 / 3.0;
    for (name, value) in [
        ("best_bid", 100.0),
        ("best_ask", 100.02),
        ("mid", 100.01),
        ("spread", 0.02),
        ("spread_bps", 1.999_800_02),
        ("imbalance_1", third),
        ("microprice", 100.013_333_333_3),
        ("bid_vol_0_5bps", 150.0),
        ("ask_vol_0_5bps", 75.0),
        ("bid_vol_5_10bps", 60.0),
        ("ask_vol_5_10bps", 30.0),
        ("bid_vol_10_25bps", 0.0),
        ("ask_vol_50_100bps", 0.0),
        ("imb_0_5bps", third),
        ("imb_5_10bps", third),
        ("imb_10_25bps", 0.0),
        ("imb_25_50bps", 0.0),
        ("imb_50_100bps", 0.0),
        ("bid_depth", 210.0),
        ("ask_depth", 105.0),
        ("depth_imbalance", third),
        ("bid_hhi", 0.206_349_206_349_206_35),
        ("ask_hhi", 0.206_349_206_349_206_35),
        ("bid_depth50_level", 4.0),
        ("ask_depth50_level", 4.0),
        ("vwap_bid_5", 99.973_333_333_3),
        ("vwap_ask_5", 100.046_666_666_7),
        ("vwap_spread_5", 0.073_333_333_333_333),
        ("smart_bid_depth", 201.117_625_549_1),
        ("smart_ask_depth", 100.558_812_774_6),
        ("smart_imbalance", third),
        ("lambda_like", 8.888_888_888_9e-5),
        ("amihud_like", 6.349_206_349_2e-5),
        ("bid_slope", 2.666_666_666_7e-4),
        ("ask_slope", 5.333_333_333_3e-4),
        ("bid_slope_reg", 40.004),
        ("ask_slope_reg", 20.002),
        ("slope_asymmetry", 2.0),
        ("cog", 99.995_555_555_6),
        ("cog_vs_mid_bps", -1.444_300_014_4),
        ("book_convexity", 0.714_285_714_285_714),
        ("decay_5", 5.0),
        ("bid_wall_level", 5.0),
        ("book_flags", 8.0),
        ("day_of_week", 3.0),
    ] {
        check(&got, name, &[value]);
    }
    for name in ["ofi", "mlofi", "log_return", "mid_velocity", "mid_accel", "trade_vwap"] {
        check(&got, name, &[f64::NAN]);
    }
    check(&got, "buy_volume", &[0.0]);
}

#[test]
fn five_flow_rows() {
    type Levels<'a> = &'a [(i64, i64)];
    let rows: [(i64, Levels<'_>, Levels<'_>); 5] = [
        (1, &[(10_000, 10), (9_999, 20)], &[(10_002, 5), (10_003, 10)]),
        (2, &[(10_000, 12), (9_999, 18)], &[(10_002, 4), (10_003, 10)]),
        (3, &[(10_001, 3), (10_000, 12)], &[(10_002, 4), (10_003, 10)]),
        (4, &[(10_000, 12), (9_999, 18)], &[(10_001, 7), (10_002, 4)]),
        (400, &[(10_000, 1), (9_999, 1)], &[(10_002, 1), (10_003, 1)]),
    ];
    let second = 1_000_000_000;
    let book = rows.map(|(t, b, a)| Snapshot { clock: t * second, bids: side(b, 2), asks: side(a, 2) }).to_vec();
    // The first belongs to the snapshot of its own time, the last to none.
    let trades = [(3, 2, 10_002, 1), (4, 1, 10_002, 1), (4, 3, 10_001, -1), (401, 1, 10_001, 1)]
        .map(|(t, q, p, side)| Trade { clock: t * second, price: Cell(p), qty: Cell(q), side: Some(side) })
        .to_vec();
    let market = Market { price_scale: 2, size_scale: 0, levels: 2, book, trades, date_tz: "UTC" };
    let got = run(&market);
    let null = f64::NAN;
    check(&got, "ofi", &[null, 3.0, 3.0, -10.0, null]);
    check(&got, "mlofi", &[null, 1.786_938_681, 10.278_367_917, -19.704_490_555, null]);
    check(&got, "log_return", &[null, 0.0, 4.999_375_08e-5, -9.999_000_11e-5, null]);
    check(&got, "mid_velocity", &[null, 0.0, 0.005, -0.01, null]);
    check(&got, "mid_accel", &[null, null, 0.005, -0.015, null]);
    check(&got, "book_flags", &[8.0, 0.0, 0.0, 0.0, 16.0]);
    check(&got, "buy_volume", &[0.0, 0.0, 2.0, 1.0, 0.0]);
    check(&got, "sell_volume", &[0.0, 0.0, 0.0, 3.0, 0.0]);
    check(&got, "trade_count", &[0.0, 0.0, 1.0, 2.0, 0.0]);
    check(&got, "trade_imbalance", &[0.0, 0.0, 1.0, -0.5, 0.0]);
    check(&got, "trade_vwap", &[null, null, 100.02, (100.02 + 3.0 * 100.01) / 4.0, null]);
    check(&got, "ofi_sum_5s", &[0.0, 3.0, 6.0, -4.0, 0.0]);
    check(&got, "trade_imbalance_5s", &[0.0, 0.0, 1.0, 0.0, 0.0]);
    check(&got, "trade_volume_5s", &[0.0, 0.0, 2.0, 6.0, 0.0]);
    check(&got, "rv_5s", &[null, 0.0, 4.999_375_079e-5, 1.117_916_608e-4, null]);
    check(&got, "ofi_beta", &[null, null, null, 9.614_375_114e-6, null]);
    check(&got, "ofi_beta_r2", &[null, null, null, 0.892_860_969, null]);
    check(&got, "kyle_lambda", &[null, null, null, 0.003_75, null]);
    check(&got, "kyle_lambda_r2", &[null, null, null, 0.964_285_714_3, null]);
    check(&got, "spread_percentile", &[0.5, 0.5, 1.0 / 6.0, 0.25, 0.5]);
    check(&got, "spread_regime", &[1.0, 1.0, 0.0, 1.0, 1.0]);
    check(&got, "spread_tight_frac", &[null, 0.0, 0.0, 1.0 / 3.0, 0.0]);
    assert_eq!((got.report.merge.trades_after_last, got.report.merge.gaps), (1, 1));
}
