//! Tables `trades`, bars and the column `vpin` against their twins, and against themselves.

use hftcol::feature::{
    BarConfig, BucketVolume, Classify, FeatureConfig, PartitionArena, PriorVolume, Simd, VpinConfig,
};
use hftcol::schema::Clock;
use proptest::prelude::*;

use crate::feature_markets::market;
use crate::feature_partitions::{Tables, compute_tables, compute_tables_in};
use crate::feature_table_twins::{compare, compare_bars, compare_book_vpin, compare_trades, day, midnight};
use crate::feature_tables::{HeapScratch, Layout};
use crate::oracle::bars::{self, Limit};
use crate::oracle::number::Num;
use crate::oracle::vpin::{self, VpinParameters};
use crate::oracle::{Cell, Columns, Market, RawLevel, Snapshot, Trade};

fn only(tables: &[&str]) -> FeatureConfig {
    FeatureConfig { tables: tables.iter().map(|t| (*t).to_owned()).collect(), ..FeatureConfig::default() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn trades_agree_with_their_twin(market in market(80)) {
        let config = FeatureConfig { horizons_s: vec![1, 60, 4_000], impact_s: vec![1, 300], ..only(&["trades"]) };
        let got = compute_tables(&market, &config, Layout::default(), Simd::Best);
        compare_trades(&market, &config, day(&market), &got);
    }

    #[test]
    fn time_bars_agree_with_their_twin(market in market(60), dense in any::<bool>()) {
        let bars = BarConfig { seconds: vec![1, 7, 300, 600], dense, ..BarConfig::default() };
        // Dense bars of a second over days would be all that the test does.
        let bars = if dense { BarConfig { seconds: vec![300, 450, 3_600], ..bars } } else { bars };
        let config = FeatureConfig { bars, ..only(&["bars"]) };
        compare_bars(&market, &config, &compute_tables(&market, &config, Layout::default(), Simd::Best));
    }

    #[test]
    fn event_bars_agree_with_their_twin(market in market(60), size in 1_i64..20_000, ticks in 1_u64..7) {
        let size_text = decimal(size, market.size_scale);
        let positive = market.trades.iter().all(|t| t.price.0 > 0);
        let dollars = i128::from(size) * i128::from(market.trades.first().map_or(1, |t| t.price.0.max(1)));
        let dollars = (positive && dollars < 1_i128 << 58).then_some(dollars as i64);
        let bars = BarConfig {
            volume: Some(size_text.parse().unwrap()),
            imbalance: Some(size_text.parse().unwrap()),
            ticks: Some(ticks),
            dollars: dollars.map(|d| decimal(d, market.size_scale + market.price_scale).parse().unwrap()),
            ..BarConfig::default()
        };
        let config = FeatureConfig { bars, ..only(&["event_bars"]) };
        let got = compute_tables(&market, &config, Layout::default(), Simd::Best);
        let size = i128::from(size);
        let mut limits = vec![
            ("volume_bars", Limit::Volume(size)),
            ("tick_bars", Limit::Ticks(ticks)),
            ("imbalance_bars", Limit::Imbalance(size)),
        ];
        limits.extend(dollars.map(|d| ("dollar_bars", Limit::Dollars(i128::from(d)))));
        for (name, limit) in limits {
            if let Some(table) = got.tables.get(name) {
                compare(name, table, bars::event_bars(&market, limit), &[]);
            }
        }
    }

    #[test]
    fn vpin_agrees_with_its_twin(market in market(60), bucket in 0_i64..9_000, buckets in 1_u32..60, bulk in any::<bool>()) {
        let fixed = (bucket > 0).then(|| decimal(bucket, market.size_scale).parse().unwrap());
        let vpin = VpinConfig {
            bucket_volume: fixed.map_or(BucketVolume::Day(7), BucketVolume::Fixed),
            classify: if bulk { Classify::Bvc } else { Classify::Side },
            bvc_bar_s: 30,
            buckets,
        };
        let features = vec!["mid".to_owned(), "vpin".to_owned()];
        let config = FeatureConfig { vpin, features, ..only(&["book", "trades"]) };
        let parameters = VpinParameters {
            bucket: (bucket > 0).then_some((i128::from(bucket), 1)),
            parts: 7,
            buckets: buckets as usize,
            bulk_s: bulk.then_some(30),
            midnight: midnight(&market),
        };
        let got = compute_tables(&market, &config, Layout::default(), Simd::Best);
        compare_book_vpin(&market, &parameters, &got);
        if let Some(table) = got.tables.get("trades") {
            let expected: Vec<Option<Num>> =
                (0..market.trades.len()).map(|i| vpin::after_trade(&market, &parameters, i)).collect();
            let expected: Columns = [("vpin".to_owned(), expected)].into_iter().collect();
            compare("trades", table, expected, &["ts_event"]);
        }
    }

    #[test]
    fn bits_of_all_tables_do_not_depend_on_layout_or_simd(market in market(200), segment_rows in 1_usize..300) {
        let bars = BarConfig {
            volume: Some("0.5".parse().unwrap()),
            ticks: Some(3),
            imbalance: Some("2".parse().unwrap()),
            ..BarConfig::default()
        };
        let config = FeatureConfig { bars, ..FeatureConfig::default() };
        let expected = compute_tables(&market, &config, Layout::default(), Simd::Baseline);
        let mut arena = PartitionArena::new(&config).unwrap();
        for block_rows in [64, 1_024] {
            let layout = Layout { block_rows, segment_rows, ..Layout::default() };
            let got =
                compute_tables_in(&market, &config, (layout, Clock::Event), PriorVolume::default(), &mut arena);
            prop_assert_eq!(got.bits(), expected.bits());
            prop_assert_eq!(&got.report, &expected.report);
        }
    }
}

/// The text of a mantissa, at most 12 decimals.
fn decimal(mantissa: i64, scale: u8) -> String {
    let digits = format!("{mantissa:0width$}", width = usize::from(scale) + 1);
    let (whole, decimals) = digits.split_at(digits.len() - usize::from(scale));
    if scale == 0 { whole.to_owned() } else { format!("{whole}.{decimals}") }
}

const SECOND: i64 = 1_000_000_000;

fn quote(clock_s: i64, bid: i64, ask: i64) -> Snapshot {
    let level = |price: i64| vec![RawLevel { price: Some(Cell(price)), size: Some(Cell(1)) }];
    Snapshot { clock: clock_s * SECOND, bids: level(bid), asks: level(ask) }
}

fn trade(clock_s: i64, price: i64, qty: i64, side: i64) -> Trade {
    Trade { clock: clock_s * SECOND, price: Cell(price), qty: Cell(qty), side: Some(side) }
}

fn of(book: Vec<Snapshot>, trades: Vec<Trade>) -> Market {
    Market { price_scale: 0, size_scale: 1, levels: 1, book, trades, date_tz: "UTC" }
}

fn with_bucket(volume: &str) -> FeatureConfig {
    let vpin = VpinConfig { bucket_volume: volume.parse().unwrap(), ..VpinConfig::default() };
    FeatureConfig { vpin, ..only(&["trades", "book", "bars_60s"]) }
}

fn near(got: f64, want: f64) -> bool {
    (got - want).abs() <= 1e-9 * want.abs().max(1.0) || (got.is_nan() && want.is_nan())
}

fn check(got: &Tables, table: &str, name: &str, expected: &[f64]) {
    let values = &got.tables[table][name];
    assert!(
        values.len() == expected.len() && values.iter().zip(expected).all(|(g, w)| near(*g, *w)),
        "{table}.{name}: {values:?} instead of {expected:?}"
    );
}

#[test]
fn one_large_trade_fills_its_buckets_and_ten_small_ones_fill_one() {
    let config = with_bucket("1");
    let got = compute_tables(&of(vec![], vec![trade(1, 100, 100, 1)]), &config, Layout::default(), Simd::Best);
    check(&got, "trades", "vpin", &[1.0]);
    let small: Vec<Trade> = (0..10).map(|i| trade(i, 100, 1, 1)).collect();
    let got = compute_tables(&of(vec![], small), &config, Layout::default(), Simd::Best);
    let mut expected = [f64::NAN; 10];
    expected[9] = 1.0;
    check(&got, "trades", "vpin", &expected);
    // A trade of any multiple costs no more than what is remembered.
    let huge = vec![trade(1, 100, 1_000_000_000_000_000, -1)];
    let got = compute_tables(&of(vec![], huge), &with_bucket("0.000000000001"), Layout::default(), Simd::Best);
    check(&got, "trades", "vpin", &[1.0]);
    // Half of a bucket bought, half sold.
    let mixed = vec![trade(1, 100, 5, 1), trade(2, 100, 5, -1), trade(3, 100, 7, 0)];
    let got = compute_tables(&of(vec![quote(2, 9, 11)], mixed), &config, Layout::default(), Simd::Best);
    check(&got, "trades", "vpin", &[f64::NAN, 0.0, 0.0]);
    check(&got, "book", "vpin", &[0.0]);
}

#[test]
fn prior_days_give_the_bucket() {
    let market = of(vec![], vec![trade(1, 100, 20, 1), trade(2, 100, 20, -1)]);
    let config = with_bucket("prior/2");
    let mut arena = PartitionArena::new(&config).unwrap();
    let layout = (Layout::default(), Clock::Event);
    let none = compute_tables_in(&market, &config, layout, PriorVolume::default(), &mut arena);
    check(&none, "trades", "vpin", &[f64::NAN, f64::NAN]);
    // 8.0 and 4.0 over two dates: 6 a date, buckets of 3.
    let prior = PriorVolume { volume_m: 120, scale: 1, dates: 2 };
    let got = compute_tables_in(&market, &config, layout, prior, &mut arena);
    check(&got, "trades", "vpin", &[f64::NAN, 1.0 / 3.0]);
}

#[test]
fn time_weighted_means_carry_the_state_in() {
    // The golden vector's book, with bars closed at their left end: 10 from 10 s, 20 from 40 s, 30 from 70 s.
    let market = of(vec![quote(10, 10, 10), quote(40, 20, 20), quote(70, 30, 30)], vec![]);
    let got = compute_tables(&market, &with_bucket("1"), Layout::default(), Simd::Best);
    check(&got, "bars_60s", "mid_twa", &[14.0, (20.0 * 10.0 + 30.0 * 50.0) / 60.0]);
    check(&got, "bars_60s", "open", &[10.0, 30.0]);
    check(&got, "bars_60s", "ts_open", &[0.0, 60e9]);
}

#[test]
fn impact_follows_the_golden_vector() {
    // A buy at 100 with the mid at 99 before it and at 101 after it.
    let market = of(vec![quote(1, 98, 100), quote(3, 100, 102), quote(400, 1, 2)], vec![trade(2, 100, 10, 0)]);
    let got = compute_tables(&market, &with_bucket("1"), Layout::default(), Simd::Best);
    check(&got, "trades", "sign", &[1.0]);
    check(&got, "trades", "sign_source", &[1.0]);
    check(&got, "trades", "effective_spread", &[2.0]);
    check(&got, "trades", "realized_spread_1s", &[-2.0]);
    check(&got, "trades", "price_impact_1s", &[4.0]);
    check(&got, "trades", "price_impact_1s_bps", &[4e4 / 99.0]);
}

#[test]
fn five_flow_rows_of_vpin() {
    let trades = vec![trade(3, 10_002, 20, 1), trade(4, 10_002, 10, 1), trade(4, 10_001, 30, -1)];
    let book = (1..=4).map(|t| quote(t, 10_000, 10_002)).collect();
    let got = compute_tables(&of(book, trades), &with_bucket("1"), Layout::default(), Simd::Best);
    check(&got, "book", "vpin", &[f64::NAN, f64::NAN, 1.0, 1.0]);
}

#[test]
fn a_dollar_bar_needs_a_price() {
    let market = of(vec![], vec![trade(1, -5, 10, 1)]);
    let bars = BarConfig { dollars: Some("1".parse().unwrap()), ..BarConfig::default() };
    let config = FeatureConfig { bars, ..only(&["dollar_bars"]) };
    let (_, trades) = crate::feature_tables::readers(&market, Layout::default());
    let inputs = hftcol::feature::PartitionInputs {
        book: &[],
        trades: &trades,
        changes: hftcol::feature::ChangeInputs::default(),
        clock: Clock::Event,
        date_tz: "UTC",
        prior: PriorVolume::default(),
    };
    let plan = hftcol::feature::PartitionPlan::new(&config, &inputs.table_shape()).unwrap();
    let mut arena = PartitionArena::new(&config).unwrap();
    let error =
        hftcol::feature::run_partition(&inputs, &plan, &mut arena, &mut HeapScratch::default(), &mut |_, _, _| Ok(()))
            .unwrap_err();
    assert!(error.to_string().contains("-5"), "{error}");
}
